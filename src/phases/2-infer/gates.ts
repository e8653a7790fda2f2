/**
 * Gates: found, not declared.
 *
 * In: the equations with their components (order.ts). Out: for every factor of an elementwise product that its function bounds, a gate with its role:
 * what it multiplies decides. Gates without a name of their own get an equation (`g.gate1`), so that they can be recorded.
 *
 *   its own state at t-1 → forget       new content entering a state → input       both halves of `(1-z)`, `z` → update
 *   a state inside the argument of the candidate → reset       what leaves the block → output
 *   softmax over positions → attention, over experts → routing
 */
import type { Span } from "../../support/source.ts";
import type { GateRole } from "../../ir/network/node.ts";
import { termChildren, visitTerm, withChildren } from "../../ir/network/equation.ts";
import { type Bounds, boundsOf, type BoundsTable, keyOf } from "./bounds.ts";
import { type Draft, dimsOf, type Model, type ValueSymbol } from "./draft.ts";
import {
  baseOf,
  decisive,
  factorsOf,
  isPassing,
  isWeightProduct,
  linearParts,
  type Occurrence,
  type Place,
  type RoleContext,
  roleOf,
} from "./gate-roles.ts";
import type { Component } from "./order.ts";
import { freeIndices } from "./free-indices.ts";
import { isWeightLike } from "./guesses.ts";

export interface FoundGate {
  readonly value: string;
  readonly role: GateRole;
  readonly range: readonly [number, number];
  readonly passes: Draft;
  readonly reason: string;
  readonly span: Span;
}

export function findGates(model: Model, components: readonly Component[]): FoundGate[] {
  const table: BoundsTable = new Map();
  const recurrent = new Map<string, number>();
  for (const [k, component] of components.entries()) if (component.direction) for (const name of component.names) recurrent.set(name, k);
  const isGate = (term: Draft): Bounds | undefined => {
    const forced = baseOf(term);
    if (forced.kind === "value" && model.gates.has(forced.name)) return { ...boundsOf(model, table, term), gate: true };
    const bounds = boundsOf(model, table, term);
    return bounds.gate && Number.isFinite(bounds.low) && Number.isFinite(bounds.high) ? bounds : undefined;
  };
  const occurrences: Occurrence[] = [];
  for (const host of model.values.values()) {
    if (host.equation) collect({ host, isGate, found: occurrences }, host.equation.value, { place: "top", sums: [] });
  }
  const named = new Set(occurrences.flatMap(({ base }) => (base.kind === "value" ? [base.name] : [])));
  const hosts = new Map<ValueSymbol, Occurrence[]>();
  for (const occurrence of occurrences) {
    if (occurrence.base.kind === "value" || named.has(occurrence.host.name)) continue; // the latter: a part of how a gate is made
    const list = hosts.get(occurrence.host) ?? [];
    list.push(occurrence);
    hosts.set(occurrence.host, list);
  }
  const anonymous = nameAnonymous(model, hosts);
  const groups = new Map<string, Occurrence[]>();
  for (const occurrence of occurrences) {
    const key = occurrence.base.kind === "value" ? occurrence.base.name : anonymous.get(occurrence);
    if (key === undefined) continue;
    const list = groups.get(key) ?? [];
    list.push(occurrence);
    groups.set(key, list);
  }
  const byHost = new Map<ValueSymbol, Occurrence[]>();
  for (const occurrence of occurrences) {
    if (occurrence.place !== "top") continue;
    const list = byHost.get(occurrence.host) ?? [];
    list.push(occurrence);
    byHost.set(occurrence.host, list);
  }
  const context: RoleContext = { model, recurrent, named, spines: new Map() };
  const gates: FoundGate[] = [];
  const madeFor = new Map<string, string>();
  for (const [value, group] of groups) {
    const symbol = model.values.get(value);
    if (!symbol?.equation) continue;
    const best = decisive(group.map((occurrence) => ({ occurrence, ...roleOf(context, occurrence, byHost.get(occurrence.host) ?? []) })));
    const bounds = boundsOf(model, table, symbol.equation.value);
    const finite = Number.isFinite(bounds.low) && Number.isFinite(bounds.high);
    if (best.role === "other") madeFor.set(value, best.occurrence.host.name);
    gates.push({
      value,
      role: best.role,
      range: finite ? [bounds.low, bounds.high] : [0, 1],
      passes: joinFactors(best.occurrence),
      reason: best.reason,
      span: symbol.span,
    });
  }
  // Scores and choices of experts, before they are weights: `G = s∘c / sum(s∘c)`.
  const routing = new Set(gates.flatMap(({ value, role }) => (role === "routing" ? [value] : [])));
  for (const [k, gate] of gates.entries()) if (routing.has(madeFor.get(gate.value) ?? "")) gates[k] = { ...gate, role: "routing" };
  for (const { value, passes } of logarithmicGates(model, isGate)) {
    if (groups.has(value)) continue;
    const { equation, span } = model.values.get(value)!;
    const bounds = boundsOf(model, table, equation!.value);
    const reason = "it multiplies what the softmax lets through from the steps before";
    gates.push({ value, role: "forget", range: [Math.max(0, bounds.low), Math.min(1, bounds.high)], passes, reason, span });
  }
  const place = new Map([...model.values.keys()].map((name, k) => [name, k]));
  return gates.sort((a, b) => place.get(a.value)! - place.get(b.value)!);
}

