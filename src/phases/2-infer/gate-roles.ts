/**
 * What a gate does, told from what it multiplies and where that goes.
 *
 * In: one factor that is a gate, in its place. Out: its role and the reason in words. Knows no mechanism by name: a role follows from the state's
 * own earlier value (kept or taken away), from what enters it, from what leaves the block, from what a softmax runs over.
 */
import type { GateRole } from "../../ir/network/node.ts";
import { termChildren } from "../../ir/network/equation.ts";
import { isOneMinus } from "./bounds.ts";
import type { Draft, Model, ValueSymbol } from "./draft.ts";
import { freeIndices } from "./free-indices.ts";
import { lastPart } from "./report-inside.ts";
import { isWeightLike } from "./guesses.ts";

/**
 * Where a product stands in its equation.
 *
 * top     only sums and signs lie between it and the left side
 * linear  the left side is linear in it, but something else multiplies it too
 * inside  in the argument of a function that is not linear, or of a product with weights
 */
export type Place = "top" | "linear" | "inside";

/** One factor that is a gate, where it stands. */
export interface Occurrence {
  readonly host: ValueSymbol;
  readonly factor: Draft;
  /** What it is a gate by: `z` of `1 - z`. */
  readonly base: Draft;
  /** The other factors. */
  readonly rest: readonly Draft[];
  readonly place: Place;
  /** The summand of the equation that it stands in. */
  readonly summand: Draft;
  /** Indices of the sums around it. */
  readonly sums: readonly string[];
}

export interface Role {
  readonly role: GateRole;
  readonly reason: string;
  /** It only takes from the state what a key reads; where the same gate also writes, it is the strength of a correction: an input gate. */
  readonly erases?: true;
}

/** What roles are told from, the same for all gates of a network. */
export interface RoleContext {
  readonly model: Model;
  /** Recurrence of each value that is part of one. */
  readonly recurrent: ReadonlyMap<string, number>;
  /** Gates by name. */
  readonly named: ReadonlySet<string>;
  readonly spines: Map<string, Set<string>>;
}

const ORDER: readonly GateRole[] = ["update", "attention", "routing", "forget", "input", "reset", "output", "other"];

/** How many equations are followed from one to the next. */
const DEPTH = 8;

/** The role that decides among those of all places of one gate. */
export function decisive<R extends Role>(roles: readonly R[]): R {
  const writes = roles.some(({ role, erases }) => role === "input" && !erases);
  const counted = writes ? roles.filter(({ erases }) => !erases) : roles;
  return counted.reduce((a, b) => (ORDER.indexOf(b.role) < ORDER.indexOf(a.role) ? b : a));
}

