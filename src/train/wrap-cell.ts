/**
 * A whole model around a cell: what is read, the cell in layers, a read-out, a loss, as equations that the user can see, keep and change.
 *
 * In: a network without a loss and the inputs of a dataset. Out: text whose last block is the model. Never touches the cell's own lines.
 */
import type { Network } from "../ir/network/node.ts";
import { sizeText } from "../model/sizes.ts";
import { SluiceError } from "../support/diagnostic.ts";
import type { Dataset } from "./data/dataset.ts";

export interface WrapOptions {
  readonly layers?: number;
  /** Probability of dropout between the layers and before the read-out. */
  readonly dropout?: number;
  /** What the dataset's real target is compared with; "binary" for 0/1 vectors. */
  readonly target?: "number" | "binary";
}

/** True if the network can be trained as it stands. */
export function isWholeModel(network: Network): boolean {
  return network.loss !== undefined;
}

/**
 * Text of the cell and a model block around it.
 * @throws SluiceError E488 if the cell does not read one vector and give one, or the dataset has no target that a standard read-out can meet
 */
export function wrapCell(text: string, network: Network, inputs: Dataset["inputs"], options: WrapOptions = {}): string {
  const perStep = network.inputs.filter((input) => input.perStep);
  if (perStep.length !== 1 || network.inputs.length !== 1 || perStep[0].type !== "real") {
    const names = network.inputs.map((input) => input.name).join(", ");
    throw new SluiceError(
      "E488",
      `${network.name} reads ${names || "nothing"}, but only a cell that reads one vector can be made a model by itself; write a block with a loss around it`,
    );
  }
  const read = inputs.token ? "token" : inputs.x ? "x" : undefined;
  if (read === undefined || (inputs.y === undefined && inputs.token === undefined)) {
    throw new SluiceError(
      "E488",
      `the data have the inputs ${Object.keys(inputs).join(", ")}, around which no standard model is known; write a block with a loss that reads them`,
    );
  }
  requireVectors(network);
  const { cell, name } = withHeader(text, network);
  const width = hasOwnWidth(network) ? "H" : undefined;
  const square = sameSize(network);
  const layers = options.layers ?? 1;
  const lines: string[] = [];
  const shapes: string[] = [];
  let below = read;
  if (read === "token") {
    lines.push("e = E[token]");
    shapes.push(`e ∈ ℝ^${square ? "H" : "D"}`);
    below = "e";
  } else if (square) {
    // The cell keeps the width of what it reads, so a matrix brings the input to the width H first.
    lines.push("e = We·x + be");
    shapes.push("e ∈ ℝ^H");
    below = "e";
  }
  for (let layer = 1; layer <= layers; layer++) {
    const state = layers === 1 ? "h" : `h${layer}`;
    const dropped = options.dropout && layer > 1 ? `dropout(${below}, ${options.dropout})` : below;
    lines.push(`${state} = ${name}(${dropped})`);
    if (width) shapes.push(`${state} ∈ ℝ^${width}`);
    below = state;
  }
  const top = options.dropout ? `dropout(${below}, ${options.dropout})` : below;
  const { answer, after, output, loss } = readOut(inputs, options);
  lines.push(`${answer} = Wy·${top} + by`, ...after, `loss = ${loss}`);
  const parameters = read === "token" && inputs.y === undefined ? "token" : `${read}, y`;
  const extra = inputs.y?.type === "index" ? ["y : index"] : [];
  const declared = [...shapes, ...extra];
  const where = declared.length > 0 ? [`  where ${declared.join(", ")}`] : [];
  const body = [`${name}_model(${parameters}) → ${output}`, ...lines.map((line) => `  ${line}`), ...where];
  return `${cell.trimEnd()}\n\n# A model around ${name}\n${body.join("\n")}\n`;
}

