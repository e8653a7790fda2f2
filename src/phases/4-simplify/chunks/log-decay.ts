/**
 * Logarithms of decays, without rounding a decay first: `log σ(x)` is `log_sigmoid(x)`, `log e^x` is x.
 *
 * In: a value of a graph under construction. Out: its logarithm; undefined unless the value is positive by its form. So products of decays become sums, which neither
 * underflow nor lose the digits of a decay close to 1.
 */
import type { GraphBuilder, NodeId } from "../../../ir/tensor/build.ts";
import type { Node } from "../../../ir/tensor/node.ts";
import { rangesOf } from "../../../ir/tensor/ranges.ts";
import { constantValue } from "../../../ir/tensor/rewrite.ts";

/** Below this a decay that is positive only by the ranges of its parts is taken to be possibly 0. */
const LEAST = 1e-30;

export function logarithm(g: GraphBuilder, id: NodeId): NodeId | undefined {
  const node = g.node(id);
  const { op, args } = node;
  const of = (arg: number): NodeId | undefined => logarithm(g, args[arg]);
  switch (op) {
    case "constant":
      return node.attributes.value! > 0 ? g.constant(Math.log(node.attributes.value!)) : undefined;
    case "exp":
      return args[0];
    case "sigmoid":
      return g.log_sigmoid(args[0]);
    case "sub":
      if (constantValue(g, args[0]) === 1 && g.node(args[1]).op === "sigmoid") return g.log_sigmoid(g.neg(g.node(args[1]).args[0]));
      break;
    case "mul":
    case "div": {
      const [x, y] = [of(0), of(1)];
      if (x !== undefined && y !== undefined) return op === "mul" ? g.add(x, y) : g.sub(x, y);
      break;
    }
    case "recip": {
      const x = of(0);
      return x === undefined ? undefined : g.neg(x);
    }
    case "rename":
    case "transpose":
    case "broadcast":
    case "slice":
    case "pick":
      return through(g, node);
  }
  return rangesOf(g).of(id).low > LEAST ? g.log(id) : undefined;
}

/** Views of a value are views of its logarithm. */
function through(g: GraphBuilder, { op, args, attributes, axes, type }: Node): NodeId | undefined {
  const inner = logarithm(g, args[0]);
  if (inner === undefined) return undefined;
  if (op === "broadcast") return g.expand(inner, axes);
  return g.make(op, [g.expand(inner, g.axesOf(args[0]))], attributes, { axes, type });
}
