/**
 * A place in the LaTeX tokens of one equation.
 *
 * Reading past the end gives the end token again.
 */
import type { Expression } from "../../ir/syntax/node.ts";
import type { Span } from "../../support/source.ts";
import type { LatexToken } from "./latex-tokens.ts";

export interface LatexCursor {
  readonly tokens: readonly LatexToken[];
  at: number;
  depth: number;
  bars: number;
  /** Letters that some sum or softmax of the text runs over. */
  readonly indices: ReadonlySet<string>;
  /** Letters that number the components of vectors (`r_j = \\sigma([W x]_j)`), and what was found to be written by components. */
  readonly components: {
    readonly letters: ReadonlySet<string>;
    readonly noted: Set<string>;
    readonly names: Set<string>;
    readonly marked: WeakSet<Expression>;
    /** Names without a time that stand transposed before the input x, `w^\\top x_t`: vectors of weights. */
    readonly rows: Map<string, Span>;
  };
  /** Letters whose superscript numbers are part of the name. */
  readonly numbered: ReadonlySet<string>;
  /** The name that the equation defines, and how many layers without weights of their own it has. */
  readonly target: { name: string; linears: number };
  /** Ranges found at sums: index letter, first and last place as LaTeX tokens. */
  readonly ranges: Map<string, { readonly from?: string; readonly to?: string; readonly strict: boolean; readonly span: Span }>;
  note(code: "W002" | "W003", span: Span, message: string): void;
}

/** A mistake that ends the reading of one equation. */
export class Unreadable {
  readonly span: Span;
  readonly reason: string;
  constructor(span: Span, reason: string) {
    this.span = span;
    this.reason = reason;
  }
}

/** The token at the cursor, or some tokens ahead. */
export function peek(c: LatexCursor, ahead = 0): LatexToken {
  return c.tokens[Math.min(c.at + ahead, c.tokens.length - 1)]!;
}

/** The token at the cursor; moves past it unless it is the end. */
export function next(c: LatexCursor): LatexToken {
  const token = peek(c);
  if (c.at < c.tokens.length - 1) c.at++;
  return token;
}

/** True for one of these signs or commands. */
export function is(token: LatexToken, ...texts: readonly string[]): boolean {
  return (token.kind === "sign" || token.kind === "command") && texts.includes(token.text);
}

/** Only the span of a token. */
export function plain(span: Span): Span {
  return { start: span.start, end: span.end };
}
