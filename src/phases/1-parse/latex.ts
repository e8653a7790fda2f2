/**
 * LaTeX → canonical text.
 *
 * In: equations pasted from a paper (`i_t = \sigma(W_{xi} x_t + …)`, aligned or not, with fonts, sizes and numbers). Out: `.gate` text without a header, and
 * notes on what was not understood (W002) or guessed (W003), with places in the LaTeX. An equation that cannot be read stays as a comment, so nothing
 * is lost. Never throws, for any text.
 */
import { canonicalName } from "../../ir/syntax/names.ts";
import type { Comment, Declaration, Definition, Expression, Identifier, Item } from "../../ir/syntax/node.ts";
import { printFile } from "../../ir/syntax/print.ts";
import type { Diagnostic } from "../../support/diagnostic.ts";
import type { Source, Span } from "../../support/source.ts";
import { type LatexCursor, Unreadable } from "./latex-cursor.ts";
import { parseLatex } from "./latex-expression.ts";
import { functionOfWord, type LatexToken, lexLatex } from "./latex-tokens.ts";

const MAX_NOTES = 100;

/** Converts LaTeX; the text is canonical, the notes are warnings about the LaTeX. */
export function readLatex(source: Source): { text: string; notes: readonly Diagnostic[] } {
  const notes: Diagnostic[] = [];
  const note = (code: "W002" | "W003", span: Span, message: string): void => {
    if (notes.length < MAX_NOTES) notes.push({ code, severity: "warning", message, span });
  };
  const tokens = lexLatex(source.text);
  const indices = summedLetters(tokens);
  const components = {
    letters: componentLetters(tokens, indices),
    noted: new Set<string>(),
    names: new Set<string>(),
    marked: new WeakSet<Expression>(),
    rows: new Map<string, Span>(),
  };
  const numbered = numberedLetters(tokens);
  const ranges: LatexCursor["ranges"] = new Map();
  const items: Item[] = [];
  const declared: Declaration[] = [];
  for (const equation of splitEquations(tokens)) {
    const first = equation[0]!;
    if (first.kind === "comment") {
      items.push(commentOf(first, first.text));
      continue;
    }
    const span = { start: first.start, end: equation[equation.length - 1]!.end };
    const tag = equation.find((token) => token.kind === "tag");
    const body = equation.filter((token) => token.kind !== "tag");
    if (body.length === 0) continue;
    const c: LatexCursor = {
      tokens: [...body, { kind: "end", start: span.end, end: span.end, text: "" }],
      at: 0,
      depth: 0,
      bars: 0,
      indices,
      components,
      numbered,
      target: { name: "", linears: 0 },
      ranges,
      note,
    };
    try {
      if (isWhere(body) || (!hasEquals(body) && body.some(isRelation))) {
        for (const part of splitDeclarations(isWhere(body) ? body.slice(1) : body))
          declared.push(readDeclaration({ ...c, tokens: [...part, c.tokens[c.tokens.length - 1]!] }));
      } else items.push(readEquation(c, span, tag?.text, note));
    } catch (problem) {
      if (!(problem instanceof Unreadable)) throw problem;
      const place =
        problem.span.end > problem.span.start
          ? problem.span
          : { start: Math.max(span.start, problem.span.start - 1), end: Math.max(span.end, problem.span.end) };
      note("W002", place, `this was not read: ${problem.reason}`);
      items.push(commentOf(first, `not read: ${source.text.slice(span.start, span.end).replace(/\s+/gu, " ")}`));
    }
  }
  const bounded = new Set(declared.flatMap((d) => (d.kind === "bound" ? [d.name.name] : d.kind === "range" ? d.names.map(({ name }) => name) : [])));
  for (const [name, range] of ranges) {
    if (bounded.has(name)) continue;
    if (range.to === undefined && name !== "s") note("W002", range.span, `the range of \`${name}\` is not given; declare it with \`where\``);
    else declared.push(rangeOf(name, range));
  }
  const vectors = vectorsOf(components.rows, items, declared);
  const declarations = vectors ? [...declared, vectors] : declared;
  if (declarations.length > 0) items.push({ kind: "where", span: declarations[0]!.span, declarations });
  const file = { start: 0, end: source.text.length };
  const text =
    items.length === 0
      ? ""
      : printFile({ kind: "file", span: file, blocks: [{ kind: "block", span: file, documentation: [], items: dropOwnTimes(items) }] });
  return { text, notes: notes.sort((a, b) => a.span.start - b.span.start) };
}

