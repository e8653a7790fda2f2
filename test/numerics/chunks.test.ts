/**
 * Recurrences by chunks of time steps against the same recurrences step by step: outputs, carried states and all gradients.
 *
 * The interpreter judges the form (float64: rounding apart, nothing may differ), then the kernels are judged by the interpreter. Lengths are not multiples of a chunk,
 * sequences end inside one, states are carried in and out, and two threads give the bits of one.
 */
import { describe, expect, test } from "vitest";
import { lower } from "../../src/compile.ts";
import type { Variant } from "../../src/ir/network/variant.ts";
import type { Graph } from "../../src/ir/tensor/node.ts";
import { MECHANISMS } from "../../src/mechanisms/index.ts";
import { build } from "../../src/phases/2-infer/build.ts";
import { normalize } from "../../src/phases/4-simplify/normalize.ts";
import { threadPool } from "../../src/runtime/wasm/threads.ts";
import { createRandom, type Random } from "../../src/support/random.ts";
import { interpretGraph, load, type Outputs, runLoaded } from "./execute.ts";
import { type MechanismSubject, mechanismSubject } from "./mechanism-subject.ts";
import { compare, moved, setLengths } from "./random-subject.ts";

/** Chunks of four steps of any matrix at all. */
const chunks = { steps: 4, least: 1 } as const;
const STEPS = 7;

const texts: Readonly<Record<string, string>> = MECHANISMS;

/** Every linear recurrence of a matrix state: the states that go by chunks. */
const CHUNKED: Readonly<Record<string, readonly string[]>> = {
  delta_net: ["S"],
  delta_net_negative: ["S"],
  gated_delta_block: ["S"],
  gated_delta_core: ["S"],
  gated_delta_net: ["S"],
  gated_delta_net_2: ["S"],
  gla: ["S"],
  gla_core: ["S"],
  hgrn2: ["S"],
  kimi_delta_attention: ["S"],
  mamba2_core: ["S"],
  mamba_2: ["S"],
  mamba_3: ["S"],
  mixed_model: ["d.1.mix.S", "d.2.mix.S"],
  mlstm: ["C"],
  mlstm_core: ["C"],
  retention: ["S"],
  retnet: ["S"],
  rwkv6: ["S"],
  rwkv6_core: ["S"],
  rwkv7: ["S"],
};

test.each([false, true])("every linear recurrence of a matrix state goes by chunks (lengths: %s)", (lengths) => {
  const found = Object.entries(MECHANISMS).flatMap(([name, text]) => {
    const { network, variant } = mechanismSubject(name, text, STEPS);
    const { trace } = normalize(build(network, { ...variant, lengths, gradient: undefined }), chunks);
    const states = trace.filter(({ rule }) => rule === "recurrence by chunks").map((firing) => firing.name);
    return states.length > 0 ? [[name, states]] : [];
  });
  expect(Object.fromEntries(found)).toEqual(CHUNKED);
});

const largest = (values: Outputs[string]): number => Array.from(values, Math.abs).reduce((a, b) => Math.max(a, b), 0);

function expectEqual(got: Outputs, want: Outputs, text = ""): void {
  for (const [name, values] of Object.entries(want)) {
    const error = largest(Float64Array.from(values, (value, i) => value - got[name][i]));
    expect(error, `${name}\n${text}`).toBeLessThanOrEqual(1e-10 * Math.max(1, largest(values)));
  }
}

const pool = await threadPool(2);

describe.each(Object.keys(CHUNKED))("%s", (name) => {
  const { network, arrays, steps, variant: plain } = mechanismSubject(name, texts[name], STEPS);
  const step: Variant = { ...plain, chunks: false };

  test("by chunks as step by step, before and after simplification", () => {
    const want = interpretGraph(lower(network, step).graph, arrays, steps);
    const { stages, graph } = lower(network, { ...plain, chunks });
    expectEqual(interpretGraph(stages[1].graph, arrays, steps), want);
    expectEqual(interpretGraph(graph, arrays, steps), want);
  });

  test("with sequences of different lengths", () => {
    const variant: Variant = { ...step, lengths: true };
    const given = new Map(arrays);
    setLengths(given, Int32Array.from([steps, 4]), steps);
    const want = interpretGraph(lower(network, variant).graph, given, steps);
    expectEqual(interpretGraph(lower(network, { ...variant, chunks }).graph, given, steps), want);
  });

  test("kernels as the interpreter, on one thread and on two", () => {
    const variant: Variant = { ...plain, chunks };
    const { graph } = lower(network, variant);
    const want = interpretGraph(graph, arrays, steps);
    const random = createRandom(1);
    const others = Array.from({ length: 8 }, () => interpretGraph(graph, moved(arrays, random), steps));
    const got = runLoaded(load(network, variant, arrays, steps + 2, graph), arrays, steps);
    const noise = Object.entries(want).filter(([, values]) => largest(values) < 1e-12);
    for (const [each] of noise) expect(largest(got[each]), each).toBeLessThan(1e-5);
    compare(0, got, Object.fromEntries(Object.entries(want).filter(([, values]) => largest(values) >= 1e-12)), others, name);
    const shared = runLoaded(load(network, variant, arrays, steps + 2, graph, { pool }), arrays, steps);
    for (const each of Object.keys(want)) expect(shared[each], each).toEqual(got[each]);
  });
});

