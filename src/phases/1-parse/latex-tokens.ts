/**
 * LaTeX → tokens, equation by equation.
 *
 * In: pasted LaTeX. Out: equations as token lists: fonts, sizes of brackets, spaces and alignment are gone, words (`\mathrm{softmax}`) are one token each.
 * Letters are tokens one by one, as in mathematics, but words that name a function stay together. Never throws, linear.
 */
import type { Span } from "../../support/source.ts";

export type LatexKind = "command" | "letter" | "word" | "number" | "sign" | "break" | "blank" | "comment" | "tag" | "end";

export interface LatexToken extends Span {
  readonly kind: LatexKind;
  readonly text: string;
}

/** Functions by the words that papers use for them, lower-case, without separators. */
export const FUNCTION_WORDS: Readonly<Record<string, string>> = {
  sigmoid: "σ",
  sigm: "σ",
  sigma: "σ",
  logsigmoid: "log_σ",
  hardsigmoid: "hard_σ",
  tanh: "tanh",
  exp: "exp",
  log: "log",
  ln: "log",
  softplus: "softplus",
  relu: "relu",
  gelu: "gelu",
  silu: "silu",
  swish: "silu",
  elu: "elu",
  abs: "abs",
  sign: "sign",
  sgn: "sign",
  sin: "sin",
  cos: "cos",
  erf: "erf",
  max: "max",
  min: "min",
  clamp: "clamp",
  softmax: "softmax",
  logsoftmax: "log_softmax",
  norm: "norm",
  normalize: "normalize",
  rmsnorm: "rms_norm",
  layernorm: "layer_norm",
  topk: "top_k",
  concat: "concat",
  diag: "diag",
  dropout: "dropout",
  crossentropy: "cross_entropy",
};

/** The function that a word stands for. */
export function functionOfWord(word: string): string | undefined {
  const key = word.toLowerCase().replace(/[\s_-]/gu, "");
  return Object.hasOwn(FUNCTION_WORDS, key) ? FUNCTION_WORDS[key] : undefined;
}

const IGNORED = new Set(
  "left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr middle quad qquad nonumber notag displaystyle textstyle limits nolimits mathbf mathbb mathcal mathit mathsf boldsymbol bm bf it rm mathstrut hfill noindent centering allowbreak".split(
    " ",
  ),
);
const WITH_WORD = new Set(["mathrm", "text", "textrm", "textit", "textbf", "textsf", "texttt", "operatorname", "mbox", "mathop", "mathtt"]);
const DROPPED_GROUP = new Set(["begin", "end", "label", "ref", "eqref", "cite", "hspace", "vspace", "color", "phantom", "hphantom"]);
const SIZING = new Set(["left", "right", "middle"]);

