/**
 * The last step of inference: symbols and unknowns to plain data.
 *
 * In: a model without mistakes, its shapes solved and sizes named, its components in order. Out: the immutable Network. Never changes the model.
 */
import type { Reason } from "../../support/diagnostic.ts";
import { invariant } from "../../support/invariant.ts";
import { type Equation, mapShapes, type Term, visitTerm } from "../../ir/network/equation.ts";
import type {
  GateDeclaration,
  IndexDeclaration,
  Network,
  RecurrenceDeclaration,
  Size,
  SizeDeclaration,
  StateDeclaration,
  ValueDeclaration,
  WeightDeclaration,
} from "../../ir/network/node.ts";
import { printEquation, printTerm } from "../../ir/network/print.ts";
import { type Draft, dimsOf, type Model, type Reporter, type Shape } from "./draft.ts";
import type { FoundGate } from "./gates.ts";
import { initialOf, weightRoles } from "./initial-values.ts";
import { linearity } from "./linear.ts";
import { shapeText } from "./name-sizes.ts";
import type { Component } from "./order.ts";
import { lastPart } from "./report-inside.ts";
import { normalize, type SizeSolver, toSize } from "./sizes.ts";

export function freeze(model: Model, solver: SizeSolver, components: readonly Component[], gates: readonly FoundGate[], report: Reporter): Network {
  const shapeOf = (shape: Shape): readonly Size[] => {
    const dims = dimsOf(shape);
    invariant(dims, "a shape is still unknown");
    return dims.map(toSize);
  };
  const sizeName = (term: Draft & { kind: "size" }): string => solver.all[Number(term.name)].shown!;
  const text = (term: Draft): string => printTerm(term, sizeName);
  const frozen = (term: Draft): Term => {
    const mapped = mapShapes(term, (shape) => shapeOf(shape));
    return nameSizeTerms(mapped, solver);
  };
  const ordered = components.flatMap((component) => component.names).filter((name) => model.values.get(name)!.equation);
  const recurrences: RecurrenceDeclaration[] = [];
  const recurrenceOf = new Map<string, number>();
  for (const component of components) {
    if (!component.direction) continue;
    for (const name of component.names) recurrenceOf.set(name, recurrences.length);
    const { linear, reasons } = linearity(model, component.names, text, (term) => report.line(term.span));
    recurrences.push({ names: component.names, direction: component.direction, linear, reasons });
  }
  const recurrent = new Set(recurrenceOf.keys());
  const equations: Equation[] = [];
  const values: ValueDeclaration[] = [];
  for (const name of ordered) {
    const symbol = model.values.get(name)!;
    const equation = symbol.equation!;
    const value = frozen(equation.value);
    equations.push({
      name,
      indices: equation.indices,
      value,
      shape: shapeOf(symbol.shape),
      span: equation.span,
      ...(equation.text ? { text: equation.text } : {}),
    });
    values.push({
      name,
      shape: [...equation.indices.flatMap((index) => sizeOfIndex(model, index)), ...shapeOf(symbol.shape)],
      type: "real",
      ...(recurrenceOf.has(name) ? { recurrence: recurrenceOf.get(name)! } : {}),
      equation: printEquation(equation, sizeName),
      span: symbol.span,
    });
  }
  const roles = weightRoles(model, gates, recurrent);
  const weights: WeightDeclaration[] = [...model.weights.values()].map((weight) => {
    const role = roles.get(weight.name)!;
    return {
      name: weight.name,
      shape: shapeOf(weight.shape),
      role,
      initial: initialOf(weight, role, report),
      reasons: weight.uses.slice(0, 3).map((use) => ({
        message: `${lastPart(weight.name)} is ${shapeText(dimsOf(weight.shape))}, because of \`${text(use.context ?? use.term)}\``,
        span: (use.context ?? use.term).span,
      })),
      span: weight.span,
    };
  });
  return {
    name: model.name,
    documentation: model.documentation,
    inputs: [...model.inputs.values()].map((input) => ({
      name: input.name,
      type: input.type ?? "real",
      shape: input.used ? shapeOf(input.shape) : dimsOf(input.shape) ? shapeOf(input.shape) : [],
      ...(input.vocabulary ? { range: toSize(input.vocabulary) } : {}),
      perStep: input.perStep,
      perExample: input.perExample,
      lookAhead: input.lookAhead,
      span: input.span,
    })),
    outputs: model.outputs,
    ...(model.values.has("loss") ? { loss: "loss" } : {}),
    sizes: sizesOf(model, solver),
    weights,
    values,
    states: statesOf(model, recurrenceOf, ordered, shapeOf),
    gates: gates.map(
      (gate): GateDeclaration => ({
        name: nameOfGate(model, gate, text),
        value: gate.value,
        role: gate.role,
        range: gate.range,
        passes: text(gate.passes),
        reason: gate.reason,
        span: gate.span,
      }),
    ),
    recurrences,
    equations,
    indices: [...model.indices.values()].map(
      (index): IndexDeclaration => ({
        name: index.name,
        kind: index.type,
        from: index.from,
        ...(index.size ? { size: toSize(index.size) } : {}),
        ...(index.lower !== undefined ? { lower: index.lower } : {}),
        ...(index.upper !== undefined ? { upper: index.upper } : {}),
        ...(index.window ? { window: toSize(index.window) } : {}),
        ...(index.after ? { after: index.after } : {}),
        span: index.span,
      }),
    ),
    initials: ordered.flatMap((name) => [...model.values.get(name)!.initial].map(([lag, { value }]) => ({ state: name, lag, value: frozen(value) }))),
  };
}

