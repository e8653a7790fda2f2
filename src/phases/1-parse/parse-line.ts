/**
 * One logical line: header, definition or `where`.
 *
 * In: a line with balanced brackets. Out: its node, or undefined if it could not be read as anything (and a message was reported).
 */
import type { Declaration, Definition, Expression, Header, Identifier, Where } from "../../ir/syntax/node.ts";
import type { Span } from "../../support/source.ts";
import type { Context, Cursor } from "./cursor.ts";
import { accept, atEnd, blockIdentifier, createCursor, fail, identifier, isSign, next, peek, previousEnd, quoted, written } from "./cursor.ts";
import type { Line } from "./lines.ts";
import { looksDeclared, parseDeclarations, parseIndices } from "./parse-declarations.ts";
import { parseExpression } from "./parse-expression.ts";
import { unexpected } from "./recover.ts";

/** What a line holds: a header, or the items of a block (`h = o∘c where b ~ 1` is two). */
export interface ReadLine {
  readonly header?: Header;
  readonly items: readonly (Definition | Where)[];
}

/** Reads a line; nothing at all is read from a line of LaTeX. */
export function parseLine(context: Context, line: Line): ReadLine {
  if (line.hasLatex) return { items: [] };
  const c = createCursor(context, line.tokens, line.isDoubtful);
  if (peek(c).kind === "name" && peek(c).text === "where" && !isSign(peek(c, 1), "=")) return { items: [parseWhere(c, line)] };
  const shape = shapeOf(c);
  if (shape.arrow >= 0 && (shape.equals < 0 || shape.arrow < shape.equals)) {
    const header = parseHeader(c);
    return header ? { header, items: [] } : { items: [] };
  }
  if (shape.equals >= 0) return { items: parseDefinition(c, line) };
  const header = reportNoEquation(c);
  return header ? { header, items: [] } : { items: [] };
}

/** Where the first `=` and the first `→` outside brackets stand. */
function shapeOf(c: Cursor): { equals: number; arrow: number } {
  let equals = -1;
  let arrow = -1;
  let depth = 0;
  for (let i = 0; i < c.tokens.length; i++) {
    const token = c.tokens[i]!;
    if (isSign(token, "(", "[", "{", "_{")) depth++;
    else if (isSign(token, ")", "]", "}")) depth--;
    else if (depth === 0 && equals < 0 && isSign(token, "=")) equals = i;
    else if (depth === 0 && arrow < 0 && isSign(token, "→")) arrow = i;
  }
  return { equals, arrow };
}

function lineSpan(c: Cursor): Span {
  const last = c.tokens[c.tokens.length - 2] ?? c.tokens[0]!;
  return { start: c.tokens[0]!.start, end: last.end };
}

/** Says what the line lacks; returns the header that it was meant to be, if it was. */
function reportNoEquation(c: Cursor): Header | undefined {
  const span = lineSpan(c);
  if (c.tokens.length < 2 || c.tokens.every((token) => token.kind === "error" || token.kind === "end")) return undefined;
  if (looksDeclared(c)) {
    fail(c, "E024", span, `\`${quoted(c, span)}\` is a declaration and needs \`where\``, {
      edit: { span: { start: span.start, end: span.start }, text: "where ", label: `where ${quoted(c, span)}` },
    });
    return undefined;
  }
  if (peek(c).kind === "name" && isSign(peek(c, 1), "(") && isNamesOnly(c)) {
    const end = { start: span.end, end: span.end };
    fail(c, "E014", span, `the header \`${quoted(c, span)}\` does not say what it returns`, {
      edit: { span: end, text: " → y", label: `${quoted(c, span)} → y` },
    });
    return { kind: "header", span, name: blockIdentifier(c, next(c)), inputs: [], outputs: [] };
  }
  if (!c.isDoubtful) c.context.reporter.retract(span);
  fail(c, "E009", span, `\`${quoted(c, span)}\` is no equation: it has no \`=\``);
  return undefined;
}

/** True if the line is `name(a, b)`. */
function isNamesOnly(c: Cursor): boolean {
  const close = c.tokens.length - 2;
  return (
    isSign(c.tokens[close]!, ")") && c.tokens.slice(2, close).every((token) => token.kind === "name" || token.kind === "time" || isSign(token, ","))
  );
}

function parseWhere(c: Cursor, line: Line): Where {
  const start = next(c).start;
  const declarations: readonly Declaration[] = parseDeclarations(c);
  return {
    kind: "where",
    span: { start, end: Math.max(previousEnd(c), line.end) },
    declarations,
    ...(line.comment ? { comment: line.comment.text } : {}),
  };
}

