/**
 * Lets a recurrence emit several values side by side as one.
 *
 * In: a graph. Out: the same, where values that a scan emits one by one, but which stand together in a stack inside it, or which are stacked outside, are emitted as
 * that stack; outside, each is a slice of it. So the stack exists once in memory, written by the recurrence itself.
 */
import { graphBuilder, type GraphBuilder, type NodeId } from "../../ir/tensor/build.ts";
import { copyNode, importNodes } from "../../ir/tensor/copy.ts";
import type { AxisName, Graph, Node, Output } from "../../ir/tensor/node.ts";
import type { Firing } from "../../ir/tensor/rewrite.ts";
import { remake, type Replacement } from "./remake.ts";

/** A value of a body under another name for one axis. */
function unrenamed(graph: Graph, id: number, axis: AxisName): { id: number; axis: AxisName } {
  const { op, args, attributes } = graph.nodes[id];
  if (op !== "rename" || attributes.from!.length !== 1 || attributes.to![0] !== axis) return { id, axis };
  return unrenamed(graph, args[0], attributes.from![0]);
}

/** Where a body's node stands in a stack of the same body. */
interface Place {
  readonly stack: number;
  readonly axis: AxisName;
  readonly to: AxisName;
  readonly start: number;
}

function placesInStacks(body: Graph): Map<number, Place> {
  const places = new Map<number, Place>();
  for (const [stack, { op, args, attributes }] of body.nodes.entries()) {
    if (op !== "concat") continue;
    let start = 0;
    for (const [k, arg] of args.entries()) {
      const part = unrenamed(body, arg, attributes.parts![k]);
      const old = places.get(part.id);
      if (!old || body.nodes[old.stack].args.length < args.length) places.set(part.id, { stack, axis: attributes.axis!, to: part.axis, start });
      start += body.axes.get(part.axis) as number;
    }
  }
  return places;
}

/** Emitted values that stand in a stack of their body become slices of the emitted stack. */
export function emitStacks(graph: Graph, trace: Firing[]): Graph {
  const replacements = new Map<number, Replacement>();
  for (const [index, node] of graph.nodes.entries()) {
    const scan = node.attributes.scan;
    if (!scan || scan.chunk !== undefined) continue;
    const places = placesInStacks(scan.body);
    const outputs: Output[] = [...scan.body.outputs];
    const emitOf = (stack: number): number => {
      const known = outputs.findIndex((output, k) => k >= scan.states && output.node === stack);
      if (known >= 0) return known - scan.states;
      outputs.push({ name: `emit ${outputs.length - scan.states}`, node: stack });
      return outputs.length - 1 - scan.states;
    };
    const moved = new Map<number, Replacement>();
    for (const [at, each] of graph.nodes.entries()) {
      if (each.op !== "emitted" || each.args[0] !== index) continue;
      const place = places.get(scan.body.outputs[scan.states + each.attributes.index!].node);
      if (!place || !scan.body.nodes[scan.body.outputs[scan.states + each.attributes.index!].node].axes.includes(place.to)) continue;
      const k = emitOf(place.stack);
      moved.set(at, (g, get) => g.slice(g.emitted(get(index), k), place.axis, place.to, place.start));
    }
    if (moved.size === 0) continue;
    trace.push({ rule: "emit the stack", op: "scan", became: "scan", name: scan.stateNames.join(", ") });
    const body = { ...scan.body, outputs };
    replacements.set(index, (g, get) => copyNode(g, { ...node, attributes: { scan: { ...scan, body } } }, node.args.map(get)));
    for (const [at, replacement] of moved) replacements.set(at, replacement);
  }
  return replacements.size === 0 ? graph : remake(graph, replacements);
}

/** The scan, not by chunks, whose emitted values (through views that leave time alone) a node shows, if it is only that. */
export function emittingScan(graph: Graph, id: number): number | undefined {
  const { op, args, attributes } = graph.nodes[id];
  if (op === "emitted") return graph.nodes[args[0]].attributes.scan!.chunk === undefined ? args[0] : undefined;
  if (op === "slice" || op === "pick") return attributes.axis === "t" ? undefined : emittingScan(graph, args[0]);
  if (op === "rename") return attributes.from!.includes("t") ? undefined : emittingScan(graph, args[0]);
  return undefined;
}

