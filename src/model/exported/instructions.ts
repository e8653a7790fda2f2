/**
 * What a person is told of an exported model: how it is loaded and run, what it reads and gives.
 */
import { shortGateNames } from "../gate-names.ts";
import { sizeText } from "../sizes.ts";
import type { ExportDescription } from "./description.ts";
import { canStream, type ExportTexts, inputWords, isText, keyOf, outputWords } from "./words.ts";

const loading = 'import { load } from "./model.js";';

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

/** Text of README.md. */
export function readmeText({ description, version, record }: ExportTexts): string {
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
| \`example.html\` | a page that runs it; serve the folder: \`python3 -m http.server 8000\` |

\`\`\`js
${loading}

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
  if (record?.kind === "table") {
    const ahead = `${record.horizon ?? 1} row${(record.horizon ?? 1) > 1 ? "s" : ""} ahead`;
    const apart =
      record.document === undefined
        ? ""
        : ` Rows of each ${record.document} are a sequence of their own: run them apart, or \`stream.reset()\` between them.`;
    parts.push(
      `Table: \`encode(rows)\` makes \`x\` of rows, \`decode(values)\` gives forecasts in the unit of ${record.target}, ${ahead}. A row holds numbers, not texts: commas
and empty cells of a file are the application's to read (\`record.decimal\`, \`record.thousands\`, \`record.missing\` say how training read them).${apart}`,
    );
  }
  parts.push(`Where the files do not lie beside the module: \`load({ files: { "${description.weights.file}": bytes } })\`, with bytes, a response or an address. NaN and infinities are refused
(E457). A page with a content security policy needs \`'wasm-unsafe-eval'\`.`);
  return `${parts.join("\n\n")}\n`;
}
