/**
 * A matrix state's next value in the normal form of linear recurrences.
 *
 *     S_t = d·S_{t-1} + Σ_i u_i ⊗ z_i        z_i = w_i + Σ_j c_ij·(b_ijᵀ S_{t-1})
 *
 * In: the body of a scan, a next value of one of its states, the axis K that is contracted. Out: decay d, vectors u and b over K, vectors w over the other axes (V), scalars c, each as a
 * list of factors: nodes of the body that do not depend on the state. Undefined if the next value is not of this form. It is found by walking the
 * equations, so `S - β·(S·k)⊗k + β·v⊗k` and every rearrangement of it are the same. Never makes nodes.
 */
import type { AxisName, Graph, Node } from "../../../ir/tensor/node.ts";
import { isView } from "../../../ir/tensor/ops.ts";

/** A factor: a body's node, or its reciprocal. */
export interface Factor {
  readonly node: number;
  readonly inverse?: boolean;
  /** 0 where the node is not 0, else 1: what is left of a state that begins anew there. */
  readonly unless?: boolean;
}

/** A product of factors and a number. */
export interface Scaled {
  readonly factors: readonly Factor[];
  readonly constant: number;
}

/** What is added along V: a value that does not depend on the state, or what a vector over K reads from the state. */
export type Piece = Scaled & { readonly kind: "value" | "read" };

export interface Term {
  /** Factors with the axis K. */
  readonly u: readonly Factor[];
  readonly z: readonly Piece[];
}

export interface LinearForm {
  readonly decay: Scaled;
  readonly terms: readonly Term[];
}

/** A value over K and V while it is taken apart; no `decay`: it does not contain the state. */
interface Matrix {
  readonly decay?: Scaled;
  readonly terms: readonly Term[];
}

const ONE: Scaled = { factors: [], constant: 1 };

const times = <T extends Scaled>(scaled: T, factors: readonly Factor[], constant = 1): T => ({
  ...scaled,
  factors: [...scaled.factors, ...factors],
  constant: scaled.constant * constant,
});

/** The form of `next`, a value of state `state`, whose axis K is `over`. `free`: which nodes of the body do not depend on it; `fixed`: the number that a static holds everywhere. */
export function linearForm(
  body: Graph,
  next: number,
  state: number,
  over: AxisName,
  free: readonly boolean[],
  fixed: (index: number) => number | undefined,
): LinearForm | undefined {
  const nodes = body.nodes;
  const axes = nodes[next].axes;
  const has = (node: Node, axis: AxisName): boolean => node.axes.includes(axis);

  const constantOf = (id: number): number | undefined => {
    const { op, args, attributes } = nodes[id];
    if (op === "parameter" && attributes.kind === "static") return fixed(attributes.index!);
    return op === "constant" ? attributes.value : op === "broadcast" || op === "transpose" ? constantOf(args[0]) : undefined;
  };
  /** A value that does not depend on the state as a product. */
  const product = (id: number): Scaled => {
    const { op, args } = nodes[id];
    const constant = constantOf(id);
    if (constant !== undefined) return { factors: [], constant };
    if (op === "neg") return times(product(args[0]), [], -1);
    if (op === "broadcast" || op === "transpose") return product(args[0]);
    if (op === "mul") return times(product(args[0]), product(args[1]).factors, product(args[1]).constant);
    if (op === "div") {
      const [over, under] = args.map(product);
      return times(
        over,
        under.factors.map((factor) => ({ ...factor, inverse: !factor.inverse })),
        1 / under.constant,
      );
    }
    return { factors: [{ node: id }], constant: 1 };
  };

  /** The side that a factor belongs to; undefined if it varies along both. */
  const sideOf = ({ node }: Factor): "u" | "z" | "scalar" | undefined => {
    const own = nodes[node].axes;
    if (!own.includes(over)) return own.some((axis) => columns.has(axis)) ? "z" : "scalar";
    return own.some((axis) => columns.has(axis)) ? undefined : "u";
  };

  /** V: the axes that neither the decay nor any vector over K has. */
  const columns = new Set(columnsOf(body, next, over, free));
  if (columns.size === 0) return undefined;

  const outer = (z: readonly Piece[], by: Scaled): Matrix | undefined => {
    const sides = by.factors.map(sideOf);
    if (sides.includes(undefined)) return undefined;
    const u = by.factors.filter((_, i) => sides[i] === "u");
    const rest = by.factors.filter((_, i) => sides[i] !== "u");
    if (u.length === 0 || (sides.includes("z") && z.some((piece) => piece.kind === "read"))) return undefined;
    return { terms: [{ u, z: z.map((piece) => times(piece, rest, by.constant)) }] };
  };
  const scaled = (matrix: Matrix, by: Scaled): Matrix | undefined => {
    const sides = by.factors.map(sideOf);
    if (sides.includes(undefined) || sides.includes("z")) return undefined;
    const rows = by.factors.filter((_, i) => sides[i] === "u");
    const scalars = by.factors.filter((_, i) => sides[i] === "scalar");
    return {
      decay: matrix.decay && times(matrix.decay, by.factors, by.constant),
      terms: matrix.terms.map((term) => ({ u: [...term.u, ...rows], z: term.z.map((piece) => times(piece, scalars, by.constant)) })),
    };
  };
  const added = (p: Matrix | undefined, q: Matrix | undefined): Matrix | undefined =>
    p && q && !(p.decay && q.decay) ? { decay: p.decay ?? q.decay, terms: [...p.terms, ...q.terms] } : undefined;
  const negative: Scaled = { factors: [], constant: -1 };

  /** A value over K and V. */
  const matrix = (id: number): Matrix | undefined => {
    const { op, args, attributes } = nodes[id];
    if (op === "parameter") return attributes.kind === "state" && attributes.index === state ? { decay: ONE, terms: [] } : undefined;
    if (constantOf(id) === 0) return { terms: [] };
    if (op === "transpose" || op === "broadcast") return matrix(args[0]);
    if (op === "add") return added(matrix(args[0]), matrix(args[1]));
    if (op === "sub") return added(matrix(args[0]), negated(matrix(args[1])));
    if (op === "neg") return negated(matrix(args[0]));
    if (op === "select" && free[args[0]] && constantOf(args[1]) === 0) {
      const value = matrix(args[2]);
      return value && scaled(value, { factors: [{ node: args[0], unless: true }], constant: 1 });
    }
    if (free[id]) {
      const by = product(id);
      const values = by.factors.filter((factor) => sideOf(factor) === "z");
      if (values.length === 0) return undefined;
      return outer([{ kind: "value", factors: values, constant: 1 }], { ...by, factors: by.factors.filter((factor) => !values.includes(factor)) });
    }
    if (op !== "mul" && op !== "div") return undefined;
    const [p, q] = args;
    if (op === "div") return free[q] ? apply(p, inverse(product(q))) : undefined;
    return free[q] ? apply(p, product(q)) : free[p] ? apply(q, product(p)) : undefined;
  };
  const inverse = ({ factors, constant }: Scaled): Scaled => ({
    factors: factors.map((factor) => ({ ...factor, inverse: !factor.inverse })),
    constant: 1 / constant,
  });
  const negated = (value: Matrix | undefined): Matrix | undefined => value && scaled(value, negative);
  /** A dependent value times a product: a matrix that is scaled, or a vector along V that becomes an outer product. */
  const apply = (id: number, by: Scaled): Matrix | undefined => {
    if (has(nodes[id], over)) {
      const value = matrix(id);
      return value && scaled(value, by);
    }
    const z = vector(id);
    return z && outer(z, by);
  };
  /** A dependent value along V. */
  const vector = (id: number): readonly Piece[] | undefined => {
    const { op, args, attributes } = nodes[id];
    if (free[id]) return [{ kind: "value", ...product(id) }];
    if (op === "transpose" || op === "broadcast") return vector(args[0]);
    if (op === "add" || op === "sub") {
      const [p, q] = args.map(vector);
      return p && q && [...p, ...(op === "add" ? q : q.map((piece) => times(piece, [], -1)))];
    }
    if (op === "neg") return vector(args[0])?.map((piece) => times(piece, [], -1));
    if (op === "mul" || op === "div") {
      const [p, q] = args;
      const at = free[q] ? p : op === "mul" && free[p] ? q : undefined;
      if (at === undefined) return undefined;
      const by = op === "div" ? inverse(product(q)) : product(at === p ? q : p);
      const z = vector(at);
      const varies = by.factors.some((factor) => sideOf(factor) !== "scalar");
      return varies && z?.some((piece) => piece.kind === "read") ? undefined : z?.map((piece) => times(piece, by.factors, by.constant));
    }
    if (op !== "contract" || attributes.over!.length !== 1 || attributes.over![0] !== over) return undefined;
    const [p, q] = args;
    const at = free[q] ? p : free[p] ? q : undefined;
    if (at === undefined) return undefined;
    const state = matrix(at);
    const by = product(at === p ? q : p);
    if (!state?.decay || state.terms.length > 0 || by.factors.some((factor) => sideOf(factor) === "z" || sideOf(factor) === undefined))
      return undefined;
    return [{ kind: "read", ...times(state.decay, by.factors, by.constant) }];
  };

  const found = matrix(next);
  if (!found?.decay || !axes.includes(over)) return undefined;
  return { decay: found.decay, terms: merged(found.terms) };
}

