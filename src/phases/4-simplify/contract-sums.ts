/**
 * Sums of products of which nothing else needs the products: `Σ x·y` becomes a contraction, so the products are never stored.
 *
 * In: a graph. Out: the same; a product that has another reader stays, since its sum is then the cheaper way. (Where the product is larger than both its
 * factors, algebra.ts does it always.)
 */
import type { Graph } from "../../ir/tensor/node.ts";
import type { Firing } from "../../ir/tensor/rewrite.ts";
import { readersOf, remake, type Replacement } from "./remake.ts";

export function contractSums(graph: Graph, trace: Firing[]): Graph {
  const readers = readersOf(graph);
  const replacements = new Map<number, Replacement>();
  for (const [i, { op, args, attributes, name }] of graph.nodes.entries()) {
    if (op !== "sum") continue;
    const product = graph.nodes[args[0]];
    if (product.op !== "mul" || product.name !== undefined || readers[args[0]].length > 1) continue;
    trace.push({ rule: "Σ x·y", op, became: "contract", name });
    replacements.set(i, (g, get) => g.contract(get(product.args[0]), get(product.args[1]), attributes.over!));
  }
  return replacements.size === 0 ? graph : remake(graph, replacements);
}
