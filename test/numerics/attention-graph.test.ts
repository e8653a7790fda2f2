/**
 * What attention becomes: values with two time axes are scores and weights per pair and head, made by products and elementwise work alone, and nothing is larger.
 */
import { expect, test } from "vitest";
import { analyze, lower } from "../../src/compile.ts";
import type { Variant } from "../../src/ir/network/variant.ts";
import type { Graph, Node } from "../../src/ir/tensor/node.ts";
import { isElementwise } from "../../src/ir/tensor/ops.ts";
import { splitRegions } from "../../src/phases/5-schedule/regions.ts";

const TEXT = (range: string) => `attention(x) → y
  q[n] = Wq[n]·x
  k[n] = Wk[n]·x
  v[n] = Wv[n]·x
  a[n,s] = softmax_s(q[n]·k[n,s] / √K)
  y = Σ_n Wo[n]·(Σ_s a[n,s] * v[n,s])
  where ${range}, n ∈ 1..N, q[n] ∈ ℝ^K
`;

const times = (graph: Graph, node: Node): number => node.axes.filter((axis) => graph.axes.get(axis) === "T").length;

function graphOf(range: string, changes: Partial<Variant> = {}): Graph {
  const { network } = analyze({ name: "attention.gate", text: TEXT(range) });
  const variant: Variant = {
    sizes: { N: 2, K: 4, V: 3, D: 6, H: 5 },
    batch: 2,
    mode: "train",
    initial: "fresh",
    lengths: false,
    reset: false,
    outputs: ["y"],
    gradient: { of: "cotangents", inputs: ["x"] },
    ...changes,
  };
  return lower(network!, variant).graph;
}

test.each(["s ≤ t", "s < t", "t-5 < s ≤ t"])("attention over %s: nothing is larger than the scores, strips end at the diagonal", (range) => {
  const graph = graphOf(range);
  const squares = graph.nodes.filter((node) => times(graph, node) > 1);
  for (const node of squares) {
    expect([...node.axes].filter((axis) => !["t", "s", "b", "n"].includes(axis))).toEqual([]);
    expect(isElementwise(node.op) || node.op === "contract", node.op).toBe(true);
  }
  expect(squares.filter((node) => node.op === "contract").length).toBe(2); // q·k, and dy·v of the gradient
  const { causal } = splitRegions(graph);
  expect(causal.length).toBeGreaterThan(0);
  expect(causal.every(Boolean)).toBe(true);
  // No choice by a cotangent: everything that could be infinite has bounds here.
  for (const node of squares) if (node.op === "select") expect(times(graph, graph.nodes[node.args[0]]), "a mask").toBe(2);
  for (const node of squares) if (node.op === "select") expect(graph.nodes[node.args[0]].op).not.toBe("contract");
});

test("padding and documents keep the mask out of the values", () => {
  const graph = graphOf("s ≤ t", { lengths: true, reset: true });
  for (const node of graph.nodes)
    if (times(graph, node) > 1)
      expect(
        node.axes.every((axis) => ["t", "s", "s'", "b", "n"].includes(axis)),
        `${node.axes}`,
      ).toBe(true);
});
