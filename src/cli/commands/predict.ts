/**
 * `sluice predict MODEL`: what a trained model says about new data.
 *
 * A table: the rows that follow, in the unit of the file (with `--all`, the forecast of every row beside what came). A text: the likeliest next symbols
 * after `--prompt`. Sequences: the answer to each line of the file. A task: answers to fresh examples.
 */
import { basename } from "node:path";
import { figure, table } from "../../inspect/draw.ts";
import type { Model } from "../../model/model.ts";
import { SluiceError } from "../../support/diagnostic.ts";
import type { Batch, BatchSource, Dataset } from "../../train/data/dataset.ts";
import { evaluationBatches } from "../../train/data/batching.ts";
import { readTable } from "../../train/data/csv.ts";
import { readNumberedSequences, type SequencesRecord } from "../../train/data/jsonl.ts";
import { hasSplits } from "../../train/data/sequence-file.ts";
import { restoreTarget, tableInputs, type TableRecord } from "../../train/data/table.ts";
import { decodeText, encodeText, type TextRecord } from "../../train/data/text.ts";
import { type CommandDefinition, type Context, numberOption, usageError } from "../command.ts";
import {
  addDataOptions,
  type DataFlags,
  describeRecord,
  fileKind,
  openData,
  refuseForeignOptions,
  refuseOtherKind,
  tableReading,
} from "../dataset-options.ts";
import { EXIT } from "../exit-code.ts";
import { readText } from "../files.ts";
import { readModel } from "../subject.ts";
import { openWriter } from "../writer.ts";

interface PredictFlags extends DataFlags {
  readonly prompt?: string;
  readonly rows: number;
  readonly all?: boolean;
}

export const predict: CommandDefinition<PredictFlags> = {
  name: "predict",
  arguments: "<model>",
  summary: "use a trained model on new data",
  examples: [
    "sluice predict gru.safetensors --data temperatures.csv --rows 7",
    "sluice predict gru.safetensors --data temperatures.csv --all > forecasts.csv",
    'sluice predict lstm.safetensors --prompt "To be or not to b"',
    "sluice predict classifier.safetensors --data new.jsonl",
  ],
  options(command) {
    addDataOptions(command);
    command
      .option("--prompt <text>", "for a model of a text: what was read so far")
      .option(
        "--rows <number>",
        "for a table: rows to forecast; later ones read the forecasts of earlier ones",
        numberOption("--rows", { least: 1, whole: true }),
        1,
      )
      .option("--all", "for a table: the forecast of every row, as CSV");
  },
  run(context, [path], flags) {
    const model = readModel(path);
    const { record } = model;
    if (record === undefined) throw new SluiceError("E486", `${path} does not say what data it was trained on`);
    for (const name of ["prompt", "all"] as const) {
      const home = name === "prompt" ? "text" : "table";
      if (flags[name] !== undefined && record.kind !== home)
        throw usageError(`--${name} is for a model of a ${home}, but this one was trained on ${describeRecord(record)}; leave it out`);
    }
    switch (record.kind) {
      case "table":
        return predictTable(context, model, record, flags);
      case "text":
        return predictText(context, model, record, flags);
      case "task":
        return predictTask(context, model, flags);
      case "sequences":
        return predictSequences(context, model, record, flags);
    }
  },
};

function predictTable(context: Context, model: Model, record: TableRecord, flags: PredictFlags): number {
  if (flags.data === undefined) throw usageError("which rows? Give the table with --data FILE.csv");
  const kind = fileKind(flags.data);
  refuseOtherKind(flags.data, kind, record);
  refuseForeignOptions(flags, kind, record);
  const read = tableInputs(record, readTable(readText(flags.data), tableReading(flags, flags.data, record)), flags.missing);
  const width = record.columns.length;
  const documents = (read.documents ?? [{ name: undefined, start: 0, end: read.rows }]).map(({ name, start, end }): TableDocument => {
    const named = name === undefined || record.document === undefined ? {} : { [record.document]: name };
    return { named, rows: end - start, x: read.x.subarray(start * width, end * width) };
  });
  if (flags.all) return printAll(context, model, record, documents);
  const horizon = record.horizon ?? 1;
  if (flags.rows > horizon && (width > 1 || horizon > 1)) {
    throw usageError(
      `this model reads ${width} columns and forecasts ${horizon} ahead, so it can go no further than ${horizon} rows; leave out --rows`,
    );
  }
  const answer = model.network.outputs[0];
  const { terminal, json, emit } = context;
  const stream = model.stream({ outputs: [answer] });
  const said = documents.map(({ named, rows, x }) => {
    stream.reset();
    const forecasts: number[] = [];
    for (let row = 0; row < rows; row++) {
      const value = stream.step({ x: x.subarray(row * width, (row + 1) * width) })[0];
      if (row >= rows - horizon) forecasts.push(value);
    }
    while (forecasts.length < flags.rows) forecasts.push(stream.step({ x: Float32Array.of(forecasts.at(-1)!) })[0]);
    const forecast = forecasts.slice(0, Math.max(flags.rows, horizon)).map((value) => restoreTarget(record, value));
    return { ...named, target: record.target, from: rows + 1, forecast };
  });
  if (json) emit(read.documents === undefined ? said[0] : said);
  else
    for (const [k, { from, forecast }] of said.entries())
      forecast.forEach((value, i) => {
        const name = Object.entries(documents[k].named).map(([column, text]) => `${column} ${text}   `);
        terminal.print(`${name.join("")}row ${from + i}   ${record.target} ${figure(value, 5)}`);
      });
  return EXIT.ok;
}

