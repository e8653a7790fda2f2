/**
 * Convolutions over time in their minimal form against the same convolutions tap by tap: outputs and all gradients.
 *
 * The interpreter judges the form (float64: rounding apart, nothing may differ), then the kernels are judged by the interpreter. Lengths are not multiples of a tile,
 * sequences end inside one, padding holds NaN, and two threads give the bits of one.
 */
import { describe, expect, test } from "vitest";
import { lower } from "../../src/compile.ts";
import { USUAL_FILTERS, type Variant } from "../../src/ir/network/variant.ts";
import { MECHANISMS } from "../../src/mechanisms/index.ts";
import { build } from "../../src/phases/2-infer/build.ts";
import { normalize } from "../../src/phases/4-simplify/normalize.ts";
import { threadPool } from "../../src/runtime/wasm/threads.ts";
import { createRandom } from "../../src/support/random.ts";
import { interpretGraph, load, type Outputs, runLoaded } from "./execute.ts";
import { mechanismSubject } from "./mechanism-subject.ts";
import { setLengths } from "./random-subject.ts";

/** Whatever the size. */
const filters = { least: 1 } as const;
const STEPS = 7;

const texts: Readonly<Record<string, string>> = MECHANISMS;

const largest = (values: Outputs[string]): number => Array.from(values, Math.abs).reduce((a, b) => Math.max(a, b), 0);
const errorOf = (got: Outputs[string], want: Outputs[string]): number => largest(Float64Array.from(want, (value, i) => value - got[i]));

function expectEqual(got: Outputs, want: Outputs, text = "", tolerance = 1e-12): void {
  for (const [name, values] of Object.entries(want))
    expect(errorOf(got[name], values), `${name}\n${text}`).toBeLessThanOrEqual(tolerance * Math.max(1, largest(values)));
}

/** How many convolutions take the minimal form. */
const filtered = (trace: readonly { readonly rule: string }[]): number => trace.filter(({ rule }) => rule === "minimal filtering").length;

/** Mechanisms with dense convolutions over time: how many. */
const FILTERED: Readonly<Record<string, number>> = {
  gated_conv: 2,
  qrnn: 3,
  wavenet: 2,
  wavenet_conditioned: 2,
  wavenet_layer: 2,
};

test("every dense convolution over time, and nothing else, takes the minimal form", () => {
  const found = Object.entries(MECHANISMS).flatMap(([name, text]) => {
    const { network, variant } = mechanismSubject(name, text, STEPS);
    const count = filtered(normalize(build(network, { ...variant, gradient: undefined }), undefined, filters).trace);
    return count > 0 ? [[name, count]] : [];
  });
  expect(Object.fromEntries(found)).toEqual(FILTERED);
});

const pool = await threadPool(2);

describe.each(Object.keys(FILTERED))("%s", (name) => {
  const { network, arrays, steps, variant } = mechanismSubject(name, texts[name], STEPS);
  const direct: Variant = { ...variant, filters: false };

  test("as tap by tap, before and after simplification", () => {
    const want = interpretGraph(lower(network, direct).graph, arrays, steps);
    const { stages, graph } = lower(network, { ...variant, filters });
    expectEqual(interpretGraph(stages[1].graph, arrays, steps), want);
    expectEqual(interpretGraph(graph, arrays, steps), want);
  });

  test("sequences of different lengths, whatever padding holds", () => {
    const given = new Map(arrays);
    setLengths(given, Int32Array.from([steps, 4]), steps);
    const want = interpretGraph(lower(network, { ...direct, lengths: true }).graph, given, steps);
    const { graph } = lower(network, { ...variant, lengths: true, filters });
    expectEqual(interpretGraph(graph, given, steps), want);
    const loaded = load(network, { ...variant, lengths: true, filters }, given, steps, graph);
    const clean = runLoaded(loaded, given, steps);
    expectEqual(clean, want, "", 1e-5);
    for (const { name: input, perStep } of network.inputs) {
      if (!perStep) continue;
      const values = Float64Array.from(given.get(input)!);
      const row = values.length / steps / 2;
      for (let t = 4; t < steps; t++) values.fill(Number.NaN, (2 * t + 1) * row, (2 * t + 2) * row);
      given.set(input, values);
    }
    expect(runLoaded(loaded, given, steps)).toEqual(clean);
  });

  test.each([1, 4, 9])("kernels as the interpreter for %i steps, on one thread and on two", (T) => {
    const subject = mechanismSubject(name, texts[name], T);
    const { graph } = lower(network, { ...variant, filters });
    const want = interpretGraph(graph, subject.arrays, T);
    const got = runLoaded(load(network, { ...variant, filters }, subject.arrays, T + 2, graph), subject.arrays, T);
    expectEqual(got, want, "", 1e-5);
    const shared = runLoaded(load(network, { ...variant, filters }, subject.arrays, T + 2, graph, { pool }), subject.arrays, T);
    for (const each of Object.keys(want)) expect(shared[each], each).toEqual(got[each]);
  });
});

