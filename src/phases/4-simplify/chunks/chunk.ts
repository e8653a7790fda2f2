/**
 * Linear recurrences of a matrix state, a chunk of time steps at once.
 *
 *     S_t = d_t·S_{t-1} + Σ_i u_i,t ⊗ z_i,t        o_t = S_tᵀ q_t        one z reads the state: z_t = w_t + S_{t-1}ᵀ b_t
 *
 * In: a graph as phase 2 made it, before gradients. Out: the same function; every such recurrence whose state is only ever read by contractions is a scan by chunks of C
 * steps. With P[t, s] = d_{s+1}···d_t, the state S before the chunk, and all of a chunk's steps as rows:
 *
 *     z = w + (P[t, 0]·b)·S + L·z        L[t, s] = (b_t·u_s)·P[t, s]  for s < t        a triangular system: solve
 *     o =     (P[t, 0]·q)·S + A·z        A[t, s] = (q_t·u_s)·P[t, s]  for s ≤ t
 *     S ←      P[C, 0]·S + Σ_s (P[C, s]·u_s) ⊗ z_s
 *
 * (b stands here for what makes z_t = w_t + d_t·b_t·S_{t-1}; if the equations do not have the factor d, P is taken one step shorter.) Decays are summed as logarithms
 * over exactly the steps between, so none is ever divided by another. After Yang et al. 2024 (arXiv:2406.06484, 2412.06464), Dao & Gu 2024 (arXiv:2405.21060).
 */
import { replaceAxis, unionAxes, withoutAxes } from "../../../ir/tensor/axes.ts";
import { graphBuilder, type GraphBuilder, type NodeId } from "../../../ir/tensor/build.ts";
import { copyNode } from "../../../ir/tensor/copy.ts";
import type { AxisName, Graph, Node, Output, ScanAttributes } from "../../../ir/tensor/node.ts";
import type { Firing } from "../../../ir/tensor/rewrite.ts";
import { readersOf, remake, type Replacement } from "../remake.ts";
import { type Factor, linearForm, type LinearForm, type Piece, type Scaled, withoutFactors } from "./linear-form.ts";
import { logarithm } from "./log-decay.ts";

export interface ChunkOptions {
  /** Time steps of a chunk. */
  readonly steps: number;
  /** Fewest elements of a state's matrix (K·V) for which chunks are used: below, the step form is as fast. */
  readonly least: number;
}

/** A reading of the state outside of its recurrence: a contraction with q of the state after the step, or before it. */
interface Reading {
  readonly node: number;
  readonly query: number;
  readonly before: boolean;
}

/** A state that can go by chunks. */
interface Candidate {
  readonly scan: number;
  readonly state: number;
  readonly over: AxisName;
  readonly form: LinearForm;
  readonly readings: readonly Reading[];
}

/** Turns every recurrence of that kind into a scan by chunks. */
export function chunk(graph: Graph, options: ChunkOptions, trace: Firing[]): Graph {
  let current = graph;
  const refused = new Set<string>();
  for (;;) {
    const candidate = findCandidate(current, options, refused);
    if (candidate === undefined) return current;
    const name = current.nodes[candidate.scan].attributes.scan!.stateNames[candidate.state];
    const next = replaced(current, candidate, options);
    if (next === undefined) refused.add(name);
    else {
      trace.push({ rule: "recurrence by chunks", op: "scan", became: "scan", name });
      current = next;
    }
  }
}

function findCandidate(graph: Graph, { least }: ChunkOptions, refused: ReadonlySet<string>): Candidate | undefined {
  const readers = readersOf(graph);
  for (const [index, node] of graph.nodes.entries()) {
    const scan = node.attributes.scan;
    if (node.op !== "scan" || !scan || scan.reverse || scan.chunk !== undefined) continue;
    for (let state = 0; state < scan.states; state++) {
      if (refused.has(scan.stateNames[state])) continue;
      const candidate = candidateOf(graph, readers, index, scan, state);
      if (!candidate) continue;
      const axes = scan.body.nodes[scan.body.outputs[state].node].axes;
      const own = new Set(columnsOf(scan, candidate));
      const elements = axes.reduce((n, axis) => (axis === candidate.over || own.has(axis) ? n * (graph.axes.get(axis) as number) : n), 1);
      if (elements >= least) return candidate;
    }
  }
  return undefined;
}

