/**
 * The types of an exported model, as a declaration file that stands alone: names of inputs, results and gates are its own.
 */
import type { DatasetRecord } from "../dataset-record.ts";
import { shortGateNames } from "../gate-names.ts";
import { canStream, type ExportTexts, filesOf, inputWords, isText, keyOf, outputWords } from "./words.ts";

/** Text of model.d.ts. */
export function typesText({ description, version, record }: ExportTexts): string {
  const { network } = description;
  const given = [...new Set(description.programs.flatMap((program) => program.outputs))];
  const gates = shortGateNames(network.gates).map(([name]) => name);
  const inputs = network.inputs.map((input) => `  /** ${inputWords(input)} */\n  readonly ${keyOf(input.name)}: Values;`);
  const only = network.inputs.length === 1;
  const result = (names: readonly string[], optional: ReadonlySet<string>): string =>
    names
      .map((name) => `  /** ${outputWords(description, name)} */\n  readonly ${keyOf(name)}${optional.has(name) ? "?" : ""}: NamedArray;`)
      .join("\n");
  const optional = new Set(given.filter((name) => !network.outputs.includes(name)));
  const states = [
    ...new Set(
      description.programs.flatMap(({ buffers }) =>
        buffers.filter((buffer) => buffer.role === "state").map((buffer) => buffer.name.replace(/^state:/, "")),
      ),
    ),
  ];
  const stream = canStream(description)
    ? `
  /** A handle that carries the state from step to step: the results are those of one run, bit for bit, however the steps are cut. */
  stream(options?: StreamOptions): Stream;`
    : "";
  const streamTypes = canStream(description)
    ? `
export interface StreamOptions extends Pick<RunOptions, "initial" | "outputs"> {
  /** Sequences that advance together: ${[...new Set(description.programs.map((program) => program.batch))].join(" or ")}. */
  readonly batch?: number;
}

export type StepValue = number | ArrayLike<number>;

export interface Stream {
  readonly batch: number;
  /** Steps taken since the last reset. */
  readonly position: number;
  /** Live views of the values of the step taken last; valid until the next. */
  readonly outputs: Readonly<Record<string, Float32Array>>;
  /** One step; returns the live view of the first output, which the next step overwrites. Allocates nothing. */
  step(inputs: ${only ? "StepValue | " : ""}{ ${network.inputs.map((input) => `readonly ${keyOf(input.name)}: StepValue`).join("; ")} }): Float32Array;
  /** One or more steps; results are copies. */
  push(inputs: Inputs${only ? " | Values" : ""}): Outputs;
  state(): StreamState;
  restore(state: StreamState): void;
  reset(): void;
}

/** A copy of all that a stream carries; plain data. */
export interface StreamState {
  readonly position: number;
  readonly states: Readonly<Record<string, Float32Array>>;
}
`
    : "";
  const gateMethod =
    gates.length > 0
      ? `
  /** Gates by name; all of them unless named. */
  gates(inputs: Inputs${only ? " | Values" : ""}, names?: readonly Gate[], options?: RunOptions): Readonly<Record<string, NamedArray>>;`
      : "";
  const data =
    record === undefined ? "" : `\n/** What is known of the data that it was trained on. */\nexport const record: ${recordType(record)};\n`;
  const coding = record === undefined ? "" : codingTypes(record);
  return `/** ${network.name}, exported by Sluice ${version}. Errors have a \`code\` (E455: another shape, E457: not finite or out of range, …) and say what to do. */

/** Numbers nested as the shape says, a flat array, or a flat array with its shape. Never NaN or infinite. */
export type Values = number | ArrayLike<number> | readonly Values[] | { readonly data: ArrayLike<number>; readonly shape: readonly number[] };

/** Row-major. */
export interface NamedArray {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

export interface Inputs {
${inputs.join("\n")}
}

export interface Outputs {
${result(given, optional)}
}
${gates.length > 0 ? `\nexport type Gate = ${gates.map((gate) => JSON.stringify(gate)).join(" | ")};\n` : ""}
export interface RunOptions {
  /** Number of steps of each sequence of a batch; the rest is padding, and its results are 0. */
  readonly lengths?: ArrayLike<number>;
  /** Number of sequences, where flat arrays are given without a shape. */
  readonly batch?: number;
  /** Values of the states before the first step${states.length > 0 ? `: ${states.join(", ")}` : "; this model has none"}. */
  readonly initial?: Readonly<Record<string, Values>>;
  /** Values wanted, of ${given.join(", ")}; ${network.outputs.join(", ")} unless given. */
  readonly outputs?: readonly string[];
}
${streamTypes}
export interface Model {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Runs whole sequences; pure. */
  run(inputs: Inputs${only ? " | Values" : ""}, options?: RunOptions): Outputs;${gateMethod}${stream}
}

export interface LoadOptions {
  /** Files that do not lie beside the module, by name: their bytes, a response, or an address. */
  readonly files?: Readonly<Partial<Record<${filesOf(description)
    .map((file) => JSON.stringify(file))
    .join(" | ")}, Uint8Array | ArrayBuffer | Response | URL | string>>>;
}

/** Fetches (or, in Node, reads) code and weights and makes the model. */
export function load(options?: LoadOptions): Promise<Model>;
${data}${coding}`;
}

/** How data of the application become inputs, and outputs become data. */
function codingTypes(record: DatasetRecord): string {
  if (isText(record))
    return `
/** Indices of a text's symbols. Throws E411 for a symbol that the model does not know. */
export function encode(text: string): Int32Array;
/** The text of indices. */
export function decode(indices: Iterable<number>): string;
`;
  if (record.kind !== "table") return "";
  const columns = new Map(record.columns.map(({ name, category }) => [name, category === undefined ? "number" : "string"]));
  return `
export interface Row {
${[...columns].map(([name, type]) => `  readonly ${keyOf(name)}: ${type};`).join("\n")}
}

/** Rows as \`x\` of the model, standardised. Throws E421 for a column that is missing, E423 for what is no number. */
export function encode(rows: readonly Row[]): NamedArray;
/** Forecasts in the unit of ${record.target}. */
export function decode(values: ArrayLike<number>): Float64Array;
`;
}

function recordType(record: DatasetRecord): string {
  switch (record.kind) {
    case "text":
      return `{
  readonly kind: "text";
  readonly unit: "${record.unit}";
  readonly vocabulary: readonly string[];
  /** What stood between two documents of the training text. */
  readonly separator?: string;
}`;
    case "table":
      return `{
  readonly kind: "table";
  /** Components of x in order: (value - mean) / deviation of a column of numbers, or 1 where a column is \`category\`, else 0. */
  readonly columns: readonly { readonly name: string; readonly mean: number; readonly deviation: number; readonly category?: string }[];
  /** The model gives this column, standardised in the same way. */
  readonly target: string;
  /** Rows ahead; 1 unless given. */
  readonly horizon?: number;
  /** Rows with one value of this column were a sequence of their own. */
  readonly document?: string;
  /** How the files were read that it was trained on: empty cells, the decimal sign, the separator of thousands. \`encode\` takes numbers and does none of it. */
  readonly missing?: "drop" | "interpolate" | "last";
  readonly decimal?: "." | ",";
  readonly thousands?: string;
}`;
    case "sequences":
      return `{ readonly kind: "sequences"; readonly inputs: Readonly<Record<string, unknown>> }`;
    case "task":
      return `{ readonly kind: "task"; readonly name: string; readonly options: Readonly<Record<string, number>> }`;
  }
}
