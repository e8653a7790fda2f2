/**
 * Brings elementwise work to the nest that reads it.
 *
 * In: nodes grouped into nests, each node in the earliest nest that its arguments allow. Out: the same nests with some nodes in later ones, or in several. What only one
 * later nest reads is computed there; what is made by cheap work of smaller values and of at most one as large, which is in memory in any case, is computed in every nest
 * that reads it: reading that one takes as long as reading the result, and the result is not written. Elements are computed as before, so no bit changes but for the order of
 * a nest's loops.
 */
import type { Graph } from "../../ir/tensor/node.ts";
import { isCheap } from "../../ir/tensor/ops.ts";
import { isFused, isSink, spaceOf, type Grouping } from "./group.ts";
import { consumersOf, type ProductRoles } from "./roles.ts";

export function settle(graph: Graph, grouping: Grouping, products: ReadonlyMap<number, ProductRoles>): Grouping {
  const { groups, groupOf } = grouping;
  const readers = consumersOf(graph);
  const outputs = new Set(graph.outputs.map(({ node }) => node));
  const homes = groupOf.map((group): readonly number[] => [group]);
  const spaces = groups.map(({ kind, prepared, nodes }) =>
    kind === "nest" ? `${prepared}:${[...spaceOf(graph, graph.nodes[nodes[0]])].sort().join()}` : "",
  );
  const inNest = (i: number): boolean =>
    groups[groupOf[i]]?.kind === "nest" && !products.has(i) && (isFused(graph.nodes[i]) || isSink(graph.nodes[i]));
  const looksUp = (i: number): boolean => graph.nodes[i].op === "gather" || graph.nodes[i].op === "random";
  const isElement = (i: number): boolean => inNest(i) && isFused(graph.nodes[i]) && !looksUp(i);
  /** True if the reader takes the value as it is computed, were it in the same nest. */
  const takes = (reader: number, i: number): boolean => inNest(reader) && !looksUp(reader) && spaces[groupOf[reader]] === spaces[groupOf[i]];
  const isFree = (i: number): boolean => isElement(i) && !outputs.has(i) && readers[i].every((reader) => takes(reader, i));
  const readersHomes = (i: number): number[] => [...new Set(readers[i].flatMap((reader) => homes[reader]))];

  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    if (!isFree(i)) continue;
    const own = groupOf[i];
    const wanted = readersHomes(i);
    if (wanted.every((home) => homes[i].includes(home))) continue;
    /** What the nest computes on the way to i, and the values as large as i that it reads for it. */
    const chain = new Set<number>();
    const large = new Set<number>();
    const follow = (each: number): void => {
      chain.add(each);
      for (const arg of graph.nodes[each].args) {
        if (groupOf[arg] === own && isFree(arg)) follow(arg);
        else if (graph.nodes[arg].op !== "constant" && graph.nodes[arg].axes.length >= graph.nodes[i].axes.length) large.add(arg);
      }
    };
    follow(i);
    const moves = wanted.length === 1 && [...chain].every((each) => each === i || readers[each].every((reader) => chain.has(reader)));
    const repeats = large.size <= 1 && [...chain].every((each) => isCheap(graph.nodes[each].op));
    if (!moves && !repeats) continue;
    for (const each of [...chain].sort((p, q) => q - p)) homes[each] = readersHomes(each);
  }

  const members = groups.map((): number[] => []);
  for (const [i, list] of homes.entries()) if (inNest(i)) for (const home of list) members[home].push(i);
  return {
    groups: groups.map((group, g) => (group.kind === "nest" ? { ...group, nodes: members[g] } : group)),
    groupOf: homes.map((list) => Math.max(...list)),
    homesOf: (node) => homes[node],
  };
}