/** Tokens of a whole text. `\\` and the ends of displays are "break", empty lines and line ends "blank" (its text is the line end). */
export function lexLatex(text: string): LatexToken[] {
  const tokens: LatexToken[] = [];
  let at = 0;
  const push = (kind: LatexKind, start: number, end: number, content: string): void => {
    tokens.push({ kind, start, end, text: content });
    at = end;
  };
  /** The braces at a place, up to 200 characters; `\\operatorname*{…}` has a star before them. */
  const group = (from: number): { content: string; end: number } | undefined => {
    let start = from;
    while (/\s/u.test(text[start] ?? "") || text[start] === "*") start++;
    if (text[start] !== "{") return undefined;
    const content = text.slice(start + 1, start + 200);
    const length = content.indexOf("}");
    return length < 0 ? undefined : { content: content.slice(0, length), end: start + length + 2 };
  };
  while (at < text.length) {
    const c = text[at]!;
    if ((at === 0 || text[at - 1] === "\n") && readProse()) continue;
    if (c === "\\") readCommand();
    else if (c === "%") {
      let end = at;
      while (end < text.length && text[end] !== "\n") end++;
      push("comment", at, end, text.slice(at + 1, end).trim());
    } else if (c === "\n" || c === "\r") push("blank", at, at + 1, "\n");
    else if (c === "$") push("break", at, at + (text[at + 1] === "$" ? 2 : 1), "$");
    else if (/[\s&~]/u.test(c)) at++;
    else if (/\d/.test(c) || (c === "." && /\d/.test(text[at + 1] ?? ""))) {
      let end = at;
      while (/[\d.]/.test(text[end] ?? "")) end++;
      if (text[end - 1] === ".") end--;
      push("number", at, end, text.slice(at, end));
    } else if (/\p{L}/u.test(String.fromCodePoint(text.codePointAt(at)!))) readLetters();
    else push("sign", at, at + c.length, c === "−" ? "-" : c === "′" ? "'" : c);
  }
  tokens.push({ kind: "end", start: text.length, end: text.length, text: "" });
  return tokens;

  /** A line of plain words between displays, with formulas of no equation in it: "where $\\odot$ is the elementwise product". */
  function readProse(): boolean {
    const length = text.slice(at, at + 1000).search(/[\r\n]|$/u);
    if (length === 1000) return false;
    const line = text.slice(at, at + length);
    const words = line.replace(/\$[^$=]*\$/gu, " ");
    if (!/^[\p{L}\s,.;:!?()'’“”"-]+$/u.test(words)) return false;
    if (words.split(/[^\p{L}]+/u).filter((word) => word.length > 2 && !functionOfWord(word)).length < 2) return false;
    push("comment", at, at + line.length, line.trim());
    return true;
  }

  function readLetters(): void {
    let end = at;
    while (end < text.length && /[A-Za-z]/.test(text[end]!)) end++;
    const run = text.slice(at, end);
    const isWord = run.length > 4 && !/[\d_^]/.test(text[end] ?? ""); // nobody multiplies so many letters without a script
    if (isWord || (run.length > 2 && functionOfWord(run) && text[end] !== "}")) push("word", at, end, run);
    else {
      const letter = String.fromCodePoint(text.codePointAt(at)!);
      let stop = at + letter.length;
      while (/\d/.test(text[stop] ?? "")) stop++; // h1 is a name, as nobody multiplies by a number on the right
      push("letter", at, stop, text.slice(at, stop).normalize("NFKC"));
    }
  }

  function readCommand(): void {
    const start = at;
    let end = at + 1;
    while (end < text.length && /[A-Za-z]/.test(text[end]!)) end++;
    if (end === at + 1) {
      const sign = text[end] ?? "";
      if (sign === "\\") {
        const space = /^\*?(?:\[[^\]\n]{0,20}\])?/u.exec(text.slice(end + 1, end + 30))![0];
        push("break", start, end + 1 + space.length, "\\\\");
      } else if ("[](".includes(sign) || sign === ")") push("break", start, end + 1, "$");
      else if (sign === "{") push("sign", start, end + 1, "(");
      else if (sign === "}") push("sign", start, end + 1, ")");
      else if (sign === "|") push("sign", start, end + 1, "‖");
      else at = end + 1; // \, \; \: \! and the like
      return;
    }
    const name = text.slice(start + 1, end);
    if (WITH_WORD.has(name)) {
      const word = group(end);
      if (word) push("word", start, word.end, word.content.trim());
      else at = end;
    } else if (name === "tag") {
      const tag = group(end);
      if (tag) push("tag", start, tag.end, tag.content.trim());
      else at = end;
    } else if (DROPPED_GROUP.has(name)) {
      const dropped = group(end);
      if (name === "begin" && dropped && /^(?:cases|[bpv]?matrix|array)\*?$/.test(dropped.content))
        push("command", start, dropped.end, dropped.content);
      else if (name === "begin" || name === "end") push("break", start, dropped ? dropped.end : end, "$");
      else at = dropped ? dropped.end : end;
      if (name === "begin") at += /^(?:\{[^{}\n]{0,50}\}|\[[^[\]\n]{0,20}\])*/u.exec(text.slice(at, at + 200))![0].length;
    } else if (IGNORED.has(name)) {
      at = end;
      if (SIZING.has(name) && text[at] === ".") at++;
    } else push("command", start, end, name);
  }
}
