/**
 * A table in time order as a forecasting dataset: from the rows so far, a column some rows ahead.
 *
 * In: a table and which column to forecast. Out: real input "x" [time, batch, columns], standardised, and real "y" [time, batch, 1], the standardised
 * target `horizon` rows ahead; "x" holds `horizon` rows of look-ahead, so `x[t+1]` may be the target of a network too. Training, validation and test
 * follow each other in time; mean and deviation are those of the training rows alone. An evaluation reads on from the rows before its part (they do not
 * count) and counts exactly the forecasts of the rows of its part.
 * With a column of documents (`document`) each of its values is a sequence of its own: states begin anew with it, nothing is forecast from another, and every
 * document lies whole in one part.
 * Never reorders rows unless asked, never fills a missing cell unless told how.
 */
import { SluiceError } from "../../support/diagnostic.ts";
import { checkOptions, type OptionNames, requireKind, requireNames, requireWord } from "../../support/options.ts";
import type { Metric } from "../metric.ts";
import { requireWhole } from "./checks.ts";
import { chooseColumns, type DocumentRows, MISSING_POLICIES, type MissingPolicy, orderRows, type UsedRows, usedRows } from "./columns.ts";
import type { Table } from "./csv.ts";
import type { BatchSource, Dataset, DatasetRecord } from "./dataset.ts";
import { evaluationStreams, randomWindows, stridedWindows, trainingStreams, type Range, type Tracks } from "./streams.ts";
import { moments } from "./scaling.ts";
import { beginsOf, cutRows, type TableParts, wholeDocuments } from "./table-parts.ts";

export type TableRecord = Extract<DatasetRecord, { kind: "table" }>;

export interface TableOptions {
  /** Column to forecast; default the last column of numbers. */
  readonly target?: string;
  /** Columns to read; default all columns of numbers. Categories become one component each. */
  readonly inputs?: readonly string[];
  /** Column of times; default the first there is. Rows must ascend in it. */
  readonly time?: string;
  /** Column whose values tell documents apart (a patient, a ticker): the rows of each are a sequence of their own, in which times may begin anew. */
  readonly document?: string;
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
  /** Rows of each document, where there are several. */
  readonly documents?: readonly DocumentRows[];
  /** Rows of each part; forecasts are counted for exactly these (but those with less than `horizon` rows of their document before them). */
  readonly parts: TableParts;
}

const TABLE_OPTIONS: OptionNames<TableOptions> = {
  target: true,
  inputs: true,
  time: true,
  document: true,
  sort: true,
  horizon: true,
  missing: true,
  train: true,
  valid: true,
  test: true,
  window: true,
  batch: true,
  sampling: true,
  stride: true,
  burnIn: true,
  warmUp: true,
  seed: true,
  record: true,
};

