import { expect, test } from "vitest";
import { MECHANISMS } from "../../mechanisms/index.ts";
import { compile } from "../compiled.ts";
import { createModel, type Model } from "../model.ts";
import { cutBatch } from "./batches.ts";
import { exportModel } from "./bundle.ts";
import { openExported } from "./open.ts";

const made = (text: string): Model => {
  const compiled = compile(text);
  const sizes = Object.fromEntries(compiled.network!.sizes.flatMap(({ name, free, value }) => (free && value === undefined ? [[name, 4]] : [])));
  return createModel(compiled, { sizes, seed: 2 });
};

test("a batch is cut so that programs are full, or worth filling; lengths run apart and empty sequences not at all", () => {
  const cut = (batch: number, sizes: readonly number[], lengths?: readonly number[]) =>
    cutBatch({ steps: 9, batch }, lengths, sizes).map((part) => [part.steps, part.batch, ...part.sequences]);
  expect(cut(3, [1])).toEqual([
    [9, 1, 0],
    [9, 1, 1],
    [9, 1, 2],
  ]);
  expect(cut(5, [4, 1])).toEqual([
    [9, 4, 0, 1, 2, 3],
    [9, 4, 4],
  ]);
  expect(cut(9, [8, 1]).map(([, batch]) => batch)).toEqual([8, 1]);
  expect(cut(4, [4, 1], [9, 2, 0, 9])).toEqual([
    [9, 4, 0, 3],
    [2, 4, 1],
  ]);
  expect(() => cut(2, [1], [0, 0])).toThrow(/every sequence has length 0/);
});

test("a program of whole sequences grows with its room: the bits of one compiled for that room", () => {
  const model = made(MECHANISMS.attention);
  const { description, code, weights } = exportModel(model);
  expect(description.programs.map(({ initial, capacity, growth }) => [initial, capacity, growth !== undefined])).toEqual([["fresh", 256, true]]);
  const shipped = openExported(JSON.parse(JSON.stringify(description)), (file) => code.get(file)!, weights);
  const row = model.network.inputs[0].shape.length === 1 ? 4 : 1;
  for (const steps of [1, 256, 257, 1500]) {
    const x = Float32Array.from({ length: steps * row }, (_, i) => Math.sin(i));
    expect(shipped.run(x), `${steps}`).toEqual(model.run(x));
  }
});

test("attention that is given out grows with the square of its room: where that is too much, the room is the one asked for", () => {
  const compiled = compile(MECHANISMS.attention);
  const model = createModel(compiled, { sizes: { N: 4, K: 64, V: 64, D: 64, H: 256 }, seed: 2 });
  const { description, code, weights } = exportModel(model, { gates: true, steps: 32 });
  const program = description.programs.find(({ file }) => file === "gates.wasm")!;
  expect([program.capacity, program.growth]).toEqual([32, undefined]);
  const shipped = openExported(description, (file) => code.get(file)!, weights);
  const x = Float32Array.from({ length: 5 * 64 }, (_, i) => Math.sin(i));
  expect(shipped.gates(x).a).toEqual(model.gates(x).a);
  expect(() => exportModel(model, { gates: true, steps: 100_000 })).toThrow(/room for 100000 steps needs more memory.*--steps/);
});

test("a state that begins with an expression is begun by a program of whole sequences, and by the caller in a stream", () => {
  const model = made("cell(x) → h\n  h = tanh(W·x + U·h[t-1])\n  where h[0] = tanh(p), x ∈ ℝ^4, h ∈ ℝ^4");
  const { description, code, weights } = exportModel(model);
  const shipped = openExported(description, (file) => code.get(file)!, weights);
  expect(description.programs.map(({ initial }) => initial)).toEqual(["carried", "fresh"]);
  const x = Float32Array.from({ length: 40 }, (_, i) => Math.sin(i));
  expect(shipped.run(x)).toEqual(model.run(x));
  expect(() => shipped.stream()).toThrow(/the state h begins with an expression; give its first value/);
  const initial = { h: [0.1, 0.2, 0.3, 0.4] };
  expect(shipped.stream({ initial }).push(x)).toEqual(model.stream({ initial }).push(x));
});

test("a state that begins with a trained weight begins so in parts too", () => {
  const model = made("cell(x) → h\n  h = tanh(W·x + U·h[t-1])\n  where h[0] = p, p ~ normal(0, 1), x ∈ ℝ^4, h ∈ ℝ^4");
  const { description, code, weights } = exportModel(model, { batch: 2 });
  const shipped = openExported(description, (file) => code.get(file)!, weights);
  const x = { data: Float32Array.from({ length: 300 * 3 * 4 }, (_, i) => Math.sin(i)), shape: [300, 3, 4] };
  expect(shipped.run(x)).toEqual(model.run(x));
  expect(shipped.stream().step([1, 2, 3, 4])).toEqual(model.stream().step([1, 2, 3, 4]));
});
