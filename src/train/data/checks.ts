/**
 * Checks that every reader of data shares: options in their range, names that exist, values that are finite.
 *
 * In: what a person gave. Out: nothing, or a `SluiceError` that names it and says the cure.
 */
import { SluiceError } from "../../support/diagnostic.ts";

/** @throws SluiceError E407 unless the option is a whole number from `least` on. */
export function requireWhole(option: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new SluiceError("E407", `option ${option} is ${value}; it must be a whole number, at least ${least}`);
}

/** @throws SluiceError E407 unless the option lies between `least` and `most`. */
export function requireBetween(option: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return;
  throw new SluiceError("E407", `option ${option} is ${value}; it must lie between ${least} and ${most}`);
}

/** A list for a sentence, cut after ten: `Date, Temp`. */
export function listNames(names: readonly string[]): string {
  const shown = names.slice(0, 10).join(", ");
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}

/** A piece of someone's data inside a sentence, cut and on one line: “20,7”. */
export function quoteCell(text: string): string {
  const line = JSON.stringify(text.length > 40 ? `${text.slice(0, 39)}…` : text).slice(1, -1);
  return `“${line}”`;
}
