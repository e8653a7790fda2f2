/**
 * A table in time order as a forecasting dataset: from the rows so far, a column some rows ahead.
 *
 * In: a table and which column to forecast. Out: real input "x" [time, batch, columns], standardised, and real "y" [time, batch, 1], the standardised
 * target `horizon` rows ahead; "x" holds `horizon` rows of look-ahead, so `x[t+1]` may be the target of a network too. Training, validation and test
 * follow each other in time; mean and deviation are those of the training rows alone. An evaluation reads on from the rows before its part (they do not
 * count) and counts exactly the forecasts of the rows of its part.
 * Never reorders rows unless asked, never fills a missing cell unless told how.
 */
import { SluiceError } from "../../support/diagnostic.ts";
import type { Metric } from "../metric.ts";
import { requireBetween, requireWhole } from "./checks.ts";
import { chooseColumns, orderRows, usedRows, type MissingPolicy } from "./columns.ts";
import type { Table } from "./csv.ts";
import type { BatchSource, Dataset, DatasetRecord } from "./dataset.ts";
import { evaluationStreams, randomWindows, stridedWindows, trainingStreams, type Range, type Tracks } from "./streams.ts";

export type TableRecord = Extract<DatasetRecord, { kind: "table" }>;

export interface TableOptions {
  /** Column to forecast; default the last column of numbers. */
  readonly target?: string;
  /** Columns to read; default all columns of numbers. Categories become one component each. */
  readonly inputs?: readonly string[];
  /** Column of times; default the first there is. Rows must ascend in it. */
  readonly time?: string;
  /** Sort the rows by time first. */
  readonly sort?: boolean;
  /** Rows ahead; default 1. */
  readonly horizon?: number;
  /** What to do with empty cells; default "error". */
  readonly missing?: MissingPolicy;
  /** Shares of validation (default 0.16) and test (0.2), or numbers of rows if `train` is given too; what is left over at the end is not used. */
  readonly train?: number;
  readonly valid?: number;
  readonly test?: number;
  /** Rows of a training window; default 64, or a quarter of a short training part. */
  readonly window?: number;
  /** Default 32. */
  readonly batch?: number;
  /** "random" (default): windows at drawn places; "strided": each window once a pass; "streams": contiguous with carried state. */
  readonly sampling?: "random" | "strided" | "streams";
  /** Distance of strided windows; default 1. */
  readonly stride?: number;
  /** First steps of a fresh training window that do not count; default 0. */
  readonly burnIn?: number;
  /** Rows read before an evaluation counts; default the window. */
  readonly warmUp?: number;
  readonly seed?: number;
  /** That of a model already trained: its columns, scaling, target and horizon are kept. */
  readonly record?: TableRecord;
}

/** A table ready for training: the dataset, the target in its own unit, and the row ranges of the parts. */
export interface Forecast {
  readonly dataset: Dataset;
  /** Values of the target in the file's unit, in the rows that are used. */
  readonly target: Float64Array;
  readonly horizon: number;
  /** Rows of each part; forecasts are counted for exactly these. */
  readonly parts: { readonly train: Range; readonly valid: Range; readonly test: Range };
}

