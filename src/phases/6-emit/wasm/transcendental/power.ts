/**
 * a^b on four float32 lanes: 2^(b·log₂ a), the logarithm and the product in float64, so that the result is good to an ulp or two however large
 * b·log₂ a is. As in JavaScript: a^0 is 1 for every a, NaN otherwise stays NaN, a negative base needs a whole exponent (else NaN), 0 to a
 * negative power is ∞.
 */
import { constantF64, constantLanes, type Instruction, shuffle, simd } from "../instruction.ts";
import { add, choose, convert, mul, number, polynomial, shift, signBits } from "./arithmetic.ts";
import { narrow } from "./exponential.ts";

const ROOT_HALF = 0x3f3504f3;

/** (log₂ m)/s for s = (m − 1)/(m + 1): 2/ln 2 · (1 + s²/3 + s⁴/5 + …), to 2^−39 for m in [√½, √2). */
const inverseTangent = [0, 1, 2, 3, 4, 5, 6].map((power) => 2 / Math.LN2 / (2 * power + 1));

function f64Polynomial(x: Instruction, coefficients: readonly number[]): Instruction {
  const [last, ...rest] = [...coefficients].reverse();
  return rest.reduce((value: Instruction, each) => simd("f64x2.add", simd("f64x2.mul", value, x), constantF64(each)), constantF64(last));
}

/** b·log₂|a| for two lanes, as its whole part (i32 in the low lanes) and the rest in [−½, ½] (float32 in the low lanes). */
function scaledLogarithm(mantissa: Instruction, exponent: Instruction, b: Instruction) {
  const m = convert("f64x2.promote_low_f32x4", mantissa);
  const s = simd("f64x2.div", simd("f64x2.sub", m, constantF64(1)), simd("f64x2.add", m, constantF64(1)));
  const log2 = simd(
    "f64x2.add",
    convert("f64x2.convert_low_i32x4_s", exponent),
    simd("f64x2.mul", s, f64Polynomial(simd("f64x2.mul", s, s), inverseTangent)),
  );
  const product = simd("f64x2.mul", convert("f64x2.promote_low_f32x4", b), log2);
  const bounded = simd("f64x2.pmax", simd("f64x2.pmin", product, constantF64(200)), constantF64(-200));
  const whole = convert("f64x2.nearest", bounded);
  return { whole: convert("i32x4.trunc_sat_f64x2_s_zero", whole), rest: convert("f32x4.demote_f64x2_zero", simd("f64x2.sub", bounded, whole)) };
}

export function pow(a: Instruction, b: Instruction): Instruction {
  const size = simd("f32x4.abs", a);
  const denormal = simd("f32x4.lt", size, number(2 ** -126));
  const u = choose(denormal, mul(size, number(2 ** 23)), size);
  const above = simd("i32x4.sub", u, constantLanes(ROOT_HALF));
  const exponent = simd("i32x4.sub", shift("i32x4.shr_s", above, 23), simd("v128.and", denormal, constantLanes(23)));
  const mantissa = simd("i32x4.sub", u, simd("v128.and", above, constantLanes(-(2 ** 23))));

  const upper = (x: Instruction) => shuffle(x, x, [2, 3, 2, 3]);
  const low = scaledLogarithm(mantissa, exponent, b);
  const high = scaledLogarithm(upper(mantissa), upper(exponent), upper(b));
  const whole = shuffle(low.whole, high.whole, [0, 1, 4, 5]);
  const r = mul(shuffle(low.rest, high.rest, [0, 1, 4, 5]), number(Math.LN2));
  const factor = add(add(mul(mul(r, r), polynomial(r, narrow)), r), number(1));
  // 2ⁿ in two factors: neither leaves the range of exponents, and their product overflows or vanishes as it should.
  const half = shift("i32x4.shr_s", whole, 1);
  const powerOf = (n: Instruction) => shift("i32x4.shl", simd("i32x4.add", n, constantLanes(127)), 23);
  const power = mul(mul(factor, powerOf(half)), powerOf(simd("i32x4.sub", whole, half)));

  // 0 and ∞ go by the sign of b alone: 0^b is 0 or ∞, ∞^b is ∞ or 0.
  const isZero = simd("f32x4.eq", a, number(0));
  const isEnd = simd("v128.or", isZero, simd("f32x4.eq", size, number(Number.POSITIVE_INFINITY)));
  const grows = simd("v128.xor", isZero, simd("f32x4.gt", b, number(0)));
  const atEnd = simd("v128.and", grows, number(Number.POSITIVE_INFINITY));
  const positive = choose(isEnd, atEnd, power);

  // The sign: b is whole if rounding down leaves it, odd if half of it is not whole.
  const isWhole = simd("f32x4.eq", convert("f32x4.floor", b), b);
  const halfB = mul(b, number(0.5));
  const isOdd = simd("v128.and", isWhole, simd("f32x4.ne", convert("f32x4.floor", halfB), halfB));
  const signed = simd("v128.or", positive, simd("v128.and", simd("v128.and", a, signBits()), isOdd));
  const imaginary = simd("v128.andnot", simd("f32x4.lt", a, number(0)), isWhole);
  const infiniteBase = simd("f32x4.eq", size, number(Number.POSITIVE_INFINITY));
  const noValue = simd("v128.or", simd("v128.andnot", imaginary, infiniteBase), simd("v128.or", simd("f32x4.ne", a, a), simd("f32x4.ne", b, b)));
  const result = choose(noValue, number(Number.NaN), signed);
  return choose(simd("f32x4.eq", b, number(0)), number(1), result);
}