function nameOfGate(model: Model, gate: FoundGate, text: (term: Draft) => string): string {
  const symbol = model.values.get(gate.value)!;
  return symbol.generated && symbol.equation ? text(symbol.equation.value) : gate.value;
}

function sizeOfIndex(model: Model, index: string): Size[] {
  const { size } = model.indices.get(index)!;
  return size ? [toSize(size)] : [];
}

/** Size terms carry the number of their unknown until here. */
function nameSizeTerms(term: Term, solver: SizeSolver): Term {
  visitTerm(term, (part) => {
    if (part.kind !== "size") return;
    const unknown = solver.all[Number(part.name)];
    if (!unknown) return;
    const own = part as { -readonly [K in keyof typeof part]: (typeof part)[K] };
    own.size = toSize([{ coefficient: 1, unknowns: [unknown] }]);
    own.name = unknown.shown!;
  });
  return term;
}

function sizesOf(model: Model, solver: SizeSolver): SizeDeclaration[] {
  const used = new Set<string>();
  const note = (shape: Shape): void => {
    for (const size of dimsOf(shape) ?? []) for (const term of normalize(size)) for (const unknown of term.unknowns) used.add(unknown.shown!);
  };
  for (const input of model.inputs.values()) {
    note(input.shape);
    if (input.vocabulary) note({ dims: [input.vocabulary] });
  }
  for (const weight of model.weights.values()) note(weight.shape);
  for (const value of model.values.values()) note(value.shape);
  for (const index of model.indices.values()) for (const size of [index.size, index.window]) if (size) note({ dims: [size] });
  for (const value of model.values.values())
    if (value.equation)
      visitTerm(
        value.equation.value,
        (term) => term.kind === "size" && note({ dims: [[{ coefficient: 1, unknowns: [solver.all[Number(term.name)]] }]] }),
      );
  return solver.all
    .filter((unknown) => !unknown.solution && unknown.shown !== undefined && used.has(unknown.shown))
    .sort((a, b) => a.place! - b.place!)
    .map((unknown) => ({ name: unknown.shown!, free: true, reasons: reasonsFor(model, unknown.shown!, unknown.reasons) }));
}

/** Where a size shows: the first weight or input that has it. */
function reasonsFor(model: Model, shown: string, own: readonly Reason[]): readonly Reason[] {
  if (own.length > 0) return own.slice(0, 3);
  const has = (shape: Shape): boolean =>
    (dimsOf(shape) ?? []).some((size) => normalize(size).some((term) => term.unknowns.some((unknown) => unknown.shown === shown)));
  for (const input of model.inputs.values())
    if (has(input.shape)) return [{ message: `${shown}, the components of the input ${lastPart(input.name)}`, span: input.span }];
  for (const value of model.values.values())
    if (has(value.shape) && value.lags.size > 0) return [{ message: `${shown}, the components of ${lastPart(value.name)}`, span: value.span }];
  for (const weight of model.weights.values())
    if (has(weight.shape)) return [{ message: `${shown}, because of ${lastPart(weight.name)}`, span: weight.span }];
  return [];
}

function statesOf(
  model: Model,
  recurrenceOf: ReadonlyMap<string, number>,
  ordered: readonly string[],
  shapeOf: (shape: Shape) => readonly Size[],
): StateDeclaration[] {
  const states: StateDeclaration[] = [];
  for (const name of ordered) {
    const symbol = model.values.get(name)!;
    if (symbol.lags.size === 0 || !recurrenceOf.has(name)) continue;
    const lag = [...symbol.lags.keys()].reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
    const written = symbol.initial.get(lag < 0 ? -1 : 1)?.value;
    const first = written && wholeOf(written, symbol.indices);
    states.push({
      name,
      lag,
      shape: [...symbol.indices.flatMap((index) => sizeOfIndex(model, index)), ...shapeOf(symbol.shape)],
      initial: !first
        ? { kind: "constant", value: 0 }
        : first.kind === "number"
          ? { kind: "constant", value: first.value }
          : first.kind === "weight"
            ? { kind: "weight", name: first.name }
            : first.kind === "input"
              ? { kind: "input", name: first.name }
              : { kind: "expression" },
      span: symbol.span,
    });
  }
  return states;
}

/** `S0` of `S0[n]`, where `S[n]` is what begins so: the whole of S0 then is the whole of the first state. */
function wholeOf(value: Draft, indices: readonly string[]): Draft {
  let operand = value;
  for (const index of [...indices].reverse()) {
    if (operand.kind !== "component" || operand.index !== index) return value;
    operand = operand.operand;
  }
  return operand.kind === "weight" || operand.kind === "input" ? operand : value;
}