/** Sixteen steps with decays of e^-200, which no float32 holds, here and there among mild ones. */
function withStrongDecays(name: string, decays: string): MechanismSubject {
  const subject = mechanismSubject(name, texts[name], 19);
  const values = subject.arrays.get(decays)!;
  for (const [i, value] of values.entries()) values[i] = i % 11 === 3 ? -200 : -Math.abs(value) / 8;
  return subject;
}

test.each([
  ["gla_core", "g"],
  ["gated_delta_core", "g"],
])("decays that leave nothing: %s", (name, decays) => {
  const { network, arrays, variant, steps } = withStrongDecays(name, decays);
  const want = interpretGraph(lower(network, { ...variant, chunks: false }).graph, arrays, steps);
  const inChunks: Variant = { ...variant, chunks: { steps: 8, least: 1 } };
  const { graph } = lower(network, inChunks);
  expectEqual(interpretGraph(graph, arrays, steps), want);
  const got = runLoaded(load(network, inChunks, arrays, steps, graph), arrays, steps);
  for (const [each, values] of Object.entries(want)) {
    const error = largest(Float64Array.from(values, (value, i) => value - got[each][i]));
    expect(error, each).toBeLessThanOrEqual(2e-6 * Math.max(1, largest(values)));
  }
});

test.each(["gla_core", "gated_delta_core", "rwkv6_core"])("what padding holds reaches nothing: %s", (name) => {
  const { network, arrays, variant: plain, steps } = mechanismSubject(name, texts[name], STEPS);
  const variant: Variant = { ...plain, lengths: true };
  setLengths(arrays, Int32Array.from([steps, 4]), steps);
  const want = interpretGraph(lower(network, { ...variant, chunks: false }).graph, arrays, steps);
  for (const { name: input } of network.inputs) {
    const values = arrays.get(input)!;
    const row = values.length / steps / 2;
    for (let t = 4; t < steps; t++) values.fill(30, (2 * t + 1) * row, (2 * t + 2) * row);
  }
  expectEqual(interpretGraph(lower(network, { ...variant, chunks }).graph, arrays, steps), want);
});

describe("random linear recurrences", () => {
  test.each(Array.from({ length: 40 }, (_, seed) => seed))("program %i: by chunks as step by step", (seed) => {
    const text = linearRecurrence(createRandom(seed));
    const { network, arrays, variant: plain, steps } = mechanismSubject(`linear${seed}`, text, STEPS);
    const variant: Variant = { ...plain, lengths: seed % 2 === 1 };
    if (variant.lengths) setLengths(arrays, Int32Array.from([steps, 4]), steps);
    const { graph, trace } = lower(network, { ...variant, chunks });
    expect(
      trace.some(({ rule }) => rule === "recurrence by chunks"),
      text,
    ).toBe(true);
    const want = interpretGraph(lower(network, { ...variant, chunks: false }).graph, arrays, steps);
    expectEqual(interpretGraph(graph, arrays, steps), want, text);
  });
});

describe.each(Object.keys(CHUNKED))("%s, with what follows", (name) => {
  const { network, arrays, steps, variant: plain } = mechanismSubject(name, texts[name], STEPS);

  test("states carried in and out, with a gradient from what follows", () => {
    const variant: Variant = { ...plain, initial: "carried", gradient: { ...plain.gradient!, states: true } };
    let step: Graph;
    try {
      step = lower(network, { ...variant, chunks: false }).graph;
    } catch (error) {
      expect((error as { code?: string }).code).toBe("E460"); // a mixture with attention carries no state
      return;
    }
    const random = createRandom(5);
    const given = new Map(arrays);
    for (const { op, attributes, axes } of step.nodes) {
      if (op !== "input" || given.has(attributes.name!)) continue;
      const length = axes.reduce((n, axis) => n * (step.axes.get(axis) === "T" ? steps : (step.axes.get(axis) as number)), 1);
      given.set(
        attributes.name!,
        Float64Array.from({ length }, () => random.normal(0, 1)),
      );
    }
    const want = interpretGraph(step, given, steps);
    const { graph, stages, trace } = lower(network, { ...variant, chunks });
    expect(trace.some(({ rule }) => rule === "recurrence by chunks")).toBe(true);
    expectEqual(interpretGraph(stages[1].graph, given, steps), want);
    expectEqual(interpretGraph(graph, given, steps), want);
  });
});

