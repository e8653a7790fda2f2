/**
 * Finds the recurrences that can go by chunks of time steps.
 *
 * In: a graph as phase 2 made it. Out: a scan, one of its states in normal form, and everything that reads that state: contractions over K, after the step or before it.
 * Sequences of different lengths keep their state past their end, where nothing that is read counts. Never changes the graph.
 */
import type { AxisName, Graph, ScanAttributes } from "../../../ir/tensor/node.ts";
import { readersOf } from "../remake.ts";
import { type Factor, linearForm, type LinearForm } from "./linear-form.ts";

export interface ChunkOptions {
  /** Time steps of a chunk, a power of 2. */
  readonly steps: number;
  /**
   * Fewest elements of a state's matrix (K·V) for which chunks are used: below, the step form is as fast. With a decay for each row and n outer products, n² times as
   * many: every vector that reads then meets every one that is written, level by level (RWKV-7).
   */
  readonly least: number;
}

/** A reading of the state outside of its recurrence: a contraction with q of the state after the step, or before it; `plus`: what was added to the state first. */
export interface Reading {
  readonly node: number;
  readonly query: number;
  readonly before: boolean;
  readonly plus?: number;
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
  /** Where this node of the body is 0 (past the end of a sequence), the state stays as it was. */
  readonly valid?: number;
  /** Nodes of the body that are the next state, if only where it counts. */
  readonly next: readonly number[];
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
      const { decay, terms } = candidate.form;
      const byRows = decay.factors.some(({ node: factor }) => scan.body.nodes[factor].axes.includes(candidate.over));
      if (elements >= (byRows ? least * terms.length ** 2 : least)) return candidate;
    }
  }
  return undefined;
}

function candidateOf(
  graph: Graph,
  readers: readonly (readonly number[])[],
  index: number,
  scan: ScanAttributes,
  state: number,
): Candidate | undefined {
  const { body, states } = scan;
  const free = independentOf(body, state);
  const { update, valid } = updateOf(body, state, free);
  const next = [body.outputs[state].node, update];
  for (const [k, output] of body.outputs.entries()) {
    if (k !== state && !next.includes(output.node) && !free[output.node]) return undefined; // another state, or what is emitted, needs it
  }
  const initial = graph.nodes[index].args[scan.sequences + scan.statics + state];
  const readings: Reading[] = [];
  let over: AxisName | undefined;
  /** False if something else than a contraction reads the emitted state. */
  const follow = (id: number, before: boolean, plus?: number): boolean =>
    readers[id].every((reader) => {
      if (reader < 0) return false;
      const { op, args, attributes } = graph.nodes[reader];
      if (op === "shift" && !before && plus === undefined && attributes.lag === 1 && args[0] === id && args[1] === initial)
        return follow(reader, true);
      if (op === "add" && plus === undefined && args[0] !== args[1]) return follow(reader, before, args[0] === id ? args[1] : args[0]);
      if (op !== "contract" || attributes.over!.length !== 1 || args[0] === args[1]) return false;
      const axis = attributes.over![0];
      if (over !== undefined && axis !== over) return false;
      over = axis;
      readings.push({ node: reader, query: args[0] === id ? args[1] : args[0], before, ...(plus !== undefined && { plus }) });
      return true;
    });
  for (const [id, { op, args, attributes }] of graph.nodes.entries()) {
    if (op !== "emitted" || args[0] !== index || !next.includes(body.outputs[states + attributes.index!].node)) continue;
    if (!follow(id, false)) return undefined;
  }
  if (over === undefined || !body.nodes[update].axes.includes(over)) return undefined;
  const made = (id: number | undefined): boolean => id !== undefined && dependsOn(graph, id, index, state);
  if (readings.some(({ query, plus }) => made(query) || made(plus))) return undefined;
  const form = linearForm(body, update, state, over, free, (k) => constantOf(graph, graph.nodes[index].args[scan.sequences + k]));
  if (!form || form.terms.length === 0) return undefined;
  if (form.terms.filter((term) => term.z.some((piece) => piece.kind === "read")).length > 1) return undefined;
  const columns = columnsOf(body, update, over, form);
  if (valid !== undefined && body.nodes[valid].axes.some((axis) => axis === over || columns.includes(axis))) return undefined;
  return { scan: index, state, over, columns, form, valid, next, readings };
}

/** What a state becomes, and where it does: elsewhere it stays as it was. */
function updateOf(body: Graph, state: number, free: readonly boolean[]): { readonly update: number; readonly valid?: number } {
  const next = body.outputs[state].node;
  const { op, args } = body.nodes[next];
  if (op !== "select" || !free[args[0]]) return { update: next };
  const { op: old, attributes } = body.nodes[args[2]];
  return old === "parameter" && attributes.kind === "state" && attributes.index === state ? { update: args[1], valid: args[0] } : { update: next };
}

/** The number that a node holds everywhere. */
function constantOf(graph: Graph, id: number): number | undefined {
  const { op, args, attributes } = graph.nodes[id];
  return op === "constant" ? attributes.value : op === "broadcast" || op === "transpose" ? constantOf(graph, args[0]) : undefined;
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
function columnsOf(body: Graph, next: number, over: AxisName, form: LinearForm): AxisName[] {
  const { axes } = body.nodes[next];
  const rows = new Set<AxisName>([over, "b"]);
  const add = ({ factors }: { factors: readonly Factor[] }): void => {
    for (const factor of factors) for (const axis of body.nodes[factor.node].axes) rows.add(axis);
  };
  add(form.decay);
  for (const term of form.terms) {
    add({ factors: term.u });
    for (const piece of term.z) {
      if (piece.kind === "read") add(piece);
      else add({ factors: piece.factors.filter((factor) => body.nodes[factor.node].axes.length <= axes.length - 2) });
    }
  }
  return axes.filter((axis) => !rows.has(axis));
}