const kernel = (options: string): string => `f(x) → y\n  y = tanh(W ∗ x + b)\n  where W : kernel ${options}, x ∈ ℝ^D, y ∈ ℝ^H\n`;

test.each([
  ["2 taps", kernel("2"), 1],
  ["4 taps", kernel("4"), 1],
  ["5 taps", kernel("5"), 1],
  ["more taps than there are points for", kernel("6"), 0],
  ["dilation 2", kernel("3, dilation 2"), 1],
  ["dilation 3", kernel("2, dilation 3"), 1],
  ["dilation beyond a group", kernel("2, dilation 9"), 0],
  ["centred", kernel("3, same"), 1],
  ["written out, with something else", "f(x) → y\n  y = V·x[t-1] + U·x + W·x[t-2] + x∘x + b\n  where x ∈ ℝ^H, y ∈ ℝ^H\n", 1],
  ["of two values", "f(x, u) → y\n  y = W ∗ x + V ∗ u\n  where W : kernel 3, V : kernel 3, x ∈ ℝ^D, u ∈ ℝ^K, y ∈ ℝ^H\n", 1],
  ["one after the other", "f(x) → y\n  u = tanh(W ∗ x)\n  y = V ∗ u\n  where W : kernel 3, V : kernel 2, x ∈ ℝ^D, u ∈ ℝ^K, y ∈ ℝ^H\n", 2],
  ["a value that is written out too", "f(x) → u, y\n  u = W ∗ x\n  y = σ(u)\n  where W : kernel 3, x ∈ ℝ^D, y ∈ ℝ^H\n", 1],
  ["as many outputs as inputs", "f(x) → y\n  y = W ∗ x\n  where W : kernel 3, x, y ∈ ℝ^H\n", 1],
  ["not evenly spaced", "f(x) → y\n  y = U·x + V·x[t-1] + W·x[t-3]\n  where x ∈ ℝ^H, y ∈ ℝ^H\n", 0],
  ["of a recurrence", "f(x) → y\n  h = tanh(R·h[t-1] + x)\n  y = W ∗ h\n  where W : kernel 3, x, h ∈ ℝ^H, y ∈ ℝ^K\n", 1],
  ["in a recurrence", "f(x) → h\n  h = tanh(R·h[t-1] + W ∗ x)\n  where W : kernel 3, x ∈ ℝ^D, h ∈ ℝ^H\n", 1],
])("%s", (_, text, count) => {
  for (const T of [1, 2, 5, 8, 11]) {
    const { network, arrays, variant } = mechanismSubject("corner", text, T);
    const want = interpretGraph(lower(network, { ...variant, filters: false }).graph, arrays, T);
    const { graph, stages, trace } = lower(network, { ...variant, filters });
    expect(filtered(trace), text).toBe(count);
    expectEqual(interpretGraph(stages[1].graph, arrays, T), want, text);
    expectEqual(interpretGraph(graph, arrays, T), want, text);
    if (count === 0) continue;
    expectEqual(runLoaded(load(network, { ...variant, filters }, arrays, T + 3, graph), arrays, T), want, text, 2e-5);
  }
});

