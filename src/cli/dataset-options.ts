/**
 * Where the numbers come from: `--data FILE` (a text, a table, sequences) or `--task NAME`, as a dataset.
 *
 * In: options of the command line, and the record of a model file if there is one. Out: a dataset with its recommendation of how to begin. The kind of a
 * file follows from its ending (.txt, .csv, .tsv, .jsonl, .json, each also with .gz), of JSON from what it holds; a model's own record settles what a file
 * alone could not (vocabulary, columns, scaling).
 */
import { basename } from "node:path";
import type { Command } from "commander";
import type { DatasetRecord } from "../model/dataset-record.ts";
import { SluiceError } from "../support/diagnostic.ts";
import type { BatchSource, Dataset } from "../train/data/dataset.ts";
import type { SequencesRecord } from "../train/data/jsonl.ts";
import { isJsonTable } from "../train/data/json-records.ts";
import { sequenceFileDataset } from "../train/data/sequence-file.ts";
import { evaluationStreams } from "../train/data/streams.ts";
import { textDataset, type TextRecord, textTracks } from "../train/data/text.ts";
import { readTable, type TableReading } from "../train/data/csv.ts";
import { MISSING_POLICIES, type MissingPolicy } from "../train/data/columns.ts";
import { type Forecast, tableForecast, type TableRecord } from "../train/data/table.ts";
import { findTask, TASKS } from "../train/tasks/list.ts";
import type { Task } from "../train/tasks/task.ts";
import { numberOption, usageError } from "./command.ts";
import { defaultsFor } from "./defaults.ts";
import { readText } from "./files.ts";

export interface DataFlags {
  readonly data?: string;
  readonly task?: string;
  readonly option?: Readonly<Record<string, number>>;
  readonly batch?: number;
  readonly window?: number;
  readonly word?: boolean;
  readonly separator?: string;
  readonly target?: string;
  readonly columns?: readonly string[];
  readonly document?: string;
  readonly horizon?: number;
  readonly missing?: MissingPolicy;
  readonly decimal?: "." | ",";
  readonly thousands?: string;
}

/** A dataset, and the task that it is from if it is from one. */
export interface OpenedData {
  readonly dataset: Dataset;
  readonly task?: Task;
  /** The file, as the user named it. */
  readonly path?: string;
  /** All of a text, read once in order. */
  readonly whole?: BatchSource;
  /** The table and its target in the unit of the file, if it is a table. */
  readonly forecast?: Forecast;
}

/** Names of tasks that are shorter to type. */
const TASK_ALIASES: Readonly<Record<string, string>> = { flag: "flag-recall", copy: "copy-memory" };

/** Adds the options that say where the numbers come from. */
export function addDataOptions(command: Command): void {
  command
    .option("--data <file>", "a text (.txt), a table (.csv, .tsv; .json, .jsonl of records), sequences (.jsonl, .json); also .gz")
    .option("--task <name>", `a built-in task: ${TASKS.map((task) => task.name).join(", ")}`)
    .option("--option <name=number>", "an option of the task; may be repeated", taskOption)
    .option("--batch <number>", "sequences side by side", numberOption("--batch", { least: 1, whole: true }))
    .option("--window <number>", "time steps of a batch", numberOption("--window", { least: 1, whole: true }))
    .option("--word", "read a text by words instead of characters")
    .option("--separator <text>", "what stands between two documents of a text (\\n for a line end): none is predicted from another")
    .option("--target <column>", "the column of a table to forecast")
    .option("--columns <names>", "the columns of a table to read, with commas", (text: string) => text.split(",").map((name) => name.trim()))
    .option("--document <column>", "the column that tells documents of a table apart (a patient, a ticker): each is a sequence of its own")
    .option("--horizon <number>", "forecast this many rows ahead", numberOption("--horizon", { least: 1, whole: true }))
    .option("--missing <policy>", `what to do with empty cells: ${MISSING_POLICIES.join(", ")}`, missingOption)
    .option("--decimal <sign>", "the decimal sign of a table's numbers: . or ,", decimalOption)
    .option("--thousands <sign>", "what separates thousands in a table's numbers", thousandsOption);
}

