import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { SluiceError } from "../../support/diagnostic.ts";
import { autoregressionError, fitAutoregression, forecastBaselines, persistenceError } from "./baseline.ts";
import { readTable, type TableReading } from "./csv.ts";
import { readDates } from "./dates.ts";
import type { BatchSource } from "./dataset.ts";
import {
  forecastError,
  restoreTarget,
  tableForecast,
  tableInputs,
  tableSource,
  type Forecast,
  type TableOptions,
  type TableRecord,
} from "./table.ts";

const shared = (path: string) => new URL(`../../../../shared/data/${path}`, import.meta.url);

function message(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof SluiceError) return `${error.code} ${error.message}`;
    throw error;
  }
  throw new Error("expected a SluiceError");
}

const forecast = (text: string, options: TableOptions = {}, reading: TableReading = {}) =>
  tableForecast(readTable(text, { file: "t.csv", ...reading }), options);

/** Rows of the target that an evaluation counts, with the standardised values of x and y there. */
function counted(source: BatchSource, columns: number): { x: number[]; y: number }[] {
  const found: { x: number[]; y: number }[] = [];
  for (let step = 0; step < source.batchesPerPass!; step++) {
    const { inputs, lossMask, batch } = source.batchAt(step);
    expect(batch).toBe(1);
    lossMask!.forEach(
      (counts, t) => counts === 1 && found.push({ x: Array.from(inputs.x.subarray(t * columns, (t + 1) * columns)), y: inputs.y[t] }),
    );
  }
  return found;
}

const days = (n: number, value: (i: number) => string) =>
  Array.from({ length: n }, (_, i) => `${new Date(Date.UTC(2020, 0, 1 + i)).toISOString().slice(0, 10)},${value(i)}`).join("\n");

test("kinds, header, delimiter, quotes, blank lines and row numbers", () => {
  const table = readTable('\uFEFFday;"a ""b""";c;d;e\n1.2.2020;1;x;;5e-1\n\n13.02.2020; -2.5 ;y;NA;.5\n14.02.2020;"3";x;;2\n', { file: "f" });
  expect(table.columns.map(({ name, kind }) => `${name}:${kind}`)).toEqual(["day:time", 'a "b":number', "c:category", "d:empty", "e:number"]);
  expect(table.columns[0]).toMatchObject({ values: Float64Array.of(Date.UTC(2020, 1, 1), Date.UTC(2020, 1, 13), Date.UTC(2020, 1, 14)) });
  expect(table.columns[1]).toMatchObject({ values: Float64Array.of(1, -2.5, 3) });
  expect(table.columns[2]).toMatchObject({ categories: ["x", "y"], values: Int32Array.of(0, 1, 0) });
  expect([table.delimiter, table.header, [...table.fileRows]]).toEqual([";", true, [2, 4, 5]]);
  const bare = readTable("1\t2\n3\t4\n");
  expect([bare.header, bare.delimiter, bare.columns.map(({ name }) => name)]).toEqual([false, "\t", ["column 1", "column 2"]]);
  expect(readTable("a,a,\n1,2,3\n").columns.map(({ name }) => name)).toEqual(["a", "a 2", "column 3"]);
  expect(readTable("a;b\n1.234,5;x\n7;x\n", { decimal: "," }).columns[0]).toMatchObject({ values: Float64Array.of(1234.5, 7) });
  const european = readTable("day;a;b\n01.02.2024;1.234,5;7\n02.02.2024;-7,25;8\n");
  expect(european.columns.slice(1)).toMatchObject([{ values: Float64Array.of(1234.5, -7.25) }, { values: Float64Array.of(7, 8) }]);
  expect([european.said, european.notes]).toEqual([{}, [expect.stringContaining("decimal comma")]]);
  // A point in some number leaves it open which is which.
  expect(readTable("a;b\n1,5;2.5\n2,5;3.5\n").columns[0]).toMatchObject({
    wrong: new Map([
      [0, "1,5"],
      [1, "2,5"],
    ]),
  });
  expect(readTable('a,b\n"1,234",x\n7,y\n', { thousands: "," }).columns[0]).toMatchObject({ values: Float64Array.of(1234, 7) });
});

