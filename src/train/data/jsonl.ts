/**
 * JSON lines as a dataset: one sequence on each line (or one list of sequences), its fields named as the network's inputs.
 *
 *     {"x": [[0.1, 0.2], [0.3, 0.4]], "y": "walking"}
 *
 * In: the text, or one text for each part. Out: sequences in batches. What a field is follows from all lines together: a list of lists is a real vector
 * for each step; a list of whole numbers an index for each step; a list of other numbers a real number for each step; a list of texts an index by name;
 * a whole number or a text a class; another number a real target. A value that is no list belongs to the end of its sequence: it is repeated at every
 * step, and if it is "y", the loss counts at the last step only. `types` overrules ("real" for whole numbers that are measurements).
 * Every field has the same kind and size on all lines, checked with line and field in the message. A line with NaN is not JSON.
 */
import { SluiceError } from "../../support/diagnostic.ts";
import type { Sequence } from "./batching.ts";
import { listNames, quoteCell } from "./checks.ts";
import { checkOptions, type OptionNames, requireKind } from "../../support/options.ts";
import { nearestWord } from "../../support/text.ts";
import type { Dataset, DatasetRecord } from "./dataset.ts";
import { type JsonRecord, readJsonRecords } from "./json-records.ts";
import { divide, sequenceDataset } from "./sequences.ts";

export interface JsonLinesOptions {
  readonly name?: string;
  /** The name that messages show; default "the data". */
  readonly file?: string;
  /** Overrules what a field of whole numbers is. */
  readonly types?: Readonly<Record<string, "real" | "index">>;
  /** Shares of one text, drawn by seed; default 0.1 each. */
  readonly valid?: number;
  readonly test?: number;
  readonly batch?: number;
  readonly seed?: number;
  /** That of a model already trained: its fields, sizes and names are kept. */
  readonly record?: SequencesRecord;
}

/** What a field is, as a model file keeps it. */
export interface Field {
  readonly type: "real" | "index";
  readonly size: number;
  /** False: one value for the whole sequence. */
  readonly perStep: boolean;
  /** Texts of the indices. */
  readonly names?: readonly string[];
  /** Scaling of a real field's components, if the model was trained on scaled ones. */
  readonly columns?: readonly { readonly mean: number; readonly deviation: number }[];
}

type Fields = Readonly<Record<string, Field>>;
export type SequencesRecord = Extract<DatasetRecord, { kind: "sequences" }>;

const LINES_OPTIONS: OptionNames<JsonLinesOptions> = {
  name: true,
  file: true,
  types: true,
  valid: true,
  test: true,
  batch: true,
  seed: true,
  record: true,
};

/** @throws SluiceError E407, E412, E427, E430–E432, E462 */
export function jsonLinesDataset(
  text: string | { readonly train: string; readonly valid?: string; readonly test?: string },
  options: JsonLinesOptions = {},
): Dataset {
  checkOptions("jsonLinesDataset", options, LINES_OPTIONS);
  const { file = "the data", batch = 32, seed = 1, valid = 0.1, test = 0.1, types = {} } = options;
  const single = typeof text === "string";
  requireKind(single || typeof text?.train === "string", "the lines", "a text, or { train, valid, test }", text);
  const lines = single
    ? divide(readJsonRecords(text, file), { valid, test, seed })
    : {
        train: readJsonRecords(text.train, `${file} (train)`),
        valid: readJsonRecords(text.valid ?? "", `${file} (valid)`),
        test: readJsonRecords(text.test ?? "", `${file} (test)`),
      };
  const all = [...lines.train, ...lines.valid, ...lines.test].sort((a, b) => (a.file === b.file ? a.number - b.number : 0));
  if (lines.train.length === 0) throw new SluiceError("E412", `${file} is empty; it needs one JSON object on each line`);
  const fields = options.record ? (options.record.inputs as Fields) : inferFields(all, types);
  const read = (line: JsonRecord) => readSequence(line, fields, Object.keys(fields));
  return sequenceDataset(
    { train: lines.train.map(read), valid: lines.valid.map(read), test: lines.test.map(read) },
    {
      name: options.name ?? file,
      inputs: Object.fromEntries(Object.entries(fields).map(([name, { type, size }]) => [name, { type, size }])),
      record: { kind: "sequences", inputs: fields },
    },
    { batch, seed, lookAhead: 0 },
  );
}