function candidateOf(graph: Graph, readers: readonly (readonly number[])[], index: number, scan: ScanAttributes, state: number): Candidate | undefined {
  const { body, states } = scan;
  const next = body.outputs[state].node;
  const free = independentOf(body, state);
  for (const [k, output] of body.outputs.entries()) {
    if (k !== state && output.node !== next && !free[output.node]) return undefined; // another state, or what is emitted, needs it
  }
  const initial = graph.nodes[index].args[scan.sequences + scan.statics + state];
  const readings: Reading[] = [];
  let over: AxisName | undefined;
  /** False if something else than a contraction reads the emitted state. */
  const follow = (id: number, before: boolean): boolean =>
    readers[id].every((reader) => {
      if (reader < 0) return false;
      const { op, args, attributes } = graph.nodes[reader];
      if (op === "shift" && !before && attributes.lag === 1 && args[0] === id && args[1] === initial) return follow(reader, true);
      if (op !== "contract" || attributes.over!.length !== 1 || args[0] === args[1]) return false;
      const axis = attributes.over![0];
      if (over !== undefined && axis !== over) return false;
      over = axis;
      readings.push({ node: reader, query: args[0] === id ? args[1] : args[0], before });
      return true;
    });
  for (const [id, { op, args, attributes }] of graph.nodes.entries()) {
    if (op !== "emitted" || args[0] !== index || body.outputs[states + attributes.index!].node !== next) continue;
    if (!follow(id, false)) return undefined;
  }
  if (over === undefined || !body.nodes[next].axes.includes(over)) return undefined;
  if (readings.some(({ query }) => dependsOn(graph, query, index, state))) return undefined;
  const form = linearForm(body, state, over, free);
  if (!form || form.decay.constant <= 0 || form.terms.length === 0) return undefined;
  if (form.terms.filter((term) => term.z.some((piece) => piece.kind === "read")).length > 1) return undefined;
  if (form.decay.factors.some((factor) => body.nodes[factor.node].axes.includes(over!))) return undefined; // a decay of its own for each row
  return { scan: index, state, over, form, readings };
}

/** For every node of a body, whether it does not depend on a state. */
function independentOf(body: Graph, state: number): boolean[] {
  const free: boolean[] = [];
  for (const { op, args, attributes } of body.nodes)
    free.push(op === "parameter" ? attributes.kind !== "state" || attributes.index !== state : args.every((arg) => free[arg]));
  return free;
}

/** True if a node is made of what a scan computes with one of its states. */
function dependsOn(graph: Graph, id: number, scan: number, state: number, seen = new Set<number>()): boolean {
  if (id < scan || seen.has(id)) return false;
  seen.add(id);
  const { op, args, attributes } = graph.nodes[id];
  if (op === "final" && args[0] === scan) return attributes.index === state;
  if (op === "emitted" && args[0] === scan) {
    const { body, states } = graph.nodes[scan].attributes.scan!;
    return !independentOf(body, state)[body.outputs[states + attributes.index!].node];
  }
  return args.some((arg) => dependsOn(graph, arg, scan, state, seen));
}

/** V: the axes of the state along which its vectors over K do not vary. */
function columnsOf({ body }: ScanAttributes, { over, form, state }: Candidate): AxisName[] {
  const rows = new Set<AxisName>([over, "b"]);
  const add = ({ factors }: { factors: readonly Factor[] }): void => {
    for (const factor of factors) for (const axis of body.nodes[factor.node].axes) rows.add(axis);
  };
  add(form.decay);
  for (const term of form.terms) {
    add({ factors: term.u });
    for (const piece of term.z) {
      if (piece.kind === "read") add(piece);
      else add({ factors: piece.factors.filter((factor) => body.nodes[factor.node].axes.length <= body.nodes[body.outputs[state].node].axes.length - 2) });
    }
  }
  return body.nodes[body.outputs[state].node].axes.filter((axis) => !rows.has(axis));
}