function missingOption(text: string): MissingPolicy {
  const policy = MISSING_POLICIES.find((name) => name === text);
  if (policy === undefined) throw usageError(`--missing is one of ${MISSING_POLICIES.join(", ")}, not “${text}”`);
  return policy;
}

function decimalOption(text: string): "." | "," {
  if (text === "." || text === ",") return text;
  throw usageError(`--decimal is . or , not “${text}”`);
}

function thousandsOption(text: string): string {
  if (text.length === 1 && !/[\d+-]/.test(text)) return text;
  throw usageError(`--thousands is one sign, as in --thousands , or --thousands "'", not “${text}”`);
}

/** How the numbers of a table are written: as said now, else as said when the model was trained. @throws SluiceError E490 */
export function tableReading(flags: DataFlags, file: string, record?: TableRecord): TableReading {
  const decimal = flags.decimal ?? record?.decimal;
  const thousands = flags.thousands ?? record?.thousands;
  if (thousands !== undefined && thousands === (decimal ?? "."))
    throw usageError(`“${thousands}” cannot be the decimal sign and separate thousands; say both, with --decimal and --thousands`);
  return { file, ...(decimal && { decimal }), ...(thousands && { thousands }) };
}

/** Options of each kind of data; the others have nothing to act on. */
const OPTIONS_OF: Readonly<Record<FileKind | "task", readonly (keyof DataFlags)[]>> = {
  task: ["option", "batch"],
  text: ["batch", "window", "word", "separator"],
  table: ["batch", "window", "target", "columns", "document", "horizon", "missing", "decimal", "thousands"],
  sequences: ["batch"],
};

const KIND_WORDS: Readonly<Record<FileKind | "task", string>> = { task: "a task", text: "a text", table: "a table", sequences: "sequences" };

/** Refuses options that this kind of data does not have, and those that a trained model has settled otherwise. @throws SluiceError E490 */
export function refuseForeignOptions(flags: DataFlags, kind: FileKind | "task", record?: DatasetRecord): void {
  for (const name of new Set(Object.values(OPTIONS_OF).flat())) {
    if (flags[name] === undefined || OPTIONS_OF[kind].includes(name)) continue;
    const homes = (Object.keys(OPTIONS_OF) as (FileKind | "task")[]).filter((other) => OPTIONS_OF[other].includes(name));
    throw usageError(
      `--${name} is an option of ${homes.map((home) => KIND_WORDS[home]).join(" and of ")}, but the data are ${KIND_WORDS[kind]}; leave it out`,
    );
  }
  const settled = (name: string, given: unknown, known: unknown): void => {
    if (given === undefined || given === known) return;
    const was = known === undefined ? `without --${name}` : `with --${name} ${known}`;
    throw usageError(`this model was trained ${was}, which cannot be changed now; leave out --${name}`);
  };
  if (record?.kind === "table") {
    const names = (columns: readonly string[]): string => [...new Set([...columns, record.target])].sort().join(",");
    settled("target", flags.target, record.target);
    settled("horizon", flags.horizon, record.horizon ?? 1);
    settled("columns", flags.columns && names(flags.columns), names(record.columns.map((column) => column.name)));
    settled("document", flags.document, record.document);
  }
  if (record?.kind === "text") settled("separator", flags.separator && unescaped(flags.separator), record.separator);
  if (record?.kind === "text" && flags.word && record.unit !== "word")
    throw usageError("this model reads a text by characters, which cannot be changed now; leave out --word");
}

function taskOption(text: string, before: Readonly<Record<string, number>> = {}): Readonly<Record<string, number>> {
  const [name, value] = text.split("=");
  if (!name || value === undefined || value === "" || Number.isNaN(Number(value)))
    throw usageError(`--option takes NAME=NUMBER, for example length=20, not “${text}”`);
  return { ...before, [name]: Number(value) };
}

