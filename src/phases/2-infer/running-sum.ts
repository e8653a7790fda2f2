/**
 * Sums over all steps up to each.
 *
 * In: a value [t, …] of a graph. Out: Σ over r ≤ t of it, [t, …], by a recurrence.
 */
import { graphBuilder, type GraphBuilder, type NodeId } from "../../ir/tensor/build.ts";

export function runningSum(outer: GraphBuilder, node: NodeId): NodeId {
  const rest = outer.axesOf(node).filter((axis) => axis !== "t");
  const inner = graphBuilder(outer.axes);
  const now = inner.parameter("sequence", 0, { axes: rest, type: "real" });
  const before = inner.parameter("state", 0, { axes: rest, type: "real" });
  const sum = inner.add(before, now);
  const body = inner.finish([
    { name: "next 0", node: sum },
    { name: "emit 0", node: sum },
  ]);
  const scan = outer.scanNode([node, outer.filled(0, rest)], { reverse: false, sequences: 1, statics: 0, states: 1, body, stateNames: ["running sum"] });
  return outer.emitted(scan, 0);
}
