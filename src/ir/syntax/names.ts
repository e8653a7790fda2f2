/**
 * The spelling of names: one canonical form for every way to write a name, and its ASCII and Unicode spellings.
 *
 * In: the text of a name without its time subscript (`alpha`, `α`, `W_{xi}` as `W_xi`, `h_tilde`, `h̃`, `𝑾`). Out: the canonical name, which is
 * also its Unicode spelling. Two texts are the same name exactly if their canonical forms are equal. Nothing here knows what a name stands for.
 *
 * Rules: compatibility letters are folded (NFKC). A part of a name (between underscores, or beside a Greek letter) that spells a Greek letter is that
 * letter; one that spells an accent (`tilde`, `hat`, …) sits on the letter before it. Underscores beside a Greek letter or after an accent say
 * nothing, so `w_alpha`, `w_α` and `wα` are one name. `xi` is ξ only at the start of a name, because `W_xi` is the weight from x to i in every
 * paper on the LSTM; elsewhere ξ is written `ksi`. After more than three letters a Greek letter is a word among words: `gated_delta` stays as it is.
 * Names of blocks are words too: `pi(x)` and `delta(x)` stay as typed.
 */

const GREEK: Readonly<Record<string, string>> = {
  alpha: "α",
  beta: "β",
  gamma: "γ",
  delta: "δ",
  epsilon: "ε",
  varepsilon: "ε",
  zeta: "ζ",
  eta: "η",
  theta: "θ",
  iota: "ι",
  kappa: "κ",
  lambda: "λ",
  mu: "μ",
  nu: "ν",
  ksi: "ξ",
  pi: "π",
  rho: "ρ",
  sigma: "σ",
  tau: "τ",
  upsilon: "υ",
  phi: "φ",
  varphi: "φ",
  chi: "χ",
  psi: "ψ",
  omega: "ω",
  Gamma: "Γ",
  Delta: "Δ",
  Theta: "Θ",
  Lambda: "Λ",
  Xi: "Ξ",
  Pi: "Π",
  Sigma: "Σ",
  Phi: "Φ",
  Psi: "Ψ",
  Omega: "Ω",
};

/** Accents on letters: their words and combining marks. */
const ACCENTS: Readonly<Record<string, string>> = {
  tilde: "\u0303",
  hat: "\u0302",
  bar: "\u0304",
  dot: "\u0307",
  ddot: "\u0308",
  check: "\u030c",
  vec: "\u20d7",
  prime: "′",
};

const GREEK_WORD = new Map(
  Object.entries(GREEK)
    .map(([word, letter]) => [letter, word])
    .reverse() as [string, string][],
);
const ACCENT_WORD = new Map(Object.entries(ACCENTS).map(([word, mark]) => [mark, word]));
const GREEK_LETTERS = [...GREEK_WORD.keys()].join("");
const ACCENT_MARKS = [...ACCENT_WORD.keys()].join("");

/** Functions whose names have a Greek letter of their own. */
const ALIASES: Readonly<Record<string, string>> = {
  sigmoid: "σ",
  log_sigmoid: "log_σ",
  logσ: "log_σ",
  hard_sigmoid: "hard_σ",
  hard_sigma: "hard_σ",
};
const ASCII_FUNCTIONS: Readonly<Record<string, string>> = { σ: "sigmoid", log_σ: "log_sigmoid", hard_σ: "hard_sigmoid" };

const PIECES = new RegExp(`[${GREEK_LETTERS}]|[^_${GREEK_LETTERS}${ACCENT_MARKS}]+|[${ACCENT_MARKS}]|_`, "gu");
/** The most letters before a Greek one that still make a symbol of it: `logσ`, `Whα`. */
const SYMBOL_LETTERS = 3;
/** Words before a Greek index: `softmax_τ`. */
const REDUCTIONS = new Set(["softmax", "mean"]);
/** Words that mean something are ASCII. */
const WITH_DIGITS = /^([A-Za-z]+)(\d*)$/;
const UNSPACED = new RegExp(`[${GREEK_LETTERS}${ACCENT_MARKS}]`, "u");
const PLAIN = /^[A-Za-z][a-z]{0,1}\d*$/;

/** Letters that a reader cannot tell from another letter, and the letter they pass for. */
const LOOK_ALIKES: Readonly<Record<string, string>> = (() => {
  const pairs: Record<string, string> = {};
  const add = (from: string, to: string): void => {
    const target = [...to];
    [...from].forEach((letter, i) => {
      pairs[letter] = target[i]!;
    });
  };
  add("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEZHIKMNOPTYXo"); // Greek
  add("АВЕЅІЈКМНОРСТУХаеорсухіјѕԁһԛԝ", "ABESIJKMHOPCTYXaeopcyxijsdhqw"); // Cyrillic
  add("ɑɡʋɣɛɩƩßꞵʟɪ", "αgvγειΣββLI"); // Latin letters that pass for Greek or for each other
  add("фΓГПФΛЛθѲ", "φΓΓΠΦΛΛθΘ");
  return pairs;
})();