/** The role of one factor. `onTopOfHost`: all gates on top of the same equation. */
export function roleOf(context: RoleContext, occurrence: Occurrence, onTopOfHost: readonly Occurrence[]): Role {
  const { model, recurrent } = context;
  const { host, factor, rest, place, summand } = occurrence;
  const name = lastPart(host.name);
  const kind = rootOf(model, occurrence.base);
  if (kind?.kind === "reduction" && kind.op === "softmax") {
    const overPositions = runsOverPositions(context, occurrence, kind.index);
    return overPositions
      ? { role: "attention", reason: "a softmax over positions" }
      : { role: "routing", reason: `a softmax over ${lastPart(kind.index)}` };
  }
  if (kind?.kind === "call" && kind.function === "softmax" && factor.kind === "component")
    return { role: "routing", reason: `a softmax over ${lastPart(factor.index)}` };
  if (kind?.kind === "call" && kind.function === "softmax" && factor.kind === "element")
    return { role: "routing", reason: "a softmax over what is added up" };
  if (context.named.has(host.name) || name.startsWith("log "))
    return { role: "other", reason: `it takes part in making ${name.replace(/^log /, "")}` };
  const own = spineOf(context, host.name);
  const ownEarlier = (term: Draft): boolean => term.kind === "value" && term.lag !== 0 && own.has(term.name);
  const growing = accumulates(context, own);
  const partner =
    place === "top"
      ? onTopOfHost.find((other) => other !== occurrence && (isOneMinus(other.factor, factor) || isOneMinus(factor, other.factor)))
      : undefined;
  if (partner && (!growing || [...rest, ...partner.rest].some((part) => monomials(context, part, own, 0).withState))) {
    return { role: "update", reason: `it and 1 minus it share out what ${name} becomes` };
  }
  const kept = place === "top" ? rest.map((part) => onSpine(part, ownEarlier)).find((found) => found !== undefined) : undefined;
  if (kept) return { role: "forget", reason: `it multiplies ${lastPart(kept)} of the step before` };
  if (growing && place !== "inside") return entering(context, summand, own, lastPart([...own][0]));
  const chosen = place === "top" ? occurrence.sums.find((index) => freeIndices(factor).has(index)) : undefined;
  if (chosen !== undefined) {
    return runsOverPositions(context, occurrence, chosen)
      ? { role: "attention", reason: "it weighs positions that are added up" }
      : { role: "routing", reason: `it weighs what is added up over ${lastPart(chosen)}` };
  }
  const fed = stateFedBy(context, host);
  const earlier = rest.map((part) => firstState(context, part)).find((found) => found !== undefined);
  const product = rest.reduce((left, right): Draft => ({ kind: "binary", op: "mul", left, right, span: left.span, shape: left.shape }));
  if (fed && place !== "inside" && (!earlier || asksState(product))) {
    return entering(context, fed.summand, spineOf(context, fed.state), lastPart(fed.state));
  }
  if (earlier && (place === "inside" || (recurrent.has(host.name) && !host.output)))
    return { role: "reset", reason: `it multiplies ${lastPart(earlier)} of the step before, inside the new content` };
  const current = rest.some((part) => refersTo(part, (term) => term.kind === "value" && term.lag === 0 && recurrent.has(term.name)));
  // `h = W·(o∘tanh(c))`: a projection of what leaves is still what leaves.
  if (place === "inside" && current && host.output && !earlier) return { role: "output", reason: `it multiplies what leaves as ${name}` };
  if (place === "inside" && recurrent.has(host.name)) return { role: "other", reason: `it acts inside ${name}` };
  if ((place === "top" && (host.output || (current && leaves(context, host)))) || !recurrent.has(host.name)) {
    return { role: "output", reason: host.output ? `it multiplies what leaves as ${name}` : `it multiplies what ${name} passes on` };
  }
  return { role: "other", reason: `it multiplies a part of ${name}` };
}

/** What a factor of something that is added to a state does: write, or (where the state itself is what it multiplies) take away. */
function entering(context: RoleContext, added: Draft, own: ReadonlySet<string>, state: string): Role {
  const { withState, without } = monomials(context, added, own, 0);
  const bare = factorsOf(added).find((factor) => factor.kind === "value" && factor.lag !== 0 && own.has(factor.name));
  if (bare) return { role: "forget", reason: `it multiplies ${state} of the step before` };
  if (withState && !without) return { role: "forget", reason: `it multiplies what is taken from ${state} of the step before`, erases: true };
  return { role: "input", reason: `it multiplies what enters ${state}` };
}

/** Multiplied out: are there summands with the state's earlier value in them, and summands without? */
function monomials(
  context: RoleContext,
  term: Draft,
  own: ReadonlySet<string>,
  depth: number,
): { readonly withState: boolean; readonly without: boolean } {
  const of = (part: Draft): { withState: boolean; without: boolean } => monomials(context, part, own, depth);
  const plain = { withState: false, without: true };
  switch (term.kind) {
    case "value": {
      if (term.lag !== 0) return own.has(term.name) ? { withState: true, without: false } : plain;
      const equation = context.recurrent.has(term.name) && depth < DEPTH ? context.model.values.get(term.name)?.equation : undefined;
      return equation ? monomials(context, equation.value, own, depth + 1) : plain;
    }
    case "unary":
    case "component":
    case "element":
      return of(term.operand);
    case "reduction":
      return term.op === "sum" ? of(term.body) : plain;
    case "call":
      return isPassing(term) ? of(term.args[0]) : plain;
    case "binary": {
      if (term.op === "power" || isWeightProduct(term)) return plain;
      const [a, b] = [of(term.left), of(term.right)];
      return term.op === "add" || term.op === "sub"
        ? { withState: a.withState || b.withState, without: a.without || b.without }
        : { withState: a.withState || b.withState, without: a.without && b.without };
    }
    default:
      return plain;
  }
}

/** `S[t-1]·k`: the earlier state read by something that is not a weight. */
function asksState(term: Draft): boolean {
  const isState = (part: Draft): boolean => (part.kind === "value" && part.lag !== 0) || (part.kind === "unary" && isState(part.operand));
  if (term.kind === "binary" && term.op === "product" && !isWeightProduct(term) && (isState(term.left) || isState(term.right))) return true;
  return termChildren(term).some(asksState);
}

