/**
 * Masks go where they are cheapest: `Σ_s a[n,s] * v[n,s]` with `s ≤ t` is written as a sum of chosen products over [t, s, b, n, V], and becomes one contraction of the
 * masked `a` [t, s, b, n] with `v`.
 *
 * Rules for a choice between a value and 0. In a sum it moves into the factor that has the mask's axes; it vanishes where the value is 0 outside the mask anyway; after a
 * product that keeps the mask's axes it comes last. As everywhere in algebra, 0·x is 0: x is finite where any step needs it.
 */
import { commonAxes, hasAxes, withoutAxes } from "../../ir/tensor/axes.ts";
import type { GraphBuilder, NodeId } from "../../ir/tensor/build.ts";
import { rangesOf } from "../../ir/tensor/ranges.ts";
import { constantValue, type Match, rule, type Rule } from "../../ir/tensor/rewrite.ts";

/** The value before it was broadcast or laid out. */
function bare(g: GraphBuilder, id: NodeId): NodeId {
  const { op, args } = g.node(id);
  return op === "broadcast" || op === "transpose" ? bare(g, args[0]) : id;
}

/** True for a value that is 0 or 1: a comparison, or several at once. */
function isTruth(g: GraphBuilder, id: NodeId): boolean {
  const { op, args } = g.node(id);
  if (op === "less" || op === "less_equal" || op === "equal") return true;
  return (op === "mul" || op === "min" || op === "max" || op === "broadcast" || op === "transpose") && args.every((arg) => isTruth(g, arg));
}

/** How far a value is followed to see that it is 0 outside of a mask. */
const MOST_STEPS = 8;

/** True if x is 0 wherever the mask is. */
function isMasked(g: GraphBuilder, x: NodeId, mask: NodeId, steps = MOST_STEPS): boolean {
  const { op, args } = g.node(x);
  if (x === mask) return true;
  if (steps === 0) return false;
  const masked = (arg: NodeId): boolean => isMasked(g, arg, mask, steps - 1);
  switch (op) {
    case "select":
      return masked(args[2]) || constantValue(g, args[2]) === 0 ? bare(g, args[0]) === mask || masked(args[1]) : false;
    case "mul":
      return (masked(args[0]) && !rangesOf(g).mayBreak(args[1])) || (masked(args[1]) && !rangesOf(g).mayBreak(args[0]));
    case "div":
      return masked(args[0]) && rangesOf(g).of(args[1]).low > 0;
    case "neg":
    case "broadcast":
    case "transpose":
      return masked(args[0]);
    case "add":
    case "sub":
      return masked(args[0]) && masked(args[1]);
    default:
      return false;
  }
}

/** Σ of a product under a mask that varies along the sum; the factor with the mask's axes is smaller than the product. */
function maskInFactor({ g, node, x: { m, x, y } }: Match): NodeId | undefined {
  const over = node.attributes.over!;
  const mask = bare(g, m);
  if (!hasAxes(g.axesOf(x), g.axesOf(mask)) || hasAxes(g.axesOf(x), g.axesOf(y)) || commonAxes(over, g.axesOf(mask)).length === 0) return undefined;
  return g.contract(g.select(mask, x, g.constant(0)), y, over);
}

/** Σ under a mask that varies along the sum and has an axis that the value lacks: the mask is the factor. */
function maskAsFactor({ g, node, x: { m, x } }: Match): NodeId | undefined {
  const over = node.attributes.over!;
  const mask = bare(g, m);
  const [own, value] = [g.axesOf(mask), g.axesOf(bare(g, x))];
  const alone = own.some((axis) => !over.includes(axis) && !value.includes(axis));
  if (!alone || commonAxes(over, own).length === 0 || !hasAxes([...own, ...value], over) || !isTruth(g, mask)) return undefined;
  return g.contract(mask, bare(g, x), over);
}

/** A product of a masked value, along other axes than the mask's: the mask comes last if the value has fewer axes without it. */
function maskAfterProduct({ g, node, x: { m, x, y } }: Match): NodeId | undefined {
  const mask = bare(g, m);
  const own = g.axesOf(mask);
  const result = withoutAxes([...g.axesOf(x), ...g.axesOf(y)], node.attributes.over!);
  if (hasAxes(g.axesOf(x), own) || !hasAxes(result, own)) return undefined;
  return g.select(mask, g.contract(x, y, node.attributes.over!), g.constant(0));
}

export const maskForms: readonly Rule[] = [
  rule("mask in the factor", ["sum", ["select", "m", ["mul", "x", "y"], 0]], maskInFactor),
  rule("mask as a factor", ["sum", ["select", "m", "x", 0]], maskAsFactor),
  rule("mask after the product", ["contract", ["select", "m", "x", 0], "y"], maskAfterProduct),
  rule("masked already", ["select", "m", "x", 0], ({ g, x }) => (isMasked(g, x.x, bare(g, x.m)) ? x.x : undefined)),
];