/**
 * The canonical name, also its Unicode spelling: `alpha`, `𝛼` → `α`; `h_tilde`, `h̃` → `h̃`; `W_xi` → `W_xi`; `sigmoid` → `σ`.
 * Idempotent. The time subscript must already be gone.
 */
export function canonicalName(text: string): string {
  if (PLAIN.test(text) && text !== "mu" && text !== "nu" && text !== "xi" && text !== "pi" && text !== "Xi" && text !== "Pi") return text;
  const decomposed = text
    .normalize("NFKD")
    .replace(/ς/gu, "σ")
    .replace(/\u0305/gu, "\u0304");
  let name = "";
  let last = ""; // the piece written last
  let gap = false; // an underscore was read and not yet written
  let letters = 0; // Latin ones so far
  for (const [piece] of decomposed.matchAll(PIECES)) {
    if (piece === "_") {
      gap = true;
      continue;
    }
    if (ACCENT_WORD.has(piece)) {
      name += piece;
      last = piece;
      gap = false;
      continue;
    }
    const isWord = letters > SYMBOL_LETTERS && !(name.length < 8 && REDUCTIONS.has(name));
    const spelled = isWord ? GREEK_WORD.get(piece) : undefined;
    if (spelled !== undefined) gap = true;
    const [written, isAccent] = spelled === undefined ? readPiece(piece, last === "", isWord) : [spelled, false];
    if (last !== "" && gap && !isAccent && !UNSPACED.test(last[last.length - 1]!) && !UNSPACED.test(written[0]!)) name += "_";
    name += written;
    letters += written.replace(/[^A-Za-z]/g, "").length;
    last = written;
    gap = false;
  }
  name = name.normalize("NFC");
  return ALIASES[name] ?? name;
}

function readPiece(piece: string, first: boolean, isWord: boolean): [string, boolean] {
  const match = WITH_DIGITS.exec(piece);
  if (!match) return [piece, false];
  const [, word, digits] = match;
  if (first && word === "xi") return [`ξ${digits}`, false];
  if (!isWord && Object.hasOwn(GREEK, word!)) return [GREEK[word!]! + digits, false];
  if (!first && Object.hasOwn(ACCENTS, word!)) return [ACCENTS[word!]! + digits, true];
  return [piece, false];
}

/** The ASCII spelling of a canonical name; letters without one stay as they are. `canonicalName(asciiName(n))` is `n`. */
export function asciiName(name: string): string {
  if (/^[\x20-\x7f]*$/.test(name)) return name;
  if (name.includes(".")) return name.split(".").map(asciiName).join(".");
  let text = "";
  let apart = false; // the next letter needs an underscore before it
  for (const letter of name.normalize("NFD")) {
    const word = GREEK_WORD.get(letter) ?? ACCENT_WORD.get(letter);
    if (word === undefined) {
      text += apart && letter !== "_" ? `_${letter}` : letter;
      apart = false;
    } else {
      const spelled = letter === "ξ" && text === "" ? "xi" : word;
      text += text === "" || text.endsWith("_") ? spelled : `_${spelled}`;
      apart = true;
    }
  }
  return text.normalize("NFC");
}

/** The name of a block or function that is written like this: a word in ASCII (`pi`, `gated_delta`), or a function with a Greek letter (`σ`). */
export function blockName(written: string, canonical: string): string {
  if (Object.hasOwn(ASCII_FUNCTIONS, canonical)) return canonical;
  return /^[A-Za-z]\w*$/.test(written) ? written : asciiName(canonical);
}

/** The ASCII spelling of a function that is called: `σ` → `sigmoid`. */
export function asciiFunction(name: string): string {
  return ASCII_FUNCTIONS[name] ?? asciiName(name);
}

/** Equal for two names exactly if a reader may take one for the other. */
export function skeleton(name: string): string {
  if (/^[\x20-\x7f]*$/.test(name)) return name;
  let text = "";
  for (const letter of name.normalize("NFD")) text += LOOK_ALIKES[letter] ?? letter;
  return text;
}

/** True if the text is the name of a reduction's index without being declared one: a letter, Latin or Greek, with digits or primes. */
export function isIndexLetter(name: string): boolean {
  return /^\p{L}\d*′*$/u.test(name);
}