function parseHeader(c: Cursor): Header | undefined {
  const span = lineSpan(c);
  if (peek(c).kind !== "name") {
    fail(c, "E014", span, "a header begins with the name of its block");
    return undefined;
  }
  const name = blockIdentifier(c, next(c));
  if (!accept(c, "(")) {
    const arrow = c.tokens.find((token) => isSign(token, "→"))!;
    const inputs = written(c, { start: name.span.end, end: arrow.start }).trim();
    const cure = `${quoted(c, name.span)}(${inputs.length > 30 ? "…" : inputs})`;
    fail(c, "E014", span, "the inputs of a header stand in brackets", {
      edit: { span: { start: name.span.start, end: arrow.start }, text: `${written(c, name.span)}(${inputs}) `, label: `${cure} → …` },
    });
    return { kind: "header", span, name, inputs: [], outputs: [] };
  }
  const inputs = parseNameList(c, "input");
  if (!accept(c, ")")) {
    skipUntil(c, ")");
    accept(c, ")");
  }
  if (!isSign(peek(c), "→")) {
    fail(c, "E014", peek(c), "`→` and the outputs are expected here");
    return { kind: "header", span, name, inputs, outputs: [] };
  }
  const arrow = next(c);
  const opening = accept(c, "(");
  if (atEnd(c)) fail(c, "E014", arrow, "the outputs are missing after `→`");
  const outputs = atEnd(c) ? [] : parseNameList(c, "output");
  if (opening) accept(c, ")");
  if (!atEnd(c)) fail(c, "E034", peek(c), `\`${quoted(c, peek(c))}\` cannot stand in a header`, { label: "equations start on a line of their own" });
  const end = previousEnd(c);
  return { kind: "header", span: { start: span.start, end }, name, inputs, outputs };
}

function skipUntil(c: Cursor, sign: string): void {
  while (!atEnd(c) && !isSign(peek(c), sign)) next(c);
}

/** `x, h0` — names only; time suffixes are left out. */
function parseNameList(c: Cursor, role: "input" | "output"): Identifier[] {
  const names: Identifier[] = [];
  const given = new Set<string>();
  while (!isSign(peek(c), ")") && !atEnd(c)) {
    const token = peek(c);
    if (token.kind !== "name") {
      if (isSign(token, ",")) fail(c, "E017", token, `an ${role} is missing before this comma`);
      else fail(c, "E014", token, `\`${quoted(c, token)}\` is not the name of an ${role}`);
      while (!isSign(peek(c), ",", ")", "→") && !atEnd(c)) next(c);
    } else {
      const name = identifier(c);
      if (given.has(name.name)) fail(c, "E043", name.span, `\`${quoted(c, name.span)}\` is an ${role} twice`);
      else names.push(name);
      given.add(name.name);
      parseIndices(c);
    }
    if (!isSign(peek(c), ",")) {
      if (!isSign(peek(c), ")") && !atEnd(c)) {
        fail(c, "E014", peek(c), `\`${quoted(c, peek(c))}\` cannot stand in the list of ${role}s`);
        while (!isSign(peek(c), ")", "→") && !atEnd(c)) next(c);
      }
      break;
    }
    const comma = next(c);
    if (isSign(peek(c), ")") || atEnd(c))
      fail(c, "E017", comma, "nothing follows the last comma", { edit: { span: comma, text: "", label: "without the comma" } });
  }
  return names;
}

/** `name = e`, `name[n, s] = e`, `log name = e`, then perhaps `where …` on the same line. */
function parseDefinition(c: Cursor, line: Line): (Definition | Where)[] {
  const start = peek(c).start;
  const target = parseTarget(c);
  if (!target) {
    skipUntil(c, "=");
  }
  const equals = accept(c, "=")!;
  if (isSign(peek(c), "=")) unexpected(c);
  while (accept(c, "=")) continue;
  let value: Expression;
  if (atEnd(c)) {
    fail(c, "E005", equals, "nothing follows `=`");
    value = { kind: "name", span: { start: equals.end, end: equals.end }, name: "" };
  } else value = parseExpression(c);
  const definition = (comment: boolean): Definition[] =>
    target
      ? [
          {
            kind: "definition",
            span: { start, end: Math.max(value.span.end, equals.end) },
            ...target,
            value,
            ...(comment && line.comment ? { comment: line.comment.text } : {}),
          },
        ]
      : [];
  if (peek(c).kind === "name" && peek(c).text === "where") return [...definition(false), parseWhere(c, line)];
  if (!atEnd(c)) {
    const token = peek(c);
    if (isSign(token, ";", ",")) {
      const hint = isSign(token, ",") && value.kind === "number" && peek(c, 1).kind === "number";
      const details = hint ? { label: "the decimal point is a point" } : { label: "a new equation starts on a new line" };
      fail(c, "E034", token, `\`${token.text}\` cannot stand after the end of an equation`, details);
    } else unexpected(c);
  }
  return definition(true);
}

