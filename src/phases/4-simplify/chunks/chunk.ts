/**
 * Linear recurrences of a matrix state, a chunk of time steps at once.
 *
 *     S_t = d_t·S_{t-1} + Σ_i u_i,t ⊗ z_i,t        o_t = S_tᵀ q_t        one z reads the state: z_t = w_t + S_{t-1}ᵀ b_t
 *
 * In: a graph as phase 2 made it, before gradients. Out: the same function; every such recurrence whose state is only ever read by contractions is a scan by chunks of C
 * steps. With P[t, s] = d_{s+1}···d_t (numbers, or diagonal matrices: a decay for each row), the state S before the chunk, and all of a chunk's steps as rows:
 *
 *     z = w + (P[t, 0]·b)·S + L·z        L[t, s] = b_tᵀ·P[t, s]·u_s  for s < t        a triangular system: solve
 *     o =     (P[t, 0]·q)·S + A·z        A[t, s] = q_tᵀ·P[t, s]·u_s  for s ≤ t
 *     S ←      P[C, 0]·S + Σ_s (P[C, s]·u_s) ⊗ z_s
 *
 * (b stands here for what makes z_t = w_t + d_t·b_t·S_{t-1}; if the equations do not have the factor d, P is taken one step shorter.) How P is made: decay-products.ts.
 * After Yang et al. 2024 (arXiv:2312.06635, 2406.06484, 2412.06464), Dao & Gu 2024 (arXiv:2405.21060).
 */
import { graphBuilder, type GraphBuilder, type NodeId } from "../../../ir/tensor/build.ts";
import { copyNode } from "../../../ir/tensor/copy.ts";
import type { Graph, Node, Output, ScanAttributes } from "../../../ir/tensor/node.ts";
import type { Firing } from "../../../ir/tensor/rewrite.ts";
import { invariant } from "../../../support/invariant.ts";
import { remake, type Replacement } from "../remake.ts";
import { type Candidate, type ChunkOptions, findCandidate } from "./candidates.ts";
import { buildRun } from "./run.ts";

export type { ChunkOptions } from "./candidates.ts";

/** Turns every recurrence of that kind into a scan by chunks. */
export function chunk(graph: Graph, options: ChunkOptions, trace: Firing[]): Graph {
  const { steps } = options;
  invariant(steps > 1 && Number.isInteger(Math.log2(steps)), "the steps of a chunk are a power of 2");
  let current = graph;
  for (;;) {
    const candidate = findCandidate(current, options);
    if (candidate === undefined) return current;
    const name = current.nodes[candidate.scan].attributes.scan!.stateNames[candidate.state];
    trace.push({ rule: "recurrence by chunks", op: "scan", became: "scan", name });
    current = replaced(current, candidate, steps);
  }
}

function replaced(graph: Graph, candidate: Candidate, steps: number): Graph {
  const { scan: index, state, over, next, readings } = candidate;
  const node = graph.nodes[index];
  const scan = node.attributes.scan!;
  const { body, states } = scan;
  const restStates = Array.from({ length: states }, (_, k) => k).filter((k) => k !== state);
  /** Emitted values of the rest: the next value of each of its states, then what was emitted before. */
  const restEmits = [...restStates.map((k) => body.outputs[k].node), ...body.outputs.slice(states).map((output) => output.node)].filter(
    (each, i, all) => !next.includes(each) && all.indexOf(each) === i,
  );
  let made: { readonly rest: NodeId | undefined; readonly run: NodeId; readonly outer: (id: number) => NodeId } | undefined;
  const make = (g: GraphBuilder, get: (old: number) => NodeId) => {
    if (made) return made;
    const args = node.args.map(get);
    const rest = restStates.length === 0 ? undefined : restOf(g, node, args, restStates, restEmits);
    const outer = outerValues(g, scan, args, (each) => g.emitted(rest!, restEmits.indexOf(each)));
    const initial = args[scan.sequences + scan.statics + state];
    const run = buildRun(g, candidate, scan, { outer, initial, queries: readings.map((reading) => get(reading.query)) }, steps);
    made = { rest, run, outer };
    return made;
  };
  const replacements = new Map<number, Replacement>();
  for (const [k, { node: reading, query, plus }] of readings.entries()) {
    replacements.set(reading, (g, get) => {
      const read = g.emitted(make(g, get).run, k);
      return g.expand(plus === undefined ? read : g.add(read, g.contract(get(plus), get(query), over)), graph.nodes[reading].axes);
    });
  }
  for (const [id, { op, args, attributes, axes }] of graph.nodes.entries()) {
    if ((op !== "emitted" && op !== "final") || args[0] !== index) continue;
    const of = attributes.index!;
    if (op === "emitted") {
      const each = body.outputs[states + of].node;
      if (!next.includes(each)) replacements.set(id, (g, get) => g.expand(make(g, get).outer(each), axes));
    } else if (of === state) replacements.set(id, (g, get) => g.expand(g.final(make(g, get).run, 0), axes));
    else replacements.set(id, (g, get) => g.final(make(g, get).rest!, restStates.indexOf(of)));
  }
  return remake(graph, replacements);
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
