import { expect, test } from "vitest";
import { graphBuilder, type GraphBuilder, type NodeId } from "../../ir/tensor/build.ts";
import { interpret } from "../../ir/tensor/interpret.ts";
import { verify } from "../../ir/tensor/verify.ts";
import { joinDelays } from "./delays.ts";

/** Delays of a sequence, one step after the other. */
function delayed(g: GraphBuilder, x: NodeId, steps: number, fill = 0): NodeId {
  let node = x;
  for (let k = 0; k < Math.abs(steps); k++) node = g.shift(node, Math.sign(steps), g.filled(fill, ["b"]));
  return node;
}

test.each([3, 9])("delays that nothing else reads become one, whatever they are filled with and wherever they go (T = %i)", (T) => {
  const g = graphBuilder([
    ["t", "T"],
    ["b", 2],
  ]);
  const x = g.input("x", ["t", "b"]);
  const five = delayed(g, x, 5, 0.25);
  const branch = delayed(g, x, 2);
  const initial = g.input("h0", ["b"]);
  const graph = g.finish({
    five,
    late: g.neg(delayed(g, branch, 4)), // the first of the four is the third step of `back`, the other three become one
    branch,
    ahead: delayed(g, x, -4),
    back: delayed(g, delayed(g, x, 3), -3), // not the same value again: the last three steps are lost
    mixed: delayed(g, delayed(g, x, 2, 1), 2, 3),
    state: g.shift(g.shift(x, 1, initial), 1, initial),
  });
  const trace: never[] = [];
  const joined = joinDelays(graph, trace);
  verify(joined);
  const lags = joined.nodes.filter(({ op }) => op === "shift").map(({ attributes }) => attributes.lag);
  expect(lags.sort()).toEqual([-3, -4, 1, 1, 1, 2, 2, 2, 3, 5]);
  const given = { x: Float64Array.from({ length: 2 * T }, (_, i) => i + 1), h0: Float64Array.of(7, 8) };
  expect(interpret(joined, given, { T })).toEqual(interpret(graph, given, { T }));
});