function replaced(graph: Graph, candidate: Candidate, options: ChunkOptions): Graph | undefined {
  const { scan: index, state, readings } = candidate;
  const node = graph.nodes[index];
  const scan = node.attributes.scan!;
  const { body, states } = scan;
  const next = body.outputs[state].node;
  let possible = true;
  let made: { rest: NodeId | undefined; run: NodeId } | undefined;
  const restStates = Array.from({ length: states }, (_, k) => k).filter((k) => k !== state);
  /** Emitted values of the rest: the next value of each of its states, then what was emitted before. */
  const restEmits = [...restStates.map((k) => body.outputs[k].node), ...body.outputs.slice(states).map((output) => output.node)].filter(
    (each, i, all) => each !== next && all.indexOf(each) === i,
  );
  const make = (g: GraphBuilder, get: (old: number) => NodeId) => {
    if (made) return made;
    const args = node.args.map(get);
    const rest = restStates.length === 0 ? undefined : restOf(g, node, args, restStates, restEmits);
    const outer = outerValues(g, scan, args, (each) => g.emitted(rest!, restEmits.indexOf(each)));
    const initial = args[scan.sequences + scan.statics + state];
    const run = buildRun(g, candidate, scan, outer, initial, readings.map((reading) => get(reading.query)), options);
    if (run === undefined) possible = false;
    made = { rest, run: run ?? g.constant(0) };
    return made;
  };
  const outerOf = (g: GraphBuilder, get: (old: number) => NodeId, id: number): NodeId => {
    const { rest } = make(g, get);
    return outerValues(g, scan, node.args.map(get), (each) => g.emitted(rest!, restEmits.indexOf(each)))(id);
  };
  const replacements = new Map<number, Replacement>();
  for (const [k, reading] of readings.entries()) {
    replacements.set(reading.node, (g, get) => {
      const { run } = make(g, get);
      return possible ? g.expand(g.emitted(run, k), graph.nodes[reading.node].axes) : g.filled(0, graph.nodes[reading.node].axes);
    });
  }
  for (const [id, { op, args, attributes, axes }] of graph.nodes.entries()) {
    if ((op !== "emitted" && op !== "final") || args[0] !== index) continue;
    const of = attributes.index!;
    if (op === "emitted") {
      const each = body.outputs[states + of].node;
      if (each !== next) replacements.set(id, (g, get) => g.expand(outerOf(g, get, each), axes));
    } else if (of === state) {
      replacements.set(id, (g, get) => {
        const { run } = make(g, get);
        return possible ? g.expand(g.final(run, 0), axes) : g.filled(0, axes);
      });
    } else replacements.set(id, (g, get) => g.final(make(g, get).rest!, restStates.indexOf(of)));
  }
  const result = remake(graph, replacements);
  return possible ? result : undefined;
}

/** The scan of the states that do not go by chunks. */
function restOf(g: GraphBuilder, node: Node, args: readonly NodeId[], restStates: readonly number[], emits: readonly number[]): NodeId {
  const scan = node.attributes.scan!;
  const inner = graphBuilder(g.axes);
  const place = new Map<number, NodeId>();
  const within = (id: number): NodeId => {
    const known = place.get(id);
    if (known !== undefined) return known;
    const old = scan.body.nodes[id];
    const { kind, index } = old.attributes;
    const made =
      old.op === "parameter" && kind === "state"
        ? inner.make("parameter", [], { kind, index: restStates.indexOf(index!) }, old)
        : copyNode(inner, old, old.args.map(within));
    place.set(id, made);
    return made;
  };
  const outputs: Output[] = [
    ...restStates.map((k, place) => ({ name: `next ${place}`, node: within(scan.body.outputs[k].node) })),
    ...emits.map((id, k) => ({ name: `emit ${k}`, node: within(id) })),
  ];
  const first = scan.sequences + scan.statics;
  return g.scanNode([...args.slice(0, first), ...restStates.map((k) => args[first + k])], {
    ...scan,
    states: restStates.length,
    stateNames: restStates.map((k) => scan.stateNames[k]),
    body: inner.finish(outputs),
  });
}

/** Values of a body's nodes for all steps at once, in the outer graph; `emitted`: those of the remaining scan. */
function outerValues(g: GraphBuilder, scan: ScanAttributes, args: readonly NodeId[], emitted: (node: number) => NodeId): (id: number) => NodeId {
  const known = new Map<number, NodeId>();
  const { nodes, outputs } = scan.body;
  const outer = (id: number): NodeId => {
    const found = known.get(id);
    if (found !== undefined) return found;
    const node = nodes[id];
    const { kind, index } = node.attributes;
    let made: NodeId;
    if (node.op === "parameter" && kind === "state") {
      const initial = args[scan.sequences + scan.statics + index!];
      made = g.shift(emitted(outputs[index!].node), 1, initial);
    } else if (node.op === "parameter") made = args[kind === "sequence" ? index! : scan.sequences + index!];
    else if (node.op === "transpose") made = outer(node.args[0]);
    else made = copyNode(g, node, node.args.map(outer));
    known.set(id, made);
    return made;
  };
  return outer;
}

