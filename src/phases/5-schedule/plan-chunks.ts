/**
 * A scan by chunks: a loop over chunks of time steps around steps of fixed sizes.
 *
 * In: a scan whose body stands for several time steps at once. Out: one strip step. What comes in is copied to a place of its own, rows of a chunk side by side, zeros
 * past the end; what goes out is written to its place for all steps, which has room for whole chunks. What holds for a whole chunk (a state before it, for the gradient)
 * has one slot for each. What depends on positions alone (masks) is made once, when the program is prepared.
 */
import type { AxisName, Graph, Node } from "../../ir/tensor/node.ts";
import { replaceAxis } from "../../ir/tensor/axes.ts";
import { invariant } from "../../support/invariant.ts";
import { renameAccess, strideOf, touch, type Access } from "./access.ts";
import { labelOf } from "./label.ts";
import type { Outside, Planning, Value, Want } from "./planning.ts";
import type { NestStep, Operand } from "./step.ts";

export function planChunks(planner: Planning, node: number): void {
  const { graph, places, sizes } = planner;
  const scan = graph.nodes[node].attributes.scan!;
  const { args } = graph.nodes[node];
  const chunk = scan.chunk!;
  const rows = sizes.of(chunk) as number;
  const body = withRowsTogether(scan.body, scan.states, chunk);
  const name = scan.stateNames.join(", ");

  const states = scan.stateNames.map((state, k) => {
    const { axes, type } = body.nodes[body.outputs[k].node];
    const access = places.scratch(state, axes, type, sizes);
    planner.copy(planner.valueOf(args[scan.sequences + scan.statics + k]), access, { axes, type }, `initial ${state}`, planner.steps);
    return access;
  });
  const known = places.all.length;
  const begin = places.clock++;

  const parameter = (leaf: Node): Value => {
    const { kind, index } = leaf.attributes;
    if (kind === "state") return { kind: "access", access: states[index!] };
    const value = planner.valueOf(args[kind === "sequence" ? index! : scan.sequences + index!]);
    if (kind === "static" || (value.kind === "constant" && value.value === 0) || !leaf.axes.includes(chunk)) return value;
    return { kind: "access", access: rowsInHand(inner, value, leaf, chunk, `chunk of ${labelOf(graph, args[index!])}`) };
  };
  const outside: Outside = {
    parameter,
    static: ({ op, attributes }) =>
      op === "parameter" && attributes.kind === "static" ? { planner, node: args[scan.sequences + attributes.index!] } : undefined,
  };
  const inner = planner.nested(body, outside);

  const targets: Access[] = [];
  const emitted: Value[] = [];
  const want: Want[] = states.map((_, k) => {
    const { axes, type } = body.nodes[body.outputs[k].node];
    return { node: body.outputs[k].node, access: places.scratch(`next ${scan.stateNames[k]}`, axes, type, sizes), direct: true };
  });
  for (const output of body.outputs.slice(scan.states)) {
    const source = body.nodes[output.node];
    const label = labelOf(body, output.node);
    if (source.axes.includes(chunk)) {
      const outer = places.scratch(label, replaceAxis(rowsFirst(source.axes, chunk), chunk, ["t"]), source.type, sizes, rows);
      want.push({ node: output.node, access: inChunk(outer, chunk), direct: !inner.prepared[output.node] });
      emitted.push({ kind: "access", access: outer });
    } else {
      const slots = perChunk(planner, label, source, rows);
      want.push({ node: output.node, access: slots, direct: source.op !== "parameter" && !inner.prepared[output.node] });
      emitted.push({ kind: "access", access: slots });
    }
    targets.push(want[want.length - 1].access);
  }
  inner.plan(want);
  for (const [k, state] of states.entries())
    inner.copy({ kind: "access", access: want[k].access }, state, body.nodes[body.outputs[k].node], `carry ${scan.stateNames[k]}`, inner.steps);
  planner.steps.push({
    kind: "strip",
    label: `${scan.reverse ? "backwards " : ""}by chunks over ${name}`,
    rows,
    causal: false,
    reverse: scan.reverse,
    steps: inner.steps,
  });
  const end = places.clock++;
  for (const access of [...states, ...targets]) {
    touch(access, begin);
    touch(access, end);
  }
  planner.holdAround(inner, known, begin, end);
  planner.scans.set(node, { emitted, finals: states.map((access) => ({ kind: "access", access })), before: states });
}

/**
 * The body with its axes in the order [heads…, steps…, K or V]: matrices of one example and head lie together, ready for products. Heads are the axes of a state that
 * values over pairs of steps have too.
 */
