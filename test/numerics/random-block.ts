/**
 * Pieces of random programs: what a line may read, weights, and vector expressions whose values stay tame.
 *
 * In: a block under construction. Out: texts; what they use (weights, shapes, declarations) is noted in the block. Never divides by zero, never leaves the
 * range of float32.
 */
import type { Random } from "../../src/support/random.ts";

/** Name of a size: those of the program ("D", "H", "K") or one of its own. */
export type Size = string;

export interface Variable {
  readonly name: string;
  readonly size: Size;
  /** True if it depends on no recurrence of the block, so that sums over time may read it. */
  readonly closed: boolean;
}

export interface Block {
  readonly random: Random;
  readonly inputs: Variable[];
  /** In an order in which each may read those before it at the same step. */
  readonly values: Variable[];
  /** Declarations of shapes by name; "" for a number. */
  readonly shapes: Map<string, { readonly indices: string; readonly shape: string }>;
  readonly lines: string[];
  readonly declarations: string[];
  /** Inputs of special kinds that a construct added: maps, tokens, memories. */
  readonly extras: string[];
  /** 1: recurrences run forward; -1: backward. One direction per block, so that no value waits for the past and the future at once. */
  readonly direction: 1 | -1;
  /** Values that exist in the end, so that earlier lines may read their past. */
  readonly planned: readonly Variable[];
  /** True for the block that is the network: it may have inputs of every kind. */
  readonly isMain: boolean;
  causal: boolean;
  dropout: boolean;
}

const SMOOTH = ["tanh", "σ", "softplus", "silu", "gelu", "gelu_tanh", "elu", "sin", "cos", "erf", "log_σ", "hard_σ", "relu", "abs", "exp"] as const;

export const pick = <T>(random: Random, values: readonly T[]): T => values[random.integer(values.length)];
export const chance = (random: Random, probability: number): boolean => random.uniform() < probability;

/** A name that no other has. */
function fresh(block: Block, letter: string): string {
  const name = `${letter}${block.shapes.size}`;
  return block.shapes.has(name) ? `${letter}${block.shapes.size + 100}` : name;
}

/** A new weight, as it is read: "W3", "W3[n4]". */
export function weight(block: Block, letter: string, shape: string, indices = ""): string {
  const name = fresh(block, letter);
  block.shapes.set(name, { indices, shape });
  return name + (indices === "" ? "" : `[${indices}]`);
}

/** A new definition: its name; the line is the caller's. */
export function local(block: Block, letter: string, shape: string, indices = ""): string {
  const name = fresh(block, letter);
  block.shapes.set(name, { indices, shape });
  return name;
}

/** A new counting index with its range. */
export function counting(block: Block, letter: string, least = 1): { readonly name: string; readonly size: string } {
  const name = fresh(block, letter);
  block.shapes.set(name, { indices: "", shape: "index" });
  const size = chance(block.random, 0.5) ? `${name.toUpperCase()}` : String(least + block.random.integer(2));
  block.declarations.push(chance(block.random, 0.15) && /\d/.test(size[0]) ? `${name} ∈ 0..${Number(size) - 1}` : `${name} ∈ 1..${size}`);
  return { name, size };
}

/** A new size. */
export function ownSize(block: Block, letter: string): Size {
  const name = fresh(block, letter);
  block.shapes.set(name, { indices: "", shape: "size" });
  return name;
}

/** The step before, in the direction of the block. */
export const past = ({ direction }: Block, lag = 1): string => `t${direction === 1 ? "-" : "+"}${lag}`;

export function product(block: Block, rows: Size, text: string, columns: Size, indices = ""): string {
  return `${weight(block, "W", `{${rows}×${columns}}`, indices)}·${text}`;
}

/** A vector that can be read here: an input, maybe shifted; an earlier value; the past of any value. */
export function readable(block: Block): { readonly text: string; readonly size: Size } {
  const { random } = block;
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
  return { text: `${name}[${past(block, chance(random, 0.8) ? 1 : 2)}]`, size };
}

/** A vector by name that no recurrence of the block has a part in: what sums over time may read. */
export function closed(block: Block): Variable {
  const { random } = block;
  const among = block.values.filter((value) => value.closed && !value.name.includes("."));
  return among.length > 0 && chance(random, 0.4) ? pick(random, among) : pick(random, block.inputs);
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
  if (chance(random, 0.1)) {
    const rank = ownSize(block, "R");
    return `${weight(block, "U", `{${size}×${rank}}`)}·(${product(block, rank, read.text, read.size)})`;
  }
  return product(block, size, read.text, read.size);
}

/** A sum of products, with or without bias. */
export function affine(block: Block, size: Size): string {
  const { random } = block;
  const terms = [vector(block, size)];
  while (chance(random, 0.5) && terms.length < 3) terms.push(vector(block, size));
  if (chance(random, 0.7)) terms.push(weight(block, "b", size));
  return terms.reduce((sum, term) => `${sum} ${chance(random, 0.8) ? "+" : "-"} ${term}`);
}

/** Any vector expression whose parts are tame. */
export function expression(block: Block, size: Size, depth: number): string {
  const { random } = block;
  if (depth === 0) return affine(block, size);
  const inside = (): string => expression(block, size, depth - 1);
  switch (random.integer(14)) {
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
    case 11:
      return `tanh(${inside()})∘stop_gradient(${readOf(block, size) ?? inside()})`;
    case 12: {
      const two = weight(block, "W", `{2*${size}×${block.inputs[0].size}}`);
      return `split(${two}·${block.inputs[0].name}, ${1 + random.integer(2)}, 2)`;
    }
    default:
      return affine(block, size);
  }
}

/** Something of this size that can be read as it is. */
function readOf(block: Block, size: Size): string | undefined {
  return [...block.inputs, ...block.values].find((value) => value.size === size)?.name;
}

/** A number in a moderate range. */
export function number(block: Block): string {
  const { random } = block;
  const read = readable(block);
  switch (random.integer(8)) {
    case 0:
      return `σ(${weight(block, "a", "")})`;
    case 1:
      return `exp(-exp(${weight(block, "a", "")}))`;
    case 2:
      return weight(block, "a", "");
    case 3:
      return `mean(tanh(${read.text}))`;
    case 4:
      return `σ(${weight(block, "w", read.size)}·${read.text})`;
    case 5:
      return `tanh(0.2*norm(${read.text} + ${weight(block, "b", read.size)}))`;
    case 6:
      return `tanh((${read.text})[1])`;
    default:
      return `tanh(0.2*sum(${read.text}))`; // a saturated tanh has a slope that float32 cannot tell from 0
  }
}
