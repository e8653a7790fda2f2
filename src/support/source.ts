/**
 * Source texts and places in them.
 *
 * In: the text of a `.gate` file. Out: spans (half-open offsets in UTF-16 code units) and line/column positions for people.
 * Never reads a file: a source is given as a name and a string.
 */

/** A text with the name under which it is shown to people (a file name, or "<input>"). */
export interface Source {
  readonly name: string;
  readonly text: string;
}

/** Half-open range [start, end) of UTF-16 offsets in one source. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A place for people: both counted from 1; columns count code points. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** The smallest span that holds both. */
export function joinSpans(a: Span, b: Span): Span {
  return { start: Math.min(a.start, b.start), end: Math.max(a.end, b.end) };
}

/** Line and column (from 1, in code points) of an offset. */
export function positionAt(text: string, offset: number): Position {
  const end = Math.min(offset, text.length);
  let line = 1;
  let lineStart = 0;
  for (let i = text.indexOf("\n"); i !== -1 && i < end; i = text.indexOf("\n", i + 1)) {
    line++;
    lineStart = i + 1;
  }
  let column = 1;
  for (let i = lineStart; i < end; column++) i += text.codePointAt(i)! > 0xffff ? 2 : 1;
  return { line, column };
}

/** Text of the line (counted from 1), without its line end. */
export function lineText(text: string, line: number): string {
  return text.split("\n", line)[line - 1]?.replace(/\r$/, "") ?? "";
}
