/**
 * The texts of an export: the module with the runtime in it, its types, a manifest, a page that runs it, instructions.
 *
 * In: a description and the runtime's own text. Out: file contents by name. Every name in them comes from the equations.
 */
import type { DatasetRecord } from "../dataset-record.ts";
import { shortGateNames } from "../gate-names.ts";
import { sizeText } from "../sizes.ts";
import type { ExportDescription } from "./description.ts";

export interface ExportTexts {
  readonly description: ExportDescription;
  /** Script that defines `sluice`, with `loadExported`, `encodeText` and `decodeText`. */
  readonly runtime: string;
  /** Of the program that exports. */
  readonly version: string;
  /** The data that the model was trained on, where it is known. */
  readonly record?: DatasetRecord;
}

/** Contents of the text files by name. */
export function exportTexts(texts: ExportTexts): ReadonlyMap<string, string> {
  return new Map([
    ["model.js", moduleText(texts)],
    ["model.d.ts", typesText(texts)],
    ["package.json", manifestText(texts)],
    ["README.md", readmeText(texts)],
    ["example.html", pageText(texts)],
  ]);
}

const filesOf = ({ programs, weights }: ExportDescription): string[] => [...new Set(programs.map((program) => program.file)), weights.file];

const isText = (record: DatasetRecord | undefined): record is DatasetRecord & { kind: "text" } => record?.kind === "text";

const canStream = ({ programs }: ExportDescription): boolean => programs.some((program) => program.initial === "carried");

function moduleText({ description, runtime, version, record }: ExportTexts): string {
  // Addresses stay literal, so that bundlers find the files.
  const files = filesOf(description).map((file) => `  ${JSON.stringify(file)}: new URL(${JSON.stringify(`./${file}`)}, import.meta.url),`);
  const parts = [
    `/* ${description.network.name}, exported by Sluice ${version}: inference without the compiler. Types in model.d.ts, use in README.md. */`,
    runtime.trim(),
    `const description = ${JSON.stringify(description)};`,
    `const files = {\n${files.join("\n")}\n};`,
    "export const load = (options) => sluice.loadExported(description, files, options);",
  ];
  if (record !== undefined) parts.push(`export const record = ${JSON.stringify(record)};`);
  if (isText(record)) {
    parts.push("export const encode = (text) => sluice.encodeText(record, text);");
    parts.push("export const decode = (indices) => sluice.decodeText(record, indices);");
  }
  return `${parts.join("\n")}\n`;
}

/** A name as a key of an object type. */
const keyOf = (name: string): string => (/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? name : JSON.stringify(name));

interface ShapeWords {
  readonly one: string;
  readonly many?: string;
}

/** Shapes that an input may have: of one sequence, and of a batch. */
function inputShapes({ shape, perStep, perExample }: ExportDescription["network"]["inputs"][number]): ShapeWords {
  const own = shape.map(sizeText);
  const write = (axes: readonly string[]): string => `[${axes.join(", ")}]`;
  const steps = perStep ? ["steps"] : [];
  return { one: write([...steps, ...own]), ...(perExample ? { many: write([...steps, "batch", ...own]) } : {}) };
}

function inputWords(input: ExportDescription["network"]["inputs"][number]): string {
  const { one, many } = inputShapes(input);
  const kind =
    input.type === "real" ? "Real numbers" : `Whole numbers${input.range === undefined ? "" : ` from 0 to ${Number(sizeText(input.range)) - 1}`}`;
  return `${kind}: ${one}${many === undefined ? "" : `, or ${many} for several sequences`}.`;
}

function outputWords(description: ExportDescription, name: string): string {
  const buffer = description.programs.flatMap((program) => program.buffers).find((each) => each.name === name);
  if (buffer === undefined) return "";
  const size = (i: number): string => (buffer.axes[i] === "b" ? "batch" : buffer.shape[i] === "T" ? "steps" : String(buffer.shape[i]));
  const place = (i: number): number => (buffer.axes[i] === "t" ? -2 : buffer.axes[i] === "b" ? -1 : i);
  const order = buffer.shape.map((_, i) => i).sort((a, b) => place(a) - place(b));
  return `[${order.map(size).join(", ")}]; without \`batch\` if one sequence was given without it.`;
}

