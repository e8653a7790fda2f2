/**
 * Roles of weights, and how they begin.
 *
 * In: the model with its gates. Out: for each weight its role and its beginning: what the author wrote (`bf ~ 1`), else the default with its source:
 * matrices Glorot-uniform, matrices on a state at t-1 orthogonal, the bias of a forget gate 1, factors 1, everything else 0.
 */
import type { Expression } from "../../ir/syntax/node.ts";
import type { Initial, WeightRole } from "../../ir/network/node.ts";
import { termChildren } from "../../ir/network/equation.ts";
import { type Draft, dimsOf, type Model, type Reporter, type ValueSymbol, type WeightSymbol } from "./draft.ts";
import { nearestName } from "./functions.ts";
import type { FoundGate } from "./gates.ts";
import { lastPart } from "./report-inside.ts";
import { numberOf } from "./scope.ts";
import { isWeightLike } from "./guesses.ts";

/** Where a weight is used: the chain of terms from its equation down to it. */
interface Place {
  readonly host: ValueSymbol;
  readonly above: readonly Draft[];
  readonly term: Draft;
}

export function weightRoles(model: Model, gates: readonly FoundGate[], recurrent: ReadonlySet<string>): Map<string, WeightRole> {
  const places = new Map<string, Place[]>();
  const walk = (host: ValueSymbol, term: Draft, above: readonly Draft[]): void => {
    if (term.kind === "weight") places.set(term.name, [...(places.get(term.name) ?? []), { host, above, term }]);
    const inside = termChildren(term).length > 0 ? [...above, term] : above;
    for (const child of termChildren(term)) walk(host, child, inside);
  };
  for (const host of model.values.values()) if (host.equation) walk(host, host.equation.value, []);
  const gateRoles = new Map(gates.map((gate) => [gate.value, gate.role]));
  const roles = new Map<string, WeightRole>();
  for (const weight of model.weights.values()) {
    const uses = (places.get(weight.name) ?? []).map((place) => roleAt(model, place, gateRoles, recurrent));
    roles.set(
      weight.name,
      weight.initialOf && uses.length === 0 ? "initial_state" : (uses.sort((a, b) => PRIORITY.indexOf(a) - PRIORITY.indexOf(b))[0] ?? "other"),
    );
  }
  return roles;
}

const PRIORITY: readonly WeightRole[] = [
  "embedding",
  "kernel",
  "recurrent_matrix",
  "input_matrix",
  "forget_bias",
  "gate_bias",
  "peephole",
  "bias",
  "scale",
  "initial_state",
  "other",
];

function roleAt(model: Model, place: Place, gates: ReadonlyMap<string, string>, recurrent: ReadonlySet<string>): WeightRole {
  let { term } = place;
  const above = [...place.above];
  for (let parent = above.at(-1); parent; parent = above.at(-1)) {
    const isWrapper =
      parent.kind === "component" ||
      parent.kind === "element" ||
      parent.kind === "unary" ||
      (parent.kind === "binary" && parent.op === "product" && isWeightLike(parent));
    if (!isWrapper) break;
    term = parent;
    above.pop();
  }
  const parent = above.at(-1);
  if (!parent) return "other";
  const reads = (part: Draft): boolean => (part.kind === "value" && part.lag !== 0 && recurrent.has(part.name)) || termChildren(part).some(reads);
  switch (parent.kind) {
    case "lookup":
      return "embedding";
    case "convolution":
      return "kernel";
    case "blockwise":
      return reads(parent.operand) ? "recurrent_matrix" : "input_matrix";
    case "binary": {
      const other = parent.left === term ? parent.right : parent.left;
      if (parent.op === "product") return reads(other) ? "recurrent_matrix" : "input_matrix";
      if (parent.op === "add" || parent.op === "sub") return biasRole(model, place.host, above, gates);
      if (parent.op === "hadamard" || parent.op === "mul") {
        const inSum = above.slice(0, -1).some((each) => each.kind === "binary" && (each.op === "add" || each.op === "sub"));
        const ofState = (part: Draft): boolean =>
          (part.kind === "value" && recurrent.has(part.name)) || (part.kind === "unary" && ofState(part.operand));
        return ofState(other) && inSum && dimsOf(term.shape)?.length !== 0 ? "peephole" : "scale";
      }
      return "other";
    }
    default:
      return "other";
  }
}