/** `where wα ∈ ℝ^D` for `w_\\alpha^\\top x_t`, which says that the product is a number; nothing where shapes are declared or x is no input. */
function vectorsOf(rows: ReadonlyMap<string, Span>, items: readonly Item[], declared: readonly Declaration[]): Declaration | undefined {
  const defined = new Set(items.flatMap((item) => (item.kind === "definition" ? [item.target.name] : [])));
  const names = [...rows].filter(([name]) => !defined.has(name));
  const [first] = names;
  if (!first || ["x", "D"].some((name) => defined.has(name)) || declared.some(({ kind }) => kind === "shape")) return undefined;
  const indexed = names.map(([name, span]) => ({ name: { kind: "identifier" as const, span, name }, indices: [] }));
  return { kind: "shape", span: first[1], names: indexed, sizes: [{ kind: "name", span: first[1], name: "D" }] };
}

function commentOf(span: Span, text: string): Comment {
  return { kind: "comment", span: { start: span.start, end: span.end }, text };
}

function hasEquals(tokens: readonly LatexToken[]): boolean {
  let depth = 0;
  for (const token of tokens) {
    if (token.text === "{" && token.kind === "sign") depth++;
    else if (token.text === "}" && token.kind === "sign") depth--;
    else if (depth === 0 && isEquals(token)) return true;
  }
  return false;
}

function isEquals(token: LatexToken): boolean {
  if (token.kind === "sign") return token.text === "=";
  return token.kind === "command" && /^(?:leftarrow|gets|triangleq|coloneqq|equiv|doteq|coloneq)$/.test(token.text);
}

/** Letters after `\sum_` and under a softmax or maximum. */
function summedLetters(tokens: readonly LatexToken[]): Set<string> {
  const letters = new Set<string>();
  tokens.forEach((token, i) => {
    const isSum = token.kind === "command" && (token.text === "sum" || token.text === "max");
    const isWord = token.kind === "word" && functionOfWord(token.text) === "softmax";
    if (!(isSum || isWord) || tokens[i + 1]?.text !== "_") return;
    const index = tokens[i + 2]!.text === "{" ? tokens[i + 3] : tokens[i + 2];
    if (index?.kind === "letter" && index.text !== "t") letters.add(index.text);
  });
  return letters;
}

/** Letters that stand at the bracket of a whole value, `\sigma(W x)^j` or `[W x]_j`. */
function componentLetters(tokens: readonly LatexToken[], indices: ReadonlySet<string>): Set<string> {
  const letters = new Set<string>();
  tokens.forEach((token, i) => {
    if (token.kind !== "sign" || !")]".includes(token.text) || !["_", "^"].includes(tokens[i + 1]?.text ?? "")) return;
    const isGroup = tokens[i + 2]?.text === "{";
    const letter = isGroup ? tokens[i + 3] : tokens[i + 2];
    if (isGroup && tokens[i + 4]?.text !== "}") return;
    if (letter?.kind === "letter" && /^[ijklm]$/.test(letter.text) && !indices.has(letter.text)) letters.add(letter.text);
  });
  return letters;
}

/** Letters that have a superscript 1, which is no power: `W^1` and `W^2` are two names. */
function numberedLetters(tokens: readonly LatexToken[]): Set<string> {
  const letters = new Set<string>();
  tokens.forEach((token, i) => {
    const content = tokens[i + 1]?.text === "{" ? tokens[i + 2] : tokens[i + 1];
    if (token.kind !== "sign" || token.text !== "^" || content?.kind !== "number" || content.text !== "1") return;
    let at = i - 1;
    if (tokens[at]?.text === "}") while (at > 0 && i - at < 20 && tokens[at]!.text !== "{") at--;
    if (tokens[at - 1]?.text === "_") at -= 2;
    if (tokens[at]?.kind === "letter") letters.add(tokens[at]!.text);
  });
  return letters;
}

/**
 * Splits at `\\`, at displays, at empty lines, and at line ends where the next line has an `=` of its own outside braces; a piece without `=` (a continued
 * line) joins the one before it. `a = b, \quad c = d` is two equations.
 */
