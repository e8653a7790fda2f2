/**
 * Back-propagation through time: the backward scan of a forward scan.
 *
 * In: a scan, the cotangents of what it emits and of its final states. Out: the forward scan extended by the residuals that the backward scan reads, and the
 * cotangents of all its arguments. The backward scan runs against the forward one; its states are the cotangents of the forward states; its finals are the
 * cotangents of the initial states. Cotangents of sequences are emitted; those of statics too, and summed over time outside.
 */
import { invariant } from "../../support/invariant.ts";
import { replaceAxis, sameAxisSet } from "../../ir/tensor/axes.ts";
import { graphBuilder, type GraphBuilder, type NodeId } from "../../ir/tensor/build.ts";
import { copyNode, importNodes, withoutName } from "../../ir/tensor/copy.ts";
import type { Node, Output, ScanAttributes } from "../../ir/tensor/node.ts";
import { parameterShape } from "../../ir/tensor/ops.ts";
import { liveStates, type ScanActivity } from "./activity.ts";
import { cotangents, pullBack } from "./pull.ts";
import { planResiduals } from "./residuals.ts";
import { vanishing } from "./vanishing.ts";

export interface ScanCotangents {
  readonly emitted: readonly (NodeId | undefined)[];
  readonly finals: readonly (NodeId | undefined)[];
}

export interface DifferentiatedScan {
  /** The forward scan with its residuals as further emitted values; earlier ones keep their indices. */
  readonly forward: ScanAttributes;
  /** Cotangent of each argument of the scan, where it has one. */
  readonly args: readonly (NodeId | undefined)[];
}

/** Values of the backward body by what they are of the forward scan. */
type Source =
  | { readonly kind: "sequence"; readonly outer: NodeId } // a node of the outer graph with t
  | { readonly kind: "static"; readonly outer: NodeId }
  | { readonly kind: "state"; readonly index: number };

/** Adds the backward scan to `g`. `args`: the forward scan's arguments in g; `keepLeast`: see DifferentiateRequest. */
export function differentiateScan(
  g: GraphBuilder,
  scan: ScanAttributes,
  args: readonly NodeId[],
  activity: ScanActivity,
  given: ScanCotangents,
  keepLeast = false,
): DifferentiatedScan {
  const live = liveStates(scan, activity, given.finals.map(Boolean), given.emitted.map(Boolean));
  const tape = recordTape(g, scan, activity, live, given);
  const forward = extendForward(g, scan, args, tape, keepLeast);
  return { forward: forward.attributes, args: buildBackward(g, scan, args, tape, forward, live, given) };
}

interface Tape {
  /** Holds the forward body, then the nodes of its pullback. */
  readonly v: GraphBuilder;
  /** Nodes below this number are the forward body. */
  readonly forwardCount: number;
  /** Number in v of each node of the forward body. */
  readonly place: ReadonlyMap<number, NodeId>;
  /** Cotangents coming in: leaves of v, with the state or emitted value they belong to. */
  readonly incoming: ReadonlyMap<NodeId, { readonly kind: "next" | "emit"; readonly index: number }>;
  /** Cotangents of the parameters. */
  readonly states: ReadonlyMap<number, NodeId>;
  readonly sequences: ReadonlyMap<number, NodeId>;
  readonly statics: ReadonlyMap<number, NodeId>;
}

/** Pulls the cotangents of one step back through the body, symbolically. */
function recordTape(g: GraphBuilder, scan: ScanAttributes, activity: ScanActivity, live: readonly boolean[], given: ScanCotangents): Tape {
  const v = graphBuilder(g.axes);
  const place = importNodes(v, scan.body, { anonymous: true });
  const forwardCount = v.count;
  const active = new Set([...place].filter(([old]) => activity.nodes[old]).map(([, id]) => id));
  const into = cotangents(v);
  const incoming = new Map<NodeId, { kind: "next" | "emit"; index: number }>();
  for (const [k, output] of scan.body.outputs.entries()) {
    const kind = k < scan.states ? "next" : "emit";
    const index = k < scan.states ? k : k - scan.states;
    const target = place.get(output.node)!;
    if (!active.has(target) || !(kind === "next" ? live[index] : given.emitted[index] !== undefined)) continue;
    const leaf = v.input(`cotangent of ${output.name}`, v.axesOf(target));
    incoming.set(leaf, { kind, index });
    into.add(target, leaf);
  }
  const order = [...new Set(place.values())].sort((a, b) => a - b);
  pullBack(
    v,
    order,
    (id) => active.has(id),
    into,
    () => invariant(false, "a scan inside of a scan body"),
  );
  const found = { state: new Map<number, NodeId>(), sequence: new Map<number, NodeId>(), static: new Map<number, NodeId>() };
  for (const id of order) {
    const { op, attributes } = v.node(id);
    if (op !== "parameter" || !active.has(id)) continue;
    const cotangent = into.get(id);
    if (cotangent !== undefined) found[attributes.kind!].set(attributes.index!, cotangent);
  }
  return { v, forwardCount, place, incoming, states: found.state, sequences: found.sequence, statics: found.static };
}

