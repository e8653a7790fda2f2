/**
 * Makes tensor graphs, checking every rule of the language as it goes.
 *
 * In: calls, one per op, whose arguments are the numbers of earlier nodes. Out: an immutable Graph. Equal nodes are made once (hash-consing),
 * so a caller may ask for the same thing as often as it likes. Nodes that no output needs are left out by `finish`. Never simplifies.
 */
import { invariant } from "../../support/invariant.ts";
import type { Span } from "../../support/source.ts";
import { equalAxes, replaceAxis, withoutAxes } from "./axes.ts";
import type { Attributes, AxisName, AxisSize, BinaryOp, ElementType, Graph, Node, Op, Output, ScanAttributes, UnaryOp } from "./node.ts";
import { hashOf, nodeTable, type NodeTable } from "./intern.ts";
import { broken, type Shape, sizeOf } from "./op-rules.ts";
import { isBinary, isUnary, opTable, shapeOf } from "./ops.ts";
import { isSize } from "./sizes.ts";

/** Number of a node in the graph under construction. */
export type NodeId = number;

export interface ScanOptions {
  readonly reverse?: boolean;
  /** Nodes with `t`: the body sees one step of each. */
  readonly sequences?: readonly NodeId[];
  /** Nodes without `t`: the body sees them as they are. */
  readonly statics?: readonly NodeId[];
  readonly states: readonly { readonly name: string; readonly initial: NodeId }[];
}

export interface ScanParameters {
  readonly sequences: readonly NodeId[];
  readonly statics: readonly NodeId[];
  /** Values of the states before the step. */
  readonly states: readonly NodeId[];
}

export interface ScanBody {
  /** Next value of each state, with the axes of its initial value. */
  readonly next: readonly NodeId[];
  /** Values wanted outside for every step. */
  readonly emit: readonly NodeId[];
}

export interface ScanResult {
  readonly scan: NodeId;
  /** [t, …] for every emitted value. */
  readonly emitted: readonly NodeId[];
  /** State after the last iteration, for every state. */
  readonly finals: readonly NodeId[];
}

type UnaryMethods = { readonly [K in UnaryOp]: (x: NodeId) => NodeId };
type BinaryMethods = { readonly [K in BinaryOp]: (a: NodeId, b: NodeId) => NodeId };

/** All the ways to add a node. Axes lists of one axis may be given as its name. Every method throws InternalError if a rule is broken. */
export interface GraphBuilder extends UnaryMethods, BinaryMethods {
  /** Sizes of all axes declared so far; shared with the builders of scan bodies. */
  readonly axes: ReadonlyMap<AxisName, AxisSize>;
  /** Nodes made so far. */
  readonly count: number;
  node(id: NodeId): Node;
  /** Axes of a node. */
  axesOf(id: NodeId): readonly AxisName[];
  size(axis: AxisName): AxisSize;
  /** Gives an axis its size; declaring it again with the same size is fine. Returns the axis. */
  declareAxis(axis: AxisName, size: AxisSize): AxisName;
  /** A new axis: `base` if it is still free, else with primes added. */
  freshAxis(base: AxisName, size: AxisSize): AxisName;
  /** An axis as long as `base`, not among `avoid`: base, base′, base″, … (made once, so equal requests give equal graphs). */
  otherAxis(base: AxisName, avoid: readonly AxisName[]): AxisName;

  /** Any op from its parts; `declared` for the ops that state their axes themselves (leaves, transpose). */
  make(op: Op, args: readonly NodeId[], attributes?: Attributes, declared?: Shape): NodeId;
  /** Gives a node the author's name and place. Returns the node to use from then on. */
  named(id: NodeId, name: string, span?: Span): NodeId;

  input(name: string, axes: readonly AxisName[], type?: ElementType): NodeId;
  weight(name: string, axes: readonly AxisName[]): NodeId;
  constant(value: number, type?: ElementType): NodeId;
  /** The same number along the given axes. */
  filled(value: number, axes: readonly AxisName[]): NodeId;
  iota(axis: AxisName): NodeId;
  random(seed: NodeId, stream: number, axes: readonly AxisName[]): NodeId;
  parameter(kind: "sequence" | "static" | "state", index: number, shape: Shape): NodeId;

