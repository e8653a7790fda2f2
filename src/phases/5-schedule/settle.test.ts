import { expect, test } from "vitest";
import { graphBuilder } from "../../ir/tensor/build.ts";
import type { Graph } from "../../ir/tensor/node.ts";
import { groupNodes, type Grouping } from "./group.ts";
import { settle } from "./settle.ts";

/** Names of what each nest computes, in order. */
function nests({ nodes }: Graph, { groups }: Grouping): string[][] {
  return groups.filter(({ kind }) => kind === "nest").map((group) => group.nodes.map((node) => nodes[node].name ?? nodes[node].op));
}

test("elementwise work goes to the nest that reads it, and cheap work of one value to all that do", () => {
  const g = graphBuilder([
    ["b", 2],
    ["H", 3],
  ]);
  const x = g.input("x", ["b", "H"]);
  const u = g.input("u", ["b", "H"]);
  const scaled = g.named(g.mul(x, g.input("r", ["b"])), "scaled");
  const wide = g.named(g.mul(scaled, u), "of two");
  const last = g.named(g.exp(u), "later");
  const squares = g.named(g.contract(scaled, wide, "H"), "squares");
  const root = g.named(g.sqrt(squares), "root");
  const graph = g.finish([{ name: "y", node: g.named(g.add(g.mul(scaled, root), g.mul(wide, last)), "y") }]);
  const grouping = groupNodes(
    graph,
    new Map(),
    () => false,
    graph.nodes.map(() => false),
  );
  expect(nests(graph, grouping)).toEqual([["scaled", "of two", "later", "squares"], ["root"], ["mul", "mul", "y"]]);
  const settled = settle(graph, grouping, new Map());
  expect(nests(graph, settled)).toEqual([["scaled", "of two", "squares"], ["root"], ["scaled", "later", "mul", "mul", "y"]]);
  const index = (name: string): number => graph.nodes.findIndex((node) => node.name === name);
  expect(settled.homesOf(index("scaled"))).toEqual([settled.groupOf[index("of two")], settled.groupOf[index("y")]]);
  expect(settled.groupOf[index("scaled")]).toBe(settled.groupOf[index("y")]);
});