function typesText({ description, version, record }: ExportTexts): string {
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
  const text = isText(record)
    ? `
/** Indices of a text's symbols. Throws E411 for a symbol that the model does not know. */
export function encode(text: string): Int32Array;
/** The text of indices. */
export function decode(indices: Iterable<number>): string;
`
    : "";
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
${data}${text}`;
}

function recordType(record: DatasetRecord): string {
  switch (record.kind) {
    case "text":
      return `{ readonly kind: "text"; readonly unit: "${record.unit}"; readonly vocabulary: readonly string[] }`;
    case "table":
      return `{
  readonly kind: "table";
  /** Components of x in order: (value - mean) / deviation of a column of numbers, or 1 where a column is \`category\`, else 0. */
  readonly columns: readonly { readonly name: string; readonly mean: number; readonly deviation: number; readonly category?: string }[];
  /** The model gives this column, standardised in the same way. */
  readonly target: string;
  readonly horizon?: number;
}`;
    case "sequences":
      return `{ readonly kind: "sequences"; readonly inputs: Readonly<Record<string, unknown>> }`;
    case "task":
      return `{ readonly kind: "task"; readonly name: string; readonly options: Readonly<Record<string, number>> }`;
  }
}

function manifestText({ description }: ExportTexts): string {
  const name =
    description.network.name
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]+/g, "-")
      .replaceAll(/^-+|-+$/g, "") || "model";
  const manifest = {
    name,
    version: "1.0.0",
    private: true,
    type: "module",
    exports: { ".": { types: "./model.d.ts", default: "./model.js" } },
    sideEffects: false,
  };
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

/** Input values for an example: a few steps, as JavaScript. */
function exampleInputs({ network }: ExportDescription): string {
  const entries = network.inputs.map(({ name, type, shape, perStep }) => {
    const sizes = [...(perStep ? [4] : []), ...shape.map((size) => Number(sizeText(size)))];
    const length = sizes.reduce((a, b) => a * b, 1);
    const values = `new ${type === "real" ? "Float32Array" : "Int32Array"}(${length})${type === "real" ? ".fill(0.5)" : ""}`;
    return `${keyOf(name)}: { data: ${values}, shape: [${sizes.join(", ")}] }`;
  });
  return `{ ${entries.join(", ")} }`;
}

function exampleStep({ network }: ExportDescription): string {
  const value = ({ type, shape }: (typeof network.inputs)[number]): string => {
    const length = shape.reduce((product, size) => product * Number(sizeText(size)), 1);
    return type === "index" && length === 1 ? "0" : `new Float32Array(${length})`;
  };
  if (network.inputs.length === 1) return value(network.inputs[0]);
  return `{ ${network.inputs.map((input) => `${keyOf(input.name)}: ${value(input)}`).join(", ")} }`;
}

function pageText({ description }: ExportTexts): string {
  const { network } = description;
  return `<!doctype html>
<meta charset="utf-8">
<title>${network.name}</title>
<h1>${network.name}</h1>
<pre id="result">loading</pre>
<script type="module">
  // Serve this folder (for example: npx http-server) and open example.html.
  import { load } from "./model.js";
  const result = document.getElementById("result");
  try {
    const model = await load();
    const values = model.run(${exampleInputs(description)});
    result.textContent = Object.entries(values)
      .map(([name, { data, shape }]) => \`\${name} [\${shape.join(", ")}]\\n\${[...data].slice(0, 12).map((value) => value.toFixed(4)).join("  ")}\`)
      .join("\\n\\n");
  } catch (error) {
    result.textContent = \`\${error.code ?? ""} \${error.message}\`;
  }
</script>
`;
}

function readmeText({ description, version, record }: ExportTexts): string {
  const { network, programs } = description;
  const batches = [...new Set(programs.map((program) => program.batch))];
  const inputs = network.inputs.map((input) => `- \`${input.name}\`: ${inputWords(input)}`);
  const [first] = network.outputs;
  const gates = shortGateNames(network.gates).map(([name]) => name);
  const parts = [
    `# ${network.name}

Exported by Sluice ${version}: inference alone, without the compiler, in Node and in a browser. No dependencies.

| file | |
|---|---|
| \`model.js\` | the module: runtime and description |
| ${[...new Set(programs.map(({ file }) => `\`${file}\``))].join(", ")} | WebAssembly SIMD code |
| \`${description.weights.file}\` | ${description.weights.count} weights, float32 |
| \`model.d.ts\` | types |
| \`example.html\` | a page that runs it; serve the folder |

\`\`\`js
import { load } from "./model.js";

const model = await load();
const { ${keyOf(first) === first ? first : `${JSON.stringify(first)}: result`} } = model.run(${exampleInputs(description)});
\`\`\`

${inputs.join("\n")}

Gives ${network.outputs.map((name) => `\`${name}\` ${outputWords(description, name)}`).join(" ")} Any number of time steps and of sequences; sequences of different lengths with
\`{ lengths: [5, 3] }\`. ${batches.length > 1 ? `Batches run ${batches.filter((size) => size > 1).join(", ")} at a time.` : "Sequences run one after another; `sluice export --batch 32` adds a program that runs 32 at once."}`,
  ];
  if (canStream(description))
    parts.push(`Step by step, with the bits of one run:

\`\`\`js
const stream = model.stream();
const values = stream.step(${exampleStep(description)}); // a live view, overwritten by the next step
const saved = stream.state(); // and stream.restore(saved), stream.reset()
\`\`\``);
  else parts.push(`It cannot be run step by step: ${programs.find((program) => program.noStream)?.noStream ?? "a value needs later steps"}.`);
  if (gates.length > 0) parts.push(`Gates: \`model.gates(inputs)\` gives ${gates.map((gate) => `\`${gate}\``).join(", ")}.`);
  if (isText(record)) parts.push("Text: `encode(text)` gives the indices that it reads, `decode(indices)` the text of indices.");
  if (record?.kind === "table")
    parts.push(
      `Table: \`record.columns\` says how each component of \`x\` is made of a column, \`record.target\` which column the output forecasts, ${record.horizon ?? 1} row${(record.horizon ?? 1) > 1 ? "s" : ""} ahead, standardised in the same way.`,
    );
  parts.push(`Where the files do not lie beside the module: \`load({ files: { "${description.weights.file}": bytes } })\`, with bytes, a response or an address. NaN and infinities are refused
(E457). A page with a content security policy needs \`'wasm-unsafe-eval'\`.`);
  return `${parts.join("\n\n")}\n`;
}
