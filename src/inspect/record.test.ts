import { expect, test } from "vitest";
import { createRecorder } from "./record.ts";

test("padding is left out, the first batch keeps its order of time", () => {
  const recorder = createRecorder(["f"]);
  expect(recorder.recorded()).toBeUndefined();
  const batch = { steps: 2, batch: 2, inputs: {}, lengths: Int32Array.of(2, 1), carry: false };
  const data = Float32Array.of(1, 2, 3, 4, 5, 6, NaN, NaN); // [2, 2, 2]
  recorder.metric.measure(batch, { f: { data, shape: [2, 2, 2] } }, new Float32Array(4));
  recorder.metric.measure({ ...batch, lengths: undefined }, { f: { data: data.map((x) => x + 10), shape: [2, 2, 2] } }, new Float32Array(4));
  const recorded = recorder.recorded()!;
  expect([...(recorded.all.get("f")!.values as Float32Array)].slice(0, 6)).toEqual([1, 2, 5, 6, 3, 4]);
  expect(recorded.all.get("f")).toMatchObject({ steps: 7, batch: 1, units: 2 });
  expect(recorded.first.get("f")).toMatchObject({ steps: 2, batch: 2, units: 2 });
  expect(recorded.firstBatch).toBe(batch);
  data.fill(0);
  expect(recorded.first.get("f")!.values[0]).toBe(1);
});

test("positions are counted together, however many a batch has", () => {
  const recorder = createRecorder(["a"]);
  const measured = (steps: number) => ({
    a: { data: new Float32Array(steps * steps).fill(1 / steps), shape: [steps, 1, steps], overPositions: true },
  });
  for (const steps of [2, 3]) recorder.metric.measure({ steps, batch: 1, inputs: {}, carry: false }, measured(steps), new Float32Array(steps));
  const { all, first } = recorder.recorded()!;
  expect(all.get("a")).toMatchObject({ steps: 4 + 9, units: 1, overPositions: true });
  expect(first.get("a")).toMatchObject({ steps: 2, units: 2 });
});
