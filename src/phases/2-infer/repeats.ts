/**
 * `repeat L f(x)`: how often, and that the copies are alike.
 *
 * In: the number as it is written; the model with its shapes solved. Out: the number, or a message; sizes that no equation fixes made the same in every
 * copy. Never contradicts an equation: where the copies must differ (each makes its input longer) they do.
 */
import type { Expression } from "../../ir/syntax/node.ts";
import { dimsOf, type Model } from "./draft.ts";
import { type Repetition, type Scope, spanIn } from "./scope.ts";
import { type Dimension, normalize, soleUnknown, unifyDimensions } from "./sizes.ts";

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

/** Makes free sizes of the copies of a repeated block those of its first one: outputs first, then the values inside. */
export function tieCopies(model: Model, repeats: readonly Repetition[]): void {
  for (const { path, count, outputs } of repeats) {
    for (const output of outputs) for (let k = 2; k <= count; k++) tie(model, `${path}.${k}.${output}`, `${path}.1.${output}`, undefined);
    for (const name of model.values.keys()) {
      if (!name.startsWith(`${path}.`)) continue;
      const inside = name.slice(path.length + 1);
      const at = inside.indexOf(".");
      const k = Number(inside.slice(0, at));
      if (k >= 2) tie(model, name, `${path}.1${inside.slice(at)}`, dimsOf(model.values.get(`${path}.${k - 1}.${outputs[0]}`)?.shape ?? {}));
    }
  }
}

/** `given`: what the copy is fed with, which its values may be as long as. */
function tie(model: Model, name: string, first: string, given: readonly Dimension[] | undefined): void {
  const dims = dimsOf(model.values.get(name)?.shape ?? {});
  const wanted = dimsOf(model.values.get(first)?.shape ?? {});
  if (!dims || !wanted || dims.length !== wanted.length) return;
  for (const [k, size] of dims.entries()) {
    const unknown = soleUnknown(size);
    if (!unknown || unknown.rigid || unknown.given || unknown.external) continue;
    if (given?.some((other) => normalize(other).some((term) => term.unknowns.includes(unknown)))) continue;
    unifyDimensions(size, wanted[k]);
  }
}
