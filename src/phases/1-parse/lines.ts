/**
 * Tokens → logical lines with balanced brackets.
 *
 * In: all tokens of a text. Out: its comments and logical lines in order. A line continues while a bracket is open or when the next one starts
 * with an operator; `where` continues after a comma. A line that begins like an equation ends an open bracket, so that one missing bracket costs
 * one message and one line. Missing and wrong brackets are reported and mended here: whoever reads a line finds all of them in pairs. Linear.
 */
import type { Token } from "./lex.ts";
import type { Reporter } from "./report-syntax.ts";

export interface Line {
  readonly kind: "line";
  /** Balanced; the last token is of kind "end". */
  readonly tokens: readonly Token[];
  readonly start: number;
  readonly end: number;
  /** Comments between the parts of a continued line. */
  readonly inner: readonly Token[];
  /** Comment at its end. */
  readonly comment?: Token;
  readonly hasLatex: boolean;
  /** True if a bracket that holds a subscript or sizes was never closed: what seems to stand in it may belong behind it. */
  readonly isDoubtful: boolean;
}
export interface LineComment {
  readonly kind: "comment";
  readonly token: Token;
  /** True if nothing, not even an empty line, stands between the comment and what follows it. */
  readonly touchesNext: boolean;
}
export type LineEntry = Line | LineComment;

const OPENING: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}", "_{": "}" };
const CLOSING = new Set([")", "]", "}"]);
const CONTINUES = new Set([
  "+",
  "-",
  "*",
  "/",
  "^",
  "·",
  "∘",
  "∗",
  "⊗",
  "×",
  "=",
  "→",
  "~",
  "∈",
  "≤",
  "≥",
  "<",
  ">",
  ",",
  ";",
  ":",
  "..",
  ")",
  "]",
  "}",
]);
const TRAILING = new Set(["+", "-", "*", "/", "^", "·", "∘", "∗", "⊗", "×", "=", "→", "~", "∈", "≤", "≥", "<", ">"]);

interface OpenLine {
  readonly tokens: Token[];
  readonly open: string[];
  readonly inner: Token[];
  comment: Token | undefined;
}

/** Groups tokens into logical lines and comments. */
export function splitLines(tokens: readonly Token[], reporter: Reporter): LineEntry[] {
  const entries: LineEntry[] = [];
  let line: OpenLine | undefined;
  let pending: { token: Token; touchesNext: boolean }[] = [];

  const flushPending = (): void => {
    for (const { token, touchesNext } of pending) entries.push({ kind: "comment", token, touchesNext });
    pending = [];
  };
  const close = (): void => {
    if (line) entries.push(finishLine(line, reporter));
    line = undefined;
    flushPending();
  };

  let at = 0;
  while (at < tokens.length) {
    let end = at;
    while (tokens[end]!.kind !== "newline" && tokens[end]!.kind !== "comment" && tokens[end]!.kind !== "end") end++;
    const comment = tokens[end]!.kind === "comment" ? tokens[end] : undefined;
    if (end > at) {
      if (line && continues(line, tokens, at, end, reporter)) {
        if (line.comment) line.inner.push(line.comment);
        for (const { token } of pending) line.inner.push(token);
        pending = [];
      } else {
        close();
        line = { tokens: [], open: [], inner: [], comment: undefined };
      }
      append(line, tokens, at, end);
      line.comment = comment;
    } else if (comment) pending.push({ token: comment, touchesNext: true });
    else if (tokens[end]!.kind === "newline") {
      const last = pending[pending.length - 1];
      if (last) last.touchesNext = false;
    }
    at = end + 1;
    if (comment && tokens[at]?.kind === "newline") at++;
  }
  close();
  return entries;
}

function append(line: OpenLine, tokens: readonly Token[], from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const token = tokens[i]!;
    line.tokens.push(token);
    if (token.kind !== "sign") continue;
    if (Object.hasOwn(OPENING, token.text)) line.open.push(token.text);
    else if (CLOSING.has(token.text)) line.open.pop();
  }
}

function continues(line: OpenLine, tokens: readonly Token[], from: number, to: number, reporter: Reporter): boolean {
  const first = tokens[from]!;
  const last = line.tokens[line.tokens.length - 1]!;
  const lastSign = last.kind === "sign" ? last.text : "";
  const isWhere = line.tokens[0]!.kind === "name" && line.tokens[0]!.text === "where";
  if (first.kind === "sign" && CONTINUES.has(first.text)) return true;
  if (first.kind === "name" && first.text === "where") return false;
  if (isHeader(tokens, from, to)) return false;
  if (isWhere && line.open.length === 0) return lastSign === "," || lastSign === ";" || line.tokens.length === 1;
  const starts = isDefinition(tokens, from, to);
  if (line.open.length > 0) {
    const isArgument = line.open[line.open.length - 1] === "(" && (lastSign === "," || lastSign === "(") && isPlainAssignment(tokens, from, to);
    return !starts || isArgument;
  }
  if (starts || !TRAILING.has(lastSign)) return false;
  reporter.error("E038", last, `the line ends with \`${lastSign}\``, { label: "move this to the next line" });
  return true;
}

/** `name(…) →` */
export function isHeader(tokens: readonly Token[], from: number, to: number): boolean {
  if (tokens[from]!.kind !== "name" || from + 1 >= to || tokens[from + 1]!.text !== "(" || tokens[from + 1]!.kind !== "sign") return false;
  for (let i = from + 2; i < to; i++) {
    const token = tokens[i]!;
    if (token.kind === "sign" && token.text === ")") return i + 1 < to && tokens[i + 1]!.kind === "sign" && tokens[i + 1]!.text === "→";
  }
  return false;
}

