/**
 * Short words for the vector instructions that the transcendental functions are written in. Comes in and goes out: instruction graphs.
 */
import { constantF32, constantI32, constantLanes, instruction, type Instruction, simd } from "../instruction.ts";

/** The sign bit of every lane. */
export function signBits(): Instruction {
  return constantLanes(-(2 ** 31));
}

export function add(a: Instruction, b: Instruction): Instruction {
  return simd("f32x4.add", a, b);
}

export function sub(a: Instruction, b: Instruction): Instruction {
  return simd("f32x4.sub", a, b);
}

export function mul(a: Instruction, b: Instruction): Instruction {
  return simd("f32x4.mul", a, b);
}

export function div(a: Instruction, b: Instruction): Instruction {
  return simd("f32x4.div", a, b);
}

export function number(value: number): Instruction {
  return constantF32(value);
}

/** min(x, bound); NaN stays NaN. */
export function atMost(x: Instruction, bound: number): Instruction {
  return simd("f32x4.pmin", x, number(bound));
}

/** max(x, bound); NaN stays NaN. */
export function atLeast(x: Instruction, bound: number): Instruction {
  return simd("f32x4.pmax", x, number(bound));
}

export function choose(mask: Instruction, whenTrue: Instruction, whenFalse: Instruction): Instruction {
  return simd("v128.bitselect", whenTrue, whenFalse, mask);
}

/** c₀ + c₁·x + c₂·x² + …, by Horner's rule, each product and sum rounded. */
export function polynomial(x: Instruction, coefficients: readonly number[]): Instruction {
  const [last, ...rest] = [...coefficients].reverse();
  return rest.reduce((value: Instruction, coefficient) => add(mul(value, x), number(coefficient)), number(last));
}

/** A shift of every i32 lane by a constant. */
export function shift(opcode: "i32x4.shl" | "i32x4.shr_s" | "i32x4.shr_u", x: Instruction, amount: number): Instruction {
  return simd(opcode, x, constantI32(amount));
}

/** |magnitude| with the sign of x, for a magnitude ≥ 0. */
export function withSignOf(x: Instruction, magnitude: Instruction): Instruction {
  return simd("v128.or", magnitude, simd("v128.and", x, signBits()));
}

/** A vector instruction on f64x2 lanes or between types. */
export function convert(opcode: Parameters<typeof simd>[0], x: Instruction): Instruction {
  return instruction("v128", opcode, [x]);
}