  unary(op: UnaryOp, x: NodeId): NodeId;
  binary(op: BinaryOp, a: NodeId, b: NodeId): NodeId;
  select(condition: NodeId, whenTrue: NodeId, whenFalse: NodeId): NodeId;
  /** Sum of all (0 for none). */
  addAll(terms: readonly NodeId[]): NodeId;

  sum(x: NodeId, over: AxisName | readonly AxisName[]): NodeId;
  max_over(x: NodeId, over: AxisName | readonly AxisName[]): NodeId;
  argmax(x: NodeId, over: AxisName): NodeId;
  contract(x: NodeId, y: NodeId, over: AxisName | readonly AxisName[]): NodeId;

  rename(x: NodeId, from: AxisName | readonly AxisName[], to: AxisName | readonly AxisName[]): NodeId;
  /** Another memory order; the node itself if it has that order already. */
  transpose(x: NodeId, axes: readonly AxisName[]): NodeId;
  /** Gains axes in front; the node itself if there are none to gain. */
  broadcast(x: NodeId, over: AxisName | readonly AxisName[]): NodeId;
  /** Broadcast to all of `axes` (in the end in this order): adds those it lacks. */
  expand(x: NodeId, axes: readonly AxisName[]): NodeId;
  slice(x: NodeId, axis: AxisName, to: AxisName, start: number): NodeId;
  pick(x: NodeId, axis: AxisName, start: number): NodeId;
  /** Joins args[i] along its axis parts[i]. */
  concat(args: readonly NodeId[], parts: readonly AxisName[], axis: AxisName): NodeId;
  pad(x: NodeId, axis: AxisName, to: AxisName, start: number): NodeId;
  split(x: NodeId, axis: AxisName, to: readonly AxisName[]): NodeId;
  /** Brings the axes together first (a transpose) if they are not. */
  merge(x: NodeId, axes: readonly AxisName[], to: AxisName): NodeId;
  gather(table: NodeId, index: NodeId, axis: AxisName): NodeId;
  /** Adjoint of gather; `over`: the axes of the index that are summed over. */
  scatter(values: NodeId, index: NodeId, axis: AxisName, over: readonly AxisName[]): NodeId;
  /** x[t - lag]; `initial` fills the steps outside (with axis `lags` in time order if |lag| > 1). */
  shift(x: NodeId, lag: number, initial: NodeId, lags?: AxisName): NodeId;
  /** The x with x_t = r_t + Σ_{s<t} L[t, s]·x_s along the axes `axis` (t) and `to` (s); with s > t if `reverse`. */
  solve(l: NodeId, r: NodeId, axis: AxisName, to: AxisName, reverse?: boolean): NodeId;
  /** t as groups along the first axis and the steps in each along the second, 0 past the end; `unfold` is the reverse. */
  fold(x: NodeId, axes: readonly [AxisName, AxisName]): NodeId;
  unfold(x: NodeId, axes: readonly [AxisName, AxisName]): NodeId;
  last(x: NodeId, lengths?: NodeId, reverse?: boolean): NodeId;

  /** A recurrence over t. `body` receives a builder of its own (it shares the axes) and the parameters. */
  scan(options: ScanOptions, body: (builder: GraphBuilder, parameters: ScanParameters) => ScanBody): ScanResult;
  /** A scan from its parts, whose body exists already. */
  scanNode(args: readonly NodeId[], scan: ScanAttributes): NodeId;
  emitted(scan: NodeId, index: number): NodeId;
  final(scan: NodeId, index: number): NodeId;

  /** The graph that computes these outputs, in this order. Nodes that none of them needs are left out. */
  finish(outputs: readonly Output[] | Readonly<Record<string, NodeId>>): Graph;
}

/** What may stand for a node just made: its number, or that of an equal node which is better. */
export type Improve = (builder: GraphBuilder, id: NodeId) => NodeId | undefined;

/** Starts a graph. `axes`: sizes known from the start; `improve`: asked once for every new node (see rewrite.ts). */
export function graphBuilder(axes: Iterable<readonly [AxisName, AxisSize]> = [], improve?: Improve): GraphBuilder {
  return new Builder(new Map(axes), improve) as unknown as GraphBuilder;
}

const NO_ATTRIBUTES: Attributes = {};

function withoutUndefined(attributes: Attributes): Attributes {
  for (const key in attributes) {
    if (attributes[key as keyof Attributes] !== undefined) continue;
    return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined)) as Attributes;
  }
  return attributes;
}

function list(axes: AxisName | readonly AxisName[]): readonly AxisName[] {
  return typeof axes === "string" ? [axes] : axes;
}

