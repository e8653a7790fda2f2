/**
 * Recurrences by chunks of time steps against the same recurrences step by step: outputs, carried states and all gradients.
 *
 * The interpreter judges the form (float64: rounding apart, nothing may differ), then the kernels are judged by the interpreter. Lengths are not multiples of a chunk,
 * sequences end inside one, states are carried in and out, and two threads give the bits of one.
 */
import { describe, expect, test } from "vitest";
import { lower } from "../../src/compile.ts";
import type { Variant } from "../../src/ir/network/variant.ts";
import { MECHANISMS } from "../../src/mechanisms/index.ts";
import { threadPool } from "../../src/runtime/wasm/threads.ts";
import { createRandom } from "../../src/support/random.ts";
import { interpretGraph, load, type Outputs, runLoaded } from "./execute.ts";
import { type MechanismSubject, mechanismSubject } from "./mechanism-subject.ts";
import { compare, moved, setLengths } from "./random-subject.ts";

/** Chunks of three steps of any matrix at all. */
const chunks = { steps: 3, least: 1 } as const;
const STEPS = 7;

const firedIn = (subject: MechanismSubject, variant: Variant): string[] =>
  lower(subject.network, variant)
    .trace.filter(({ rule }) => rule === "recurrence by chunks")
    .map(({ name }) => name!);

/** Mechanisms whose recurrence goes by chunks, and the states that do. */
const inChunks = Object.entries(MECHANISMS).flatMap(([name, text]) => {
  const subject = mechanismSubject(name, text, STEPS);
  const states = firedIn(subject, { ...subject.variant, gradient: undefined, chunks });
  return states.length > 0 ? [{ name, text, states }] : [];
});

test("every linear recurrence of a matrix state with one decay per head goes by chunks", () => {
  expect(Object.fromEntries(inChunks.map(({ name, states }) => [name, states]))).toMatchSnapshot();
});

const largest = (values: Outputs[string]): number => Array.from(values, Math.abs).reduce((a, b) => Math.max(a, b), 0);

function expectEqual(got: Outputs, want: Outputs): void {
  for (const [name, values] of Object.entries(want)) {
    const error = largest(Float64Array.from(values, (value, i) => value - got[name][i]));
    expect(error, name).toBeLessThanOrEqual(1e-10 * Math.max(1, largest(values)));
  }
}

const pool = await threadPool(2);

describe.each(inChunks)("$name", ({ name, text }) => {
  const subject = mechanismSubject(name, text, STEPS);
  const { network, arrays, steps } = subject;

  test("by chunks as step by step, before and after simplification", () => {
    const want = interpretGraph(lower(network, subject.variant).graph, arrays, steps);
    const { stages, graph } = lower(network, { ...subject.variant, chunks });
    expectEqual(interpretGraph(stages[1].graph, arrays, steps), want);
    expectEqual(interpretGraph(graph, arrays, steps), want);
  });

  test("with sequences of different lengths", () => {
    const variant: Variant = { ...subject.variant, lengths: true };
    const given = new Map(arrays);
    setLengths(given, Int32Array.from([steps, 4]), steps);
    const want = interpretGraph(lower(network, variant).graph, given, steps);
    expectEqual(interpretGraph(lower(network, { ...variant, chunks }).graph, given, steps), want);
  });

  test("kernels as the interpreter, on one thread and on two", () => {
    const variant: Variant = { ...subject.variant, chunks };
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
