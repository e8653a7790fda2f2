/**
 * Text → tokens. One pass, linear, never throws.
 *
 * In: the text of a source. Out: tokens with canonical names and signs, line ends and comments among them, and what could not be read.
 * A name's time subscript is a token of its own: `h_t` is `h` and time 0, `hₜ₋₁` is `h` and time 1, `h_{t-1}` is `h` and an opening `_{`.
 * `r.c`, a value inside the block that defines r, is one name. Any other subscript of letters and digits belongs to the name: `W_xi`, `W_{xi}` and `Wₓᵢ` are the name `W_xi`, and `a_ts` is the name `a_ts`;
 * the value of `a` at t and s is written `a[s]` or `a_{t,s}`. Never decides what a line is.
 */
import { canonicalName } from "../../ir/syntax/names.ts";
import type { Edit } from "../../support/diagnostic.ts";
import { classify, combiningMark, foldLetter, LATEX_SIGNS, onTheLine, signOf } from "./characters.ts";
import type { Reporter } from "./report-syntax.ts";

export type TokenKind = "name" | "number" | "sign" | "time" | "error" | "latex" | "comment" | "newline" | "end";

export interface Token {
  readonly kind: TokenKind;
  readonly start: number;
  readonly end: number;
  /** Canonical name or sign; the text of a comment. */
  readonly text: string;
  /** Value of a number, lag of a time. */
  readonly value: number;
}

