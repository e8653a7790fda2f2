/** One line of the catalogue of diagnostics; `docs/errors.md` is generated from these. */
export interface CatalogueEntry {
  /** The mistake in a few words. */
  readonly title: string;
  /** One to three sentences: what it means and how it is cured. */
  readonly explanation: string;
}
