/**
 * The loop language: how a program runs, as functions over one linear memory. Nouns only.
 *
 * Three types: `i32` (addresses in bytes, counters, bits), `f32x4` (four float32 lanes) and `i32x4`. There is no scalar float: a number is a
 * vector of which one lane is stored. So every element goes through the same instructions wherever it lies, and its bits do not
 * depend on its position.
 *
 * Statements are structured; expressions are trees without side effects; a value used twice is bound by `let` (or is the same object twice in one
 * statement, which is computed once). Locals are function-wide and typed by their first `let`/`param`; after an `if` or `for` only what every
 * path has bound may be read. Loops count up and test before each round (a loop of zero rounds is legal); their counter is not bound in the
 * body and not read after the loop. Functions do not call each other in a circle.
 *
 * Data that is not float32 (tokens, bits) is moved as i32x4: an f32x4 may change the payload of a NaN.
 * @see build.ts (constructors), print.ts, verify.ts, interpret.ts (the meaning, in float32), ../../phases/6-emit
 */

export type LoopType = "i32" | "f32x4" | "i32x4";
/** How many lanes of a vector a load reads or a store writes; unread lanes are 0. */
export type Lanes = 1 | 2 | 3 | 4;

export interface LoopModule {
  readonly functions: readonly LoopFunction[];
  /** Names of the functions a runtime may call. */
  readonly exports: readonly string[];
}

export interface LoopFunction {
  readonly name: string;
  readonly params: readonly Local[];
  readonly body: readonly Statement[];
  /** One line for people: the equation or the product that this function computes. */
  readonly comment?: string;
}

export interface Local {
  readonly name: string;
  readonly type: LoopType;
}

export type Statement =
  /** Binds or rebinds a local. */
  | { readonly kind: "let"; readonly local: Local; readonly value: Expression }
  | {
      readonly kind: "store";
      readonly type: "f32x4" | "i32x4";
      readonly lanes: Lanes;
      readonly address: Expression;
      readonly offset: number;
      readonly value: Expression;
    }
  /** Two whole vectors side by side, both computed before either is written: what an engine with wider vectors may do at once. */
  | {
      readonly kind: "store_pair";
      readonly type: "f32x4" | "i32x4";
      readonly address: Expression;
      readonly offset: number;
      readonly values: readonly [Expression, Expression];
    }
  /** for (counter = from; counter < to; counter += step) body. `step` > 0 is a constant; `to` is evaluated once. */
  | {
      readonly kind: "for";
      readonly counter: string;
      readonly from: Expression;
      readonly to: Expression;
      readonly step: number;
      readonly body: readonly Statement[];
    }
  | { readonly kind: "if"; readonly condition: Expression; readonly then: readonly Statement[]; readonly otherwise?: readonly Statement[] }
  | { readonly kind: "call"; readonly callee: string; readonly args: readonly Expression[] }
  /** Waits until all `threads` (an i32) threads that run this function together have come here; `address`: two i32 of memory for counting. Alone: nothing. */
  | { readonly kind: "barrier"; readonly address: number; readonly threads: Expression }
  /** Fills `bytes` bytes from `address` with zeros. */
  | { readonly kind: "clear"; readonly address: Expression; readonly bytes: Expression }
  /** Copies bytes; the ranges may overlap. */
  | { readonly kind: "copy"; readonly to: Expression; readonly from: Expression; readonly bytes: Expression };

export type Expression =
  | { readonly kind: "i32"; readonly value: number }
  /** The same float32 in all lanes. */
  | { readonly kind: "f32x4"; readonly value: number }
  | { readonly kind: "i32x4"; readonly values: readonly [number, number, number, number] }
  | { readonly kind: "local"; readonly name: string; readonly type: LoopType }
  | { readonly kind: "load"; readonly type: "f32x4" | "i32x4"; readonly lanes: Lanes; readonly address: Expression; readonly offset: number }
  /** One element at the address in all four lanes. */
  | { readonly kind: "splat"; readonly type: "f32x4" | "i32x4"; readonly address: Expression; readonly offset: number }
  /** One i32 from memory. */
  | { readonly kind: "load_i32"; readonly address: Expression; readonly offset: number }
  /** An i32 in all four lanes. */
  | { readonly kind: "spread"; readonly value: Expression }
  | { readonly kind: "unary"; readonly op: VectorUnary; readonly operand: Expression }
  | { readonly kind: "binary"; readonly op: VectorBinary; readonly left: Expression; readonly right: Expression }
  /** a·b + c: two roundings, or one where the engine has relaxed SIMD and the program's mode is "fused". */
  | { readonly kind: "multiply_add"; readonly a: Expression; readonly b: Expression; readonly c: Expression }
  /** Lane by lane: condition lanes ≠ 0 (an f32x4 or i32x4 number; NaN counts as ≠ 0) → whenTrue. Comparisons, `step`, and their `mul` (and), `max`
   * (or), `1 − c` (not) are used as masks directly: a condition costs one instruction each. Both sides are computed. */
  | { readonly kind: "select"; readonly condition: Expression; readonly whenTrue: Expression; readonly whenFalse: Expression }
  /** Sum (or maximum; NaN if any is) of the first `lanes` lanes in all four lanes, in the fixed order (0+1)+(2+3) (missing lanes left out). */
  | { readonly kind: "across"; readonly op: "add" | "max"; readonly lanes: Lanes; readonly operand: Expression }
  /** i32 arithmetic: signed, wrapping; `div` and `rem` toward zero, trapping on 0; comparisons give 1 or 0. */
  | { readonly kind: "integer"; readonly op: IntegerOp; readonly left: Expression; readonly right: Expression };

/** On f32x4 unless said. `to_f32x4`: i32x4 (signed) → f32x4. NaN in → NaN out, but for `step` (1 for x > 0, else 0). `relu` is x < 0 ? 0 : x.
 * exp, sigmoid, tanh, expm1 (and so on) may be a few ulp off the interpreter's value, and a result below 2⁻¹²⁶ may be 0 (phases/6-emit/wasm/transcendental). */
export type VectorUnary =
  | "neg"
  | "abs"
  | "sign"
  | "step"
  | "recip"
  | "sqrt"
  | "exp"
  | "expm1"
  | "log"
  | "log1p"
  | "sin"
  | "cos"
  | "erf"
  | "sigmoid"
  | "tanh"
  | "softplus"
  | "log_sigmoid"
  | "relu"
  | "to_f32x4";

/** f32x4 arithmetic; comparisons give 1.0 or 0.0 (0.0 with NaN); `max` is a < b ? b : a and `min` b < a ? b : a, NaN if either is NaN (one
 * instruction if the right one is a constant); `pow` as JavaScript's ** (x⁰ = 1, a negative base needs a whole exponent).
 * Names that begin with `i` are on i32x4; `ishr` is a logical shift right by a constant (right is an `i32`), comparisons give 1.0/0.0 as f32x4. */
export type VectorBinary =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "max"
  | "min"
  | "pow"
  | "less"
  | "less_equal"
  | "equal"
  | "iadd"
  | "isub"
  | "imul"
  | "ixor"
  | "iand"
  | "ishr"
  | "ishl"
  | "iless"
  | "iless_equal"
  | "iequal";

export type IntegerOp = "add" | "sub" | "mul" | "div" | "rem" | "min" | "less" | "less_equal" | "equal" | "and" | "shl";