/** Sequences of new lines for a model with this record; "y" may be missing. @throws as `jsonLinesDataset` */
export function readSequences(record: SequencesRecord, text: string, file = "the data"): Sequence[] {
  return readNumberedSequences(record, text, file).map(({ sequence }) => sequence);
}

/** The same, each with the line of the file that it stands on. @throws as `jsonLinesDataset` */
export function readNumberedSequences(
  record: SequencesRecord,
  text: string,
  file = "the data",
): { readonly line: number; readonly sequence: Sequence }[] {
  // A file with parts of its own says of no field that it is of steps, but scales them.
  const fields = Object.fromEntries(
    Object.entries(record.inputs as Fields).map(([name, field]): [string, Field] => [name, { ...field, perStep: field.perStep ?? true }]),
  );
  const lines = readJsonRecords(text, file);
  if (lines.length === 0) throw new SluiceError("E412", `${file} is empty; it needs one JSON object on each line`);
  return lines.map((line) => {
    const names = Object.keys(fields).filter((name) => name !== "y" || Object.hasOwn(line.values, "y"));
    const sequence = readSequence(line, fields, names);
    for (const name of names) scale(sequence.inputs[name], fields[name]);
    return { line: line.number, sequence };
  });
}

/** (value - mean) / deviation of each component, in place, where the model was trained on that. */
function scale(values: Float32Array | Int32Array, { columns }: Field): void {
  if (columns === undefined) return;
  for (let i = 0; i < values.length; i++) {
    const { mean, deviation } = columns[i % columns.length];
    values[i] = (values[i] - mean) / deviation;
  }
}

type Kind = "a list of lists of numbers" | "a list of numbers" | "a list of texts" | "a number" | "a text";

function kindOf(value: unknown): Kind | undefined {
  if (typeof value === "number") return "a number";
  if (typeof value === "string") return "a text";
  if (!Array.isArray(value)) return undefined;
  const [first] = value;
  if (Array.isArray(first)) return "a list of lists of numbers";
  return typeof first === "string" ? "a list of texts" : "a list of numbers";
}

function inferFields(lines: readonly JsonRecord[], types: NonNullable<JsonLinesOptions["types"]>): Fields {
  const [first] = lines;
  const names = Object.keys(first.values);
  for (const name of Object.keys(types)) {
    if (names.includes(name)) continue;
    const near = nearestWord(name, names);
    throw new SluiceError("E431", `${first.file} has no field ${name}; ${near ? `did you mean ${near}? ` : ""}its fields are ${listNames(names)}`);
  }
  if (!names.some((name) => Array.isArray(first.values[name]))) {
    throw new SluiceError("E431", `${place(first)} has no field with a list of time steps, only ${listNames(names) || "no fields at all"}; add one`);
  }
  return Object.fromEntries(names.map((name) => [name, inferField(lines, name, types[name])]));
}

function inferField(lines: readonly JsonRecord[], name: string, wanted: "real" | "index" | undefined): Field {
  const kind = kindOf(lines[0].values[name]);
  if (kind === undefined) {
    const cure = "give numbers, texts, or lists of them";
    throw new SluiceError("E431", `${place(lines[0], name)} is ${show(lines[0].values[name])}, which cannot be read; ${cure}`);
  }
  let whole = true;
  let greatest = 0;
  const texts = new Set<string>();
  for (const line of lines) {
    const value = line.values[name];
    if (!Object.hasOwn(line.values, name)) {
      throw new SluiceError("E431", `${place(line)} has no field ${name}, but line ${lines[0].number} has; give every line the same fields`);
    }
    const isEmptyList = Array.isArray(value) && value.length === 0 && kind.startsWith("a list");
    if (kindOf(value) !== kind && !isEmptyList) {
      const found = kindOf(value) ?? show(value);
      throw new SluiceError("E431", `${place(line, name)} is ${found}, but on line ${lines[0].number} it is ${kind}; use one kind on all lines`);
    }
    for (const item of Array.isArray(value) ? value : [value]) {
      if (typeof item === "string") texts.add(item);
      else if (typeof item === "number") {
        whole &&= Number.isSafeInteger(item) && item >= 0 && item < 2 ** 31 - 1;
        greatest = Math.max(greatest, item);
      }
    }
  }
  const perStep = kind !== "a number" && kind !== "a text";
  if (kind === "a list of lists of numbers") return { type: "real", size: (lines[0].values[name] as number[][])[0].length, perStep };
  if (texts.size > 0 && kind.includes("text")) return { type: "index", size: texts.size, perStep, names: [...texts].sort() };
  const type = wanted ?? (whole ? "index" : "real");
  return { type, size: type === "real" ? 1 : greatest + 1, perStep };
}

