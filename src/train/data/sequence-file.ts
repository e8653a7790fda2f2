/**
 * A file of sequences, whichever of the known forms it has: a piano roll, labelled sequences with splits, or JSON lines.
 *
 * In: the text. Out: a dataset. The form is told by the content: one JSON object with `splits` is a piano roll if it names notes or has no classes, else
 * labelled sequences; anything else is read as JSON lines, whose errors name the line.
 */
import type { Dataset } from "./dataset.ts";
import { jsonLinesDataset, type JsonLinesOptions } from "./jsonl.ts";
import { labelledDataset } from "./labelled.ts";
import { pianoRollDataset } from "./pianoroll.ts";

/** @throws SluiceError of the reader of that form: E412, E427, E430–E434 */
export function sequenceFileDataset(text: string, options: JsonLinesOptions = {}): Dataset {
  const content = wholeObject(text);
  if (content === undefined) return jsonLinesDataset(text, options);
  return "classes" in content ? labelledDataset(content, options) : pianoRollDataset(content, options);
}

/** True for one JSON object with parts of its own, false for JSON lines. */
export function hasSplits(text: string): boolean {
  return wholeObject(text) !== undefined;
}

/** The object with `splits` that the whole text is, if it is one. */
function wholeObject(text: string): { readonly splits: unknown } | undefined {
  // Most lines of sequences fail here without being parsed.
  if (!text.includes('"splits"')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && "splits" in value ? value : undefined;
  } catch {
    return undefined;
  }
}