test("dates: orders, zones, halves of the day, and days that do not exist", () => {
  expect(readDates(["2016-07-01 00:00:00", "2016-07-01T01:30:00.5Z"])).toEqual(
    Float64Array.of(Date.UTC(2016, 6, 1), Date.UTC(2016, 6, 1, 1, 30, 0, 500)),
  );
  expect(readDates(["1949-01", "1949/2/3"])).toEqual(Float64Array.of(Date.UTC(1949, 0), Date.UTC(1949, 1, 3)));
  expect(readDates(["2/1/2020", "3/1/2020"])).toEqual(Float64Array.of(Date.UTC(2020, 0, 2), Date.UTC(2020, 0, 3)));
  expect(readDates(["1/31/2020 1:05 PM", undefined])![0]).toBe(Date.UTC(2020, 0, 31, 13, 5));
  // Day-first would descend, month-first ascends.
  expect(readDates(["1/2/2020", "1/3/2020", "2/1/2020"])![2]).toBe(Date.UTC(2020, 1, 1));
  expect(readDates(["2020-01-01T00:00:00+02:00"])![0]).toBe(Date.UTC(2019, 11, 31, 22));
  for (const text of ["2020-02-30", "2020-13-01", "12", "20.7", "2020-01-01x", "25:00"]) expect(readDates([text])).toBeUndefined();
});

test("parts follow in time; mean and deviation are of the training rows; an evaluation counts the rows of its part, once", () => {
  const text = `day,load,temp\n${days(100, (i) => `${i},${i % 7}`)}`;
  const { dataset, parts, target } = forecast(text, { target: "load", window: 10, batch: 4 });
  expect(parts).toEqual({ train: { start: 0, end: 64 }, valid: { start: 64, end: 80 }, test: { start: 80, end: 100 } });
  const record = dataset.record as TableRecord;
  expect(record.columns[0]).toEqual({ name: "load", mean: 31.5, deviation: Math.sqrt((64 ** 2 - 1) / 12) });
  for (const [part, source] of [
    [parts.valid, dataset.valid!],
    [parts.test, dataset.test!],
  ] as const) {
    const rows = counted(source, 2);
    expect(rows.map(({ y }) => Math.round(restoreTarget(record, y)))).toEqual(
      Array.from({ length: part.end - part.start }, (_, i) => part.start + i),
    );
    expect(rows.map(({ x }) => Math.round(restoreTarget(record, x[0])))).toEqual(
      Array.from({ length: part.end - part.start }, (_, i) => part.start + i - 1),
    );
  }
  // The evaluation reads on from the rows before its part.
  expect(Math.round(restoreTarget(record, dataset.test!.batchAt(0).inputs.x[0]))).toBe(79 - 10);
  for (let step = 0; step < 40; step++) {
    const { inputs, carry, steps, batch } = dataset.train.batchAt(step);
    expect([steps, batch, carry]).toEqual([10, 4, false]);
    for (let i = 0; i < steps * batch; i++) {
      const now = Math.round(restoreTarget(record, inputs.x[2 * i]));
      expect(Math.round(restoreTarget(record, inputs.y[i]))).toBe(now + 1);
      expect(now + 1).toBeLessThan(64);
      expect(Math.round(restoreTarget(record, inputs.x[2 * (i + batch)]))).toBe(now + 1);
    }
  }
  expect(target[99]).toBe(99);
  expect(dataset.notes).toBeUndefined();
  const three = forecast(text, {
    target: "load",
    horizon: 3,
    inputs: ["temp"],
    train: 50,
    valid: 20,
    test: 10,
    window: 5,
    sampling: "strided",
    stride: 2,
  });
  expect(three.parts.test).toEqual({ start: 70, end: 80 });
  expect(three.dataset.inputs.x.size).toBe(2);
  const threeRecord = three.dataset.record as TableRecord;
  expect(counted(three.dataset.test!, 2).map(({ x, y }) => Math.round(restoreTarget(threeRecord, y) - restoreTarget(threeRecord, x[1])))).toEqual(
    new Array(10).fill(3),
  );
  expect(counted(three.dataset.test!, 2).length).toBe(10);
});

test("a model's record reads new rows the same way, categories included", () => {
  const text = `day,kind,v\n${days(60, (i) => `${"abc"[i % 3]},${i * i}`)}`;
  const { dataset } = forecast(text, { inputs: ["kind", "v"], window: 4 });
  const record = dataset.record as TableRecord;
  expect(record.columns.map(({ name, category }) => category ?? name)).toEqual(["a", "b", "c", "v"]);
  const { x, rows } = tableInputs(record, readTable(`v,kind\n9,c\n16,a\n25,new\n`));
  const again = (value: number) => Math.fround((value - record.columns[3].mean) / record.columns[3].deviation);
  expect(rows).toBe(3);
  expect([...x]).toEqual([0, 0, 1, again(9), 1, 0, 0, again(16), 0, 0, 0, again(25)]);
  expect(JSON.parse(JSON.stringify(record))).toEqual(record);
});

