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
import { broken, isBinary, isUnary, opTable, shapeOf, sizeOf, type Shape } from "./ops.ts";

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
  return builderOver(new Map(axes), improve);
}

const scanKeys = new WeakMap<Graph, string>();

/** Text that is equal for equal bodies. */
function bodyKey(body: Graph): string {
  let key = scanKeys.get(body);
  if (key === undefined) {
    const nodes = body.nodes.map((node) => nodeKey(node.op, node.args, node.attributes, node));
    key = JSON.stringify([nodes, body.outputs]);
    scanKeys.set(body, key);
  }
  return key;
}

function nodeKey(op: Op, args: readonly number[], attributes: Attributes, shape: Shape): string {
  let key = `${op}|${args.join()}|${shape.axes.join()}|${shape.type}`;
  const names = Object.keys(attributes);
  for (const name of names.length > 1 ? names.sort() : names) if (name !== "scan") key += `|${name}=${keyOf(attributes[name as keyof Attributes])}`;
  const { scan } = attributes;
  if (scan) key += `|${scan.reverse}|${scan.sequences}|${scan.statics}|${scan.states}|${scan.stateNames.join()}|${bodyKey(scan.body)}`;
  return key;
}

function withoutUndefined(attributes: Attributes): Attributes {
  for (const key in attributes) {
    if (attributes[key as keyof Attributes] !== undefined) continue;
    return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined)) as Attributes;
  }
  return attributes;
}

function keyOf(value: unknown): string {
  return typeof value === "number" ? (Object.is(value, -0) ? "-0" : String(value)) : JSON.stringify(value);
}

function list(axes: AxisName | readonly AxisName[]): readonly AxisName[] {
  return typeof axes === "string" ? [axes] : axes;
}