/** A product of linear algebra with weights. */
export function isWeightProduct(term: Draft): boolean {
  return term.kind === "binary" && term.op === "product" && (isWeightLike(term.left) || isWeightLike(term.right));
}

/** Functions that pass on what they are given, if not always. */
export function isPassing(term: Draft): boolean {
  return term.kind === "call" && ["zoneout", "dropout", "stop_gradient"].includes(term.function);
}

/** The parts that a term is linear in, one level down. */
export function linearParts(term: Draft): readonly Draft[] {
  switch (term.kind) {
    case "binary":
      return term.op === "power" ? [] : term.op === "div" ? [term.left] : [term.left, term.right];
    case "unary":
    case "component":
    case "element":
    case "moment":
      return [term.operand];
    case "concatenation":
      return term.parts;
    case "reduction":
      return term.op === "sum" || term.op === "mean" ? [term.body] : [];
    case "blockwise":
    case "convolution":
      return [term.operand];
    case "call":
      return isPassing(term) || ["sum", "mean", "split", "diag", "concat"].includes(term.function) ? term.args : [];
    default:
      return [];
  }
}

function somewhereLinear(term: Draft, test: (term: Draft) => boolean): boolean {
  return test(term) || linearParts(term).some((part) => somewhereLinear(part, test));
}

/** The state that a value goes into as (a factor of) a summand there, without leaving its block on the way, and that summand. */
function stateFedBy(context: RoleContext, host: ValueSymbol, depth = 0): { readonly state: string; readonly summand: Draft } | undefined {
  const { model, recurrent } = context;
  if (host.output || depth > 3) return undefined;
  const isHost = (term: Draft): boolean => term.kind === "value" && term.lag === 0 && term.name === host.name;
  for (const user of model.values.values()) {
    if (!user.equation || user === host || !somewhereLinear(user.equation.value, isHost)) continue;
    const own = recurrent.has(user.name) ? spineOf(context, user.name) : undefined;
    if (own && accumulates(context, own)) {
      const summand = summandsOf(user.equation.value).find((each) => somewhereLinear(each, isHost));
      return summand && { state: [...own][0], summand };
    }
    const further = recurrent.has(user.name) ? undefined : stateFedBy(context, user, depth + 1);
    if (further !== undefined) return further;
  }
  return undefined;
}

function summandsOf(term: Draft): Draft[] {
  if (term.kind === "binary" && (term.op === "add" || term.op === "sub")) return [...summandsOf(term.left), ...summandsOf(term.right)];
  return term.kind === "unary" && term.op === "neg" ? summandsOf(term.operand) : [term];
}

/** True for an index of time, and for a counting index that picks parts of an input rather than of weights alone. */
function runsOverPositions(context: RoleContext, { rest }: Occurrence, index: string): boolean {
  if (context.model.indices.get(index)?.type === "time") return true;
  const picks = (term: Draft, name: string, depth: number): boolean => {
    if (term.kind === "component" && term.index === name && isOfInput(term.operand)) return true;
    if (term.kind === "value" && depth < 4) {
      const symbol = context.model.values.get(term.name);
      const place = term.indices.indexOf(name);
      if (symbol?.equation && place >= 0 && picks(symbol.equation.value, symbol.indices[place], depth + 1)) return true;
    }
    return termChildren(term).some((child) => picks(child, name, depth));
  };
  return rest.some((part) => picks(part, index, 0));
}

function isOfInput(term: Draft): boolean {
  return term.kind === "input" || (term.kind === "component" && isOfInput(term.operand));
}

/** True for what a recurrence passes on: an output, a state, what is read outside of it, and what these are linear in. */
function leaves(context: RoleContext, host: ValueSymbol, depth = 0): boolean {
  if (host.output || host.lags.size > 0) return true;
  if (depth > 3) return false;
  const isHost = (term: Draft): boolean => term.kind === "value" && term.lag === 0 && term.name === host.name;
  return [...context.model.values.values()].some((user) => {
    if (!user.equation || user === host || !refersTo(user.equation.value, isHost)) return false;
    if (user.generated && !context.recurrent.has(user.name)) return false; // an equation made for a gate without a name
    if (context.recurrent.get(user.name) !== context.recurrent.get(host.name)) return true;
    return somewhereLinear(user.equation.value, isHost) && leaves(context, user, depth + 1);
  });
}