test("a trained model's record is kept on another table: eval of all rows, and the same split again", () => {
  const text = `day,kind,v\n${days(60, (i) => `${"ab"[i % 2]},${i * i}`)}`;
  const record = forecast(text, { inputs: ["kind", "v"], window: 4, horizon: 2 }).dataset.record as TableRecord;
  const other = readTable(`day,v,kind\n${days(40, (i) => `${100 - i},${"ba"[i % 2]}`)}`);
  const again = tableForecast(other, { record, window: 4 });
  expect([again.dataset.record, again.horizon]).toEqual([record, 2]);
  const { source, target } = tableSource(record, other);
  const rows = counted(source, 3);
  expect(target.length).toBe(40);
  expect(rows.map(({ x, y }) => [x[0], x[1], Math.round(restoreTarget(record, x[2])), Math.round(restoreTarget(record, y))])).toEqual(
    Array.from({ length: 38 }, (_, i) => [i % 2, 1 - (i % 2), 100 - i, 98 - i]),
  );
  expect(message(() => tableSource(record, readTable("v,kind\n1,a\n2,b\n")))).toContain("needs at least 3");
  expect(message(() => tableSource(record, readTable("w,kind\n1,a\n2,b\n")))).toContain("has no column v");
});

test("missing values: refused with their place, or handled as asked", () => {
  const text = `day,v\n${days(30, (i) => (i === 10 || i === 11 ? "" : i === 0 ? "NaN" : String(i)))}`;
  expect(message(() => forecast(text))).toBe(
    "E422 t.csv, row 2: column v is empty or NaN, as are 2 more of the column; fill it in, or choose what to do with such cells: missing (on the command line --missing) drop, interpolate or last",
  );
  const target = (missing: TableOptions["missing"]) => [...forecast(text, { missing, window: 4 }).target];
  expect(target("drop")).toEqual([...Array.from({ length: 9 }, (_, i) => i + 1), ...Array.from({ length: 18 }, (_, i) => i + 12)]);
  expect(target("interpolate")).toEqual([1, ...Array.from({ length: 29 }, (_, i) => i + 1)]);
  expect(target("last").slice(8, 14)).toEqual([8, 9, 9, 9, 12, 13]);
  expect(forecast(text, { missing: "last", window: 4 }).dataset.notes).toEqual(["3 empty cells were filled (last)"]);
});

test("bad tables: every message names the place and the cure", () => {
  const body = days(30, (i) => String(i));
  const bad = [
    () => forecast(""),
    () => forecast("day,v\n"),
    () => forecast(`day,v\n${body}`, { target: "w" }),
    () => forecast(`Date,Temp\n${body}`, { target: "temp" }),
    () => forecast(`Date,Temp\n${body}`, { target: "Date" }),
    () => forecast(`day,v\n${body}\n2020-02-01,n.a. today`, { window: 2 }),
    () => forecast(`day;v\n${body.replaceAll(",", ";").replaceAll(/;(\d+)/g, ";$1,5")}\n2020-02-01;1.5`),
    () => forecast(`day,v\n${body.replaceAll(/,(\d+)/g, ',"$1,5"')}`),
    () => forecast(`day,v\n${body}\n2020-02-01,1,5`),
    () => forecast(`day,v\n${body}\n2020-02-01`),
    () => forecast(`day,v\n${body}\n2020-02-01,Infinity`),
    () => forecast(`day,v\n${body}\n2020-02-01,1e999`),
    () => forecast(`day,v\n2020-02-01,7\n${body}`),
    () => forecast(`day,v\n${body}`, { window: 60 }),
    () => forecast(`day,v\n${body}`, { sampling: "streams", window: 4 }),
    () => forecast(`day,v\n${body}`, { train: 20, valid: 10, test: 5 }),
    () => forecast(`day,v\n${body}`, { horizon: 0 }),
    () => forecast(`day,v\n"2020-01-01,5\n${body}`),
    () => forecast(`day,v\n${body}\n2020-02-01,1e308`, { valid: 0, test: 0 }),
    () => forecast("name,city\nx,Rome\ny,Oslo\n"),
  ];
  expect(bad.map(message).join("\n")).toMatchSnapshot();
  expect(forecast(`day,v\n2020-02-01,7\n${body}`, { sort: true, window: 4 }).dataset.notes).toEqual(["rows were sorted by day"]);
});

