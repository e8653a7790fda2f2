import { expect, test } from "vitest";
import { checkLearningRate, type LearningRate, learningRateAt } from "./learning-rate.ts";

const rates = (schedule: LearningRate, steps: number): number[] => Array.from({ length: steps }, (_, i) => learningRateAt(schedule, i + 1, steps));

test("warm-up rises along a line, then the schedule begins at its rate and ends at its final value", () => {
  expect(rates({ kind: "constant", rate: 1, warmUp: 4 }, 6)).toEqual([0.25, 0.5, 0.75, 1, 1, 1]);
  const cosine = rates({ kind: "cosine", rate: 2, warmUp: 3, final: 0.5 }, 11);
  expect(cosine[2]).toBe(2);
  expect(cosine[6]).toBeCloseTo(1.25, 12); // half way
  expect(cosine[10]).toBeCloseTo(0.5, 12);
  const linear = rates({ kind: "linear", rate: 1 }, 5);
  for (const [i, wanted] of [1, 0.75, 0.5, 0.25, 0].entries()) expect(linear[i]).toBeCloseTo(wanted, 12);
});

test("steps and exponential decay", () => {
  expect(rates({ kind: "step", rate: 1, every: 2, factor: 0.5 }, 5)).toEqual([1, 1, 0.5, 0.5, 0.25]);
  expect(rates({ kind: "exponential", rate: 1, factor: 0.5, after: 1 }, 4)).toEqual([1, 1, 0.5, 0.25]);
});

test("a plateau shrinks the rate once per run of validations without improvement, never below the least", () => {
  const schedule: LearningRate = { kind: "plateau", rate: 1, factor: 0.5, patience: 2, least: 0.2 };
  const after = (...losses: number[]): number => learningRateAt(schedule, 10, 100, losses);
  expect(after()).toBe(1);
  expect(after(3, 2, 2.5)).toBe(1);
  expect(after(3, 2, 2.5, 2)).toBe(0.5);
  expect(after(3, 2, 2.5, 2, 1)).toBe(0.5);
  expect(after(3, 2, 2, 2, 2, 2, 2, 2, 2, 2)).toBe(0.2);
});

test("rates that cannot be meant are refused", () => {
  for (const rate of [0, -1, NaN, Infinity]) expect(() => checkLearningRate({ kind: "constant", rate })).toThrow(/must be a positive number/);
  expect(() => checkLearningRate({ kind: "step", rate: 1, every: 0, factor: 0.5 })).toThrow(/every/);
});
