/**
 * Moves elementwise work into recurrences.
 *
 * In: a graph. Out: the same, where elementwise values that only a scan reads are computed in its body from what they are made of, and elementwise values made of
 * what a scan emits are emitted instead: one pass over memory less for each. (`z = σ(Wz·x)` of a minGRU, the loss gradient, masks on outputs.) Sums that follow a
 * product stay with the product; hoist puts them there.
 */
import { withoutAxes } from "../../ir/tensor/axes.ts";
import { graphBuilder, type GraphBuilder, type NodeId } from "../../ir/tensor/build.ts";
import { copyNode, importNodes } from "../../ir/tensor/copy.ts";
import type { Graph, Node, Output } from "../../ir/tensor/node.ts";
import { isCheap, isElementwise, isView } from "../../ir/tensor/ops.ts";
import type { Firing } from "../../ir/tensor/rewrite.ts";
import { HEAVY, readersOf, readsInPassing, remake, type Replacement } from "./remake.ts";

/** Sinks into every scan that has something to take and does not share it with another; call it until nothing changes. */
export function sink(graph: Graph, trace: Firing[]): Graph {
  const readers = readersOf(graph);
  const absorptions: Absorption[] = [];
  const taken = new Set<number>();
  for (const [index, node] of graph.nodes.entries()) {
    if (node.op !== "scan" || node.attributes.scan!.chunk !== undefined) continue;
    const before = sunkBefore(graph, index, readers);
    const after = before.size > 0 ? new Set<number>() : sunkAfter(graph, index, readers); // not at once: what is read after may be made of what sinks before
    const sunk = [...before, ...after];
    if (sunk.length === 0 || sunk.some((id) => taken.has(id))) continue;
    for (const id of sunk) taken.add(id);
    absorptions.push(absorb(graph, index, before, after, readers));
  }
  if (absorptions.length === 0) return graph;
  const together = makesCircle(graph, absorptions) ? absorptions.slice(0, 1) : absorptions;
  for (const { scan } of together) {
    const name = graph.nodes[scan].attributes.scan!.stateNames.join(", ");
    trace.push({ rule: "sink into the recurrence", op: "scan", became: "scan", name });
  }
  return remake(graph, new Map(together.flatMap(({ replacements }) => [...replacements])));
}

/** A scan that takes nodes into its body. */
interface Absorption {
  readonly scan: number;
  /** What its arguments will be. */
  readonly args: readonly number[];
  readonly replacements: ReadonlyMap<number, Replacement>;
}

/** True if two scans would each need what the other emits. */
function makesCircle(graph: Graph, absorptions: readonly Absorption[]): boolean {
  const needs = new Map<number, readonly number[]>();
  for (const { scan, args, replacements } of absorptions) {
    for (const id of replacements.keys()) needs.set(id, [scan]);
    needs.set(scan, args);
  }
  const open = new Set<number>();
  const closed = new Set<number>();
  const reachesItself = (id: number): boolean => {
    if (closed.has(id)) return false;
    if (open.has(id)) return true;
    open.add(id);
    const found = (needs.get(id) ?? graph.nodes[id].args).some(reachesItself);
    open.delete(id);
    closed.add(id);
    return found;
  };
  return absorptions.some(({ scan }) => reachesItself(scan));
}

/** A sum with the result of a product in it. */
function followsProduct(graph: Graph, id: number): boolean {
  const { op, args } = graph.nodes[id];
  if (op !== "add" && op !== "sub") return false;
  const made = (arg: number): boolean =>
    HEAVY.has(graph.nodes[arg].op) || followsProduct(graph, arg) || (isView(graph.nodes[arg].op) && made(graph.nodes[arg].args[0]));
  return args.some(made);
}

/** Elementwise over time, on reals, with no second axis of time and nothing generated in place. */
function canSink(graph: Graph, id: number): boolean {
  const { op, args, axes, type } = graph.nodes[id];
  if (!isElementwise(op) || type !== "real" || !axes.includes("t")) return false;
  if (axes.some((axis) => axis !== "t" && graph.axes.get(axis) === "T")) return false;
  return args.every((arg) => graph.nodes[arg].type === "real" && graph.nodes[arg].op !== "random");
}

/** Elementwise ancestors of a scan's sequences that nothing else upstream of the scan reads. */
function sunkBefore(graph: Graph, scan: number, readers: readonly (readonly number[])[]): Set<number> {
  const upstream = new Uint8Array(graph.nodes.length);
  upstream[scan] = 1;
  const { args, attributes } = graph.nodes[scan];
  const elsewhere = new Set(args.slice(attributes.scan!.sequences));
  const sunk = new Set<number>();
  for (let i = scan; i >= 0; i--) {
    if (!upstream[i]) continue;
    for (const arg of graph.nodes[i].args) upstream[arg] = 1;
    if (i === scan || !canSink(graph, i) || followsProduct(graph, i) || elsewhere.has(i)) continue;
    if (readers[i].every((reader) => reader < 0 || !upstream[reader] || reader === scan || sunk.has(reader))) sunk.add(i);
  }
  return sunk;
}

/**
 * Elementwise values made of what a scan emits (and depends on its states) and of what does not depend on the scan. What is read in passing and made of one value that is
 * emitted in any case stays where it is read: to emit it too would be another write.
 */
