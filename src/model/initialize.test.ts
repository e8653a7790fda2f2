import { expect, test, vi } from "vitest";
import type { Initial, WeightRole } from "../ir/network/node.ts";
import * as compiledLoops from "../runtime/wasm/drawing.ts";
import { createRandom, derive, type Random } from "../support/random.ts";
import { initializeWeight, initialParameters } from "./initialize.ts";
import type { ParameterSlot } from "./parameters.ts";

function layout(weights: readonly { name: string; shape: number[]; initial: Initial; role?: WeightRole }[]): ParameterSlot[] {
  let offset = 0;
  return weights.map(({ name, shape, initial, role }) => {
    const length = shape.reduce((a, b) => a * b, 1);
    offset += length;
    const declaration = { name, shape: [], role: role ?? ("other" as const), initial, reasons: [], span: { start: 0, end: 0 } };
    return { name, offset: offset - length, length, shape, declaration };
  });
}
const count = (slots: readonly ParameterSlot[]): number => slots.reduce((total, slot) => total + slot.length, 0);
const source = "the author";

test("an orthogonal weight has orthonormal rows or columns in each of its matrices", () => {
  for (const [rows, columns] of [
    [7, 7],
    [3, 9],
    [9, 3],
    [1, 1],
  ]) {
    const slots = layout([{ name: "W", shape: [2, rows, columns], initial: { kind: "orthogonal", gain: 1, source } }]);
    const values = initialParameters(slots, count(slots), 5);
    for (let matrix = 0; matrix < 2; matrix++) {
      const at = (r: number, c: number): number => values[(matrix * rows + r) * columns + c];
      const [n, m] = rows <= columns ? [rows, columns] : [columns, rows];
      for (let a = 0; a < n; a++)
        for (let b = 0; b < n; b++) {
          let product = 0;
          for (let k = 0; k < m; k++) product += rows <= columns ? at(a, k) * at(b, k) : at(k, a) * at(k, b);
          expect(product).toBeCloseTo(a === b ? 1 : 0, 5);
        }
    }
  }
});

test("a weight's values depend on its name and the seed alone", () => {
  const uniform: Initial = { kind: "glorot_uniform", source };
  const alone = layout([{ name: "W", shape: [4, 5], initial: uniform }]);
  const beside = layout([
    { name: "A", shape: [3], initial: uniform },
    { name: "W", shape: [4, 5], initial: uniform },
  ]);
  const values = initialParameters(alone, 20, 1);
  expect(initialParameters(beside, 23, 1).subarray(3)).toEqual(values);
  expect(initialParameters(alone, 20, 2)).not.toEqual(values);
  const bound = Math.sqrt(6 / 9);
  expect(values.every((value) => Math.abs(value) <= bound)).toBe(true);
  expect(Math.max(...values.map(Math.abs))).toBeGreaterThan(bound / 2);
});

test("constants, fan-in bounds and time constants", () => {
  const slots = layout([
    { name: "b", shape: [6], initial: { kind: "constant", value: 1, source } },
    { name: "W", shape: [3, 16], initial: { kind: "fan_in_uniform", source } },
    { name: "c", shape: [50], initial: { kind: "chrono", maximum: 101, source } },
  ]);
  const values = initialParameters(slots, count(slots), 9);
  expect([...values.subarray(0, 6)]).toEqual([1, 1, 1, 1, 1, 1]);
  expect(values.subarray(6, 54).every((value) => Math.abs(value) <= 0.25)).toBe(true);
  const times = values.subarray(54);
  expect(Math.min(...times)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...times)).toBeLessThanOrEqual(Math.fround(Math.log(100)));
});

