/**
 * Random well-formed programs over the language, from a seed.
 *
 * In: a seed. Out: a text whose values stay bounded whatever its weights (every definition ends in a bounded function or blends bounded values), so that
 * float32 and float64 can be compared. Covers: definitions in any order, lags 1 and 2, look-ahead and shifts of inputs, recurrences in both directions, all
 * elementwise functions without jumps, vector functions, products, outer products and matrix states, concatenation, blocks that call blocks, given and
 * constant initial values, dropout and zoneout.
 */
import { createRandom, type Random } from "../../src/support/random.ts";

export interface RandomProgram {
  readonly text: string;
  /** True if nothing reads the future, so that it can be streamed. */
  readonly causal: boolean;
  /** True if initial states are inputs of the run. */
  readonly givenStates: boolean;
  readonly dropout: boolean;
}

type Size = "D" | "H" | "K";

interface Variable {
  readonly name: string;
  readonly size: Size;
}

interface Block {
  readonly random: Random;
  readonly inputs: Variable[];
  /** In an order in which each may read those before it at the same step. */
  readonly values: Variable[];
  readonly weights: Map<string, string>;
  readonly lines: string[];
  readonly declarations: string[];
  /** 1: recurrences run forward; -1: backward. One direction per block, so that no value waits for the past and the future at once. */
  readonly direction: 1 | -1;
  /** Values that exist in the end, so that earlier lines may read their past. */
  readonly planned: readonly Variable[];
  causal: boolean;
  dropout: boolean;
}

const SMOOTH = ["tanh", "σ", "softplus", "silu", "gelu", "gelu_tanh", "elu", "sin", "cos", "erf", "log_σ", "hard_σ", "relu", "abs", "exp"] as const;

const pick = <T>(random: Random, values: readonly T[]): T => values[random.integer(values.length)];
const chance = (random: Random, probability: number): boolean => random.uniform() < probability;

/** The program of a seed; `declared` adds the shape of every name to its `where` lines. */
export function randomProgram(seed: number, declared: boolean): RandomProgram {
  const random = createRandom(seed);
  const inner = chance(random, 0.3)
    ? makeBlock(random, "cell", [{ name: "u", size: pick(random, ["D", "H"] as const) }], 1 + random.integer(2), undefined, false)
    : undefined;
  const inputs: Variable[] = [{ name: "x", size: "D" }];
  if (chance(random, 0.3)) inputs.push({ name: "v", size: pick(random, ["D", "H", "K"] as const) });
  const main = makeBlock(random, "main", inputs, 1 + random.integer(4), inner, declared);
  return {
    text: inner === undefined ? main.text : `${inner.text}\n${main.text}`,
    causal: main.block.causal && (inner?.block.causal ?? true),
    givenStates: main.given,
    dropout: main.block.dropout || (inner?.block.dropout ?? false),
  };
}

interface Made {
  readonly block: Block;
  readonly text: string;
  readonly result: Variable;
  readonly given: boolean;
}

