/**
 * One recurrence to one scan.
 *
 * In: the equations of a strongly connected component. Out: a scan whose body computes one time step, the values wanted of every step, and the last state.
 * The naive form: everything of the component goes into the body (phase 4 takes out what does not depend on the state). A state read at t-2 is a chain of two.
 * With lengths a state keeps its value in padding; with reset it begins anew where a document does.
 */
import { invariant } from "../../support/invariant.ts";
import { type Equation, type Term, visitTerm } from "../../ir/network/equation.ts";
import type { Clamp } from "../../ir/network/variant.ts";
import type { AxisName } from "../../ir/tensor/node.ts";
import { graphBuilder, type GraphBuilder, type NodeId } from "../../ir/tensor/build.ts";
import { choose, type Frame, type OuterFrame, sizeTable, standard, type Value, withDims } from "./build-frame.ts";
import { emit } from "./emit-term.ts";

export interface RecurrencePlan {
  readonly equations: readonly Equation[];
  readonly reverse: boolean;
  /** Values wanted of every step, and values whose last state is wanted. */
  readonly emitted: readonly string[];
}

/** What the build knows that a recurrence needs. */
export interface RecurrenceHost {
  readonly outside: OuterFrame;
  /** Axes of a definition: batch, indices, dimensions. */
  axesOf(equation: Equation): { readonly indices: readonly AxisName[]; readonly dims: readonly AxisName[] };
  /** Value before the first step, `depth` steps back, with the batch axis; as the run says, or as the equations say. */
  initial(name: string, depth: number, fresh: boolean): Value;
  readonly valid?: NodeId;
  /** [t, b] 1 where a document begins (where the next step begins one, for a backward recurrence). */
  readonly reset?: NodeId;
  clampOf(name: string): Clamp | undefined;
  /** A sequence-level constant for a clamp of kind "values". */
  clampValues(name: string): Value;
  readonly frameParts: Pick<Frame, "sizes"> & {
    readonly number: (size: Equation["shape"][number]) => number;
    readonly indexAxes: ReadonlyMap<string, AxisName>;
  };
}

export interface RecurrenceResult {
  /** [t, b, …] */
  readonly sequences: ReadonlyMap<string, Value>;
  /** State `depth` steps back after the last iteration. */
  readonly finals: ReadonlyMap<string, NodeId>;
}

export const stateKey = (name: string, depth: number): string => (depth === 1 ? name : `${name}~${depth}`);

/** Largest distance at which the equations read each other's earlier (or later) values. */
export function stateDepths(equations: readonly Equation[]): Map<string, number> {
  const members = new Set(equations.map((equation) => equation.name));
  const depths = new Map<string, number>();
  const note = (name: string, lag: number): void => {
    if (members.has(name) && lag !== 0) depths.set(name, Math.max(depths.get(name) ?? 0, Math.abs(lag)));
  };
  for (const equation of equations) {
    visitTerm(equation.value, (term: Term) => {
      if (term.kind === "value") note(term.name, term.lag);
      if (term.kind === "convolution" && term.operand.kind === "value") {
        const { name, lag } = term.operand;
        for (let j = 0; j < term.taps.count; j++) note(name, lag + term.taps.offset + term.taps.dilation * j);
      }
    });
  }
  return depths;
}

