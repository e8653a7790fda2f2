/** Tables as JSON: the same table as CSV gives, whichever of the two forms, with what is missing and with decimal commas. */
import { expect, test } from "vitest";
import { SluiceError } from "../../support/diagnostic.ts";
import { readTable } from "./csv.ts";
import { isJsonTable } from "./json-records.ts";
import { jsonLinesDataset } from "./jsonl.ts";
import { sequenceFileDataset } from "./sequence-file.ts";

const RECORDS = [
  { day: "2024-01-01", load: 3.5, kind: "a", on: true, note: "1.234,5" },
  { day: "2024-01-02", load: null, kind: "b, c", on: false, note: "2,5" },
  { day: "2024-01-03", load: -1e-7, kind: "a", on: true },
];
const CSV = "day\tload\tkind\ton\tnote\n2024-01-01\t3,5\ta\ttrue\t1.234,5\n2024-01-02\t\tb, c\tfalse\t2,5\n2024-01-03\t-1e-7\ta\ttrue\t\n";
const LINES = RECORDS.map((record) => JSON.stringify(record)).join("\n");

test("a list of records and a record on each line are the table that CSV gives", () => {
  const reading = { file: "t", decimal: "," } as const;
  const { columns, rows } = readTable(CSV, reading);
  for (const text of [JSON.stringify(RECORDS), JSON.stringify(RECORDS, undefined, 2), `${LINES}\n`, `\uFEFF${LINES}`]) {
    const table = readTable(text, reading);
    expect(table.columns).toEqual(columns);
    expect(table.rows).toBe(rows);
  }
  expect(columns.map(({ kind }) => kind)).toEqual(["time", "number", "category", "category", "number"]);
  // Without the wish for a decimal comma the numbers of JSON are what they are.
  expect(readTable(LINES).columns[1]).toMatchObject({ values: Float64Array.of(3.5, Number.NaN, -1e-7) });
  // A field that the first record lacks is a column too.
  expect(readTable('{"a": 1}\n\n{"a": 2, "toString": 3}\n')).toMatchObject({
    rows: 2,
    fileRows: Int32Array.of(1, 3),
    columns: [{ name: "a" }, { name: "toString" }],
  });
});

test("records with lists are sequences, in either form", () => {
  const items = Array.from({ length: 20 }, (_, k) => ({
    x: [
      [k, 1],
      [0, k],
    ],
    y: k % 2,
  }));
  const lines = items.map((item) => JSON.stringify(item)).join("\n");
  expect([JSON.stringify(items), lines, '{"splits": {"train": []}}', "a,b\n1,2\n", "[1]", "[]", '{"a": 1', ""].map(isJsonTable)).toEqual(
    new Array(8).fill(false),
  );
  expect(isJsonTable(LINES)).toBe(true);
  const [list, each] = [sequenceFileDataset(JSON.stringify(items)), jsonLinesDataset(lines)];
  expect(list.train.batchAt(0)).toEqual(each.train.batchAt(0));
});

test("mistakes name the line or the record", () => {
  const message = (text: string): string => {
    try {
      readTable(text, { file: "t.json" });
    } catch (error) {
      if (error instanceof SluiceError) return `${error.code} ${error.message}`;
    }
    return "nothing";
  };
  expect(['{"a": 1}\n{"a": NaN}', '{"a": 1}\n{"a": 2', '[{"a": 1}, 5]', '[{"a": 1}, {"a": [2]}]', '{"a": 1}\n{"a": {}}'].map(message)).toEqual([
    "E430 t.json, line 2 is not JSON; NaN and Infinity are no JSON: correct the value, leave it out, or write null",
    "E430 t.json, line 2 is not JSON; write one whole JSON object on each line",
    'E430 t.json, record 2 is not a JSON object; write fields with names, as in {"x": [[0.1, 0.2]], "y": 1}',
    "E431 t.json, record 2: field a is a list; the rows of a table hold numbers and texts only",
    "E431 t.json, line 2: field a is an object; the rows of a table hold numbers and texts only",
  ]);
});