/** The function or reduction that a gate is made by. */
function rootOf(model: Model, base: Draft, depth = 0): Draft | undefined {
  if (base.kind !== "value") return base;
  const equation = model.values.get(base.name)?.equation;
  return equation && depth < 8 ? rootOf(model, baseOf(equation.value), depth + 1) : undefined;
}

/** What a factor is a gate by: `z` of `1 - z`, `f` of `f[n]`, the function call itself if it has no name. */
export function baseOf(term: Draft): Draft {
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

/** The states that an equation is the update of, itself or as a bare summand of theirs; the states themselves first. */
function spineOf(context: RoleContext, name: string): Set<string> {
  const known = context.spines.get(name);
  if (known) return known;
  const { model } = context;
  const found = new Set([name]);
  for (let grown = true, round = 0; grown && round < 4; round++) {
    grown = false;
    for (const symbol of model.values.values()) {
      if (found.has(symbol.name) || !symbol.equation) continue;
      if (onSpine(symbol.equation.value, (term) => term.kind === "value" && term.lag === 0 && found.has(term.name)) !== undefined) {
        found.add(symbol.name);
        grown = true;
      }
    }
  }
  const isState = (each: string): boolean => model.values.get(each)!.lags.size > 0;
  const spine = new Set([...[...found].filter(isState), ...(isState(name) ? [] : [name])]);
  context.spines.set(name, spine);
  return spine;
}

/** Name of a bare summand that satisfies the test, if there is one. */
function onSpine(term: Draft, test: (term: Draft) => boolean): string | undefined {
  if (term.kind === "value" && test(term)) return term.name;
  if (term.kind === "binary" && (term.op === "add" || term.op === "sub")) return onSpine(term.left, test) ?? onSpine(term.right, test);
  if (term.kind === "unary") return onSpine(term.operand, test);
  if (term.kind !== "call" || !isPassing(term)) return undefined;
  return term.args.map((arg) => onSpine(arg, test)).find((found) => found !== undefined);
}

/** True if the states' own earlier values are among what is added up, alone or times something. */
function accumulates(context: RoleContext, own: ReadonlySet<string>): boolean {
  const summand = (term: Draft, depth: number): boolean => {
    if (term.kind === "value" && term.lag !== 0) return own.has(term.name);
    if (term.kind === "value") {
      const equation = context.recurrent.has(term.name) && depth < DEPTH ? context.model.values.get(term.name)?.equation : undefined;
      return equation !== undefined && summand(equation.value, depth + 1);
    }
    if (term.kind === "binary" && (term.op === "add" || term.op === "sub")) return summand(term.left, depth) || summand(term.right, depth);
    if (term.kind === "binary" && (term.op === "hadamard" || term.op === "mul" || term.op === "product"))
      return summand(term.left, depth) || summand(term.right, depth);
    return term.kind === "unary" && summand(term.operand, depth);
  };
  return [...own].some((name) => {
    const equation = context.model.values.get(name)?.equation;
    return equation !== undefined && summand(equation.value, 0);
  });
}

function refersTo(term: Draft, test: (term: Draft) => boolean): boolean {
  return test(term) || termChildren(term).some((child) => refersTo(child, test));
}

/** The first recurrent value of another step that a term reads, itself or through a gated copy of it. */
function firstState(context: RoleContext, term: Draft, depth = 0): string | undefined {
  if (term.kind === "value" && context.recurrent.has(term.name)) {
    if (term.lag !== 0) return term.name;
    const equation = context.model.values.get(term.name)?.equation;
    return equation && depth < 4 ? copiedState(context, equation.value, depth + 1) : undefined;
  }
  for (const child of termChildren(term)) {
    const found = firstState(context, child, depth);
    if (found) return found;
  }
  return undefined;
}

/** `g∘h[t-1]`: the state that a product of bare factors passes on. */
function copiedState(context: RoleContext, term: Draft, depth: number): string | undefined {
  if (term.kind === "value") return firstState(context, term, depth);
  if (term.kind !== "binary" || (term.op !== "hadamard" && term.op !== "mul")) return undefined;
  return copiedState(context, term.left, depth) ?? copiedState(context, term.right, depth);
}

/** The factors of an elementwise product, signs aside. */
export function factorsOf(term: Draft): Draft[] {
  if (term.kind === "binary" && (term.op === "hadamard" || term.op === "mul")) return [...factorsOf(term.left), ...factorsOf(term.right)];
  if (term.kind === "unary" && term.op === "neg") return factorsOf(term.operand);
  return [term];
}
