/**
 * Sub- and superscripts of LaTeX: time, index, sign of transposition, or part of the name.
 *
 * In: tokens. Out: what they say. What cannot be part of a script is noted and left out. Never reads an expression.
 */
import { canonicalName } from "../../ir/syntax/names.ts";
import type { Subscript } from "../../ir/syntax/node.ts";
import type { Span } from "../../support/source.ts";
import { is, type LatexCursor, next, peek, plain, Unreadable } from "./latex-cursor.ts";
import type { LatexToken } from "./latex-tokens.ts";

const TOP = new Set(["top", "intercal", "mathsf", "transpose"]);

/** True if, past the scripts at the cursor, a bracket opens. */
export function isCallAhead(c: LatexCursor): boolean {
  let i = 0;
  while (is(peek(c, i), "_", "^")) {
    i++;
    if (!is(peek(c, i), "{")) i++;
    else {
      for (let depth = 0; peek(c, i).kind !== "end"; i++) {
        if (is(peek(c, i), "{")) depth++;
        if (is(peek(c, i), "}") && --depth === 0) break;
      }
      i++;
    }
  }
  return is(peek(c, i), "(", "[");
}

/** Tokens of a `{…}` at the cursor, without its braces. */
export function readGroup(c: LatexCursor): LatexToken[] {
  next(c);
  const content: LatexToken[] = [];
  for (let depth = 0; ; ) {
    const token = peek(c);
    if (token.kind === "end") throw new Unreadable(plain(token), "`}` is missing");
    next(c);
    if (is(token, "{")) depth++;
    else if (is(token, "}")) {
      if (depth-- === 0) return content;
    } else content.push(token);
  }
}

/** Letters, digits, words and Greek letters as text for a name; "" if something else is among them. */
export function labelOf(c: LatexCursor, tokens: readonly LatexToken[]): string {
  let label = "";
  for (const token of tokens) {
    if (token.kind === "letter" || token.kind === "number" || token.kind === "word") label += token.text.replace(/[^\p{L}\p{N}]/gu, "");
    else if (token.kind === "command" && canonicalName(token.text) !== token.text) label += canonicalName(token.text);
    else if (is(token, "ast", "star", "*")) label += "star";
    else if (is(token, "ell")) label += "l";
    else if (!is(token, "(", ")")) {
      c.note("W002", plain(token), `\`${token.kind === "command" ? "\\" : ""}${token.text}\` in a script is left out`);
    }
  }
  return label;
}

/** True for the letter that numbers components, as in `\\sigma(W x)^j`; it is noted once. */
export function isComponent(c: LatexCursor, content: readonly LatexToken[]): boolean {
  const [letter] = content;
  if (content.length !== 1 || letter!.kind !== "letter" || !c.components.letters.has(letter!.text)) return false;
  if (!c.components.noted.has(letter!.text))
    c.note("W003", plain(letter!), `\`${letter!.text}\` is read as the number of a component, and left out: an equation holds for all of them`);
  c.components.noted.add(letter!.text);
  return true;
}

/** `t`, `t-1`, `(t+1)`: the lag. */
export function lagOf(tokens: readonly LatexToken[]): number | undefined {
  const inner = tokens.filter((token) => !is(token, "(", ")", "<", ">", "langle", "rangle"));
  const [t, sign, distance] = inner;
  if (t?.kind !== "letter" || t.text !== "t") return undefined;
  if (inner.length === 1) return 0;
  if (inner.length !== 3 || distance!.kind !== "number" || !/^\d{1,6}$/.test(distance!.text)) return undefined;
  if (is(sign!, "-")) return Number(distance!.text);
  return is(sign!, "+") ? 0 - Number(distance!.text) : undefined;
}

/** Subscripts in canonical order: another time than t, then indices; t alone stays. */
export function timeFirst(subscripts: readonly Subscript[]): readonly Subscript[] {
  const times = subscripts.filter((subscript) => subscript.kind === "time" && subscript.lag !== 0);
  const others = subscripts.filter((subscript) => subscript.kind === "index");
  return times.length + others.length > 0 ? [...times, ...others] : subscripts.slice(0, 1);
}

/** Reads a subscript: parts that are t or an index of a sum become subscripts, the rest becomes part of the name. */
export function subscripted(c: LatexCursor, name: string, content: readonly LatexToken[], subscripts: Subscript[], span: Span): string {
  let result = name;
  const parts: LatexToken[][] = [[]];
  for (const token of content) {
    if (is(token, ",", ";")) parts.push([]);
    else parts[parts.length - 1]!.push(token);
  }
  for (const part of parts) {
    const lag = lagOf(part);
    const first = part[0];
    if (lag !== undefined) subscripts.push({ kind: "time", span, lag });
    else if (part.length === 1 && c.indices.has(first!.text)) subscripts.push(indexOf(first!));
    else if (part.length === 2 && first!.text === "t" && c.indices.has(part[1]!.text))
      subscripts.push({ kind: "time", span, lag: 0 }, indexOf(part[1]!));
    else {
      const label = labelOf(c, part);
      if (label !== "") result += `_${label}`;
    }
  }
  return result;
}

function indexOf(token: LatexToken): Subscript {
  return { kind: "index", span: plain(token), value: { kind: "name", span: plain(token), name: canonicalName(token.text) } };
}

/** True for what stands above a transposed value: `\\top`, `T`. */
export function isTranspose(content: readonly LatexToken[]): boolean {
  if (content.length !== 1) return false;
  const token = content[0]!;
  return (token.kind === "command" && TOP.has(token.text)) || ((token.kind === "letter" || token.kind === "word") && token.text === "T");
}
