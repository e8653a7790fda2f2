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
import { termChildren, withChildren } from "../../ir/network/equation.ts";
import { type Bounds, boundsOf, type BoundsTable, isOneMinus, keyOf } from "./bounds.ts";
import { type Draft, dimsOf, type Model, type ValueSymbol } from "./draft.ts";
import { freeIndices, lastPart } from "./resolve.ts";
import type { Component } from "./order.ts";

export interface FoundGate {
  readonly value: string;
  readonly role: GateRole;
  readonly range: readonly [number, number];
  readonly passes: Draft;
  readonly reason: string;
  readonly span: Span;
}

/** One factor that is a gate, where it stands. */
export interface Occurrence {
  readonly host: ValueSymbol;
  readonly factor: Draft;
  readonly base: Draft;
  /** The other factors. */
  readonly rest: readonly Draft[];
  readonly place: Place;
}

const ORDER: readonly GateRole[] = ["update", "attention", "routing", "forget", "input", "reset", "output", "other"];

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
    if (host.equation) collect(host, host.equation.value, true, false, isGate, occurrences);
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
    if (!occurrence.onTop) continue;
    const list = byHost.get(occurrence.host) ?? [];
    list.push(occurrence);
    byHost.set(occurrence.host, list);
  }
  const spines = new Map<string, Set<string>>();
  const gates: FoundGate[] = [];
  for (const [value, group] of groups) {
    const symbol = model.values.get(value);
    if (!symbol?.equation) continue;
    const roles = group.map((occurrence) => ({ occurrence, ...roleOf(model, recurrent, occurrence, byHost.get(occurrence.host) ?? [], spines) }));
    const best = roles.reduce((a, b) => (ORDER.indexOf(b.role) < ORDER.indexOf(a.role) ? b : a));
    const bounds = boundsOf(model, table, symbol.equation.value);
    const finite = Number.isFinite(bounds.low) && Number.isFinite(bounds.high);
    gates.push({
      value,
      role: best.role,
      range: finite ? [bounds.low, bounds.high] : [0, 1],
      passes: joinFactors(best.occurrence),
      reason: best.reason,
      span: symbol.span,
    });
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

/** All products in a term, with their factors. */
function collect(
  host: ValueSymbol,
  term: Draft,
  onTop: boolean,
  inside: boolean,
  isGate: (term: Draft) => Bounds | undefined,
  found: Occurrence[],
): void {
  if (term.kind === "binary" && (term.op === "hadamard" || term.op === "mul")) {
    const factors = factorsOf(term);
    const gates = factors.map((factor) => ({ factor, bounds: isGate(factor) })).filter((each) => each.bounds);
    const narrow = gates.filter(({ bounds }) => bounds!.low >= 0 && bounds!.high <= 1);
    for (const { factor } of narrow.length > 0 ? narrow : gates) {
      const rest = factors.filter((other) => other !== factor);
      if (rest.every((other) => other.kind === "number" || other.kind === "size")) continue;
      found.push({ host, factor, base: baseOf(factor), rest, onTop, inside });
    }
    for (const factor of factors) collect(host, factor, false, inside || !linear(factor), isGate, found);
    return;
  }
  if (term.kind === "binary" && term.op === "product" && term.left.kind === "call" && term.left.function === "diag" && isGate(term.left.args[0])) {
    found.push({ host, factor: term.left.args[0], base: baseOf(term.left.args[0]), rest: [term.right], onTop, inside });
  }
  if (term.kind === "call" && term.function === "exp" && term.args[0].kind === "value" && host.logarithm === term.args[0].name) return;
  const top =
    onTop &&
    (term.kind === "binary"
      ? term.op === "add" || term.op === "sub"
      : (term.kind === "unary" && term.op === "neg") || (term.kind === "reduction" && term.op === "sum"));
  const nested =
    inside || !linear(term) || (term.kind === "binary" && term.op === "product") || term.kind === "blockwise" || term.kind === "convolution";
  for (const child of termChildren(term)) collect(host, child, top, nested, isGate, found);
}

function linear(term: Draft): boolean {
  if (term.kind !== "call" && term.kind !== "absolute") return true;
  return term.kind === "call" && ["stop_gradient", "dropout", "zoneout", "sum", "mean", "split", "diag"].includes(term.function);
}

function factorsOf(term: Draft): Draft[] {
  if (term.kind === "binary" && (term.op === "hadamard" || term.op === "mul")) return [...factorsOf(term.left), ...factorsOf(term.right)];
  if (term.kind === "unary" && term.op === "neg") return factorsOf(term.operand);
  return [term];
}

/** What a factor is a gate by: `z` of `1 - z`, `f` of `f[n]`, the function call itself if it has no name. */
function baseOf(term: Draft): Draft {
  switch (term.kind) {
    case "unary":
      return term.op === "neg" ? baseOf(term.operand) : term;
    case "moment":
    case "component":
    case "collection":
    case "element":
      return baseOf(term.operand);
    case "binary": {
      const { left, right } = term;
      const affine = term.op === "add" || term.op === "sub" || term.op === "mul" || term.op === "hadamard" || term.op === "div";
      if (affine && left.kind === "number" && term.op !== "div") return baseOf(right);
      if (affine && right.kind === "number") return baseOf(left);
      return term;
    }
    default:
      return term;
  }
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