function withRowsTogether(body: Graph, states: number, chunk: AxisName): Graph {
  const { names, parts } = stepsOf(body, chunk);
  const heads = new Set<AxisName>();
  for (const { axes } of body.nodes) {
    if (axes.filter((axis) => names.has(axis)).length > 1) for (const axis of axes) if (!parts.includes(axis)) heads.add(axis);
  }
  const order = [...new Set(body.outputs.slice(0, states).flatMap(({ node }) => body.nodes[node].axes))];
  const rank = (axis: AxisName): number =>
    parts.includes(axis) ? order.length + parts.indexOf(axis) : heads.has(axis) ? order.indexOf(axis) : order.length + parts.length;
  const nodes = body.nodes.map((node): Node => ({ ...node, axes: [...node.axes].sort((p, q) => rank(p) - rank(q)) }));
  return { ...body, nodes };
}

/** The axis of a chunk's steps and its other names; these and all parts of them, in the order in which they lie. */
function stepsOf(body: Graph, chunk: AxisName): { readonly names: ReadonlySet<AxisName>; readonly parts: readonly AxisName[] } {
  const names = new Set([chunk]);
  const parts = [chunk];
  const add = (axis: AxisName, after: AxisName): void => {
    if (!parts.includes(axis)) parts.splice(parts.indexOf(after) + 1, 0, axis);
  };
  for (const { op, attributes } of body.nodes) {
    const to = typeof attributes.to === "string" ? [attributes.to] : (attributes.to ?? []);
    if (op === "rename")
      attributes.from!.forEach((axis, i) => {
        if (parts.includes(axis)) add(to[i], axis);
        if (names.has(axis)) names.add(to[i]);
      });
    if (op === "split" && parts.includes(attributes.axis!)) to.forEach((axis, i) => add(axis, i === 0 ? attributes.axis! : to[i - 1]));
  }
  return { names, parts };
}

const rowsFirst = (axes: readonly AxisName[], chunk: AxisName): AxisName[] => [chunk, ...axes.filter((axis) => axis !== chunk)];

/** The rows of a value for all steps that belong to the chunk in hand. */
function inChunk(outer: Access, chunk: AxisName): Access {
  const rows = renameAccess(outer, ["t"], [chunk]);
  return { ...rows, strides: new Map([...rows.strides, ["t", strideOf(outer, "t")]]) };
}

/** Copies the chunk's rows of a sequence; where it is shorter than others, it is filled up with zeros. */
function rowsInHand(inner: Planning, source: Value, { axes, type }: Node, chunk: AxisName, label: string): Access {
  const room = axes.reduce((product, axis) => product * inner.sizes.extent(axis), 1);
  const place = inner.places.make(label, "scratch", type === "real" ? "f32" : "i32", axes, axes.map(inner.sizes.of), room, false, true);
  const strides = new Map<AxisName, number>();
  let stride = 1;
  for (const axis of [...axes].reverse()) {
    strides.set(axis, stride);
    stride *= inner.sizes.extent(axis);
  }
  const local: Access = { place, offset: 0, perLength: 0, strides };
  const all = axes.map((axis) => ({ name: axis, size: inner.sizes.of(axis) }));
  const inHand = all.map(({ name, size }) => (name === chunk ? { name: "t", size: "T" as const } : { name, size }));
  const nothing = { kind: "constant", value: 0, type } as const;
  inner.add(copyStep(`clear ${label}`, all, nothing, local, inner.sizes.of(chunk) as number), [local]);
  const touched = source.kind === "access" ? [source.access, local] : [local];
  inner.add(copyStep(label, inHand, { ...source, type }, renameAccess(local, [chunk], ["t"])), touched);
  return local;
}

function copyStep(
  label: string,
  axes: NestStep["axes"],
  arg: Exclude<Operand, { kind: "operation" }>,
  target: Access,
  ifShorterThan?: number,
): NestStep {
  return { kind: "nest", label, axes, operations: [{ op: "copy", args: [arg], type: arg.type, stores: [target], over: [] }], ifShorterThan };
}

/** A place with one slot per chunk. Its stride along t is a slot's part of one step, since chunks begin at multiples of `rows`. */
function perChunk({ places, sizes }: Planning, label: string, { axes, type }: Node, rows: number): Access {
  const dense = axes.reduce((product, axis) => product * sizes.extent(axis), 1);
  const slot = Math.ceil(dense / rows) * rows;
  const chunks = Math.ceil(places.capacity / rows);
  const place = places.make(label, "scratch", type === "real" ? "f32" : "i32", axes, axes.map(sizes.of), slot * chunks, false);
  const strides = new Map<AxisName, number>([["t", slot / rows]]);
  let stride = 1;
  for (const axis of [...axes].reverse()) {
    strides.set(axis, stride);
    stride *= sizes.extent(axis);
  }
  invariant(!axes.includes("t"), "a value that holds for a chunk has no time axis");
  return { place, offset: 0, perLength: 0, strides };
}
