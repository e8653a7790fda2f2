/**
 * Measures of text on a terminal: display width, cutting, padding. Pure.
 *
 * Width follows Unicode's East Asian Width in broad ranges: combining marks and format characters take no column, wide and full-width letters two.
 */

const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]$/u;

/** Columns of one character (a code point): 0, 1 or 2. */
export function characterWidth(character: string): number {
  if (character >= " " && character < "\x7f") return 1;
  if (/^[\p{M}\p{Cf}\u200b]$/u.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** Columns of a text without line ends and tabs. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** The text with spaces up to the width; longer texts stay as they are. */
export function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - textWidth(text)));
}

/** The text with spaces before it up to the width. */
export function padStart(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - textWidth(text))) + text;
}

/** The text cut to at most `width` columns, with … in place of what is missing. */
export function cut(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let kept = "";
  let used = 0;
  for (const character of text) {
    used += characterWidth(character);
    if (used > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** The candidate that differs from a word by at most a third of its letters, capitals or not, if there is one: what was probably meant. */
export function nearestWord(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  if (word.length > 40) return undefined;
  const sought = word.toLowerCase();
  for (const candidate of candidates) {
    // So many letters would have to change that nothing of the word were left.
    const longest = Math.max(word.length, candidate.length);
    if (Math.abs(word.length - candidate.length) >= least) continue;
    const distance = editDistance(sought, candidate.toLowerCase());
    if (distance < least && distance < longest) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const following = [i];
    for (let j = 1; j <= b.length; j++) {
      following[j] = Math.min(row[j]! + 1, following[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = following;
  }
  return row[b.length]!;
}