/** @throws SluiceError E407, E421–E424, E426–E428, E462 */
export function tableForecast(table: Table, options: TableOptions = {}): Forecast {
  checkOptions("tableForecast", options, TABLE_OPTIONS);
  requireKind(Array.isArray(table?.columns), "what is forecast", "a table, readTable(text)", table);
  const { record: known, missing = known?.missing ?? "error", batch = 32, stride = 1, burnIn = 0, sampling = "random", seed = 1 } = options;
  const horizon = known ? (known.horizon ?? 1) : (options.horizon ?? 1);
  requireWord("policy for missing values", missing, MISSING_POLICIES);
  requireWord("sampling", sampling, ["random", "strided", "streams"]);
  if (options.inputs !== undefined) requireNames("inputs", options.inputs);
  requireWhole("horizon", horizon, 1);
  requireWhole("batch", batch, 1);
  requireWhole("stride", stride, 1);
  requireWhole("burnIn", burnIn, 0);
  const notes = [...table.notes];
  const document = known ? known.document : options.document;
  const chosen = chooseColumns(table, known ? columnsOf(known) : options, notes);
  const ordered = orderRows(table, { ...options, document }, notes);
  const { values, targetAt, documents } = usedRows(table, chosen, ordered, missing, notes);
  const rows = values[0].length;
  const parts = documents ? wholeDocuments(cutRows(rows, options), documents, `${table.file}, column ${document}`) : cutRows(rows, options);
  const begins = documents && beginsOf(documents, rows);
  const trainRows = parts.train.end - horizon;
  const window = options.window ?? Math.max(1, Math.min(64, Math.floor(trainRows / 4)));
  requireWhole("window", window, 1);
  const warmUp = options.warmUp ?? window;
  requireWhole("warmUp", warmUp, 0);
  checkLengths(table, parts, { trainRows, window, batch, sampling, horizon, rows });

  const columns =
    known?.columns ??
    chosen.components.map(({ name, category }, k) => {
      const { mean, deviation } = category === undefined ? moments(values[k].subarray(0, parts.train.end)) : { mean: 0, deviation: 1 };
      return { name, mean, deviation, ...(category !== undefined && { category }) };
    });
  const target = values[targetAt];
  const record: TableRecord = {
    kind: "table",
    columns,
    target: columns[targetAt].name,
    ...(document !== undefined && { document }),
    ...(horizon > 1 && { horizon }),
    ...(missing !== "error" && { missing }),
    ...table.said,
  };
  const tracks = makeTracks(values, target, record);
  const inputs: Dataset["inputs"] = { x: { type: "real", size: columns.length }, y: { type: "real", size: 1 } };
  const layout = { batch, window, lookAhead: horizon, seed, begins };
  // The step that reads row p forecasts row p + horizon: a part's steps begin `horizon` rows before its rows.
  const evaluation = ({ start, end }: Range) =>
    end > start
      ? evaluationStreams(
          tracks,
          { start: start - horizon, end: end - horizon },
          { batch: 1, window: Math.max(window, 64), lookAhead: horizon, warmUp, context: 0, begins },
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
  return { dataset, target, horizon, parts, documents };
}

/**
 * The input "x" of a model for new rows: the columns of its record, standardised as in training. Returns [rows, columns]; `documents` says which rows are
 * sequences of their own, and are to be run alone.
 * @throws SluiceError E421–E424, E426, E427
 */
export function tableInputs(
  record: TableRecord,
  table: Table,
  missing: MissingPolicy = record.missing ?? "error",
): { readonly x: Float32Array; readonly rows: number; readonly documents?: readonly DocumentRows[] } {
  requireKind(record?.kind === "table", "the first argument of tableInputs", "the record of a table", record);
  const { values, documents } = recordedRows(record, table, missing);
  return { x: standardise(values, record.columns), rows: values[0].length, documents };
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
  const { values, targetAt, documents } = recordedRows(record, table, missing);
  const target = values[targetAt];
  if (target.length <= horizon) {
    throw new SluiceError(
      "E428",
      `${table.file} has ${target.length} rows, but a forecast ${horizon} ahead needs at least ${horizon + 1}; give more rows`,
    );
  }
  const tracks = makeTracks(values, target, record);
  const range = { start: 0, end: target.length - horizon };
  const begins = documents && beginsOf(documents, target.length);
  return { source: evaluationStreams(tracks, range, { batch: 1, window, lookAhead: horizon, warmUp: 0, begins }), target };
}

/** What a model with this record reads of a table. */
function recordedRows(record: TableRecord, table: Table, missing: MissingPolicy): UsedRows {
  return usedRows(table, chooseColumns(table, columnsOf(record), []), orderRows(table, { document: record.document }, []), missing, []);
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
    name: "mse",
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
  return {
    target: record.target,
    inputs: [...new Set(record.columns.map(({ name }) => name))],
    categories: record.columns,
    document: record.document,
  };
}

function makeTracks(values: readonly Float64Array[], target: Float64Array, { columns, target: name, horizon = 1 }: TableRecord): Tracks {
  const scale = columns.find((column) => column.name === name)!;
  return {
    x: { type: "real", size: columns.length, values: standardise(values, columns) },
    y: { type: "real", size: 1, values: ahead(standardise([target], [scale]), horizon) },
  };
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