/** The scan by chunks in `g`; emits what every reading reads. Undefined if the decay is not positive by its form. */
function buildRun(
  g: GraphBuilder,
  { form, over, readings, state }: Candidate,
  scan: ScanAttributes,
  outer: (id: number) => NodeId,
  initial: NodeId,
  queries: readonly NodeId[],
  { steps }: ChunkOptions,
): NodeId | undefined {
  const axes = scan.body.nodes[scan.body.outputs[state].node].axes;
  const sequences: NodeId[] = [];
  const timed = (id: NodeId): NodeId => (g.axesOf(id).includes("t") ? id : g.broadcast(id, "t"));
  const factor = ({ node, inverse, hold }: Factor): NodeId => {
    const value = inverse ? g.recip(outer(node)) : outer(node);
    return hold === undefined ? value : g.select(outer(hold), value, g.constant(1));
  };
  const product = ({ factors, constant }: Scaled): NodeId => {
    const scale = constant === 1 && factors.length > 0 ? [] : [g.constant(constant)];
    return [...factors.map(factor), ...scale].reduce((a, b) => g.mul(a, b));
  };
  const log = logOf(g, form.decay, outer);
  if (log === undefined) return undefined;
  const decays = form.decay.factors.length > 0 || form.decay.constant !== 1;

  // What comes in, for all steps.
  const u = form.terms.map((term) => sequences.push(timed(product({ factors: term.u, constant: 1 }))) - 1);
  const reading = form.terms.findIndex((term) => term.z.some((piece) => piece.kind === "read"));
  const known = form.terms.map(({ z }) => {
    const values = z.filter((piece) => piece.kind === "value").map(product);
    return values.length === 0 ? undefined : sequences.push(timed(values.reduce((a, b) => g.add(a, b)))) - 1;
  });
  const reads = reading < 0 ? undefined : readOf(form.terms[reading].z, form.decay);
  const b = reads && sequences.push(timed(reads.pieces.map(product).reduce((p, q) => g.add(p, q)))) - 1;
  const q = queries.map((query) => sequences.push(timed(query)) - 1);
  const decay = decays ? sequences.push(timed(log)) - 1 : undefined;

  const inner = graphBuilder(g.axes);
  const [t, s, l] = chunkAxes(inner, steps);
  const sequence = (at: number): NodeId => inner.parameter("sequence", at, { axes: replaceAxis(g.axesOf(sequences[at]), "t", [t]), type: "real" });
  const shape = [...withoutAxes(axes, [over, ...columnsOf(scan, { form, over, readings, state, scan: 0 })])];
  const stateAxes = [...shape, over, ...withoutAxes(axes, [...shape, over])];
  const S = inner.parameter("state", 0, { axes: stateAxes, type: "real" });
  /** 1 where `other` is not later than `axis` (strict: is earlier). */
  const upTo = (axis: AxisName, other: AxisName, strict: boolean): NodeId =>
    strict ? inner.less(inner.iota(other), inner.iota(axis)) : inner.less_equal(inner.iota(other), inner.iota(axis));
  /** Products of decays: from the chunk's first step to t, between s and t, after s, over all of it. `short`: one step less. */
  const made = decay === undefined ? undefined : decaysOf(inner, sequence(decay), [t, s, l], upTo);
  const scaledBy = (x: NodeId, by: NodeId | undefined): NodeId => (by === undefined ? x : inner.mul(x, by));
  const contract = (x: NodeId, y: NodeId, axis: AxisName): NodeId => inner.contract(x, y, axis);
  const late = (id: NodeId): NodeId => inner.rename(id, t, s);

  const rows = u.map((at) => sequence(at));
  const z = known.map((at) => (at === undefined ? undefined : sequence(at)));
  if (b !== undefined && reads) {
    const vector = sequence(b);
    const short = !reads.inclusive;
    let right = contract(scaledBy(vector, made?.fromStart(short)), S, over);
    if (z[reading] !== undefined) right = inner.add(z[reading]!, right);
    for (const [i, other] of z.entries()) {
      if (i === reading || other === undefined) continue;
      const weights = inner.select(upTo(t, s, true), scaledBy(contract(vector, late(rows[i]), over), made?.between(short)), inner.constant(0));
      right = inner.add(right, contract(weights, late(other), s));
    }
    const matrix = scaledBy(contract(vector, late(rows[reading]), over), made?.between(short));
    const full = unionAxes(withoutAxes(inner.axesOf(right), []), withoutAxes(inner.axesOf(matrix), [s]));
    z[reading] = inner.solve(matrix, inner.expand(right, full), t, s);
  }
  const outputs: Output[] = [];
  const kept = contributions(z);
  let after = scaledBy(S, made?.overAll());
  for (const { i, value } of kept) after = inner.add(after, contract(scaledBy(late(rows[i]), made?.toEnd()), late(value), s));
  outputs.push({ name: "next 0", node: inner.expand(after, stateAxes) });
  for (const [k, { before }] of readings.entries()) {
    const query = sequence(q[k]);
    let sum = contract(scaledBy(query, made?.fromStart(before)), S, over);
    for (const { i, value } of kept) {
      const weights = scaledBy(contract(query, late(rows[i]), over), made?.between(before));
      sum = inner.add(sum, contract(inner.select(upTo(t, s, before), weights, inner.constant(0)), late(value), s));
    }
    outputs.push({ name: `emit ${k}`, node: sum });
  }
  for (const [axis, size] of inner.axes) g.declareAxis(axis, size);
  return g.scanNode([...sequences, g.transpose(initial, stateAxes)], {
    reverse: false,
    chunk: t,
    sequences: sequences.length,
    statics: 0,
    states: 1,
    body: inner.finish(outputs),
    stateNames: [scan.stateNames[state]],
  });
}

