/**
 * Constructors of the loop language: what the scheduler writes loops with. Integer arithmetic on constants is done here, and constant parts
 * of an address move into the `offset` of its load or store, so the trees that come out are already in the form that emission wants.
 * Never checks types (verify.ts does) and never looks into memory.
 */
import type { Expression, IntegerOp, Lanes, Local, LoopFunction, LoopType, Statement, VectorBinary, VectorUnary } from "./node.ts";
import { typeOf } from "./type-of.ts";

type VectorType = "f32x4" | "i32x4";

/** An i32 constant; the value wraps to 32 bits. */
export function i32(value: number): Expression {
  return { kind: "i32", value: value | 0 };
}

/** The same float32 in all lanes. */
export function f32x4(value: number): Expression {
  return { kind: "f32x4", value: Math.fround(value) };
}

/** Four i32 constants. */
export function i32x4(a: number, b: number, c: number, d: number): Expression {
  return { kind: "i32x4", values: [a | 0, b | 0, c | 0, d | 0] };
}

/** The value of a local. */
export function local(name: string, type: LoopType): Expression {
  return { kind: "local", name, type };
}

/** The value of an i32 local. */
export function i32Local(name: string): Expression {
  return local(name, "i32");
}

/** The value of an f32x4 local. */
export function f32x4Local(name: string): Expression {
  return local(name, "f32x4");
}

/** What an integer op means on two constants; undefined where the emitted code traps (division by zero, −2³¹ / −1). */
export function foldInteger(op: IntegerOp, left: number, right: number): number | undefined {
  switch (op) {
    case "add":
      return (left + right) | 0;
    case "sub":
      return (left - right) | 0;
    case "mul":
      return Math.imul(left, right);
    case "div":
      return right === 0 || (left === -(2 ** 31) && right === -1) ? undefined : Math.trunc(left / right) | 0;
    case "rem":
      return right === 0 ? undefined : (left % right) | 0;
    case "min":
      return Math.min(left, right);
    case "less":
      return left < right ? 1 : 0;
    case "less_equal":
      return left <= right ? 1 : 0;
    case "equal":
      return left === right ? 1 : 0;
    case "and":
      return left & right;
    case "shl":
      return left << right;
  }
}

/** i32 arithmetic (signed, wrapping); constants are folded. */
export function integer(op: IntegerOp, left: Expression, right: Expression): Expression {
  if (left.kind === "i32" && right.kind === "i32") {
    const value = foldInteger(op, left.value, right.value);
    if (value !== undefined) return i32(value);
  }
  return { kind: "integer", op, left, right };
}

/** left + right, with constants gathered at the right: (x + 4) + (y + 8) is (x + y) + 12. */
export function add32(left: Expression, right: Expression): Expression {
  const [a, p] = splitConstant(left);
  const [b, q] = splitConstant(right);
  const sum = a === undefined ? b : b === undefined ? a : integer("add", a, b);
  const constant = (p + q) | 0;
  if (sum === undefined) return i32(constant);
  return constant === 0 ? sum : { kind: "integer", op: "add", left: sum, right: i32(constant) };
}

/** left − right. */
export function sub32(left: Expression, right: Expression): Expression {
  return right.kind === "i32" ? add32(left, i32(-right.value)) : integer("sub", left, right);
}

/** left · right; x·0 is 0, x·1 is x, and (x + 4)·8 is x·8 + 32. */
export function mul32(left: Expression, right: Expression): Expression {
  if (left.kind === "i32" && right.kind !== "i32") return mul32(right, left);
  if (right.kind === "i32") {
    if (left.kind === "i32") return i32(Math.imul(left.value, right.value));
    if (right.value === 0) return i32(0);
    if (right.value === 1) return left;
    const [rest, constant] = splitConstant(left);
    if (constant !== 0 && rest !== undefined) return add32(mul32(rest, right), i32(Math.imul(constant, right.value)));
    if (left.kind === "integer" && left.op === "mul" && left.right.kind === "i32") {
      return mul32(left.left, i32(Math.imul(left.right.value, right.value)));
    }
  }
  return integer("mul", left, right);
}

/** left / right toward zero; traps on division by zero. */
export function div32(left: Expression, right: Expression): Expression {
  return right.kind === "i32" && right.value === 1 ? left : integer("div", left, right);
}

/** The remainder of left / right, with the sign of left; traps on division by zero. */
export function rem32(left: Expression, right: Expression): Expression {
  return right.kind === "i32" && right.value === 1 ? i32(0) : integer("rem", left, right);
}

/** The smaller of two signed i32. */
export function min32(left: Expression, right: Expression): Expression {
  return integer("min", left, right);
}

/** 1 if left < right (signed), else 0. */
export function less32(left: Expression, right: Expression): Expression {
  return integer("less", left, right);
}

/** 1 if the two are equal, else 0. */
export function equal32(left: Expression, right: Expression): Expression {
  return integer("equal", left, right);
}

/** Bitwise and. */
export function and32(left: Expression, right: Expression): Expression {
  return integer("and", left, right);
}

