/**
 * Expressions of the loop language as WebAssembly instructions. Comes in: an expression and what its function knows (locals, mode). Goes out:
 * an instruction graph. Conditions become masks without passing through 1.0 and 0.0. Never writes bytes.
 */
import { invariant, unreachable } from "../../../support/invariant.ts";
import { splitAddress } from "../../../ir/loop/build.ts";
import type { Expression, IntegerOp, Lanes, VectorBinary, VectorUnary } from "../../../ir/loop/node.ts";
import { typeOf } from "../../../ir/loop/type-of.ts";
import { unsignedBytes } from "./bytes.ts";
import {
  constantF32,
  constantI32,
  constantLanes,
  type Instruction,
  instruction,
  localGet,
  memoryBytes,
  scalar,
  shuffle,
  simd,
} from "./instruction.ts";
import type { OpcodeName } from "./opcodes.ts";
import { type TranscendentalOp, transcendentals } from "./transcendental/table.ts";

export interface LoweringContext {
  readonly localIndex: (name: string) => number;
  /** One rounding in multiply_add. */
  readonly fused: boolean;
  /** Every transcendental in place, none called. */
  readonly inlines: boolean;
  /** Index of the module's function for a transcendental that is called and not written in place. */
  readonly helperIndex: (op: TranscendentalOp) => number;
  /** Instructions of the expressions seen in this statement, so that a shared tree stays shared. */
  readonly seen: Map<Expression, Instruction>;
}

/** The instruction that computes an expression. */
export function lowerExpression(expression: Expression, context: LoweringContext): Instruction {
  if (expression.kind === "local" || expression.kind === "i32") return lower(expression, context);
  const seen = context.seen.get(expression);
  if (seen !== undefined) return seen;
  const lowered = lower(expression, context);
  context.seen.set(expression, lowered);
  return lowered;
}

function lower(expression: Expression, context: LoweringContext): Instruction {
  const of = (part: Expression) => lowerExpression(part, context);
  switch (expression.kind) {
    case "i32":
      return constantI32(expression.value);
    case "f32x4":
      return constantF32(expression.value);
    case "i32x4":
      return constantLanes(...expression.values);
    case "local":
      return localGet(context.localIndex(expression.name), expression.type === "i32" ? "i32" : "v128");
    case "load":
      return lowerLoad(expression.address, expression.offset, expression.lanes, context);
    case "splat":
    case "load_i32": {
      const { address, offset } = splitAddress(expression.address, expression.offset);
      if (expression.kind === "splat") return instruction("v128", "v128.load32_splat", [of(address)], memoryBytes(offset));
      return instruction("i32", "i32.load", [of(address)], memoryBytes(offset));
    }
    case "spread":
      return simd("i32x4.splat", of(expression.value));
    case "unary":
      return lowerUnary(expression.op, of(expression.operand), context);
    case "binary":
      return lowerBinary(expression, context);
    case "multiply_add": {
      const [a, b, c] = [of(expression.a), of(expression.b), of(expression.c)];
      return context.fused ? simd("f32x4.relaxed_madd", a, b, c) : simd("f32x4.add", c, simd("f32x4.mul", a, b));
    }
    case "select":
      return lowerSelect(expression, context);
    case "across":
      return lowerAcross(expression.op, expression.lanes, of(expression.operand));
    case "integer":
      return lowerInteger(expression.op, of(expression.left), of(expression.right));
    default:
      return unreachable(expression);
  }
}

function lowerLoad(place: Expression, startOffset: number, lanes: Lanes, context: LoweringContext): Instruction {
  const { address, offset } = splitAddress(place, startOffset);
  const at = lowerExpression(address, context);
  switch (lanes) {
    case 1:
      return instruction("v128", "v128.load32_zero", [at], memoryBytes(offset));
    case 2:
      return instruction("v128", "v128.load64_zero", [at], memoryBytes(offset));
    case 3: {
      const pair = instruction("v128", "v128.load64_zero", [at], memoryBytes(offset));
      return instruction("v128", "v128.load32_lane", [at, pair], memoryBytes(offset + 8, 2));
    }
    case 4:
      return instruction("v128", "v128.load", [at], memoryBytes(offset));
  }
}

