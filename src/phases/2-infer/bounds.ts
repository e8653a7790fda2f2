/**
 * Ranges of values: interval arithmetic over terms, and what counts as a gate.
 *
 * In: a term and the equations it refers to. Out: the range that its functions bound it to, and whether the bound is a gate's (σ, hard σ, softmax,
 * exp(-softplus …) and what is affine in them) rather than that of a squashed value (tanh, sin). Sound, not sharp.
 */
import { type Draft, type Model } from "./draft.ts";
import { FUNCTIONS } from "./functions.ts";

export interface Bounds {
  readonly low: number;
  readonly high: number;
  readonly gate: boolean;
}
const NONE: Bounds = { low: -Infinity, high: Infinity, gate: false };
const UNIT: Bounds = { low: 0, high: 1, gate: true };

/** Remembers the bounds of definitions. */
export type BoundsTable = Map<string, Bounds>;

export function boundsOf(model: Model, table: BoundsTable, term: Draft): Bounds {
  const go = (part: Draft): Bounds => boundsOf(model, table, part);
  switch (term.kind) {
    case "number":
      return { low: term.value, high: term.value, gate: false };
    case "size":
      return { low: 1, high: Infinity, gate: false };
    case "value": {
      const known = table.get(term.name);
      if (known) return known;
      table.set(term.name, NONE); // a recurrence bounds nothing by itself
      const equation = model.values.get(term.name)?.equation;
      const bounds = equation ? go(equation.value) : NONE;
      table.set(term.name, bounds);
      return bounds;
    }
    case "moment":
    case "component":
    case "collection":
    case "element":
      return go(term.operand);
    case "unary": {
      const inner = go(term.operand);
      return term.op === "neg" ? { low: -inner.high, high: -inner.low, gate: inner.gate } : inner;
    }
    case "absolute": {
      const inner = go(term.operand);
      return { low: 0, high: Math.max(Math.abs(inner.low), Math.abs(inner.high)), gate: false };
    }
    case "reduction":
      if (term.op === "softmax") return UNIT;
      return term.op === "sum" ? NONE : { ...go(term.body), gate: false };
    case "concatenation":
      return term.parts.map(go).reduce((a, b) => ({ low: Math.min(a.low, b.low), high: Math.max(a.high, b.high), gate: a.gate && b.gate }));
    case "binary":
      return binaryBounds(model, table, term);
    case "call":
      return callBounds(model, table, term);
    default:
      return NONE;
  }
}

function binaryBounds(model: Model, table: BoundsTable, term: Draft & { kind: "binary" }): Bounds {
  if (term.op === "add" && isShareOf(term.left, term.right)) {
    const share = boundsOf(model, table, shareFactor(term.right)); // asked once: shares may be nested
    return within(share) && (term.left.kind === "weight" || within(boundsOf(model, table, term.left))) ? UNIT : NONE;
  }
  const mix = term.op === "add" ? mixtureOf(term.left, term.right) : undefined;
  if (mix && within(boundsOf(model, table, mix.share))) {
    const [one, other] = mix.parts.map((part) => boundsOf(model, table, part));
    return { low: Math.min(one.low, other.low), high: Math.max(one.high, other.high), gate: one.gate && other.gate };
  }
  const a = boundsOf(model, table, term.left);
  const b = boundsOf(model, table, term.right);
  switch (term.op) {
    case "add":
      return { low: a.low + b.low, high: a.high + b.high, gate: a.gate || b.gate };
    case "sub":
      return { low: a.low - b.high, high: a.high - b.low, gate: a.gate || b.gate };
    case "mul":
    case "hadamard":
      return { ...times(a, b), gate: (a.gate && (b.gate || constant(b))) || (b.gate && constant(a)) };
    case "div":
      if (isQuotaOf(term.left, term.right) && a.low >= 0 && b.low >= 0) return UNIT;
      return constant(b) && b.low !== 0 ? { ...times(a, { low: 1 / b.low, high: 1 / b.low }), gate: a.gate } : NONE;
    case "power":
      return constant(b) && b.low > 0 && a.low >= 0 ? { low: a.low ** b.low, high: a.high ** b.low, gate: a.gate } : NONE;
    default:
      return NONE;
  }
}

const ASKS = new Set(["masked", "exp", "log", "sqrt", "max", "min", "clamp", "stop_gradient", "diag", "split", "relu"]);

