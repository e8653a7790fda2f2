/**
 * Finds the recurrences that can go by chunks of time steps.
 *
 * In: a graph as phase 2 made it. Out: a scan, one of its states in normal form, and everything that reads that state: contractions over K, after the step or before it.
 * Never changes the graph.
 */
import type { AxisName, Graph, ScanAttributes } from "../../../ir/tensor/node.ts";
import { readersOf } from "../remake.ts";
import { type Factor, linearForm, type LinearForm } from "./linear-form.ts";

export interface ChunkOptions {
  /** Time steps of a chunk, a power of 2. */
  readonly steps: number;
  /** Fewest elements of a state's matrix (K·V) for which chunks are used: below, the step form is as fast. */
  readonly least: number;
}

/** A reading of the state outside of its recurrence: a contraction with q of the state after the step, or before it. */
export interface Reading {
  readonly node: number;
  readonly query: number;
  readonly before: boolean;
}

/** A state that can go by chunks. */
export interface Candidate {
  readonly scan: number;
  readonly state: number;
  /** K, the axis that is contracted. */
  readonly over: AxisName;
  /** V: the axes along which no vector over K varies. */
  readonly columns: readonly AxisName[];
  readonly form: LinearForm;
  readonly readings: readonly Reading[];
}

/** The first state that can go by chunks and is large enough. */
export function findCandidate(graph: Graph, { least }: ChunkOptions): Candidate | undefined {
  const readers = readersOf(graph);
  for (const [index, node] of graph.nodes.entries()) {
    const scan = node.attributes.scan;
    if (node.op !== "scan" || !scan || scan.reverse || scan.chunk !== undefined) continue;
    for (let state = 0; state < scan.states; state++) {
      const candidate = candidateOf(graph, readers, index, scan, state);
      if (!candidate) continue;
      const elements = [candidate.over, ...candidate.columns].reduce((n, axis) => n * (graph.axes.get(axis) as number), 1);
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
  if (!form || form.terms.length === 0) return undefined;
  if (form.terms.filter((term) => term.z.some((piece) => piece.kind === "read")).length > 1) return undefined;
  return { scan: index, state, over, columns: columnsOf(body, state, over, form), form, readings };
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
function columnsOf(body: Graph, state: number, over: AxisName, form: LinearForm): AxisName[] {
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

