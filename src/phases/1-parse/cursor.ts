/**
 * A place in the tokens of one logical line, shared by the parsers of expressions, declarations and headers.
 *
 * Reading past the end gives the end token again. Once a line is given up (`abandon`) it reads as ended and reports nothing more.
 */
import { blockName } from "../../ir/syntax/names.ts";
import type { Identifier } from "../../ir/syntax/node.ts";
import type { SyntaxCode } from "../../support/catalogue/syntax.ts";
import type { Span } from "../../support/source.ts";
import type { Token } from "./lex.ts";
import type { Details, Reporter } from "./report-syntax.ts";

/** What is the same for all lines of a text. */
export interface Context {
  readonly text: string;
  readonly reporter: Reporter;
  /** Canonical names that have a range in some `where` line: what `sum_head` may sum over. */
  readonly indices: ReadonlySet<string>;
  /** Every name read so far, at its first place. */
  readonly names: Map<string, Span>;
}

export interface Cursor {
  readonly context: Context;
  readonly tokens: readonly Token[];
  at: number;
  /** Operators and brackets of the current equation. */
  operators: number;
  /** Nesting of the expression being read. */
  depth: number;
  /** Open `|` at this level of brackets. */
  bars: number;
  /** True among the sizes of a shape, where `×` separates. */
  inSizes: boolean;
  abandoned: boolean;
  /** True if nothing is reported: the brackets of the line are already known to be wrong. */
  readonly isDoubtful: boolean;
}

export function createCursor(context: Context, tokens: readonly Token[], isDoubtful = false): Cursor {
  return { context, tokens, at: 0, operators: 0, depth: 0, bars: 0, inSizes: false, abandoned: false, isDoubtful };
}

export function peek(c: Cursor, ahead = 0): Token {
  return c.tokens[Math.min(c.at + ahead, c.tokens.length - 1)]!;
}

/** The current token; moves past it unless it is the end. */
export function next(c: Cursor): Token {
  const token = peek(c);
  if (c.at < c.tokens.length - 1) c.at++;
  return token;
}

export function atEnd(c: Cursor): boolean {
  return peek(c).kind === "end";
}

export function isSign(token: Token, ...signs: readonly string[]): boolean {
  return token.kind === "sign" && signs.includes(token.text);
}

/** Moves past the sign if it is there. */
export function accept(c: Cursor, sign: string): Token | undefined {
  return isSign(peek(c), sign) ? next(c) : undefined;
}

/** End of the token before the current one. */
export function previousEnd(c: Cursor): number {
  return c.at > 0 ? c.tokens[c.at - 1]!.end : c.tokens[0]!.start;
}

export function fail(c: Cursor, code: SyntaxCode, span: Span, message: string, details?: Details): void {
  if (!c.abandoned && !c.isDoubtful) c.context.reporter.error(code, span, message, details);
}

/** Gives the rest of the line up. */
export function abandon(c: Cursor): void {
  c.abandoned = true;
  c.at = c.tokens.length - 1;
}

/** The author's spelling of a place. */
export function written(c: Cursor, span: Span): string {
  return c.context.text.slice(span.start, span.end);
}

/** What the author wrote there, shortened, to be quoted in a message. */
export function quoted(c: Cursor, span: Span): string {
  const text = written(c, span).replace(/\s+/gu, " ");
  return text.length > 40 ? `${text.slice(0, 38)} …` : text;
}

/** The name of the current token, which must be a name; remembers it. */
export function identifier(c: Cursor): Identifier {
  const token = next(c);
  if (token.text.includes(".")) fail(c, "E010", token, `\`${quoted(c, token)}\` is a value inside a block that is called: it can only be read`);
  return seen(c, token);
}

/** The name of a block or function, from a token already passed. */
export function blockIdentifier(c: Cursor, token: Token): Identifier {
  const name = blockName(written(c, token), token.text);
  return seen(c, name === token.text ? token : { ...token, text: name });
}

/** An identifier from a token already passed. */
export function seen(c: Cursor, token: Token): Identifier {
  const span = { start: token.start, end: token.end };
  if (!c.context.names.has(token.text)) c.context.names.set(token.text, span);
  return { kind: "identifier", span, name: token.text };
}
