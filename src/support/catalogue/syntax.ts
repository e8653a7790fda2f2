/**
 * Catalogue of mistakes of spelling and form: E0xx, and W0xx for what is legal but probably not meant. Reported by phase 1.
 */
import type { CatalogueEntry } from "./entry.ts";

export const SYNTAX = {
  E001: {
    title: "Unexpected character",
    explanation: "The character is no part of the language. Remove it, or use the spelling that the message offers.",
  },
  E002: {
    title: "Malformed number",
    explanation: "Numbers are written `3`, `0.5`, `.5` or `1e-3`, with a decimal point, and have to be finite.",
  },
  E003: {
    title: "Two values side by side",
    explanation:
      "No product is implied by putting names side by side: `Wx` is one name and `W x` is a mistake. Write `W·x` (ASCII `W @ x`) for the product of linear algebra, `a∘b` (ASCII `a .* b`) for the elementwise one.",
  },
  E004: {
    title: "Number beside a value",
    explanation: "A factor needs its sign: write `2*x`, not `2x` or `2 x`.",
  },
  E005: {
    title: "Missing value",
    explanation:
      "A value is expected here: an operator lacks one of its sides, or `=` has nothing to its right. Write the value, or delete the operator.",
  },
  E006: {
    title: "Bracket never closed",
    explanation: "The bracket has no partner before the next equation begins. Add the closing bracket.",
  },
  E007: {
    title: "Closing bracket without an opening one",
    explanation: "Nothing is open that this bracket could close. Delete it, or add the opening bracket.",
  },
  E008: {
    title: "Brackets do not match",
    explanation:
      "A bracket is closed by one of another kind. `( )` group and call, `[ ]` subscript and concatenate, `{ }` hold subscripts and sizes.",
  },
  E009: {
    title: "Not an equation",
    explanation:
      "A line is a header `name(inputs) → outputs`, an equation `name = expression`, a `where` line, or a comment, which begins with `#`. Give the value a name, or make the line a comment.",
  },
  E010: {
    title: "No name on the left of `=`",
    explanation:
      "The left of `=` is one name, with its indices if it has some: `h = …`, `a[n,s] = …`, `log α = …`. Solve the equation for the name, or split it in two.",
  },
  E011: {
    title: "Definition at another time",
    explanation:
      "A name is defined at time t, for every t. Shift the equation so that its left side is at t; values before the first step belong in `where h[0] = …`.",
  },
  E012: {
    title: "Another sign in place of `=`",
    explanation: "Definitions are written with a plain `=`, headers with `→` (ASCII `->`).",
  },
  E013: {
    title: "Two `=` in one line",
    explanation: "Every line defines one name. Write each definition on a line of its own.",
  },
  E014: {
    title: "Incomplete header",
    explanation: "A header is `name(inputs) → outputs` (ASCII `->`), with names only: `lstm(x) → h`.",
  },
  E015: {
    title: "Lines above the first header",
    explanation: "A file with several blocks needs a header for each: these lines belong to no block. Put a header above them.",
  },
  E016: {
    title: "Block without equations",
    explanation: "The header is not followed by any equation. Define the outputs that it promises.",
  },
  E017: {
    title: "Empty place in a list",
    explanation: "There is nothing between two commas, or after the last one. Fill the place or delete the comma.",
  },
  E018: {
    title: "Sum without its index",
    explanation:
      "`Σ`, `max_`, `mean_` and `softmax_` over positions name the index that they consume: `Σ_s a[s] * v[s]`, `softmax_s(e[s])`. The index is not t.",
  },
  E019: {
    title: "Bounds on a sum",
    explanation: "An index has its range from `where`, not from the sum: write `Σ_s …` and `where s ≤ t`.",
  },
  E020: {
    title: "Time subscript that is not a fixed distance",
    explanation:
      "The time in a subscript is `t`, `t-1`, `t+1`, …: t and a whole number. Reach further back with a sum over an index, or with a convolution.",
  },
  E021: {
    title: "Empty brackets",
    explanation: "Subscript and concatenation brackets need something in them: `h[t-1]`, `a[n,s]`, `[a; b]`.",
  },
  E022: {
    title: "Equation too long or nested too deeply",
    explanation: "Brackets may be nested 100 deep and one equation may hold 1,000 operators. Give parts of it names of their own.",
  },
  E023: {
    title: "Names that look the same",
    explanation:
      "Two names differ only by letters that look alike in print, such as Latin `A` and Greek `Α`. Spell both the same way, or rename one.",
  },
  E024: {
    title: "Declaration without `where`",
    explanation: "Shapes, ranges, distributions and initial values belong in a `where` line.",
  },
  E025: {
    title: "Declaration not understood",
    explanation:
      "`where` lines hold `b ~ 1` (a beginning), `W ∈ ℝ^{H×D}` (a shape), `n ∈ 1..N` and `s ≤ t` (ranges), `h[0] = 0` (an initial value), `W : kernel 3` (options) and `gate i, f`, separated by commas.",
  },
  E026: {
    title: "Malformed shape",
    explanation: "A shape is `ℝ` (a number), `ℝ^D` (a vector) or `ℝ^{H×D}` (a matrix); in ASCII `R`, `R^D`, `R^{H, D}`.",
  },
  E027: {
    title: "Malformed range",
    explanation: "A counting range has two ends: `n ∈ 1..N`, `j ∈ 0..2`.",
  },
  E028: {
    title: "Malformed time bound",
    explanation: "A time index is bounded relative to t: `s ≤ t`, `s < t`, `t-W < s ≤ t`. A range with fixed ends is written `s ∈ 1..T`.",
  },
  E029: {
    title: "Unknown option",
    explanation: "The word after `:` is no option of the language. `docs/language.md` lists the options.",
  },
  E030: {
    title: "Option with a wrong argument",
    explanation: "Some options need a number, as in `kernel 3`; others stand alone, as `same`.",
  },
  E031: {
    title: "Initial value of a later step",
    explanation:
      "Steps count from 1, so `h[0]` is the value before the first step and `h[-1]` the one before that; `h[T+1]` follows the last step, for `h[t+1]`.",
  },
  E032: {
    title: "Comparison inside an expression",
    explanation: "Expressions have no comparisons. Use `max`, `min`, `relu`, `sign` or `clamp`; ranges of indices belong in `where`.",
  },
  E033: {
    title: "LaTeX in a .gate text",
    explanation:
      "The text is LaTeX. It is converted when it is given as LaTeX; single commands can be replaced by their characters, such as `\\sigma` by `σ`.",
  },
  E034: {
    title: "Text after the end of an equation",
    explanation: "The equation is complete before this place. Start a new line for the next equation, and a comment with `#`.",
  },
  E035: {
    title: "Absolute value never closed",
    explanation: "`|e|` needs both its bars, and `‖e‖` too.",
  },
  E036: {
    title: "Concatenation with commas",
    explanation: "The parts of a concatenation are separated by semicolons: `[a; b]`.",
  },
  E037: {
    title: "The sign ×",
    explanation:
      "`×` only separates the sizes of a shape. Write `·` for a product of linear algebra, `∘` for an elementwise one, `*` for a product by a number.",
  },
  E038: {
    title: "Line ends with an operator",
    explanation: "A line continues when the next line starts with an operator. Move the operator to the start of the next line.",
  },
  E039: {
    title: "Superscript or subscript that cannot be read",
    explanation:
      "Raised and lowered letters are read as `x²` (a power), `Wᵀ` (transpose), `Wₓᵢ` (part of a name) and `hₜ₋₁` (time). Write anything else with `^` or `[ ]`.",
  },
  E040: {
    title: "Argument after a named one",
    explanation: "Arguments with names come last: `dropout(x, p = 0.1)`. A name is given once.",
  },
  E041: {
    title: "Reserved name",
    explanation: "`t` is time and `where` begins declarations; neither can be the name of a value. Choose another name.",
  },
  E042: {
    title: "No equations",
    explanation: "The text holds no equation. The smallest network is one line: `y = W·x_t + b`.",
  },
  E043: {
    title: "Name twice in one list",
    explanation: "The same name stands twice among the inputs, the outputs or the indices. Delete or rename one of them.",
  },
  W002: {
    title: "LaTeX that was not understood",
    explanation:
      "A part of the LaTeX was left out, or an equation was kept as a comment. Compare the text with the paper and write the missing part by hand.",
  },
  W003: {
    title: "LaTeX read by a guess",
    explanation: "The LaTeX could mean several things, and the reader chose the one that papers mostly mean. Check the place in the text.",
  },
  W001: {
    title: "`h_t-1` is `h_t` minus one",
    explanation:
      "Without braces the subscript is only `t`. Write `h[t-1]` or `h_{t-1}` for the value one step before; put spaces around the minus if the difference is meant.",
  },
} as const satisfies Record<string, CatalogueEntry>;

export type SyntaxCode = keyof typeof SYNTAX;
