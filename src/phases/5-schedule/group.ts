/**
 * Which nodes share a loop nest.
 *
 * In: a graph and its products. Out: groups in an order of execution: nests of elementwise nodes and reductions over one space of axes, and single
 * nodes that are steps of their own. A node joins the latest nest of its space that its arguments allow, so values are computed near their use.
 */
import type { Graph, Node } from "../../ir/tensor/node.ts";
import { isElementwise, opTable } from "../../ir/tensor/ops.ts";
import { isTimed } from "../../ir/tensor/sizes.ts";
import type { ProductRoles } from "./roles.ts";

export interface Group {
  readonly kind: "nest" | "single" | "strip";
  readonly nodes: number[];
  /** Computed when the weights change, not at every run. */
  readonly prepared: boolean;
}

export interface Grouping {
  readonly groups: readonly Group[];
  /** Last group that computes a node, or that of the value it is a view of; −1 for what is in memory from the start. */
  readonly groupOf: readonly number[];
  /** All groups that compute a node: a nest may do it again for what reads the value there (settle.ts). */
  readonly homesOf: (node: number) => readonly number[];
}

const LEAVES: ReadonlySet<string> = new Set(["input", "weight", "constant", "parameter"]);
const SINKS: ReadonlySet<string> = new Set(["sum", "max_over", "argmax", "contract"]);
const FUSED: ReadonlySet<string> = new Set(["iota", "random", "gather"]);

export const isLeaf = (node: Pick<Node, "op">): boolean => LEAVES.has(node.op);
export const isSink = (node: Node): boolean => SINKS.has(node.op);
/** Computed element by element inside a nest, where later operations of the same nest can use it. */
export const isFused = (node: Node): boolean => isElementwise(node.op) || FUSED.has(node.op);
/** A name for values that lie elsewhere. `merge` and `unfold` may need a copy and are decided by the planner. */
const NAMES: ReadonlySet<string> = new Set(["transpose", "unfold", "emitted", "final"]);
export const isView = (node: Node): boolean => opTable[node.op].view || NAMES.has(node.op);

/** Axes of the space that a node is computed over. */
export function spaceOf(graph: Graph, node: Node): readonly string[] {
  if (!isSink(node)) return node.axes;
  return [...new Set(node.args.flatMap((arg) => graph.nodes[arg].axes))];
}

/** Nodes that depend on weights and constants alone. */
export function weightOnly(graph: Graph): boolean[] {
  const result: boolean[] = [];
  graph.nodes.forEach((node, i) => {
    if (node.op === "weight" || node.op === "constant") result[i] = true;
    else if (isLeaf(node) || node.op === "iota") result[i] = false;
    else if (node.axes.some((axis) => isTimed(graph.axes.get(axis))))
      result[i] = false; // `prepare` runs before the number of steps is known
    else result[i] = node.op !== "scan" && node.op !== "random" && node.args.every((arg) => result[arg]);
  });
  return result;
}

/** Nodes that depend on positions along axes of fixed size alone. */
export function positionsOnly(graph: Graph): boolean[] {
  const result: boolean[] = [];
  graph.nodes.forEach((node, i) => {
    if (node.op === "constant" || node.op === "iota") result[i] = node.op === "constant" || !isTimed(graph.axes.get(node.attributes.axis!));
    else result[i] = !isLeaf(node) && node.op !== "scan" && node.op !== "random" && node.args.every((arg) => result[arg]);
  });
  return result;
}

export function groupNodes(
  graph: Graph,
  products: ReadonlyMap<number, ProductRoles>,
  skipped: (node: number) => boolean,
  prepared: readonly boolean[],
  regionOf?: readonly number[],
): Grouping {
  const groups: Group[] = [];
  const keys: string[] = [];
  const groupOf: number[] = [];
  const inside = new Set<number>(); // contractions that a product's addition absorbs
  for (const [result, roles] of products) {
    for (const arg of graph.nodes[result].args) if (roles.initial !== undefined && arg !== roles.initial) inside.add(arg);
  }
  const strips = new Map<number, number>();
  graph.nodes.forEach((node, i) => {
    groupOf[i] = -1;
    const region = regionOf?.[i] ?? -1;
    if (region >= 0) {
      if (!strips.has(region)) {
        strips.set(region, groups.push({ kind: "strip", nodes: [], prepared: false }) - 1);
        keys.push("");
      }
      groupOf[i] = strips.get(region)!;
      groups[groupOf[i]].nodes.push(i);
      return;
    }
    if (isLeaf(node) || skipped(i) || inside.has(i)) return;
    const reads = products.has(i) ? productReads(products.get(i)!) : node.args;
    const argGroups = reads.map((arg) => (prepared[arg] && !prepared[i] ? -1 : groupOf[arg]));
    if (isView(node)) {
      groupOf[i] = Math.max(-1, ...argGroups);
      return;
    }
    const fusable = !products.has(i) && (isFused(node) || isSink(node));
    if (!fusable) {
      groupOf[i] = groups.push({ kind: "single", nodes: [i], prepared: prepared[i] }) - 1;
      keys.push("");
      return;
    }
    const lookup = node.op === "gather" || node.op === "random";
    const earliest = Math.max(
      0,
      ...reads.map((arg, a) => {
        const direct = !lookup && isFused(graph.nodes[arg]) && !products.has(arg) && (regionOf?.[arg] ?? -1) < 0;
        return direct || argGroups[a] < 0 ? argGroups[a] : argGroups[a] + 1;
      }),
    );
    const key = `${prepared[i] ? "prepared" : ""}[${[...spaceOf(graph, node)].sort().join(",")}]`;
    let found = keys.length - 1;
    while (found >= earliest && keys[found] !== key) found--;
    if (found < earliest) {
      found = groups.push({ kind: "nest", nodes: [], prepared: prepared[i] }) - 1;
      keys.push(key);
    }
    groups[found].nodes.push(i);
    groupOf[i] = found;
  });
  return { groups, groupOf, homesOf: (node) => [groupOf[node]] };
}

export function productReads(roles: ProductRoles): readonly number[] {
  return roles.initial === undefined ? [roles.a, roles.b] : [roles.a, roles.b, roles.initial];
}
