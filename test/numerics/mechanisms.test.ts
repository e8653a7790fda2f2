/**
 * The library of mechanisms: the generated table is fresh; every text is accepted without a warning; gradients agree with differences of the loss and kernels
 * with the interpreter; gates and their roles are those of test/golden/gates.json (SLUICE_GOLDEN=write rewrites it: read every line).
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { compareDifferences } from "../../scripts/fixtures/finite-differences.ts";
import { analyze, lower } from "../../src/compile.ts";
import { MECHANISMS, type MechanismName } from "../../src/mechanisms/index.ts";
import { shapeOf } from "../../src/model/sizes.ts";
import { createRandom } from "../../src/support/random.ts";
import { interpretGraph, load, type Outputs, runLoaded } from "./execute.ts";
import { type MechanismSubject, mechanismSubject, networkOf } from "./mechanism-subject.ts";
import { compare, moved } from "./random-subject.ts";

const all = Object.entries(MECHANISMS) as [MechanismName, string][];
const goldenFile = join(import.meta.dirname, "../golden/gates.json");

test("texts.ts holds what the .gate files say", () => {
  execFileSync(process.execPath, [join(import.meta.dirname, "../../scripts/mechanisms.mjs"), "--check"], { stdio: "pipe" });
});

test.each(all)("%s is understood, without a warning", (name, text) => {
  const { network, diagnostics } = analyze({ name: `${name}.gate`, text }, { library: MECHANISMS });
  expect(diagnostics).toEqual([]);
  expect(network?.name).toBe(name);
  expect(network!.documentation.length).toBeGreaterThan(0);
});

/** The loss that the cotangents make of the outputs, without a gradient in the graph. */
function lossOf({ network, variant, arrays, steps }: MechanismSubject): (changes: Readonly<Record<string, Float64Array>>) => number {
  const { gradient: _, ...forward } = variant;
  const { graph } = lower(network, forward);
  return (changes) => {
    const changed = new Map([...arrays, ...Object.entries(changes)]);
    const outputs = interpretGraph(graph, changed, steps);
    let sum = 0;
    for (const name of forward.outputs) {
      const cotangent = arrays.get(`cotangent:${name}`)!;
      for (let i = 0; i < cotangent.length; i++) sum += outputs[name][i] * cotangent[i];
    }
    return sum;
  };
}

function expectDifferencesToAgree(subject: MechanismSubject, gradients: Outputs, among: readonly string[]): void {
  const loss = lossOf(subject);
  for (const name of among) {
    const array = subject.arrays.get(name) as Float64Array;
    const verdict = compareDifferences(name, array, gradients[`gradient:${name}`], (changed) => loss({ [name]: changed }), 0);
    expect({ ...verdict, ratio: Math.max(1, verdict.ratio) }).toEqual({ ...verdict, ratio: 1 });
  }
}

const differentiated = ({ network, variant }: MechanismSubject): string[] => [
  ...network.weights.map(({ name }) => name),
  ...variant.gradient!.inputs,
];

describe("gradients agree with differences of the loss", () => {
  // What stop_gradient leaves out has a test of its own; here it is taken away, so that all gradient rules are seen.
  test.each(all)("%s", (name, text) => {
    const subject = mechanismSubject(name, text.replaceAll("stop_gradient(", "("));
    const { graph } = lower(subject.network, subject.variant);
    expectDifferencesToAgree(subject, interpretGraph(graph, subject.arrays, subject.steps), differentiated(subject));
  });
});

const largestOf = (values: Outputs[string]): number => Array.from(values, Math.abs).reduce((a, b) => Math.max(a, b), 0);

describe("kernels agree with the interpreter", () => {
  test.each(all)("%s", (name, text) => {
    const { network, variant, arrays, steps } = mechanismSubject(name, text);
    const { graph, stages } = lower(network, variant);
    const want = interpretGraph(graph, arrays, steps);
    const unsimplified = interpretGraph(stages[1].graph, arrays, steps);
    for (const [each, values] of Object.entries(want)) {
      const error = largestOf(Float64Array.from(values, (value, i) => value - unsimplified[each][i]));
      expect(error, `${each} before and after simplification`).toBeLessThanOrEqual(1e-9 * largestOf(values) + 1e-12);
    }
    const random = createRandom(1);
    const others = Array.from({ length: 8 }, () => interpretGraph(graph, moved(arrays, random), steps));
    const got = runLoaded(load(network, variant, arrays, steps + 2, graph), arrays, steps);
    // What is 0 in exact arithmetic (the bias of a key, of an input gate that is normalised) has only noise to compare.
    const isNoise = ([, values]: [string, Outputs[string]]): boolean => largestOf(values) < 1e-12;
    for (const [each] of Object.entries(want).filter(isNoise)) expect(largestOf(got[each]), each).toBeLessThan(1e-5);
    compare(0, got, Object.fromEntries(Object.entries(want).filter((entry) => !isNoise(entry))), others, name);
  });
});

