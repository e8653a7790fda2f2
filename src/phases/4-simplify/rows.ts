/**
 * Rows that are centred or divided by a root, as a normalisation does: `(x − Σx/n) / √y` with x a product of a weight.
 *
 * Rules applied before gradients are taken, so that these take the same form. A product less a multiple of its own sum is one product of a weight whose columns are
 * centred, `W·x − c·Σ(W·x) = (W − c·ΣW)·x`: once for all examples and steps, and its gradient is centred once as well instead of for each of them. And a row is
 * multiplied by the reciprocal of a root instead of divided by it: the square root of a number is neither so small nor so large that its reciprocal is not a number
 * of full precision.
 */
import { commonAxes, hasAxes } from "../../ir/tensor/axes.ts";
import type { GraphBuilder, NodeId } from "../../ir/tensor/build.ts";
import { constantValue, type Match, rule, type Rule } from "../../ir/tensor/rewrite.ts";
import { isTimed } from "../../ir/tensor/sizes.ts";

/** The value before it was broadcast or laid out. */
function bare(g: GraphBuilder, id: NodeId): NodeId {
  const { op, args } = g.node(id);
  return op === "broadcast" || op === "transpose" ? bare(g, args[0]) : id;
}

/** True for a weight as it is, under whatever axis names. */
function isWeight(g: GraphBuilder, id: NodeId): boolean {
  const { op, args, axes, attributes } = g.node(id);
  if (op === "rename" || op === "transpose") return isWeight(g, args[0]);
  const fixed = op === "weight" || (op === "parameter" && attributes.kind === "static");
  return fixed && axes.every((axis) => axis !== "b" && !isTimed(g.size(axis)));
}

/** x − c·Σx of a product over axes that its weight alone has. */
function centredWeight({ g, node, x: { c } }: Match): NodeId | undefined {
  const product = bare(g, node.args[0]);
  const { op, args, attributes } = g.node(product);
  const factor = constantValue(g, c);
  if (op !== "contract" || factor === undefined) return undefined;
  const multiple = g.node(bare(g, node.args[1]));
  const sum = g.node(bare(g, multiple.args[multiple.args[0] === c ? 1 : 0]));
  if (bare(g, sum.args[0]) !== product) return undefined;
  const over = sum.attributes.over!;
  for (const [w, x] of [args, args.toReversed()]) {
    if (!isWeight(g, w) || !hasAxes(g.axesOf(w), over) || commonAxes(g.axesOf(x), over).length > 0) continue;
    return g.contract(x, g.sub(w, g.mul(g.sum(w, over), g.constant(factor))), attributes.over!);
  }
  return undefined;
}

/** True for a root that divides a value with more axes: one for each row. */
export function isRowRoot(g: GraphBuilder, root: NodeId, value: NodeId): boolean {
  const [narrow, wide] = [bare(g, root), bare(g, value)];
  return g.node(narrow).op === "sqrt" && g.axesOf(narrow).length < g.axesOf(wide).length && hasAxes(g.axesOf(wide), g.axesOf(narrow));
}

export const rowForms: readonly Rule[] = [
  rule("centred weight", ["sub", "x", ["mul", ["sum", "y"], "c"]], centredWeight),
  rule("centred weight", ["sub", "x", ["broadcast", ["mul", ["sum", "y"], "c"]]], centredWeight),
  rule("x / √y of rows", ["div", "x", "y"], ({ g, x }) => (isRowRoot(g, x.y, x.x) ? g.mul(x.x, g.recip(bare(g, x.y))) : undefined)),
];
