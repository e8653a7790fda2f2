/** Names for people: what a step or a place is called in `explain` and in profiles. */
import type { Graph } from "../../ir/tensor/node.ts";

/** The author's name of a value, or its op and number. */
export function labelOf(graph: Graph, node: number): string {
  const { name, op } = graph.nodes[node];
  return name ?? `${op} %${node}`;
}