/** An address without its constant part, and the constant part as the offset to add: what a load's immediate holds. Offsets never go below 0. */
export function splitAddress(address: Expression, offset: number): { readonly address: Expression; readonly offset: number } {
  const [rest, constant] = splitConstant(address);
  if (rest === undefined) return constant + offset >= 0 ? { address: i32(0), offset: constant + offset } : { address, offset };
  return constant === 0 || constant + offset < 0 ? { address, offset } : { address: rest, offset: constant + offset };
}

/** Reads `lanes` lanes at address + offset; the others are 0. */
export function load(address: Expression, offset = 0, lanes: Lanes = 4, type: VectorType = "f32x4"): Expression {
  return { kind: "load", type, lanes, ...splitAddress(address, offset) };
}

/** One element at address + offset in all four lanes. */
export function splat(address: Expression, offset = 0, type: VectorType = "f32x4"): Expression {
  return { kind: "splat", type, ...splitAddress(address, offset) };
}

/** One i32 at address + offset. */
export function loadI32(address: Expression, offset = 0): Expression {
  return { kind: "load_i32", ...splitAddress(address, offset) };
}

/** An i32 in all four lanes. */
export function spread(value: Expression): Expression {
  return value.kind === "i32" ? i32x4(value.value, value.value, value.value, value.value) : { kind: "spread", value };
}

export function unary(op: VectorUnary, operand: Expression): Expression {
  return { kind: "unary", op, operand };
}

export function binary(op: VectorBinary, left: Expression, right: Expression): Expression {
  return { kind: "binary", op, left, right };
}

/** a + b on f32x4. */
export function add(left: Expression, right: Expression): Expression {
  return binary("add", left, right);
}

/** a − b on f32x4. */
export function sub(left: Expression, right: Expression): Expression {
  return binary("sub", left, right);
}

/** a · b on f32x4. */
export function mul(left: Expression, right: Expression): Expression {
  return binary("mul", left, right);
}

/** a / b on f32x4. */
export function div(left: Expression, right: Expression): Expression {
  return binary("div", left, right);
}

/** a·b + c on f32x4. */
export function multiplyAdd(a: Expression, b: Expression, c: Expression): Expression {
  return { kind: "multiply_add", a, b, c };
}

/** Lane by lane: whenTrue where the condition ≠ 0. */
export function select(condition: Expression, whenTrue: Expression, whenFalse: Expression): Expression {
  return { kind: "select", condition, whenTrue, whenFalse };
}

/** Sum or maximum of the first `lanes` lanes, in all lanes. */
export function across(op: "add" | "max", operand: Expression, lanes: Lanes = 4): Expression {
  return { kind: "across", op, lanes, operand };
}

/** Binds or rebinds the local `name` to a value; its type is the value's. */
export function letLocal(name: string, value: Expression): Statement {
  return { kind: "let", local: { name, type: typeOf(value) }, value };
}

/** Writes the first `lanes` lanes of a vector at address + offset. */
export function store(address: Expression, offset: number, value: Expression, lanes: Lanes = 4): Statement {
  return { kind: "store", type: typeOf(value) === "i32x4" ? "i32x4" : "f32x4", lanes, ...splitAddress(address, offset), value };
}

/** Writes two vectors of one type at address + offset, the second 16 bytes behind the first. */
export function storePair(address: Expression, offset: number, first: Expression, second: Expression): Statement {
  return { kind: "store_pair", type: typeOf(first) === "i32x4" ? "i32x4" : "f32x4", ...splitAddress(address, offset), values: [first, second] };
}

/** for (counter = from; counter < to; counter += step) body. */
export function forLoop(counter: string, from: Expression, to: Expression, step: number, body: readonly Statement[]): Statement {
  return { kind: "for", counter, from, to, step, body };
}

/** Runs `then` if the i32 condition ≠ 0, else `otherwise`. */
export function when(condition: Expression, then: readonly Statement[], otherwise?: readonly Statement[]): Statement {
  return otherwise === undefined || otherwise.length === 0 ? { kind: "if", condition, then } : { kind: "if", condition, then, otherwise };
}

/** Calls another function of the module. */
export function call(callee: string, ...args: readonly Expression[]): Statement {
  return { kind: "call", callee, args };
}

/** Waits for the other threads, counting in the two i32 at `address` (a multiple of 4). */
export function barrier(address: number, threads: Expression): Statement {
  return { kind: "barrier", address, threads };
}

/** Fills `bytes` bytes from `address` with zeros. */
export function clear(address: Expression, bytes: Expression): Statement {
  return { kind: "clear", address, bytes };
}

/** Copies `bytes` bytes; the ranges may overlap. */
export function copy(to: Expression, from: Expression, bytes: Expression): Statement {
  return { kind: "copy", to, from, bytes };
}

/** A parameter or local as a declaration. */
export function declare(name: string, type: LoopType): Local {
  return { name, type };
}

/** A function of the module. */
export function loopFunction(name: string, params: readonly Local[], body: readonly Statement[], comment?: string): LoopFunction {
  return comment === undefined ? { name, params, body } : { name, params, body, comment };
}

/** x + constant as [x, constant]; a bare constant has no x. */
function splitConstant(expression: Expression): readonly [Expression | undefined, number] {
  if (expression.kind === "i32") return [undefined, expression.value];
  if (expression.kind === "integer" && expression.op === "add" && expression.right.kind === "i32") return [expression.left, expression.right.value];
  return [expression, 0];
}
