/**
 * 200 random programs: kernels against the interpreter, outputs and every gradient; padded, alone and anywhere in a batch to the bit; streamed in chunks to the
 * bit. What float32 may differ by is measured on each program itself: the interpreter runs again with every number moved by one part in 2^24.
 */
import { expect, test } from "vitest";
import { analyze, lower } from "../../src/compile.ts";
import type { Network } from "../../src/ir/network/node.ts";
import type { Variant } from "../../src/ir/network/variant.ts";
import { shapeOf } from "../../src/model/sizes.ts";
import { createRandom, type Random } from "../../src/support/random.ts";
import { renderReport } from "../../src/support/report.ts";
import { type Arrays, interpretGraph, load, type Outputs, runLoaded } from "./execute.ts";
import { type RandomProgram, randomProgram } from "./random-program.ts";

const PROGRAMS = 200;
/** One rounding of every number moved the results by d; a few hundred operations round a few hundred times, mostly against each other. */
const ROUNDINGS = 60;
/** Of the largest magnitude: kernels whose own error is a few ulp (exp, tanh) on values that the perturbation happens not to move. */
const FLOOR = 3e-6;

interface Subject {
  readonly program: RandomProgram;
  readonly network: Network;
  readonly variant: Variant;
  readonly steps: number;
  readonly arrays: Map<string, Float64Array | Int32Array>;
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

function analyzed(seed: number): { program: RandomProgram; network: Network } {
  for (const declared of [false, true]) {
    const program = randomProgram(seed, declared);
    const source = { name: `program-${seed}`, text: program.text };
    const { network, diagnostics } = analyze(source);
    if (network !== undefined) return { program, network };
    if (declared) throw new Error(`${renderReport(diagnostics, source)}\n${program.text}`);
  }
  throw new Error("unreachable");
}

function subject(seed: number): Subject {
  const { program, network } = analyzed(seed);
  const random = createRandom(seed + 1_000_000);
  const pick = (values: readonly number[]): number => values[random.integer(values.length)];
  const sizes: Record<string, number> = {};
  for (const { name, value, free } of network.sizes) if (value !== undefined || free) sizes[name] = value ?? pick([1, 2, 3, 4, 5, 7, 8, 9]);
  const steps = pick([1, 2, 3, 5, 8]);
  const batch = pick([1, 2, 3, 5]);
  const variant: Variant = {
    sizes,
    batch,
    mode: program.dropout && random.uniform() < 0.5 ? "train" : "evaluate",
    initial: "fresh",
    lengths: random.uniform() < 0.5,
    reset: false,
    outputs: network.values.filter(({ type }) => type === "real").map(({ name }) => name),
    gradient: { of: "cotangents", inputs: network.inputs.map(({ name }) => name) },
  };
  return { program, network, variant, steps, arrays: arraysOf(network, variant, steps, random) };
}

function arraysOf(network: Network, { sizes, batch, outputs, lengths }: Variant, steps: number, random: Random): Map<string, Float64Array | Int32Array> {
  const arrays = new Map<string, Float64Array | Int32Array>();
  const single = (shape: readonly number[], deviation: number): Float64Array =>
    Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(random.normal(0, deviation)));
  for (const { name, shape } of network.weights) {
    const concrete = shapeOf(shape, sizes, name);
    arrays.set(name, single(concrete, 1 / Math.sqrt(concrete[1] ?? 2)));
  }
  for (const { name, shape, perStep } of network.inputs) {
    const concrete = [...(perStep ? [steps] : []), batch, ...shapeOf(shape, sizes, name)];
    arrays.set(name, single(concrete, 1));
    // The step after the last is 0, as for the host.
    const row = sizeOf(concrete.slice(1));
    arrays.set(`${name}@1`, perStep ? Float64Array.from([...arrays.get(name)!.subarray(row), ...new Float64Array(row)]) : new Float64Array(0));
  }
  for (const name of outputs) {
    const value = network.values.find((each) => each.name === name)!;
    arrays.set(`cotangent:${name}`, single([steps, batch, ...shapeOf(value.shape, sizes, name)], 1));
  }
  arrays.set("seed", Int32Array.of(12345));
  if (lengths) setLengths(arrays, Int32Array.from({ length: batch }, () => 1 + random.integer(steps)), steps);
  return arrays;
}