/** The instructions that write the first lanes of a value, or all four in two halves. */
export function lowerStore(
  place: Expression,
  startOffset: number,
  lanes: Lanes | "halves",
  value: Instruction,
  context: LoweringContext,
): Instruction[] {
  const { address, offset } = splitAddress(place, startOffset);
  const at = lowerExpression(address, context);
  switch (lanes) {
    case 1:
      return [instruction("none", "v128.store32_lane", [at, value], memoryBytes(offset, 0))];
    case 2:
      return [instruction("none", "v128.store64_lane", [at, value], memoryBytes(offset, 0))];
    case 3:
      return [
        instruction("none", "v128.store64_lane", [at, value], memoryBytes(offset, 0)),
        instruction("none", "v128.store32_lane", [at, value], memoryBytes(offset + 8, 2)),
      ];
    case 4:
      return [instruction("none", "v128.store", [at, value], memoryBytes(offset))];
    case "halves":
      return [0, 1].map((half) => instruction("none", "v128.store64_lane", [at, value], memoryBytes(offset + 8 * half, half)));
  }
}

function one(): Instruction {
  return constantF32(1);
}

function zero(): Instruction {
  return constantF32(0);
}

function lowerUnary(op: VectorUnary, x: Instruction, context: LoweringContext): Instruction {
  switch (op) {
    case "neg":
      return simd("f32x4.neg", x);
    case "abs":
      return simd("f32x4.abs", x);
    case "sign": {
      const signedOne = simd("v128.or", simd("v128.and", x, constantLanes(-(2 ** 31))), one());
      return simd("v128.bitselect", signedOne, x, simd("f32x4.gt", simd("f32x4.abs", x), zero()));
    }
    case "step":
      return simd("v128.and", simd("f32x4.gt", x, zero()), one());
    case "recip":
      return simd("f32x4.div", one(), x);
    case "sqrt":
      return simd("f32x4.sqrt", x);
    case "relu":
      return simd("f32x4.pmax", x, zero());
    case "to_f32x4":
      return simd("f32x4.convert_i32x4_s", x);
    default: {
      if (transcendentals[op].inline || context.inlines) return transcendentals[op].build(x, x);
      return instruction("v128", "call", [x], unsignedBytes(context.helperIndex(op)));
    }
  }
}

const arithmetic: { readonly [K in VectorBinary]?: OpcodeName } = {
  add: "f32x4.add",
  sub: "f32x4.sub",
  mul: "f32x4.mul",
  div: "f32x4.div",
  iadd: "i32x4.add",
  isub: "i32x4.sub",
  imul: "i32x4.mul",
  ixor: "v128.xor",
  iand: "v128.and",
  ishl: "i32x4.shl",
  ishr: "i32x4.shr_u",
};

const comparisons: { readonly [K in VectorBinary]?: OpcodeName } = {
  less: "f32x4.lt",
  less_equal: "f32x4.le",
  equal: "f32x4.eq",
  iless: "i32x4.lt_s",
  iless_equal: "i32x4.le_s",
  iequal: "i32x4.eq",
};

function lowerBinary(expression: Expression & { kind: "binary" }, context: LoweringContext): Instruction {
  const { op, left, right } = expression;
  if (comparisons[op] !== undefined) return simd("v128.and", lowerMask(expression, context), one());
  const plain = arithmetic[op];
  if (plain !== undefined) return simd(plain, lowerExpression(left, context), lowerExpression(right, context));
  if (op === "pow") {
    const operands = [lowerExpression(left, context), lowerExpression(right, context)];
    if (context.inlines) return transcendentals.pow.build(operands[0], operands[1]);
    return instruction("v128", "call", operands, unsignedBytes(context.helperIndex("pow")));
  }
  invariant(op === "max" || op === "min", `no instruction for ${op}`);
  const choose: OpcodeName = op === "max" ? "f32x4.pmax" : "f32x4.pmin";
  // pmax(a, b) is `a < b ? b : a`: a NaN in the first operand stays. A constant second is never NaN, so one instruction does. Operands
  // may change places where no two zeros of different sign can meet.
  if (isNumber(right)) return simd(choose, lowerExpression(left, context), lowerExpression(right, context));
  if (isNumber(left) && left.value !== 0) return simd(choose, lowerExpression(right, context), lowerExpression(left, context));
  const [a, b] = [lowerExpression(left, context), lowerExpression(right, context)];
  return simd("v128.bitselect", simd(choose, a, b), b, simd("f32x4.eq", b, b));
}

