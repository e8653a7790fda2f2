/**
 * Regions of a graph that must not be computed for all pairs of time steps at once.
 *
 * A *square* value has two time axes, T × T elements (attention weights). In: a graph. Out: an equal graph in which every square value belongs to one
 * region: a set of neighbouring nodes that is parallel along `t`, to be run strip by strip. A square value that the backward pass needs again is
 * computed again there (as in Rabe & Staats 2021 and Dao et al. 2022) instead of being kept, so memory grows as T.
 */
import type { AxisName, Graph, Node } from "../../ir/tensor/node.ts";
import { opTable } from "../../ir/tensor/ops.ts";

export interface Regions {
  readonly graph: Graph;
  /** Region of each node; −1 for none. The nodes of a region follow each other. */
  readonly regionOf: readonly number[];
  /** For each region: nothing in it depends on a pair with the second time after the first. */
  readonly causal: readonly boolean[];
}

const timeAxes = (graph: Graph, node: Node): readonly AxisName[] => node.axes.filter((axis) => graph.axes.get(axis) === "T");
const reduces = (node: Node): boolean => node.op === "sum" || node.op === "max_over" || node.op === "contract" || node.op === "argmax";

/** How a node continues what its arguments began. */
interface Standing {
  /** Number of the attention-like computation that it belongs to or follows. */
  readonly level: number;
  /** Reached from square values of its level by operations that are parallel along t. */
  readonly hot: boolean;
  readonly square: boolean;
}

/** True if strips are needed at all. */
export function hasSquares(graph: Graph): boolean {
  return graph.nodes.some((node) => timeAxes(graph, node).length > 1);
}

function standings(graph: Graph): Standing[] {
  const result: Standing[] = [];
  graph.nodes.forEach((node) => {
    const square = timeAxes(graph, node).length > 1;
    let level = 0;
    let hot = false;
    for (const arg of node.args) level = Math.max(level, result[arg].level);
    // A square value of an earlier level is computed again at this one.
    for (const arg of node.args) if (result[arg].square || (result[arg].level === level && result[arg].hot)) hot = true;
    if (square) {
      result.push({ level, hot: true, square });
      return;
    }
    const fromSquare = node.args.some((arg) => result[arg].square);
    const light = opTable[node.op].elementwise || opTable[node.op].view || node.op === "transpose" || reduces(node);
    const overTime = (node.attributes.over ?? []).includes("t");
    const keepsTime = node.axes.includes("t");
    const heavy = !light || overTime || !keepsTime || (node.op === "contract" && !fromSquare);
    result.push(hot && heavy ? { level: level + 1, hot: false, square } : { level, hot, square });
  });
  return result;
}

/** Splits the square values of a graph into regions, repeating what several regions need. */
export function splitRegions(graph: Graph): Regions {
  const { graph: cloned, standing } = recompute(graph);
  const region = cloned.nodes.map(() => -1);
  const levels = [...new Set(standing.filter((one) => one.square).map((one) => one.level))].sort((p, q) => p - q);
  const index = new Map(levels.map((level, i) => [level, i]));
  // What lies between two square values of a level, or is read off one, belongs to it.
  const reaches = cloned.nodes.map((_, i) => standing[i].square);
  for (let i = cloned.nodes.length - 1; i >= 0; i--) {
    const square = cloned.nodes[i].args.find((arg) => standing[arg].square);
    if (!reaches[i] && square === undefined) continue;
    const level = reaches[i] ? standing[i].level : standing[square!].level; // what reads off a level needs the rest of its operands there
    for (const arg of cloned.nodes[i].args) if (standing[arg].hot && standing[arg].level === level) reaches[arg] = true;
  }
  cloned.nodes.forEach((node, i) => {
    const sink = node.args.find((arg) => standing[arg].square);
    if (standing[i].square || (standing[i].hot && reaches[i])) region[i] = index.get(standing[i].level) ?? -1;
    else if (sink !== undefined) region[i] = index.get(standing[sink].level)!;
  });
  const ordered = contiguous(withLayout(cloned), region);
  const causal = levels.map((_, r) => isCausal(ordered.graph, ordered.region, r));
  return { graph: ordered.graph, regionOf: ordered.region, causal };
}

/** Square values lie as a T × T matrix for each example and head, whatever order their arguments gave: rows of a strip side by side, ready for products. */
function withLayout(graph: Graph): Graph {
  const nodes = graph.nodes.map((node): Node => {
    const others = timeAxes(graph, node).filter((axis) => axis !== "t");
    if (others.length === 0 || !node.axes.includes("t")) return node;
    return { ...node, axes: [...node.axes.filter((axis) => axis !== "t" && !others.includes(axis)), "t", ...others] };
  });
  return { ...graph, nodes };
}