function setLengths(arrays: Map<string, Float64Array | Int32Array>, lengths: Int32Array, steps: number): void {
  const batch = lengths.length;
  arrays.set("lengths", lengths);
  arrays.set("valid", Float64Array.from({ length: steps * batch }, (_, i) => (Math.floor(i / batch) < lengths[i % batch] ? 1 : 0)));
}

function moved(arrays: Arrays, random: Random): Arrays {
  return new Map(
    [...arrays].map(([name, values]) => [
      name,
      values instanceof Int32Array || name === "valid" ? values : values.map((value) => value * (1 + (random.uniform() < 0.5 ? 2 ** -24 : -(2 ** -24)))),
    ]),
  );
}

function compare(seed: number, got: Outputs, want: Outputs, others: readonly Outputs[], text: string): void {
  for (const [name, values] of Object.entries(want)) {
    let largest = 0;
    let sensitivity = 0;
    for (let i = 0; i < values.length; i++) {
      largest = Math.max(largest, Math.abs(values[i]));
      for (const other of others) sensitivity = Math.max(sensitivity, Math.abs(other[name][i] - values[i]));
    }
    const allowed = FLOOR * largest + ROUNDINGS * sensitivity + 1e-30;
    expect(got[name].length, `${seed} ${name}`).toBe(values.length);
    for (let i = 0; i < values.length; i++) {
      const error = Math.abs(got[name][i] - values[i]);
      if (!(error <= allowed)) throw new Error(`program ${seed}, ${name}[${i}]: got ${got[name][i]}, want ${values[i]} ± ${allowed}\n${text}`);
    }
  }
}

/** Picks examples of a batch out of an array [steps, batch, …] or [batch, …]. */
function examples(values: Float64Array | Int32Array | Float32Array, outer: number, batch: number, chosen: readonly number[]): Float64Array {
  const row = values.length / (outer * batch);
  const result = new Float64Array(outer * chosen.length * row);
  for (let t = 0; t < outer; t++) {
    chosen.forEach((b, k) => {
      result.set(values.subarray((t * batch + b) * row, (t * batch + b + 1) * row), (t * chosen.length + k) * row);
    });
  }
  return result;
}

const seeds = Array.from({ length: PROGRAMS }, (_, seed) => seed);

test("kernels agree with the interpreter: outputs and gradients of 200 programs", () => {
  for (const seed of seeds) {
    const { program, network, variant, steps, arrays } = subject(seed);
    const { graph, stages } = lower(network, variant);
    const want = interpretGraph(graph, arrays, steps);
    const unsimplified = interpretGraph(stages[1].graph, arrays, steps);
    compare(seed, unsimplified, want, [], program.text);
    const random = createRandom(seed);
    const others = [0, 1, 2].map(() => interpretGraph(graph, moved(arrays, random), steps));
    compare(seed, runLoaded(load(network, variant, arrays, steps + 2), arrays, steps), want, others, program.text);
  }
});

