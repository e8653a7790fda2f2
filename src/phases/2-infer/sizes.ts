/**
 * Sizes while they are being solved: integer polynomials over unknowns, and their unification.
 *
 * In: equations between sizes, one at a time. Out: solved unknowns (in place: an unknown has identity until inference ends).
 * A size that the author named in the main block is rigid: it equals nothing but itself. Never guesses: an unknown that no equation
 * fixes stays free and becomes a size that the caller gives.
 */
import { invariant } from "../../support/invariant.ts";
import type { Reason } from "../../support/diagnostic.ts";
import type { Size } from "../../ir/network/node.ts";

export interface Unknown {
  readonly id: number;
  /** The author's name, if it has one. */
  readonly author?: string;
  /** True: an author's name in the main block, never solved. */
  readonly rigid: boolean;
  solution?: Dimension;
  /** True if it was made for an input: others are expressed by it. */
  given: boolean;
  /** True if it is (also) the number of features of an input of the main block. */
  external: boolean;
  /** Why it exists or what it was made equal to, first reason first. */
  readonly reasons: Reason[];
  /** Name that it is shown under, once chosen, and how many were chosen before. */
  shown?: string;
  place?: number;
}

/** Σ coefficient × product of unknowns; [] is 0. Always through `normalize` before it is compared. */
export type Dimension = readonly Monomial[];
interface Monomial {
  readonly coefficient: number;
  readonly unknowns: readonly Unknown[];
}

export interface SizeSolver {
  fresh(reason?: Reason): Unknown;
  named(author: string, rigid: boolean): Unknown;
  readonly all: readonly Unknown[];
}

export function sizeSolver(): SizeSolver {
  const all: Unknown[] = [];
  const make = (author: string | undefined, rigid: boolean, reasons: Reason[]): Unknown => {
    const unknown: Unknown = { id: all.length, author, rigid, given: false, external: false, reasons };
    all.push(unknown);
    return unknown;
  };
  return { all, fresh: (reason) => make(undefined, false, reason ? [reason] : []), named: (author, rigid) => make(author, rigid, []) };
}

export const constant = (value: number): Dimension => (value === 0 ? [] : [{ coefficient: value, unknowns: [] }]);
export const variable = (unknown: Unknown): Dimension => [{ coefficient: 1, unknowns: [unknown] }];

export function addDimensions(a: Dimension, b: Dimension, factor = 1): Dimension {
  return collect([...a, ...b.map((m) => ({ coefficient: m.coefficient * factor, unknowns: m.unknowns }))]);
}

export function multiplyDimensions(a: Dimension, b: Dimension): Dimension {
  return collect(
    a.flatMap((x) =>
      b.map((y) => ({ coefficient: x.coefficient * y.coefficient, unknowns: [...x.unknowns, ...y.unknowns].sort((p, q) => p.id - q.id) })),
    ),
  );
}

function collect(terms: readonly Monomial[]): Dimension {
  const byKey = new Map<string, Monomial>();
  for (const term of terms) {
    const key = term.unknowns.map((u) => u.id).join("*");
    const old = byKey.get(key);
    byKey.set(key, old ? { coefficient: old.coefficient + term.coefficient, unknowns: term.unknowns } : term);
  }
  return [...byKey.values()].filter((m) => m.coefficient !== 0);
}

/** The same size with every solved unknown replaced by its solution. */
export function normalize(size: Dimension): Dimension {
  if (size.every((m) => m.unknowns.every((u) => !u.solution))) return size;
  let result: Dimension = [];
  for (const term of size) {
    let product: Dimension = constant(term.coefficient);
    for (const unknown of term.unknowns) product = multiplyDimensions(product, unknown.solution ? normalize(unknown.solution) : variable(unknown));
    result = addDimensions(result, product);
  }
  return result;
}

/** Makes two sizes equal by solving an unknown; false if they cannot be. Keeps author's names, then older unknowns. */
export function unifyDimensions(a: Dimension, b: Dimension): boolean {
  const difference = withoutCommonFactor(normalize(addDimensions(normalize(a), normalize(b), -1)));
  if (difference.length === 0) return true;
  const candidates = difference.filter(
    (m) => m.unknowns.length === 1 && !m.unknowns[0].rigid && difference.every((other) => other === m || !other.unknowns.includes(m.unknowns[0])),
  );
  candidates.sort((p, q) => rank(p) - rank(q));
  for (const candidate of candidates) {
    const rest = difference.filter((m) => m !== candidate);
    const solution = rest.map((m) => ({ coefficient: -m.coefficient / candidate.coefficient, unknowns: m.unknowns }));
    if (!plausible(solution)) continue;
    const [unknown] = candidate.unknowns;
    unknown.solution = solution;
    if (solution.length === 1 && solution[0].unknowns.length === 1 && solution[0].coefficient === 1) {
      const kept = solution[0].unknowns[0];
      kept.external ||= unknown.external;
      kept.given ||= unknown.given;
      kept.reasons.push(...unknown.reasons);
    }
    return true;
  }
  return false;
}

/** What to solve first: unnamed before named, those of inputs last, younger before older (so that the half of D is D/2, and D is not twice the half). */
function rank(term: Monomial): number {
  const [unknown] = term.unknowns;
  return (unknown.author ? 4e6 : 0) + (unknown.given ? 2e6 : 0) + (1e6 - unknown.id);
}

/** Sizes are not 0, so what all terms share can be divided out. */
function withoutCommonFactor(size: Dimension): Dimension {
  let result = size;
  for (let shared = commonFactor(result); shared; shared = commonFactor(result)) {
    const factor = shared;
    result = result.map((m) => {
      const at = m.unknowns.indexOf(factor);
      return { coefficient: m.coefficient, unknowns: m.unknowns.filter((_, k) => k !== at) };
    });
  }
  return result;
}
const commonFactor = (size: Dimension): Unknown | undefined => size[0]?.unknowns.find((unknown) => size.every((m) => m.unknowns.includes(unknown)));

/** A number of components is a positive whole number; a sum of sizes has at least one positive term. */
function plausible(size: Dimension): boolean {
  if (size.length === 0) return false;
  if (size.every((m) => m.unknowns.length === 0)) return Number.isInteger(size[0].coefficient) && size[0].coefficient > 0;
  return size.some((m) => m.coefficient > 0);
}

/** True if the two are the same number for every value of the unknowns. */
export function sameDimension(a: Dimension, b: Dimension): boolean {
  return normalize(addDimensions(normalize(a), normalize(b), -1)).length === 0;
}

/** The single unsolved unknown that the size is, if it is one. */
export function soleUnknown(size: Dimension): Unknown | undefined {
  const normal = normalize(size);
  return normal.length === 1 && normal[0].coefficient === 1 && normal[0].unknowns.length === 1 ? normal[0].unknowns[0] : undefined;
}

/** The size as plain data; every unknown in it must have a name by now. */
export function toSize(size: Dimension): Size {
  return {
    terms: normalize(size).map((m) => ({
      coefficient: m.coefficient,
      names: m.unknowns.map((u) => {
        invariant(u.shown !== undefined, "a size has no name");
        return u.shown;
      }),
    })),
  };
}
