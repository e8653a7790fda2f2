/**
 * A table of several documents: each is read as if it were alone, whatever the batches; and nothing is filled, cut or forecast over a border.
 */
import { expect, test } from "vitest";
import { compile } from "../../model/compiled.ts";
import { createModel } from "../../model/model.ts";
import { SluiceError } from "../../support/diagnostic.ts";
import { createRandom } from "../../support/random.ts";
import { evaluate } from "../evaluate.ts";
import { forecastBaselines } from "./baseline.ts";
import { readTable } from "./csv.ts";
import { type TableOptions, tableForecast, tableInputs } from "./table.ts";

/** Days begin anew with each ticker; the rows of three of them lie between each other. */
function interleaved(lengths: Readonly<Record<string, number>>): string {
  const random = createRandom(5);
  const lines = ["day,ticker,volume,price"];
  for (let day = 0; day < Math.max(...Object.values(lengths)); day++)
    for (const [ticker, length] of Object.entries(lengths))
      if (day < length)
        lines.push(
          `2024-${String(1 + Math.floor(day / 28)).padStart(2, "0")}-${String(1 + (day % 28)).padStart(2, "0")},${ticker},${random.integer(90)},${random.normal()}`,
        );
  return lines.join("\n");
}

const LENGTHS = { AA: 41, BB: 23, CC: 37, DD: 2, EE: 31, FF: 19, GG: 28 };
const TEXT = interleaved(LENGTHS);
const MODEL = `
m(x, y) → p
  h = tanh(W·x + U·h[t-1] + 0.3 * c[t-1])
  c = h + 0.9 * c[t-1]
  p = V·c
  loss = mse(p, y)
  where x ∈ ℝ^2, c ∈ ℝ^3, y ∈ ℝ^1`;

test.each([
  { horizon: 1, sampling: "random" },
  { horizon: 3, sampling: "streams", batch: 2, window: 12 },
  { horizon: 2, sampling: "strided", batch: 4, window: 9 },
] as const)("every document is read as if it were alone: $sampling, $horizon ahead", async (options) => {
  const table = readTable(TEXT, { file: "t.csv" });
  const { dataset, documents, parts } = tableForecast(table, { ...options, document: "ticker" });
  // Numbers are read; the ticker is not.
  expect(dataset.inputs.x.size).toBe(2);
  expect(documents!.map(({ name, start, end }) => [name, end - start])).toEqual(Object.entries(LENGTHS));
  const model = createModel(compile(MODEL), { seed: 3 });
  const { record } = dataset;
  if (record.kind !== "table") throw new Error("a table has the record of a table");
  expect(record.document).toBe("ticker");
  const { x } = tableInputs(record, table);

  // By hand: one run for each document of the part, all forecasts inside it.
  const alone = (from: number, to: number): { loss: number; counted: number } => {
    let [sum, counted] = [0, 0];
    for (const { start, end } of documents!) {
      if (start < from || end > to || end - start <= options.horizon) continue;
      const { p } = model.run({ x: { data: x.subarray(2 * start, 2 * end), shape: [end - start, 2] } });
      for (let row = start; row + options.horizon < end; row++, counted++) sum += (p.data[row - start] - x[2 * (row + options.horizon) + 1]) ** 2;
    }
    return { loss: sum / counted, counted };
  };
  for (const part of ["valid", "test"] as const) {
    const { start, end } = parts[part];
    const expected = alone(start, end);
    const found = await evaluate(model, dataset[part]!);
    expect(found.counted).toBe(expected.counted);
    expect(found.loss).toBeCloseTo(expected.loss, 5);
  }

  // Training: what counts looks at one document only, and states begin anew at its first row.
  const borders = new Set(documents!.map(({ start }) => 2 * start).map((at) => `${x[at]},${x[at + 1]}`));
  for (let step = 0; step < 12; step++) {
    const { steps, batch, inputs, reset, lossMask, lengths } = dataset.train.batchAt(step);
    for (let b = 0; b < batch; b++) {
      for (let t = 0; t < (lengths?.[b] ?? steps); t++) {
        const at = (offset: number): string => [0, 1].map((k) => inputs.x[((t + offset) * batch + b) * 2 + k]).join();
        expect(reset![t * batch + b]).toBe(borders.has(at(0)) ? 1 : 0);
        const crosses = Array.from({ length: options.horizon }, (_, k) => borders.has(at(k + 1))).includes(true);
        expect(lossMask![t * batch + b]).toBe(crosses ? 0 : 1);
        if (!crosses) expect(inputs.y[t * batch + b]).toBe(inputs.x[((t + options.horizon) * batch + b) * 2 + 1]);
      }
    }
  }
});

