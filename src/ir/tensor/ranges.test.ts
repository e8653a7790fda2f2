import { expect, test } from "vitest";
import { graphBuilder } from "./build.ts";
import { rangesOf } from "./ranges.ts";

test("bounds of values, and what can be infinite though its leaves are finite", () => {
  const g = graphBuilder([
    ["t", "T"],
    ["H", 3],
  ]);
  const x = g.input("x", ["t", "H"]);
  const { of, mayBreak } = rangesOf(g);
  const bounds = (id: number) => [of(id).low + 0, of(id).high + 0]; // -0 is 0
  const half = g.constant(0.5);
  const powers = g.exp(g.sub(x, g.stop_gradient(g.max_over(x, "H"))));
  expect(bounds(powers)).toEqual([0, 1]);
  expect(bounds(g.sum(powers, "H"))).toEqual([0, 3]);
  expect(bounds(g.sum(powers, "t"))).toEqual([0, Infinity]);
  expect(bounds(g.recip(g.max(g.sum(powers, "H"), half)))).toEqual([1 / 3, 2]);
  expect(bounds(g.mul(g.tanh(x), g.sigmoid(x)))).toEqual([-1, 1]);
  expect(bounds(g.sqrt(g.add(g.mul(x, x), g.constant(4))))).toEqual([2, Infinity]);
  expect(bounds(g.select(g.less(x, half), g.constant(-3), g.neg(g.sigmoid(x))))).toEqual([-3, 0]);
  expect(bounds(g.exp(g.sub(x, g.max(x, half))))).toEqual([0, 1]);
  expect(bounds(g.mul(x, g.constant(0)))).toEqual([0, 0]);
  expect([powers, g.sigmoid(g.exp(x)), g.div(x, g.max(g.abs(x), half)), g.log(g.add(g.abs(x), half))].map(mayBreak)).toEqual([
    false,
    false,
    false,
    false,
  ]);
  expect([g.exp(x), g.mul(x, g.exp(x)), g.div(x, g.abs(x)), g.log(g.abs(x)), g.pow(x, half)].map(mayBreak)).toEqual([true, true, true, true, true]);
});