function isNumber(expression: Expression): expression is Expression & { kind: "f32x4" } {
  return expression.kind === "f32x4" && !Number.isNaN(expression.value);
}

/** Whether every lane is surely 1.0 or 0.0. */
function isTruth(expression: Expression): boolean {
  if (expression.kind === "f32x4") return expression.value === 0 || expression.value === 1;
  if (expression.kind === "unary") return expression.op === "step";
  if (expression.kind !== "binary") return false;
  if (comparisons[expression.op] !== undefined) return true;
  if (expression.op === "mul" || expression.op === "max" || expression.op === "min") return isTruth(expression.left) && isTruth(expression.right);
  return expression.op === "sub" && expression.left.kind === "f32x4" && expression.left.value === 1 && isTruth(expression.right);
}

/** All bits of the lanes where the condition ≠ 0; and, or, not of comparisons stay in masks. */
function lowerMask(condition: Expression, context: LoweringContext): Instruction {
  const of = (part: Expression) => lowerExpression(part, context);
  if (condition.kind === "unary" && condition.op === "step") return simd("f32x4.gt", of(condition.operand), zero());
  if (condition.kind === "binary") {
    const compare = comparisons[condition.op];
    if (compare !== undefined) return simd(compare, of(condition.left), of(condition.right));
    if (isTruth(condition)) {
      if (condition.op === "sub") return simd("v128.not", lowerMask(condition.right, context));
      const [left, right] = [lowerMask(condition.left, context), lowerMask(condition.right, context)];
      return simd(condition.op === "max" ? "v128.or" : "v128.and", left, right);
    }
  }
  return simd(typeOf(condition) === "i32x4" ? "i32x4.ne" : "f32x4.ne", of(condition), constantLanes(0));
}

function isZero(expression: Expression): boolean {
  if (expression.kind === "f32x4") return Object.is(expression.value, 0);
  return expression.kind === "i32x4" && expression.values.every((value) => value === 0);
}

function lowerSelect(expression: Expression & { kind: "select" }, context: LoweringContext): Instruction {
  const { condition, whenTrue, whenFalse } = expression;
  if (condition.kind === "f32x4") return lowerExpression(condition.value !== 0 ? whenTrue : whenFalse, context);
  const mask = lowerMask(condition, context);
  if (isZero(whenFalse)) return simd("v128.and", lowerExpression(whenTrue, context), mask);
  if (isZero(whenTrue)) return simd("v128.andnot", lowerExpression(whenFalse, context), mask);
  return simd("v128.bitselect", lowerExpression(whenTrue, context), lowerExpression(whenFalse, context), mask);
}

function lowerAcross(op: "add" | "max", lanes: Lanes, x: Instruction): Instruction {
  const join: OpcodeName = op === "add" ? "f32x4.add" : "f32x4.max";
  const lane = (index: number) => shuffle(x, x, [index, index, index, index]);
  switch (lanes) {
    case 1:
      return lane(0);
    case 2:
      return simd(join, lane(0), lane(1));
    case 3:
      return simd(join, simd(join, lane(0), lane(1)), lane(2));
    case 4: {
      const pairs = simd(join, x, shuffle(x, x, [1, 0, 3, 2]));
      return simd(join, pairs, shuffle(pairs, pairs, [2, 3, 0, 1]));
    }
  }
}

const integerOpcodes: { readonly [K in Exclude<IntegerOp, "min">]: OpcodeName } = {
  add: "i32.add",
  sub: "i32.sub",
  mul: "i32.mul",
  div: "i32.div_s",
  rem: "i32.rem_s",
  less: "i32.lt_s",
  less_equal: "i32.le_s",
  equal: "i32.eq",
  and: "i32.and",
  shl: "i32.shl",
};

function lowerInteger(op: IntegerOp, left: Instruction, right: Instruction): Instruction {
  if (op !== "min") return scalar(integerOpcodes[op], left, right);
  return scalar("select", left, right, scalar("i32.lt_s", left, right));
}
