/** Cells of CSV against papaparse, on texts that it reads without complaint; and line ends of all kinds. */
import fc from "fast-check";
import Papa from "papaparse";
import { expect, test } from "vitest";
import { guessDelimiter, readCells } from "./csv-cells.ts";

const lineEnds = ["\n", "\r\n"] as const;
/** Texts made of what makes a difference. */
const pieces = fc
  .array(fc.constantFrom("a", "1,5", "-2.5", '"', '""', '"x;y"', '"p\nq"', '" "', ",", ";", "\t", "|", "\n", "\n\n", " ", "é"), { maxLength: 40 })
  .map((parts) => parts.join(""));
/** Tables as a program writes them. */
const tables = fc
  .record({
    delimiter: fc.constantFrom(",", ";", "\t", "|"),
    rows: fc.array(fc.array(fc.string({ maxLength: 5 }), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 14 }),
  })
  .map(({ delimiter, rows }) => Papa.unparse(rows, { delimiter, newline: "\n" }));

test("the cells are those of papaparse, and so is the delimiter", () => {
  let compared = 0;
  fc.assert(
    fc.property(fc.oneof(pieces, tables), fc.constantFrom(",", ";", "\t", "|", "::"), fc.constantFrom(...lineEnds), (text, delimiter, newline) => {
      const written = text.replaceAll("\r", "").replaceAll("\n", newline);
      const { data, errors } = Papa.parse<string[]>(written, { delimiter, newline });
      const found = readCells(written, delimiter);
      // It also complains of blanks between a quotation mark and the end of the text, and reads on after what it complains of.
      if (errors.some(({ type }) => type === "Quotes")) return;
      expect(found.broken).toBe(undefined);
      const isEmpty = (cells: readonly string[]): boolean => cells.length === 1 && cells[0] === "";
      const full = (rows: readonly (readonly string[])[]) => rows.filter((cells) => !isEmpty(cells));
      expect(full(found.rows)).toEqual(full(data));
      compared++;
      if ([",", ";", "\t", "|"].some((each) => Papa.parse(written, { newline, delimiter: each }).errors.some(({ type }) => type === "Quotes")))
        return;
      const guess = Papa.parse(written, { preview: 1, newline, skipEmptyLines: "greedy", delimitersToGuess: [",", ";", "\t", "|"] }).meta.delimiter;
      expect(guessDelimiter(written)).toBe(guess);
    }),
    { numRuns: 3000, seed: 7 },
  );
  expect(compared).toBeGreaterThan(1500);
});

test("lines may end in any of the three ways, and rows are counted by them", () => {
  expect(readCells('a,b\r1,2\r\n"x\r\ny",3\n', ",").rows).toEqual([["a", "b"], ["1", "2"], ["x\r\ny", "3"], [""]]);
  expect(readCells('a\n"b', ",")).toEqual({ rows: [["a"]], broken: 2 });
  expect(readCells('a\n"b"c\n', ",")).toEqual({ rows: [["a"]], broken: 2 });
});
