/**
 * Convolutions over time, found by their algebra.
 *
 * In: a graph before gradients. Out: sums of products W_j·x_j of weights with one value, each later than the one before by the same number of steps. They may come from a kernel or be written
 * out; whatever else the sum adds stays. What a stream carries, or a document's beginning cuts off, is no plain delay of the same value and is left alone.
 */
import { withoutAxes } from "../../../ir/tensor/axes.ts";
import type { AxisName, Graph } from "../../../ir/tensor/node.ts";
import { groupBy, productViews, readersOf, staticNodes } from "../remake.ts";

export interface FilterOptions {
  /** Fewest elements of a tap's matrix. */
  readonly least: number;
}

export interface Convolution {
  /** The addition whose value the convolution is part of. */
  readonly sum: number;
  /** What else it adds. */
  readonly rest: readonly number[];
  readonly taps: readonly Tap[];
  /** Steps between one tap and the next. */
  readonly dilation: number;
  readonly over: readonly AxisName[];
  /** Axes that the weights add. */
  readonly columns: readonly AxisName[];
}

export interface Tap {
  /** The product. */
  readonly index: number;
  readonly value: number;
  readonly weight: number;
}

export const MOST_TAPS = 5;
/** Steps of a group at most: outputs of a tile times dilation. */
const MOST_STEPS = 32;
/** Outputs of a tile. */
export const OUTPUTS = 4;

export function findConvolutions(graph: Graph, { least }: FilterOptions): Convolution[] {
  const readers = readersOf(graph);
  const isStatic = staticNodes(graph);
  const found: Convolution[] = [];
  const leaves = (id: number): number[] => {
    const { op, args, axes } = graph.nodes[id];
    return op === "add" && axes.includes("t") ? args.flatMap((arg) => (readers[arg].length === 1 ? leaves(arg) : [arg])) : [id];
  };
  const tapOf = (index: number): (Tap & { readonly key: string } & Pick<Convolution, "over" | "columns">) | undefined => {
    if (readers[index].length !== 1) return undefined;
    const view = productViews(graph, index).find(({ left, right }) => !isStatic[left] && isStatic[right] && graph.nodes[left].axes.includes("t"));
    if (view === undefined) return undefined;
    const [x, w] = [graph.nodes[view.left], graph.nodes[view.right]];
    const columns = withoutAxes(w.axes, x.axes);
    const size = w.axes.reduce((product, axis) => product * (graph.axes.get(axis) as number), 1);
    const small = columns.length === 0 || size < least || !view.over.every((axis) => w.axes.includes(axis) && x.axes.includes(axis));
    if (small || x.axes.some((axis) => axis !== "t" && typeof graph.axes.get(axis) !== "number")) return undefined;
    const key = [view.over, w.axes, x.axes].map((axes) => [...axes].sort().join()).join("|");
    return { index, value: view.left, weight: view.right, key, over: view.over, columns };
  };
  for (const [sum, { op, axes }] of graph.nodes.entries()) {
    if (op !== "add" || !axes.includes("t") || (readers[sum].length === 1 && readers[sum][0] >= 0 && graph.nodes[readers[sum][0]].op === "add"))
      continue;
    const all = leaves(sum);
    const taps = all.flatMap((leaf) => tapOf(leaf) ?? []);
    for (const group of groupBy(taps, ({ key }) => key)) {
      const ordered = inTime(graph, group);
      if (ordered === undefined) continue;
      const inside = new Set(ordered.taps.map(({ index }) => index));
      found.push({ sum, rest: all.filter((leaf) => !inside.has(leaf)), ...ordered, over: group[0].over, columns: group[0].columns });
      break;
    }
  }
  return found;
}

/** The taps from the latest value to the earliest, if each is the one before, delayed by the same number of steps. */
function inTime(graph: Graph, group: readonly Tap[]): { readonly taps: readonly Tap[]; readonly dilation: number } | undefined {
  if (group.length < 2 || group.length > MOST_TAPS) return undefined;
  const delays = group.map(({ value }) => delayOf(graph, value));
  if (delays.some(({ root, names }) => root !== delays[0].root || names !== delays[0].names)) return undefined;
  const order = group.map((tap, k) => ({ tap, lag: delays[k].lag })).sort((p, q) => p.lag - q.lag);
  const dilation = order[1].lag - order[0].lag;
  if (dilation < 1 || dilation * OUTPUTS > MOST_STEPS) return undefined;
  for (const [k, { tap, lag }] of order.slice(1).entries()) {
    if (lag - order[k].lag !== dilation || !isDelayed(graph, tap.value, order[k].tap.value)) return undefined;
  }
  return { taps: order.map(({ tap }) => tap), dilation };
}

/** What a value is a delay of, and by how many steps; `names`: its axes by those of the root. */
function delayOf(graph: Graph, id: number): { readonly root: number; readonly lag: number; readonly names: string } {
  const { node, names } = unnamed(graph, id);
  const { op, args, attributes } = graph.nodes[node];
  if (op !== "shift") return { root: node, lag: 0, names };
  const before = delayOf(graph, args[0]);
  return { root: before.root, lag: before.lag + attributes.lag!, names: before.names + names };
}

/** The value itself behind other names and orders of its axes, and which names those are. */
function unnamed(graph: Graph, id: number): { readonly node: number; readonly names: string } {
  const { op, args, attributes } = graph.nodes[id];
  if (op === "transpose") return unnamed(graph, args[0]);
  if (op !== "rename") return { node: id, names: "" };
  const { node, names } = unnamed(graph, args[0]);
  return { node, names: `${names} ${attributes.from} → ${attributes.to}` };
}

/** True if `late` is `early` through delays alone, or the reverse: then each step of `late` that `early` has before it is that one, whatever the delays begin with. */
function isDelayed(graph: Graph, late: number, early: number): boolean {
  return behind(graph, late, early, 1) || behind(graph, early, late, -1);
}

function behind(graph: Graph, from: number, to: number, sign: number): boolean {
  const { node } = unnamed(graph, from);
  if (node === unnamed(graph, to).node) return true;
  const { op, args, attributes } = graph.nodes[node];
  return op === "shift" && Math.sign(attributes.lag!) === sign && behind(graph, args[0], to, sign);
}
