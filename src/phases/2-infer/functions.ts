/**
 * The functions of the language: arity, shape rule, range. How each is computed is in expand-functions.ts.
 *
 * In: nothing. Out: one table, used to resolve calls, to infer shapes, to find gates and to print documentation.
 */
import type { Span } from "../../support/source.ts";
import type { Reporter } from "./draft.ts";

/**
 * How the shape of a result follows from the arguments.
 *
 * same       like the argument             vector    like the argument, which is a vector (or rows of a matrix)
 * equal      all arguments and the result have one shape
 * broadcast  as for `+`                    reduce    all components to a number
 * loss       two equal shapes to a number  classes   logits and an index (or a distribution) to a number
 * concat     vectors joined                split     a part of a vector
 * diag       a vector on the diagonal of a matrix          top       a vector to one of k components
 */
export type ShapeRule = "top" | "same" | "vector" | "equal" | "broadcast" | "reduce" | "loss" | "classes" | "concat" | "split" | "diag";

export interface FunctionEntry {
  readonly args: readonly [minimum: number, maximum: number];
  /** Numbers that may follow the arguments (or be named), with their defaults; undefined: must be given. */
  readonly options?: Readonly<Record<string, number | undefined>>;
  readonly shape: ShapeRule;
  /** Range of the result, if the function bounds it. */
  readonly range?: readonly [number, number];
  /** True if a factor bounded by this function is a gate. */
  readonly gate?: boolean;
  /** True if the function is linear in its first argument. */
  readonly linear?: boolean;
  readonly meaning: string;
}

const one = [1, 1] as const;
const two = [2, 2] as const;
const unit = [0, 1] as const;

export const FUNCTIONS: Readonly<Record<string, FunctionEntry>> = {
  σ: { args: one, shape: "same", range: unit, gate: true, meaning: "logistic function 1 / (1 + exp(-x))" },
  hard_σ: { args: one, shape: "same", range: unit, gate: true, meaning: "min(1, max(0, x/6 + 1/2))" },
  log_σ: { args: one, shape: "same", range: [-Infinity, 0], meaning: "log σ(x), without loss of digits" },
  tanh: { args: one, shape: "same", range: [-1, 1], meaning: "hyperbolic tangent" },
  exp: { args: one, shape: "same", range: [0, Infinity], meaning: "exponential" },
  log: { args: one, shape: "same", meaning: "natural logarithm" },
  softplus: { args: one, shape: "same", range: [0, Infinity], meaning: "log(1 + exp(x))" },
  relu: { args: one, shape: "same", range: [0, Infinity], meaning: "max(0, x)" },
  gelu: { args: one, shape: "same", meaning: "x·Φ(x), with the error function" },
  gelu_tanh: { args: one, shape: "same", meaning: "the tanh approximation of gelu" },
  silu: { args: one, shape: "same", meaning: "x·σ(x)" },
  elu: { args: one, options: { scale: 1 }, shape: "same", meaning: "x if x > 0, else scale·(exp(x) - 1)" },
  abs: { args: one, shape: "same", range: [0, Infinity], meaning: "absolute value" },
  sign: { args: one, shape: "same", range: [-1, 1], meaning: "-1, 0 or 1" },
  sqrt: { args: one, shape: "same", range: [0, Infinity], meaning: "square root" },
  sin: { args: one, shape: "same", range: [-1, 1], meaning: "sine" },
  cos: { args: one, shape: "same", range: [-1, 1], meaning: "cosine" },
  erf: { args: one, shape: "same", range: [-1, 1], meaning: "error function" },
  max: { args: two, shape: "broadcast", meaning: "the larger of two" },
  min: { args: two, shape: "broadcast", meaning: "the smaller of two" },
  clamp: { args: one, options: { low: undefined, high: undefined }, shape: "same", meaning: "min(high, max(low, x))" },
  softmax: { args: one, shape: "vector", range: unit, gate: true, meaning: "exp(x) / Σ exp(x) over the components" },
  log_softmax: { args: one, shape: "vector", range: [-Infinity, 0], meaning: "log softmax(x), without loss of digits" },
  sum: { args: one, shape: "reduce", linear: true, meaning: "sum of the components" },
  mean: { args: one, shape: "reduce", linear: true, meaning: "mean of the components" },
  norm: { args: one, shape: "reduce", range: [0, Infinity], meaning: "√ of the sum of squares of the components" },
  normalize: { args: one, options: { epsilon: 1e-12 }, shape: "vector", range: [-1, 1], meaning: "x / √(Σ x² + epsilon)" },
  rms_norm: { args: one, options: { epsilon: 1e-6 }, shape: "vector", meaning: "x / √(mean x² + epsilon)" },
  layer_norm: { args: one, options: { epsilon: 1e-5 }, shape: "vector", meaning: "(x - mean x) / √(variance + epsilon)" },
  top_k: {
    args: one,
    options: { k: undefined },
    shape: "vector",
    meaning: "the k greatest components; the others become -∞ (so softmax gives them 0)",
  },
  among_top: {
    args: one,
    options: { k: undefined },
    shape: "vector",
    range: unit,
    gate: true,
    meaning: "1 for the k greatest components, 0 for the others; ties go to the first",
  },
  top_indices: {
    args: one,
    options: { k: undefined },
    shape: "top",
    meaning: "places of the k greatest components, the greatest first, counted from 0 as tokens are",
  },
  masked: { args: two, shape: "broadcast", meaning: "x where the second is not 0, else -∞ (so softmax gives it 0)" },
  concat: { args: [1, 64], shape: "concat", meaning: "vectors end to end" },
  split: {
    args: one,
    options: { part: undefined, parts: undefined },
    shape: "split",
    linear: true,
    meaning: "one of `parts` equal parts of a vector, counted from 1 (of a map: of its channels)",
  },
  diag: { args: one, shape: "diag", linear: true, meaning: "matrix with the vector on its diagonal" },
  cross_entropy: { args: two, shape: "classes", meaning: "-log softmax(logits)[index], or -Σ p·log softmax(logits) for a distribution p" },
  binary_cross_entropy: { args: two, shape: "loss", meaning: "Σ over components of -y·log σ(logit) - (1 - y)·log(1 - σ(logit)); takes logits" },
  mse: { args: two, shape: "loss", meaning: "mean over components of (a - b)²" },
  mae: { args: two, shape: "loss", meaning: "mean over components of |a - b|" },
  huber: { args: two, options: { delta: 1 }, shape: "loss", meaning: "mean over components of d²/2 for |d| ≤ delta, else delta·(|d| - delta/2)" },
  dropout: {
    args: one,
    options: { p: 0.5, shared: 0 },
    shape: "same",
    linear: true,
    meaning: "in training: each component is 0 with probability p, else scaled by 1/(1-p); shared = 1 keeps one mask for the whole sequence",
  },
  zoneout: {
    args: two,
    options: { p: 0.1 },
    shape: "equal",
    linear: true,
    meaning: "in training: keeps each component of old (the second) with probability p, else takes new; else p·old + (1-p)·new",
  },
  stop_gradient: { args: one, shape: "same", linear: true, meaning: "x, with no gradient" },
};