function makeBlock(random: Random, name: string, inputs: Variable[], count: number, inner: Made | undefined, declared: boolean): Made {
  const planned = Array.from(
    { length: count },
    (_, i): Variable => ({ name: `${"hgpqr"[i]}${name === "cell" ? "1" : ""}`, size: pick(random, ["H", "K", "H"] as const) }),
  );
  const direction = chance(random, 0.15) ? -1 : 1;
  const block: Block = {
    random,
    inputs,
    values: [],
    weights: new Map(),
    lines: [],
    declarations: [],
    direction,
    planned,
    causal: direction === 1,
    dropout: false,
  };
  if (inner !== undefined) {
    const argument = block.inputs.find(({ size }) => size === inner.block.inputs[0].size);
    const text = argument?.name ?? product(block, inner.block.inputs[0].size, inputs[0].name, inputs[0].size);
    block.lines.push(`  e = cell(${text})`);
    block.values.push({ name: "e", size: inner.result.size });
  }
  for (const value of planned) {
    if (name === "main" && chance(random, 0.15)) matrixState(block, value);
    else block.lines.push(`  ${value.name} = ${bounded(block, value)}`);
    block.values.push(value);
  }
  const result = planned[planned.length - 1];
  const read = planned.filter((value) => block.lines.some((line) => mentions(line, `${value.name}[t${direction === 1 ? "-" : "+"}1]`)));
  // Only forward: a value that is merely looked ahead at has no value after the last step.
  const given = name === "main" && direction === 1 && read.length > 0 && chance(random, 0.25);
  // An input that no line happens to read would only be a warning.
  const used = inputs.filter((input) => block.lines.some((line) => mentions(line.slice(line.indexOf("=")), input.name)));
  if (used.length === 0) {
    block.lines[block.lines.length - 1] += ` + 0.1*tanh(${product(block, result.size, inputs[0].name, inputs[0].size)})`;
    used.push(inputs[0]);
  }
  const headerInputs = used.map((input) => input.name);
  if (given) {
    block.declarations.push(`${read[0].name}[0] = z0`, "z0 : static");
    if (declared) block.declarations.push(`z0 ∈ ℝ^${read[0].size}`);
    headerInputs.push("z0");
  } else if (direction === 1 && read.length > 0 && chance(random, 0.2)) {
    block.declarations.push(`${read[0].name}[0] = 0.5`);
  }
  for (const [weight, shape] of block.weights) if (shape === "") block.declarations.push(`${weight} ∈ ℝ`);
  if (declared) {
    for (const [weight, shape] of block.weights) if (shape !== "") block.declarations.push(`${weight} ∈ ℝ^${shape}`);
    for (const variable of [...used, ...block.values]) block.declarations.push(`${variable.name} ∈ ℝ^${variable.size}`);
  }
  // The order of lines does not matter: shuffled, so that it is tested.
  const lines = chance(random, 0.5) ? random.shuffle([...block.lines]) : block.lines;
  const where = block.declarations.map((declaration) => `  where ${declaration}\n`).join("");
  return { block, result, given, text: `${name}(${headerInputs.join(", ")}) → ${result.name}\n${lines.join("\n")}\n${where}` };
}

/** True if a line reads a name, not merely one that contains it. */
function mentions(line: string, text: string): boolean {
  for (let at = line.indexOf(text); at !== -1; at = line.indexOf(text, at + 1)) {
    if (!/[\p{L}\d]/u.test(line[at - 1] ?? " ") && !/[\p{L}\d]/u.test(line[at + text.length] ?? " ")) return true;
  }
  return false;
}

function weight(block: Block, letter: string, shape: string): string {
  const name = `${letter}${block.weights.size}`;
  block.weights.set(name, shape);
  return name;
}

function product(block: Block, rows: Size, text: string, columns: Size): string {
  return `${weight(block, "W", `{${rows}×${columns}}`)}·${text}`;
}

/** A vector that can be read here: an input, maybe shifted; an earlier value; the past of any value. */
function readable(block: Block): { readonly text: string; readonly size: Size } {
  const { random, direction } = block;
  const kind = random.uniform();
  if (kind < 0.4) {
    const { name, size } = pick(random, block.inputs);
    const shift = random.uniform();
    if (shift < 0.15) return { text: `${name}[t-${1 + random.integer(2)}]`, size };
    if (shift < 0.22) {
      block.causal = false;
      return { text: `${name}[t+1]`, size };
    }
    return { text: name, size };
  }
  if (kind < 0.6 && block.values.length > 0) {
    const { name, size } = pick(random, block.values);
    return { text: name, size };
  }
  const { name, size } = pick(random, block.planned);
  const sign = direction === 1 ? "-" : "+";
  return { text: `${name}[t${sign}${chance(random, 0.8) ? 1 : 2}]`, size };
}

/** A vector of a wanted size: a product, or something that has it already. */
function vector(block: Block, size: Size): string {
  const { random } = block;
  const read = readable(block);
  if (read.size === size && chance(random, 0.5)) return chance(random, 0.5) ? read.text : `${weight(block, "w", size)}∘${read.text}`;
  if (chance(random, 0.15)) {
    const other = readable(block);
    return `${weight(block, "W", `{${size}×(${read.size}+${other.size})}`)}·[${read.text}; ${other.text}]`;
  }
  return product(block, size, read.text, read.size);
}