function splitEquations(tokens: readonly LatexToken[]): LatexToken[][] {
  const pieces: LatexToken[][] = [];
  let piece: LatexToken[] = [];
  let depth = 0;
  let isEquation = false; // the piece has its `=`
  const flush = (): void => {
    while (piece.length > 0 && piece[piece.length - 1]!.kind === "sign" && ",.;".includes(piece[piece.length - 1]!.text)) piece.pop();
    if (piece.length > 0) pieces.push(piece);
    piece = [];
    depth = 0;
    isEquation = false;
  };
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token.kind === "comment") {
      flush();
      pieces.push([token]);
    } else if (token.kind === "break" || token.kind === "end") {
      flush();
    } else if (token.kind === "blank") {
      if (depth <= 0 && (tokens[i + 1]?.kind === "blank" || hasOwnEquation(tokens, i + 1))) flush();
    } else {
      if (token.kind === "sign" && "([{".includes(token.text)) depth++;
      else if (token.kind === "sign" && ")]}".includes(token.text)) depth--;
      if (isWhere([token])) flush();
      if (depth <= 0 && token.kind === "sign" && token.text === "," && isEquation && hasOwnEquation(tokens, i + 1)) flush();
      else piece.push(token);
      isEquation ||= isEquals(token);
    }
  }
  const joined: LatexToken[][] = [];
  for (const found of pieces) {
    const before = joined[joined.length - 1];
    const continues = found[0]!.kind !== "comment" && !isWhere(found) && !hasEquals(found) && !found.some(isRelation);
    if (isProse(found)) joined.push([{ kind: "comment", start: found[0]!.start, end: found[found.length - 1]!.end, text: spoken(found) }]);
    else if (continues && before && before[0]!.kind !== "comment") for (const token of found) before.push(token);
    else joined.push(found);
  }
  return joined;
}

/** Words of a sentence between formulas. */
function isProse(tokens: readonly LatexToken[]): boolean {
  const isText = ({ kind, text }: LatexToken): boolean => kind === "letter" || kind === "word" || (kind === "sign" && ",.;:".includes(text));
  return tokens.every(isText) && tokens.some(({ kind, text }) => kind === "word" && /^[a-z]{5,}$/i.test(text)) && !isWhere(tokens);
}

function spoken(tokens: readonly LatexToken[]): string {
  let text = "";
  tokens.forEach((token, i) => {
    text += `${i > 0 && tokens[i - 1]!.end < token.start ? " " : ""}${token.text}`;
  });
  return text.trim();
}

/** True if an equation begins here: an `=` on this line outside braces, with no operator at the line's start. */
function hasOwnEquation(tokens: readonly LatexToken[], from: number): boolean {
  const first = tokens[from];
  if (!first || (first.kind === "sign" && "+-=*/,.)]}".includes(first.text))) return false;
  let depth = 0;
  for (let i = from; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token.kind === "blank" || token.kind === "break" || token.kind === "end" || token.kind === "comment") return false;
    if (token.kind === "sign" && "([{".includes(token.text)) depth++;
    else if (token.kind === "sign" && ")]}".includes(token.text)) depth--;
    else if (depth === 0 && (isEquals(token) || isRelation(token))) return true;
    else if (depth === 0 && token.kind === "sign" && token.text === ",") return false;
  }
  return false;
}

function readEquation(c: LatexCursor, span: Span, tag: string | undefined, note: LatexCursor["note"]): Definition {
  const left = parseLatex(c);
  const equals = c.tokens[c.at]!;
  if (!isEquals(equals))
    throw new Unreadable(equals.kind === "end" ? span : { start: equals.start, end: equals.end }, "there is no `=` where one is expected");
  c.at++;
  const isLog = left.kind === "call" && left.callee.name === "log" && left.args.length === 1;
  const target = isLog ? left.args[0]! : left;
  const name = nameOf(target);
  if (!name) throw new Unreadable(left.span, "its left side is no name");
  c.target.name = name.target.name;
  const value = parseLatex(c);
  const rest = c.tokens[c.at]!;
  let comment = tag === undefined ? undefined : `(${tag})`;
  const said = c.tokens.slice(c.at, -1).filter((token) => !(token.kind === "sign" && ",;.".includes(token.text)));
  if (said.every((token) => token.kind === "word")) {
    if (said.length > 0) comment = [comment, ...said.map((token) => token.text)].filter(Boolean).join(" ");
  } else if (rest.kind !== "end") {
    const after = { start: rest.start, end: span.end };
    const isText = rest.kind === "word" || (rest.kind === "sign" && ",;.".includes(rest.text));
    if (!isText && !isEquals(rest)) throw new Unreadable({ start: rest.start, end: rest.end }, `\`${rest.text}\` is not understood`);
    note("W002", after, "this was left out");
  }
  return { kind: "definition", span, form: isLog ? "log" : "plain", ...name, value, ...(comment === undefined ? {} : { comment }) };
}

