/**
 * The one precedence table, used by the parser, both printers and the documentation.
 *
 * The products of linear algebra bind tighter than elementwise ones, as papers read: `r∘U·h` is `r∘(U·h)`, `S·k⊗k` is `(S·k)⊗k`.
 * All binary operators associate to the left except power.
 */
import type { BinaryOperator } from "./node.ts";

export interface OperatorEntry {
  readonly op: BinaryOperator;
  readonly unicode: string;
  readonly ascii: string;
  /** Larger binds tighter. */
  readonly precedence: number;
  readonly associativity: "left" | "right";
  readonly meaning: string;
  readonly latex: string;
}

export const PRECEDENCE = { additive: 1, multiplicative: 2, product: 3, negate: 4, power: 5, postfix: 6 } as const;

export const OPERATORS: readonly OperatorEntry[] = [
  { op: "add", unicode: "+", ascii: "+", precedence: PRECEDENCE.additive, associativity: "left", meaning: "sum", latex: "+" },
  { op: "sub", unicode: "-", ascii: "-", precedence: PRECEDENCE.additive, associativity: "left", meaning: "difference", latex: "-" },
  {
    op: "product",
    unicode: "·",
    ascii: "@",
    precedence: PRECEDENCE.product,
    associativity: "left",
    meaning: "product of linear algebra",
    latex: "\\,",
  },
  {
    op: "hadamard",
    unicode: "∘",
    ascii: ".*",
    precedence: PRECEDENCE.multiplicative,
    associativity: "left",
    meaning: "elementwise product of equal shapes",
    latex: "\\odot",
  },
  {
    op: "mul",
    unicode: "*",
    ascii: "*",
    precedence: PRECEDENCE.multiplicative,
    associativity: "left",
    meaning: "product by a number, or elementwise of equal shapes",
    latex: "\\cdot",
  },
  {
    op: "div",
    unicode: "/",
    ascii: "/",
    precedence: PRECEDENCE.multiplicative,
    associativity: "left",
    meaning: "quotient by a number, or elementwise",
    latex: "/",
  },
  {
    op: "outer",
    unicode: "⊗",
    ascii: "outer",
    precedence: PRECEDENCE.multiplicative,
    associativity: "left",
    meaning: "outer product of two vectors, a matrix",
    latex: "\\otimes",
  },
  {
    op: "convolve",
    unicode: "∗",
    ascii: "conv",
    precedence: PRECEDENCE.product,
    associativity: "left",
    meaning: "causal convolution over time",
    latex: "*",
  },
  { op: "power", unicode: "^", ascii: "^", precedence: PRECEDENCE.power, associativity: "right", meaning: "power, elementwise", latex: "^" },
];
