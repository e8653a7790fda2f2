/**
 * A region's steps, run strip by strip along t.
 *
 * In: the nodes of a region (regions.ts). Out: one strip step. Values that stay inside have room for one strip; what leaves goes to its place at the
 * rows in hand; sums over t are cleared before and continue from strip to strip. What positions and weights alone decide (masks, distances) is repeated where it is read.
 */
import type { AxisName, Graph, Node } from "../../ir/tensor/node.ts";
import { hasAxes, withoutAxes } from "../../ir/tensor/axes.ts";
import { isElementwise } from "../../ir/tensor/ops.ts";
import { isLeaf } from "./group.ts";
import { labelOf } from "./label.ts";
import type { Outside, Planning, Value } from "./planning.ts";
import { strideOf, touch, type Access } from "./access.ts";

/** Time steps in hand: enough terms for the sums over t, few enough to waste little of a causal half. */
const ROWS = 16;

/** One instruction, or none: cheaper to compute again for each example and head than to read. */
const POSITIONAL: ReadonlySet<string> = new Set(["iota", "to_real", "less", "less_equal", "equal", "add", "sub", "mul", "neg", "select"]);

export function planStrip(planner: Planning, members: readonly number[], causal: boolean): void {
  const { graph, places } = planner;
  const inside = new Map<number, number>();
  const nodes: Node[] = [];
  const outer: number[] = [];
  const set = new Set(members);
  const inner = (node: number): number => {
    const known = inside.get(node);
    if (known !== undefined) return known;
    // An input over pairs of time steps lies outside like any other.
    const at = set.has(node) && !isLeaf(graph.nodes[node]) ? repeated(node) : nodes.push(leafOf(node)) - 1;
    inside.set(node, at);
    return at;
  };
  const leafOf = (node: number): Node => {
    const { axes, type, op } = graph.nodes[node];
    if (op === "constant" || op === "iota") return graph.nodes[node];
    return { op: "parameter", args: [], axes, type, attributes: { kind: "static", index: outer.push(node) - 1 } };
  };
  const repeated = (member: number): number => {
    const node = graph.nodes[member];
    const copies = new Map<number, number>();
    const args = node.args.map((arg) => (isElementwise(node.op) ? beside(arg, node.axes, copies) : inner(arg)));
    return nodes.push({ ...node, args }) - 1;
  };
  const positional = positionsAndWeights(graph);
  /** An argument of elementwise work: what positions decide is computed for each reader, over its axes, and takes no memory. */
  const beside = (node: number, axes: readonly AxisName[], copies: Map<number, number>): number => {
    const known = copies.get(node);
    if (known !== undefined) return known;
    const { name: _name, ...plain } = graph.nodes[node];
    if (!positional[node] || isLeaf(plain) || !hasAxes(axes, plain.axes)) return inner(node);
    const args = plain.args.map((arg) => beside(arg, axes, copies));
    const at = nodes.push({ ...plain, axes, args }) - 1;
    copies.set(node, at);
    return at;
  };
  const outputs = new Set(graph.outputs.map((output) => output.node));
  const leaving = members.filter((member) => outputs.has(member) || planner.consumers[member].some((user) => !set.has(user)));
  for (const member of members) if (!positional[member] || leaving.includes(member)) inner(member);
  const body: Graph = { axes: graph.axes, nodes, outputs: leaving.map((member) => ({ name: labelOf(graph, member), node: inside.get(member)! })) };
  const outside: Outside = {
    parameter: ({ attributes }) => near.get(outer[attributes.index!]) ?? planner.valueOf(outer[attributes.index!]),
    static: ({ op, attributes, axes }) => (op === "parameter" && !axes.includes("t") ? { planner, node: outer[attributes.index!] } : undefined),
  };
  // What a value from outside needs (a place, a constant in memory) is made before the loop.
  for (const node of outer) if (!isLeaf(graph.nodes[node])) planner.valueOf(node);
  const near = bringNear(planner, members, outer);
  const rows = Math.min(ROWS, places.capacity);
  const strip = planner.nested(body, outside, rows);
  const targets: Access[] = [];
  const apart: { readonly member: number; readonly sums: Access; readonly target: Access }[] = [];
  const want = leaving.map((member) => {
    const node = graph.nodes[member];
    const target = planner.targetOf(member);
    const access = inReach(planner, member, target);
    if (access !== target) apart.push({ member, sums: access, target });
    targets.push(access);
    if (!node.axes.includes("t")) {
      planner.copy({ kind: "constant", value: 0 }, access, node, `clear ${labelOf(graph, member)}`, planner.steps);
      strip.continuing.add(inside.get(member)!);
    }
    return { node: inside.get(member)!, access, direct: true };
  });
  const known = places.all.length;
  const begin = places.clock++;
  strip.plan(want);
  planner.steps.push({
    kind: "strip",
    label: `strips for ${leaving.map((member) => labelOf(graph, member)).join(", ")}`,
    rows,
    causal,
    steps: strip.steps,
  });
  const end = places.clock++;
  for (const access of targets) {
    touch(access, begin);
    touch(access, end);
  }
  planner.holdAround(strip, known, begin, end);
  for (const { member, sums, target } of apart)
    planner.copy({ kind: "access", access: sums }, target, graph.nodes[member], `copy ${labelOf(graph, member)}`, planner.steps);
}

