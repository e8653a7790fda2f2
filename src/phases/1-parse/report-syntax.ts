/**
 * Collects the diagnostics of one parse.
 *
 * One mistake gives one message: LaTeX is reported once per text, at most one message begins at an offset, and their number is bounded.
 */
import type { SyntaxCode } from "../../support/catalogue/syntax.ts";
import type { Diagnostic, Edit, Reason } from "../../support/diagnostic.ts";
import type { Span } from "../../support/source.ts";

const MAX_DIAGNOSTICS = 100;

export interface Details {
  readonly label?: string;
  readonly reasons?: readonly Reason[];
  readonly edit?: Edit;
}

export interface Reporter {
  error(code: SyntaxCode, span: Span, message: string, details?: Details): void;
  warning(code: SyntaxCode, span: Span, message: string, details?: Details): void;
  /** A piece of LaTeX; the first of a text is reported. */
  latex(span: Span, text: string, edit: Edit | undefined): void;
  /** Takes back what was reported inside a place, because one message about the whole place says it. */
  retract(span: Span): void;
  /** Everything reported, in the order of the text. */
  finish(): readonly Diagnostic[];
}

/** Only the span of something that has one, such as a token. */
function plain(span: Span): Span {
  return { start: span.start, end: Math.max(span.start, span.end) };
}

/** An empty reporter. */
export function createReporter(): Reporter {
  let found: Diagnostic[] = [];
  const places = new Set<number>();
  let hasLatex = false;
  const add = (diagnostic: Diagnostic): void => {
    const { span, edit } = diagnostic;
    if (found.length >= MAX_DIAGNOSTICS || places.has(span.start)) return;
    places.add(span.start);
    found.push({ ...diagnostic, span: plain(span), ...(edit ? { edit: { ...edit, span: plain(edit.span) } } : {}) });
  };
  return {
    error: (code, span, message, details = {}) => add({ code, severity: "error", message, span, ...details }),
    warning: (code, span, message, details = {}) => add({ code, severity: "warning", message, span, ...details }),
    latex(span, text, edit) {
      if (hasLatex) return;
      hasLatex = true;
      add({ code: "E033", severity: "error", message: `\`${text}\` is LaTeX`, span, ...(edit ? { edit } : {}) });
    },
    retract(span) {
      found = found.filter((diagnostic) => diagnostic.span.start < span.start || diagnostic.span.start >= span.end);
      places.delete(span.start);
    },
    finish: () => found.sort((a, b) => a.span.start - b.span.start),
  };
}
