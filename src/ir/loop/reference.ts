/**
 * The elementwise functions of the loop language in float64: what the interpreter rounds to float32 and what emitted code is measured against.
 * Comes in: a number. Goes out: the value to about 1e-15. Never rounds to float32 itself.
 */
import type { VectorUnary } from "./node.ts";

/** Error function, erf(x) = 2/√π · e^(−x²) · Σ 2ⁿ·x^(2n+1) / (2n+1)!!: a sum without cancellation. */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  if (Math.abs(x) >= 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; n < 200; n += 1) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
    if (Math.abs(term) <= Math.abs(sum) * 2 ** -54) break;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** σ(x) = 1 / (1 + e^−x), with full relative accuracy for negative x. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/** log(1 + e^x), careful at both ends. */
export function softplus(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
}

/** Every unary that takes and gives f32x4, one lane in float64. NaN in → NaN out, but for `step` (1 for x > 0, else 0). */
export const unaryReference: { readonly [K in Exclude<VectorUnary, "to_f32x4">]: (x: number) => number } = {
  neg: (x) => -x,
  abs: Math.abs,
  sign: Math.sign,
  step: (x) => (x > 0 ? 1 : 0),
  recip: (x) => 1 / x,
  sqrt: Math.sqrt,
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sin: Math.sin,
  cos: Math.cos,
  erf,
  sigmoid,
  tanh: Math.tanh,
  softplus,
  log_sigmoid: (x) => -softplus(-x),
  relu: (x) => (x < 0 ? 0 : x),
};
