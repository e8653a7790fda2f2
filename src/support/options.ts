/**
 * Arguments of public calls: what is of another kind than it can be, or an option that there is not, is told at once and with a cure.
 *
 * In: what a caller gave and what could be given. Out: nothing, or an error. Nothing here is called for each step of a run.
 */
import { SluiceError } from "./diagnostic.ts";
import { nearestWord } from "./text.ts";

/** Every name of a type of options, so that a new one cannot be forgotten. */
export type OptionNames<O> = { readonly [K in keyof O]-?: true };

/** Checks the names of the options of a call. @throws SluiceError E462, with the nearest name and all others */
export function checkOptions<O extends object>(call: string, given: O | undefined, known: OptionNames<O>): void {
  if (given === undefined) return;
  requireKind(isNamed(given), `the options of ${call}`, `an object, { ${Object.keys(known)[0]}: … }`, given);
  for (const name of Object.keys(given)) if (!Object.hasOwn(known, name)) throw unknownOption(call, name, Object.keys(known));
}

/** The error for an option that a call does not have; `more` says what else could have been meant. */
export function unknownOption(call: string, name: string, known: readonly string[], more = ""): SluiceError {
  return new SluiceError("E462", `${call} has no option ${name}${more}; ${hint(name, known)}its options are ${known.join(", ")}`);
}

/** @throws SluiceError E462 unless `fits` */
export function requireKind(fits: boolean, what: string, wanted: string, value: unknown): void {
  if (!fits) throw new SluiceError("E462", `${what} must be ${wanted}, not ${kindOf(value)}`);
}

/** @throws SluiceError E462, with the nearest, unless the value is one of these words */
export function requireWord(what: string, value: unknown, words: readonly string[]): void {
  if (words.includes(value as string)) return;
  const found = typeof value === "string" ? `“${value}”` : kindOf(value);
  throw new SluiceError("E462", `there is no ${what} ${found}; ${typeof value === "string" ? hint(value, words) : ""}there are ${words.join(", ")}`);
}

/** A list of names, as an option takes it. @throws SluiceError E462 */
export function requireNames(what: string, value: unknown): void {
  const fits = Array.isArray(value) && value.every((name) => typeof name === "string");
  requireKind(fits, what, `a list of names, [${typeof value === "string" ? JSON.stringify(value) : '"h"'}]`, value);
}

/** True for an object with names of its own: no list, no typed array, nothing else. */
export function isNamed(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

/** What a value is, in words: "nothing", "a string", a number as it stands. */
export function kindOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null || typeof value === "number") return String(value);
  return Array.isArray(value) ? "a list" : typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function hint(word: string, words: readonly string[]): string {
  const near = nearestWord(word, words);
  return near === undefined ? "" : `did you mean ${near}? `;
}