test("any text is a table or a SluiceError, never another failure", () => {
  const number = fc.constantFrom("1", "-2.5", "3e1", ".5", "7");
  const odd = fc.constantFrom("", "NaN", "1,5", "2020-01-01", "3.2.2021", "x", '"', ",", ";", "\t", "\r", "1e999", "inf", "__proto__");
  const cell = fc.oneof({ weight: 19, arbitrary: number }, { weight: 1, arbitrary: odd });
  const rows = (width: number) => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 2, maxLength: 12 });
  const table = fc.integer({ min: 1, max: 3 }).chain(rows);
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 60 }),
    table.map((cells) => cells.map((row) => row.join(",")).join("\n")),
  );
  let read = 0;
  fc.assert(
    fc.property(text, fc.constantFrom("error", "drop", "interpolate", "last"), (content, missing) => {
      try {
        const { dataset } = tableForecast(readTable(content), { missing, window: 1, batch: 2 });
        for (const source of [dataset.train, dataset.valid, dataset.test]) {
          if (source)
            for (const values of Object.values(source.batchAt(0).inputs)) expect(values.every((value) => Number.isFinite(value))).toBe(true);
        }
        read++;
      } catch (error) {
        if (!(error instanceof SluiceError)) throw error;
      }
    }),
    { numRuns: 1500, seed: 1 },
  );
  expect(read).toBeGreaterThan(100);
});

test("least squares recovers a linear recurrence, also when columns depend on each other", () => {
  const series = new Float64Array(200);
  series.set([1, 2]);
  for (let t = 2; t < 200; t++) series[t] = 0.3 + 1.2 * series[t - 1] - 0.7 * series[t - 2] + Math.sin(t * t);
  const noiseless = new Float64Array(60);
  noiseless.set([1, 2]);
  for (let t = 2; t < 60; t++) noiseless[t] = 0.3 + 1.2 * noiseless[t - 1] - 0.7 * noiseless[t - 2];
  [0.3, 1.2, -0.7].forEach((value, k) => expect(fitAutoregression(noiseless, 2, 60)[k]).toBeCloseTo(value, 9));
  expect(
    autoregressionError(new Float64Array(50).fill(4), fitAutoregression(new Float64Array(50).fill(4), 3, 40), { start: 40, end: 50 }),
  ).toBeLessThan(1e-12);
  // The residual of a least-squares fit is orthogonal to every regressor.
  const fit = fitAutoregression(series, 2, 150, 3);
  const residual = (t: number) => series[t] - fit[0] - fit[1] * series[t - 3] - fit[2] * series[t - 4];
  for (const regressor of [() => 1, (t: number) => series[t - 3], (t: number) => series[t - 4]]) {
    let dot = 0;
    for (let t = 4; t < 150; t++) dot += residual(t) * regressor(t);
    expect(Math.abs(dot)).toBeLessThan(1e-9);
  }
  expect(message(() => fitAutoregression(series, 29, 40))).toContain("needs 59 rows");
});

test.skipIf(!existsSync(shared("series/daily-min-temperatures.csv")))(
  "daily minimum temperatures: persistence 2.481 and AR(29) 2.211 on the last fifth",
  () => {
    const table = readTable(readFileSync(shared("series/daily-min-temperatures.csv"), "utf8"), { file: "daily-min-temperatures.csv" });
    const made: Forecast = tableForecast(table, {});
    expect(made.parts.test).toEqual({ start: 2920, end: 3650 });
    const { persistence, linear } = forecastBaselines(made);
    expect([persistence.toFixed(3), linear!.order, linear!.rmse.toFixed(3)]).toEqual(["2.481", 29, "2.211"]);
    // The metric of a network that repeats its input is the persistence error.
    const metric = forecastError(made.dataset.record as TableRecord, "forecast");
    let total = 0;
    let count = 0;
    for (let step = 0; step < made.dataset.test!.batchesPerPass!; step++) {
      const batch = made.dataset.test!.batchAt(step);
      const part = metric.measure(batch, { forecast: { data: batch.inputs.x as Float32Array, shape: [batch.steps, 1] } }, batch.lossMask!);
      total += part.total;
      count += part.count;
    }
    expect([count, Math.sqrt(total / count).toFixed(3)]).toEqual([730, "2.481"]);
    // The same persistence from what a network reads.
    const record = made.dataset.record as TableRecord;
    const rows = counted(made.dataset.test!, 1);
    const squares = rows.reduce((sum, { x, y }) => sum + (restoreTarget(record, x[0]) - restoreTarget(record, y)) ** 2, 0);
    expect(Math.sqrt(squares / rows.length)).toBeCloseTo(persistence, 4);
    expect(persistenceError(made.target, [made.parts.test])).toBe(persistence);
  },
);

test.skipIf(!existsSync(shared("series/ETTh1.csv")))("ETTh1: seven channels, the customary rows, no errors", () => {
  const { dataset, parts } = tableForecast(readTable(readFileSync(shared("series/ETTh1.csv"), "utf8"), { file: "ETTh1.csv" }), {
    train: 8640,
    valid: 2880,
    test: 2880,
  });
  expect(parts.test).toEqual({ start: 11_520, end: 14_400 });
  expect((dataset.record as TableRecord).columns.map(({ name }) => name)).toEqual(["HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT"]);
  expect(counted(dataset.test!, 7).length).toBe(2880);
});