/** Stacks of emitted values of one scan are made inside of it and emitted whole. */
export function stackInside(graph: Graph, trace: Firing[]): Graph {
  const replacements = new Map<number, Replacement>();
  const wanted = new Map<number, number[]>();
  for (const [index, { op, args, attributes }] of graph.nodes.entries()) {
    if (op !== "concat" || attributes.axis === "t") continue;
    const scans = new Set(args.map((arg) => emittingScan(graph, arg)));
    const [scan] = scans;
    if (scans.size === 1 && scan !== undefined) wanted.set(scan, [...(wanted.get(scan) ?? []), index]);
  }
  for (const [index, stacks] of wanted) {
    const node = graph.nodes[index];
    const scan = node.attributes.scan!;
    const inner = graphBuilder(graph.axes);
    const place = importNodes(inner, scan.body);
    const outputs: Output[] = scan.body.outputs.map(({ name, node: id }) => ({ name, node: place.get(id)! }));
    for (const stack of stacks) {
      const { args, attributes } = graph.nodes[stack];
      const parts = args.map((arg) => insideOf(graph, arg, inner, (emit) => place.get(scan.body.outputs[scan.states + emit].node)!));
      const k = outputs.length - scan.states;
      outputs.push({ name: `emit ${k}`, node: inner.concat(parts, attributes.parts!, attributes.axis!) });
      replacements.set(stack, (g, get) => g.emitted(get(index), k));
    }
    trace.push({ rule: "stack inside the recurrence", op: "concat", became: "emitted", name: scan.stateNames.join(", ") });
    const body = inner.finish(outputs);
    replacements.set(index, (g, get) => copyNode(g, { ...node, attributes: { scan: { ...scan, body } } }, node.args.map(get)));
  }
  return replacements.size === 0 ? graph : remake(graph, replacements);
}

function insideOf(graph: Graph, id: number, inner: GraphBuilder, emitted: (index: number) => NodeId): NodeId {
  const node: Node = graph.nodes[id];
  if (node.op === "emitted") return emitted(node.attributes.index!);
  return inner.make(node.op, [insideOf(graph, node.args[0], inner, emitted)], node.attributes);
}

/** A stack that is a run of another stack's parts becomes a slice of it. */
export function shareStacks(graph: Graph): Graph {
  const stacks = graph.nodes.flatMap(({ op, args, attributes }, index) => {
    if (op !== "concat") return [];
    const parts = args.map((arg, k) => unrenamed(graph, arg, attributes.parts![k]));
    return [{ index, axis: attributes.axis!, parts }];
  });
  const replacements = new Map<number, Replacement>();
  for (const small of stacks) {
    for (const large of stacks) {
      if (small.parts.length >= large.parts.length || replacements.has(large.index) || replacements.has(small.index)) continue;
      const at = large.parts.findIndex((_, k) =>
        small.parts.every(({ id, axis }, i) => large.parts[k + i]?.id === id && large.parts[k + i].axis === axis),
      );
      if (at < 0 || dependsOn(graph, large.index, small.index)) continue;
      const start = large.parts.slice(0, at).reduce((sum, { axis }) => sum + (graph.axes.get(axis) as number), 0);
      replacements.set(small.index, (g, get) => g.slice(get(large.index), large.axis, small.axis, start));
    }
  }
  return replacements.size === 0 ? graph : remake(graph, replacements);
}

/** Products and sums of a value that stands in a stack read it there, so that those of its neighbours can join in (outside of recurrences). */
export function readFromStacks(graph: Graph, trace: Firing[]): Graph {
  const places = placesInStacks(graph);
  const replacements = new Map<number, Replacement>();
  for (const [index, { op, args, attributes }] of graph.nodes.entries()) {
    if (op !== "contract" && op !== "sum") continue;
    const at = args.findIndex((arg) => {
      const place = places.get(arg);
      return (
        place &&
        !attributes.over!.includes(place.to) &&
        graph.nodes[arg].axes.includes("t") &&
        graph.nodes[arg].op !== "slice" &&
        !dependsOn(graph, place.stack, index)
      );
    });
    if (at < 0) continue;
    const place = places.get(args[at])!;
    trace.push({ rule: "read from the stack", op, became: op });
    replacements.set(index, (g, get) => {
      const slice = g.slice(get(place.stack), place.axis, place.to, place.start);
      const operands = args.map((arg, k) => (k === at ? slice : get(arg)));
      return g.make(op, operands, attributes);
    });
  }
  return replacements.size === 0 ? graph : remake(graph, replacements);
}

function dependsOn(graph: Graph, id: number, target: number, seen = new Set<number>()): boolean {
  if (id <= target || seen.has(id)) return id === target;
  seen.add(id);
  return graph.nodes[id].args.some((arg) => dependsOn(graph, arg, target, seen));
}
