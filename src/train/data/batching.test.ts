import fc from "fast-check";
import { expect, test } from "vitest";
import { evaluationBatches, trainingBatches, type Sequence } from "./batching.ts";
import type { BatchSource, Dataset } from "./dataset.ts";

const inputs: Dataset["inputs"] = { x: { type: "real", size: 2 }, y: { type: "index", size: 1000 } };

/** Sequence s holds s + t/1000 so that every element shows whence it came; y holds look-ahead too. */
const makeSet = (lengths: readonly number[]): Sequence[] =>
  lengths.map((steps, s) => ({
    steps,
    inputs: {
      x: Float32Array.from({ length: 2 * (steps + 1) }, (_, i) => s + 1 + Math.floor(i / 2) / 1024),
      y: Int32Array.from({ length: steps + 1 }, (_, t) => 1 + ((s + t) % 999)),
    },
    ...(s % 2 === 1 && { lossMask: Float32Array.from({ length: steps }, (_, t) => (t === steps - 1 ? 1 : 0)) }),
  }));

function expectPass(source: BatchSource, set: readonly Sequence[], pass: number): number[] {
  const order: number[] = [];
  for (let b = 0; b < source.batchesPerPass!; b++) {
    const batch = source.batchAt(pass * source.batchesPerPass! + b);
    expect(batch.batch).toBe(source.batch);
    expect(batch.carry).toBe(false);
    const lengths = [...batch.lengths!];
    expect(Math.max(...lengths)).toBe(batch.steps);
    expect(batch.steps).toBeLessThanOrEqual(source.capacity);
    for (let row = 0; row < batch.batch; row++) {
      const s = batch.rows![row];
      expect(lengths[row]).toBe(s === -1 ? 0 : set[s].steps);
      if (s !== -1) order.push(s);
      for (let t = 0; t <= batch.steps; t++) {
        const at = t * batch.batch + row;
        const held = s !== -1 && t <= set[s].steps;
        expect([batch.inputs.x[2 * at], batch.inputs.x[2 * at + 1]]).toEqual(held ? [s + 1 + t / 1024, s + 1 + t / 1024] : [0, 0]);
        expect(batch.inputs.y[at]).toBe(held ? 1 + ((s + t) % 999) : 0);
        if (t < batch.steps) expect(batch.lossMask![at]).toBe(s !== -1 && t < set[s].steps ? (set[s].lossMask?.[t] ?? 1) : 0);
      }
    }
  }
  return order;
}

test("a pass has each sequence once, right in every element, length, mask and filler row", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 7 }), (lengths, batch) => {
      const set = makeSet(lengths);
      const all = lengths.map((_, s) => s);
      const train = trainingBatches(set, inputs, { batch, seed: 4, lookAhead: 1 });
      const first = expectPass(train, set, 0);
      const second = expectPass(train, set, 1);
      expect([...first].sort((a, b) => a - b)).toEqual(all);
      expect([...second].sort((a, b) => a - b)).toEqual(all);
      expect(expectPass(train, set, 0)).toEqual(first);
      if (lengths.length > 20) expect(second).not.toEqual(first);
      const evaluation = evaluationBatches(set, inputs, { batch, lookAhead: 1 });
      const order = expectPass(evaluation, set, 0);
      expect(expectPass(evaluation, set, 3)).toEqual(order);
      expect([...order].sort((a, b) => a - b)).toEqual(all);
    }),
    { numRuns: 60 },
  );
});

test("bucketing keeps padding small and seeds differ", () => {
  const set = makeSet(Array.from({ length: 400 }, (_, s) => 1 + ((s * 37) % 100)));
  const train = trainingBatches(set, inputs, { batch: 8, seed: 1, lookAhead: 0 });
  let padded = 0;
  let real = 0;
  for (let b = 0; b < train.batchesPerPass!; b++) {
    const { steps, lengths } = train.batchAt(b);
    padded += steps * 8;
    real += lengths!.reduce((sum, length) => sum + length, 0);
  }
  expect(real / padded).toBeGreaterThan(0.9);
  expect(trainingBatches(set, inputs, { batch: 8, seed: 2, lookAhead: 0 }).batchAt(0).rows).not.toEqual(train.batchAt(0).rows);
  expect(() => trainingBatches([], inputs, { batch: 8, seed: 2, lookAhead: 0 })).toThrow(/no sequences/);
});