/** Rows of one document, counted from 1 in it; of a table without documents, all. */
interface TableDocument {
  /** What the column of documents says of them. */
  readonly named: Readonly<Record<string, string>>;
  readonly rows: number;
  /** [rows, columns] */
  readonly x: Float32Array;
}

/** The forecast of every row beside what came, as CSV. */
function printAll({ terminal, json, emit }: Context, model: Model, record: TableRecord, documents: readonly TableDocument[]): number {
  const width = record.columns.length;
  const horizon = record.horizon ?? 1;
  const answer = model.network.outputs[0];
  const target = record.columns.findIndex((column) => column.name === record.target);
  const lines = documents.flatMap(({ named, rows, x }) => {
    const { data } = model.run({ x: { data: x, shape: [rows, width] } }, { outputs: [answer] })[answer];
    return Array.from({ length: rows }, (_, row) => ({
      ...named,
      row: row + horizon + 1,
      [record.target]: row + horizon < rows ? restoreTarget(record, x[(row + horizon) * width + target]) : undefined,
      forecast: restoreTarget(record, data[row]),
    }));
  });
  if (json) emit(lines);
  else {
    const cell = (value: string | number = ""): string => {
      if (typeof value === "number") return String(Number(value.toPrecision(7)));
      return /[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
    };
    for (const line of [Object.keys(lines[0]), ...lines.map((each) => Object.values(each))]) terminal.print(line.map(cell).join(","));
  }
  return EXIT.ok;
}

function predictText({ terminal, json, emit }: Context, model: Model, record: TextRecord, flags: PredictFlags): number {
  if (flags.data !== undefined) throw usageError("a model of a text goes on from --prompt; leave out --data (sluice eval measures it on a file)");
  if (flags.prompt === undefined) throw usageError('what was read so far? This model was trained on text; give --prompt "…"');
  const tokens = encodeText(record, flags.prompt);
  if (tokens.length === 0) throw usageError("--prompt must hold at least one symbol");
  const writer = openWriter(model, record);
  let logits: Float32Array = new Float32Array(0);
  for (const token of tokens) logits = writer.read(token);
  const greatest = Math.max(...logits);
  const weights = Array.from(logits, (value) => Math.exp(value - greatest));
  const total = weights.reduce((a, b) => a + b, 0);
  const likely = weights
    .map((weight, index) => ({ symbol: decodeText(record, [index]), probability: weight / total }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, 8);
  if (json) emit({ prompt: flags.prompt, next: likely });
  else
    for (const line of table(
      likely.map(({ symbol, probability }) => [JSON.stringify(symbol), probability.toFixed(3)]),
      [1],
    ))
      terminal.print(line);
  return EXIT.ok;
}

/** Answers to a few fresh examples of the task, beside what was wanted. */
function predictTask({ terminal, json, emit }: Context, model: Model, flags: PredictFlags): number {
  const { dataset, task } = openData(flags, model.seed, model.record);
  const batch = (dataset.test ?? dataset.train).batchAt(0);
  const { record } = dataset;
  const answers = answersOf(model, dataset.inputs, batch);
  const shown = Math.min(flags.rows === 1 ? 5 : flags.rows, batch.batch);
  const examples = Array.from({ length: shown }, (_, row) => {
    const { symbols, wanted } = task!.render(batch, row, record.kind === "task" ? record.options : undefined);
    return { symbols, wanted: wanted.map(({ text }) => text), said: wanted.map(({ step }) => answers.at(step, row)) };
  });
  if (json) emit(examples);
  else {
    for (const { symbols, wanted, said } of examples) {
      const text = symbols.join(" ");
      terminal.print(
        `${text.length > 60 ? `… ${text.slice(-58)}` : text}   wanted ${wanted.slice(-12).join(" ")}   said ${said.slice(-12).join(" ")}`,
      );
    }
  }
  return EXIT.ok;
}

/** What the model says at the end of each sequence of the file, beside what was wanted if the file says it. A file with parts of its own: of its test part. */
function predictSequences({ terminal, json, emit }: Context, model: Model, record: SequencesRecord, flags: PredictFlags): number {
  if (flags.data === undefined) throw usageError("which sequences? Give them with --data FILE.jsonl; a field y is not needed");
  const { source, inputs, lines } = sequencesOf(model, record, flags, flags.data);
  const names = (record.inputs.y as { names?: readonly string[] } | undefined)?.names;
  const rows: { sequence: number; steps: number; said: string; wanted?: string }[] = [];
  for (let step = 0; step < (source.batchesPerPass ?? 1); step++) {
    const batch = source.batchAt(step);
    const answers = answersOf(model, inputs, batch, names);
    for (let row = 0; row < batch.batch; row++) {
      const steps = batch.lengths?.[row] ?? batch.steps;
      if (steps === 0) continue;
      const at = batch.rows?.[row] ?? rows.length;
      const line = lines?.[at];
      const y = lines === undefined ? batch.inputs.y?.[(steps - 1) * batch.batch + row] : line?.sequence.inputs.y?.[steps - 1];
      const wanted = inputs.y?.type === "index" ? y : undefined;
      rows.push({
        sequence: line?.line ?? at + 1,
        steps,
        said: answers.at(steps - 1, row),
        ...(wanted !== undefined && { wanted: names?.[wanted] ?? String(wanted) }),
      });
    }
  }
  rows.sort((a, b) => a.sequence - b.sequence);
  const withWanted = rows.some(({ wanted }) => wanted !== undefined);
  const head = [lines === undefined ? "sequence" : "line", "steps", "said", ...(withWanted ? ["wanted"] : [])];
  if (json) emit(rows);
  else
    for (const line of table(
      [head, ...rows.map((row) => [String(row.sequence), String(row.steps), row.said, ...(withWanted ? [row.wanted ?? ""] : [])])],
      [0, 1],
    ))
      terminal.print(line);
  return EXIT.ok;
}

interface NewSequences {
  readonly source: BatchSource;
  readonly inputs: Dataset["inputs"];
  /** Of JSON lines: each with its place in the file. */
  readonly lines?: ReturnType<typeof readNumberedSequences>;
}

function sequencesOf(model: Model, record: SequencesRecord, flags: PredictFlags, path: string): NewSequences {
  const text = fileKind(path) === "sequences" ? readText(path) : undefined;
  if (text === undefined || hasSplits(text)) {
    const { dataset } = openData(flags, model.seed, model.record);
    return { source: dataset.test ?? dataset.valid ?? dataset.train, inputs: dataset.inputs };
  }
  refuseForeignOptions(flags, "sequences", record);
  const lines = readNumberedSequences(record, text, basename(path));
  const inputs = record.inputs as Dataset["inputs"];
  const { y: _, ...read } = inputs;
  const batch = Math.min(flags.batch ?? 32, lines.length);
  const sequences = lines.map(({ sequence: { steps, inputs: given } }) => ({ steps, inputs: given }));
  return { source: evaluationBatches(sequences, read, { batch, lookAhead: 0 }), inputs, lines };
}

/** Runs a batch; `at` gives the answer of a step as text: the likeliest class, or the numbers. */
function answersOf(model: Model, known: Dataset["inputs"], batch: Batch, names?: readonly string[]): { at(step: number, row: number): string } {
  const answer = model.network.outputs[0];
  const inputs = Object.fromEntries(
    model.network.inputs
      .filter((input) => batch.inputs[input.name] !== undefined && input.name !== "y")
      .map((input) => {
        const { type, size } = known[input.name];
        const held = batch.steps * batch.batch * (type === "real" ? size : 1); // what is beyond is look-ahead
        const shape = type === "real" ? [batch.steps, batch.batch, size] : [batch.steps, batch.batch];
        return [input.name, { data: batch.inputs[input.name].subarray(0, held), shape }];
      }),
  );
  const { data, shape } = model.run(inputs, { outputs: [answer], lengths: batch.lengths })[answer];
  const width = shape.slice(2).reduce((a, b) => a * b, 1);
  const classes = known.y?.type === "index";
  return {
    at(step, row) {
      const from = (step * batch.batch + row) * width;
      const values = Array.from(data.subarray(from, from + width));
      if (!classes) return values.map((value) => figure(value, 3)).join(" ");
      const best = values.indexOf(Math.max(...values));
      return names?.[best] ?? String(best);
    },
  };
}