/** E488 in the words of the cell: what it reads or gives that is no vector. */
function requireVectors(network: Network): void {
  const { name } = network;
  const [input] = network.inputs;
  if (input.shape.length > 1) {
    throw new SluiceError(
      "E488",
      `${name} reads ${input.name} as ${input.shape.map(sizeText).join("×")}, but only a cell that reads one vector can be made a model by itself; write a block with a loss around it`,
    );
  }
  const output = network.outputs[0];
  const shape = network.values.find((value) => value.name === output)?.shape ?? [];
  if (shape.length < 2) return;
  const [first] = shape.map(sizeText);
  const index = network.indices.find((each) => each.kind === "count" && each.size !== undefined && sizeText(each.size) === first);
  const isCounted = shape.length === 2 && index !== undefined;
  const given = isCounted ? `a vector for each ${index.name} in 1..${first}` : `${shape.map(sizeText).join("×")} numbers`;
  const taken = new Set([...network.inputs, ...network.values, ...network.weights].map((each) => each.name));
  const joined = ["y", "r", "u", "z"].find((each) => !taken.has(each) && !taken.has(`W${each}`));
  const cure =
    isCounted && joined !== undefined
      ? `in a copy of its equations, make them one: \`${joined} = Σ_${index.name} W${joined}[${index.name}]·${output}[${index.name}]\` and \`→ ${joined}\` in the header`
      : "write a block with a loss around it";
  throw new SluiceError("E488", `${name} gives ${given}, but a read-out is written by itself only over one vector; ${cure}`);
}

/** True if the size of the output is a name of its own, which the model can call H. */
function hasOwnWidth(network: Network): boolean {
  const shape = network.values.find((value) => value.name === network.outputs[0])?.shape ?? [];
  const [term, ...others] = shape[0]?.terms ?? [];
  return term !== undefined && others.length === 0 && term.coefficient === 1 && term.names.length === 1;
}

/** A text without a header gets one, as a call needs a name. */
function withHeader(text: string, network: Network): { readonly cell: string; readonly name: string } {
  if (/^[ \t]*[\p{L}_][\p{L}\p{N}_]*[ \t]*\([^)]*\)[ \t]*(?:→|->)/mu.test(text)) return { cell: text, name: network.name };
  const first = /^[ \t]*[^\s#]/mu.exec(text)?.index ?? 0;
  const header = `cell(${network.inputs.map((input) => input.name).join(", ")}) → ${network.outputs.join(", ")}`;
  return { cell: `${text.slice(0, first)}${header}\n${text.slice(first)}`, name: "cell" };
}

interface ReadOut {
  /** What the read-out matrix makes. */
  readonly answer: string;
  /** Lines between it and the loss. */
  readonly after: readonly string[];
  readonly output: string;
  readonly loss: string;
}

function readOut(inputs: Dataset["inputs"], options: WrapOptions): ReadOut {
  const logits = { answer: "logits", after: [], output: "logits" };
  if (inputs.y === undefined) return { ...logits, loss: "cross_entropy(logits, token[t+1])" };
  if (inputs.y.type === "index") return { ...logits, loss: "cross_entropy(logits, y)" };
  if (options.target === "binary") return { answer: "logits", after: ["p = σ(logits)"], output: "p", loss: "binary_cross_entropy(logits, y)" };
  return { answer: "ŷ", after: [], output: "ŷ", loss: "mse(ŷ, y)" };
}

/** True if the cell's output has the size of its input whatever that is (highway, RG-LRU). */
function sameSize(network: Network): boolean {
  const input = network.inputs[0].shape;
  const output = network.values.find((value) => value.name === network.outputs[0])?.shape ?? [];
  return input.length === 1 && output.length === 1 && JSON.stringify(input[0].terms) === JSON.stringify(output[0].terms);
}

/** True if a real target is made of zeros and ones where it counts. */
export function hasBinaryTarget(dataset: Dataset): boolean {
  const { y } = dataset.inputs;
  if (y === undefined || y.type !== "real" || y.size < 2) return false;
  const batch = dataset.train.batchAt(0);
  const values = batch.inputs.y;
  for (let row = 0; row < batch.steps * batch.batch; row++) {
    if (batch.lossMask && batch.lossMask[row] === 0) continue;
    for (let k = 0; k < y.size; k++) if (values[row * y.size + k] !== 0 && values[row * y.size + k] !== 1) return false;
  }
  return true;
}
