/**
 * The cells of a CSV text. In: the text and its delimiter, or none. Out: rows of texts as they stand, quotation marks taken off. Never trims, never skips.
 *
 * A cell that begins with a quotation mark ends with the next single one and may hold delimiters, line ends and, written twice, marks. Lines end in any of the
 * three ways. The delimiter is that which cuts the first rows most evenly, then into most cells.
 * @source RFC 4180; the choice of a delimiter is that of papaparse, by which tests judge this file
 */

export interface CsvCells {
  readonly rows: readonly (readonly string[])[];
  /** The row, from 1, in which a quotation mark is not closed, or has text after its end; nothing is read from there on. */
  readonly broken?: number;
}

const DELIMITERS = [",", ";", "\t", "|"];
/** Rows that a delimiter is chosen by. */
const LOOKED_AT = 10;
const [LINE_FEED, RETURN] = [10, 13];

/** At most `most` rows; a line end at the end of the text begins another row, of one empty cell. */
export function readCells(text: string, delimiter: string, most = Number.POSITIVE_INFINITY): CsvCells {
  const rows: string[][] = [];
  const first = delimiter.charCodeAt(0);
  const isDelimiter = (at: number): boolean => text.charCodeAt(at) === first && (delimiter.length === 1 || text.startsWith(delimiter, at));
  const isLineEnd = (at: number): boolean => text.charCodeAt(at) === LINE_FEED || text.charCodeAt(at) === RETURN;
  const endsCell = (at: number): boolean => at >= text.length || isLineEnd(at) || isDelimiter(at);
  let row: string[] = [];
  for (let at = 0; ; ) {
    let end = at;
    if (text[at] === '"') {
      let close = text.indexOf('"', at + 1);
      while (close !== -1 && text[close + 1] === '"') close = text.indexOf('"', close + 2);
      end = close + 1;
      while (!endsCell(end) && text[end].trim() === "") end++;
      if (close === -1 || !endsCell(end)) return { rows, broken: rows.length + 1 };
      row.push(text.slice(at + 1, close).replaceAll('""', '"'));
    } else {
      while (!endsCell(end)) end++;
      row.push(text.slice(at, end));
    }
    if (end < text.length && isDelimiter(end)) {
      at = end + delimiter.length;
      continue;
    }
    rows.push(row);
    if (end >= text.length || rows.length >= most) return { rows };
    row = [];
    at = end + (text.charCodeAt(end) === RETURN && text.charCodeAt(end + 1) === LINE_FEED ? 2 : 1);
  }
}

/** The delimiter that a text seems to have; a comma if none cuts it. */
export function guessDelimiter(text: string): string {
  let best = { delimiter: ",", uneven: Number.POSITIVE_INFINITY, cells: 0 };
  for (const delimiter of DELIMITERS) {
    const counts = readCells(text, delimiter, LOOKED_AT)
      .rows.filter((cells) => cells.join("").trim() !== "")
      .map((cells) => cells.length);
    const uneven = counts.slice(1).reduce((sum, count, i) => sum + Math.abs(count - counts[i]), 0);
    const cells = counts.reduce((sum, count) => sum + count, 0) / counts.length;
    if (cells > 1.99 && (uneven < best.uneven || (uneven === best.uneven && cells > best.cells))) best = { delimiter, uneven, cells };
  }
  return best.delimiter;
}
