/**
 * First values of the trained numbers.
 *
 * In: the weights' declarations, concrete shapes, a seed. Out: one flat Float32Array. Each weight draws from a generator of its own, named after
 * it, so adding or removing a weight changes no other. Never looks at a clock.
 */
import { createRandom, derive, type Random } from "../support/random.ts";
import type { ParameterSlot } from "./parameters.ts";

/** Values for all weights, side by side. */
export function initialParameters(slots: readonly ParameterSlot[], count: number, seed: number): Float32Array {
  const parameters = new Float32Array(count);
  for (const slot of slots)
    initializeWeight(slot, createRandom(derive(seed, "weight", slot.name)), parameters.subarray(slot.offset, slot.offset + slot.length));
  return parameters;
}

/**
 * Fills one weight as declared:
 * constants; uniform and normal; U(±√(6/(in + out))) (Glorot & Bengio 2010); orthogonal times a gain (Saxe et al. 2014), one matrix at a time;
 * U(±1/√in); log U(1, T - 1) (Tallec & Ollivier 2018).
 */
export function initializeWeight(slot: ParameterSlot, random: Random, values: Float32Array): void {
  const initial = slot.declaration.initial;
  switch (initial.kind) {
    case "constant":
      values.fill(initial.value);
      return;
    case "uniform":
      return fill(values, () => random.uniform(initial.low, initial.high));
    case "normal":
      return fill(values, () => random.normal(initial.mean, initial.deviation));
    case "glorot_uniform": {
      const { fanIn, fanOut } = fans(slot);
      const bound = Math.sqrt(6 / (fanIn + fanOut));
      return fill(values, () => random.uniform(-bound, bound));
    }
    case "fan_in_uniform": {
      const bound = 1 / Math.sqrt(fans(slot).fanIn);
      return fill(values, () => random.uniform(-bound, bound));
    }
    case "chrono":
      return fill(values, () => Math.log(random.uniform(1, Math.max(1, initial.maximum - 1))));
    case "orthogonal": {
      const [rows, columns] = matrixOf(slot.shape);
      for (let offset = 0; offset < values.length; offset += rows * columns)
        orthogonal(random, rows, columns, initial.gain, values.subarray(offset, offset + rows * columns));
      return;
    }
  }
}

function fill(values: Float32Array, next: () => number): void {
  for (let i = 0; i < values.length; i++) values[i] = next();
}

// A weight is [.., rows, columns] and maps columns to rows; leading axes are further matrices (heads), or taps of a kernel that add up.
function matrixOf(shape: readonly number[]): readonly [number, number] {
  if (shape.length === 0) return [1, 1];
  if (shape.length === 1) return [1, shape[0]];
  return [shape[shape.length - 2], shape[shape.length - 1]];
}

function fans({ shape, declaration }: ParameterSlot): { fanIn: number; fanOut: number } {
  const [rows, columns] = matrixOf(shape);
  const taps = declaration.role === "kernel" ? shape.slice(0, -2).reduce((a, b) => a * b, 1) : 1;
  return { fanIn: columns * taps, fanOut: rows * taps };
}

/**
 * A matrix with orthonormal rows (or columns, if it is taller than wide) times a gain: the Q of a normal matrix whose R has a positive
 * diagonal, by Gram–Schmidt done twice in float64.
 */
function orthogonal(random: Random, rows: number, columns: number, gain: number, values: Float32Array): void {
  const count = Math.min(rows, columns);
  const length = Math.max(rows, columns);
  const vectors: Float64Array[] = [];
  while (vectors.length < count) {
    const vector = new Float64Array(length);
    for (let i = 0; i < length; i++) vector[i] = random.normal();
    const before = norm(vector);
    for (let pass = 0; pass < 2; pass++) {
      for (const other of vectors) {
        let product = 0;
        for (let i = 0; i < length; i++) product += vector[i] * other[i];
        for (let i = 0; i < length; i++) vector[i] -= product * other[i];
      }
    }
    const after = norm(vector);
    if (after < 1e-8 * before) continue; // drawn inside the span of the others: draw again
    for (let i = 0; i < length; i++) vector[i] /= after;
    vectors.push(vector);
  }
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) values[r * columns + c] = gain * (rows <= columns ? vectors[r][c] : vectors[c][r]);
}

function norm(vector: Float64Array): number {
  let square = 0;
  for (const value of vector) square += value * value;
  return Math.sqrt(square);
}