interface ExtendedForward {
  readonly attributes: ScanAttributes;
  /** The scan node in the outer graph. */
  readonly id: NodeId;
  /** Index among the emitted values of each kept node of the tape. */
  readonly emittedAt: ReadonlyMap<NodeId, number>;
  readonly keeps: (id: NodeId) => boolean;
  readonly next: (state: number) => NodeId;
}

/** Chooses the residuals and emits them from the forward scan. */
function extendForward(g: GraphBuilder, scan: ScanAttributes, args: readonly NodeId[], tape: Tape, keepLeast: boolean): ExtendedForward {
  const { v, place } = tape;
  const next = (state: number): NodeId => place.get(scan.body.outputs[state].node)!;
  const emittedAt = new Map<NodeId, number>();
  for (const [k, output] of scan.body.outputs.slice(scan.states).entries())
    if (!emittedAt.has(place.get(output.node)!)) emittedAt.set(place.get(output.node)!, k);
  const { touched, factors } = touchedForward(tape);
  const inChunks = scan.chunk !== undefined;
  const vanishes = scan.chunk === undefined ? undefined : vanishing(v, scan.chunk);
  const mayKeep = (id: NodeId): boolean => !vanishes || !v.axesOf(id).includes(scan.chunk!) || vanishes(id);
  const plan = planResiduals(v, touched, factors, inChunks ? undefined : next, new Set([...emittedAt.keys()].filter(mayKeep)), keepLeast, mayKeep);
  const outputs: Output[] = [...scan.body.outputs];
  const emit = (id: NodeId): void => {
    if (emittedAt.has(id)) return;
    const old = [...place].find(([, each]) => each === id)![0];
    emittedAt.set(id, outputs.length - scan.states);
    outputs.push({ name: `emit ${outputs.length - scan.states}`, node: old });
  };
  const seen = new Set<NodeId>();
  const visit = (id: NodeId): void => {
    if (seen.has(id)) return;
    seen.add(id);
    const node = v.node(id);
    if (plan.keeps(id)) emit(id);
    else if (node.op === "parameter" && node.attributes.kind === "state") emit(inChunks ? id : next(node.attributes.index!));
    else for (const arg of node.args) visit(arg);
  };
  for (const id of touched) visit(id);
  const attributes = { ...scan, body: { ...scan.body, outputs } };
  return { attributes, id: g.scanNode(args, attributes), emittedAt, keeps: plan.keeps, next };
}

/** Forward nodes that the pullback reads, and those that its products read. */
function touchedForward({ v, forwardCount, states, sequences, statics }: Tape): { touched: NodeId[]; factors: NodeId[] } {
  const seen = new Set<NodeId>();
  const touched = new Set<NodeId>();
  const factors = new Set<NodeId>();
  const visit = (id: NodeId): void => {
    if (seen.has(id)) return;
    seen.add(id);
    if (id < forwardCount) {
      touched.add(id);
      return;
    }
    const { op, args } = v.node(id);
    const isProduct = op === "contract" && !sameAxisSet(v.axesOf(args[0]), v.axesOf(args[1])); // else a sum of products, which takes its terms in passing
    for (const arg of args) {
      if (isProduct && arg < forwardCount) factors.add(arg);
      visit(arg);
    }
  };
  for (const map of [states, sequences, statics]) for (const id of map.values()) visit(id);
  return { touched: [...touched], factors: [...factors] };
}