/** A graph under construction. A class, since passes start hundreds of graphs: one made of closures would cost more than its nodes. */
class Builder implements Omit<GraphBuilder, UnaryOp | BinaryOp> {
  readonly axes: Map<AxisName, AxisSize>;
  readonly #nodes: Node[] = [];
  readonly #known: NodeTable;
  readonly #improve: Improve | undefined;

  constructor(axes: Map<AxisName, AxisSize>, improve?: Improve) {
    this.axes = axes;
    this.#known = nodeTable(this.#nodes);
    this.#improve = improve;
  }

  get count(): number {
    return this.#nodes.length;
  }

  node(id: NodeId): Node {
    return this.#nodes[id] ?? broken(`there is no node ${id}`);
  }

  axesOf(id: NodeId): readonly AxisName[] {
    return this.node(id).axes;
  }

  size(axis: AxisName): AxisSize {
    return sizeOf(this.axes, axis);
  }

  make(op: Op, args: readonly NodeId[], given?: Attributes, declared?: Shape): NodeId {
    const attributes = given === undefined ? NO_ATTRIBUTES : withoutUndefined(given);
    const operands: Node[] = [];
    for (let i = 0; i < args.length; i++) operands.push(this.node(args[i]));
    const { axes, type } = shapeOf(op, operands, attributes, this.axes, opTable[op].declared ? declared : undefined);
    const node: Node = { op, args, axes, type, attributes };
    const hash = hashOf(op, args, attributes);
    const existing = this.#known.find(hash, node);
    if (existing !== undefined) return existing;
    const id = this.#nodes.push(node) - 1;
    this.#known.enter(hash, id);
    const better = this.#improve?.(this as unknown as GraphBuilder, id) ?? id;
    if (better !== id) this.#known.replace(id, better);
    return better;
  }

  named(id: NodeId, name: string, span?: Span): NodeId {
    const old = this.node(id);
    const renamed: Node = { ...old, name, ...(span ? { span } : {}) };
    if (old.name === undefined || old.name === name) {
      this.#nodes[id] = renamed;
      return id;
    }
    return this.#nodes.push(renamed) - 1; // two names for one value: each keeps its node
  }

  declareAxis(axis: AxisName, size: AxisSize): AxisName {
    const old = this.axes.get(axis);
    if (old === size) return axis;
    if (old !== undefined) broken(`axis ${axis} has the size ${old}, not ${size}`);
    if (!isSize(size)) broken(`axis ${axis} cannot have the size ${size}`);
    this.axes.set(axis, size);
    return axis;
  }

  freshAxis(base: AxisName, size: AxisSize): AxisName {
    let axis = base;
    while (this.axes.has(axis)) axis += "'";
    return this.declareAxis(axis, size);
  }

  otherAxis(base: AxisName, avoid: readonly AxisName[]): AxisName {
    const size = this.size(base);
    let axis = base;
    while (avoid.includes(axis) || (this.axes.get(axis) ?? size) !== size) axis += "'";
    return this.declareAxis(axis, size);
  }

  input(name: string, axes: readonly AxisName[], type: ElementType = "real"): NodeId {
    return this.make("input", [], { name }, { axes: [...axes], type });
  }

  weight(name: string, axes: readonly AxisName[]): NodeId {
    return this.make("weight", [], { name }, { axes: [...axes], type: "real" });
  }

  constant(value: number, type: ElementType = "real"): NodeId {
    return this.make("constant", [], { value }, { axes: [], type });
  }

  filled(value: number, axes: readonly AxisName[]): NodeId {
    return this.broadcast(this.constant(value), axes);
  }

  iota(axis: AxisName): NodeId {
    return this.make("iota", [], { axis });
  }

  random(seed: NodeId, stream: number, axes: readonly AxisName[]): NodeId {
    return this.make("random", [seed], { stream }, { axes: [...axes], type: "real" });
  }

  parameter(kind: "sequence" | "static" | "state", index: number, shape: Shape): NodeId {
    return this.make("parameter", [], { kind, index }, shape);
  }

  unary(op: UnaryOp, x: NodeId): NodeId {
    return this.make(op, [x]);
  }

  binary(op: BinaryOp, a: NodeId, b: NodeId): NodeId {
    return this.make(op, [a, b]);
  }