/** Name and indices of a left side: a name, at time t, with letters as indices. */
function nameOf(e: Expression): { target: Identifier; indices: readonly Identifier[] } | undefined {
  if (e.kind === "name") return { target: { kind: "identifier", span: e.span, name: e.name }, indices: [] };
  if (e.kind !== "subscript" || e.base.kind !== "name") return undefined;
  const indices: Identifier[] = [];
  for (const subscript of e.subscripts) {
    if (subscript.kind === "time") {
      if (subscript.lag !== 0) return undefined;
    } else if (subscript.value.kind === "name") indices.push({ kind: "identifier", span: subscript.span, name: subscript.value.name });
    else return undefined;
  }
  return { target: { kind: "identifier", span: e.base.span, name: e.base.name }, indices };
}

/** Words and signs of declarations, besides `=`. */
const RELATIONS = new Set(["in", "sim", "le", "leq", "leqslant", "lt"]);

/** True for tokens that begin with the word `where`. */
function isWhere(tokens: readonly LatexToken[]): boolean {
  return tokens[0]!.kind === "word" && /^(?:where|with)$/i.test(tokens[0]!.text);
}

function isRelation(token: LatexToken): boolean {
  if (token.kind === "word") return token.text.startsWith(":") || token.text === "gate";
  return (token.kind === "command" && RELATIONS.has(token.text)) || (token.kind === "sign" && (token.text === "<" || token.text === "≤"));
}

/** Splits at commas outside brackets, where the part before has its relation: `W, U \\in ℝ^D, b \\sim 1`. */
function splitDeclarations(tokens: readonly LatexToken[]): LatexToken[][] {
  const parts: LatexToken[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (token.kind === "sign" && "([{".includes(token.text)) depth++;
    else if (token.kind === "sign" && ")]}".includes(token.text)) depth--;
    const last = parts[parts.length - 1]!;
    const isEnd = depth === 0 && token.kind === "sign" && (token.text === "," || token.text === ";");
    if (isEnd && last.some((part) => isRelation(part) || isEquals(part))) parts.push([]);
    else last.push(token);
  }
  return parts.filter((part) => part.length > 0);
}

/** `W, U \\in \\mathbb{R}^{H \\times D}`, `n \\in \\{1, …, N\\}`, `s \\le t`, `b \\sim 1`, `h_0 = 0` */
function readDeclaration(c: LatexCursor): Declaration {
  const names: Identifier[] = [];
  const indexed: { readonly name: Identifier; readonly indices: readonly Identifier[] }[] = [];
  const span = { start: c.tokens[0]!.start, end: c.tokens[c.tokens.length - 2]!.end };
  const isGates = c.tokens[0]!.kind === "word" && c.tokens[0]!.text === "gate";
  if (isGates) c.at++;
  for (;;) {
    const name = nameOf(parseLatex(c));
    if (!name) throw new Unreadable(span, "its left side is no name");
    names.push(name.target);
    indexed.push({ name: name.target, indices: name.indices });
    if (c.tokens[c.at]!.text !== ",") break;
    c.at++;
  }
  const relation = c.tokens[c.at]!;
  if (isGates && relation.kind === "end") return { kind: "gate", span, names };
  if (relation.kind === "word" && relation.text.startsWith(":")) return { kind: "option", span, names, options: readOptions(relation) };
  if (!isRelation(relation) && !isEquals(relation)) throw new Unreadable(span, "it is no declaration");
  c.at++;
  const rest = c.tokens.slice(c.at, -1);
  const [only] = names as [Identifier, ...Identifier[]];
  if (isEquals(relation)) {
    const state = /^(.+)_0$/u.exec(only.name)?.[1];
    if (state === undefined) throw new Unreadable(span, "it is no declaration");
    return { kind: "initial", span, name: { ...only, name: state }, lag: 1, value: parseLatex(c) };
  }
  if (relation.text === "sim") return { kind: "distribution", span, names, value: parseLatex(c) };
  if (relation.text !== "in") {
    const place = rest.map((token) => token.text).join("");
    return rangeOf(only.name, { to: place, strict: relation.text === "<" || relation.text === "lt", span });
  }
  const words = rest.filter((token) => !(token.kind === "sign" && "^{}()_".includes(token.text)));
  if (words[0]?.text === "R") return { kind: "shape", span, names: indexed, sizes: readSizes(words.slice(1)) };
  const [from, to] = [words[0], words[words.length - 1]];
  if (!from || from === to || !words.some((token) => /dots|\./.test(token.text))) throw new Unreadable(span, "neither a shape nor a range");
  return { kind: "range", span, names, from: placeOf(from.text, span, "1"), to: placeOf(to!.text, span, "N") };
}

