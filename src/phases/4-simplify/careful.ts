/**
 * Careful forms: what loses digits or overflows as textbooks write it becomes what does not. Data only: see ir/tensor/rewrite.ts for how they are applied.
 *
 * They are applied before gradients are taken (normalize.ts): a gradient is only as good as the form it is taken of (`1/(1+e^-x)` has 0·∞ in its derivative where e^-x
 * overflows), and what a recurrence hands to its backward pass can no longer be seen through. They are part of algebra too, for what other rewrites bring to light.
 */
import type { GraphBuilder, NodeId } from "../../ir/tensor/build.ts";
import { constantValue, identity, type Match, type Rule, rule } from "../../ir/tensor/rewrite.ts";

/** Exponents for which multiplying is cheaper and as exact. */
const isShort = (g: GraphBuilder, exponent: NodeId): boolean => [-1, 0, 0.5, 1, 2].includes(constantValue(g, exponent)!);

/** True for x - max x: the exponentials of it do not overflow. */
function isShifted(g: GraphBuilder, id: NodeId): boolean {
  const { op, args } = g.node(id);
  if (op !== "sub") return false;
  let less = g.node(args[1]);
  while (less.op === "stop_gradient" || less.op === "broadcast") less = g.node(less.args[0]);
  return less.op === "max_over";
}

/** x less its greatest value along the axes of a sum; shifting is free, so no gradient flows through the maximum. */
function shifted({ g, x }: Match, sum: NodeId): { greatest: NodeId; rest: NodeId } {
  const greatest = g.stop_gradient(g.max_over(x.x, g.node(sum).attributes.over!));
  return { greatest, rest: g.sub(x.x, greatest) };
}

export const carefulForms: readonly Rule[] = [
  identity("log σ", ["log", ["sigmoid", "x"]], (g, { x }) => g.log_sigmoid(x)),
  identity("log (1 - σ)", ["log", ["sub", 1, ["sigmoid", "x"]]], (g, { x }) => g.neg(g.softplus(x))),
  identity("log (1 + e^x)", ["log1p", ["exp", "x"]], (g, { x }) => g.softplus(x)),
  identity("log (1 + x)", ["log", ["add", 1, "x"]], (g, { x }) => g.log1p(x)),
  identity("log (1 - x)", ["log", ["sub", 1, "x"]], (g, { x }) => g.log1p(g.neg(x))),
  identity("log e^x", ["log", ["exp", "x"]], (_, { x }) => x),
  identity("log (e^x / y)", ["log", ["div", ["exp", "x"], "y"]], (g, { x, y }) => g.sub(x, g.log(y))),
  identity("e^x - 1", ["sub", ["exp", "x"], 1], (g, { x }) => g.expm1(x)),
  identity("e^x + -1", ["add", ["exp", "x"], -1], (g, { x }) => g.expm1(x)),
  identity("1 - e^x", ["sub", 1, ["exp", "x"]], (g, { x }) => g.neg(g.expm1(x))),
  identity("1 - e^x · e^x", ["sub", 1, ["mul", ["exp", "x"], ["exp", "x"]]], (g, { x }) => g.neg(g.expm1(g.mul(g.constant(2), x)))),
  identity("1 - e^x · e^y", ["sub", 1, ["mul", ["exp", "x"], ["exp", "y"]]], (g, { x, y }) => g.neg(g.expm1(g.add(x, y)))),
  identity("1 - (e^x)^y", ["sub", 1, ["pow", ["exp", "x"], "y"]], (g, { x, y }) => g.neg(g.expm1(g.mul(y, x)))),
  rule("(e^x)^y", ["pow", ["exp", "x"], "y"], ({ g, x }) => (isShort(g, x.y) ? undefined : g.exp(g.mul(x.x, x.y)))),
  rule("σ^y", ["pow", ["sigmoid", "x"], "y"], ({ g, x }) => (isShort(g, x.y) ? undefined : g.exp(g.mul(g.log_sigmoid(x.x), x.y)))),
  identity("e^(log σ)", ["exp", ["log_sigmoid", "x"]], (g, { x }) => g.sigmoid(x)),
  identity("e^-softplus", ["exp", ["neg", ["softplus", "x"]]], (g, { x }) => g.sigmoid(g.neg(x))),
  identity("1 / (1 + e^-x)", ["recip", ["add", 1, ["exp", ["neg", "x"]]]], (g, { x }) => g.sigmoid(x)),
  identity("1 / (1 + e^-x)", ["div", 1, ["add", 1, ["exp", ["neg", "x"]]]], (g, { x }) => g.sigmoid(x)),
  identity("e^x / (1 + e^x)", ["div", ["exp", "x"], ["add", 1, ["exp", "x"]]], (g, { x }) => g.sigmoid(x)),
  identity(
    "(e^x - e^-x) / (e^x + e^-x)",
    ["div", ["sub", ["exp", "x"], ["exp", ["neg", "x"]]], ["add", ["exp", "x"], ["exp", ["neg", "x"]]]],
    (g, { x }) => g.tanh(x),
  ),
  identity("- log σ(-x)", ["neg", ["log_sigmoid", ["neg", "x"]]], (g, { x }) => g.softplus(x)),
  identity("- softplus(-x)", ["neg", ["softplus", ["neg", "x"]]], (g, { x }) => g.log_sigmoid(x)),
  rule("e^x / Σ e^x", ["div", ["exp", "x"], ["sum", ["exp", "x"]]], (match) => {
    const { g, node, x } = match;
    if (isShifted(g, x.x)) return undefined;
    const exponential = g.exp(shifted(match, node.args[1]).rest);
    return g.div(exponential, g.sum(exponential, g.node(node.args[1]).attributes.over!));
  }),
  rule("log Σ e^x", ["log", ["sum", ["exp", "x"]]], (match) => {
    const { g, node, x } = match;
    if (isShifted(g, x.x)) return undefined;
    const { greatest, rest } = shifted(match, node.args[0]);
    return g.add(greatest, g.log(g.sum(g.exp(rest), g.node(node.args[0]).attributes.over!)));
  }),
];
