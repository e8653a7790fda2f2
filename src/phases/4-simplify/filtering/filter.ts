/**
 * Convolutions over time with fewer multiplications: minimal filtering (Winograd 1980; Lavin & Gray 2016, arXiv:1509.09308, in one dimension).
 *
 *     y_t = Σ_j W_j·x_{t−d·j}       four outputs from F(4, taps): products with the values B·x of a tile and the weights G·W, then A
 *
 * In: a graph as phase 2 made it, before gradients. Out: the same function with other last bits. A tile of four outputs and taps − 1 earlier values takes taps + 3 products
 * instead of 4·taps: a half for 3 taps, and as many for each of the gradients, which are those of the new form. Time is folded into tiles; past the end are zeros. In padding (`valid`)
 * the value is taken as zero, so that what lies there does not reach the steps of the same tile.
 */
import { withoutAxes } from "../../../ir/tensor/axes.ts";
import type { GraphBuilder, NodeId } from "../../../ir/tensor/build.ts";
import type { AxisName, Graph } from "../../../ir/tensor/node.ts";
import type { Firing } from "../../../ir/tensor/rewrite.ts";
import { groupBy, remake, type Replacement, stack, stackedAxis } from "../remake.ts";
import { type Convolution, type FilterOptions, findConvolutions, OUTPUTS } from "./candidates.ts";
import { combine, combinePairs, transformsFor } from "./transforms.ts";

export type { FilterOptions } from "./candidates.ts";

/** Turns every convolution over time that is large enough into its minimal form; those of one value become one, with their weights stacked. */
export function filter(graph: Graph, options: FilterOptions, trace: Firing[]): Graph {
  const found = findConvolutions(graph, options);
  if (found.length === 0) return graph;
  const valid = graph.nodes.findIndex(({ op, attributes }) => op === "input" && attributes.name === "valid");
  const replacements = new Map<number, Replacement>();
  const sameValue = ({ sum, taps, columns }: Convolution): string => [...taps.map(({ value }) => value), columns.length === 1 ? "" : sum].join();
  for (const group of groupBy(found, sameValue)) {
    let made: readonly NodeId[] | undefined;
    for (const [k, { sum, rest }] of group.entries()) {
      trace.push({ rule: "minimal filtering", op: "contract", became: "unfold", name: graph.nodes[sum].name });
      replacements.set(sum, (g, get) => {
        made ??= filtered(g, group, get, valid < 0 ? undefined : get(valid));
        return g.expand(g.addAll([made[k], ...rest.map(get)]), graph.nodes[sum].axes);
      });
    }
  }
  return remake(graph, replacements);
}

/** The convolutions of one value, as slices of one. */
function filtered(g: GraphBuilder, group: readonly Convolution[], get: (old: number) => NodeId, valid: NodeId | undefined): NodeId[] {
  const { taps, dilation, over } = group[0];
  const weights = group.map((each) => each.taps.map(({ weight }) => get(weight)));
  const masked = (id: NodeId): NodeId => (valid !== undefined && g.axesOf(id).includes("b") ? g.select(valid, id, g.constant(0)) : id);
  const values = taps.map(({ value }) => masked(get(value)));
  const form = (kernel: readonly NodeId[]): NodeId => minimalForm(g, values, kernel, dilation, over);
  if (group.length === 1) return [form(weights[0])];
  const parts = group.map(({ columns }) => columns[0]);
  const axis = stackedAxis(g, parts, [...g.axesOf(values[0]), ...over]);
  const all = form(
    taps.map((_, j) =>
      stack(
        g,
        weights.map((list) => list[j]),
        parts,
        axis,
      ),
    ),
  );
  let start = 0;
  return parts.map((part) => {
    const slice = g.slice(all, axis, part, start);
    start += g.size(part) as number;
    return slice;
  });
}

/** Σ_j kernel[j]·taps[j], where taps[j] is taps[0] delayed by j times the dilation. */
function minimalForm(g: GraphBuilder, taps: readonly NodeId[], kernel: readonly NodeId[], dilation: number, over: readonly AxisName[]): NodeId {
  const { a, b, g: evaluate } = transformsFor(OUTPUTS, kernel.length);
  const fold = foldedBy(g, OUTPUTS, dilation);
  const tile = fold.in(taps[0]);
  // What lies before the tile is what the other taps read at its first output, which is there in every tile that has an output at all.
  const values = [
    ...taps
      .slice(1)
      .map((tap) => g.pick(fold.in(tap), fold.outputs, 0))
      .reverse(),
    ...Array.from({ length: OUTPUTS }, (_, p) => g.pick(tile, fold.outputs, p)),
  ];
  const factors = combine(g, evaluate, kernel.toReversed());
  const products = combine(g, b, values).map((value, i) => g.contract(value, factors[i], over));
  const one = g.declareAxis("one", 1);
  const results = combinePairs(g, a, products).map((result) => g.expand(result, [fold.groups, one, ...withoutAxes(g.axesOf(result), [fold.groups])]));
  return fold.out(
    g.concat(
      results,
      results.map(() => one),
      fold.outputs,
    ),
  );
}

interface Folding {
  readonly groups: AxisName;
  readonly outputs: AxisName;
  in(id: NodeId): NodeId;
  out(id: NodeId): NodeId;
}

/** Time as groups of `outputs` · `dilation` steps: output p of the tile that begins at step r of a group is its step dilation · p + r. */
function foldedBy(g: GraphBuilder, outputs: number, dilation: number): Folding {
  const together = outputs * dilation;
  const groups = g.declareAxis(`t/${together}`, `T/${together}`);
  const steps = g.declareAxis(`t%${together}`, together);
  if (dilation === 1) return { groups, outputs: steps, in: (id) => g.fold(id, [groups, steps]), out: (id) => g.unfold(id, [groups, steps]) };
  const [each, begin] = [g.declareAxis(`t%${together}/${dilation}`, outputs), g.declareAxis(`t%${dilation}`, dilation)];
  return {
    groups,
    outputs: each,
    in: (id) => g.split(g.fold(id, [groups, steps]), steps, [each, begin]),
    out: (id) => g.unfold(g.merge(id, [each, begin], steps), [groups, steps]),
  };
}
