/**
 * Which positions a time index takes: `s ≤ t`, windows, whole sequences.
 *
 * In: the index and the run's validity and document boundaries. Out: 1 where position s counts at time t: [t, s], with b where it depends on the sequence.
 */
import type { IndexDeclaration, Size } from "../../ir/network/node.ts";
import type { NodeId } from "../../ir/tensor/build.ts";
import type { OuterFrame, Value } from "./build-frame.ts";

export function timeMask(
  frame: OuterFrame,
  index: IndexDeclaration,
  number: (size: Size) => number,
  valid: NodeId | undefined,
  reset: NodeId | undefined,
): Value {
  const { b } = frame;
  const s = frame.sizes.index(index.name);
  const now = b.iota("t");
  const then = b.iota(s);
  const whole = (value: number): NodeId => b.constant(value, "index");
  const conditions: NodeId[] = [];
  if (index.upper !== undefined) conditions.push(b.less_equal(then, b.add(now, whole(index.upper))));
  if (index.lower !== undefined) conditions.push(b.less_equal(b.add(now, whole(index.lower)), then));
  if (index.after !== undefined) conditions.push(b.less(b.iota(frame.sizes.index(index.after)), then));
  if (index.window) conditions.push(b.less(now, b.add(then, whole(number(index.window)))));
  const isCausal = index.upper !== undefined && index.upper <= 0;
  if (valid !== undefined && !isCausal) conditions.push(b.rename(valid, "t", s));
  if (reset !== undefined) {
    // Positions of one document have the same number of beginnings up to them.
    const earlier = b.otherAxis(s, [s]);
    const upTo = b.less_equal(b.iota(earlier), now);
    const documents = b.contract(upTo, b.rename(reset, "t", earlier), earlier);
    conditions.push(b.equal(documents, b.rename(documents, "t", s)));
  }
  const all = conditions.length > 0 ? conditions.reduce((x, y) => b.mul(x, y)) : b.filled(1, ["t", s]);
  const axes = b.axesOf(all);
  const wanted = ["t", ...(axes.includes("b") ? ["b"] : []), ...(index.after === undefined ? [] : [frame.sizes.index(index.after)]), s];
  return { node: b.expand(all, wanted), dims: [] };
}
