/**
 * Mistakes of the author, as values.
 *
 * A diagnostic says what is wrong in one sentence, where, why (spans of the reasons) and offers at most one edit.
 * It is data: `support/report.ts` draws it for a terminal, `--json` prints it as it is. The codes live in `support/catalogue.ts`.
 */
import type { Span } from "./source.ts";

/** A reason with its place: "Whi is H×H because of `Whi·h[t-1]`". */
export interface Reason {
  readonly message: string;
  readonly span?: Span;
}

/** One edit that an editor can apply: replace the span by the text. */
export interface Edit {
  readonly span: Span;
  readonly text: string;
  /** How the edit is offered: "try `Whi·h[t-1]`". */
  readonly label: string;
}

export interface Diagnostic {
  /** Stable code from the catalogue: E0xx syntax, E1xx names, E2xx shapes, E3xx time, E4xx data and use; W… warnings. */
  readonly code: string;
  readonly severity: "error" | "warning";
  /** One sentence without its full stop; names only what the author wrote. */
  readonly message: string;
  readonly span: Span;
  /** Short label under the span: "H ≠ D". */
  readonly label?: string;
  readonly reasons?: readonly Reason[];
  readonly edit?: Edit;
}

/** Thrown by the public API when a program with errors is used as if it had none; holds the diagnostics and their report. */
export class SluiceError extends Error {
  override readonly name = "SluiceError";
  readonly code: string;
  readonly diagnostics: readonly Diagnostic[];
  constructor(code: string, message: string, diagnostics: readonly Diagnostic[] = [], options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.diagnostics = diagnostics;
  }
}
