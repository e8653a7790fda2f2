/**
 * Characters of the language: which sign a character stands for, and how raised and lowered letters are read.
 *
 * Tables and pure look-ups. Signs have one canonical text each, the Unicode one of language.md section 3.
 */

/** Canonical signs and the other characters that stand for them (look-alikes from papers, PDF text and other keyboards). */
const SIGNS: Readonly<Record<string, string>> = {
  "+": "＋",
  "-": "−–—‐‑‒﹣－",
  "*": "＊",
  "/": "∕⁄÷／",
  "^": "＾",
  "·": "·⋅∙•・·",
  "∘": "∘◦⊙○⨀◯",
  "∗": "∗⊛",
  "⊗": "⊗⨂",
  "×": "×✕⨯",
  "√": "√",
  "∈": "∈∊",
  "≤": "≤⩽≦",
  "≥": "≥⩾≧",
  "→": "→⟶⇒⟹↦",
  "~": "∼～",
  "|": "∣｜",
  "‖": "‖∥",
  "'": "’ʹʼ＇⊤",
  "..": "…⋯",
  ":=": "≔←",
  "=": "＝",
  "(": "（",
  ")": "）",
  "[": "［",
  "]": "］",
  "{": "｛",
  "}": "｝",
  ",": "，",
  ";": "；",
  ":": "：",
  "<": "＜",
  ">": "＞",
};

const SIGN_OF: ReadonlyMap<string, string> = new Map(Object.entries(SIGNS).flatMap(([sign, all]) => [...all].map((c) => [c, sign] as const)));

/** Canonical sign of a non-ASCII character, if it is one. */
export function signOf(character: string): string | undefined {
  return SIGN_OF.get(character);
}

const GREEK = /^[Α-ΡΣ-Ωα-ω]$/;
const SPACES = /^[\s\u200b-\u200f\u2060-\u2064\ufeff\u00ad]$/u;
const SUBSCRIPTS = /^[\u2080-\u208e\u2090-\u209c\u1d62-\u1d6a\u2c7c]$/u;
const SUPERSCRIPTS = /^[\u2070-\u207f\u00b2\u00b3\u00b9\u1d2c-\u1d61\u02b0-\u02b8\u02e1-\u02e3\u2c7d]$/u;
const SPACING_ACCENTS: Readonly<Record<string, string>> = { "˜": "\u0303", ˆ: "\u0302", "¯": "\u0304", ˉ: "\u0304", "˙": "\u0307", ˇ: "\u030c" };

export type CharacterClass = "space" | "letter" | "mark" | "subscript" | "superscript" | "digit" | "sign" | "newline" | "accent" | "other";

const classes = new Map<string, CharacterClass>();

/** Class of a non-ASCII character (one code point). */
export function classify(character: string): CharacterClass {
  const known = classes.get(character);
  if (known !== undefined) return known;
  const found = classifyFresh(character);
  if (classes.size < 4096) classes.set(character, found);
  return found;
}

function classifyFresh(c: string): CharacterClass {
  if (c === "\u2028" || c === "\u2029" || c === "\u0085") return "newline";
  if (SIGN_OF.has(c)) return "sign";
  if (GREEK.test(c)) return "letter"; // before patterns that are slow to make
  if (SPACES.test(c)) return "space";
  if (SUBSCRIPTS.test(c)) return "subscript";
  if (SUPERSCRIPTS.test(c)) return "superscript";
  if (Object.hasOwn(SPACING_ACCENTS, c)) return "accent";
  if (/^[\p{M}′″‴]$/u.test(c)) return "mark";
  if (/^[0-9]$/.test(c.normalize("NFKC"))) return "digit";
  if (/^[\p{L}∆∑∏µ]$/u.test(c)) return "letter";
  return "other";
}

/** Letters of names, for characters that Unicode does not fold itself. */
export function foldLetter(character: string): string {
  if (character === "∆") return "Δ";
  if (character === "∑") return "Σ";
  if (character === "∏") return "Π";
  return character;
}

/** Combining mark of an accent that stands beside its letter in text from a PDF: ˜h. */
export function combiningMark(accent: string): string {
  return SPACING_ACCENTS[accent] ?? accent;
}

/** Lowered or raised text on the line: `ₜ₋₁` → `t-1`, `ᴴˣᴰ` → `HxD`. */
export function onTheLine(text: string): string {
  return text.normalize("NFKC").replace(/−/gu, "-");
}

/** Characters that LaTeX commands stand for, to offer one in place of the other. */
export const LATEX_SIGNS: Readonly<Record<string, string>> = {
  cdot: "·",
  odot: "∘",
  circ: "∘",
  otimes: "⊗",
  ast: "∗",
  times: "·",
  to: "→",
  rightarrow: "→",
  in: "∈",
  le: "≤",
  leq: "≤",
  sum: "Σ",
  sqrt: "√",
};
