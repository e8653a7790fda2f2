/**
 * A chunk of a linear recurrence: the scan by chunks that takes the place of its step form.
 *
 * In: a state in normal form and its values for all steps. Out: a scan whose body computes C steps at once and emits what every reading reads (equations: chunk.ts).
 * Sequences are filled up with zeros past the end, so a sequence of ones tells where a decay counts.
 */
import { replaceAxis, unionAxes, withoutAxes } from "../../../ir/tensor/axes.ts";
import { graphBuilder, type GraphBuilder, type NodeId } from "../../../ir/tensor/build.ts";
import type { AxisName, Output, ScanAttributes } from "../../../ir/tensor/node.ts";
import type { Candidate } from "./candidates.ts";
import { decayProducts, sameBlocks } from "./decay-products.ts";
import { type Factor, type LinearForm, type Piece, type Scaled, withoutFactors } from "./linear-form.ts";

/** What the state is read with, for all steps, in the outer graph. */
export interface RunInputs {
  /** Value of a node of the step form's body for all steps. */
  readonly outer: (id: number) => NodeId;
  readonly initial: NodeId;
  readonly queries: readonly NodeId[];
}

/** The scan by chunks in `g`; its k-th emitted value is what the k-th reading reads. */
export function buildRun(g: GraphBuilder, candidate: Candidate, scan: ScanAttributes, { outer, initial, queries }: RunInputs, steps: number): NodeId {
  const { form, over, columns, readings, state, valid } = candidate;
  const axes = scan.body.nodes[scan.body.outputs[state].node].axes;
  const heads = withoutAxes(axes, [over, ...columns]);
  const stateAxes = [...heads, over, ...columns];
  const { sequences, u, known, b, q, decay } = sequencesOf(g, form, outer, queries, valid);

  const inner = graphBuilder(g.axes);
  const [t, s] = [inner.freshAxis(`t%${steps}`, steps), inner.freshAxis(`s%${steps}`, steps)];
  const sequence = (at: number): NodeId => inner.parameter("sequence", at, { axes: replaceAxis(g.axesOf(sequences[at]), "t", [t]), type: "real" });
  const S = inner.parameter("state", 0, { axes: stateAxes, type: "real" });
  const rows = u.map(sequence);
  const chunk = chunkOf(inner, decay && inner.select(sequence(decay.counts), sequence(decay.value), inner.constant(1)), rows, over, t, s);

  const z = known.map((at) => (at === undefined ? undefined : sequence(at)));
  if (b) {
    const read = chunk.reader(sequence(b.at), b.inclusive);
    let right = inner.contract(read.start, S, over);
    if (z[b.term] !== undefined) right = inner.add(z[b.term]!, right);
    for (const [i, value] of z.entries()) {
      if (i === b.term || value === undefined) continue;
      right = inner.add(right, inner.contract(inner.select(chunk.earlier, read.weights(i), inner.constant(0)), chunk.late(value), s));
    }
    const matrix = read.weights(b.term);
    const full = unionAxes(inner.axesOf(right), withoutAxes(inner.axesOf(matrix), [s]));
    z[b.term] = inner.solve(matrix, inner.expand(right, full), t, s);
  }
  const added = z.flatMap((value, i) => (value === undefined ? [] : [{ i, value: chunk.late(value) }]));
  const next = added.reduce((sum, { i, value }) => inner.add(sum, inner.contract(chunk.late(chunk.toEnd(i)), value, s)), chunk.decayed(S));
  const outputs: Output[] = [{ name: "next 0", node: inner.expand(next, stateAxes) }];
  for (const [k, { before }] of readings.entries()) {
    const read = chunk.reader(sequence(q[k]), !before);
    let sum = inner.contract(read.start, S, over);
    for (const { i, value } of added) {
      const own = before ? inner.constant(0) : inner.select(chunk.same, read.diagonal(i), inner.constant(0));
      sum = inner.add(sum, inner.contract(inner.select(chunk.earlier, read.weights(i), own), value, s));
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

/** What comes in, for all steps; each is its place among the sequences. */
interface Incoming {
  readonly sequences: readonly NodeId[];
  /** The vector over K of each term. */
  readonly u: readonly number[];
  /** What each term adds along V without reading the state. */
  readonly known: readonly (number | undefined)[];
  /** What one term reads the state with; `inclusive`: after the step's decay. */
  readonly b?: { readonly term: number; readonly at: number; readonly inclusive: boolean };
  readonly q: readonly number[];
  readonly decay?: { readonly value: number; readonly counts: number };
}

function sequencesOf(
  g: GraphBuilder,
  { decay, terms }: LinearForm,
  outer: (id: number) => NodeId,
  queries: readonly NodeId[],
  valid: number | undefined,
): Incoming {
  const sequences: NodeId[] = [];
  const push = (id: NodeId): number => sequences.push(g.axesOf(id).includes("t") ? id : g.broadcast(id, "t")) - 1;
  const where = (id: NodeId, otherwise: number): NodeId => (valid === undefined ? id : g.select(outer(valid), id, g.constant(otherwise)));
  /** Zeros where the state stays as it was, whatever (NaN too) the padding of a sequence holds there. */
  const add = (id: NodeId): number => push(where(id, 0));
  const factor = ({ node, inverse, unless }: Factor): NodeId => {
    if (unless) return g.select(outer(node), g.constant(0), g.constant(1));
    return inverse ? g.recip(outer(node)) : outer(node);
  };
  const product = ({ factors, constant }: Scaled): NodeId => {
    const scale = constant === 1 && factors.length > 0 ? [] : [g.constant(constant)];
    return [...factors.map(factor), ...scale].reduce((x, y) => g.mul(x, y));
  };
  const sum = (pieces: readonly Piece[]): NodeId => pieces.map(product).reduce((x, y) => g.add(x, y));
  const u = terms.map((term) => add(product({ factors: term.u, constant: 1 })));
  const known = terms.map(({ z }) => {
    const values = z.filter((piece) => piece.kind === "value");
    return values.length === 0 ? undefined : add(sum(values));
  });
  const term = terms.findIndex(({ z }) => z.some((piece) => piece.kind === "read"));
  const reads = term < 0 ? undefined : readOf(terms[term].z, decay);
  return {
    sequences,
    u,
    known,
    ...(reads && { b: { term, at: add(sum(reads.pieces)), inclusive: reads.inclusive } }),
    q: queries.map(add),
    ...((decay.factors.length > 0 || decay.constant !== 1) && { decay: { value: push(where(product(decay), 1)), counts: push(g.constant(1)) } }),
  };
}

/** What z reads, without the decay if every piece has it as a factor. */
function readOf(z: readonly Piece[], decay: Scaled): { readonly pieces: readonly Piece[]; readonly inclusive: boolean } {
  const pieces = z.filter((piece) => piece.kind === "read");
  const rest = pieces.map((piece) => withoutFactors(piece.factors, decay.factors));
  if (decay.constant === 0 || rest.some((factors) => factors === undefined)) return { pieces, inclusive: false };
  return { pieces: pieces.map((piece, i) => ({ ...piece, factors: rest[i]!, constant: piece.constant / decay.constant })), inclusive: true };
}

/** How a vector over K of every step meets the state before the chunk and the vectors u of earlier steps. */
interface Reader {
  /** The vector, times the decays from the chunk's first step on. */
  readonly start: NodeId;
  /** [t, s] for the i-th term, right where s < t. */
  readonly weights: (i: number) => NodeId;
  /** [t]: its product with u of the same step. */
  readonly diagonal: (i: number) => NodeId;
}

interface Chunk {
  /** 1 where s < t, 1 where s = t. */
  readonly earlier: NodeId;
  readonly same: NodeId;
  /** A value of the steps t along s. */
  readonly late: (id: NodeId) => NodeId;
  /** `inclusive`: with the decay of the step itself. */
  readonly reader: (x: NodeId, inclusive: boolean) => Reader;
  /** The vectors u of a term, times the decays up to the chunk's end. */
  readonly toEnd: (i: number) => NodeId;
  /** The state times all decays of the chunk. */
  readonly decayed: (S: NodeId) => NodeId;
}

/** Products of the vectors of a chunk's steps, with the decays `d` between them: none, one for all rows, or one for each row. */
function chunkOf(g: GraphBuilder, d: NodeId | undefined, u: readonly NodeId[], over: AxisName, t: AxisName, s: AxisName): Chunk {
  const late = (id: NodeId): NodeId => g.rename(id, t, s);
  const pairs = (x: NodeId, y: NodeId): NodeId => g.contract(x, late(y), over);
  const shared = { earlier: g.less(g.iota(s), g.iota(t)), same: g.equal(g.iota(s), g.iota(t)), late };
  if (d === undefined) {
    return {
      ...shared,
      reader: (x) => ({ start: x, weights: (i) => pairs(x, u[i]), diagonal: (i) => g.contract(x, u[i], over) }),
      toEnd: (i) => u[i],
      decayed: (S) => S,
    };
  }
  const products = decayProducts(g, d, t);
  const masks = sameBlocks(g, t, s);
  /** The level of the smallest block that has both t and s. */
  const byLevels = (level: (j: number) => NodeId): NodeId =>
    masks.reduceRight((rest, mask, j) => g.select(mask, level(j), rest), level(masks.length));
  const last = <T>(values: readonly T[]): T => values[values.length - 1];
  const decayed = (S: NodeId): NodeId => g.mul(S, products.all);
  if (g.axesOf(d).includes(over)) {
    const after = u.map(products.trail);
    const reader = (x: NodeId, inclusive: boolean): Reader => {
      const before = products.lead(inclusive ? g.mul(x, d) : x);
      return {
        start: last(before),
        weights: (i) => byLevels((j) => pairs(before[j], after[i][j])),
        diagonal: (i) => g.contract(x, u[i], over),
      };
    };
    return { ...shared, reader, toEnd: (i) => last(after[i]), decayed };
  }
  const one = g.filled(1, [t]);
  const after = products.trail(one);
  const reader = (x: NodeId, inclusive: boolean): Reader => {
    const before = products.lead(inclusive ? d : one);
    const between = byLevels((j) => g.mul(before[j], late(after[j])));
    return {
      start: g.mul(x, last(before)),
      weights: (i) => g.mul(pairs(x, u[i]), between),
      diagonal: (i) => g.contract(x, u[i], over),
    };
  };
  return { ...shared, reader, toEnd: (i) => g.mul(u[i], last(after)), decayed };
}
