/**
 * Sums over all steps between two.
 *
 * In: a value [t, …] of a graph. Out: its running sum in two parts, [t, …] each, by a recurrence: what float32 holds of it, and what rounding took away
 * (Neumaier 1974; two_sum of Knuth, The Art of Computer Programming 2, 4.2.2). The difference of two running sums keeps the digits of a direct sum that way.
 */
import { graphBuilder, type GraphBuilder, type NodeId } from "../../ir/tensor/build.ts";

export interface RunningSum {
  readonly high: NodeId;
  readonly low: NodeId;
}

export function runningSum(outer: GraphBuilder, node: NodeId): RunningSum {
  const rest = outer.axesOf(node).filter((axis) => axis !== "t");
  const inner = graphBuilder(outer.axes);
  const parameter = (kind: "sequence" | "state", index: number): NodeId => inner.parameter(kind, index, { axes: rest, type: "real" });
  const [now, high, low] = [parameter("sequence", 0), parameter("state", 0), parameter("state", 1)];
  const sum = inner.add(high, now);
  const taken = inner.sub(sum, high);
  const lost = inner.add(inner.sub(high, inner.sub(sum, taken)), inner.sub(now, taken));
  const rounding = inner.add(low, lost);
  const body = inner.finish([
    { name: "next 0", node: sum },
    { name: "next 1", node: rounding },
    { name: "emit 0", node: sum },
    { name: "emit 1", node: rounding },
  ]);
  const begin = outer.filled(0, rest);
  const stateNames = ["running sum", "rounding of the running sum"];
  const scan = outer.scanNode([node, begin, begin], { reverse: false, sequences: 1, statics: 0, states: 2, body, stateNames });
  return { high: outer.emitted(scan, 0), low: outer.emitted(scan, 1) };
}
