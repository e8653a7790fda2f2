/**
 * The one catalogue of diagnostic codes: E0xx syntax, E1xx names, E2xx shapes, E3xx time, E4xx data and use, W0xx warnings.
 *
 * Every code has a sample with its expected report under `test/errors`, and an entry in `docs/errors.md`, which is generated from here.
 */
import type { CatalogueEntry } from "./catalogue/entry.ts";
import { MEANING } from "./catalogue/meaning.ts";
import { SYNTAX } from "./catalogue/syntax.ts";
import { USE } from "./catalogue/use.ts";

export type { CatalogueEntry } from "./catalogue/entry.ts";

export const CATALOGUE = { ...SYNTAX, ...MEANING, ...USE } as const;

export type Code = keyof typeof CATALOGUE;

/** The entry of a code, if there is such a code. */
export function entryOf(code: string): CatalogueEntry | undefined {
  return Object.hasOwn(CATALOGUE, code) ? CATALOGUE[code as Code] : undefined;
}