function buildBackward(
  g: GraphBuilder,
  scan: ScanAttributes,
  args: readonly NodeId[],
  tape: Tape,
  forward: ExtendedForward,
  live: readonly boolean[],
  given: ScanCotangents,
): (NodeId | undefined)[] {
  const { v } = tape;
  const body = graphBuilder(v.axes);
  const states = live.flatMap((is, k) => (is ? [k] : []));
  const initialOf = (k: number): NodeId => args[scan.sequences + scan.statics + k];
  const parameters = { sequence: [] as NodeId[], static: [] as NodeId[] };
  const memo = new Map<string, NodeId>();

  /** The parameter of the backward body that stands for a source. */
  const parameterFor = (source: Source, like: Node): NodeId => {
    if (source.kind === "state") return body.parameter("state", states.indexOf(source.index), { axes: like.axes, type: like.type });
    const key = `${source.kind} ${source.outer}`;
    const known = memo.get(key);
    if (known !== undefined) return known;
    const axes = parameterShape(scan, like, g.axesOf(source.outer));
    const id = body.parameter(source.kind, parameters[source.kind].length, { axes, type: g.node(source.outer).type });
    parameters[source.kind].push(source.outer);
    memo.set(key, id);
    return id;
  };
  const emittedForward = (id: NodeId): NodeId => g.emitted(forward.id, forward.emittedAt.get(id)!);

  /** Where a node of the tape comes from, if it is not computed in the backward body. */
  const sourceOf = (id: NodeId): Source | undefined => {
    const node = v.node(id);
    const incoming = tape.incoming.get(id);
    if (incoming?.kind === "next") return { kind: "state", index: incoming.index };
    if (incoming) return { kind: "sequence", outer: given.emitted[incoming.index]! };
    const { kind, index } = node.attributes;
    if (node.op === "parameter" && kind === "sequence") return { kind, outer: args[index!] };
    if (node.op === "parameter" && kind === "static") return { kind, outer: args[scan.sequences + index!] };
    if (node.op === "parameter" && scan.chunk !== undefined) return { kind: "sequence", outer: emittedForward(id) };
    if (node.op === "parameter")
      return { kind: "sequence", outer: g.shift(emittedForward(forward.next(index!)), scan.reverse ? -1 : 1, initialOf(index!)) };
    if (id < tape.forwardCount && forward.keeps(id)) return { kind: "sequence", outer: emittedForward(id) };
    return undefined;
  };
  const copies = new Map<NodeId, NodeId>();
  const obtain = (id: NodeId): NodeId => {
    const known = copies.get(id);
    if (known !== undefined) return known;
    const source = sourceOf(id);
    const node = v.node(id);
    const copy = source ? parameterFor(source, node) : copyNode(body, withoutName(node), node.args.map(obtain));
    copies.set(id, copy);
    return copy;
  };

  const initials = states.map((k) =>
    given.finals[k] === undefined ? g.filled(0, g.axesOf(initialOf(k))) : g.expand(given.finals[k], g.axesOf(initialOf(k))),
  );
  const outputs: Output[] = [];
  for (const [place, k] of states.entries()) {
    const axes = g.axesOf(initialOf(k));
    const cotangent = tape.states.get(k);
    body.parameter("state", place, { axes, type: "real" });
    outputs.push({ name: `next ${place}`, node: body.expand(cotangent === undefined ? body.constant(0) : obtain(cotangent), axes) });
  }
  const emitting = [
    ...[...tape.sequences].map(([index, id]) => ({ arg: index, id, sum: false })),
    ...[...tape.statics].map(([index, id]) => ({ arg: scan.sequences + index, id, sum: true })),
  ];
  invariant(scan.chunk === undefined || tape.statics.size === 0, "a chunk has no statics");
  for (const [k, { id, arg }] of emitting.entries()) {
    const node = obtain(id); // in a chunk a value without its axis would stand for the first step alone
    outputs.push({
      name: `emit ${k}`,
      node: scan.chunk === undefined ? node : body.expand(node, replaceAxis(g.axesOf(args[arg]), "t", [scan.chunk])),
    });
  }
  const result: (NodeId | undefined)[] = args.map(() => undefined);
  if (outputs.length === 0) return result;
  for (const [axis, size] of body.axes) g.declareAxis(axis, size);
  const backward = g.scanNode([...parameters.sequence, ...parameters.static, ...initials], {
    reverse: !scan.reverse,
    ...(scan.chunk === undefined ? {} : { chunk: scan.chunk }),
    sequences: parameters.sequence.length,
    statics: parameters.static.length,
    states: states.length,
    body: body.finish(outputs),
    stateNames: states.map((k) => `d${scan.stateNames[k]}`),
  });
  for (const [k, { arg, sum }] of emitting.entries()) {
    const emitted = g.emitted(backward, k);
    result[arg] = sum ? g.sum(emitted, "t") : emitted;
  }
  for (const [place, k] of states.entries()) result[scan.sequences + scan.statics + k] = g.final(backward, place);
  return result;
}
