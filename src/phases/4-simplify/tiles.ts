/**
 * Works on the whole instead of on its slices.
 *
 * In: a graph (or the body of a scan). Out: the same, where neighbouring slices of one value that go through the same operation go through it together, and the results
 * are sliced:
 *
 *     slice_i(P) + slice_i(Q)  =  slice_i(P + Q)         slice_i(P) + b_i  =  slice_i(P + [b_i; …])
 *     contract(slice_i(Z), x)  =  slice_i(contract(Z, x))         Σ slice_i(Z)  =  slice_i(Σ Z)
 */
import { hasAxes, withoutAxes } from "../../ir/tensor/axes.ts";
import type { GraphBuilder, NodeId } from "../../ir/tensor/build.ts";
import type { AxisName, Graph } from "../../ir/tensor/node.ts";
import type { Firing } from "../../ir/tensor/rewrite.ts";
import { groupBy, productViews, remake, stack, stackedAxis, staticNodes, type Replacement } from "./remake.ts";

/** A node that reads a slice: which range of what. */
interface Tile {
  readonly index: number;
  /** The node sliced, along `axis`, as `to`. */
  readonly whole: number;
  readonly axis: AxisName;
  readonly to: AxisName;
  readonly start: number;
  readonly size: number;
  /** The other operand, if there is one. */
  readonly other?: number;
}

function sliceOf(graph: Graph, id: number): Omit<Tile, "index" | "other"> | undefined {
  const { op, args, attributes } = graph.nodes[id];
  if (op !== "slice") return undefined;
  const to = attributes.to as AxisName;
  return { whole: args[0], axis: attributes.axis!, to, start: attributes.start!, size: graph.axes.get(to) as number };
}

/** Runs of neighbours: each begins where the one before ended; every range once. */
function runs(tiles: readonly Tile[]): Tile[][] {
  const sorted = tiles.toSorted((a, b) => a.start - b.start);
  const result: Tile[][] = [];
  for (const tile of sorted) {
    const run = result.at(-1);
    const last = run?.at(-1);
    if (last && last.start === tile.start && last.size === tile.size) continue;
    if (run && last && last.start + last.size === tile.start) run.push(tile);
    else result.push([tile]);
  }
  return result.filter((run) => run.length > 1);
}

/** The whole range of a run: the sliced value itself, or a wider slice of it. */
function span(g: GraphBuilder, whole: NodeId, axis: AxisName, run: readonly Tile[], start: number): { id: NodeId; axis: AxisName } {
  const size = run.reduce((sum, tile) => sum + tile.size, 0);
  if (start === 0 && g.size(axis) === size) return { id: whole, axis };
  const to = stackedAxis(
    g,
    run.map((tile) => tile.to),
    g.axesOf(whole),
  );
  return { id: g.slice(whole, axis, to, start), axis: to };
}

/** Puts the group's replacements: the operation on the whole run, sliced. */
function replaceRun(
  replacements: Map<number, Replacement>,
  run: readonly Tile[],
  make: (g: GraphBuilder, get: (old: number) => NodeId) => { id: NodeId; axis: AxisName },
): void {
  for (const tile of run) {
    replacements.set(tile.index, (g, get) => {
      const { id, axis } = make(g, get);
      return g.slice(id, axis, tile.to, tile.start - run[0].start);
    });
  }
}

export function joinTiles(graph: Graph, trace: Firing[]): Graph {
  const replacements = new Map<number, Replacement>();
  joinReductions(graph, replacements, trace);
  if (replacements.size === 0) joinSums(graph, replacements, trace);
  return replacements.size === 0 ? graph : remake(graph, replacements);
}

/** Products with one other operand, and sums, along axes other than the sliced one. */
function joinReductions(graph: Graph, replacements: Map<number, Replacement>, trace: Firing[]): void {
  const tiles: Tile[] = [];
  for (const [index, node] of graph.nodes.entries()) {
    const views = node.op === "sum" ? [{ left: node.args[0], right: undefined, over: node.attributes.over! }] : productViews(graph, index);
    for (const { left, right, over } of views) {
      const slice = sliceOf(graph, left);
      if (
        !slice ||
        over.includes(slice.to) ||
        (right !== undefined && graph.nodes[right].axes.some((axis) => axis === slice.to || axis === slice.axis))
      )
        continue;
      tiles.push({ ...slice, index, other: right });
    }
  }
  const key = ({ index, whole, axis, other }: Tile) =>
    [graph.nodes[index].op, whole, axis, other, graph.nodes[index].attributes.over!.toSorted().join()].join("|");
  for (const group of groupBy(tiles, key)) {
    for (const run of runs(group)) {
      if (run.some((tile) => replacements.has(tile.index))) continue;
      const { op, attributes } = graph.nodes[run[0].index];
      trace.push({ rule: "join slices", op, became: "slice" });
      replaceRun(replacements, run, (g, get) => {
        const { id, axis } = span(g, get(run[0].whole), run[0].axis, run, run[0].start);
        const result = run[0].other === undefined ? g.sum(id, attributes.over!) : g.contract(id, get(run[0].other), attributes.over!);
        return { id: result, axis };
      });
    }
  }
}

/** Additions of slices to equal slices of another value, or to weights. */
function joinSums(graph: Graph, replacements: Map<number, Replacement>, trace: Firing[]): void {
  const isStatic = staticNodes(graph);
  const tiles: (Tile & { readonly kind: string; readonly otherStart: number })[] = [];
  for (const [index, node] of graph.nodes.entries()) {
    if (node.op !== "add") continue;
    for (const [left, right] of [node.args, [node.args[1], node.args[0]]]) {
      const slice = sliceOf(graph, left);
      if (!slice) continue;
      const second = sliceOf(graph, right);
      if (second && second.to === slice.to && second.size === slice.size && !isStatic[right]) {
        tiles.push({ ...slice, index, other: right, kind: `slice ${second.whole} ${second.axis}`, otherStart: second.start });
      } else if (isStatic[right] && graph.nodes[right].axes.includes(slice.to) && hasAxes(graph.nodes[left].axes, graph.nodes[right].axes)) {
        tiles.push({ ...slice, index, other: right, kind: `weight ${withoutAxes(graph.nodes[right].axes, [slice.to])}`, otherStart: 0 });
      }
    }
  }
  for (const group of groupBy(tiles, ({ whole, axis, kind }) => `${whole}|${axis}|${kind}`)) {
    for (const run of runs(group) as (typeof tiles)[]) {
      const slices = run[0].kind.startsWith("slice");
      const shifted = run[0].otherStart - run[0].start;
      if (slices && run.some((tile) => tile.otherStart - tile.start !== shifted)) continue;
      if (run.some((tile) => replacements.has(tile.index))) continue;
      trace.push({ rule: "join slices", op: "add", became: "slice" });
      replaceRun(replacements, run, (g, get) => {
        const mine = span(g, get(run[0].whole), run[0].axis, run, run[0].start);
        if (slices) {
          const second = sliceOf(graph, run[0].other!)!;
          const theirs = span(g, get(second.whole), second.axis, run, run[0].otherStart);
          const aligned = theirs.axis === mine.axis ? theirs.id : g.rename(theirs.id, theirs.axis, mine.axis);
          return { id: g.add(mine.id, aligned), axis: mine.axis };
        }
        const parts = run.map((tile) => tile.to);
        return {
          id: g.add(
            mine.id,
            stack(
              g,
              run.map((tile) => get(tile.other!)),
              parts,
              mine.axis,
            ),
          ),
          axis: mine.axis,
        };
      });
    }
  }
}
