/**
 * Equations pasted from papers make the same program as the mechanism's own text.
 *
 * `test/latex/NAME/paper.tex` is a block of LaTeX in one of the styles that people use: fonts, `\odot`, `\circ` or nothing for the elementwise product,
 * components `^j` and `]_j`, `\left( \right)`, `\frac`, labels, numbers, comments, sentences between. It is read, analysed without a mistake, and run by the
 * interpreter beside the mechanism NAME on the same weights and inputs.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { analyze, lower } from "../../src/compile.ts";
import type { Network } from "../../src/ir/network/node.ts";
import { interpret } from "../../src/ir/tensor/interpret.ts";
import { MECHANISMS } from "../../src/mechanisms/index.ts";
import { shapeOf } from "../../src/model/sizes.ts";
import { readLatex } from "../../src/phases/1-parse/latex.ts";
import { createRandom } from "../../src/support/random.ts";

const PAPERS = readdirSync(import.meta.dirname, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
const STEPS = 5;
const BATCH = 2;
const SIZE: Readonly<Record<string, number>> = { N: 2, K: 3, V: 4, R: 2 };

test("there are papers enough", () => expect(PAPERS.length).toBeGreaterThanOrEqual(10));

test.each(PAPERS)("%s", (name) => {
  const source = { name: "paper.tex", text: readFileSync(join(import.meta.dirname, name, "paper.tex"), "utf8") };
  const { text, notes } = readLatex(source);
  expect(notes.filter(({ code }) => code !== "W003")).toEqual([]); // guesses are told; nothing is left out
  const paper = networkOf(`${name}.gate`, text);
  const own = networkOf(name, MECHANISMS[name as keyof typeof MECHANISMS]);

  const key = (weight: string): string => weight.replaceAll("_", "").toLowerCase();
  expect(paper.weights.map((weight) => key(weight.name)).sort()).toEqual(own.weights.map((weight) => key(weight.name)).sort());
  const roles = ({ gates }: Network): string[] => gates.map(({ name: gate, role }) => `${key(gate)} ${role}`).sort();
  const declared = new Set(
    [...MECHANISMS[name as keyof typeof MECHANISMS].matchAll(/gate ([^\n]+)/gu)].flatMap(([, names]) => names!.split(/,\s*/u)),
  ); // a page declares none
  expect(roles(paper)).toEqual(roles({ ...own, gates: own.gates.filter((gate) => !declared.has(gate.name)) }));
  expect(paper.inputs.map((input) => input.name)).toEqual(own.inputs.map((input) => input.name));
  expect(paper.outputs).toHaveLength(own.outputs.length);
  const [a, b] = [outputsOf(paper, key), outputsOf(own, key)];
  expect(a).toHaveLength(b.length);
  a.forEach((value, i) => expect(Math.abs(value - b[i]!), `value ${i}`).toBeLessThan(1e-12));
  expect(a.some((value) => Math.abs(value) > 1e-3)).toBe(true);
});

function networkOf(name: string, text: string): Network {
  const { network, diagnostics } = analyze({ name, text }, { library: MECHANISMS });
  expect(diagnostics).toEqual([]);
  return network!;
}

/** Every output for weights and inputs that depend on the names alone. */
function outputsOf(network: Network, key: (weight: string) => string): number[] {
  const sizes = Object.fromEntries(network.sizes.flatMap((size) => (size.free ? [[size.name, SIZE[size.name] ?? 5]] : [])));
  const outputs = network.outputs;
  const { graph } = lower(network, { sizes, batch: BATCH, mode: "evaluate", initial: "fresh", lengths: false, reset: false, outputs });
  const arrays: Record<string, Float64Array> = {};
  const normal = (name: string, shape: readonly number[]): Float64Array => {
    const random = createRandom([...name].reduce((seed, letter) => (seed * 31 + letter.codePointAt(0)!) % 65521, 7));
    return Float64Array.from({ length: shape.reduce((product, size) => product * size, 1) }, () => random.normal() * 0.7);
  };
  for (const { name, shape } of network.weights) arrays[name] = normal(key(name), shapeOf(shape, sizes, name));
  for (const { name, shape } of network.inputs) arrays[name] = normal(name, [STEPS, BATCH, ...shapeOf(shape, sizes, name)]);
  const results = interpret(graph, arrays, { T: STEPS });
  return outputs.flatMap((name) => Array.from(results[name]!));
}
