import { expect, test } from "vitest";
import { compile } from "../model/compiled.ts";
import { createModel } from "../model/model.ts";
import { createRandom } from "../support/random.ts";
import { equivalentAttention } from "./equivalent-attention.ts";

const random = createRandom(3);
const T = 9;
const x = Float32Array.from({ length: T * 4 }, () => random.normal());

test("of softmax attention it is the attention itself", () => {
  const model = createModel(
    compile(`attend(x) → o
  q = Wq·x
  k = Wk·x
  v = Wv·x
  a[s] = softmax_s(q·k[s] / √K)
  o = Σ_s a[s] * v[s]
  where s ≤ t, q ∈ ℝ^K, x ∈ ℝ^D`),
    { sizes: { K: 3, D: 4, V: 2 }, seed: 1 },
  );
  const { matrix, heads } = equivalentAttention(model, { output: "o", value: "v", inputs: { x }, steps: T });
  expect(heads).toBe(1);
  for (let t = 0; t < T; t++) {
    let sum = 0;
    for (let s = 0; s < T; s++) {
      sum += matrix[t * T + s];
      if (s > t) expect(matrix[t * T + s]).toBe(0);
    }
    expect(sum).toBeCloseTo(1, 5);
  }
});

test("of a gated recurrence it is the product of the gates between", () => {
  const model = createModel(
    compile(`gated(x) → h
  z = σ(wz·x)
  v = Wv·x
  h = (1 - z)*h[t-1] + z*v
  where wz ∈ ℝ^D, x ∈ ℝ^D, v ∈ ℝ^V`),
    { sizes: { D: 4, V: 3 }, seed: 2 },
  );
  const { matrix } = equivalentAttention(model, { output: "h", value: "v", inputs: { x }, steps: T });
  const { z } = model.run({ x: { data: x, shape: [T, 4] } }, { outputs: ["z"] });
  for (let t = 0; t < T; t++) {
    for (let s = 0; s <= t; s++) {
      let expected = z.data[s];
      for (let r = s + 1; r <= t; r++) expected *= 1 - z.data[r];
      expect(matrix[t * T + s]).toBeCloseTo(expected, 5);
    }
  }
});

test("a value inside a recurrence is refused by name", () => {
  const model = createModel(compile("cell(x) → h\n  h = tanh(W·x + U·h[t-1])"), { sizes: { D: 4, H: 3 }, seed: 2 });
  expect(() => equivalentAttention(model, { output: "h", value: "h", inputs: { x }, steps: T })).toThrow(/part of a recurrence/);
});
