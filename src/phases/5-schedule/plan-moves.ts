/**
 * Steps of nodes that move values: scatter, shift, last.
 *
 * Pure planning: accesses and steps are added to the plan at hand, nothing is computed.
 */
import { laterAccess, lastStepAccess, pickAccess, type Access } from "./access.ts";
import { labelOf } from "./label.ts";
import type { Planning } from "./planning.ts";
import type { Operand, Operation, Step } from "./step.ts";

/** Zeros plus values added at an index. */
export function planScatter(planner: Planning, node: number, into: Step[]): void {
  const { args, attributes, axes, type } = planner.graph.nodes[node];
  // A place of its own: the nest clears it whole before it adds.
  const target = planner.places.scratch(labelOf(planner.graph, node), axes, type, planner.sizes, 0, planner.prepared[node]);
  const values = planner.valueOf(args[0]);
  const index = planner.accessOf(args[1]);
  const arg: Operand = values.kind === "constant" ? { ...values, type } : { kind: "access", access: values.access, type };
  const operation: Operation = {
    op: "scatter",
    args: [arg, { kind: "access", access: index, type: "index" }],
    type,
    stores: [pickAccess(target, attributes.axis!, 0)],
    over: [],
    position: new Map([["index", target.strides.get(attributes.axis!)!]]),
  };
  const space = planner.graph.nodes[args[0]].axes.map((name) => ({ name, size: planner.sizes.of(name) }));
  planner.add(
    { kind: "nest", label: labelOf(planner.graph, node), axes: space, operations: [operation] },
    [target, index, ...(values.kind === "access" ? [values.access] : [])],
    into,
  );
  const wanted = planner.wantedAt(node);
  if (wanted) planner.copy({ kind: "access", access: target }, wanted, planner.graph.nodes[node], `copy to ${wanted.place.name}`, into);
  planner.setValue(node, wanted ?? target);
}

/** x_{t−lag}: the slots of a state if that is what x is, else a sequence with |lag| more slots. */
export function planShift(planner: Planning, node: number): Access {
  const { args, attributes, type } = planner.graph.nodes[node];
  const lag = attributes.lag!;
  const source = planner.graph.nodes[args[0]];
  if (source.op === "emitted" && Math.abs(lag) === 1) {
    const scan = planner.graph.nodes[source.args[0]];
    const { body, states, sequences, statics, reverse } = scan.attributes.scan!;
    const next = body.outputs[states + source.attributes.index!].node;
    for (let k = 0; k < states; k++) {
      const same = body.outputs[k].node === next && scan.args[sequences + statics + k] === args[1];
      if (same && (lag === 1) === !reverse) return planner.scans.get(source.args[0])!.before[k];
    }
  }
  const slots = Math.abs(lag);
  const place = planner.places.scratch(
    labelOf(planner.graph, node),
    source.axes[0] === "t" ? source.axes : ["t", ...source.axes.filter((axis) => axis !== "t")],
    type,
    planner.sizes,
    slots,
  );
  const stride = place.strides.get("t")!;
  const first = lag > 0 ? pickAccess(place, "t", 0) : { ...pickAccess(place, "t", 0), perLength: stride };
  const initial = slots === 1 ? first : { ...first, strides: new Map([...first.strides, [attributes.lags!, stride]]) };
  planner.copy(planner.valueOf(args[1]), initial, planner.graph.nodes[args[1]], `initial ${labelOf(planner.graph, node)}`, planner.steps);
  planner.copy(planner.valueOf(args[0]), lag > 0 ? laterAccess(place, slots) : place, source, labelOf(planner.graph, node), planner.steps);
  return lag > 0 ? place : laterAccess(place, slots);
}

/** The value at the last valid step: a view of the last slot, or a lookup by the lengths. */
export function planLast(planner: Planning, node: number): Access {
  const { args, attributes, axes, type } = planner.graph.nodes[node];
  const x = planner.accessOf(args[0]);
  if (attributes.reverse) return pickAccess(x, "t", 0);
  if (args.length === 1) return lastStepAccess(x);
  const lengths = planner.graph.nodes[args[1]];
  const index = planner.places.scratch("last step", lengths.axes, "index", planner.sizes);
  const one: Operand = { kind: "constant", value: 1, type: "index" };
  const zero: Operand = { kind: "constant", value: 0, type: "index" };
  const given: Operand = { kind: "access", access: planner.accessOf(args[1]), type: "index" };
  const operations: Operation[] = [
    { op: "less", args: [given, one], type: "real", stores: [], over: [] },
    { op: "sub", args: [given, one], type: "index", stores: [], over: [] },
    { op: "select", args: [{ kind: "operation", index: 0 }, zero, { kind: "operation", index: 1 }], type: "index", stores: [index], over: [] },
  ];
  planner.add({ kind: "nest", label: "last step", axes: lengths.axes.map((name) => ({ name, size: planner.sizes.of(name) })), operations }, [
    planner.accessOf(args[1]),
    index,
  ]);
  const target = planner.targetOf(node);
  const lookup: Operation = {
    op: "gather",
    args: [
      { kind: "access", access: pickAccess(x, "t", 0), type },
      { kind: "access", access: index, type: "index" },
    ],
    type,
    stores: [target],
    over: [],
    position: new Map([["index", x.strides.get("t") ?? 0]]),
  };
  planner.add(
    { kind: "nest", label: labelOf(planner.graph, node), axes: axes.map((name) => ({ name, size: planner.sizes.of(name) })), operations: [lookup] },
    [x, index, target],
  );
  return target;
}
