/**
 * Which values of a chunk's body are 0 at the steps past the end.
 *
 * In: the body of a scan by chunks and its axis of steps. Out: for a node with that axis, whether it is 0 wherever all sequences are. Only such a value may be emitted and read again by the
 * backward scan: what comes in there is filled up with zeros too. Says no where it does not know.
 */
import type { GraphBuilder, NodeId } from "../../ir/tensor/build.ts";
import type { AxisName, Op } from "../../ir/tensor/node.ts";
import { constantValue } from "../../ir/tensor/rewrite.ts";

/** Ops that are 0 where their argument is. */
const KEEPS_ZERO: ReadonlySet<Op> = new Set<Op>([
  "neg",
  "abs",
  "sign",
  "step",
  "relu",
  "tanh",
  "sin",
  "sqrt",
  "expm1",
  "erf",
  "stop_gradient",
  "transpose",
]);

export function vanishing(g: GraphBuilder, chunk: AxisName): (id: NodeId) => boolean {
  const known = new Map<NodeId, boolean>();
  const vanishes = (id: NodeId): boolean => {
    const found = known.get(id) ?? decide(id);
    known.set(id, found);
    return found;
  };
  const decide = (id: NodeId): boolean => {
    const { op, args, attributes, axes } = g.node(id);
    if (constantValue(g, id) === 0) return true;
    if (!axes.includes(chunk)) return false;
    switch (op) {
      case "parameter":
        return attributes.kind === "sequence";
      case "mul":
      case "contract":
        return args.some((arg) => g.axesOf(arg).includes(chunk) && vanishes(arg));
      case "add":
      case "sub":
      case "solve":
        return args.every(vanishes);
      case "select":
        return vanishes(args[1]) && vanishes(args[2]);
      case "div":
        return vanishes(args[0]);
      case "broadcast":
        return vanishes(args[0]);
      case "rename":
        return !(attributes.to as readonly AxisName[]).includes(chunk) && vanishes(args[0]);
      default:
        return KEEPS_ZERO.has(op) && vanishes(args[0]);
    }
  };
  return vanishes;
}