interface Target {
  readonly form: "plain" | "log";
  readonly target: Identifier;
  readonly indices: readonly Identifier[];
}

function parseTarget(c: Cursor): Target | undefined {
  const first = peek(c);
  const second = peek(c, 1);
  const equals = c.tokens.findIndex((token) => isSign(token, "="));
  const left = { start: first.start, end: equals > 0 ? c.tokens[equals - 1]!.end : first.end };
  const isLog = first.kind === "name" && first.text === "log" && second.kind === "name";
  if (first.kind === "name" && second.kind === "name" && !isLog && equals === 2) {
    fail(c, "E010", left, `\`${quoted(c, left)}\` is not one name`, { label: "only `log` stands before a defined name" });
    return undefined;
  }
  if (first.kind === "name" && first.text === "log" && isSign(second, "(") && peek(c, 2).kind === "name" && isSign(peek(c, 3), ")") && equals === 4) {
    const cure = `log ${quoted(c, peek(c, 2))}`;
    fail(c, "E010", left, `a logarithm is defined without brackets`, { edit: { span: left, text: cure, label: `${cure} = …` } });
    return undefined;
  }
  if (isLog) next(c);
  if (peek(c).kind !== "name") {
    reportTarget(c, left, equals);
    return undefined;
  }
  const token = peek(c);
  if (token.text === "t" || token.text === "where") {
    fail(c, "E041", token, `\`${token.text}\` cannot be defined`);
    return undefined;
  }
  const target = identifier(c);
  const time = peek(c);
  if (time.kind === "time" && time.value !== 0) return reportOtherTime(c, left, target, time.value);
  if (isSign(peek(c), "[", "_{")) {
    const lag = soleLag(c);
    if (lag === "initial") {
      const whole = lineSpan(c);
      fail(c, "E024", left, `\`${quoted(c, left)}\` is an initial value, which needs \`where\``, {
        edit: { span: { start: whole.start, end: whole.start }, text: "where ", label: `where ${quoted(c, whole)}` },
      });
      return undefined;
    }
    if (lag !== undefined) return reportOtherTime(c, left, target, lag);
  }
  const indices = parseIndices(c);
  if (!isSign(peek(c), "=")) {
    reportTarget(c, left, equals);
    return undefined;
  }
  return { form: isLog ? "log" : "plain", target, indices };
}

function reportTarget(c: Cursor, left: Span, equals: number): void {
  if (equals === 0) fail(c, "E010", c.tokens[0]!, "a name is missing on the left of `=`");
  else fail(c, "E010", left, `\`${quoted(c, left)}\` is not a name that could be defined`);
}

function reportOtherTime(c: Cursor, left: Span, target: Identifier, lag: number): undefined {
  const other = lag > 0 ? `t-${lag}` : `t+${-lag}`;
  fail(c, "E011", left, `\`${quoted(c, left)}\` defines a value at ${other}`, {
    edit: { span: left, text: written(c, target.span), label: `${quoted(c, target.span)} = …, with everything on the right shifted as well` },
  });
  return undefined;
}

/** What stands alone in the brackets at the cursor: a lag other than 0, a number of a step, or something else. */
function soleLag(c: Cursor): number | "initial" | undefined {
  const [a, b, d, e] = [peek(c, 1), peek(c, 2), peek(c, 3), peek(c, 4)];
  const closes = (token: typeof a): boolean => isSign(token, "]", "}");
  if ((a.kind === "number" && closes(b)) || (isSign(a, "-") && b.kind === "number" && closes(d))) return "initial";
  if (a.kind === "name" && a.text === "T" && isSign(b, "+") && d.kind === "number" && closes(e)) return "initial";
  if (a.kind === "name" && a.text === "t" && isSign(b, "-", "+") && d.kind === "number" && closes(e) && d.value !== 0) {
    return b.text === "-" ? d.value : -d.value;
  }
  return undefined;
}