  select(condition: NodeId, whenTrue: NodeId, whenFalse: NodeId): NodeId {
    return this.make("select", [condition, whenTrue, whenFalse]);
  }

  addAll(terms: readonly NodeId[]): NodeId {
    return terms.length === 0 ? this.constant(0) : terms.reduce((a, b) => this.binary("add", a, b));
  }

  sum(x: NodeId, over: AxisName | readonly AxisName[]): NodeId {
    return this.make("sum", [x], { over: list(over) });
  }

  max_over(x: NodeId, over: AxisName | readonly AxisName[]): NodeId {
    return this.make("max_over", [x], { over: list(over) });
  }

  argmax(x: NodeId, over: AxisName): NodeId {
    return this.make("argmax", [x], { over: [over] });
  }

  contract(x: NodeId, y: NodeId, over: AxisName | readonly AxisName[]): NodeId {
    return this.make("contract", [x, y], { over: list(over) });
  }

  rename(x: NodeId, from: AxisName | readonly AxisName[], to: AxisName | readonly AxisName[]): NodeId {
    return this.make("rename", [x], { from: list(from), to: list(to) });
  }

  transpose(x: NodeId, axes: readonly AxisName[]): NodeId {
    const old = this.node(x);
    return equalAxes(old.axes, axes) ? x : this.make("transpose", [x], NO_ATTRIBUTES, { axes: [...axes], type: old.type });
  }

  broadcast(x: NodeId, over: AxisName | readonly AxisName[]): NodeId {
    return list(over).length === 0 ? x : this.make("broadcast", [x], { over: list(over) });
  }

  expand(x: NodeId, axes: readonly AxisName[]): NodeId {
    return this.transpose(this.broadcast(x, withoutAxes(axes, this.axesOf(x))), axes);
  }

  slice(x: NodeId, axis: AxisName, to: AxisName, start: number): NodeId {
    return this.make("slice", [x], { axis, to, start });
  }

  pick(x: NodeId, axis: AxisName, start: number): NodeId {
    return this.make("pick", [x], { axis, start });
  }

  concat(args: readonly NodeId[], parts: readonly AxisName[], axis: AxisName): NodeId {
    return this.make("concat", args, { parts, axis });
  }

  pad(x: NodeId, axis: AxisName, to: AxisName, start: number): NodeId {
    return this.make("pad", [x], { axis, to, start });
  }

  split(x: NodeId, axis: AxisName, to: readonly AxisName[]): NodeId {
    return this.make("split", [x], { axis, to });
  }

  merge(x: NodeId, axes: readonly AxisName[], to: AxisName): NodeId {
    const old = this.axesOf(x);
    const first = old.indexOf(axes[0]);
    if (equalAxes(old.slice(first, first + axes.length), axes)) return this.make("merge", [x], { axes, to });
    const others = withoutAxes(axes, [axes[0]]);
    return this.make("merge", [this.transpose(x, replaceAxis(withoutAxes(old, others), axes[0], axes))], { axes, to });
  }

  gather(table: NodeId, index: NodeId, axis: AxisName): NodeId {
    return this.make("gather", [table, index], { axis });
  }

  scatter(values: NodeId, index: NodeId, axis: AxisName, over: readonly AxisName[]): NodeId {
    return this.make("scatter", [values, index], { axis, over });
  }

  shift(x: NodeId, lag: number, initial: NodeId, lags?: AxisName): NodeId {
    return this.make("shift", [x, initial], { lag, lags });
  }

  solve(l: NodeId, r: NodeId, axis: AxisName, to: AxisName, reverse = false): NodeId {
    return this.make("solve", [l, r], { axis, to, ...(reverse ? { reverse } : {}) });
  }

  fold(x: NodeId, axes: readonly [AxisName, AxisName]): NodeId {
    return this.make("fold", [x], { axes });
  }

  unfold(x: NodeId, axes: readonly [AxisName, AxisName]): NodeId {
    return this.make("unfold", [x], { axes });
  }

  last(x: NodeId, lengths?: NodeId, reverse = false): NodeId {
    return this.make("last", lengths === undefined ? [x] : [x, lengths], { reverse });
  }

