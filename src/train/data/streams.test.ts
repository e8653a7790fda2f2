import fc from "fast-check";
import { expect, test } from "vitest";
import type { BatchSource } from "./dataset.ts";
import { evaluationStreams, randomWindows, stridedWindows, trainingStreams, type Tracks } from "./streams.ts";

/** Token and both components of x name their position, so a batch shows where it was read. */
function positionsTrack(length: number): Tracks {
  return {
    token: { type: "index", size: length, values: Int32Array.from({ length }, (_, i) => i) },
    x: { type: "real", size: 2, values: Float32Array.from({ length: 2 * length }, (_, i) => (i >> 1) + (i % 2) / 2) },
  };
}

function expectPure(source: BatchSource, steps: number): void {
  const forward = Array.from({ length: steps }, (_, step) => source.batchAt(step));
  for (let step = steps - 1; step >= 0; step--) expect(source.batchAt(step)).toEqual(forward[step]);
}

test("an evaluation counts every position of its range exactly once, each after its warm-up, whatever the sizes", () => {
  fc.assert(
    fc.property(
      fc.record({
        before: fc.integer({ min: 0, max: 20 }),
        counted: fc.integer({ min: 1, max: 150 }),
        batch: fc.integer({ min: 1, max: 9 }),
        window: fc.integer({ min: 1, max: 20 }),
        warmUp: fc.integer({ min: 0, max: 25 }),
        reach: fc.boolean(),
      }),
      ({ before, counted, batch, window, warmUp, reach }) => {
        const range = { start: before, end: before + counted };
        const source = evaluationStreams(positionsTrack(before + counted + 3), range, {
          batch,
          window,
          lookAhead: 1,
          warmUp,
          ...(reach && { context: 0 }),
        });
        const seen = new Map<number, number>();
        let last = new Int32Array(batch).fill(-1);
        for (let step = 0; step < source.batchesPerPass!; step++) {
          const { inputs, lossMask, steps, carry } = source.batchAt(step);
          expect(steps).toBeLessThanOrEqual(source.capacity);
          expect(carry).toBe(step > 0);
          expect(inputs.token.length).toBe((steps + 1) * batch);
          expect(inputs.x.length).toBe((steps + 1) * batch * 2);
          const next = new Int32Array(batch);
          for (let t = 0; t < steps; t++) {
            for (let row = 0; row < batch; row++) {
              const at = t * batch + row;
              const position = inputs.token[at];
              if (lossMask![at] === 1) {
                seen.set(position, (seen.get(position) ?? 0) + 1);
                expect(inputs.token[at + batch]).toBe(position + 1);
                expect([inputs.x[2 * at], inputs.x[2 * at + 1]]).toEqual([position, position + 0.5]);
                // The stream is contiguous: the step before (in the batch before, if need be) read the position before.
                const previous = t > 0 ? inputs.token[at - batch] : last[row];
                if (previous !== -1) expect(previous).toBe(position - 1);
              }
              if (t === steps - 1) next[row] = position;
            }
          }
          last = next;
        }
        expect([...seen.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: counted }, (_, i) => before + i));
        expect(Math.max(...seen.values())).toBe(1);
        const first = source.batchAt(0).inputs.token[0];
        expect(first).toBe(reach ? Math.max(0, before - warmUp) : before);
      },
    ),
    { numRuns: 150 },
  );
});

test("training streams are contiguous, fresh in each pass, stay in their range and move their borders", () => {
  fc.assert(
    fc.property(
      fc.record({ batch: fc.integer({ min: 1, max: 5 }), window: fc.integer({ min: 1, max: 12 }), extra: fc.integer({ min: 0, max: 90 }) }),
      ({ batch, window, extra }) => {
        const range = { start: 4, end: 4 + batch * window + extra };
        const source = trainingStreams(positionsTrack(range.end + 1), range, { batch, window, lookAhead: 1, seed: 3 });
        const passes = 4;
        const firsts = new Set<number>();
        for (let step = 0; step < passes * source.batchesPerPass!; step++) {
          const { inputs, carry, steps } = source.batchAt(step);
          expect(steps).toBe(window);
          expect(carry).toBe(step % source.batchesPerPass! !== 0);
          if (!carry) firsts.add(inputs.token[0]);
          for (let i = 0; i < steps * batch; i++) {
            expect(inputs.token[i]).toBeGreaterThanOrEqual(range.start);
            expect(inputs.token[i]).toBeLessThan(range.end);
            expect(inputs.token[i + batch]).toBe(inputs.token[i] + 1);
          }
          if (carry) expect(inputs.token.slice(0, batch)).toEqual(source.batchAt(step - 1).inputs.token.slice(steps * batch, (steps + 1) * batch));
        }
        if (window > 6 && extra > 10 * batch) expect(firsts.size).toBeGreaterThan(1);
        expectPure(source, 2 * source.batchesPerPass!);
      },
    ),
    { numRuns: 100 },
  );
});

test("windows stay in their range; strided ones have each place once a pass; seeds differ", () => {
  const range = { start: 10, end: 75 };
  const tracks = positionsTrack(80);
  const layout = { batch: 4, window: 8, lookAhead: 1, seed: 5 };
  const random = randomWindows(tracks, range, layout, 3);
  const starts = new Set<number>();
  for (let step = 0; step < 500; step++) {
    const { inputs, lossMask, carry } = random.batchAt(step);
    expect(carry).toBe(false);
    expect([...lossMask!].map(Number)).toEqual(Array.from({ length: 32 }, (_, i) => (i < 12 ? 0 : 1)));
    for (let row = 0; row < 4; row++) starts.add(inputs.token[row]);
  }
  expect([Math.min(...starts), Math.max(...starts), starts.size]).toEqual([10, 67, 58]);
  expectPure(random, 6);
  expect(randomWindows(tracks, range, { ...layout, seed: 6 }).batchAt(0)).not.toEqual(randomWindows(tracks, range, layout).batchAt(0));

  const strided = stridedWindows(tracks, range, layout, 5);
  expect(strided.batchesPerPass).toBe(3);
  for (const pass of [0, 1]) {
    const places: number[] = [];
    for (let step = 0; step < 3; step++) {
      const { inputs, lengths } = strided.batchAt(3 * pass + step);
      for (let row = 0; row < 4; row++) {
        if (lengths === undefined || lengths[row] > 0) places.push(inputs.token[row]);
        else expect(inputs.token.filter((_, i) => i % 4 === row).every((token) => token === 0)).toBe(true);
      }
    }
    expect(places.sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => 10 + 5 * i));
  }
  expect(strided.batchAt(0)).not.toEqual(strided.batchAt(3));
  expectPure(strided, 9);
});
