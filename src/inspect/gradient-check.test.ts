import { expect, test } from "vitest";
import { checkGradient } from "./gradient-check.ts";

const loss = (p: Float64Array): number => Math.sin(p[0]) * p[1] + Math.exp(0.3 * p[2]) + p[3] ** 3;
const at = [0.4, -1.2, 0.7, 0.9];
const exact = [Math.cos(0.4) * -1.2, Math.sin(0.4), 0.3 * Math.exp(0.21), 3 * 0.81];
const weights = [
  { name: "a", start: 0, length: 2 },
  { name: "b", start: 2, length: 2 },
];

test("an exact gradient passes to ten digits, and the parameters are left alone", () => {
  const parameters = Float64Array.from(at);
  const result = checkGradient(loss, parameters, exact, weights);
  expect(result.coordinates).toBe(4);
  expect(result.largestRelativeError).toBeLessThan(1e-10);
  expect([...parameters]).toEqual(at);
});

test("a wrong coordinate is found and named", () => {
  const result = checkGradient(loss, at, [exact[0], exact[1], exact[2] * 1.01, exact[3]], weights);
  expect(result.worst?.weight).toBe("b");
  expect(result.worst?.index).toBe(0);
  expect(result.largestRelativeError).toBeGreaterThan(1e-3);
});

test("a gradient that is not a number is an error", () => {
  expect(checkGradient(loss, at, [NaN, 0, 0, 0], weights).largestRelativeError).toBeNaN();
  const lossWithHole = (p: Float64Array): number => (p[1] === at[1] ? loss(p) : NaN);
  expect(checkGradient(lossWithHole, at, exact, weights)).toMatchObject({ largestRelativeError: NaN, worst: { weight: "a", index: 1 } });
});
