/**
 * The type of an expression of the loop language, read off its head: no table of locals is needed, as every `local` names its type.
 * Comes in: an expression. Goes out: its type. Never checks the parts (verify.ts does).
 */
import { unreachable } from "../../support/invariant.ts";
import type { Expression, LoopType, VectorBinary, VectorUnary } from "./node.ts";

/** What a unary takes and gives. */
export const unaryTypes: { readonly [K in VectorUnary]: readonly [operand: LoopType, result: LoopType] } = {
  neg: ["f32x4", "f32x4"],
  abs: ["f32x4", "f32x4"],
  sign: ["f32x4", "f32x4"],
  step: ["f32x4", "f32x4"],
  recip: ["f32x4", "f32x4"],
  sqrt: ["f32x4", "f32x4"],
  exp: ["f32x4", "f32x4"],
  expm1: ["f32x4", "f32x4"],
  log: ["f32x4", "f32x4"],
  log1p: ["f32x4", "f32x4"],
  sin: ["f32x4", "f32x4"],
  cos: ["f32x4", "f32x4"],
  erf: ["f32x4", "f32x4"],
  sigmoid: ["f32x4", "f32x4"],
  tanh: ["f32x4", "f32x4"],
  softplus: ["f32x4", "f32x4"],
  log_sigmoid: ["f32x4", "f32x4"],
  relu: ["f32x4", "f32x4"],
  to_f32x4: ["i32x4", "f32x4"],
};

/** What a binary takes (left, right) and gives. The amount of a shift is an i32. */
export const binaryTypes: { readonly [K in VectorBinary]: readonly [left: LoopType, right: LoopType, result: LoopType] } = {
  add: ["f32x4", "f32x4", "f32x4"],
  sub: ["f32x4", "f32x4", "f32x4"],
  mul: ["f32x4", "f32x4", "f32x4"],
  div: ["f32x4", "f32x4", "f32x4"],
  max: ["f32x4", "f32x4", "f32x4"],
  min: ["f32x4", "f32x4", "f32x4"],
  pow: ["f32x4", "f32x4", "f32x4"],
  less: ["f32x4", "f32x4", "f32x4"],
  less_equal: ["f32x4", "f32x4", "f32x4"],
  equal: ["f32x4", "f32x4", "f32x4"],
  iadd: ["i32x4", "i32x4", "i32x4"],
  isub: ["i32x4", "i32x4", "i32x4"],
  imul: ["i32x4", "i32x4", "i32x4"],
  ixor: ["i32x4", "i32x4", "i32x4"],
  iand: ["i32x4", "i32x4", "i32x4"],
  ishr: ["i32x4", "i32", "i32x4"],
  ishl: ["i32x4", "i32", "i32x4"],
  iless: ["i32x4", "i32x4", "f32x4"],
  iless_equal: ["i32x4", "i32x4", "f32x4"],
  iequal: ["i32x4", "i32x4", "f32x4"],
};

/** The type of the value that an expression has. */
export function typeOf(expression: Expression): LoopType {
  switch (expression.kind) {
    case "i32":
    case "integer":
    case "load_i32":
      return "i32";
    case "f32x4":
    case "multiply_add":
    case "across":
      return "f32x4";
    case "i32x4":
    case "spread":
      return "i32x4";
    case "local":
    case "load":
    case "splat":
      return expression.type;
    case "unary":
      return unaryTypes[expression.op][1];
    case "binary":
      return binaryTypes[expression.op][2];
    case "select":
      return typeOf(expression.whenTrue);
    default:
      return unreachable(expression);
  }
}
