/**
 * Common ground of the passes that replace whole groups of nodes: making a graph anew on demand, and small questions about graphs.
 *
 * In: a graph and what replaces some of its nodes. Out: the new graph. Nodes are made when they are first asked for, so a replacement may use nodes that
 * stand later in the old order, as long as there is no circle.
 */
import { sameAxisSet, unionAxes } from "../../ir/tensor/axes.ts";
import { graphBuilder, type GraphBuilder, type NodeId } from "../../ir/tensor/build.ts";
import { copyNode } from "../../ir/tensor/copy.ts";
import type { AxisName, Graph, Node, Op } from "../../ir/tensor/node.ts";
import { isElementwise } from "../../ir/tensor/ops.ts";
import { orient } from "../../ir/tensor/rewrite.ts";

/** Makes the replacement; `get` gives the new number of an old node. */
export type Replacement = (g: GraphBuilder, get: (old: number) => NodeId) => NodeId;

/** The graph with some nodes replaced; outputs keep their memory order. The replaced node's name goes to what replaces it. */
export function remake(graph: Graph, replacements: ReadonlyMap<number, Replacement>): Graph {
  const g = graphBuilder(graph.axes);
  const place = new Map<number, NodeId>();
  const get = (old: number): NodeId => {
    const known = place.get(old);
    if (known !== undefined) return known;
    const node = graph.nodes[old];
    const replacement = replacements.get(old);
    let id: NodeId;
    if (!replacement) id = copyNode(g, node, node.args.map(get));
    else {
      id = replacement(g, get);
      if (node.name !== undefined && g.node(id).name === undefined) id = g.named(id, node.name, node.span);
    }
    place.set(old, id);
    return id;
  };
  return g.finish(graph.outputs.map(({ name, node }) => ({ name, node: orient(g, get(node), graph.nodes[node].axes) })));
}

/** The graph with another body in every scan. */
export function mapBodies(graph: Graph, change: (body: Graph, scan: Node) => Graph): Graph {
  const changed = new Map<number, Replacement>();
  for (const [i, node] of graph.nodes.entries()) {
    const scan = node.attributes.scan;
    if (!scan) continue;
    const body = change(scan.body, node);
    if (body === scan.body) continue;
    changed.set(i, (g, get) => {
      for (const [axis, size] of body.axes) g.declareAxis(axis, size);
      return copyNode(g, { ...node, attributes: { scan: { ...scan, body } } }, node.args.map(get));
    });
  }
  return changed.size === 0 ? graph : remake(graph, changed);
}

/** For every node, the nodes that read it; outputs count as -1. */
export function readersOf(graph: Graph): number[][] {
  const readers = graph.nodes.map((): number[] => []);
  for (const [i, node] of graph.nodes.entries()) for (const arg of node.args) readers[arg].push(i);
  for (const output of graph.outputs) readers[output.node].push(-1);
  return readers;
}

/** Name of the first weight that a node is made of, "" if there is none. */
export function weightName(graph: Graph, id: number): string {
  const { op, args, attributes } = graph.nodes[id];
  if (op === "weight") return attributes.name!;
  for (const arg of args) {
    const name = weightName(graph, arg);
    if (name !== "") return name;
  }
  return "";
}

/** The same inside of a scan body: statics are known by what they are outside. */
export function weightNameInside(outer: Graph, scan: Node): (body: Graph, id: number) => string {
  const nameOf = (body: Graph, id: number): string => {
    const { op, args, attributes } = body.nodes[id];
    if (op === "parameter")
      return attributes.kind === "static" ? weightName(outer, scan.args[scan.attributes.scan!.sequences + attributes.index!]) : "";
    return args.map((arg) => nameOf(body, arg)).find((name) => name !== "") ?? "";
  };
  return nameOf;
}

/** Ops worth a place of their own outside: each reads much more than it writes, or reads at random. */
export const HEAVY: ReadonlySet<Op> = new Set<Op>(["contract", "sum", "max_over", "argmax", "gather", "scatter"]);

/** True if the node takes its arguments element by element, so that cheap work on them can be done on the way. */
export function readsInPassing(graph: Graph, id: number): boolean {
  const { op, args } = graph.nodes[id];
  if (op === "contract") return sameAxisSet(graph.nodes[args[0]].axes, graph.nodes[args[1]].axes);
  return isElementwise(op) || op === "sum" || op === "max_over";
}

const NEVER_STATIC: ReadonlySet<Op> = new Set<Op>(["contract", "argmax", "gather", "scatter", "shift", "last", "scan", "emitted", "final"]);

/** For every node, whether it is made of weights alone, by elementwise work, sums and views: the same for all steps and examples, and no product. */
export function staticNodes(graph: Graph): boolean[] {
  const result: boolean[] = [];
  for (const { op, args, axes, attributes } of graph.nodes) {
    const varies = axes.includes("t") || axes.includes("b") || (op === "parameter" && attributes.kind !== "static");
    result.push(!varies && !NEVER_STATIC.has(op) && args.every((arg) => result[arg]));
  }
  return result;
}

/** An axis for parts laid one after the other: "4H", "H+D"; not among `avoid`. */
export function stackedAxis(g: GraphBuilder, parts: readonly AxisName[], avoid: readonly AxisName[]): AxisName {
  const size = parts.reduce((sum, part) => sum + (g.size(part) as number), 0);
  const bases = parts.map((part) => part.replace(/'+$/, ""));
  let axis = bases.every((base) => base === bases[0]) ? `${parts.length}${bases[0]}` : bases.join("+");
  while (avoid.includes(axis) || (g.axes.get(axis) ?? size) !== size) axis += "'";
  return g.declareAxis(axis, size);
}

/** The arguments with some axes renamed, all at once; the node itself if none changes. */
export function renamed(g: GraphBuilder, id: NodeId, pairs: readonly (readonly [AxisName, AxisName])[]): NodeId {
  const changes = pairs.filter(([from, to]) => from !== to && g.axesOf(id).includes(from));
  return changes.length === 0
    ? id
    : g.rename(
        id,
        changes.map(([from]) => from),
        changes.map(([, to]) => to),
      );
}

/** concat of values with the same axes but one: brings all to the memory order of the first. */
export function stack(g: GraphBuilder, values: readonly NodeId[], parts: readonly AxisName[], axis: AxisName): NodeId {
  const rest = unionAxes(...values.map((value, i) => g.axesOf(value).filter((each) => each !== parts[i])));
  const even = values.map((value, i) =>
    g.broadcast(
      value,
      [...rest, parts[i]].filter((each) => !g.axesOf(value).includes(each)),
    ),
  );
  return g.concat(even, parts, axis);
}

/** Groups items by a key, in order of first appearance. */
export function groupBy<T>(items: Iterable<T>, key: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    const group = groups.get(name);
    if (group) group.push(item);
    else groups.set(name, [item]);
  }
  return [...groups.values()];
}

/** The product of a matrix kind that a node is, seen from one operand. */
export interface ProductView {
  readonly index: number;
  readonly node: Node;
  /** Node numbers. */
  readonly left: number;
  readonly right: number;
  readonly over: readonly AxisName[];
}

/** Both ways to see a contraction: (left, right) and (right, left). */
export function productViews(graph: Graph, index: number): ProductView[] {
  const node = graph.nodes[index];
  if (node.op !== "contract") return [];
  const over = node.attributes.over!;
  const [a, b] = node.args;
  return [
    { index, node, left: a, right: b, over },
    { index, node, left: b, right: a, over },
  ];
}