const contributions = (z: readonly (NodeId | undefined)[]): { i: number; value: NodeId }[] =>
  z.flatMap((value, i) => (value === undefined ? [] : [{ i, value }]));

/** Three axes for the steps of a chunk. */
function chunkAxes(inner: GraphBuilder, steps: number): [AxisName, AxisName, AxisName] {
  const fresh = (base: AxisName): AxisName => inner.freshAxis(base, steps);
  return [fresh(`t%${steps}`), fresh(`s%${steps}`), fresh(`l%${steps}`)];
}

/** Log of the decay of every step; undefined if it is not positive by its form. */
function logOf(g: GraphBuilder, { factors, constant }: Scaled, outer: (id: number) => NodeId): NodeId | undefined {
  let sum = g.constant(Math.log(constant));
  for (const { node, inverse, hold } of factors) {
    const log = logarithm(g, outer(node));
    if (log === undefined) return undefined;
    const signed = inverse ? g.neg(log) : log;
    sum = g.add(sum, hold === undefined ? signed : g.select(outer(hold), signed, g.constant(0)));
  }
  return sum;
}

/** What z reads, without the decay if every piece has it as a factor. */
function readOf(z: readonly Piece[], decay: Scaled): { readonly pieces: readonly Piece[]; readonly inclusive: boolean } {
  const pieces = z.filter((piece) => piece.kind === "read");
  const rest = pieces.map((piece) => withoutFactors(piece.factors, decay.factors));
  if (rest.some((factors) => factors === undefined)) return { pieces, inclusive: false };
  return { pieces: pieces.map((piece, i) => ({ ...piece, factors: rest[i]!, constant: piece.constant / decay.constant })), inclusive: true };
}

/** Products of decays inside a chunk, from sums of logarithms over exactly the steps that they span. `log` [t, …], t, s and l the steps of a chunk. */
function decaysOf(
  inner: GraphBuilder,
  log: NodeId,
  [t, s, l]: readonly [AxisName, AxisName, AxisName],
  upTo: (axis: AxisName, other: AxisName, strict: boolean) => NodeId,
) {
  const along = inner.rename(log, t, l);
  /** Σ_{l ≤ t} (or <) log_l */
  const fromStart = (short: boolean): NodeId => inner.exp(inner.contract(upTo(t, l, short), along, l));
  /** Σ_{s < l ≤ t} (or < t): 0 where there is no such l. */
  const between = (short: boolean): NodeId => {
    const later = inner.select(upTo(l, s, true), along, inner.constant(0));
    return inner.exp(inner.contract(upTo(t, l, short), later, l));
  };
  return {
    fromStart,
    between,
    toEnd: (): NodeId => inner.exp(inner.contract(upTo(l, s, true), along, l)),
    overAll: (): NodeId => inner.exp(inner.sum(log, t)),
  };
}