/** A sum of products, with or without bias. */
function affine(block: Block, size: Size): string {
  const { random } = block;
  const terms = [vector(block, size)];
  while (chance(random, 0.5) && terms.length < 3) terms.push(vector(block, size));
  if (chance(random, 0.7)) terms.push(weight(block, "b", size));
  return terms.reduce((sum, term) => `${sum} ${chance(random, 0.8) ? "+" : "-"} ${term}`);
}

/** Any vector expression whose parts are tame: nothing divides by zero or leaves the range of float32. */
function expression(block: Block, size: Size, depth: number): string {
  const { random } = block;
  if (depth === 0) return affine(block, size);
  const inside = (): string => expression(block, size, depth - 1);
  switch (random.integer(12)) {
    case 0:
    case 1:
    case 2: {
      const name = pick(random, SMOOTH);
      return name === "exp" ? `exp(-softplus(${inside()}))` : `${name}(${inside()})`;
    }
    case 3:
      return `(${inside()})∘(${inside()})`;
    case 4:
      return `(${inside()}) / (1 + softplus(${inside()}))`;
    case 5:
      return `${pick(random, ["min", "max"])}(${inside()}, ${inside()})`;
    case 6:
      return `tanh(${inside()})^2`;
    case 7:
      return `σ(${inside()})*${pick(random, ["0.5", "1.7", "2"])} - 1`;
    case 8:
      return `${number(block)}*tanh(${inside()})`;
    case 9:
      return `${pick(random, ["rms_norm", "softmax", "log_softmax", "layer_norm"])}(${inside()})`;
    case 10:
      if (chance(random, 0.3)) {
        block.dropout = true;
        return `dropout(tanh(${inside()}), 0.3)`;
      }
      return `clamp(${inside()}, -1.5, 2)`;
    default:
      return affine(block, size);
  }
}

/** A number in a moderate range. */
function number(block: Block): string {
  const { random } = block;
  const read = readable(block);
  switch (random.integer(4)) {
    case 0:
      return weight(block, "a", "");
    case 1:
      return `mean(tanh(${read.text}))`;
    case 2:
      return `σ(${weight(block, "w", read.size)}·${read.text})`;
    default:
      return `tanh(sum(${read.text}))`;
  }
}

/** The right side of a definition: bounded by a function, or a blend of its own past with something bounded. */
function bounded(block: Block, { name, size }: Variable): string {
  const { random, direction } = block;
  const past = `${name}[t${direction === 1 ? "-" : "+"}1]`;
  const first = block.inputs[0];
  const inside = (): string => expression(block, size, random.integer(3));
  switch (random.integer(8)) {
    case 0:
      return `σ(${inside()})∘${past} + σ(${inside()})∘tanh(${inside()}) - 0.3*${past}`;
    case 1: {
      const gate = `σ(${affine(block, size)})`;
      return `${gate}∘${past} + (1 - ${gate})∘tanh(${inside()})`;
    }
    case 2:
      return `exp(-softplus(${product(block, size, first.name, first.size)}))∘${past}*0.9 + tanh(${product(block, size, first.name, first.size)})`;
    case 3:
      return `softmax(${inside()})`;
    case 4:
      if (chance(random, 0.3)) {
        block.dropout = true;
        return `zoneout(tanh(${inside()}), ${past}, 0.2)`;
      }
      return `tanh(${inside()})`;
    case 5:
      return `σ(${inside()}) - erf(${inside()})`;
    default:
      return `tanh(${inside()})`;
  }
}

/** A matrix state with a decay in (0, 1), written by an outer product and read by a product. */
function matrixState(block: Block, { name, size }: Variable): void {
  const { direction } = block;
  const state = `S${block.lines.length}${name}`;
  const read = readable(block);
  const keys = weight(block, "W", `{K×${read.size}}`);
  const decay = `σ(${weight(block, "w", block.inputs[0].size)}·${block.inputs[0].name})`;
  const past = `${state}[t${direction === 1 ? "-" : "+"}1]`;
  block.lines.push(`  ${state} = ${decay}*${past}*0.9 + tanh(${affine(block, size)})⊗σ(${keys}·${read.text})`);
  block.lines.push(`  ${name} = tanh(${state}·${weight(block, "w", "K")})`);
  block.declarations.push(`${state} ∈ ℝ^{${size}×K}`);
}