/** Other spellings of functions. */
export const FUNCTION_ALIASES: Readonly<Record<string, string>> = {
  sigmoid: "σ",
  hard_sigmoid: "hard_σ",
  log_sigmoid: "log_σ",
  "√": "sqrt",
  swish: "silu",
  ReLU: "relu",
  GELU: "gelu",
  SiLU: "silu",
  l2norm: "normalize",
  stopgrad: "stop_gradient",
};

export function functionNamed(name: string): { readonly name: string; readonly entry: FunctionEntry } | undefined {
  const canonical = Object.hasOwn(FUNCTION_ALIASES, name) ? FUNCTION_ALIASES[name] : name;
  return Object.hasOwn(FUNCTIONS, canonical) ? { name: canonical, entry: FUNCTIONS[canonical] } : undefined;
}

/** The known name nearest to a wrong one (at most two letters apart, one for short names; or one that it begins), if any. */
export function nearestName(wrong: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = wrong.length <= 3 ? 1.5 : 2.5;
  for (const name of names) {
    const isBeginning = wrong.length >= 3 && name.toLowerCase().startsWith(wrong.toLowerCase());
    if (name === wrong || (!isBeginning && Math.abs(name.length - wrong.length) > 2)) continue;
    const letters = editDistance(wrong.toLowerCase(), name.toLowerCase());
    const distance = isBeginning && letters > 0 ? Math.min(letters, 2) - 0.6 + letters / 1000 : letters;
    const far = distance + (wrong.toLowerCase() === name.toLowerCase() ? 0.5 : 0);
    if (far < least && far < Math.max(wrong.length, name.length)) {
      least = far;
      best = name;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length];
}

/** E109 for numbers that a function cannot take. */
export function checkOptions(report: Reporter, name: string, options: Readonly<Record<string, number>>, span: Span): void {
  const { p, k, part, parts } = options;
  if (p !== undefined && !(p >= 0 && p < 1)) report.error("E109", span, `the probability p of ${name} lies in 0 ≤ p < 1`, { label: `p is ${p}` });
  if (k !== undefined && !(Number.isInteger(k) && k >= 1 && k <= 64))
    report.error("E109", span, `${name} keeps a whole number of components, from 1 to 64`);
  if (parts !== undefined && !(Number.isInteger(parts) && Number.isInteger(part) && parts >= 1 && part >= 1 && part <= parts)) {
    report.error("E109", span, `split takes a part from 1 to its number of parts: split(x, 1, 2)`);
  }
}