  scan(options: ScanOptions, body: (builder: GraphBuilder, parameters: ScanParameters) => ScanBody): ScanResult {
    const { sequences = [], statics = [], states } = options;
    const inner = new Builder(this.axes) as unknown as GraphBuilder;
    const parameter = (kind: "sequence" | "static" | "state") => (id: NodeId, index: number) => {
      const { axes, type } = this.node(id);
      return inner.parameter(kind, index, { axes: withoutAxes(axes, ["t"]), type });
    };
    const initials = states.map((state) => state.initial);
    const parameters = {
      sequences: sequences.map(parameter("sequence")),
      statics: statics.map(parameter("static")),
      states: initials.map(parameter("state")),
    };
    const { next, emit } = body(inner, parameters);
    invariant(next.length === states.length, "scan: every state needs a next value");
    const outputs: Output[] = [
      ...next.map((id, k) => ({ name: `next ${k}`, node: inner.expand(id, this.axesOf(initials[k])) })),
      ...emit.map((id, k) => ({ name: `emit ${k}`, node: id })),
    ];
    const id = this.scanNode([...sequences, ...statics, ...initials], {
      reverse: options.reverse ?? false,
      sequences: sequences.length,
      statics: statics.length,
      states: states.length,
      body: inner.finish(outputs),
      stateNames: states.map((state) => state.name),
    });
    return {
      scan: id,
      emitted: emit.map((_, k) => this.emitted(id, k)),
      finals: next.map((_, k) => this.final(id, k)),
    };
  }

  scanNode(args: readonly NodeId[], scan: ScanAttributes): NodeId {
    return this.make("scan", args, { scan });
  }

  emitted(id: NodeId, index: number): NodeId {
    return this.make("emitted", [id], { index });
  }

  final(id: NodeId, index: number): NodeId {
    return this.make("final", [id], { index });
  }

  finish(outputs: readonly Output[] | Readonly<Record<string, NodeId>>): Graph {
    const wanted = Array.isArray(outputs)
      ? (outputs as readonly Output[])
      : Object.entries(outputs).map(([name, id]) => ({ name, node: id as NodeId }));
    return prune({ axes: this.axes, nodes: this.#nodes, outputs: wanted });
  }
}

/** The methods that are named after an op. */
const elementwise = Builder.prototype as unknown as Record<string, (...args: NodeId[]) => NodeId>;
for (const op of Object.keys(opTable) as Op[]) {
  if (isUnary(op))
    elementwise[op] = function (this: Builder, x) {
      return this.make(op, [x]);
    } as (x: NodeId) => NodeId;
  if (isBinary(op))
    elementwise[op] = function (this: Builder, a, b) {
      return this.make(op, [a, b]);
    } as (a: NodeId, b: NodeId) => NodeId;
}

/** The same graph without the nodes that no output needs, its axes only those in use. */
export function prune(graph: Graph): Graph {
  const { nodes: old } = graph;
  const needed = new Uint8Array(old.length);
  for (const output of graph.outputs) {
    if (!(output.node >= 0 && output.node < old.length)) broken(`output ${output.name} has no node`);
    needed[output.node] = 1;
  }
  markNeeded(old, needed);
  const place = new Int32Array(old.length);
  const nodes: Node[] = [];
  let moved = false;
  for (let i = 0; i < old.length; i++) {
    if (!needed[i]) {
      moved = true;
      continue;
    }
    place[i] = nodes.length;
    nodes.push(moved ? { ...old[i], args: old[i].args.map((arg) => place[arg]) } : old[i]);
  }
  const used = new Set<AxisName>();
  for (const node of nodes) useAxes(node, used);
  const axes = new Map<AxisName, AxisSize>();
  for (const [axis, size] of graph.axes) if (used.has(axis)) axes.set(axis, size);
  return { axes, nodes, outputs: graph.outputs.map(({ name, node }) => ({ name, node: place[node] })) };
}

/** Marks whatever the marked nodes are made of. */
export function markNeeded(nodes: readonly Node[], needed: Uint8Array): void {
  for (let i = nodes.length - 1; i >= 0; i--) if (needed[i]) for (const arg of nodes[i].args) needed[arg] = 1;
}

function useAxes({ axes: own, attributes }: Node, used: Set<AxisName>): void {
  for (const axis of own) used.add(axis);
  const { axis, to, from, over, axes, parts, lags, scan } = attributes;
  if (to !== undefined) for (const name of list(to)) used.add(name);
  for (const name of from ?? over ?? axes ?? parts ?? []) used.add(name);
  if (axis !== undefined) used.add(axis);
  if (lags !== undefined) used.add(lags);
  if (scan) for (const name of scan.body.axes.keys()) used.add(name);
}