function callBounds(model: Model, table: BoundsTable, term: Draft & { kind: "call" }): Bounds {
  const { range, gate } = FUNCTIONS[term.function];
  // What bounds by itself is not asked what it bounds: that may lead round a recurrence.
  if (!ASKS.has(term.function)) return range ? { low: range[0], high: range[1], gate: gate === true } : NONE;
  const [x, y] = term.args.map((arg) => boundsOf(model, table, arg));
  switch (term.function) {
    case "exp":
      return x.high <= 0
        ? { low: Math.exp(x.low), high: Math.exp(x.high), gate: true }
        : { low: Math.exp(x.low), high: Math.exp(x.high), gate: false };
    case "log":
      return { low: x.low > 0 ? Math.log(x.low) : -Infinity, high: x.high > 0 ? Math.log(x.high) : Infinity, gate: false };
    case "sqrt":
      return { low: Math.sqrt(Math.max(0, x.low)), high: Math.sqrt(Math.max(0, x.high)), gate: false };
    case "max":
      return { low: Math.max(x.low, y.low), high: Math.max(x.high, y.high), gate: constant(x) ? y.gate : constant(y) && x.gate };
    case "min":
      return { low: Math.min(x.low, y.low), high: Math.min(x.high, y.high), gate: constant(x) ? y.gate : constant(y) && x.gate };
    case "clamp": {
      const { low, high } = term.options;
      return { low: Math.max(low, x.low), high: Math.min(high, x.high), gate: x.gate || (low === 0 && high === 1) };
    }
    case "stop_gradient":
    case "diag":
    case "split":
      return x;
    case "masked":
      return { low: -Infinity, high: x.high, gate: false };
    case "relu":
      return { low: Math.max(0, x.low), high: Math.max(0, x.high), gate: false };
    default:
      return NONE;
  }
}

const constant = (bounds: Bounds): boolean => bounds.low === bounds.high;
const within = (bounds: Bounds): boolean => bounds.low >= 0 && bounds.high <= 1;

function times(a: { low: number; high: number }, b: { low: number; high: number }): { low: number; high: number } {
  const ends = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high].map((end) => (Number.isNaN(end) ? 0 : end));
  return { low: Math.min(...ends), high: Math.max(...ends) };
}

/** Equal terms, places and shapes aside. */
export function sameTerm(a: Draft, b: Draft): boolean {
  return keyOf(a) === keyOf(b);
}

const keys = new WeakMap<Draft, string>();
/** Equal for equal terms. */
export function keyOf(term: Draft): string {
  let key = keys.get(term);
  if (key === undefined) {
    key = JSON.stringify(term, (name, value) => (name === "span" || name === "shape" ? undefined : value));
    keys.set(term, key);
  }
  return key;
}

/** `γ + (1 - γ)∘b`: between γ and 1. A weight γ is taken for the lower bound that this form makes of it. */
function isShareOf(share: Draft, rest: Draft): boolean {
  if (rest.kind !== "binary" || (rest.op !== "mul" && rest.op !== "hadamard")) return false;
  return [rest.left, rest.right].some((side) => isOneMinus(side, share));
}
function shareFactor(rest: Draft): Draft {
  if (rest.kind !== "binary") return rest;
  return rest.left.kind === "binary" && rest.left.op === "sub" ? rest.right : rest.left;
}
export function isOneMinus(term: Draft, of: Draft): boolean {
  return term.kind === "binary" && term.op === "sub" && term.left.kind === "number" && term.left.value === 1 && sameTerm(term.right, of);
}

/** `r∘a + (1 - r)∘b`: between a and b where r is between 0 and 1. */
function mixtureOf(left: Draft, right: Draft): { readonly share: Draft; readonly parts: readonly [Draft, Draft] } | undefined {
  const sides = (term: Draft): readonly (readonly [Draft, Draft])[] =>
    term.kind === "binary" && (term.op === "mul" || term.op === "hadamard")
      ? [
          [term.left, term.right],
          [term.right, term.left],
        ]
      : [];
  for (const [a, partA] of sides(left)) {
    for (const [b, partB] of sides(right)) {
      if (isOneMinus(b, a)) return { share: a, parts: [partA, partB] };
      if (isOneMinus(a, b)) return { share: b, parts: [partA, partB] };
    }
  }
  return undefined;
}

/** `f / (f + i)`: a share of a sum of positive values. */
function isQuotaOf(part: Draft, sum: Draft): boolean {
  return sum.kind === "binary" && sum.op === "add" && (sameTerm(sum.left, part) || sameTerm(sum.right, part));
}
