/**
 * Random well-formed programs over the whole language, from a seed.
 *
 * In: a seed. Out: a text whose values stay bounded whatever its weights (every definition ends in a bounded function or blends bounded values), so that
 * float32 and float64 can be compared. Covers: definitions in any order, lags, look-ahead and shifts of inputs, recurrences in both directions, all
 * elementwise functions, vector functions, products, concatenation, blocks that call blocks, blocks as arguments, repetition, values inside of called blocks,
 * initial values of every kind, dropout and zoneout, losses, and everything in random-constructs.ts.
 */
import { createRandom, type Random } from "../../src/support/random.ts";
import { affine, type Block, chance, expression, past, pick, product, type Variable, weight } from "./random-block.ts";
import { CONSTRUCTS, type Construct } from "./random-constructs.ts";

export interface RandomProgram {
  readonly text: string;
  /** True if nothing reads the future, so that it can be streamed. */
  readonly causal: boolean;
  /** True if initial states are inputs of the run. */
  readonly givenStates: boolean;
  readonly dropout: boolean;
}

/** The program of a seed; `declared` adds the shape of every name to its `where` lines. */
export function randomProgram(seed: number, declared: boolean): RandomProgram {
  const random = createRandom(seed);
  const inputOf = (name: string, size: string): Variable => ({ name, size, closed: true });
  const inner = chance(random, 0.35)
    ? makeBlock(random, "cell", [inputOf("u", pick(random, ["D", "H"]))], 1 + random.integer(2), undefined, declared)
    : undefined;
  const inputs = [inputOf("x", "D")];
  if (chance(random, 0.3)) inputs.push(inputOf("v", pick(random, ["D", "H", "K"])));
  const main = makeBlock(random, "main", inputs, 1 + random.integer(3), inner, declared);
  return {
    text: [main.wrapper, inner?.text, main.text].filter((text) => text !== undefined).join("\n"),
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
  /** A block that takes a block, if one is called. */
  readonly wrapper?: string;
}

/** Blocks that take a block; whether the block's result must be as long as its input. */
const WRAPPERS = [
  { text: "wrap(f, u) → w\n  w = u + 0.5*f(u)\n", keeps: true },
  { text: "wrap(f, u) → w\n  w = tanh(f(rms_norm(u)))\n", keeps: false },
  { text: "wrap(f, u) → w\n  w = σ(G·u)∘f(u)\n", keeps: false },
] as const;

function makeBlock(random: Random, name: string, inputs: Variable[], count: number, inner: Made | undefined, declared: boolean): Made {
  const isMain = name === "main";
  const kinds = Array.from({ length: count }, (): Construct | undefined => (chance(random, 0.5) ? pick(random, CONSTRUCTS) : undefined));
  const planned = kinds.map((kind, i): Variable => {
    const size = pick(random, ["H", "K", "H"]);
    return { name: `${"hgpqr"[i]}${isMain ? "" : "1"}`, size, closed: kind?.closed ?? false };
  });
  const direction = chance(random, 0.15) ? -1 : 1;
  const block: Block = {
    random,
    inputs,
    values: [],
    shapes: new Map(),
    lines: [],
    declarations: [],
    extras: [],
    direction,
    planned,
    isMain,
    causal: direction === 1,
    dropout: false,
  };
  const wrapper = inner && callInner(block, inner);
  for (const [i, value] of planned.entries()) {
    const kind = kinds[i];
    if (kind) kind.write(block, value);
    else block.lines.push(`  ${value.name} = ${bounded(block, value)}`);
    block.values.push(value);
  }
  const result = planned[planned.length - 1];
  const read = planned.filter((value) => block.lines.some((line) => mentions(line, `${value.name}[${past(block)}]`)));
  const edge = direction === 1 ? "0" : "T+1";
  const begun = (value: Variable): boolean => block.declarations.some((declaration) => declaration.startsWith(`${value.name}[`));
  const first = read.find((value) => !begun(value));
  const given = isMain && first !== undefined && chance(random, 0.25);
  if (isMain && block.extras.includes("token") && direction === 1 && chance(random, 0.5)) {
    block.lines.push(`  loss = cross_entropy(${product(block, "Y", result.name, result.size)} + ${weight(block, "b", "Y")}, token[t+1])`);
    block.causal = false;
  } else if (isMain && chance(random, 0.15)) {
    const lossOf = pick(random, ["mse", "huber", "mae", "binary_cross_entropy"]);
    block.lines.push(`  loss = ${lossOf}(${affine(block, result.size)}, σ(${product(block, result.size, inputs[0].name, inputs[0].size)}))`);
  }
  // An input that no line happens to read would only be a warning.
  const used = inputs.filter((input) => block.lines.some((line) => mentions(line.slice(line.indexOf("=")), input.name)));
  if (used.length === 0) {
    const line = block.lines.findIndex((each) => each.startsWith(`  ${result.name} =`));
    block.lines[line] += ` + 0.1*tanh(${product(block, result.size, inputs[0].name, inputs[0].size)})`;
    used.push(inputs[0]);
  }
  const headerInputs = [...used.map((input) => input.name), ...block.extras];
  if (given) {
    block.declarations.push(`${first.name}[${edge}] = z0`, "z0 : static");
    if (declared) block.declarations.push(`z0 ∈ ℝ^${first.size}`);
    headerInputs.push("z0");
  } else if (first && chance(random, 0.3)) {
    block.declarations.push(`${first.name}[${edge}] = ${chance(random, 0.5) ? "0.5" : weight(block, "b", first.size)}`);
  }
  for (const [each, { indices, shape }] of block.shapes) {
    const isNumber = shape === "";
    if (["index", "size", "kernel", "blocks", "map"].includes(shape) || (!declared && !isNumber)) continue;
    block.declarations.push(
      `${each}${indices === "" ? "" : `[${indices}]`} ∈ ℝ${isNumber ? "" : `^${/^[A-Z]\d*$/.test(shape) || shape.startsWith("{") ? shape : `{${shape}}`}`}`,
    );
  }
  if (declared) {
    for (const variable of [...used, ...block.values.filter((value) => !value.name.includes("."))])
      block.declarations.push(`${variable.name} ∈ ℝ^${variable.size}`);
  }
  // The order of lines does not matter: shuffled, so that it is tested.
  const lines = chance(random, 0.5) ? random.shuffle([...block.lines]) : block.lines;
  const where = block.declarations.map((declaration) => `  where ${declaration}\n`).join("");
  return { block, result, given, wrapper, text: `${name}(${headerInputs.join(", ")}) → ${result.name}\n${lines.join("\n")}\n${where}` };
}

/** Calls the inner block: alone, repeated, as an argument; gives the block that takes it, if one does. */
function callInner(block: Block, inner: Made): string | undefined {
  const { random } = block;
  const [wanted] = inner.block.inputs;
  const found = block.inputs.find(({ size }) => size === wanted.size);
  const argument = found?.name ?? product(block, wanted.size, block.inputs[0].name, block.inputs[0].size);
  const keeps = wanted.size === inner.result.size;
  const wrapper = chance(random, 0.4)
    ? pick(
        random,
        WRAPPERS.filter((each) => keeps || !each.keeps),
      )
    : undefined;
  // What comes out goes in the next time.
  const repeat = keeps && chance(random, 0.4) ? `repeat ${1 + random.integer(3)} ` : "";
  block.lines.push(`  e = ${repeat}${wrapper ? `wrap(cell, ${argument})` : `cell(${argument})`}`);
  block.values.push({ name: "e", size: inner.result.size, closed: true });
  if (repeat === "" && wrapper === undefined)
    for (const value of inner.block.planned) block.values.push({ name: `e.${value.name}`, size: value.size, closed: true });
  return wrapper?.text;
}

/** True if a line reads a name, not merely one that contains it. */
function mentions(line: string, text: string): boolean {
  for (let at = line.indexOf(text); at !== -1; at = line.indexOf(text, at + 1)) {
    if (!/[\p{L}\d.]/u.test(line[at - 1] ?? " ") && !/[\p{L}\d]/u.test(line[at + text.length] ?? " ")) return true;
  }
  return false;
}

/** The right side of a definition: bounded by a function, or a blend of its own past with something bounded. */
function bounded(block: Block, { name, size }: Variable): string {
  const { random } = block;
  const before = `${name}[${past(block)}]`;
  const first = block.inputs[0];
  const inside = (): string => expression(block, size, random.integer(3));
  switch (random.integer(8)) {
    case 0:
      return `σ(${inside()})∘${before} + σ(${inside()})∘tanh(${inside()}) - 0.3*${before}`;
    case 1: {
      const gate = `σ(${affine(block, size)})`;
      return `${gate}∘${before} + (1 - ${gate})∘tanh(${inside()})`;
    }
    case 2:
      return `exp(-softplus(${product(block, size, first.name, first.size)}))∘${before}*0.9 + tanh(${product(block, size, first.name, first.size)})`;
    case 3:
      return `softmax(${inside()})`;
    case 4:
      if (chance(random, 0.3)) {
        block.dropout = true;
        return `zoneout(tanh(${inside()}), ${before}, 0.2)`;
      }
      return `tanh(${inside()})`;
    case 5:
      return `σ(${inside()}) - erf(${inside()})`;
    default:
      return `tanh(${inside()})`;
  }
}