function builderOver(table: Map<AxisName, AxisSize>, improve?: Improve): GraphBuilder {
  const nodes: Node[] = [];
  const known = new Map<string, NodeId>();

  function node(id: NodeId): Node {
    if (!(Number.isInteger(id) && id >= 0 && id < nodes.length)) broken(`there is no node ${id}`);
    return nodes[id];
  }

  function make(op: Op, args: readonly NodeId[], given: Attributes = {}, declared?: Shape): NodeId {
    const attributes = withoutUndefined(given);
    const shape = shapeOf(op, args.map(node), attributes, table, opTable[op].declared ? declared : undefined);
    const key = nodeKey(op, args, attributes, shape);
    const existing = known.get(key);
    if (existing !== undefined) return existing;
    nodes.push({ op, args: [...args], axes: shape.axes, type: shape.type, attributes });
    const id = nodes.length - 1;
    known.set(key, id);
    const better = improve?.(builder, id) ?? id;
    if (better !== id) known.set(key, better);
    return better;
  }

  function named(id: NodeId, name: string, span?: Span): NodeId {
    const old = node(id);
    const renamed: Node = { ...old, name, ...(span ? { span } : {}) };
    if (old.name === undefined || old.name === name) {
      nodes[id] = renamed;
      return id;
    }
    nodes.push(renamed); // two names for one value: each keeps its node
    return nodes.length - 1;
  }

  function declareAxis(axis: AxisName, size: AxisSize): AxisName {
    const old = table.get(axis);
    if (!(old === undefined || old === size)) broken(`axis ${axis} has the size ${old}, not ${size}`);
    if (!(size === "T" || (Number.isInteger(size) && size > 0))) broken(`axis ${axis} cannot have the size ${size}`);
    table.set(axis, size);
    return axis;
  }

  function freshAxis(base: AxisName, size: AxisSize): AxisName {
    let axis = base;
    while (table.has(axis)) axis += "'";
    return declareAxis(axis, size);
  }

  function otherAxis(base: AxisName, avoid: readonly AxisName[]): AxisName {
    const size = sizeOf(table, base);
    let axis = base;
    while (avoid.includes(axis) || (table.get(axis) ?? size) !== size) axis += "'";
    return declareAxis(axis, size);
  }

  function transpose(x: NodeId, axes: readonly AxisName[]): NodeId {
    const old = node(x);
    return equalAxes(old.axes, axes) ? x : make("transpose", [x], {}, { axes: [...axes], type: old.type });
  }

  function broadcast(x: NodeId, over: AxisName | readonly AxisName[]): NodeId {
    return list(over).length === 0 ? x : make("broadcast", [x], { over: list(over) });
  }

  function expand(x: NodeId, axes: readonly AxisName[]): NodeId {
    return transpose(broadcast(x, withoutAxes(axes, node(x).axes)), axes);
  }

  function merge(x: NodeId, axes: readonly AxisName[], to: AxisName): NodeId {
    const old = node(x).axes;
    const first = old.indexOf(axes[0]);
    if (equalAxes(old.slice(first, first + axes.length), axes)) return make("merge", [x], { axes, to });
    const others = withoutAxes(axes, [axes[0]]);
    return make("merge", [transpose(x, replaceAxis(withoutAxes(old, others), axes[0], axes))], { axes, to });
  }

  function scan(options: ScanOptions, body: (builder: GraphBuilder, parameters: ScanParameters) => ScanBody): ScanResult {
    const { sequences = [], statics = [], states } = options;
    const inner = builderOver(table);
    const parameter = (kind: "sequence" | "static" | "state") => (id: NodeId, index: number) => {
      const { axes, type } = node(id);
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
      ...next.map((id, k) => ({ name: `next ${k}`, node: inner.expand(id, node(initials[k]).axes) })),
      ...emit.map((id, k) => ({ name: `emit ${k}`, node: id })),
    ];
    const id = scanNode([...sequences, ...statics, ...initials], {
      reverse: options.reverse ?? false,
      sequences: sequences.length,
      statics: statics.length,
      states: states.length,
      body: inner.finish(outputs),
      stateNames: states.map((state) => state.name),
    });
    return {
      scan: id,
      emitted: emit.map((_, k) => make("emitted", [id], { index: k })),
      finals: next.map((_, k) => make("final", [id], { index: k })),
    };
  }

  function scanNode(args: readonly NodeId[], attributes: ScanAttributes): NodeId {
    return make("scan", args, { scan: attributes });
  }

  function finish(outputs: readonly Output[] | Readonly<Record<string, NodeId>>): Graph {
    const wanted = Array.isArray(outputs)
      ? (outputs as readonly Output[])
      : Object.entries(outputs).map(([name, id]) => ({ name, node: id as NodeId }));
    return prune({ axes: table, nodes, outputs: wanted });
  }

  const core = {
    get axes() {
      return table;
    },
    get count() {
      return nodes.length;
    },
    node,
    axesOf: (id: NodeId) => node(id).axes,
    size: (axis: AxisName) => sizeOf(table, axis),
    declareAxis,
    freshAxis,
    otherAxis,
    make,
    named,
    input: (name: string, axes: readonly AxisName[], type: ElementType = "real") => make("input", [], { name }, { axes: [...axes], type }),
    weight: (name: string, axes: readonly AxisName[]) => make("weight", [], { name }, { axes: [...axes], type: "real" as const }),
    constant: (value: number, type: ElementType = "real") => make("constant", [], { value }, { axes: [], type }),
    filled: (value: number, axes: readonly AxisName[]) => broadcast(make("constant", [], { value }), axes),
    iota: (axis: AxisName) => make("iota", [], { axis }),
    random: (seed: NodeId, stream: number, axes: readonly AxisName[]) =>
      make("random", [seed], { stream }, { axes: [...axes], type: "real" as const }),
    parameter: (kind: "sequence" | "static" | "state", index: number, shape: Shape) => make("parameter", [], { kind, index }, shape),
    unary: (op: UnaryOp, x: NodeId) => make(op, [x]),
    binary: (op: BinaryOp, a: NodeId, b: NodeId) => make(op, [a, b]),
    select: (condition: NodeId, whenTrue: NodeId, whenFalse: NodeId) => make("select", [condition, whenTrue, whenFalse]),
    addAll: (terms: readonly NodeId[]) => (terms.length === 0 ? make("constant", [], { value: 0 }) : terms.reduce((a, b) => make("add", [a, b]))),
    sum: (x: NodeId, over: AxisName | readonly AxisName[]) => make("sum", [x], { over: list(over) }),
    max_over: (x: NodeId, over: AxisName | readonly AxisName[]) => make("max_over", [x], { over: list(over) }),
    argmax: (x: NodeId, over: AxisName) => make("argmax", [x], { over: [over] }),
    contract: (x: NodeId, y: NodeId, over: AxisName | readonly AxisName[]) => make("contract", [x, y], { over: list(over) }),
    rename: (x: NodeId, from: AxisName | readonly AxisName[], to: AxisName | readonly AxisName[]) =>
      make("rename", [x], { from: list(from), to: list(to) }),
    transpose,
    broadcast,
    expand,
    slice: (x: NodeId, axis: AxisName, to: AxisName, start: number) => make("slice", [x], { axis, to, start }),
    pick: (x: NodeId, axis: AxisName, start: number) => make("pick", [x], { axis, start }),
    concat: (args: readonly NodeId[], parts: readonly AxisName[], axis: AxisName) => make("concat", args, { parts, axis }),
    pad: (x: NodeId, axis: AxisName, to: AxisName, start: number) => make("pad", [x], { axis, to, start }),
    split: (x: NodeId, axis: AxisName, to: readonly AxisName[]) => make("split", [x], { axis, to }),
    merge,
    gather: (table: NodeId, index: NodeId, axis: AxisName) => make("gather", [table, index], { axis }),
    scatter: (values: NodeId, index: NodeId, axis: AxisName, over: readonly AxisName[]) => make("scatter", [values, index], { axis, over }),
    shift: (x: NodeId, lag: number, initial: NodeId, lags?: AxisName) => make("shift", [x, initial], { lag, lags }),
    last: (x: NodeId, lengths?: NodeId, reverse = false) => make("last", lengths === undefined ? [x] : [x, lengths], { reverse }),
    scan,
    scanNode,
    emitted: (id: NodeId, index: number) => make("emitted", [id], { index }),
    final: (id: NodeId, index: number) => make("final", [id], { index }),
    finish,
  };
  const elementwise: Record<string, (...args: NodeId[]) => NodeId> = {};
  for (const op of Object.keys(opTable) as Op[]) if (isUnary(op) || isBinary(op)) elementwise[op] = (...args) => make(op, args);
  const builder = Object.defineProperties(core, Object.getOwnPropertyDescriptors(elementwise)) as typeof core & UnaryMethods & BinaryMethods;
  return builder;
}