/** @throws SluiceError E407, E421–E424, E426–E428 */
export function tableForecast(table: Table, options: TableOptions = {}): Forecast {
  const { record: known, missing = known?.missing ?? "error", batch = 32, stride = 1, burnIn = 0, sampling = "random", seed = 1 } = options;
  const horizon = known ? (known.horizon ?? 1) : (options.horizon ?? 1);
  requireWhole("horizon", horizon, 1);
  requireWhole("batch", batch, 1);
  requireWhole("stride", stride, 1);
  requireWhole("burnIn", burnIn, 0);
  const notes = [...table.notes];
  const chosen = chooseColumns(table, known ? columnsOf(known) : options, notes);
  const ordered = orderRows(table, options, notes);
  const { values, targetAt } = usedRows(table, chosen, ordered, missing, notes);
  const rows = values[0].length;
  const parts = cutRows(rows, options);
  const trainRows = parts.train.end - horizon;
  const window = options.window ?? Math.max(1, Math.min(64, Math.floor(trainRows / 4)));
  requireWhole("window", window, 1);
  const warmUp = options.warmUp ?? window;
  requireWhole("warmUp", warmUp, 0);
  checkLengths(table, parts, { trainRows, window, batch, sampling, horizon, rows });

  const columns =
    known?.columns ??
    chosen.components.map(({ name, category }, k) => {
      const { mean, deviation } = category === undefined ? moments(values[k], parts.train.end) : { mean: 0, deviation: 1 };
      return { name, mean, deviation, ...(category !== undefined && { category }) };
    });
  const target = values[targetAt];
  const record: TableRecord = {
    kind: "table",
    columns,
    target: columns[targetAt].name,
    ...(horizon > 1 && { horizon }),
    ...(missing !== "error" && { missing }),
    ...table.said,
  };
  const tracks = makeTracks(values, target, record);
  const inputs: Dataset["inputs"] = { x: { type: "real", size: columns.length }, y: { type: "real", size: 1 } };
  const layout = { batch, window, lookAhead: horizon, seed };
  // The step that reads row p forecasts row p + horizon: a part's steps begin `horizon` rows before its rows.
  const evaluation = ({ start, end }: Range) =>
    end > start
      ? evaluationStreams(
          tracks,
          { start: start - horizon, end: end - horizon },
          { batch: 1, window: Math.max(window, 64), lookAhead: horizon, warmUp, context: 0 },
        )
      : undefined;
  const trainRange = { start: 0, end: trainRows };
  const valid = evaluation(parts.valid);
  const test = evaluation(parts.test);
  const dataset: Dataset = {
    name: `${table.file}: ${record.target}, ${horizon === 1 ? "one row" : `${horizon} rows`} ahead`,
    inputs,
    train:
      sampling === "streams"
        ? trainingStreams(tracks, trainRange, layout)
        : sampling === "strided"
          ? stridedWindows(tracks, trainRange, layout, stride, burnIn)
          : randomWindows(tracks, trainRange, layout, burnIn),
    ...(valid && { valid }),
    ...(test && { test }),
    record,
    ...(notes.length > 0 && { notes }),
  };
  return { dataset, target, horizon, parts };
}

/**
 * The input "x" of a model for new rows: the columns of its record, standardised as in training. Returns [rows, columns].
 * @throws SluiceError E421–E424, E426, E427
 */
export function tableInputs(
  record: TableRecord,
  table: Table,
  missing: MissingPolicy = record.missing ?? "error",
): { readonly x: Float32Array; readonly rows: number } {
  const { values } = usedRows(table, chooseColumns(table, columnsOf(record), []), orderRows(table, {}, []), missing, []);
  return { x: standardise(values, record.columns), rows: values[0].length };
}

/**
 * A whole table read once by a model with this record, in one stream: a forecast is counted for every row from `horizon` on.
 * @throws SluiceError E421–E424, E426–E428
 */
export function tableSource(
  record: TableRecord,
  table: Table,
  options: { readonly missing?: MissingPolicy; readonly window?: number } = {},
): { readonly source: BatchSource; readonly target: Float64Array } {
  const { missing = record.missing ?? "error", window = 64 } = options;
  requireWhole("window", window, 1);
  const { horizon = 1 } = record;
  const { values, targetAt } = usedRows(table, chooseColumns(table, columnsOf(record), []), orderRows(table, {}, []), missing, []);
  const target = values[targetAt];
  if (target.length <= horizon) {
    throw new SluiceError(
      "E428",
      `${table.file} has ${target.length} rows, but a forecast ${horizon} ahead needs at least ${horizon + 1}; give more rows`,
    );
  }
  const tracks = makeTracks(values, target, record);
  const range = { start: 0, end: target.length - horizon };
  return { source: evaluationStreams(tracks, range, { batch: 1, window, lookAhead: horizon, warmUp: 0 }), target };
}

