/**
 * The three matrices of minimal filtering, and their products as additions.
 *
 *     y_p = Σ_{j < taps} g_j·d_{p+j},  p < outputs:      y = A·[(G·g) ∘ (B·d)]        with outputs + taps − 1 products instead of outputs · taps
 *
 * In: how many outputs and taps. Out: A, B, G. Toom and Cook's product of polynomials, evaluated at points and at infinity, transposed (Winograd 1980). All points are halves
 * or whole numbers, so A and B are exact in float32, and G (which works on weights alone) is rounded once. Which points: those of the smallest errors for 3 taps
 * (Barabasz et al. 2020, arXiv:1803.10986); measured in docs/performance.md.
 */
import type { GraphBuilder, NodeId } from "../../../ir/tensor/build.ts";
import { invariant } from "../../../support/invariant.ts";

type Row = readonly number[];

export interface Transforms {
  /** [outputs, products] */
  readonly a: readonly Row[];
  /** [products, outputs + taps − 1] */
  readonly b: readonly Row[];
  /** [products, taps] */
  readonly g: readonly Row[];
}

const POINTS: Row = [0, 1, -1, 0.5, -2, 2, -0.5];

export function transformsFor(outputs: number, taps: number): Transforms {
  const finite = outputs + taps - 2;
  invariant(outputs > 1 && taps > 1 && finite <= POINTS.length, `no points for ${outputs} outputs of ${taps} taps`);
  const points: Row = POINTS.slice(0, finite);
  const others = points.map((point) => points.filter((other) => other !== point));
  const powers = (count: number): Row[] => [
    ...points.map((point) => Array.from({ length: count }, (_, k) => point ** k)),
    Array.from({ length: count }, (_, k) => (k === count - 1 ? 1 : 0)),
  ];
  const scales = [...others.map((list, i) => list.reduce((product, other) => product * (points[i] - other), 1)), 1];
  const evaluated = powers(outputs);
  return {
    a: Array.from({ length: outputs }, (_, p) => evaluated.map((row) => row[p])),
    b: [...others.map((roots) => [...polynomial(roots), 0]), polynomial(points)],
    g: powers(taps).map((row, i) => row.map((value) => value / scales[i])),
  };
}

/** Coefficients of Π (x − root), lowest first. */
function polynomial(roots: Row): Row {
  let product: Row = [1];
  for (const root of roots) product = Array.from({ length: product.length + 1 }, (_, k) => (product[k - 1] ?? 0) - root * (product[k] ?? 0));
  return product;
}

/** The matrix times values: each result a sum of its multiples. Rows that are even + odd and even − odd of the same two sums share them. */
export function combine(g: GraphBuilder, matrix: readonly Row[], values: readonly NodeId[]): NodeId[] {
  const results: NodeId[] = [];
  const direct = (row: Row): NodeId => {
    let sum: NodeId | undefined;
    const entries = [...row.entries()].filter(([, factor]) => factor !== 0);
    // A sum begins with what is added, so that nothing is negated.
    for (const [k, factor] of [...entries.filter(([, each]) => each > 0), ...entries.filter(([, each]) => each < 0)]) {
      const term = Math.abs(factor) === 1 ? values[k] : g.mul(values[k], g.constant(Math.abs(factor)));
      if (sum === undefined) sum = factor < 0 ? g.neg(term) : term;
      else sum = factor < 0 ? g.sub(sum, term) : g.add(sum, term);
    }
    invariant(sum !== undefined, "a row of a transform has no entry");
    return sum;
  };
  const terms = (row: Row): number => row.filter((factor) => factor !== 0).length;
  for (let i = 0; i < matrix.length; i++) {
    const next = matrix[i + 1] as Row | undefined;
    const half = (sign: number): Row => matrix[i].map((factor, k) => (factor + sign * next![k]) / 2);
    if (next !== undefined && terms(half(1)) + terms(half(-1)) + 2 <= terms(matrix[i]) + terms(next) && terms(half(1)) > 0 && terms(half(-1)) > 0) {
      const [even, odd] = [direct(half(1)), direct(half(-1))];
      results.push(g.add(even, odd), g.sub(even, odd));
      i++;
    } else results.push(direct(matrix[i]));
  }
  return results;
}

/** The transposed sharing: columns k and k + 1 whose entries are equal or opposite in every row become the columns of the sum and of the difference of their values. */
export function combinePairs(g: GraphBuilder, matrix: readonly Row[], values: readonly NodeId[]): NodeId[] {
  const columns = values.map((_, k) => matrix.map((row) => row[k]));
  const shared: NodeId[] = [];
  const folded: Row[] = [];
  for (let k = 0; k < values.length; k++) {
    const next = columns[k + 1] as Row | undefined;
    if (
      next?.every((factor, p) => Math.abs(factor) === Math.abs(columns[k][p])) &&
      next.some((factor, p) => factor === columns[k][p] && factor !== 0)
    ) {
      shared.push(g.add(values[k], values[k + 1]), g.sub(values[k], values[k + 1]));
      folded.push(columns[k].map((factor, p) => (factor === next[p] ? factor : 0)));
      folded.push(columns[k].map((factor, p) => (factor === next[p] ? 0 : factor)));
      k++;
    } else {
      shared.push(values[k]);
      folded.push(columns[k]);
    }
  }
  return combine(
    g,
    matrix.map((_, p) => folded.map((column) => column[p])),
    shared,
  );
}