/**
 * Opens the dataset; `usual` stands in for a batch and window that were not given. Without `--data` and `--task`, a model that was trained on a task
 * gets that task again.
 * @throws SluiceError E490 for options that contradict each other, those of files.ts, and those of the readers
 */
export function openData(
  asked: DataFlags,
  seed: number,
  record?: DatasetRecord,
  usual: { readonly batch?: number; readonly window?: number } = {},
): OpenedData {
  const flags = { ...asked, batch: asked.batch ?? usual.batch, window: asked.window ?? usual.window };
  if (flags.data !== undefined && flags.task !== undefined) throw usageError("give --data or --task, not both");
  if (flags.data === undefined && flags.task === undefined) {
    if (record?.kind === "task") {
      refuseForeignOptions(asked, "task", record);
      return openTask(record.name, { ...record.options, ...flags.option }, flags, seed);
    }
    throw usageError(
      record === undefined
        ? "where are the numbers to come from? Give --data FILE (.txt, .csv, .tsv, .json, .jsonl) or --task NAME (for example --task flag)"
        : `this model was trained on ${describeRecord(record)}; give a file of that kind with --data`,
    );
  }
  if (flags.task !== undefined) {
    if (record !== undefined && record.kind !== "task") throw usageError(`this model was trained on ${describeRecord(record)}, not on a task`);
    refuseForeignOptions(asked, "task", record);
    const name = TASK_ALIASES[flags.task] ?? flags.task;
    return openTask(name, { ...(record?.kind === "task" && record.name === name ? record.options : {}), ...flags.option }, flags, seed);
  }
  const kind = fileKind(flags.data!);
  refuseOtherKind(flags.data!, kind, record);
  refuseForeignOptions(asked, kind, record);
  return { ...openFile(flags.data!, kind, flags, seed, record), path: flags.data };
}

function openTask(name: string, options: Readonly<Record<string, number>>, flags: DataFlags, seed: number): OpenedData {
  const task = findTask(name);
  return { task, dataset: task.dataset({ options, batch: flags.batch, seed }) };
}

export type FileKind = "text" | "table" | "sequences";

/** What a file holds, by its ending; JSON is a table if its records hold no lists. @throws SluiceError E490, those of files.ts */
export function fileKind(path: string): FileKind {
  const name = basename(path).toLowerCase().replace(/\.gz$/, "");
  if (/\.(csv|tsv)$/.test(name)) return "table";
  if (/\.(jsonl|ndjson|json)$/.test(name)) return isJsonTable(readText(path)) ? "table" : "sequences";
  if (/\.(txt|text|md)$/.test(name) || !name.includes(".")) return "text";
  throw usageError(`the kind of ${path} cannot be told from its ending; rename it to .txt (text), .csv (table) or .jsonl (sequences)`);
}

/** Refuses a file that a trained model cannot read, and says what it can. @throws SluiceError E486 */
export function refuseOtherKind(path: string, kind: FileKind, record?: DatasetRecord): void {
  if (record === undefined || record.kind === kind) return;
  const wanted = {
    text: "a text (.txt)",
    table: "a table (.csv, .tsv, or .json and .jsonl with records)",
    sequences: "sequences (.jsonl, .json)",
    task: "no file",
  };
  throw new SluiceError(
    "E486",
    `this model was trained on ${describeRecord(record)}, but ${path} holds ${KIND_WORDS[kind]}; give ${wanted[record.kind]}`,
  );
}

function openFile(path: string, kind: FileKind, flags: DataFlags, seed: number, record: DatasetRecord | undefined): OpenedData {
  const text = readText(path);
  const name = basename(path).replace(/\.gz$/, "");
  switch (kind) {
    case "text":
      return openText(text, name, flags, seed, record as TextRecord | undefined);
    case "table":
      return openTable(text, name, flags, seed, record as TableRecord | undefined);
    case "sequences":
      return { dataset: sequenceFileDataset(text, { file: name, batch: flags.batch, seed, record: record as SequencesRecord | undefined }) };
  }
}