/** Repeats square values of an earlier level for each later level that reads them. */
function recompute(graph: Graph): { graph: Graph; standing: Standing[] } {
  const standing = standings(graph);
  const placed: Standing[] = [];
  const nodes: Node[] = [];
  const place: number[] = [];
  const copies = new Map<string, number>();
  const copyFor = (node: number, level: number): number => {
    if (!standing[node].square || standing[node].level === level) return place[node];
    const key = `${node}@${level}`;
    const known = copies.get(key);
    if (known !== undefined) return known;
    const { name: _name, ...plain } = graph.nodes[node];
    const args = plain.args.map((arg) => copyFor(arg, level));
    const at = nodes.push({ ...plain, args }) - 1;
    placed[at] = { level, hot: true, square: true };
    copies.set(key, at);
    return at;
  };
  graph.nodes.forEach((node, i) => {
    const reader = standing[i].square || node.args.some((arg) => standing[arg].square);
    const level = standing[i].square ? standing[i].level : Math.max(0, ...node.args.map((arg) => standing[arg].level));
    const args = node.args.map((arg) => (reader ? copyFor(arg, level) : place[arg]));
    place[i] = nodes.push({ ...node, args }) - 1;
    placed[place[i]] = standing[i];
  });
  return { graph: { ...graph, nodes, outputs: graph.outputs.map(({ name, node }) => ({ name, node: place[node] })) }, standing: placed };
}

/** The same graph with the nodes of each region one after the other. */
function contiguous(graph: Graph, region: readonly number[]): { graph: Graph; region: number[] } {
  const order: number[] = [];
  const done = new Set<number>();
  const visit = (node: number): void => {
    if (done.has(node)) return;
    if (region[node] < 0) {
      for (const arg of graph.nodes[node].args) visit(arg);
      done.add(node);
      order.push(node);
      return;
    }
    const members = graph.nodes.flatMap((_, i) => (region[i] === region[node] ? [i] : []));
    for (const member of members) for (const arg of graph.nodes[member].args) if (region[arg] !== region[node]) visit(arg);
    for (const member of members) {
      done.add(member);
      order.push(member);
    }
  };
  graph.nodes.forEach((_, i) => visit(i));
  const place = new Map(order.map((old, i) => [old, i]));
  const nodes = order.map((old) => ({ ...graph.nodes[old], args: graph.nodes[old].args.map((arg) => place.get(arg)!) }));
  return {
    graph: { ...graph, nodes, outputs: graph.outputs.map(({ name, node }) => ({ name, node: place.get(node)! })) },
    region: order.map((old) => region[old]),
  };
}

/** What scores are filled with where they must not count: as good as −∞, and still a number. */
const LOWEST = -1e30;

/**
 * True if every value that leaves the region does so through a reduction that is unaffected by pairs s > t. Followed through the graph: which values are 0 there,
 * which are −∞, starting from `select(s ≤ t, x, 0 or −∞)`.
 */
function isCausal(graph: Graph, region: readonly number[], which: number): boolean {
  type Beyond = "any" | "zero" | "lowest" | "false";
  const beyond: Beyond[] = [];
  const constant = (node: number): number | undefined => {
    const { op, args, attributes } = graph.nodes[node];
    if (op === "constant") return attributes.value;
    return op === "broadcast" ? constant(args[0]) : undefined;
  };
  const outputs = new Set(graph.outputs.map((output) => output.node));
  let causal = true;
  graph.nodes.forEach((node, i) => {
    const { op, args } = node;
    const at = (k: number): Beyond => beyond[args[k]];
    let value: Beyond = "any";
    const square = timeAxes(graph, node).length > 1;
    if ((op === "less_equal" || op === "less") && square && isTime(graph, args[0], false) && isTime(graph, args[1], true)) value = "false";
    else if (op === "select" && (at(0) === "false" || at(0) === "zero")) {
      const other = constant(args[2]);
      value = other === 0 ? "zero" : other !== undefined && other <= LOWEST ? "lowest" : at(2);
    } else if (op === "mul" || op === "contract") value = args.some((_, k) => at(k) === "zero" || at(k) === "false") ? "zero" : "any";
    else if (op === "exp") value = at(0) === "lowest" ? "zero" : "any";
    else if (op === "sub") value = at(0) === "lowest" ? "lowest" : at(0) === "zero" && at(1) === "zero" ? "zero" : "any";
    else if (op === "add") value = at(0) === "lowest" || at(1) === "lowest" ? "lowest" : at(0) === "zero" && at(1) === "zero" ? "zero" : "any";
    else if (op === "div" || op === "neg" || op === "rename" || op === "transpose" || op === "broadcast") value = at(0);
    else if (op === "select") value = at(1) === at(2) ? at(1) : "any";
    beyond[i] = square ? value : "any";
    if (region[i] !== which) return;
    if (square) {
      if (outputs.has(i)) causal = false; // it is wanted for all pairs
      return;
    }
    const squares = args.filter((arg) => timeAxes(graph, graph.nodes[arg]).length > 1);
    if (squares.length === 0) return;
    const fine =
      op === "max_over" ? squares.every((arg) => beyond[arg] === "lowest") : squares.some((arg) => beyond[arg] === "zero" || beyond[arg] === "false");
    if (!fine) causal = false;
  });
  return causal;
}

/** True for the index of `t` or of a step before (first), or of another time axis; plain or as a number. */
function isTime(graph: Graph, node: number, first: boolean): boolean {
  const { op, args, attributes } = graph.nodes[node];
  if (first && op === "add") return args.some((arg, k) => isTime(graph, arg, first) && (graph.nodes[args[1 - k]].attributes.value ?? 1) <= 0);
  if (op === "iota") return graph.axes.get(attributes.axis!) === "T" && (attributes.axis === "t") === first;
  return op === "to_real" && isTime(graph, args[0], first);
}
