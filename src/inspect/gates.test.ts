import { expect, test } from "vitest";
import { gateStatistics, halfLife, meanOverTime, meanOverUnits } from "./gates.ts";

// Two sequences of lengths 3 and 1, two units; what stands in the padding must not count.
const recording = {
  name: "f",
  steps: 3,
  batch: 2,
  units: 2,
  lengths: [3, 1],
  values: [0.95, 0.5, 0.05, 0.5, 0.95, 0.5, NaN, NaN, 0.95, 0.5, NaN, NaN],
};

test("statistics count valid steps only", () => {
  const { count, mean, left, right, units, histogram } = gateStatistics(recording);
  expect(count).toBe(8);
  expect(mean).toBeCloseTo((3 * 0.95 + 0.05 + 4 * 0.5) / 8, 12);
  expect([left, right]).toEqual([1 / 8, 3 / 8]);
  expect([units[0].left, units[0].right, units[1].left, units[1].right]).toEqual([0.25, 0.75, 0, 0]);
  expect(histogram).toEqual([1, 0, 0, 0, 0, 4, 0, 0, 0, 3]);
});

test("thresholds follow the range", () => {
  const tanhLike = gateStatistics({ name: "g", steps: 2, batch: 1, units: 1, values: [-0.85, 0.7] }, [-1, 1]);
  expect([tanhLike.left, tanhLike.right]).toEqual([0.5, 0]);
});

test("a constant carry of f remembers 1/(-ln f) steps, and an open one for ever", () => {
  const constant = gateStatistics({ name: "f", steps: 50, batch: 1, units: 1, values: new Float64Array(50).fill(0.9) });
  expect(constant.units[0].timeConstant).toBeCloseTo(-1 / Math.log(0.9), 9);
  expect(halfLife(constant.units[0].timeConstant)).toBeCloseTo(Math.log(0.5) / Math.log(0.9), 9);
  expect(gateStatistics({ name: "f", steps: 4, batch: 1, units: 1, values: [1, 1, 1, 1] }).units[0].timeConstant).toBe(Infinity);
});

test("means over units and over time", () => {
  expect([...meanOverUnits(recording, 0)]).toEqual([0.725, 0.725, 0.725]);
  expect(meanOverUnits(recording, 1).length).toBe(1);
  expect(meanOverTime(recording)[1]).toBe(0.5);
});

test("an empty recording gives zeros", () => {
  expect(gateStatistics({ name: "i", steps: 0, batch: 1, units: 1, values: [] })).toMatchObject({ count: 0, mean: 0, left: 0 });
});
