/**
 * Reverse accumulation over nodes already in a builder: from the cotangents of some to the cotangents of those they depend on.
 *
 * In: seeds by node, the nodes that can have a gradient. Out: cotangents by node, each with exactly its node's axes. Never enters a scan: the caller says what
 * happens there.
 */
import { unionAxes, withoutAxes } from "../../ir/tensor/axes.ts";
import type { GraphBuilder, NodeId } from "../../ir/tensor/build.ts";
import type { AxisName, Op, ScanOp } from "../../ir/tensor/node.ts";
import { rangesOf } from "../../ir/tensor/ranges.ts";
import { flowsThrough, pullbacks } from "./pullbacks.ts";

/** Cotangents under way: terms to be added up when their node is reached. */
export interface Cotangents {
  add(node: NodeId, term: NodeId): void;
  /** The sum of all terms for a node, undefined if there are none. */
  get(node: NodeId): NodeId | undefined;
}

/** The cotangent with exactly these axes: summed over those beyond, constant along those it lacks. */
function fit(g: GraphBuilder, x: NodeId, axes: readonly AxisName[]): NodeId {
  const beyond = withoutAxes(g.axesOf(x), axes);
  const full = unionAxes(axes, beyond);
  const missing = withoutAxes(full, g.axesOf(x));
  const summed = beyond.length > 0 ? g.sum(x, beyond) : x;
  return g.broadcast(summed, missing);
}

export function cotangents(g: GraphBuilder): Cotangents {
  const terms = new Map<NodeId, NodeId[]>();
  return {
    add(node, term) {
      const list = terms.get(node) ?? [];
      list.push(fit(g, term, g.axesOf(node)));
      terms.set(node, list);
    },
    get(node) {
      const list = terms.get(node);
      if (!list) return undefined;
      const total = g.addAll(list);
      terms.set(node, [total]);
      return total;
    },
  };
}

/**
 * Walks the nodes backwards and passes cotangents on to arguments that are `active`.
 * `onScanOp` receives what is reached of scan, emitted and final nodes.
 */
export function pullBack(
  g: GraphBuilder,
  nodes: readonly NodeId[],
  active: (id: NodeId) => boolean,
  into: Cotangents,
  onScanOp: (id: NodeId) => void,
): void {
  const guarded = new Set<NodeId>();
  const ranges = rangesOf(g);
  for (let i = nodes.length - 1; i >= 0; i--) {
    const y = nodes[i];
    const node = g.node(y);
    if (!active(y)) continue;
    if (guarded.has(y)) for (const arg of node.args) guarded.add(arg);
    else if (node.op === "select") for (const side of node.args.slice(1)) guarded.add(side);
    if (node.op === "scan" || node.op === "emitted" || node.op === "final") {
      onScanOp(y);
      continue;
    }
    const dy = into.get(y);
    const op = node.op as Exclude<Op, ScanOp>;
    if (dy === undefined || !node.args.some((arg, k) => active(arg) && flowsThrough(op, k))) continue;
    const parts = pullbacks[op].pull({ g, node, y, args: node.args, dy, guarded: guarded.has(y), ranges });
    for (const [k, arg] of node.args.entries()) if (parts[k] !== undefined && active(arg)) into.add(arg, parts[k]);
  }
}
