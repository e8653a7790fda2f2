/**
 * Diagnostics as text for people: the form of language.md section 10.
 *
 * In: diagnostics and their source. Out: one text, each diagnostic with its line, its place underlined, its reasons and its edit. Pure text; colours only
 * when asked for. Never prints.
 */
import type { Diagnostic } from "./diagnostic.ts";
import type { Source, Span } from "./source.ts";
import { characterWidth, cut, textWidth } from "./text.ts";

export interface ReportOptions {
  /** Columns to use; long source lines are cut around the place. Default 100. */
  readonly width?: number;
  /** ANSI colours. Default false. */
  readonly color?: boolean;
}

const PAINT = { error: "31;1", warning: "33;1", code: "1", dim: "2", edit: "32" } as const;

/** Draws diagnostics in their order, an empty line between two. */
export function renderReport(diagnostics: readonly Diagnostic[], source: Source, options: ReportOptions = {}): string {
  const lines = lineStarts(source.text);
  return diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, source, lines, options)).join("\n");
}

function renderDiagnostic(diagnostic: Diagnostic, source: Source, starts: readonly number[], options: ReportOptions): string {
  const width = Math.max(40, options.width ?? 100);
  const paint = (kind: keyof typeof PAINT, text: string): string => (options.color ? `\x1b[${PAINT[kind]}m${text}\x1b[0m` : text);
  const { line, column } = place(source.text, starts, diagnostic.span.start);
  const shown = excerpt(source.text, starts, line, diagnostic.span, width - String(line).length - 5);
  const margin = " ".repeat(String(line).length + 3);
  const bar = `${margin}│ `;
  const out = [
    `${paint(diagnostic.severity, diagnostic.severity)} ${paint("code", diagnostic.code)}  ${diagnostic.message}`,
    `  ${source.name}:${line}:${column}`,
    `  ${paint("dim", `${line} │`)} ${shown.text}`.trimEnd(),
  ];
  const middle = Math.floor((shown.length - 1) / 2);
  const label = diagnostic.label;
  const underline = shown.length === 1 && !label ? "┬" : `${"─".repeat(middle)}${label ? "┬" : "─"}${"─".repeat(shown.length - middle - 1)}`;
  out.push(paint("dim", bar) + " ".repeat(shown.offset) + paint(diagnostic.severity, underline));
  if (label) {
    const at = Math.max(0, shown.offset + middle - Math.floor((textWidth(label) - 1) / 2));
    out.push(paint("dim", bar) + " ".repeat(at) + label);
  }
  const notes = (diagnostic.reasons ?? []).map((reason) => {
    const other = reason.span && place(source.text, starts, reason.span.start).line;
    return other === undefined || other === line || /\bline \d+/.test(reason.message) ? reason.message : `${reason.message} (line ${other})`;
  });
  if (diagnostic.edit) notes.push(`try  ${diagnostic.edit.label}`);
  notes.forEach((note, i) => {
    const branch = `${margin}${i === notes.length - 1 ? "└" : "├"} `;
    out.push(paint("dim", branch) + (diagnostic.edit && i === notes.length - 1 ? paint("edit", note) : note));
  });
  return `${out.join("\n")}\n`;
}

/** Offsets at which the lines of a text begin. */
function lineStarts(text: string): number[] {
  const starts = [0];
  for (let i = text.indexOf("\n"); i !== -1; i = text.indexOf("\n", i + 1)) starts.push(i + 1);
  return starts;
}

function place(text: string, starts: readonly number[], offset: number): { line: number; column: number } {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= offset) low = middle;
    else high = middle - 1;
  }
  let column = 1;
  for (const character of text.slice(starts[low]!, Math.min(offset, text.length))) if (character !== "\n") column++;
  return { line: low + 1, column };
}

/** The line with the span in it, tabs as one space, cut to the width; where the span begins in columns, and its columns (at least 1). */
function excerpt(text: string, starts: readonly number[], line: number, span: Span, width: number): { text: string; offset: number; length: number } {
  const start = starts[line - 1]!;
  const end = line < starts.length ? starts[line]! - 1 : text.length;
  // A very long line is read only near the place: no reason to measure a megabyte.
  const from = Math.max(start, Math.min(span.start, end) - 500);
  const to = Math.min(end, Math.max(span.start, Math.min(span.end, end)) + 500);
  const clean = (part: string): string => part.replace(/\r$/u, "").replace(/\p{Cc}/gu, " ");
  let before = clean(text.slice(from, Math.min(span.start, end)));
  let inside = clean(text.slice(Math.min(span.start, end), Math.min(span.end, end)));
  const after = clean(text.slice(Math.min(Math.max(span.end, span.start), end), to));
  let offset = textWidth(before);
  if (from > start) before = `…${before}`;
  offset = textWidth(before);
  const total = offset + textWidth(inside) + textWidth(after);
  if (total > width && offset > width / 2) {
    before = `…${lastColumns(before, Math.floor(width / 3))}`;
    offset = textWidth(before);
  }
  if (offset + textWidth(inside) > width) inside = cut(inside, Math.max(1, width - offset));
  return { text: cut(before + inside + after, width), offset, length: Math.max(1, textWidth(inside)) };
}

function lastColumns(text: string, width: number): string {
  const kept: string[] = [];
  let used = 0;
  for (const character of [...text].reverse()) {
    used += characterWidth(character);
    if (used > width) break;
    kept.push(character);
  }
  return kept.reverse().join("");
}
