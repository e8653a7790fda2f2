/**
 * 200 random programs: kernels against the interpreter, outputs and every gradient; padded, alone and anywhere in a batch to the bit; streamed in chunks to the
 * bit.
 */
import { expect, test } from "vitest";
import { lower } from "../../src/compile.ts";
import type { Variant } from "../../src/ir/network/variant.ts";
import { createRandom } from "../../src/support/random.ts";
import type { Network } from "../../src/ir/network/node.ts";
import { type Arrays, interpretGraph, load, type Outputs, runLoaded } from "./execute.ts";
import { arraysOf, compare, moved, setAhead, setLengths, subject } from "./random-subject.ts";

const PROGRAMS = 200;
/** Programs of one test: small enough that a slow machine stays within the time of a test. */
const BLOCK = 20;
const TIMEOUT_MS = 120_000;

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

const blocks = Array.from({ length: PROGRAMS / BLOCK }, (_, block) => Array.from({ length: BLOCK }, (_, i) => block * BLOCK + i));

/** The derivative along one random direction of everything at once, against a difference of the loss without any gradient in the graph. */
function differenceAgrees(seed: number, network: Network, variant: Variant, arrays: Arrays, results: Outputs, steps: number, text: string): void {
  const random = createRandom(seed + 4_000_000);
  const { gradient: _, ...forward } = variant;
  const { graph } = lower(network, forward);
  const directions = new Map<string, Float64Array>();
  for (const { name } of [...network.weights, ...network.inputs])
    directions.set(
      name,
      Float64Array.from(arrays.get(name)!, () => random.uniform(-1, 1)),
    );
  let derivative = 0;
  for (const [name, direction] of directions)
    for (let i = 0; i < direction.length; i++) derivative += direction[i] * (results[`gradient:${name}`]?.[i] ?? 0);
  const loss = (step: number): number => {
    const changed = new Map(arrays);
    for (const [name, direction] of directions)
      changed.set(
        name,
        Float64Array.from(arrays.get(name)!, (value, i) => value + step * direction[i]),
      );
    setAhead(changed, network, steps);
    const outputs = interpretGraph(graph, changed, steps);
    let sum = 0;
    for (const name of forward.outputs) for (let i = 0; i < outputs[name].length; i++) sum += outputs[name][i] * arrays.get(`cotangent:${name}`)![i];
    return sum;
  };
  // A kink between two points of a stencil spoils it; a narrower stencil rarely straddles it too.
  const disagreements = [1e-4, 1e-6].map((step) => {
    const difference = (8 * (loss(step) - loss(-step)) - (loss(2 * step) - loss(-2 * step))) / (12 * step);
    return Math.abs(difference - derivative) / (1e-13 / step + 1e-6 * Math.abs(derivative) + 1e-9);
  });
  if (!(Math.min(...disagreements) <= 1)) throw new Error(`program ${seed}: the derivative ${derivative} disagrees with differences\n${text}`);
}

test.each(blocks)("kernels agree with the interpreter: outputs and gradients, programs from %i", { timeout: TIMEOUT_MS }, (...seeds) => {
  for (const seed of seeds) {
    const { program, network, variant, steps, arrays } = subject(seed);
    const { graph, stages } = lower(network, variant);
    const want = interpretGraph(graph, arrays, steps);
    const unsimplified = interpretGraph(stages[1].graph, arrays, steps);
    compare(seed, unsimplified, want, [], program.text);
    differenceAgrees(seed, network, variant, arrays, want, steps, program.text);
    const random = createRandom(seed);
    const others = Array.from({ length: 8 }, () => interpretGraph(graph, moved(arrays, random), steps));
    compare(seed, runLoaded(load(network, variant, arrays, steps + 2, graph), arrays, steps), want, others, program.text);
  }
});