test("an orthogonal weight is what Gram–Schmidt in its plain order gives, to the bit, also where a vector has to be drawn again", () => {
  const plain = (random: Random, rows: number, columns: number): Float32Array => {
    const [count, length] = [Math.min(rows, columns), Math.max(rows, columns)];
    const size = (vector: readonly number[]): number => Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
    const done: number[][] = [];
    while (done.length < count) {
      let vector = Array.from({ length }, () => random.normal());
      const before = size(vector);
      for (const other of [...done, ...done]) {
        const product = vector.reduce((sum, value, i) => sum + value * other[i], 0);
        vector = vector.map((value, i) => value - product * other[i]);
      }
      const after = size(vector);
      if (after >= 1e-8 * before) done.push(vector.map((value) => value / after));
    }
    return Float32Array.from({ length: rows * columns }, (_, i) => {
      const [r, c] = [Math.floor(i / columns), i % columns];
      return 1.5 * (rows <= columns ? done[r][c] : done[c][r]);
    });
  };
  /** Draws every third vector twice. */
  const repeating = (length: number): Random => {
    const random = createRandom(3);
    const drawn: number[] = [];
    const normal = (): number => {
      const row = Math.floor(drawn.length / length);
      drawn.push(row % 3 === 1 && row > 1 ? drawn[drawn.length - length] : random.normal());
      return drawn[drawn.length - 1];
    };
    const normals = (values: Float64Array): void => values.forEach((_, i) => (values[i] = normal()));
    return { ...random, normal, normals };
  };
  for (const [rows, columns] of [
    [9, 9],
    [6, 13],
    [13, 6],
    [1, 5],
  ]) {
    for (const random of [(): Random => createRandom(4), (): Random => repeating(Math.max(rows, columns))]) {
      const [slot] = layout([{ name: "W", shape: [rows, columns], initial: { kind: "orthogonal", gain: 1.5, source } }]);
      const values = new Float32Array(rows * columns);
      initializeWeight(slot, random(), values);
      expect(values).toEqual(plain(random(), rows, columns));
    }
  }
});

/** Weights of every kind and shape, of which most go by compiled loops. */
function manyWeights(): ParameterSlot[] {
  const orthogonal: Initial = { kind: "orthogonal", gain: 1.3, source };
  const matrices = [
    [32, 32],
    [32, 32],
    [32, 32],
    [32, 32],
    [32, 32],
    [40, 30],
    [30, 40],
    [7, 8],
    [2, 1],
    [9, 9],
    [5, 8, 6],
    [3, 5, 5],
  ];
  return layout([
    ...matrices.map((shape, k) => ({ name: `R${k}`, shape, initial: orthogonal })),
    { name: "E", shape: [33, 20], initial: { kind: "normal", mean: 0.5, deviation: 0.01, source } },
    { name: "E1", shape: [33, 21], initial: { kind: "normal", mean: 0, deviation: 1, source } },
    { name: "U", shape: [31, 20], initial: { kind: "uniform", low: -0.1, high: 0.3, source } },
    { name: "u", shape: [3], initial: { kind: "uniform", low: 0.3, high: 0.3, source } },
    { name: "W", shape: [32, 21], initial: { kind: "glorot_uniform", source } },
    { name: "V", shape: [21, 32], initial: { kind: "fan_in_uniform", source } },
    { name: "c", shape: [40], initial: { kind: "chrono", maximum: 30, source } },
    { name: "s", shape: [], initial: { kind: "uniform", low: 0, high: 1, source } },
  ]);
}

/** What JavaScript draws for each of the weights, in bits. */
function expectPlain(slots: readonly ParameterSlot[], values: Float32Array, seed: number): void {
  const plain = new Float32Array(values.length);
  for (const { offset, length, ...slot } of slots)
    initializeWeight({ offset, length, ...slot }, createRandom(derive(seed, "weight", slot.name)), plain.subarray(offset, offset + length));
  expect(new Int32Array(values.buffer)).toEqual(new Int32Array(plain.buffer));
}

test("compiled loops draw what JavaScript draws, to the bit, also where the engine has none or they fail", () => {
  const slots = manyWeights();
  expectPlain(slots, initialParameters(slots, count(slots), 3), 3);
  const real = compiledLoops.openDrawing()!;
  const matrices = vi.fn<typeof real.matrices>((draws, orthonormal) => {
    real.matrices(draws, orthonormal);
    if (!orthonormal) return [];
    draws.at(-1)!.values.fill(Number.NaN);
    return draws.slice(-1);
  });
  const open = vi.spyOn(compiledLoops, "openDrawing").mockReturnValueOnce({ ...real, matrices });
  open.mockReturnValueOnce(undefined);
  for (const seed of [4, 5]) expectPlain(slots, initialParameters(slots, count(slots), seed), seed);
  expect(matrices).toHaveBeenCalled();
  expect(open).toHaveBeenCalledTimes(2);
  open.mockRestore();
});

test("a gate's bias such that the gate begins uniform", () => {
  const slots = layout([{ name: "bf", shape: [400], initial: { kind: "uniform_gate", source } }]);
  const gates = initialParameters(slots, 400, 3).map((value) => 1 / (1 + Math.exp(-value)));
  expect(Math.min(...gates)).toBeGreaterThanOrEqual(1 / 400 - 1e-6);
  expect(Math.max(...gates)).toBeLessThanOrEqual(1 - 1 / 400 + 1e-6);
  for (const share of [0.25, 0.5, 0.75]) expect(gates.filter((gate) => gate < share).length / 400).toBeCloseTo(share, 1);
});