test.each([
  ["a sum with the state, read one step late", "S = S[t-1]/2 + k⊗v\n  M = S + u⊗w\n  o = M[t-1]ᵀ·q"],
  ["a decay of 0", "S = 0*S[t-1] + k⊗(v - S[t-1]ᵀ·k)\n  o = Sᵀ·q + (u·q)*w"],
  ["read before and after", "S = S[t-1]/2 + k⊗(v - S[t-1]ᵀ·u)\n  o = Sᵀ·q + S[t-1]ᵀ·u + 0*w"],
])("corner: %s", (_, equations) => {
  const text = `f(q, k, v, u, w) → o\n  ${equations}\n  where q, k, u ∈ ℝ^K, v, w ∈ ℝ^V\n`;
  const { network, arrays, variant, steps } = mechanismSubject("corner", text, STEPS);
  const want = interpretGraph(lower(network, { ...variant, chunks: false }).graph, arrays, steps);
  const { graph } = lower(network, { ...variant, chunks });
  expectEqual(interpretGraph(graph, arrays, steps), want);
});

test.each(["delta_net", "gated_delta_core", "gla_core", "kimi_delta_attention"])("a document that begins inside a chunk begins anew: %s", (name) => {
  const { network, arrays, variant: plain, steps } = mechanismSubject(name, texts[name], STEPS);
  const variant: Variant = { ...plain, reset: true };
  arrays.set(
    "reset",
    Float64Array.from({ length: 2 * steps }, (_, i) => Number(i === 0 || i === 1 || i === 5 || i === 8)),
  );
  const { graph, trace } = lower(network, { ...variant, chunks });
  expect(trace.some(({ rule }) => rule === "recurrence by chunks")).toBe(true);
  const step = lower(network, { ...variant, chunks: false }).graph;
  const want = interpretGraph(step, arrays, steps);
  expectEqual(interpretGraph(graph, arrays, steps), want);
  const got = runLoaded(load(network, { ...variant, chunks }, arrays, steps, graph), arrays, steps);
  for (const [each, values] of Object.entries(want)) {
    const error = largest(Float64Array.from(values, (value, i) => value - got[each][i]));
    expect(error, each).toBeLessThanOrEqual(1e-5 * Math.max(1, largest(values)));
  }
});

/** Equations of a recurrence that is linear in a matrix state: a decay or none, outer products, a correction that reads the state, read-outs. */
function linearRecurrence(random: Random): string {
  const pick = <T>(choices: readonly T[]): T => choices[random.integer(choices.length)];
  const old = "S[n,t-1]";
  const decay = pick(["none", "number", "rows", "both"] as const);
  const scaled = { none: old, number: `a[n]*${old}`, rows: `diag(w[n])·${old}`, both: `a[n]*(diag(w[n])·${old})` }[decay];
  const readOf = pick([old, "P[n]"]);
  const terms = [
    ...pick([[], ["b[n]*(k[n]⊗v[n])"], ["k[n]⊗(b[n]*v[n])", "r[n]⊗y[n]"], ["(b[n]*k[n])⊗v[n]"]]),
    ...pick([[], [`(b[n]*k[n])⊗(${readOf}ᵀ·k[n])`], [`k[n]⊗(b[n]*(${readOf}ᵀ·(m[n]∘k[n])))`], [`b[n]*(k[n]⊗(${readOf}ᵀ·m[n]))`]]),
  ];
  const all = terms.length > 0 ? terms : ["k[n]⊗v[n]"];
  const signed = all.map((term) => `${pick(["+", "-"])} ${term}`).join(" ");
  const update = pick([`P[n] ${signed}`, `${pick(["c[n]*", ""])}(P[n] ${signed})`, `(P[n] ${signed}) / 2`]);
  const after = "S[n]ᵀ·q[n]";
  const before = `${old}ᵀ·q[n]`;
  const output = pick([after, before, `${after} + ${old}ᵀ·m[n]`, `(S[n] + k[n]⊗y[n])ᵀ·q[n]`, `(${old} + diag(m[n])·(k[n]⊗v[n]))ᵀ·q[n]`]);
  const used = ["q", "k", "v", "a", "w", "b", "r", "y", "m", "c"].filter((name) =>
    new RegExp(`(?<![a-zA-Z])${name}\\[n\\]`).test(scaled + update + output + readOf),
  );
  const shapes = { q: "ℝ^K", k: "ℝ^K", v: "ℝ^V", a: "ℝ", w: "ℝ^K", b: "ℝ", r: "ℝ^K", y: "ℝ^V", m: "ℝ^K", c: "ℝ" } as Readonly<Record<string, string>>;
  return [
    `f(${used.join(", ")}) → o`,
    `  P[n] = ${scaled}`,
    `  S[n] = ${update}`,
    `  o[n] = ${output}`,
    `  where n ∈ 1..N, ${used.map((name) => `${name}[n] ∈ ${shapes[name]}`).join(", ")}`,
    "",
  ].join("\n");
}
