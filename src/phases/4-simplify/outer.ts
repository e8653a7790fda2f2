/**
 * Products with outer products, which need not be made: `Σ_vk M[v,k]·(a[v]·b[k])` is `Σ_v a[v]·(Σ_k M[v,k]·b[k])`.
 *
 * Rules for matrix states (delta rule, gated linear attention, mLSTM), whose gradients contract a matrix with what was written to the state. A matrix per time step that
 * nobody reads need not be stored for the backward pass.
 */
import { commonAxes, hasAxes, withoutAxes } from "../../ir/tensor/axes.ts";
import type { GraphBuilder, NodeId } from "../../ir/tensor/build.ts";
import type { AxisName } from "../../ir/tensor/node.ts";
import { type Match, rule, type Rule } from "../../ir/tensor/rewrite.ts";

/** Axes of the sum that only one of two factors has: of the first, of the second. */
function separate(g: GraphBuilder, y: NodeId, z: NodeId, over: readonly AxisName[]): [AxisName[], AxisName[]] {
  const [own, other] = [g.axesOf(y), g.axesOf(z)];
  return [withoutAxes(commonAxes(over, own), other), withoutAxes(commonAxes(over, other), own)];
}

/** Σ x·(y·z), where x has all axes: one factor after the other. */
function oneAfterTheOther({ g, node, x: { x, y, z } }: Match): NodeId | undefined {
  const over = node.attributes.over!;
  const all = g.axesOf(x);
  if (!hasAxes(all, g.axesOf(y)) || !hasAxes(all, g.axesOf(z)) || hasAxes(g.axesOf(z), g.axesOf(y)) || hasAxes(g.axesOf(y), g.axesOf(z)))
    return undefined;
  const [, first] = separate(g, y, z, over);
  if (first.length === 0) return undefined;
  const rest = withoutAxes(over, first);
  const inner = g.contract(x, z, first);
  return rest.length > 0 ? g.contract(inner, y, rest) : g.mul(inner, y);
}

/** Σ x·(c·y), where the result has c's axes and none that x lacks: c comes last. */
function scaleLast({ g, node, x: { x, y, z } }: Match): NodeId | undefined {
  const over = node.attributes.over!;
  const smaller = hasAxes(g.axesOf(y), node.axes) && node.axes.length < g.axesOf(y).length;
  if (!smaller || !hasAxes(node.axes, g.axesOf(z)) || g.axesOf(z).length >= node.axes.length + over.length) return undefined;
  return g.mul(g.contract(x, y, over), z);
}

/** True for the outer product of two values along the axes of a sum. */
function isOuter(g: GraphBuilder, id: NodeId, over: readonly AxisName[]): boolean {
  const { op, args } = g.node(id);
  return op === "mul" && separate(g, args[0], args[1], over).every((axes) => axes.length > 0);
}

/** Σ x·(a ± b), where one of them is an outer product. */
function termByTerm({ g, node, x: { x, a, b } }: Match, op: "add" | "sub"): NodeId | undefined {
  const over = node.attributes.over!;
  const fits = [a, b].every((term) => hasAxes(g.axesOf(x), g.axesOf(term)) && hasAxes(g.axesOf(term), over));
  if (!fits || !(isOuter(g, a, over) || isOuter(g, b, over))) return undefined;
  return g.binary(op, g.contract(x, a, over), g.contract(x, b, over));
}

export const outerForms: readonly Rule[] = [
  rule("outer product in a sum", ["contract", "x", ["mul", "y", "z"]], oneAfterTheOther),
  rule("scale the sum", ["contract", "x", ["mul", "y", "z"]], scaleLast),
  rule("sum term by term", ["contract", "x", ["sub", "a", "b"]], (match) => termByTerm(match, "sub")),
  rule("sum term by term", ["contract", "x", ["add", "a", "b"]], (match) => termByTerm(match, "add")),
];
