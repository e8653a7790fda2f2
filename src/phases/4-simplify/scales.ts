/**
 * Factors that a product over time could take before or after it: `Σ_s e[t,s]/z[t]·v[s]` is `(Σ_s e[t,s]·v[s]) / z[t]`, a division for every step instead of one for every
 * pair of steps.
 *
 * Rules for values with two time axes only: there are T times as many of them as of anything else. After Milakov & Gimelshein 2018, "Online normalizer calculation for
 * softmax", and Dao et al. 2022, who divide once at the end.
 */
import { commonAxes, hasAxes } from "../../ir/tensor/axes.ts";
import type { GraphBuilder, NodeId } from "../../ir/tensor/build.ts";
import type { AxisName } from "../../ir/tensor/node.ts";
import { constantValue, type Match, rule, type Rule } from "../../ir/tensor/rewrite.ts";

const isSquareOver = (g: GraphBuilder, axes: readonly AxisName[]): boolean => axes.filter((axis) => g.size(axis) === "T").length > 1;

/** True for a value with two time axes. */
export const isSquare = (g: GraphBuilder, id: NodeId): boolean => isSquareOver(g, g.axesOf(id));

/** (x·y) / c for all pairs of steps: divides x. */
function scaleFactor({ g, node, x: { x, y, c } }: Match): NodeId | undefined {
  if (constantValue(g, c) === undefined || !isSquareOver(g, node.axes) || isSquare(g, x)) return undefined;
  const product = g.node(node.args[node.args[0] === c ? 1 : 0]);
  return g.contract(node.op === "div" ? g.div(x, c) : g.mul(x, c), y, product.attributes.over!);
}

/** Σ (x/z)·y of pairs: divides the sum, or y. */
function scaleResult({ g, node, x: { x, y, z } }: Match): NodeId | undefined {
  const over = node.attributes.over!;
  if (!isSquare(g, x) || isSquareOver(g, node.axes)) return undefined;
  if (commonAxes(g.axesOf(z), over).length === 0) return hasAxes(node.axes, g.axesOf(z)) ? g.div(g.contract(x, y, over), z) : undefined;
  return hasAxes(g.axesOf(y), g.axesOf(z)) && !isSquare(g, y) ? g.contract(x, g.div(y, z), over) : undefined;
}

export const scaleForms: readonly Rule[] = [
  rule("scale a factor", ["div", ["contract", "x", "y"], "c"], scaleFactor),
  rule("scale a factor", ["mul", ["contract", "x", "y"], "c"], scaleFactor),
  rule("divide the sum", ["contract", ["div", "x", "z"], "y"], scaleResult),
];