/** A standardised value of the target in the unit of the file. */
export function restoreTarget(record: TableRecord, value: number): number {
  const { mean, deviation } = record.columns.find(({ name }) => name === record.target)!;
  return value * deviation + mean;
}

/**
 * Squared error of a forecast in the unit of the file, as a metric: its square root is the RMSE that baselines are compared with. `value` is the name of
 * the network's forecast of the standardised target, one number for each step.
 */
export function forecastError(record: TableRecord, value: string): Metric {
  const { deviation } = record.columns.find(({ name }) => name === record.target)!;
  return {
    name: "squared error",
    outputs: [value],
    measure: (batch, values, counts) => {
      const { y } = batch.inputs;
      const { data } = values[value];
      let total = 0;
      let count = 0;
      for (let i = 0; i < batch.steps * batch.batch; i++) {
        if (counts[i] === 0) continue;
        total += ((data[i] - y[i]) * deviation) ** 2;
        count++;
      }
      return { total, count };
    },
  };
}

function columnsOf(record: TableRecord) {
  return { target: record.target, inputs: [...new Set(record.columns.map(({ name }) => name))], categories: record.columns };
}

function makeTracks(values: readonly Float64Array[], target: Float64Array, { columns, target: name, horizon = 1 }: TableRecord): Tracks {
  const scale = columns.find((column) => column.name === name)!;
  return {
    x: { type: "real", size: columns.length, values: standardise(values, columns) },
    y: { type: "real", size: 1, values: ahead(standardise([target], [scale]), horizon) },
  };
}

function moments(values: Float64Array, end: number): { readonly mean: number; readonly deviation: number } {
  let mean = 0;
  for (let i = 0; i < end; i++) mean += values[i];
  mean /= end;
  let square = 0;
  for (let i = 0; i < end; i++) square += (values[i] - mean) ** 2 / end;
  // A column that is constant in training stays 0 there; any other deviation would be arbitrary too.
  const deviation = Math.sqrt(square);
  return { mean, deviation: deviation > 1e-12 * Math.max(1, Math.abs(mean)) ? deviation : 1 };
}

function standardise(values: readonly Float64Array[], columns: TableRecord["columns"]): Float32Array {
  const rows = values[0].length;
  const result = new Float32Array(rows * columns.length);
  columns.forEach(({ name, mean, deviation }, k) => {
    for (let row = 0; row < rows; row++) {
      const value = (values[k][row] - mean) / deviation;
      if (!Number.isFinite(Math.fround(value)) || !Number.isFinite(deviation)) {
        throw new SluiceError(
          "E427",
          `column ${name} holds values as large as ${values[k].reduce((most, item) => Math.max(most, Math.abs(item)), 0)}, too large to compute with; scale the column`,
        );
      }
      result[row * columns.length + k] = value;
    }
  });
  return result;
}

function ahead(values: Float32Array, horizon: number): Float32Array {
  const result = new Float32Array(values.length);
  result.set(values.subarray(horizon));
  return result;
}

function cutRows(rows: number, { train, valid = 0.16, test = 0.2 }: TableOptions): Forecast["parts"] {
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

function checkLengths(
  { file }: Table,
  parts: Forecast["parts"],
  size: { trainRows: number; window: number; batch: number; sampling: string; horizon: number; rows: number },
): void {
  const { trainRows, window, batch, sampling, horizon, rows } = size;
  const needed = sampling === "streams" ? batch * window : window;
  if (trainRows < needed) {
    const held = `${file}: the training part has ${parts.train.end} of ${rows} rows`;
    const shape = sampling === "streams" ? `${batch} streams of ${window} rows` : `a window of ${window} rows`;
    const cure =
      sampling === "streams"
        ? "use a smaller batch, a shorter window or sampling random"
        : "use a shorter window, give more rows or smaller shares of valid and test";
    throw new SluiceError("E428", `${held}, but ${shape}, ${horizon} ahead, needs ${needed + horizon}; ${cure}`);
  }
}