/** A table in time order; a trained model settles target, columns and horizon. */
function openTable(text: string, name: string, flags: DataFlags, seed: number, record: TableRecord | undefined): OpenedData {
  const table = readTable(text, tableReading(flags, name, record));
  const forecast = tableForecast(table, {
    target: record?.target ?? flags.target,
    inputs: record === undefined ? flags.columns : [...new Set(record.columns.map((column) => column.name))],
    document: record === undefined ? flags.document : record.document,
    horizon: record === undefined ? flags.horizon : (record.horizon ?? 1),
    missing: flags.missing ?? record?.missing,
    window: flags.window,
    batch: flags.batch,
    seed,
  });
  if (record !== undefined) requireSameScaling(record, forecast.dataset.record as TableRecord, name);
  return { dataset: forecast.dataset, forecast };
}

/** A model reads what it was trained on in the same scale; rows of another table have another mean. @throws SluiceError E486 */
function requireSameScaling(trained: TableRecord, read: TableRecord, name: string): void {
  for (const [k, column] of trained.columns.entries()) {
    const other = read.columns[k];
    const close = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-6 * Math.max(1, column.deviation);
    if (other !== undefined && close(other.mean, column.mean) && close(other.deviation, column.deviation)) continue;
    throw new SluiceError(
      "E486",
      `${name} is not the table that this model was trained on (column ${column.name} differs); \`sluice predict\` uses a model on new rows`,
    );
  }
}

function openText(text: string, name: string, flags: DataFlags, seed: number, record: TextRecord | undefined): OpenedData {
  if (record !== undefined) return knownText(text, name, flags, record);
  const unit = flags.word ? "word" : "character";
  const separator = flags.separator && unescaped(flags.separator);
  return { dataset: textDataset(text, { name: `${name}, by ${unit}`, unit, window: flags.window, batch: flags.batch, seed, separator }) };
}

/** Line ends and tabs as a shell passes them. */
const unescaped = (text: string): string => text.replaceAll("\\n", "\n").replaceAll("\\t", "\t");

/** Batch and window as the user gave them. */
function given({ batch, window }: DataFlags): { readonly batch?: number; readonly window?: number } {
  return { ...(batch !== undefined && { batch }), ...(window !== undefined && { window }) };
}

/** A text read with the vocabulary of a trained model: its held-out part (the last tenth, as in training) and the whole, each read once in order. */
function knownText(text: string, name: string, flags: DataFlags, record: TextRecord): OpenedData {
  const { tracks, begins } = textTracks(record, text);
  const tokens = tracks.token.values;
  const trained = Math.floor(tokens.length * 0.9 + 1e-9);
  if (tokens.length < 2) throw new SluiceError("E410", `${name} has ${tokens.length} ${record.unit}s; nothing can be predicted from so few`);
  const { batch, window } = { ...defaultsFor(record.unit), ...given(flags) };
  const read = (start: number, end: number): BatchSource =>
    evaluationStreams(
      tracks,
      { start, end },
      { batch: Math.max(1, Math.min(batch, Math.floor((end - start) / window))), window, lookAhead: 1, warmUp: window, begins },
    );
  const dataset: Dataset = {
    name: `${name}, by ${record.unit}`,
    inputs: { token: { type: "index", size: record.vocabulary.length } },
    train: read(0, Math.max(1, trained - 1)),
    ...(trained > 0 && trained < tokens.length && { valid: read(trained - 1, tokens.length - 1) }),
    record,
  };
  return { dataset, whole: read(0, tokens.length - 1) };
}

/** "text by character", "the columns Temp of a table". */
export function describeRecord(record: DatasetRecord): string {
  switch (record.kind) {
    case "text":
      return `text, by ${record.unit}`;
    case "table":
      return `a table (${record.columns.map((column) => column.name).join(", ")}; target ${record.target})`;
    case "sequences":
      return "sequences";
    case "task":
      return `the task ${record.name}`;
  }
}