function joinFactors(occurrence: Occurrence): Draft {
  const isNumber = (term: Draft): boolean => dimsOf(term.shape)?.length === 0;
  return occurrence.rest.reduce((left, right) => ({
    kind: "binary",
    op: isNumber(left) || isNumber(right) ? "mul" : "hadamard",
    left,
    right,
    span: left.span,
    shape: isNumber(left) ? right.shape : left.shape,
  }));
}

interface Collection {
  readonly host: ValueSymbol;
  readonly isGate: (term: Draft) => Bounds | undefined;
  readonly found: Occurrence[];
}

/** All products in a term, with their factors. */
function collect(into: Collection, term: Draft, at: { readonly place: Place; readonly summand?: Draft; readonly sums: readonly string[] }): void {
  const { host, isGate, found } = into;
  const { place, sums, summand = term } = at;
  const note = (factor: Draft, rest: readonly Draft[]): void => {
    found.push({ host, factor, base: baseOf(factor), rest, place, summand, sums });
  };
  if (term.kind === "binary" && (term.op === "hadamard" || term.op === "mul")) {
    const factors = factorsOf(term);
    const gates = factors.map((factor) => ({ factor, bounds: isGate(factor) })).filter((each) => each.bounds);
    const narrow = gates.filter(({ bounds }) => bounds!.low >= 0 && bounds!.high <= 1);
    for (const { factor } of narrow.length > 0 ? narrow : gates) {
      const rest = factors.filter((other) => other !== factor);
      if (rest.every((other) => other.kind === "number" || other.kind === "size")) continue;
      note(factor, rest);
    }
    if (gates.length === 0) {
      // `silu(W·x)∘(V·x)`: an activation that is its argument times a bounded function of it, written as a factor, gates the rest.
      const activations = factors.filter(isSelfGated);
      const rest = factors.filter((factor) => factor !== activations[0]);
      if (activations.length === 1 && !rest.every((other) => other.kind === "number" || other.kind === "size" || isWeightLike(other)))
        note(activations[0], rest);
    }
    for (const factor of factors) collect(into, factor, { place: place === "inside" ? place : "linear", summand, sums });
    return;
  }
  if (term.kind === "binary" && (term.op === "outer" || term.op === "product")) {
    for (const [side, other] of [
      [term.left, term.right],
      [term.right, term.left],
    ]) {
      const factor = term.op === "outer" ? side : side.kind === "call" && side.function === "diag" ? side.args[0] : undefined;
      if (factor && isGate(factor)) note(factor, [other]);
    }
  }
  if (term.kind === "call" && term.function === "exp" && term.args[0].kind === "value" && host.logarithm === term.args[0].name) return;
  const summed =
    (term.kind === "binary" && (term.op === "add" || term.op === "sub")) ||
    (term.kind === "unary" && term.op === "neg") ||
    (term.kind === "reduction" && term.op === "sum") ||
    isPassing(term);
  const parts = new Set(linearParts(term));
  const weighted = isWeightProduct(term) || term.kind === "blockwise" || term.kind === "convolution";
  const within = term.kind === "reduction" && term.op === "sum" ? [...sums, term.index] : sums;
  for (const child of termChildren(term)) {
    const next = place === "inside" || weighted || !parts.has(child) ? "inside" : summed ? place : "linear";
    collect(into, child, { place: next, sums: within, ...(summed && place === "top" && at.summand === undefined ? {} : { summand }) });
  }
}