/** `: kernel 3, dilation 2`, as blocks print it. */
function readOptions(token: LatexToken): { name: Identifier; value?: Expression }[] {
  const span = { start: token.start, end: token.end };
  return token.text
    .slice(1)
    .split(",")
    .map((text) => {
      const [, word, value] = /^\s*([a-z\\_]+)(?:\s+\$?([\p{L}\p{N}]+)\$?)?\s*$/u.exec(text) ?? [];
      if (word === undefined) throw new Unreadable(span, `the option \`${text.trim()}\` cannot be read`);
      const name: Identifier = { kind: "identifier", span, name: word.replace(/\\/gu, "") };
      return value === undefined ? { name } : { name, value: placeOf(value, span, "1") };
    });
}

function readSizes(tokens: readonly LatexToken[]): Expression[] {
  const sizes: Expression[] = [];
  let label = "";
  tokens.forEach((token, i) => {
    const isBetween = token.text === "times" || token.text === ",";
    if (!isBetween) label += label === "" ? token.text : `_${token.text}`;
    if (label !== "" && (isBetween || i === tokens.length - 1)) {
      const span = { start: token.start, end: token.end };
      if (!/^[\p{L}\p{N}_]+$/u.test(label)) throw new Unreadable(span, `the size \`${label}\` cannot be read`);
      sizes.push(placeOf(label, span, "N"));
      label = "";
    }
  });
  return sizes;
}

/** A number or a name. */
function placeOf(text: string, span: Span, otherwise: string): Expression {
  if (/^\d+$/.test(text)) return { kind: "number", span, value: Number(text) };
  return { kind: "name", span, name: canonicalName(/^\p{L}[\p{L}\p{N}_]*$/u.test(text) ? text : otherwise) };
}

/** `s = 1 … t` → `s ≤ t`; `j = 1 … N` → `j ∈ 1..N`; nothing said → `s ≤ t`. */
function rangeOf(name: string, range: { from?: string; to?: string; strict: boolean; span: Span }): Declaration {
  const { span } = range;
  const identifier: Identifier = { kind: "identifier", span, name };
  const atTime = /^t(?:-(\d+))?$/.exec(range.to ?? "t");
  if (atTime) {
    const distance = Number(atTime[1] ?? 0);
    const value: Expression =
      distance === 0 ? { kind: "number", span, value: 0 } : { kind: "unary", span, op: "neg", operand: { kind: "number", span, value: distance } };
    return { kind: "bound", span, name: identifier, upper: { strict: range.strict, value } };
  }
  return { kind: "range", span, names: [identifier], from: placeOf(range.from ?? "1", span, "1"), to: placeOf(range.to ?? "N", span, "N") };
}

/** `c_t` of a value that is defined here is plain `c`; an input keeps its time, which marks it as one. */
function dropOwnTimes(items: readonly Item[]): Item[] {
  const defined = new Set(items.flatMap((item) => (item.kind === "definition" ? [item.target.name] : [])));
  const visit = (e: Expression): Expression => {
    switch (e.kind) {
      case "subscript": {
        const subscripts = e.subscripts.map((s) => (s.kind === "index" ? { ...s, value: visit(s.value) } : s));
        const kept = e.base.kind === "name" && defined.has(e.base.name) ? subscripts.filter((s) => s.kind === "index" || s.lag !== 0) : subscripts;
        return kept.length === 0 ? e.base : { ...e, subscripts: kept };
      }
      case "call":
        return { ...e, args: e.args.map(visit) };
      case "unary":
      case "absolute":
        return { ...e, operand: visit(e.operand) };
      case "binary":
        return { ...e, left: visit(e.left), right: visit(e.right) };
      case "reduction":
        return { ...e, body: visit(e.body) };
      case "concatenation":
        return { ...e, parts: e.parts.map(visit) };
      default:
        return e;
    }
  };
  return items.map((item) => (item.kind === "definition" ? { ...item, value: visit(item.value) } : item));
}