function isPlainAssignment(tokens: readonly Token[], from: number, to: number): boolean {
  return from + 1 < to && tokens[from]!.kind === "name" && tokens[from + 1]!.kind === "sign" && tokens[from + 1]!.text === "=";
}

/** `name =`, `log name =`, `name[…] =`, `name_{…} =` */
function isDefinition(tokens: readonly Token[], from: number, to: number): boolean {
  let i = from;
  if (tokens[i]!.kind !== "name") return false;
  i++;
  if (i < to && tokens[i]!.kind === "name") i++;
  for (let part = 0; i < to && part < 4; part++) {
    const token = tokens[i]!;
    if (token.kind === "time") i++;
    else if (token.kind === "sign" && (token.text === "[" || token.text === "_{")) {
      const limit = Math.min(to, i + 24);
      i++;
      while (i < limit && !(tokens[i]!.kind === "sign" && CLOSING.has(tokens[i]!.text))) i++;
      i++;
    } else return token.kind === "sign" && token.text === "=";
  }
  return false;
}

function finishLine(line: OpenLine, reporter: Reporter): Line {
  const first = line.tokens[0]!;
  const last = line.tokens[line.tokens.length - 1]!;
  const hasLatex = line.tokens.some((token) => token.kind === "latex");
  const { tokens, isDoubtful } = hasLatex ? { tokens: [...line.tokens], isDoubtful: true } : balance(line.tokens, reporter);
  const end = tokens[tokens.length - 1]?.end ?? first.start;
  tokens.push({ kind: "end", start: end, end, text: "", value: 0 });
  return {
    kind: "line",
    tokens,
    start: first.start,
    end: last.end,
    inner: line.inner,
    hasLatex,
    isDoubtful,
    ...(line.comment ? { comment: line.comment } : {}),
  };
}

function balance(tokens: readonly Token[], reporter: Reporter): { tokens: Token[]; isDoubtful: boolean } {
  const balanced: Token[] = [];
  const open: Token[] = [];
  const surplus = surplusOf(tokens);
  let isDoubtful = false;
  const closeWith = (opening: Token, at: number): void => {
    balanced.push({ kind: "sign", start: at, end: at, text: OPENING[opening.text]!, value: 0 });
  };
  for (const token of tokens) {
    if (token.kind === "sign" && Object.hasOwn(OPENING, token.text)) open.push(token);
    if (token.kind !== "sign" || !CLOSING.has(token.text)) {
      balanced.push(token);
      continue;
    }
    const top = open[open.length - 1];
    const below = open[open.length - 2];
    if (!top) {
      reporter.error("E007", token, `\`${token.text}\` closes nothing`, { edit: { span: token, text: "", label: `without \`${token.text}\`` } });
    } else if (OPENING[top.text] === token.text) {
      open.pop();
      balanced.push(token);
    } else if (below && OPENING[below.text] === token.text && (surplus.get(token.text) ?? 0) <= 0) {
      const missing = OPENING[top.text]!;
      isDoubtful = true;
      reporter.error("E006", top, `\`${bracketName(top)}\` is never closed`, {
        edit: { span: { start: token.start, end: token.start }, text: missing, label: `\`${missing}${token.text}\` in place of \`${token.text}\`` },
      });
      closeWith(top, token.start);
      balanced.push(token);
      open.length -= 2;
    } else {
      const right = OPENING[top.text]!;
      surplus.set(token.text, (surplus.get(token.text) ?? 0) - 1);
      reporter.error("E008", token, `\`${bracketName(top)}\` is closed by \`${token.text}\``, {
        reasons: [{ message: `\`${bracketName(top)}\` is opened here`, span: { start: top.start, end: top.end } }],
        edit: { span: token, text: right, label: right },
      });
      balanced.push({ ...token, text: right });
      open.pop();
    }
  }
  if (open.length > 0) {
    isDoubtful ||= open.some((opening) => opening.text !== "(");
    const last = open[open.length - 1]!;
    const end = tokens[tokens.length - 1]!.end;
    const missing = open
      .map((opening) => OPENING[opening.text]!)
      .reverse()
      .join("");
    const shown = missing.length > 8 ? `${missing.slice(0, 8)}…` : missing;
    reporter.error("E006", last, open.length === 1 ? `\`${bracketName(last)}\` is never closed` : `${open.length} brackets are never closed`, {
      edit: { span: { start: end, end }, text: missing, label: `\`${shown}\` at the end of the line` },
    });
    for (let i = open.length - 1; i >= 0; i--) closeWith(open[i]!, end);
  }
  return { tokens: balanced, isDoubtful };
}

/** How many more of each closing bracket there are than of its opening one: tells a wrong bracket from a missing one. */
function surplusOf(tokens: readonly Token[]): Map<string, number> {
  const surplus = new Map<string, number>();
  for (const { kind, text } of tokens) {
    if (kind !== "sign") continue;
    if (CLOSING.has(text)) surplus.set(text, (surplus.get(text) ?? 0) + 1);
    else if (Object.hasOwn(OPENING, text)) surplus.set(OPENING[text]!, (surplus.get(OPENING[text]!) ?? 0) - 1);
  }
  return surplus;
}

function bracketName(token: Token): string {
  return token.text === "_{" ? "{" : token.text;
}