/** A bias in the argument of a gate's function belongs to that gate. */
function biasRole(model: Model, host: ValueSymbol, above: readonly Draft[], gates: ReadonlyMap<string, string>): WeightRole {
  const call = [...above].reverse().find((each) => !(each.kind === "binary" && (each.op === "add" || each.op === "sub")));
  if (call && call.kind !== "call") return "bias";
  const gate = call ? gates.get(host.name) : gateFedBy(model, host, gates);
  if (call && !["σ", "hard_σ"].includes(call.function)) return "bias";
  return gate === undefined ? "bias" : gate === "forget" ? "forget_bias" : "gate_bias";
}

/** The role of the gate whose function takes this value as its whole argument: `a = W·x + b`, `f = σ(a)`. */
function gateFedBy(model: Model, host: ValueSymbol, gates: ReadonlyMap<string, string>): string | undefined {
  for (const [name, role] of gates) {
    const value = model.values.get(name)?.equation?.value;
    if (value?.kind === "call" && value.args.length === 1 && value.args[0].kind === "value" && value.args[0].name === host.name) return role;
  }
  return undefined;
}

const GLOROT: Initial = { kind: "glorot_uniform", source: "default: Glorot & Bengio 2010" };
const ORTHOGONAL: Initial = { kind: "orthogonal", gain: 1, source: "default: Saxe et al. 2014" };
const zero = (source: string): Initial => ({ kind: "constant", value: 0, source });

export function initialOf(weight: WeightSymbol, role: WeightRole, report: Reporter): Initial {
  if (weight.distribution) {
    const written = writtenInitial(weight, weight.distribution.value, report);
    if (written) return written;
  }
  switch (role) {
    case "recurrent_matrix":
      return (dimsOf(weight.shape)?.length ?? 0) >= 2 ? ORTHOGONAL : GLOROT;
    case "input_matrix":
    case "embedding":
    case "kernel":
      return GLOROT;
    case "forget_bias":
      return { kind: "constant", value: 1, source: "default: Jozefowicz et al. 2015" };
    case "scale":
      return { kind: "constant", value: 1, source: "default: a factor begins as the identity" };
    default:
      return zero("default: 0");
  }
}

const DISTRIBUTIONS = ["uniform", "normal", "orthogonal", "glorot_uniform", "fan_in_uniform", "chrono", "uniform_gate"] as const;

function writtenInitial(weight: WeightSymbol, value: Expression, report: Reporter): Initial | undefined {
  const source = "the author";
  const number = numberOf(value);
  if (number !== undefined) return Number.isFinite(number) ? { kind: "constant", value: number, source } : undefined;
  const name = value.kind === "call" ? value.callee.name : value.kind === "name" ? value.name : undefined;
  const args = value.kind === "call" ? value.args.map(numberOf) : [];
  const place = value.span;
  const known = name === "glorot" ? "glorot_uniform" : name === "gaussian" ? "normal" : name;
  const wrong = (text: string): undefined => {
    report.error("E127", place, text, { label: "not a beginning" });
    return undefined;
  };
  if (!known || !(DISTRIBUTIONS as readonly string[]).includes(known)) {
    const near = name && nearestName(name, DISTRIBUTIONS);
    report.error("E127", place, `\`${report.quote(place)}\` says nothing about how ${lastPart(weight.name)} begins`, {
      label: `a number, or ${DISTRIBUTIONS.join(", ")}`,
      edit: near && value.kind !== "number" ? { span: value.kind === "call" ? value.callee.span : place, text: near, label: near } : undefined,
    });
    return undefined;
  }
  if (args.some((arg) => arg === undefined || !Number.isFinite(arg))) return wrong(`the arguments of ${known} are numbers`);
  const [a, b] = args as number[];
  switch (known as (typeof DISTRIBUTIONS)[number]) {
    case "uniform":
      return args.length === 2 && a < b ? { kind: "uniform", low: a, high: b, source } : wrong("uniform takes its two ends: uniform(-0.1, 0.1)");
    case "normal":
      return args.length === 2 && b > 0
        ? { kind: "normal", mean: a, deviation: b, source }
        : wrong("normal takes mean and deviation: normal(0, 0.1)");
    case "orthogonal":
      return args.length <= 1 ? { kind: "orthogonal", gain: a ?? 1, source } : wrong("orthogonal takes at most its gain: orthogonal(1)");
    case "chrono":
      return args.length === 1 && a > 2 ? { kind: "chrono", maximum: a, source } : wrong("chrono takes the longest time span: chrono(100)");
    case "uniform_gate":
      return args.length === 0 ? { kind: "uniform_gate", source } : wrong("uniform_gate takes no arguments");
    case "glorot_uniform":
      return args.length === 0 ? { kind: "glorot_uniform", source } : wrong("glorot_uniform takes no arguments");
    case "fan_in_uniform":
      return args.length === 0 ? { kind: "fan_in_uniform", source } : wrong("fan_in_uniform takes no arguments");
  }
}
