/**
 * Names for the sizes that nobody named: as the papers do.
 *
 * In: the model with its shapes solved. Out: `shown` of every size in use. The author's names come first; then V for a vocabulary, D for the features of
 * an input (or of an embedding, if the input is a token), H for hidden units (states first), K for queries and keys; then H2, H3, …
 */
import { visitTerm } from "../../ir/network/equation.ts";
import { dimsOf, type Model } from "./draft.ts";
import { lastPart } from "./report-inside.ts";
import { type Dimension, normalize, type SizeSolver, type Unknown } from "./sizes.ts";

export function nameSizes(model: Model, solver: SizeSolver): void {
  const taken = new Set<string>();
  for (const unknown of solver.all) {
    if (!unknown.rigid) continue;
    unknown.shown = unknown.author!;
    unknown.place = taken.size;
    taken.add(unknown.shown);
  }
  for (const name of [...model.inputs.keys(), ...model.weights.keys(), ...model.values.keys()]) if (!name.includes(".")) taken.add(name);
  const give = (unknown: Unknown, base: string): void => {
    if (unknown.shown !== undefined) return;
    const wanted = unknown.author ?? base;
    let name = wanted;
    for (let k = 2; taken.has(name); k++) name = `${wanted}${k}`;
    unknown.shown = name;
    unknown.place = taken.size;
    taken.add(name);
  };
  const each = (dims: readonly Dimension[] | undefined, base: string): void => {
    for (const size of dims ?? []) for (const term of normalize(size)) for (const unknown of term.unknowns) give(unknown, base);
  };
  for (const unknown of solver.all) if (unknown.author && !unknown.solution) give(unknown, unknown.author);
  const inputs = [...model.inputs.values()];
  const values = [...model.values.values()];
  for (const input of inputs) if (input.vocabulary) each([input.vocabulary], "V");
  // What is read comes first; what an output is compared with is as long as the output, and must not name it.
  const first = inputs.find((input) => input.perStep && !input.vocabulary && (dimsOf(input.shape)?.length ?? 0) > 0);
  if (first) each(dimsOf(first.shape), "D");
  for (const value of values) if (value.equation) visitTerm(value.equation.value, (term) => term.kind === "lookup" && each(dimsOf(term.shape), "D"));
  for (const value of values) if (value.lags.size > 0 && dimsOf(value.shape)?.length === 1) each(dimsOf(value.shape), "H");
  for (const input of inputs) if (input.perStep) each(dimsOf(input.shape), "D");
  const isKey = (name: string): boolean => /^[kq]\d*$/.test(lastPart(name));
  for (const value of values) if (isKey(value.name)) each(dimsOf(value.shape), "K");
  for (const value of values) if (/^v\d*$/.test(lastPart(value.name))) each(dimsOf(value.shape), "V");
  for (const value of values) each(dimsOf(value.shape), "H");
  for (const input of inputs) each(dimsOf(input.shape), "H");
  for (const weight of model.weights.values()) each(dimsOf(weight.shape), "H");
  for (const unknown of solver.all) if (!unknown.solution) give(unknown, "H");
}

/** A size for people: `H`, `2H`, `H+D`, `D/2`. */
export function sizeText(size: Dimension): string {
  const terms = normalize(size);
  if (terms.length === 0) return "0";
  return terms
    .map((term, k) => {
      const names = term.unknowns.map((unknown) => unknown.shown ?? "?").join("·");
      const count = Math.abs(term.coefficient);
      const inverse = 1 / count;
      const text = names === "" ? String(count) : count === 1 ? names : Number.isInteger(inverse) ? `${names}/${inverse}` : `${count}${names}`;
      return k === 0 ? (term.coefficient < 0 ? `-${text}` : text) : `${term.coefficient < 0 ? "-" : "+"}${text}`;
    })
    .join("");
}

/** A shape for people: "a number", "a vector of H", "H×D". */
export function shapeText(dims: readonly Dimension[] | undefined): string {
  if (!dims) return "unknown";
  if (dims.length === 0) return "a number";
  return dims.length === 1 ? `a vector of ${sizeText(dims[0])}` : dims.map(sizeText).join("×");
}