test.each(["lstm_1997", "lstm_2000"] as const)("%s: error goes back through the cells alone", (name) => {
  const subject = mechanismSubject(name, MECHANISMS[name]);
  // What stop_gradient holds becomes an input that is given what it held: its differences are the truncated gradient.
  const held = [...MECHANISMS[name].matchAll(/^ {2}(\S+?)(\[b\])? = stop_gradient\((.*)\)\n/gm)];
  expect(held.length).toBeGreaterThan(0);
  const names = held.map(([, value]) => value);
  let text: string = MECHANISMS[name];
  for (const [line] of held) text = text.replace(line, "");
  text = text.replace("(x) →", `(x, ${names.join(", ")}) →`).replace("s[b] ∈ ℝ^S", `s[b], ȳ[b] ∈ ℝ^S${names.includes("ī") ? ", ī, ō ∈ ℝ^B" : ""}`);
  const network = networkOf(name, text);
  const recorded = lower(subject.network, { ...subject.variant, gradient: undefined, outputs: names }).graph;
  const values = interpretGraph(recorded, subject.arrays, subject.steps);
  const arrays = new Map(subject.arrays);
  for (const each of names) arrays.set(each, Float64Array.from(values[each]));
  const gradients = interpretGraph(lower(subject.network, subject.variant).graph, subject.arrays, subject.steps);
  expectDifferencesToAgree({ ...subject, network, arrays }, gradients, differentiated(subject));
});

/** Numbers of weights that papers print: the block, less the biases that the paper's net lacks, with the paper's read-out. */
test.each<[string, MechanismName, RegExp | undefined, string, Record<string, number>, number]>([
  [
    "adding and multiplication, Hochreiter & Schmidhuber 1997, 2 blocks of 2",
    "lstm_1997",
    undefined,
    "Σ_b Wk[b]·y[b] + bk",
    { D: 2, B: 2, S: 2, K: 1 },
    93,
  ],
  ["temporal order with two symbols, 2 blocks of 2", "lstm_1997", undefined, "Σ_b Wk[b]·y[b] + bk", { D: 8, B: 2, S: 2, K: 4 }, 156],
  ["temporal order with three symbols, 3 blocks of 2", "lstm_1997", undefined, "Σ_b Wk[b]·y[b] + bk", { D: 8, B: 3, S: 2, K: 8 }, 308],
  ["embedded Reber grammar, 3 blocks of 2, gates alone have biases", "lstm_1997", / \+ bc\[b\]/, "Σ_b Wk[b]·y[b]", { D: 7, B: 3, S: 2, K: 7 }, 276],
  ["embedded Reber grammar, 4 blocks of 1, gates alone have biases", "lstm_1997", / \+ bc\[b\]/, "Σ_b Wk[b]·y[b]", { D: 7, B: 4, S: 1, K: 7 }, 264],
  [
    "continual Reber, Gers et al. 2000, 4 blocks of 2, input joined to output",
    "lstm_2000",
    undefined,
    "Σ_b Wk[b]·y[b] + Wkx·x + bk",
    { D: 7, B: 4, S: 2, K: 7 },
    424,
  ],
  ["timing, Gers et al. 2002, one cell with peepholes", "peephole_lstm", undefined, "Wk·h + bk", { D: 1, H: 1, K: 1 }, 17],
])("weights of %s", (_, name, absent, readOut, sizes, expected) => {
  const text = MECHANISMS[name]
    .replace(absent ?? "", "")
    .replace(/→ (\w+)\n/, "→ $1, p\n")
    .replace("  where ", `  p = σ(${readOut})\n  where p ∈ ℝ^K, x ∈ ℝ^D, `);
  const network = networkOf(name, text);
  const count = network.weights.reduce(
    (sum, weight) => sum + shapeOf(weight.shape, sizes, weight.name).reduce((product, size) => product * size, 1),
    0,
  );
  expect(count).toBe(expected);
});

test("gates and their roles", () => {
  const found = Object.fromEntries(
    all.map(([name, text]) => [
      name,
      networkOf(name, text).gates.map((gate) => `${gate.name}: ${gate.role}, passes ${gate.passes} (${gate.reason})`),
    ]),
  );
  if (process.env.SLUICE_GOLDEN === "write") writeFileSync(goldenFile, `${JSON.stringify(found, null, 2)}\n`);
  expect(found).toEqual(JSON.parse(readFileSync(goldenFile, "utf8")));
});
