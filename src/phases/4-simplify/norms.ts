/**
 * Normalisation with fewer passes over its elements: a norm or deviation divides by one reciprocal, and a gradient through it takes its sums all at once. Data only: see
 * ir/tensor/rewrite.ts for how rules are applied. No rule knows a normalisation by name: they are identities of sums and roots.
 */
import { commonAxes, withoutAxes } from "../../ir/tensor/axes.ts";
import type { GraphBuilder, NodeId } from "../../ir/tensor/build.ts";
import type { AxisName } from "../../ir/tensor/node.ts";
import { type Rule, rule } from "../../ir/tensor/rewrite.ts";

const hasPairs = (g: GraphBuilder, axes: readonly AxisName[]): boolean => axes.filter((axis) => g.size(axis) === "T").length > 1;

/**
 * The root behind a broadcast that has fewer elements than a value with these axes. A root of a float32 lies between 2⁻⁷⁵ and 2⁶⁴, so its reciprocal is finite where it is
 * not 0 or ∞, and for those the product is what the quotient is. Values with two time axes keep their division: see scales.ts.
 */
export function sharedRoot(g: GraphBuilder, id: NodeId, axes: readonly AxisName[]): NodeId | undefined {
  let root = id;
  while (g.node(root).op === "broadcast") root = g.node(root).args[0];
  let inner = g.node(root);
  while (inner.op === "rename") inner = g.node(inner.args[0]);
  return inner.op === "sqrt" && withoutAxes(axes, g.axesOf(root)).length > 0 && !hasPairs(g, axes) ? root : undefined;
}

/** A term of a sum: a value, and what scales all of it. */
interface Term {
  readonly value: NodeId;
  readonly scale?: NodeId;
}

function termsOf(g: GraphBuilder, id: NodeId, over: readonly AxisName[]): Term[] {
  const { op, args } = g.node(id);
  if (op === "add") return args.flatMap((arg) => termsOf(g, arg, over));
  if (op === "mul") {
    for (const [value, scale] of [args, args.toReversed()]) {
      if (commonAxes(g.axesOf(scale), over).length === 0 && over.every((axis) => g.axesOf(value).includes(axis))) return [{ value, scale }];
    }
  }
  return [{ value: id }];
}

/** Arguments of arguments that are looked at: a mean, a root and its derivative are fewer. */
const DEPTH = 8;

/** True if the value waits for a sum over the same axes. */
function waitsForSum(g: GraphBuilder, id: NodeId, over: readonly AxisName[], depth = DEPTH): boolean {
  const { op, args, attributes } = g.node(id);
  if (op === "sum" || op === "contract") return commonAxes(attributes.over!, over).length > 0;
  return depth > 0 && args.some((arg) => waitsForSum(g, arg, over, depth - 1));
}

/** Rules that hold before gradients are taken too (normalize.ts): a backward pass is then handed the reciprocal. */
export const rootForms: readonly Rule[] = [
  rule("x / √y", ["div", "x", "y"], ({ g, node, x }) => {
    const root = sharedRoot(g, x.y, node.axes);
    return root === undefined ? undefined : g.mul(x.x, g.recip(root));
  }),
];

export const normForms: readonly Rule[] = [
  ...rootForms,
  // k waits for a sum of its own; Σ x and Σ y need not wait for it.
  rule("Σ (k·x + y)", ["sum", ["add", "x", "y"]], ({ g, node }) => {
    const over = node.attributes.over!;
    const terms = termsOf(g, node.args[0], over);
    const whole = terms.every(({ value }) => over.every((axis) => g.axesOf(value).includes(axis)));
    if (!whole || hasPairs(g, g.axesOf(node.args[0])) || !terms.some(({ scale }) => scale !== undefined && waitsForSum(g, scale, over))) return undefined;
    return g.addAll(terms.map(({ value, scale }) => (scale === undefined ? g.sum(value, over) : g.mul(scale, g.sum(value, over)))));
  }),
];
