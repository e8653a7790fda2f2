/**
 * A batch of any size and of sequences of any lengths, run by programs for a few sizes of batch.
 *
 * In: arrays for all sequences. Out: parts that a program runs at once, and results put back in their places. A sequence has the same bits alone and
 * anywhere in a batch, so neither the cut nor the company shows in the results.
 */
import { SluiceError } from "../../support/diagnostic.ts";
import type { NamedArray } from "../arrays.ts";
import type { ReadInputs } from "../input.ts";
import type { RunNetwork } from "../run.ts";

/** Sequences of equal length that run together. */
export interface Part {
  readonly steps: number;
  /** Positions in the whole batch; the last one is repeated until a program is full. */
  readonly sequences: readonly number[];
  /** Of the program. */
  readonly batch: number;
}

/** A program for N sequences runs a rest of at least N / 4: fewer are faster one by one. */
const worthFilling = 0.25;

/** Cuts a batch into parts for programs of these sizes, the largest first. Sequences of length 0 are in none. @throws SluiceError E455 if all are empty */
export function cutBatch(
  { steps, batch }: Pick<ReadInputs, "steps" | "batch">,
  lengths: ArrayLike<number> | undefined,
  sizes: readonly number[],
): readonly Part[] {
  const byLength = new Map<number, number[]>();
  for (let b = 0; b < batch; b++) {
    const length = lengths === undefined ? steps : lengths[b];
    if (!byLength.has(length)) byLength.set(length, []);
    byLength.get(length)!.push(b);
  }
  byLength.delete(0);
  if (byLength.size === 0) throw new SluiceError("E455", "every sequence has length 0; give at least one time step");
  const parts: Part[] = [];
  for (const [length, sequences] of byLength) {
    for (let start = 0; start < sequences.length; ) {
      const left = sequences.length - start;
      const size = sizes.find((each) => left >= each * worthFilling) ?? sizes[sizes.length - 1];
      parts.push({ steps: length, sequences: sequences.slice(start, start + size), batch: size });
      start += size;
    }
  }
  return parts;
}

/** Rows of `row` numbers, [times, batch], of the sequences of a part. */
export function pickRows<A extends Float32Array | Int32Array>(values: A, { sequences, batch }: Part, times: number, all: number, row: number): A {
  const picked = new (values.constructor as new (length: number) => A)(times * batch * row);
  for (let t = 0; t < times; t++) {
    for (let b = 0; b < batch; b++) {
      const from = (t * all + sequences[Math.min(b, sequences.length - 1)]) * row;
      picked.set(values.subarray(from, from + row), (t * batch + b) * row);
    }
  }
  return picked;
}

/** The inputs of a part. */
export function pickInputs(network: RunNetwork, read: ReadInputs, part: Part): ReadInputs {
  if (read.batch === 1 && part.batch === 1 && part.steps === read.steps) return read;
  const inputs: Record<string, Float32Array | Int32Array> = {};
  for (const { name, perStep, perExample } of network.inputs) {
    const values = read.inputs[name];
    if (values === undefined) continue;
    const row = values.length / ((perStep ? read.steps : 1) * (perExample ? read.batch : 1));
    if (perExample) inputs[name] = pickRows(values, part, perStep ? part.steps : 1, read.batch, row);
    else inputs[name] = perStep ? values.subarray(0, part.steps * row) : values;
  }
  return { steps: part.steps, batch: part.batch, single: false, inputs };
}

/** A result for all sequences, zero where nothing was put. */
export interface Whole {
  readonly data: Float32Array;
  readonly shape: readonly number[];
  /** The shape without the batch axis if one sequence was given without it. */
  readonly shown: readonly number[];
}

/** Axes of a result in their order: the batch, time, or a size. */
type ResultAxes = readonly ("b" | "T" | number)[];

/** Room for the values of a result for all sequences. */
export function wholeFor(axes: ResultAxes, { steps, batch, single }: ReadInputs): Whole {
  const shape = axes.map((axis) => (axis === "b" ? batch : axis === "T" ? steps : axis));
  const shown = single ? shape.filter((_, i) => axes[i] !== "b") : shape;
  return { data: new Float32Array(shape.reduce((a, b) => a * b, 1)), shape, shown };
}

/** Copies the values of a part to their places in the whole batch; what its program was filled up with is left out. */
export function putBack(whole: Whole, { data, shape }: NamedArray, axes: ResultAxes, { sequences }: Part): void {
  const batchAxis = axes.indexOf("b");
  const last = shape.length - 1;
  const walk = (axis: number, from: number, to: number): void => {
    if (axis > last) whole.data[to] = data[from];
    else if (axis === last && axis !== batchAxis) whole.data.set(data.subarray(from * shape[axis], (from + 1) * shape[axis]), to * whole.shape[axis]);
    else {
      const count = axis === batchAxis ? sequences.length : shape[axis];
      for (let i = 0; i < count; i++) walk(axis + 1, from * shape[axis] + i, to * whole.shape[axis] + (axis === batchAxis ? sequences[i] : i));
    }
  };
  walk(0, 0, 0);
}