export function buildRecurrence(host: RecurrenceHost, plan: RecurrencePlan): RecurrenceResult {
  const { outside } = host;
  const outer = outside.b;
  const inner = graphBuilder(outer.axes);
  const sequences: NodeId[] = [];
  const statics: NodeId[] = [];
  const initials: NodeId[] = [];
  const stateNames: string[] = [];
  const lifted = new Map<NodeId, NodeId>();
  const lift = (node: NodeId): NodeId => {
    const known = lifted.get(node);
    if (known !== undefined) return known;
    const { axes, type } = outer.node(node);
    for (const axis of axes) inner.declareAxis(axis, outer.size(axis));
    const runs = axes.includes("t");
    const list = runs ? sequences : statics;
    list.push(node);
    const parameter = inner.parameter(runs ? "sequence" : "static", list.length - 1, { axes: axes.filter((axis) => axis !== "t"), type });
    lifted.set(node, parameter);
    return parameter;
  };
  const newState = (name: string, initial: NodeId): NodeId => {
    for (const axis of outer.axesOf(initial)) inner.declareAxis(axis, outer.size(axis));
    initials.push(initial);
    stateNames.push(name);
    return inner.parameter("state", initials.length - 1, { axes: outer.axesOf(initial), type: "real" });
  };
  const next: (() => NodeId)[] = [];
  const members = new Map(plan.equations.map((equation) => [equation.name, equation]));
  const depths = stateDepths(plan.equations);
  const computed = new Map<string, Value>();
  const before = new Map<string, Value>();
  const slots = new Map<string, number>();
  const frame: Frame = frameOf();
  const validNow = host.valid === undefined ? undefined : lift(host.valid);

  for (const [name, depth] of depths) {
    for (let k = 1; k <= depth; k++) {
      const side = plan.reverse ? -k : k;
      const initial = host.initial(name, side, false);
      const parameter = newState(stateKey(name, k), initial.node);
      let read: Value = { node: parameter, dims: initial.dims };
      if (host.reset !== undefined) read = choose(frame, lift(host.reset), lifted1(host.initial(name, side, true)), read);
      before.set(stateKey(name, k), read);
      slots.set(stateKey(name, k), initials.length - 1);
      next.push(() => {
        const value = k === 1 ? computed.get(name)! : before.get(stateKey(name, k - 1))!;
        const placed = inner.expand(withDims(frame, value, initial.dims).node, outer.axesOf(initial.node));
        return validNow === undefined ? placed : inner.select(validNow, placed, parameter);
      });
    }
  }

  for (const equation of plan.equations) {
    const raw = standard(frame, emit(frame, equation.value), equation.shape);
    const clamped = clampInside(equation, raw);
    computed.set(equation.name, { node: inner.named(clamped.node, equation.name, equation.span), dims: clamped.dims });
  }

  const outputs = [
    ...next.map((each, k) => ({ name: `next ${k}`, node: each() })),
    ...plan.emitted.map((name, k) => ({ name: `emit ${k}`, node: emittedNode(name) })),
  ];
  for (const [axis, size] of inner.axes) outer.declareAxis(axis, size);
  const scan = outer.scanNode([...sequences, ...statics, ...initials], {
    reverse: plan.reverse,
    sequences: sequences.length,
    statics: statics.length,
    states: initials.length,
    body: inner.finish(outputs),
    stateNames,
  });
  const result = new Map<string, Value>();
  for (const [k, name] of plan.emitted.entries()) {
    const equation = members.get(name)!;
    const node = outer.named(outer.emitted(scan, k), name, equation.span);
    result.set(name, { node, dims: host.axesOf(equation).dims });
  }
  return { sequences: result, finals: new Map([...slots].map(([key, slot]) => [key, outer.final(scan, slot)])) };

  function lifted1(value: Value): Value {
    return { node: lift(value.node), dims: value.dims };
  }

  /** An emitted value has the batch axis, even if the equations give it none. */
  function emittedNode(name: string): NodeId {
    const { indices, dims } = host.axesOf(members.get(name)!);
    return inner.expand(withDims(frame, computed.get(name)!, dims).node, ["b", ...indices, ...dims]);
  }

  function clampInside(equation: Equation, value: Value): Value {
    const clamp = host.clampOf(equation.name);
    if (!clamp) return value;
    const axes = inner.axesOf(value.node);
    if (clamp.to.kind === "constant") return { node: inner.filled(clamp.to.value, axes), dims: value.dims };
    if (clamp.to.kind === "values")
      return { node: inner.expand(lift(host.clampValues(equation.name).node), ["b", ...axes.filter((axis) => axis !== "b")]), dims: value.dims };
    // Frozen at its first step: a state that remembers it, and one that says that it does.
    const { indices, dims } = host.axesOf(equation);
    const wanted = ["b", ...indices, ...dims];
    const kept = newState(`frozen:${equation.name}`, outer.filled(0, wanted));
    const started = newState(`started:${equation.name}`, outer.filled(0, ["b"]));
    const held = inner.select(started, kept, inner.expand(withDims(frame, value, dims).node, wanted));
    const keep = (fresh: NodeId, old: NodeId): NodeId => (validNow === undefined ? fresh : inner.select(validNow, fresh, old));
    next.push(() => keep(held, kept));
    next.push(() => keep(inner.filled(1, ["b"]), started));
    return { node: held, dims };
  }

  function frameOf(): Frame {
    const b: GraphBuilder = inner;
    return {
      b,
      sizes: sizeTable(b, host.frameParts.number, host.frameParts.indexAxes),
      outside,
      isMember: (name) => members.has(name),
      value(name, lag) {
        if (!members.has(name)) return lifted1(outside.value(name, lag));
        const value = lag === 0 ? computed.get(name) : before.get(stateKey(name, Math.abs(lag)));
        invariant(value, `${name} is read before it is computed`);
        return value;
      },
      input: (name, lag) => lifted1(outside.input(name, lag)),
      weight: (name) => lifted1(outside.weight(name)),
      lift: lifted1,
      random(axes) {
        for (const axis of axes) if (axis !== "t") outer.declareAxis(axis, inner.size(axis));
        const node = outside.random(axes);
        return node === undefined ? undefined : lift(node);
      },
      mask: (index) => lifted1(outside.mask(index)),
    };
  }
}