test("a stream, and a document that begins anew, multiply tap by tap", () => {
  const { network, arrays, steps, variant } = mechanismSubject("gated_conv", texts.gated_conv, STEPS);
  const large: Variant = { ...variant, sizes: { D: 16, H: 16 } };
  const stream: Variant = { ...large, initial: "carried", gradient: undefined };
  expect(filtered(lower(network, stream).trace)).toBe(0);
  expect(filtered(lower(network, { ...large, gradient: undefined }).trace)).toBe(2);
  expect(filtered(lower(network, { ...variant, sizes: { D: 16, H: 15 } }).trace)).toBe(0);
  expect(filtered(lower(network, { ...large, gradient: undefined, filters: USUAL_FILTERS }).trace)).toBe(2);
  const reset: Variant = { ...variant, reset: true };
  arrays.set(
    "reset",
    Float64Array.from({ length: 2 * steps }, (_, i) => Number(i === 0 || i === 1 || i === 5 || i === 8)),
  );
  const want = interpretGraph(lower(network, { ...reset, filters: false }).graph, arrays, steps);
  expectEqual(interpretGraph(lower(network, { ...reset, filters }).graph, arrays, steps), want);
});

test("states carried in: what came before the first step is the first tile's", () => {
  const { network, arrays, steps, variant } = mechanismSubject("gated_conv", texts.gated_conv, STEPS);
  const carried: Variant = { ...variant, initial: "carried" };
  const { graph, trace } = lower(network, { ...carried, filters });
  const random = createRandom(3);
  for (const { op, attributes, axes } of graph.nodes) {
    if (op !== "input" || arrays.has(attributes.name!)) continue;
    const length = axes.reduce((n, axis) => n * (axis === "t" ? steps : (graph.axes.get(axis) as number)), 1);
    arrays.set(
      attributes.name!,
      Float64Array.from({ length }, () => random.normal(0, 1)),
    );
  }
  expect(filtered(trace)).toBe(2);
  expectEqual(interpretGraph(graph, arrays, steps), interpretGraph(lower(network, { ...carried, filters: false }).graph, arrays, steps));
});

/** Measured: 7e-7 to 2e-6, tap by tap 2e-7 to 5e-7 (docs/performance.md). */
test("64 channels: at most 5e-6 of the largest value from float64", () => {
  const { network, variant } = mechanismSubject("gated_conv", texts.gated_conv, 4);
  const sizes = { D: 64, H: 64 };
  const T = 13;
  const random = createRandom(11);
  const drawn = (length: number, deviation: number): Float64Array => Float64Array.from({ length }, () => Math.fround(random.normal(0, deviation)));
  const arrays = new Map([
    ...["Wg", "Wf"].map((name) => [name, drawn(3 * 64 * 64, 1 / Math.sqrt(3 * 64))] as const),
    ...["bg", "bf"].map((name) => [name, drawn(64, 0.5)] as const),
    ["x", drawn(T * 2 * 64, 1)] as const,
    ["cotangent:z", drawn(T * 2 * 64, 1)] as const,
  ]);
  const usual: Variant = { ...variant, sizes };
  const { graph, trace } = lower(network, usual);
  expect(filtered(trace)).toBe(2);
  const want = interpretGraph(lower(network, { ...usual, filters: false }).graph, arrays, T);
  const got = runLoaded(load(network, usual, arrays, T, graph), arrays, T);
  for (const [name, values] of Object.entries(want)) expect(errorOf(got[name], values) / largest(values), name).toBeLessThanOrEqual(5e-6);
});