function readSequence(line: JsonRecord, fields: Fields, names: readonly string[]): Sequence {
  for (const name of Object.keys(line.values)) {
    if (Object.hasOwn(fields, name)) continue;
    throw new SluiceError(
      "E431",
      `${place(line)} has a field ${name} that other lines lack; give every line the same fields (${listNames(Object.keys(fields))})`,
    );
  }
  for (const name of names) {
    if (!Object.hasOwn(line.values, name)) throw new SluiceError("E431", `${place(line)} has no field ${name}; the model reads ${listNames(names)}`);
    if (fields[name].perStep === Array.isArray(line.values[name])) continue;
    const wanted = fields[name].perStep ? "a list with one entry for each time step" : "one value for the whole sequence";
    throw new SluiceError("E431", `${place(line, name)} is ${show(line.values[name])}, but ${wanted} is needed`);
  }
  let steps = 0;
  let longest = "";
  for (const name of names) {
    if (!fields[name].perStep) continue;
    const { length } = line.values[name] as unknown[];
    if (length === 0) throw new SluiceError("E432", `${place(line, name)} has no time steps; leave the sequence out`);
    if (longest !== "" && length !== steps) {
      throw new SluiceError(
        "E432",
        `${place(line)}: ${longest} has ${steps} time steps, but ${name} has ${length}; give the fields of a line equal lengths`,
      );
    }
    steps = length;
    longest = name;
  }
  const inputs = Object.fromEntries(names.map((name) => [name, readField(line, name, fields[name], steps)]));
  const atEnd = fields.y && !fields.y.perStep;
  return { steps, inputs, ...(atEnd && { lossMask: new Float32Array(steps).fill(1, steps - 1) }) };
}

function readField(line: JsonRecord, name: string, field: Field, steps: number): Float32Array | Int32Array {
  const { type, size, perStep, names } = field;
  const width = type === "real" ? size : 1;
  const result = type === "real" ? new Float32Array(steps * width) : new Int32Array(steps);
  const codes = names && new Map(names.map((text, code) => [text, code]));
  const value = line.values[name] as unknown[];
  for (let t = 0; t < steps; t++) {
    const where = perStep ? `, step ${t + 1}` : "";
    const row = perStep ? value[t] : value;
    const items = Array.isArray(row) ? row : [row];
    if (items.length !== width) {
      const cure = "give every time step of a field equally many";
      throw new SluiceError("E432", `${place(line, name)}${where} has ${items.length} numbers, but ${width} are needed; ${cure}`);
    }
    items.forEach((item, k) => {
      result[t * width + k] = codes ? readCode(item, codes, place(line, name) + where) : readNumber(item, type, size, place(line, name) + where);
    });
  }
  return result;
}

function readCode(item: unknown, codes: ReadonlyMap<string, number>, where: string): number {
  const code = typeof item === "string" ? codes.get(item) : undefined;
  if (code !== undefined) return code;
  throw new SluiceError("E431", `${where} is ${show(item)}, but one of ${listNames([...codes.keys()])} is needed`);
}

function readNumber(item: unknown, type: "real" | "index", size: number, where: string): number {
  if (typeof item !== "number")
    throw new SluiceError("E431", `${where} is ${show(item)}, but a number is needed; correct it or leave the sequence out`);
  if (!Number.isFinite(Math.fround(item)))
    throw new SluiceError("E427", `${where} is too large for a 32-bit number; scale the values, or leave the sequence out`);
  if (type === "index" && !(Number.isInteger(item) && item >= 0 && item < size)) {
    throw new SluiceError("E431", `${where} is ${item}, but a whole number from 0 to ${size - 1} is needed; correct it, or read the field as real`);
  }
  return item;
}

function place({ file, number, unit }: JsonRecord, field?: string): string {
  return `${file}, ${unit} ${number}${field === undefined ? "" : `: field ${field}`}`;
}

function show(value: unknown): string {
  return quoteCell(JSON.stringify(value) ?? "undefined");
}
