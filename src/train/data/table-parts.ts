/**
 * Which rows of a table train, validate and test: parts that follow each other, cut at a row or between documents.
 *
 * In: the number of rows, shares, documents. Out: half-open ranges of rows.
 */
import { SluiceError } from "../../support/diagnostic.ts";
import { requireBetween, requireWhole } from "./checks.ts";
import type { DocumentRows } from "./columns.ts";
import type { Range } from "./streams.ts";

export interface TableParts {
  readonly train: Range;
  readonly valid: Range;
  readonly test: Range;
}

interface Shares {
  readonly train?: number;
  readonly valid?: number;
  readonly test?: number;
}

/**
 * Parts that follow each other, by shares or, if `train` is above 1, by numbers of rows.
 * @throws SluiceError E407 (out of range), E428 (more rows than there are)
 */
export function cutRows(rows: number, { train, valid = 0.16, test = 0.2 }: Shares): TableParts {
  let trainEnd: number;
  let validEnd: number;
  let end = rows;
  if (train !== undefined && train > 1) {
    for (const [name, value] of Object.entries({ train, valid, test })) requireWhole(name, value, 0);
    [trainEnd, validEnd, end] = [train, train + valid, train + valid + test];
    if (end > rows) {
      throw new SluiceError("E428", `train, valid and test ask for ${end} rows, but the table has ${rows}; ask for fewer`);
    }
  } else {
    requireBetween("valid", valid, 0, 0.9);
    requireBetween("test", test, 0, 0.9);
    const share = train ?? 1 - valid - test;
    requireBetween("train (or what valid and test leave)", share, 0.05, 1);
    requireBetween("train + valid + test", share + valid + test, 0, 1 + 1e-9);
    trainEnd = Math.floor(rows * share + 1e-6);
    validEnd = Math.floor(rows * (share + valid) + 1e-6);
    end = Math.floor(rows * (share + valid + test) + 1e-6);
  }
  return { train: { start: 0, end: trainEnd }, valid: { start: trainEnd, end: validEnd }, test: { start: validEnd, end } };
}

/** [rows] 1 where a document begins. */
export function beginsOf(documents: readonly DocumentRows[], rows: number): Uint8Array {
  const begins = new Uint8Array(rows);
  for (const { start } of documents) begins[start] = 1;
  return begins;
}

/** Parts whose borders lie between documents, each as near as can be to where it was. @throws SluiceError E428 if there are fewer documents than parts */
export function wholeDocuments(parts: TableParts, documents: readonly DocumentRows[], where: string): TableParts {
  const wanted = Object.values(parts).filter(({ start, end }) => end > start).length;
  if (documents.length < wanted) {
    const cure = "give more, or set valid and test to 0";
    throw new SluiceError("E428", `${where} tells ${documents.length} documents apart, too few for ${wanted} parts; ${cure}`);
  }
  let [start, left] = [0, wanted];
  const cut = ({ start: from, end }: Range): Range => {
    const before = documents[start - 1]?.end ?? 0;
    if (end <= from) return { start: before, end: before };
    left--;
    let last = start;
    while (last + 1 + left < documents.length && Math.abs(documents[last + 1].end - end) <= Math.abs(documents[last].end - end)) last++;
    const range = { start: documents[start].start, end: documents[last].end };
    start = last + 1;
    return range;
  };
  return { train: cut(parts.train), valid: cut(parts.valid), test: cut(parts.test) };
}