test("padded, alone and anywhere in a batch: the same bits", () => {
  for (const seed of seeds.filter((each) => each % 4 === 0)) {
    const { program, network, variant: drawn, steps, arrays } = subject(seed);
    if (drawn.mode === "train") continue; // a mask of dropout depends on the place in the batch
    const batch = 3;
    const perStep = network.inputs.map(({ name, perStep: given }) => ({ name, given }));
    const inputs = perStep.map(({ name }) => name);
    const gradients = inputs.map((name) => `gradient:${name}`);
    const random = createRandom(seed + 2_000_000);
    const variant: Variant = { ...drawn, batch, lengths: true };
    const all = arraysOf(network, variant, steps, random);
    for (const { name } of network.weights) all.set(name, arrays.get(name)!);
    setLengths(all, Int32Array.from({ length: batch }, (_, b) => Math.max(1, steps - b)), steps);
    const together = runLoaded(load(network, variant, all, steps + 1), all, steps);
    const chosenOf = (chosen: readonly number[], length: number): Map<string, Float64Array | Int32Array> => {
      const part = new Map<string, Float64Array | Int32Array>();
      for (const { name, given } of perStep) part.set(name, examples(all.get(name)!, given ? steps : 1, batch, chosen).subarray(0));
      for (const name of variant.outputs) part.set(`cotangent:${name}`, examples(all.get(`cotangent:${name}`)!, steps, batch, chosen));
      for (const [name, values] of part) {
        const whole = !name.startsWith("cotangent:") && !perStep.find((each) => each.name === name)!.given;
        if (!whole) part.set(name, values.subarray(0, (values.length / steps) * length));
      }
      for (const { name, given } of perStep) {
        if (!given) continue;
        const values = part.get(name)!;
        const row = values.length / length;
        part.set(`${name}@1`, Float64Array.from([...values.subarray(row), ...new Float64Array(row)]));
      }
      return part;
    };
    const check = (got: Outputs, length: number, chosen: readonly number[], what: string): void => {
      for (const name of [...variant.outputs, ...gradients]) {
        const once = gradients.includes(name) && !perStep[gradients.indexOf(name)].given;
        const want = examples(together[name], once ? 1 : steps, batch, chosen);
        const compared = once ? want : want.subarray(0, (want.length / steps) * length);
        for (let i = 0; i < compared.length; i++) {
          if (!Object.is(Math.fround(got[name][i]) + 0, compared[i] + 0)) throw new Error(`program ${seed}, ${name}[${i}] ${what}: ${got[name][i]} and ${compared[i]}\n${program.text}`);
        }
      }
    };
    for (let b = 0; b < batch; b++) {
      const length = Math.max(1, steps - b);
      const part = chosenOf([b], length);
      const alone = load(network, { ...variant, batch: 1, lengths: false }, all, length);
      check(runLoaded(alone, part, length), length, [b], `alone (example ${b})`);
    }
    const order = [2, 0, 1];
    const turned = chosenOf(order, steps);
    setLengths(turned, Int32Array.from(order, (b) => Math.max(1, steps - b)), steps);
    check(runLoaded(load(network, variant, all, steps + 1), turned, steps), steps, order, "in another place");
  }
});

test("streamed in chunks: the same bits", () => {
  let streamed = 0;
  for (const seed of seeds.filter((each) => each % 2 === 1)) {
    const { program, network, variant: drawn, arrays } = subject(seed);
    if (!program.causal || program.givenStates || network.recurrences.some(({ direction }) => direction === "backward")) continue;
    const steps = 7;
    const variant: Variant = { ...drawn, mode: "evaluate", initial: "carried", lengths: false, gradient: undefined };
    const all = arraysOf(network, variant, steps, createRandom(seed + 3_000_000));
    for (const { name } of network.weights) all.set(name, arrays.get(name)!);
    const begin = (capacity: number) => {
      const loaded = load(network, variant, all, capacity);
      for (const [name, view] of loaded.executable.buffers) if (name.startsWith("state:")) view.fill(0);
      return loaded;
    };
    const whole = runLoaded(begin(steps), all, steps);
    const stream = begin(3);
    let at = 0;
    for (const length of [2, 1, 3, 1]) {
      const chunk = new Map<string, Float64Array | Int32Array>();
      for (const { name } of network.inputs) {
        const values = all.get(name)!;
        const row = values.length / steps;
        chunk.set(name, values.subarray(at * row, (at + length) * row));
      }
      const got = runLoaded(stream, chunk, length);
      for (const name of variant.outputs) {
        const row = whole[name].length / steps;
        for (let i = 0; i < got[name].length; i++) {
          if (!Object.is(got[name][i], whole[name][at * row + i])) throw new Error(`program ${seed}, ${name} at step ${at}: ${got[name][i]} and ${whole[name][at * row + i]}\n${program.text}`);
        }
      }
      at += length;
    }
    streamed++;
  }
  expect(streamed).toBeGreaterThan(30);
});
