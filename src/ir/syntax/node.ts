/**
 * The syntax language: what the author wrote, as a tree. Nouns only.
 *
 * Every node has the span of its text. Names are in canonical form (sub- and superscripts read, compatibility letters folded),
 * their original spelling is found through the span. The tree keeps everything that the formatter needs (comments, line order).
 */
import type { Span } from "../../support/source.ts";

export interface File {
  readonly kind: "file";
  readonly span: Span;
  readonly blocks: readonly Block[];
}

/** A block: header (absent when the file holds one block without one), definitions, declarations. */
export interface Block {
  readonly kind: "block";
  readonly span: Span;
  /** Comment lines directly above the block, without `#`: documentation and citation. */
  readonly documentation: readonly string[];
  readonly header?: Header;
  readonly items: readonly Item[];
}

/** `name(inputs) → outputs` */
export interface Header {
  readonly kind: "header";
  readonly span: Span;
  readonly name: Identifier;
  readonly inputs: readonly Identifier[];
  readonly outputs: readonly Identifier[];
}

export interface Identifier {
  readonly kind: "identifier";
  readonly span: Span;
  readonly name: string;
}

/** A line of a block, in the author's order. */
export type Item = Definition | Where | Comment;

export interface Comment {
  readonly kind: "comment";
  readonly span: Span;
  readonly text: string;
}

/** `target = value`; `log α = value` has `form: "log"`; `name[n, s] = value` has indices. */
export interface Definition {
  readonly kind: "definition";
  readonly span: Span;
  readonly form: "plain" | "log";
  readonly target: Identifier;
  readonly indices: readonly Identifier[];
  readonly value: Expression;
  /** Comment at the end of the line, without `#`. */
  readonly comment?: string;
}

export interface Where {
  readonly kind: "where";
  readonly span: Span;
  readonly declarations: readonly Declaration[];
  readonly comment?: string;
}

export type Declaration =
  /** `bf ~ 1`, `Λ ~ uniform(0.9, 0.999)`, `Whi ~ orthogonal`: how weights begin. */
  | { readonly kind: "distribution"; readonly span: Span; readonly names: readonly Identifier[]; readonly value: Expression }
  /** `h[0] = 0`, `h[0] = h0`: value before the first step; `lag` 1 for `h[0]`, 2 for `h[-1]`; after the last step: -1 for `h[T+1]`. */
  | { readonly kind: "initial"; readonly span: Span; readonly name: Identifier; readonly lag: number; readonly value: Expression }
  /** `wα, wβ ∈ ℝ^D`, `W ∈ ℝ^{H×D}`, `q[n] ∈ ℝ^K`: a shape; [] for `∈ ℝ`. */
  | { readonly kind: "shape"; readonly span: Span; readonly names: readonly Indexed[]; readonly sizes: readonly Expression[] }
  /** `n ∈ 1..N`, `j ∈ 0..2`: a counting index; `s ∈ 1..T`: a non-causal time index. */
  | { readonly kind: "range"; readonly span: Span; readonly names: readonly Identifier[]; readonly from: Expression; readonly to: Expression }
  /** `s ≤ t`, `s < t`, `t-W < s ≤ t`: a causal time index. The value of a bound is what is added to t: 0 for `t`, `-W` for `t-W`. */
  | { readonly kind: "bound"; readonly span: Span; readonly name: Identifier; readonly lower?: Bound; readonly upper?: Bound }
  /** `Wg, Wf : kernel 3, dilation 2`: options of names: kernel, dilation, same, static, index, block_diagonal … each with its argument if it has one. */
  | { readonly kind: "option"; readonly span: Span; readonly names: readonly Identifier[]; readonly options: readonly Option[] }
  /** `gate i, f`: settles what is a gate. */
  | { readonly kind: "gate"; readonly span: Span; readonly names: readonly Identifier[] };

export interface Bound {
  readonly strict: boolean;
  /** What is added to t. */
  readonly value: Expression;
  /** Another time index that takes the place of t, in `s < r ≤ t`. */
  readonly of?: Identifier;
}
export interface Option {
  readonly name: Identifier;
  readonly value?: Expression;
  /** The further sizes of `kernel 3×5`. */
  readonly more?: readonly Expression[];
}
/** `q[n]` on the left of a shape declaration. */
export interface Indexed {
  readonly name: Identifier;
  readonly indices: readonly Identifier[];
}

export type Expression =
  | { readonly kind: "number"; readonly span: Span; readonly value: number }
  | { readonly kind: "name"; readonly span: Span; readonly name: string }
  /** `h[t-1]`, `x_t` (lag 0), `token[t+1]` (lag -1), `a[n,s]`, `E[token]`, `k[n,s]`: subscripts in order. */
  | { readonly kind: "subscript"; readonly span: Span; readonly base: Expression; readonly subscripts: readonly Subscript[] }
  /** Function, block, loss: resolved by phase 2. `named` holds `f(x, p = 0.1)`, `repeat` the number (or name) of `repeat 3 f(x)`. */
  | {
      readonly kind: "call";
      readonly span: Span;
      readonly callee: Identifier;
      readonly args: readonly Expression[];
      readonly named: readonly { readonly name: Identifier; readonly value: Expression }[];
      readonly repeat?: Expression;
    }
  | { readonly kind: "unary"; readonly span: Span; readonly op: "neg" | "transpose"; readonly operand: Expression }
  | { readonly kind: "binary"; readonly span: Span; readonly op: BinaryOperator; readonly left: Expression; readonly right: Expression }
  /** `Σ_s e`, `max_s e`, `mean_s e`, `softmax_s(e)`: consumes an index. */
  | {
      readonly kind: "reduction";
      readonly span: Span;
      readonly op: "sum" | "max" | "mean" | "softmax";
      readonly index: Identifier;
      readonly body: Expression;
    }
  /** `|e|` absolute value or norm of a vector's components, elementwise abs. */
  | { readonly kind: "absolute"; readonly span: Span; readonly operand: Expression }
  /** `[a; b]`: concatenation of vectors. */
  | { readonly kind: "concatenation"; readonly span: Span; readonly parts: readonly Expression[] };

/** A time subscript is relative to t (`lag` 1 is `t-1`, 0 is `t`, -1 is `t+1`); every other one is an expression (an index, a number, a lookup). */
export type Subscript =
  | { readonly kind: "time"; readonly span: Span; readonly lag: number }
  | { readonly kind: "index"; readonly span: Span; readonly value: Expression };

export type BinaryOperator =
  | "add" // a + b
  | "sub" // a - b
  | "mul" // a * b       number times anything, or elementwise
  | "hadamard" // a ∘ b   elementwise of equal shapes
  | "product" // a · b    linear algebra
  | "outer" // a ⊗ b
  | "convolve" // W ∗ x
  | "div" // a / b        by a number, or elementwise
  | "power"; // a^b
