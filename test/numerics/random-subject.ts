/**
 * A random program with sizes, a variant and arrays, and the comparison of two devices on it.
 *
 * In: a seed. Out: everything that a run needs. What float32 may differ by is measured on each program itself: the interpreter runs again with every number
 * moved by one part in 2^24.
 */
import { analyze } from "../../src/compile.ts";
import type { Network } from "../../src/ir/network/node.ts";
import type { Variant } from "../../src/ir/network/variant.ts";
import { shapeOf, sizeValue } from "../../src/model/sizes.ts";
import { createRandom, type Random } from "../../src/support/random.ts";
import { renderReport } from "../../src/support/report.ts";
import type { Arrays, Outputs } from "./execute.ts";
import { type RandomProgram, randomProgram } from "./random-program.ts";

/** One rounding of every number moved the results by d; a few hundred operations round a few hundred times, mostly against each other. */
const ROUNDINGS = 60;
/** Of the largest magnitude: kernels whose own error is a few ulp (exp, tanh) on values that the perturbation happens not to move. */
const FLOOR = 3e-6;

export interface Subject {
  readonly program: RandomProgram;
  readonly network: Network;
  readonly variant: Variant;
  readonly steps: number;
  readonly arrays: Map<string, Float64Array | Int32Array>;
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

function analyzed(seed: number, program: RandomProgram, declared: boolean): { program: RandomProgram; network: Network } | undefined {
  const source = { name: `program-${seed}`, text: program.text };
  const { network, diagnostics } = analyze(source);
  if (network !== undefined) return { program, network };
  if (declared) throw new Error(`${renderReport(diagnostics, source)}\n${program.text}`);
  return undefined; // too little is said to tell every shape
}

/** Sizes to draw from, by the first letter of a name: heads and places of a memory are few, experts at least the two that a gate chooses. */
const FEW: Readonly<Record<string, readonly number[]>> = { N: [1, 2, 3], J: [1, 2, 4], E: [2, 3, 4], C: [1, 2, 3], O: [1, 2, 3], L: [1, 2, 4] };

/** Random sizes; undefined if a size that follows from others is no whole number ≥ 1 (`D2 - D3`, `D / 2`). */
function drawnSizes(network: Network, text: string, random: Random): Record<string, number> | undefined {
  // Norms of one or two components are signs: their gradients are differences of nearly equal numbers, which float32 cannot hold.
  const isNormed = /_norm|normalize/.test(text);
  const choices = isNormed ? [3, 4, 5, 7, 8, 9] : [1, 2, 3, 4, 5, 7, 8, 9];
  const own = isNormed ? [3, 4, 5] : [1, 2, 3, 4, 6];
  const sizes: Record<string, number> = {};
  for (const { name, value, free } of network.sizes) {
    const short = name.slice(name.lastIndexOf(".") + 1);
    const among = FEW[short[0]] ?? (/^[A-Z]\d/.test(short) ? own : choices);
    if (value !== undefined || free) sizes[name] = value ?? among[random.integer(among.length)];
  }
  const whole = (shape: Parameters<typeof shapeOf>[0]): boolean =>
    shape.every((size) => Number.isInteger(sizeValue(size, sizes)) && sizeValue(size, sizes)! >= 1);
  return [...network.weights, ...network.inputs, ...network.values].every(({ shape }) => whole(shape)) ? sizes : undefined;
}

/** What a seed makes of a program: the seed's own, unless another is given. */
export function subject(seed: number, given?: RandomProgram): Subject {
  const random = createRandom(seed + 1_000_000);
  const bare = analyzed(seed, given ?? randomProgram(seed, false), given !== undefined);
  const bareSizes = bare && drawnSizes(bare.network, bare.program.text, random);
  const { program, network } = bareSizes ? bare : analyzed(seed, given ?? randomProgram(seed, true), true)!;
  let sizes = bareSizes;
  for (let attempt = 0; sizes === undefined; attempt++) {
    if (attempt === 1000) throw new Error(`program ${seed}: no sizes\n${program.text}`);
    sizes = drawnSizes(network, program.text, random);
  }
  const pick = (values: readonly number[]): number => values[random.integer(values.length)];
  const steps = pick([1, 2, 3, 5, 8]);
  const batch = pick([1, 2, 3, 5]);
  const variant: Variant = {
    sizes,
    batch,
    mode: program.dropout && random.uniform() < 0.5 ? "train" : "evaluate",
    initial: "fresh",
    lengths: random.uniform() < 0.5,
    reset: random.uniform() < 0.2,
    outputs: network.values.filter(({ type }) => type === "real").map(({ name }) => (name === network.loss ? "loss_steps" : name)),
    gradient: { of: "cotangents", inputs: network.inputs.filter(({ type }) => type === "real").map(({ name }) => name) },
  };
  return { program, network, variant, steps, arrays: arraysOf(network, variant, steps, random) };
}

/** The shape of a value with its indices: [heads, …]; as many positions as steps for an index of time. */
export function valueShape(network: Network, name: string, sizes: Variant["sizes"], steps: number): readonly number[] {
  if (name === "loss_steps") return [];
  const { indices, shape } = network.equations.find((each) => each.name === name)!;
  const ranges = indices.map((path) => network.indices.find((index) => index.name === path)!.size);
  return [...ranges.map((size) => (size ? sizeValue(size, sizes)! : steps)), ...shapeOf(shape, sizes, name)];
}

export function arraysOf(
  network: Network,
  { sizes, batch, outputs, lengths, reset }: Variant,
  steps: number,
  random: Random,
): Map<string, Float64Array | Int32Array> {
  const arrays = new Map<string, Float64Array | Int32Array>();
  const single = (shape: readonly number[], deviation: number): Float64Array =>
    Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(random.normal(0, deviation)));
  for (const { name, shape } of network.weights) {
    const concrete = shapeOf(shape, sizes, name);
    arrays.set(name, single(concrete, 1 / Math.sqrt(concrete.length > 1 ? concrete.at(-1)! : 2)));
  }
  for (const { name, shape, type, range, perStep, perExample } of network.inputs) {
    const concrete = [...(perStep ? [steps] : []), ...(perExample ? [batch] : []), ...shapeOf(shape, sizes, name)];
    const rows = range === undefined ? 1 : sizeValue(range, sizes)!;
    arrays.set(name, type === "real" ? single(concrete, 1) : Int32Array.from({ length: sizeOf(concrete) }, () => random.integer(rows)));
  }
  for (const name of outputs) arrays.set(`cotangent:${name}`, single([steps, batch, ...valueShape(network, name, sizes, steps)], 1));
  if (reset)
    arrays.set(
      "reset",
      Float64Array.from({ length: steps * batch }, (_, i) => (i < batch || random.uniform() < 0.3 ? 1 : 0)),
    );
  arrays.set("seed", Int32Array.of(12345));
  if (lengths)
    setLengths(
      arrays,
      Int32Array.from({ length: batch }, () => 1 + random.integer(steps)),
      steps,
    );
  setAhead(arrays, network, steps);
  return arrays;
}