function sunkAfter(graph: Graph, scan: number, readers: readonly (readonly number[])[]): Set<number> {
  const recurrent = recurrentEmits(graph.nodes[scan]);
  const downstream = new Uint8Array(graph.nodes.length);
  downstream[scan] = 1;
  const sunk = new Set<number>();
  for (let i = scan + 1; i < graph.nodes.length; i++) {
    const { args } = graph.nodes[i];
    if (!args.some((arg) => downstream[arg])) continue;
    downstream[i] = 1;
    const inside = (arg: number): boolean => sunk.has(arg) || (graph.nodes[arg].op === "emitted" && graph.nodes[arg].args[0] === scan);
    if (!canSink(graph, i) || !args.every((arg) => inside(arg) || !downstream[arg])) continue;
    if (args.some((arg) => sunk.has(arg) || (inside(arg) && recurrent[graph.nodes[arg].attributes.index!]))) sunk.add(i);
  }
  const all = new Set(sunk);
  for (const i of [...sunk].sort((a, b) => b - a)) {
    const inPassing = readers[i].every((reader) => reader >= 0 && !sunk.has(reader) && readsInPassing(graph, reader));
    if (inPassing && madeOfOne(graph, i, all, readers)) sunk.delete(i);
  }
  return sunk;
}

/** True if a value is made by cheap work of smaller ones and of at most one as large, which is in memory in any case. */
function madeOfOne(graph: Graph, id: number, sunk: ReadonlySet<number>, readers: readonly (readonly number[])[]): boolean {
  const large = new Set<number>();
  const follow = (i: number): boolean =>
    isCheap(graph.nodes[i].op) &&
    graph.nodes[i].args.every((arg) => {
      if (sunk.has(arg)) return follow(arg);
      if (graph.nodes[arg].axes.length >= graph.nodes[id].axes.length) large.add(arg);
      return true;
    });
  return follow(id) && large.size <= 1 && [...large].every((each) => readers[each].some((reader) => !sunk.has(reader)));
}

/** For every emitted value, whether it depends on a state. */
function recurrentEmits({ attributes }: Node): boolean[] {
  const { body, states } = attributes.scan!;
  const flags: boolean[] = [];
  for (const node of body.nodes) flags.push(node.op === "parameter" ? node.attributes.kind === "state" : node.args.some((arg) => flags[arg]));
  return body.outputs.slice(states).map((output) => flags[output.node]);
}

/** The scan with the sunk nodes in its body; those that others read are emitted. */
function absorb(
  graph: Graph,
  index: number,
  before: ReadonlySet<number>,
  after: ReadonlySet<number>,
  readers: readonly (readonly number[])[],
): Absorption {
  const node = graph.nodes[index];
  const scan = node.attributes.scan!;
  const inner = graphBuilder(graph.axes);
  const lists = { sequence: [] as number[], static: [] as number[] };
  const memo = new Map<number, NodeId>();
  const place = new Map<number, NodeId>();
  const value = (id: number): NodeId => {
    const known = memo.get(id);
    if (known !== undefined) return known;
    const made = makeValue(id);
    memo.set(id, made);
    return made;
  };
  const makeValue = (id: number): NodeId => {
    const outer = graph.nodes[id];
    if (before.has(id) || after.has(id)) return copyNode(inner, outer, outer.args.map(value));
    if (outer.op === "emitted" && outer.args[0] === index) return place.get(scan.body.outputs[scan.states + outer.attributes.index!].node)!;
    if (outer.op === "constant") return inner.constant(outer.attributes.value!, outer.type);
    if (outer.op === "broadcast") return inner.broadcast(value(outer.args[0]), withoutAxes(outer.attributes.over!, ["t"]));
    return parameterOf(inner, lists, id, outer);
  };
  const imported = importNodes(inner, scan.body, {
    replace: ({ op, attributes }) => {
      if (op !== "parameter" || attributes.kind === "state") return undefined;
      return value(node.args[attributes.kind === "sequence" ? attributes.index! : scan.sequences + attributes.index!]);
    },
  });
  for (const [old, id] of imported) place.set(old, id);
  const outputs: Output[] = scan.body.outputs.map(({ name, node: id }) => ({ name, node: place.get(id)! }));
  const replacements = new Map<number, Replacement>();
  const sunk = [...before, ...after].sort((a, b) => a - b);
  for (const id of sunk) {
    if (!readers[id].some((reader) => reader !== index && !before.has(reader) && !after.has(reader))) continue;
    const k = outputs.length - scan.states;
    outputs.push({ name: `emit ${k}`, node: value(id) });
    replacements.set(id, (g, get) => g.emitted(get(index), k));
  }
  const body = inner.finish(outputs);
  const args = [...lists.sequence, ...lists.static, ...node.args.slice(scan.sequences + scan.statics)];
  const attributes = { scan: { ...scan, sequences: lists.sequence.length, statics: lists.static.length, body } };
  replacements.set(index, (g, get) => copyNode(g, { ...node, attributes }, args.map(get)));
  return { scan: index, args, replacements };
}

function parameterOf(
  inner: GraphBuilder,
  lists: { readonly sequence: number[]; readonly static: number[] },
  id: number,
  { axes, type }: Node,
): NodeId {
  const kind = axes.includes("t") ? "sequence" : "static";
  lists[kind].push(id);
  return inner.parameter(kind, lists[kind].length - 1, { axes: withoutAxes(axes, ["t"]), type });
}
