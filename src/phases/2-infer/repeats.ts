/**
 * `repeat L f(x)`: how often, and that the copies are alike.
 *
 * In: the number as it is written; the model with its shapes solved. Out: the number, or a message; sizes that no equation fixes made the same in every
 * copy. Never contradicts an equation: where the copies must differ (each makes its input longer) they do.
 */
import type { Expression } from "../../ir/syntax/node.ts";
import { dimsOf, type Model, type Shape } from "./draft.ts";
import { type Context, type Repetition, type Scope, spanIn } from "./scope.ts";
import { type Dimension, normalize, soleUnknown, unifyDimensions, variable } from "./sizes.ts";

export const MOST_REPEATS = 1000;

/** The L of `repeat L`, from 1 to 1000; undefined, and E134, for anything else. */
export function repeatCount(scope: Scope, count: Expression): number | undefined {
  const { report } = scope.context;
  const span = spanIn(scope, count.span);
  if (count.kind === "number" && Number.isInteger(count.value) && count.value >= 1 && count.value <= MOST_REPEATS) return count.value;
  report.error("E134", span, `\`${report.quote(span)}\` is not a whole number from 1 to ${MOST_REPEATS}`, {
    label: count.kind === "name" ? "how often is written in the text" : "not a number of times",
  });
  return undefined;
}

/** Makes free sizes of the copies of a repeated block those of its first one: outputs first, then what has a name, then values and weights inside. */
export function tieCopies({ model, repeats, sizes }: Pick<Context, "model" | "repeats" | "sizes">): void {
  for (const { path, count, outputs } of repeats)
    for (const output of outputs) for (let k = 2; k <= count; k++) tieShapes(model.values, `${path}.${k}.${output}`, `${path}.1.${output}`);
  for (const repetition of repeats) {
    for (const [path, { unknown, first }] of sizes) {
      const k = copyOf(repetition, path);
      if (k >= 2 && first !== path) tie(variable(unknown), variable(sizes.get(first)!.unknown), fedWith(model, repetition, k));
    }
    for (const symbols of [model.values, model.weights]) {
      for (const path of symbols.keys()) {
        const k = copyOf(repetition, path);
        if (k < 2) continue;
        const inside = path.slice(`${repetition.path}.${k}.`.length);
        tieShapes(symbols, path, `${repetition.path}.1.${inside}`, fedWith(model, repetition, k));
      }
    }
  }
}

/** Number of the copy that a path lies in; 0 if it lies in none. */
function copyOf({ path: repeated }: Repetition, path: string): number {
  return path.startsWith(`${repeated}.`) ? Number(path.slice(repeated.length + 1, path.indexOf(".", repeated.length + 1))) || 0 : 0;
}

function fedWith(model: Model, { path, outputs }: Repetition, k: number): readonly Dimension[] {
  return dimsOf(model.values.get(`${path}.${k - 1}.${outputs[0]}`)?.shape ?? {}) ?? [];
}

function tieShapes(symbols: ReadonlyMap<string, { readonly shape: Shape }>, path: string, first: string, given: readonly Dimension[] = []): void {
  const dims = dimsOf(symbols.get(path)?.shape ?? {});
  const wanted = dimsOf(symbols.get(first)?.shape ?? {});
  if (dims && wanted && dims.length === wanted.length) for (const [k, size] of dims.entries()) tie(size, wanted[k], given);
}

/** `given`: sizes of what the copy is fed with, which are not its own. */
function tie(size: Dimension, wanted: Dimension, given: readonly Dimension[]): void {
  const unknown = soleUnknown(size);
  if (!unknown || unknown.rigid || unknown.given || unknown.external) return;
  if (given.some((other) => normalize(other).some((term) => term.unknowns.includes(unknown)))) return;
  unifyDimensions(size, wanted);
}