/** The same graph without the nodes that no output needs, its axes only those in use. */
export function prune(graph: Graph): Graph {
  const needed = new Uint8Array(graph.nodes.length);
  for (const output of graph.outputs) {
    if (!(output.node >= 0 && output.node < graph.nodes.length)) broken(`output ${output.name} has no node`);
    needed[output.node] = 1;
  }
  for (let i = graph.nodes.length - 1; i >= 0; i--) if (needed[i]) for (const arg of graph.nodes[i].args) needed[arg] = 1;
  const place = new Map<number, number>();
  const nodes: Node[] = [];
  for (const [i, old] of graph.nodes.entries()) {
    if (!needed[i]) continue;
    place.set(i, nodes.length);
    nodes.push({ ...old, args: old.args.map((arg) => place.get(arg)!) });
  }
  const used = new Set<AxisName>();
  for (const node of nodes) useAxes(node, used);
  return {
    axes: new Map([...graph.axes].filter(([axis]) => used.has(axis))),
    nodes,
    outputs: graph.outputs.map(({ name, node }) => ({ name, node: place.get(node)! })),
  };
}

function useAxes({ axes: own, attributes }: Node, used: Set<AxisName>): void {
  for (const axis of own) used.add(axis);
  const { axis, to, from, over, axes, parts, lags, scan } = attributes;
  for (const names of [to, from, over, axes, parts, axis, lags]) if (names !== undefined) for (const name of list(names)) used.add(name);
  if (scan) for (const name of scan.body.axes.keys()) used.add(name);
}