const keyOf = ({ node, inverse, unless }: Factor): string => `${node} ${inverse ?? false} ${unless ?? false}`;

/** Terms with the same u as one. */
function merged(terms: readonly Term[]): Term[] {
  const byRows = new Map<string, Term>();
  for (const term of terms) {
    const key = term.u.map(keyOf).sort().join(",");
    const known = byRows.get(key);
    byRows.set(key, known ? { ...known, z: [...known.z, ...term.z] } : term);
  }
  return [...byRows.values()];
}

/** The factors without those of `some`; undefined if not all of these are among them. */
export function withoutFactors(factors: readonly Factor[], some: readonly Factor[]): Factor[] | undefined {
  const rest = [...factors];
  for (const factor of some) {
    const at = rest.findIndex((each) => keyOf(each) === keyOf(factor));
    if (at < 0) return undefined;
    rest.splice(at, 1);
  }
  return rest;
}

/** Axes of the state that no value with the axis K has, unless it has all of the state's. */
function columnsOf(body: Graph, next: number, over: AxisName, free: readonly boolean[]): AxisName[] {
  const axes = body.nodes[next].axes;
  const full = (node: Node): boolean => axes.every((axis) => node.axes.includes(axis));
  const rows = new Set<AxisName>();
  const seen = new Set<number>();
  const visit = (id: number): void => {
    if (seen.has(id)) return;
    seen.add(id);
    const node = body.nodes[id];
    if (free[id] && !full(node) && (node.axes.includes(over) || isScale(body, id, axes))) for (const axis of node.axes) rows.add(axis);
    if (free[id] && !full(node) && !isView(node.op)) return;
    node.args.forEach(visit);
  };
  visit(next);
  return axes.filter((axis) => axis !== over && axis !== "b" && !rows.has(axis));
}

/** A value that lacks two of the state's axes is a scale, so that its axes belong to the heads. (A vector along V that lacks a head's axis is taken for one, and the state for no matrix.) */
function isScale(body: Graph, id: number, axes: readonly AxisName[]): boolean {
  return body.nodes[id].axes.length <= axes.length - 2;
}
