/**
 * First values of the trained numbers.
 *
 * In: the weights' declarations, concrete shapes, a seed. Out: one flat Float32Array. Each weight draws from a generator of its own, named after
 * it, so adding or removing a weight changes no other. Never looks at a clock.
 */
import { GREATEST_DRAW, type MatrixDraw, openDrawing } from "../runtime/wasm/drawing.ts";
import { createRandom, derive, generatorState, type Random } from "../support/random.ts";
import type { ParameterSlot } from "./parameters.ts";

/** Values for all weights, side by side. */
export function initialParameters(slots: readonly ParameterSlot[], count: number, seed: number): Float32Array {
  const parameters = new Float32Array(count);
  const drawn = count >= LEAST_DRAWING ? drawMany(slots, parameters, seed) : undefined;
  for (const slot of slots) if (!drawn?.has(slot)) initializeWeight(slot, createRandom(seedOf(slot, seed)), valuesOf(slot, parameters));
  return parameters;
}

/** From this many parameters on, compiled loops pay for being made. */
const LEAST_DRAWING = 4096;

const seedOf = (slot: ParameterSlot, seed: number): number => derive(seed, "weight", slot.name);
const valuesOf = ({ offset, length }: ParameterSlot, parameters: Float32Array): Float32Array => parameters.subarray(offset, offset + length);

/** Fills, by compiled loops, the weights whose values are many and made of arithmetic alone, as `initializeWeight` would; returns those that are filled. */
function drawMany(slots: readonly ParameterSlot[], parameters: Float32Array, seed: number): ReadonlySet<ParameterSlot> {
  const done = new Set<ParameterSlot>();
  const drawing = openDrawing();
  if (drawing === undefined) return done;
  const owners = new Map<MatrixDraw, ParameterSlot>();
  const alike = new Map<string, MatrixDraw[]>();
  for (const slot of slots) {
    const { initial } = slot.declaration;
    const range = uniformRange(slot);
    if (range !== undefined && slot.length > 0 && slot.length <= GREATEST_DRAW) {
      drawing.uniforms(generatorState(seedOf(slot, seed)), valuesOf(slot, parameters), ...range);
      done.add(slot);
    }
    if (initial.kind !== "orthogonal" && initial.kind !== "normal") continue;
    const orthogonal = initial.kind === "orthogonal";
    const [rows, columns] = orthogonal ? matrixOf(slot.shape) : [1, slot.length];
    const size = rows * columns;
    if (size === 0 || size % 2 === 1 || size > GREATEST_DRAW) continue;
    const state = generatorState(seedOf(slot, seed));
    const values = valuesOf(slot, parameters);
    // -0 + x is x, and +0 + x is not: -0.
    const [mean, gain] = orthogonal ? [-0, initial.gain] : [initial.mean, initial.deviation];
    const key = orthogonal ? `${Math.min(rows, columns)} of ${Math.max(rows, columns)}` : `${columns}`;
    const group = alike.get(key) ?? [];
    alike.set(key, group);
    for (let at = 0; at < values.length; at += size) {
      const draw = { state, values: values.subarray(at, at + size), rows, columns, mean, gain };
      group.push(draw);
      owners.set(draw, slot);
    }
    done.add(slot);
  }
  for (const group of alike.values()) {
    for (let at = 0; at < group.length; at += 4) {
      const draws = group.slice(at, at + 4);
      const { kind } = owners.get(draws[0])!.declaration.initial;
      for (const failed of drawing.matrices(draws, kind === "orthogonal")) done.delete(owners.get(failed)!);
    }
  }
  return done;
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
    case "glorot_uniform":
    case "fan_in_uniform": {
      const [low, high] = uniformRange(slot)!;
      return fill(values, () => random.uniform(low, high));
    }
    case "normal":
      return fill(values, () => random.normal(initial.mean, initial.deviation));
    case "chrono":
      return fill(values, () => Math.log(random.uniform(1, Math.max(1, initial.maximum - 1))));
    case "uniform_gate": {
      const least = 1 / Math.max(2, slot.shape.at(-1) ?? 2);
      return fill(values, () => {
        const u = random.uniform(least, 1 - least);
        return -Math.log(1 / u - 1);
      });
    }
    case "orthogonal": {
      const [rows, columns] = matrixOf(slot.shape);
      for (let offset = 0; offset < values.length; offset += rows * columns)
        orthogonal(random, rows, columns, initial.gain, values.subarray(offset, offset + rows * columns));
      return;
    }
  }
}

