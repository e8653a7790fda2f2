/**
 * Finds keys that an object of a JSON text holds twice, which `JSON.parse` hides by keeping the last one.
 *
 * In: a text that `JSON.parse` has accepted. Out: the first key (decoded) that its object already has. Never parses values; linear time, no recursion.
 */

/** The first repeated key of any object in a valid JSON text. */
export function duplicateKey(text: string): string | undefined {
  // For each open bracket: the keys so far, or undefined inside an array.
  const open: (Set<string> | undefined)[] = [];
  let expectsKey = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "{" || character === "[") {
      open.push(character === "{" ? new Set() : undefined);
      expectsKey = character === "{";
    } else if (character === "}" || character === "]") {
      open.pop();
      expectsKey = false;
    } else if (character === ",") {
      expectsKey = open[open.length - 1] !== undefined;
    } else if (character === '"') {
      const start = at;
      for (at++; text[at] !== '"'; at++) if (text[at] === "\\") at++;
      if (!expectsKey) continue;
      const key = JSON.parse(text.slice(start, at + 1)) as string;
      const keys = open[open.length - 1]!;
      if (keys.has(key)) return key;
      keys.add(key);
      expectsKey = false;
    }
  }
  return undefined;
}