test.each(blocks)("padded, alone and anywhere in a batch: the same bits, programs from %i", { timeout: TIMEOUT_MS }, (...seeds) => {
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
    setLengths(
      all,
      Int32Array.from({ length: batch }, (_, b) => Math.max(1, steps - b)),
      steps,
    );
    setAhead(all, network, steps);
    const batched = load(network, variant, all, steps + 1);
    const alone = load(network, { ...variant, batch: 1, lengths: false }, all, steps);
    const aloneWithLength = load(network, { ...variant, batch: 1 }, all, steps);
    const together = runLoaded(batched, all, steps);
    const chosenOf = (chosen: readonly number[], length: number): Map<string, Float64Array | Int32Array> => {
      const part = new Map<string, Float64Array | Int32Array>();
      for (const { name, given } of perStep) part.set(name, examples(all.get(name)!, given ? steps : 1, batch, chosen).subarray(0));
      for (const name of variant.outputs) part.set(`cotangent:${name}`, examples(all.get(`cotangent:${name}`)!, steps, batch, chosen));
      for (const [name, values] of part) {
        const whole = !name.startsWith("cotangent:") && !perStep.find((each) => each.name === name)!.given;
        if (!whole) part.set(name, values.subarray(0, (values.length / steps) * length));
      }
      setAhead(part, network, length);
      return part;
    };
    const check = (
      got: Outputs,
      length: number,
      chosen: readonly number[],
      what: string,
      names: readonly string[] = [...variant.outputs, ...gradients],
    ): void => {
      for (const name of names) {
        const once = gradients.includes(name) && !perStep[gradients.indexOf(name)].given;
        const want = examples(together[name], once ? 1 : steps, batch, chosen);
        const compared = once ? want : want.subarray(0, (want.length / steps) * length);
        for (let i = 0; i < compared.length; i++) {
          if (!Object.is(Math.fround(got[name][i]) + 0, compared[i] + 0))
            throw new Error(`program ${seed}, ${name}[${i}] ${what}: ${got[name][i]} and ${compared[i]}\n${program.text}`);
        }
      }
    };
    for (let b = 0; b < batch; b++) {
      const length = Math.max(1, steps - b);
      const part = chosenOf([b], length);
      // Without lengths there is no mask, so gradients are other sums: only the outputs must have the same bits.
      check(runLoaded(alone, part, length), length, [b], `alone (example ${b})`, variant.outputs);
      setLengths(part, Int32Array.of(length), length);
      check(runLoaded(aloneWithLength, part, length), length, [b], `alone with its length (example ${b})`);
    }
    const order = [2, 0, 1];
    const turned = chosenOf(order, steps);
    setLengths(
      turned,
      Int32Array.from(order, (b) => Math.max(1, steps - b)),
      steps,
    );
    setAhead(turned, network, steps);
    check(runLoaded(batched, turned, steps), steps, order, "in another place");
  }
});

test.each(blocks)("streamed in chunks: the same bits, programs from %i", { timeout: TIMEOUT_MS }, (...seeds) => {
  let streamed = 0;
  for (const seed of seeds) {
    const { program, network, variant: drawn, arrays } = subject(seed);
    if (!program.causal || program.givenStates || network.recurrences.some(({ direction }) => direction === "backward")) continue;
    const steps = 7;
    const variant: Variant = { ...drawn, mode: "evaluate", initial: "carried", lengths: false, gradient: undefined };
    const all = arraysOf(network, variant, steps, createRandom(seed + 3_000_000));
    for (const { name } of network.weights) all.set(name, arrays.get(name)!);
    const { graph } = lower(network, variant);
    const begin = (capacity: number) => {
      const loaded = load(network, variant, all, capacity, graph);
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
          if (!Object.is(got[name][i], whole[name][at * row + i]))
            throw new Error(`program ${seed}, ${name} at step ${at}: ${got[name][i]} and ${whole[name][at * row + i]}\n${program.text}`);
        }
      }
      at += length;
    }
    streamed++;
  }
  expect(streamed).toBeGreaterThan(5);
});
