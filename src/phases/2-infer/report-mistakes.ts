/**
 * The reporter of phase 2: collects diagnostics, at most one for a code and place.
 *
 * In: mistakes as they are found. Out: diagnostics in the order of the text. Never throws.
 */
import type { Diagnostic } from "../../support/diagnostic.ts";
import { positionAt, type Source, type Span } from "../../support/source.ts";
import type { Reporter } from "./draft.ts";

export function reporter(source: Source): Reporter {
  const seen = new Set<string>();
  const list: Diagnostic[] = [];
  const add = (diagnostic: Diagnostic): void => {
    const key = `${diagnostic.code} ${diagnostic.span.start} ${diagnostic.span.end}`;
    if (seen.has(key)) return;
    seen.add(key);
    list.push(diagnostic);
  };
  return {
    error: (code, span, message, more) => add({ code, severity: "error", message, span, ...more }),
    warning: (code, span, message, more) => add({ code, severity: "warning", message, span, ...more }),
    quote(span: Span) {
      const text = source.text.slice(span.start, span.end).replace(/\s+/g, " ").trim();
      return text.length > 60 ? `${text.slice(0, 57)}…` : text;
    },
    line: (span) => positionAt(source.text, span.start).line,
    get failed() {
      return list.some((d) => d.severity === "error");
    },
    get diagnostics() {
      return [...list].sort((a, b) => a.span.start - b.span.start);
    },
  };
}
