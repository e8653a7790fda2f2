/**
 * Records of a JSON text: an object on each line, or one list of objects.
 *
 *     {"day": "2024-01-01", "load": 3.5}
 *     {"day": "2024-01-02", "load": null}
 *
 * In: the text. Out: the records with their places. Records that hold no list are rows of a table; others are sequences. Never looks at what a value means.
 */
import { SluiceError } from "../../support/diagnostic.ts";
import { isNamed } from "../../support/options.ts";

export interface JsonRecord {
  readonly file: string;
  /** The line of the file, or the place in the list, from 1. */
  readonly number: number;
  readonly unit: "line" | "record";
  readonly values: Readonly<Record<string, unknown>>;
}

/** @throws SluiceError E430, with the place */
export function readJsonRecords(text: string, file: string): JsonRecord[] {
  const content = text.replace(/^\uFEFF/, "");
  const isList = content.trimStart().startsWith("[");
  const items: readonly unknown[] = isList ? parseList(content, file) : content.split("\n");
  const unit = isList ? "record" : "line";
  return items.flatMap((item, index) => {
    if (typeof item === "string" && !isList && item.trim() === "") return [];
    const place = `${file}, ${unit} ${index + 1}`;
    const values = isList ? item : parseJson(item as string, place, "write one whole JSON object on each line");
    if (!isNamed(values)) throw new SluiceError("E430", `${place} is not a JSON object; write fields with names, as in {"x": [[0.1, 0.2]], "y": 1}`);
    return [{ file, number: index + 1, unit, values }];
  });
}

/** True if the text is records without lists: rows of a table. */
export function isJsonTable(text: string): boolean {
  const start = text.trimStart();
  if (!/^[[{]/.test(start)) return false;
  try {
    const value: unknown = JSON.parse(start.startsWith("[") ? text : start.split("\n", 1)[0]);
    const first: unknown = Array.isArray(value) ? value[0] : value;
    return isNamed(first) && !Object.values(first).some((field) => typeof field === "object" && field !== null);
  } catch {
    return false;
  }
}

function parseList(text: string, file: string): readonly unknown[] {
  return parseJson(text, file, "write a list of objects, or one object on each line") as unknown[];
}

function parseJson(text: string, place: string, cure: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const hint = /\b(NaN|-?Infinity)\b/.test(text) ? "NaN and Infinity are no JSON: correct the value, leave it out, or write null" : cure;
    throw new SluiceError("E430", `${place} is not JSON; ${hint}`, [], { cause });
  }
}