const ASCII_LETTER = /[A-Za-z]/;
const NUMBER = /(?:\d+(?:\.(?!\.|\*)\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const TIME = /^t(?:([+-])(\d{1,6}))?$/;
const SINGLE_SIGNS = "+-*/^@=()[]{},;:<>|~'";

/** Reads a whole text; the last token is of kind "end". */
export function lex(text: string, reporter: Reporter): Token[] {
  const tokens: Token[] = [];
  const known = new Map<string, string>(); // canonical names of the texts seen
  let at = 0;
  const push = (kind: TokenKind, start: number, end: number, canonical = "", value = 0): void => {
    tokens.push({ kind, start, end, text: canonical, value });
    at = end;
  };
  const characterAt = (i: number): string => (i < text.length ? String.fromCodePoint(text.codePointAt(i)!) : "");

  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === 10) push("newline", at, at + 1);
    else if (code === 13) push("newline", at, at + (text.charCodeAt(at + 1) === 10 ? 2 : 1));
    else if (code === 32 || code === 9 || code === 11 || code === 12) at++;
    else if (code === 35) readComment(1);
    else if ((code >= 65 && code <= 90) || (code >= 97 && code <= 122)) readName();
    else if (code === 46 && copyAt() > at) readCopy(copyAt());
    else if ((code >= 48 && code <= 57) || (code === 46 && isDigit(text.charCodeAt(at + 1)))) readNumber();
    else if (code < 128) readAscii();
    else readOther();
  }
  push("end", text.length, text.length);
  return tokens;

  function readComment(marker: number): void {
    let end = at;
    while (end < text.length && text[end] !== "\n" && text[end] !== "\r") end++;
    push("comment", at, end, text.slice(at + marker, end).trim());
  }

  function readNumber(): void {
    NUMBER.lastIndex = at;
    const match = NUMBER.exec(text)![0];
    const value = Number(match);
    const end = at + match.length;
    if (!Number.isFinite(value)) reporter.error("E002", { start: at, end }, `\`${match}\` is too large for a number`);
    else if (match.endsWith(".")) {
      reporter.error("E002", { start: at, end }, `\`${match}\` lacks its decimals`, {
        edit: { span: { start: at, end }, text: `${match}0`, label: `${match}0` },
      });
    } else if (text[end] === "." && isDigit(text.charCodeAt(end + 1))) {
      let stop = end;
      while (text[stop] === "." ? isDigit(text.charCodeAt(stop + 1)) : isDigit(text.charCodeAt(stop))) stop++;
      reporter.error("E002", { start: at, end: stop }, `\`${text.slice(at, stop)}\` has more than one decimal point`);
      push("number", at, stop, "", value);
      return;
    }
    push("number", at, end, "", Number.isFinite(value) ? value : 0);
  }

  function readName(): void {
    const start = at;
    let i = at;
    let raw = "";
    let lag: number | undefined;
    let baseEnd = -1; // where the last `_` or lowered run begins
    for (;;) {
      const c = characterAt(i);
      if (c === "") break;
      if (c === "_") {
        const braced = text[i + 1] === "{" ? bracedAt(text, i + 1) : null;
        if (braced) {
          if (braced[1]!.normalize("NFKC") === "t") {
            lag = 0;
            baseEnd = i;
            i += 1 + braced[0].length;
            break;
          }
          raw += `_${braced[1]}`;
          i += 1 + braced[0].length;
          continue;
        }
        const next = characterAt(i + 1);
        const kind = next === "" ? "other" : next < "\x80" ? (/[A-Za-z0-9_]/.test(next) ? "letter" : "other") : classify(next);
        if (kind !== "letter" && kind !== "digit") break;
        baseEnd = i;
        raw += "_";
        i++;
      } else if (c < "\x80") {
        if (!/[A-Za-z0-9]/.test(c)) break;
        raw += c;
        i++;
      } else {
        const kind = classify(c);
        if (kind === "letter" || kind === "digit" || kind === "mark") {
          raw += kind === "letter" ? foldLetter(c) : c === "″" ? "′′" : c === "‴" ? "′′′" : c;
          i += c.length;
        } else if (kind === "accent" && !isLetterAt(i + c.length)) {
          raw += combiningMark(c);
          i += c.length;
        } else if (kind === "subscript") {
          const runStart = i;
          let run = "";
          for (let s = c; s !== "" && s >= "\x80" && classify(s) === "subscript"; s = characterAt(i)) {
            run += s;
            i += s.length;
          }
          const lowered = onTheLine(run);
          const time = TIME.exec(lowered);
          if (time) {
            lag = time[2] === undefined ? 0 : time[1] === "-" ? Number(time[2]) : 0 - Number(time[2]);
            baseEnd = runStart;
            break;
          }
          if (/^[\p{L}\p{N}]+$/u.test(lowered)) raw += `_${lowered}`;
          else reporter.error("E039", { start: runStart, end: i }, `the subscript \`${run}\` cannot be read`);
        } else break;
      }
    }
    let name = raw.normalize("NFKC");
    let length = name.length;
    while (name[length - 1] === "_") length--;
    if (lag === undefined) {
      while (length > 2 && name[length - 1] === "t" && name[length - 2] === "_") {
        length -= 2;
        lag = 0;
      }
    }
    name = name.slice(0, length);
    if (lag === 0 && baseEnd >= 0 && text[i - 1] === "t") {
      const sign = text[i];
      if ((sign === "-" || sign === "+") && isDigit(text.charCodeAt(i + 1))) {
        let stop = i + 1;
        while (isDigit(text.charCodeAt(stop))) stop++;
        if (!/[\p{L}.]/u.test(text[stop] ?? "")) warnTime(start, baseEnd, stop, text.slice(i, stop));
      }
    }
    let canonical = known.get(name);
    if (canonical === undefined) {
      canonical = canonicalName(name);
      known.set(name, canonical);
    }
    // `r.c`: a value inside the block that defines r is one name.
    const host = tokens[tokens.length - 1];
    const isInside = host?.kind === "name" && host.end === start - 1 && text[start - 1] === ".";
    const first = isInside ? tokens.pop()!.start : start;
    if (isInside) canonical = `${host.text}.${canonical}`;
    if (lag === undefined) push("name", first, i, canonical);
    else {
      push("name", first, baseEnd, canonical);
      push("time", baseEnd, i, "", lag);
    }
    if (text[i] === "_" && text[i + 1] === "{") push("sign", i, i + 2, "_{");
  }

  function warnTime(start: number, baseEnd: number, stop: number, distance: string): void {
    const written = text.slice(start, stop);
    const cure = `${text.slice(start, baseEnd)}[t${distance}]`;
    reporter.warning(
      "W001",
      { start, end: stop },
      `\`${written}\` is \`${text.slice(start, stop - distance.length)}\` ${distance[0] === "-" ? "minus" : "plus"} ${distance.slice(1)}`,
      {
        edit: { span: { start, end: stop }, text: cure, label: cure },
      },
    );
  }

  function isLetterAt(i: number): boolean {
    const c = characterAt(i);
    return c !== "" && (c < "\x80" ? ASCII_LETTER.test(c) : classify(c) === "letter");
  }

  /** In `h.2.c`, the end of `.2`: the second of several copies, inside of which something is read; where it begins if there is none. */
  function copyAt(): number {
    const host = tokens[tokens.length - 1];
    if (host?.kind !== "name" || host.end !== at) return at;
    let stop = at + 1;
    while (isDigit(text.charCodeAt(stop))) stop++;
    return stop > at + 1 && text[stop] === "." && isLetterAt(stop + 1) ? stop : at;
  }

  function readCopy(stop: number): void {
    const host = tokens.pop()!;
    push("name", host.start, stop, `${host.text}${text.slice(at, stop)}`);
  }

  function readAscii(): void {
    const c = text[at]!;
    const two = text.slice(at, at + 2);
    if (c === ".") {
      if (two === ".*") push("sign", at, at + 2, "∘");
      else if (two === "..") push("sign", at, at + (text[at + 2] === "." ? 3 : 2), "..");
      else if (tokens[tokens.length - 1]?.kind === "name" && tokens[tokens.length - 1]!.end === at && isLetterAt(at + 1)) {
        at++;
        readName();
      } else unexpected();
    } else if (two === "->") push("sign", at, at + 2, "→");
    else if (two === "<=") push("sign", at, at + 2, "≤");
    else if (two === ">=") push("sign", at, at + 2, "≥");
    else if (two === "=>") misspelled("E012", 2, "→", "->", "headers are written with `→` or `->`");
    else if (two === ":=" || two === "==") misspelled("E012", 2, "=", "=", "definitions are written with `=`");
    else if (two === "**") misspelled("E001", 2, "^", "^", "powers are written with `^`");
    else if (two === "//") {
      reporter.error("E001", { start: at, end: at + 2 }, "comments begin with `#`", {
        edit: { span: { start: at, end: at + 2 }, text: "#", label: "#" },
      });
      readComment(2);
    } else if (c === "@") push("sign", at, at + 1, "·");
    else if (SINGLE_SIGNS.includes(c)) push("sign", at, at + 1, c);
    else if (c === "\\" || c === "$") readLatex();
    else unexpected();
  }

  function misspelled(code: "E001" | "E012", length: number, sign: string, cure: string, why: string): void {
    const span = { start: at, end: at + length };
    reporter.error(code, span, `\`${text.slice(at, at + length)}\`: ${why}`, { edit: { span, text: cure, label: cure } });
    push("sign", span.start, span.end, sign);
  }

  function readLatex(): void {
    const start = at;
    let end = at + 1;
    while (end < text.length && ASCII_LETTER.test(text[end]!)) end++;
    const word = text.slice(start + 1, end);
    const character = LATEX_SIGNS[word] ?? (canonicalName(word) === word || text[start] === "$" ? undefined : canonicalName(word));
    const edit: Edit | undefined = character === undefined ? undefined : { span: { start, end }, text: character, label: character };
    reporter.latex({ start, end }, text.slice(start, Math.max(end, start + 1)), edit);
    push("latex", start, end);
  }

  function readOther(): void {
    const c = characterAt(at);
    const kind = classify(c);
    const sign = signOf(c);
    if (kind === "space") at += c.length;
    else if (kind === "newline") push("newline", at, at + c.length);
    else if (c === "ℝ") push("name", at, at + 1, "ℝ");
    else if (sign === ":=") misspelled("E012", c.length, "=", "=", "definitions are written with `=`");
    else if (sign !== undefined) push("sign", at, at + c.length, sign);
    else if (kind === "letter") readName();
    else if (kind === "accent" && isLetterAt(at + c.length)) readAccented(c);
    else if (kind === "superscript") readRaised();
    else if (kind === "digit") readFoldedNumber();
    else unexpected();
  }

  /** ˜h, as PDF text has it: the accent belongs to the letter after it. */
  function readAccented(accent: string): void {
    const start = at;
    at += accent.length;
    const letter = characterAt(at);
    readName();
    for (let k = tokens.length - 1; k >= 0; k--) {
      const token = tokens[k]!;
      if (token.kind !== "name") continue;
      const shown = letter.normalize("NFKC");
      const name = token.text.startsWith(shown) ? canonicalName(shown + combiningMark(accent) + token.text.slice(shown.length)) : token.text;
      tokens[k] = { ...token, start, text: name };
      break;
    }
  }

  function readFoldedNumber(): void {
    const start = at;
    let digits = "";
    let i = at;
    for (let c = characterAt(i); c !== "" && (c === "." ? isDigitAt(i + 1) : /^[0-9]$/.test(c.normalize("NFKC"))); c = characterAt(i)) {
      digits += c.normalize("NFKC");
      i += c.length;
    }
    push("number", start, i, "", Number.isFinite(Number(digits)) ? Number(digits) : 0);
  }

  function isDigitAt(i: number): boolean {
    return /^[0-9]$/.test(characterAt(i).normalize("NFKC"));
  }

  function readRaised(): void {
    const start = at;
    let run = "";
    let end = at;
    for (let c = characterAt(at); c !== "" && c >= "\x80" && classify(c) === "superscript"; c = characterAt(end)) {
      run += c;
      end += c.length;
    }
    const raised = onTheLine(run);
    const previous = tokens[tokens.length - 1];
    if (/^T+$/.test(raised) && !(previous?.kind === "name" && previous.text === "ℝ")) {
      for (let i = start; i < end; i++) push("sign", i, i + 1, "'");
    } else if (/^-?\d{1,15}$/.test(raised)) {
      push("sign", start, end, "^");
      if (raised.startsWith("-")) push("sign", start, end, "-");
      push("number", start, end, "", Math.abs(Number(raised)));
    } else if (previous?.kind === "name" && (previous.text === "ℝ" || previous.text === "R") && /^[A-Za-wy-z0-9]+(x[A-Za-wy-z0-9]+)*$/.test(raised)) {
      push("sign", start, end, "^");
      push("sign", start, end, "{");
      raised.split("x").forEach((size, k) => {
        if (k > 0) push("sign", start, end, "×");
        if (/^\d+$/.test(size)) push("number", start, end, "", Number(size));
        else push("name", start, end, canonicalName(size));
      });
      push("sign", start, end, "}");
    } else {
      reporter.error("E039", { start, end }, `the superscript \`${run}\` cannot be read`);
      push("error", start, end);
    }
  }

  function unexpected(): void {
    const start = at;
    const c = characterAt(at);
    let end = at + c.length;
    while (text.startsWith(c, end) && end < text.length) end += c.length;
    reporter.error("E001", { start, end }, `${describe(c)} is no part of the language`);
    push("error", start, end);
  }
}

/** `{xi}` at this place. */
function bracedAt(text: string, at: number): RegExpExecArray | null {
  const pattern = /\{([\p{L}\p{N}]+)\}/uy;
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function describe(c: string): string {
  if (/^[\p{L}\p{N}\p{P}\p{S}]$/u.test(c)) return `\`${c}\``;
  return `the character U+${c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;
}
