/**
 * sin and cos on four float32 lanes: x = n·π/2 + r with |r| ≤ π/4, reduced in float64 with π/2 in two parts, then minimax polynomials in float32.
 * Accurate to about an ulp while n < 2²⁰ (|x| < 1.6·10⁶); beyond, the result stays in [−1, 1]. ±∞ and NaN give NaN.
 */
import { constantF64, constantLanes, type Instruction, shuffle, simd } from "../instruction.ts";
import { add, atLeast, atMost, choose, convert, mul, number, polynomial, shift, sub } from "./arithmetic.ts";

/** The first 33 bits of π/2 (n times it is exact in float64) and the rest. */
const HALF_PI_HIGH = 1.5707963267341256;
const HALF_PI_LOW = 6.077100506506192e-11;

/** (sin r − r)/r³ and (cos r − 1 + r²/2)/r⁴ in r². */
const sine = [-0.16666655, 0.008332187, -0.00019517895];
const cosine = [0.041666646, -0.001388731, 2.4432327e-5];

function reducePair(pair: Instruction): { readonly r: Instruction; readonly quarter: Instruction } {
  const x = convert("f64x2.promote_low_f32x4", pair);
  const n = convert("f64x2.nearest", simd("f64x2.mul", x, constantF64(2 / Math.PI)));
  const coarse = simd("f64x2.sub", x, simd("f64x2.mul", n, constantF64(HALF_PI_HIGH)));
  const r = simd("f64x2.sub", coarse, simd("f64x2.mul", n, constantF64(HALF_PI_LOW)));
  return { r: convert("f32x4.demote_f64x2_zero", r), quarter: convert("i32x4.trunc_sat_f64x2_s_zero", n) };
}

/** sin of x plus `turns` quarter turns. */
function sineAfter(x: Instruction, turns: 0 | 1): Instruction {
  const low = reducePair(x);
  const high = reducePair(shuffle(x, x, [2, 3, 2, 3]));
  const r = atLeast(atMost(shuffle(low.r, high.r, [0, 1, 4, 5]), 0.8), -0.8);
  const counted = shuffle(low.quarter, high.quarter, [0, 1, 4, 5]);
  const quarter = turns === 0 ? counted : simd("i32x4.add", counted, constantLanes(1));
  const square = mul(r, r);
  const sin = add(mul(mul(square, r), polynomial(square, sine)), r);
  const cos = add(mul(mul(square, square), polynomial(square, cosine)), sub(number(1), mul(square, number(0.5))));
  const odd = shift("i32x4.shr_s", shift("i32x4.shl", quarter, 31), 31);
  const flip = shift("i32x4.shl", simd("v128.and", quarter, constantLanes(2)), 30);
  return simd("v128.xor", choose(odd, cos, sin), flip);
}

export function sin(x: Instruction): Instruction {
  return sineAfter(x, 0);
}

export function cos(x: Instruction): Instruction {
  return sineAfter(x, 1);
}