/** `silu(a) = a∘σ(a)`, `relu(a)`: a times a function of a that lies between 0 and 1. */
function isSelfGated(term: Draft): boolean {
  return term.kind === "call" && ["silu", "gelu", "gelu_tanh", "relu"].includes(term.function);
}

/**
 * Gates of attention: what a softmax over positions is taken of holds their logarithms. `exp(a + log f) = f∘exp(a)`, so f multiplies what is let through
 * from the steps before.
 */
function logarithmicGates(model: Model, isGate: (term: Draft) => Bounds | undefined): { readonly value: string; readonly passes: Draft }[] {
  const found = new Map<string, Draft>();
  const summands = (term: Draft, passes: Draft, depth: number): void => {
    if (term.kind === "binary" && (term.op === "add" || term.op === "sub")) {
      summands(term.left, passes, depth);
      if (term.op === "add") summands(term.right, passes, depth);
    } else if (term.kind === "reduction" && term.op === "sum") summands(term.body, passes, depth);
    else if (term.kind === "call" && term.function === "masked") summands(term.args[0], passes, depth);
    else if (term.kind === "call" && term.function === "log") {
      const base = baseOf(term.args[0]);
      if (base.kind === "value" && isGate(base)) found.set(base.name, passes);
    } else if (term.kind === "value" || term.kind === "moment") {
      const base = baseOf(term);
      const symbol = base.kind === "value" ? model.values.get(base.name) : undefined;
      if (!symbol?.equation || depth > 4) return;
      const defined = [...model.values.values()].find(({ logarithm }) => logarithm === symbol.name);
      if (defined) found.set(defined.name, passes);
      else summands(symbol.equation.value, passes, depth + 1);
    }
  };
  for (const host of model.values.values()) {
    if (!host.equation) continue;
    visitTerm(host.equation.value, (term) => {
      if (term.kind === "reduction" && term.op === "softmax" && model.indices.get(term.index)?.type === "time") summands(term.body, term, 0);
    });
  }
  return [...found].map(([value, passes]) => ({ value, passes }));
}

/** Gives gates without names equations of their own, equal ones of one equation a single one, and puts the names in their places. */
function nameAnonymous(model: Model, hosts: ReadonlyMap<ValueSymbol, readonly Occurrence[]>): Map<Occurrence, string> {
  const names = new Map<Occurrence, string>();
  for (const [host, occurrences] of hosts) {
    const known = new Map<string, string>();
    const references = new Map<Draft, Draft>();
    for (const occurrence of occurrences) {
      const { base } = occurrence;
      const key = keyOf(base);
      let name = known.get(key);
      const indices = [...freeIndices(base)];
      if (name === undefined) {
        name = `${host.name}.gate${known.size + 1}`;
        known.set(key, name);
        model.values.set(name, {
          kind: "value",
          name,
          span: base.span,
          shape: base.shape,
          indices,
          used: true,
          lags: new Map(),
          initial: new Map(),
          output: false,
          generated: true,
          equation: { name, indices, value: base, shape: base.shape, span: base.span },
        });
      }
      references.set(base, { kind: "value", name, lag: 0, indices, span: base.span, shape: base.shape });
      names.set(occurrence, name);
    }
    const replace = (term: Draft): Draft => references.get(term) ?? withChildren(term, termChildren(term).map(replace));
    host.equation = { ...host.equation!, value: replace(host.equation!.value) };
  }
  return names;
}
