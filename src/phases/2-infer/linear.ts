/**
 * Which recurrences are linear in their state, and why the others are not.
 *
 * In: a recurrence and its equations. Out: true if every update is affine in the states at other steps with coefficients that do not depend on them
 * (such a recurrence runs as a scan); else the part that makes it nonlinear: "f is nonlinear in the state because of `Whf·h[t-1]`".
 */
import type { Reason } from "../../support/diagnostic.ts";
import { termChildren } from "../../ir/network/equation.ts";
import type { Draft, Model } from "./draft.ts";
import { FUNCTIONS } from "./functions.ts";
import { lastPart } from "./report-inside.ts";

/** 0: does not depend on the state, 1: affine in it, 2: not linear. */
type Degree = 0 | 1 | 2;
interface Culprit {
  readonly name: string;
  readonly term: Draft;
}

export function linearity(
  model: Model,
  names: readonly string[],
  text: (term: Draft) => string,
  line: (term: Draft) => number,
): { linear: boolean; reasons: Reason[] } {
  const members = new Set(names);
  const degrees = new Map<string, Degree>();
  const culprits = new Map<string, Culprit>();
  const blame = (name: string, term: Draft): 2 => {
    const found = smallestRead(term, members) ?? term;
    if (!culprits.has(name)) culprits.set(name, { name, term: found });
    return 2;
  };
  const known = new Map<Draft, Degree>();
  const degreeOf = (host: string, term: Draft): Degree => {
    let degree = known.get(term);
    if (degree === undefined) {
      degree = compute(host, term);
      known.set(term, degree);
    }
    return degree;
  };
  const compute = (host: string, term: Draft): Degree => {
    const of = (part: Draft): Degree => degreeOf(host, part);
    switch (term.kind) {
      case "value":
        if (!members.has(term.name)) return 0;
        return term.lag !== 0 ? 1 : (degrees.get(term.name) ?? 1);
      case "unary":
      case "moment":
      case "component":
      case "collection":
      case "element":
        return of(term.operand);
      case "concatenation":
        return highest(term.parts.map(of));
      case "reduction":
        return term.op === "sum" || term.op === "mean" ? of(term.body) : of(term.body) === 0 ? 0 : blame(host, term.body);
      case "absolute":
        return of(term.operand) === 0 ? 0 : blame(host, term.operand);
      case "lookup":
        return of(term.operand);
      case "convolution":
      case "blockwise":
        return of(term.operand);
      case "binary": {
        const [a, b] = [of(term.left), of(term.right)];
        if (term.op === "add" || term.op === "sub") return highest([a, b]);
        if (term.op === "power") return highest([a, b]) === 0 ? 0 : blame(host, term);
        if (term.op === "div") return b === 0 ? a : blame(host, term.right);
        if (a > 0 && b > 0) return blame(host, firstDependent(term, of));
        return highest([a, b]);
      }
      case "call": {
        const all = term.args.map(of);
        if (highest(all) === 0) return 0;
        return FUNCTIONS[term.function].linear || FUNCTIONS[term.function].shape === "concat"
          ? highest(all)
          : blame(host, term.args[all.findIndex((d) => d > 0)]);
      }
      default:
        return 0;
    }
  };
  for (const name of names) {
    const equation = model.values.get(name)?.equation;
    degrees.set(name, equation ? degreeOf(name, equation.value) : 0);
  }
  const linear = [...degrees.values()].every((degree) => degree < 2);
  const readsState = (part: Draft): boolean =>
    (part.kind === "value" && members.has(part.name) && part.lag !== 0) || termChildren(part).some(readsState);
  const all = [...culprits.values()];
  const direct = all.filter(({ term }) => readsState(term));
  const reasons = (direct.length > 0 ? direct : all).slice(0, 4).map(({ name, term }) => ({
    message: `${lastPart(name)} is nonlinear in the state because of \`${text(term)}\` (line ${line(term)})`,
    span: term.span,
  }));
  return { linear, reasons: linear ? [] : reasons };
}

const highest = (degrees: readonly Degree[]): Degree => degrees.reduce<Degree>((a, b) => (a > b ? a : b), 0);

function firstDependent(term: Draft & { kind: "binary" }, of: (term: Draft) => Degree): Draft {
  return of(term.left) >= of(term.right) ? term.left : term.right;
}

/** The smallest part that shows the state being read: a product of linear algebra around it, else the read itself. */
function smallestRead(term: Draft, members: ReadonlySet<string>): Draft | undefined {
  const reads = (part: Draft): boolean => (part.kind === "value" && members.has(part.name)) || termChildren(part).some(reads);
  if (!reads(term)) return undefined;
  if (term.kind === "value") return term;
  if (term.kind === "blockwise" || term.kind === "convolution") return term;
  if (term.kind === "binary" && (term.op === "product" || term.op === "hadamard" || term.op === "mul")) return term;
  for (const child of termChildren(term)) {
    const found = smallestRead(child, members);
    if (found) return found;
  }
  return term;
}
