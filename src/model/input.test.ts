import { expect, test } from "vitest";
import type { InputDeclaration, Network, Size } from "../ir/network/node.ts";
import { readInputs, readLengths } from "./input.ts";
import type { RunInputs, RunOptions } from "./model.ts";
import { solveSizes } from "./sizes.ts";

const size = (...names: string[]): Size => ({ terms: [{ coefficient: 1, names }] });
const span = { start: 0, end: 0 };
const x: InputDeclaration = { name: "x", type: "real", shape: [size("D")], perStep: true, perExample: true, lookAhead: 0, span };
const token: InputDeclaration = { name: "token", type: "index", shape: [], range: size("V"), perStep: true, perExample: true, lookAhead: 0, span };
const network = (...inputs: InputDeclaration[]): Network =>
  ({
    name: "cell",
    inputs,
    states: [],
    initials: [],
    equations: [{ name: "h", value: { kind: "concatenation", parts: inputs.map(({ name }) => ({ kind: "input", name })) } }],
  }) as unknown as Network;
const sizes = { D: 2, V: 5 };
const read = (inputs: RunInputs, options: RunOptions = {}, net = network(x)) => readInputs(net, sizes, inputs, ["h"], options);

test("one sequence and a batch, nested and flat, mean the same numbers", () => {
  const nested = [
    [1, 2],
    [3, 4],
    [5, 6],
  ];
  const flat = Float32Array.of(1, 2, 3, 4, 5, 6);
  for (const given of [nested, flat, { x: nested }, { x: { data: flat, shape: [3, 2] } }]) {
    expect(read(given as RunInputs)).toEqual({ steps: 3, batch: 1, single: true, inputs: { x: flat } });
  }
  const batch = { data: Float32Array.from({ length: 12 }, (_, i) => i), shape: [3, 2, 2] };
  expect(read(batch)).toMatchObject({ steps: 3, batch: 2, single: false });
  expect(read(batch.data, { batch: 2 })).toMatchObject({ steps: 3, batch: 2, single: false });
  expect(read([0, 4, 1], {}, network(token))).toEqual({ steps: 3, batch: 1, single: true, inputs: { token: Int32Array.of(0, 4, 1) } });
});

test("what is wrong is named with its place, what was expected and what was found", () => {
  expect(() => read([[1, 2], [3]])).toThrow("the input x[1] has 1 entries, but 2 expected as in its first row");
  expect(() => read([[1, 2, 3]])).toThrow("the input x must have the shape [steps, 2] or [steps, batch, 2], but [1, 3] was given");
  expect(() => read(Float32Array.of(1, 2, 3))).toThrow("3 numbers are no whole number of rows of 2");
  expect(() =>
    read([
      [1, 2],
      [3, NaN],
    ]),
  ).toThrow("the input x[1][1] is NaN; it must be a finite number");
  expect(() => read([0, 5], {}, network(token))).toThrow("the input token[1] is 5; it must be a whole number from 0 to 4");
  expect(() => read([0, 1.5], {}, network(token))).toThrow("the input token[1] is 1.5");
  expect(() => read({ y: [1] })).toThrow("cell has no input y; its inputs are x");
  expect(() => read({ x: [[1, 2]], reset: [1] })).toThrow("where documents begin is an option of the run: run(inputs, { reset })");
  expect(() => read([1], {}, network(x, token))).toThrow("h read the inputs x, token; give them by name, { x: … }");
  expect(() => read({ x: [[1, 2]], token: [0, 1] }, {}, network(x, token))).toThrow("the input token has 2 steps, but x has 1");
  expect(() => readLengths([2, 4], { steps: 3, batch: 2, single: false, inputs: {} })).toThrow(
    "the length of sequence 1 must be a whole number from 0 to 3, not 4",
  );
});

test("sizes follow from widths, and a contradiction names both sides", () => {
  const double: Size = { terms: [{ coefficient: 2, names: ["K"] }] };
  expect(solveSizes({ H: 3 }, [{ size: double, value: 8, because: "x has 8" }])).toEqual({ H: 3, K: 4 });
  expect(() => solveSizes({ D: 3 }, [{ size: size("D"), value: 2, because: "the data give 2 features for x" }])).toThrow(
    "the data give 2 features for x, but D is 3 (D = 3 as given)",
  );
});