test("documents lie whole in one part, and repeating the last value never looks over a border", () => {
  const made = tableForecast(readTable(TEXT), { document: "ticker" });
  const starts = made.documents!.map(({ start }) => start);
  const { train, valid, test: held } = made.parts;
  expect([train.start, train.end, valid.end]).toEqual([0, valid.start, held.start]);
  for (const border of [valid.start, held.start]) expect(starts).toContain(border);
  expect(held.end).toBe(made.target.length);
  const errors = made
    .documents!.filter(({ start }) => start >= held.start)
    .flatMap(({ start, end }) => Array.from(made.target.subarray(start + 1, end), (value, k) => (value - made.target[start + k]) ** 2));
  expect(forecastBaselines(made)).toEqual({ persistence: Math.sqrt(errors.reduce((a, b) => a + b, 0) / errors.length) });
});

test("nothing is filled from another document, and mistakes say the cure", () => {
  const rows = (cells: string) => `id,t,v\n${cells}`;
  const filled = tableForecast(readTable(rows(`1,1,5\n2,1,\n1,2,6\n2,2,8\n2,3,9\n1,3,\n3,1,1\n3,2,2\n`)), {
    document: "id",
    missing: "last",
    window: 1,
    valid: 0,
    test: 0,
  });
  // Number 2 begins with a hole: what comes after fills it, not the last value of number 1.
  expect([...filled.target]).toEqual([5, 6, 6, 8, 8, 9, 1, 2]);
  const refused = (text: string, options: TableOptions): string => {
    try {
      tableForecast(readTable(text, { file: "t.csv" }), options);
    } catch (error) {
      if (error instanceof SluiceError) return `${error.code} ${error.message}`;
    }
    return "accepted";
  };
  const many = rows(Array.from({ length: 90 }, (_, i) => `${i % 9},${i},${i}`).join("\n"));
  expect([
    refused(many, { document: "ids" }),
    refused(rows("1,1,5\n,2,6\n2,1,7\n"), { document: "id" }),
    refused(rows("1,1,5\n1,2,6\n2,1,7\n".repeat(20)), { document: "id" }),
    refused(rows("1,1,5\n1,2,6\n2,1,\n3,1,2\n"), { document: "id", missing: "last" }),
    refused("day,id,v\n2024-02-01,1,5\n2024-01-01,1,6\n2024-01-02,2,6\n", { document: "id" }),
    refused("day,id,v\n2024-02-01,1,5\n2024-02-02,1,6\n2024-01-01,2,6\n", {}),
  ]).toMatchInlineSnapshot(`
    [
      "E421 t.csv has no column ids; did you mean id? its columns are id, t, v",
      "E422 t.csv, row 3: column id does not say which document the row belongs to; fill it in, or leave the row out",
      "E428 t.csv, column id tells 2 documents apart, too few for 3 parts; give more, or set valid and test to 0",
      "E422 t.csv: all of 2 has no value in column v; use missing drop, or leave it out",
      "E426 t.csv, row 3: column day is earlier than a row before it, but the parts have to follow each other in time; sort the file by day, use the option sort, or name the column of documents (document, --document) if times begin anew in each",
      "E426 t.csv, row 4: column day is earlier than a row before it, but the parts have to follow each other in time; sort the file by day, use the option sort, or name the column of documents (document, --document) if times begin anew in each",
    ]
  `);
});