/** Between which bounds a weight is drawn uniformly; undefined if it is not. */
function uniformRange(slot: ParameterSlot): readonly [low: number, high: number] | undefined {
  const { initial } = slot.declaration;
  if (initial.kind === "uniform") return [initial.low, initial.high];
  const { fanIn, fanOut } = fans(slot);
  const bound =
    initial.kind === "glorot_uniform" ? Math.sqrt(6 / (fanIn + fanOut)) : initial.kind === "fan_in_uniform" ? 1 / Math.sqrt(fanIn) : undefined;
  return bound === undefined ? undefined : [-bound, bound];
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
 * diagonal, by Gram–Schmidt done twice in float64. The first time each finished vector is taken out of all later ones, several at once; the second
 * time all finished ones are taken out of the next. A vector sees the same operations in the same order either way.
 */
function orthogonal(random: Random, rows: number, columns: number, gain: number, values: Float32Array): void {
  const count = Math.min(rows, columns);
  const length = Math.max(rows, columns);
  const vectors = new Float64Array(count * length);
  random.normals(vectors);
  const before = Array.from({ length: count }, (_, k) => norm(vectors, k, length));
  for (let k = 0; k < count; ) {
    if (k > 0) removeEarlier(vectors, k, length);
    const after = norm(vectors, k, length);
    if (after < 1e-8 * before[k]) {
      // Drawn inside the span of the others: the next takes its place, and a new one comes last.
      vectors.copyWithin(k * length, (k + 1) * length);
      before.splice(k, 1);
      random.normals(vectors.subarray((count - 1) * length));
      before.push(norm(vectors, count - 1, length));
      for (let other = 0; other < k; other++) removeFrom(vectors, other, count - 1, count, length);
      continue;
    }
    for (let i = k * length; i < (k + 1) * length; i++) vectors[i] /= after;
    removeFrom(vectors, k, k + 1, count, length);
    k++;
  }
  const [rowStride, columnStride] = rows <= columns ? [length, 1] : [1, length];
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) values[r * columns + c] = gain * vectors[r * rowStride + c * columnStride];
}

/** Takes the direction of vector `k` out of the vectors from … to - 1, four at a time: their sums do not wait for each other. */
function removeFrom(vectors: Float64Array, k: number, from: number, to: number, length: number): void {
  const unit = k * length;
  let row = from;
  for (; row + 4 <= to; row += 4) {
    const a = row * length;
    const b = a + length;
    const c = b + length;
    const d = c + length;
    let pa = 0;
    let pb = 0;
    let pc = 0;
    let pd = 0;
    for (let i = 0; i < length; i++) {
      const u = vectors[unit + i];
      pa += vectors[a + i] * u;
      pb += vectors[b + i] * u;
      pc += vectors[c + i] * u;
      pd += vectors[d + i] * u;
    }
    for (let i = 0; i < length; i++) {
      const u = vectors[unit + i];
      vectors[a + i] -= pa * u;
      vectors[b + i] -= pb * u;
      vectors[c + i] -= pc * u;
      vectors[d + i] -= pd * u;
    }
  }
  for (; row < to; row++) {
    const a = row * length;
    let product = 0;
    for (let i = 0; i < length; i++) product += vectors[a + i] * vectors[unit + i];
    for (let i = 0; i < length; i++) vectors[a + i] -= product * vectors[unit + i];
  }
}

/** Takes the directions of the vectors before `k` out of it, one after the other; each pass also finds the product with the next. */
function removeEarlier(vectors: Float64Array, k: number, length: number): void {
  const own = k * length;
  let product = 0;
  for (let i = 0; i < length; i++) product += vectors[own + i] * vectors[i];
  for (let unit = 0; unit < own; unit += length) {
    const next = unit + length;
    let following = 0;
    for (let i = 0; i < length; i++) {
      const value = vectors[own + i] - product * vectors[unit + i];
      vectors[own + i] = value;
      following += value * vectors[next + i];
    }
    product = following;
  }
}

function norm(vectors: Float64Array, k: number, length: number): number {
  let square = 0;
  for (let i = k * length; i < (k + 1) * length; i++) square += vectors[i] * vectors[i];
  return Math.sqrt(square);
}