/** The axis of a value along which a strip's vectors run: a second time. */
const secondTime = ({ sizes }: Planning, axes: readonly AxisName[]): AxisName | undefined =>
  axes.find((axis) => axis !== "t" && sizes.of(axis) === "T");

/** A place like that of a node, with the time steps side by side. */
function alongTime(planner: Planning, node: number, axis: AxisName): Access {
  const { axes, type } = planner.graph.nodes[node];
  return planner.places.scratch(labelOf(planner.graph, node), [...withoutAxes(axes, [axis]), axis], type, planner.sizes, 0, false);
}

/** Copies of what elementwise work in strips reads along a second time, but does not find side by side there: it would be read one by one for each pair. */
function bringNear(planner: Planning, members: readonly number[], outer: readonly number[]): Map<number, Value> {
  const { graph } = planner;
  const read = new Set(members.filter((member) => isElementwise(graph.nodes[member].op)).flatMap((member) => graph.nodes[member].args));
  const near = new Map<number, Value>();
  for (const node of outer) {
    const { axes } = graph.nodes[node];
    const axis = secondTime(planner, axes);
    if (axis === undefined || axes.includes("t") || !read.has(node)) continue;
    const value = planner.valueOf(node);
    if (value.kind === "constant" || strideOf(value.access, axis) <= 1) continue;
    const access = alongTime(planner, node, axis);
    planner.copy(value, access, graph.nodes[node], `bring ${labelOf(graph, node)} together`, planner.steps);
    near.set(node, { kind: "access", access });
  }
  return near;
}

/** Where a sum over t of pointwise work grows: side by side along the second time, if its target is not. */
function inReach(planner: Planning, member: number, target: Access): Access {
  const { axes } = planner.graph.nodes[member];
  const axis = secondTime(planner, axes);
  if (axes.includes("t") || axis === undefined || planner.isProduct(member) || strideOf(target, axis) <= 1) return target;
  return alongTime(planner, member, axis);
}

/** True for each value of a graph that positions and weights alone decide, by a few instructions. */
function positionsAndWeights({ nodes }: Graph): boolean[] {
  const result: boolean[] = [];
  nodes.forEach(({ op, args, axes }, i) => {
    result[i] = op === "iota" || (isLeaf({ op }) ? !axes.includes("b") : args.length > 0 && POSITIONAL.has(op) && args.every((arg) => result[arg]));
  });
  return result;
}