export interface ImportOptions {
  /** Nodes wanted (all outputs if absent). */
  readonly roots?: readonly number[];
  /** Leaves out the author's names (for copies of what is named elsewhere). */
  readonly anonymous?: boolean;
  /** What stands for a node of the old graph: called with its arguments already imported; undefined copies the node. */
  readonly replace?: (node: Node, index: number, args: readonly NodeId[]) => NodeId | undefined;
}

/**
 * Copies the needed nodes of a graph into a builder, replacing some on the way. Returns the new number of every imported node.
 * Orders of axes may change through a replacement; scan bodies are rebuilt where an argument's order of axes did.
 */
export function importNodes(builder: GraphBuilder, graph: Graph, options: ImportOptions = {}): ReadonlyMap<number, NodeId> {
  for (const [axis, size] of graph.axes) builder.declareAxis(axis, size);
  const needed = new Uint8Array(graph.nodes.length);
  for (const root of options.roots ?? graph.outputs.map((output) => output.node)) needed[root] = 1;
  for (let i = graph.nodes.length - 1; i >= 0; i--) if (needed[i]) for (const arg of graph.nodes[i].args) needed[arg] = 1;
  const place = new Map<number, NodeId>();
  for (const [i, old] of graph.nodes.entries()) {
    if (!needed[i]) continue;
    const args = old.args.map((arg) => place.get(arg)!);
    place.set(i, options.replace?.(old, i, args) ?? copyNode(builder, options.anonymous ? withoutName(old) : old, args));
  }
  return place;
}

/** The node as if the author had not named it. */
export function withoutName({ op, args, axes, type, attributes }: Node): Node {
  return { op, args, axes, type, attributes };
}

/** Adds a node like `old` on other arguments, with its name and place. */
export function copyNode(builder: GraphBuilder, old: Node, args: readonly NodeId[]): NodeId {
  const id = old.op === "scan" ? rebuildScan(builder, old, args) : copyPlain(builder, old, args);
  return old.name === undefined ? id : keepName(builder, id, old);
}

/** Keeps the first name that a merged node had. */
function keepName(builder: GraphBuilder, id: NodeId, old: Node): NodeId {
  return builder.node(id).name === undefined ? builder.named(id, old.name!, old.span) : id;
}

function copyPlain(builder: GraphBuilder, old: Node, args: readonly NodeId[]): NodeId {
  if (old.op === "merge") return builder.merge(args[0], old.attributes.axes!, old.attributes.to as AxisName);
  return builder.make(old.op, args, old.attributes, old);
}

function rebuildScan(builder: GraphBuilder, old: Node, args: readonly NodeId[]): NodeId {
  const scan = old.attributes.scan!;
  const first = { sequence: 0, static: scan.sequences, state: scan.sequences + scan.statics };
  const wanted = (node: Node) => withoutAxes(builder.axesOf(args[first[node.attributes.kind!] + node.attributes.index!]), ["t"]);
  const same = (node: Node) => node.op !== "parameter" || equalAxes(node.axes, wanted(node));
  if (scan.body.nodes.every(same) && nextFits(builder, scan, args)) return builder.scanNode(args, scan);
  const inner = graphBuilder(builder.axes);
  const place = importNodes(inner, scan.body, {
    replace: (node) => (node.op === "parameter" ? inner.make("parameter", [], node.attributes, { axes: wanted(node), type: node.type }) : undefined),
  });
  const outputs = scan.body.outputs.map((output, k) => {
    const id = place.get(output.node)!;
    if (k >= scan.states) return { name: output.name, node: inner.transpose(id, scan.body.nodes[output.node].axes) };
    return { name: output.name, node: inner.transpose(id, builder.axesOf(args[first.state + k])) };
  });
  for (const [axis, size] of inner.axes) builder.declareAxis(axis, size);
  return builder.scanNode(args, { ...scan, body: inner.finish(outputs) });
}

function nextFits(builder: GraphBuilder, scan: ScanAttributes, args: readonly NodeId[]): boolean {
  return scan.body.outputs
    .slice(0, scan.states)
    .every((output, k) => equalAxes(scan.body.nodes[output.node].axes, builder.axesOf(args[scan.sequences + scan.statics + k])));
}