/** Fills "x@1", what is read as x[t+1]: the same values one step earlier, 0 after the last of each sequence. */
export function setAhead(arrays: Map<string, Float64Array | Int32Array>, network: Network, steps: number): void {
  const lengths = arrays.get("lengths");
  for (const { name, perStep } of network.inputs) {
    if (!perStep) continue;
    const values = arrays.get(name)!;
    const row = values.length / steps;
    const ahead = values instanceof Int32Array ? new Int32Array(values.length) : new Float64Array(values.length);
    ahead.set(values.subarray(row));
    if (lengths !== undefined) {
      const width = row / lengths.length;
      lengths.forEach((length, b) => {
        for (let t = length - 1; t < steps; t++) ahead.fill(0, t * row + b * width, t * row + (b + 1) * width);
      });
    }
    arrays.set(`${name}@1`, ahead);
  }
}

export function setLengths(arrays: Map<string, Float64Array | Int32Array>, lengths: Int32Array, steps: number): void {
  const batch = lengths.length;
  arrays.set("lengths", lengths);
  arrays.set(
    "valid",
    Float64Array.from({ length: steps * batch }, (_, i) => (Math.floor(i / batch) < lengths[i % batch] ? 1 : 0)),
  );
}

export function moved(arrays: Arrays, random: Random): Arrays {
  return new Map(
    [...arrays].map(([name, values]) => [
      name,
      values instanceof Int32Array || name === "valid" || name === "reset"
        ? values
        : values.map((value) => value * (1 + (random.uniform() < 0.5 ? 2 ** -24 : -(2 ** -24)))),
    ]),
  );
}

export function compare(seed: number, got: Outputs, want: Outputs, others: readonly Outputs[], text: string): void {
  for (const [name, values] of Object.entries(want)) {
    let largest = 0;
    let sensitivity = 0;
    for (let i = 0; i < values.length; i++) {
      largest = Math.max(largest, Math.abs(values[i]));
      for (const other of others) sensitivity = Math.max(sensitivity, Math.abs(other[name][i] - values[i]));
    }
    const allowed = FLOOR * largest + ROUNDINGS * sensitivity + 1e-30;
    if (got[name].length !== values.length) throw new Error(`program ${seed}, ${name}: ${got[name].length} numbers instead of ${values.length}`);
    for (let i = 0; i < values.length; i++) {
      const error = Math.abs(got[name][i] - values[i]);
      if (!(error <= allowed)) throw new Error(`program ${seed}, ${name}[${i}]: got ${got[name][i]}, want ${values[i]} ± ${allowed}\n${text}`);
    }
  }
}
