/**
 * The network language: what the author's text means once every name, shape and time offset is resolved. Nouns only.
 *
 * Blocks that are called are inlined, with the call's name as a prefix of everything inside (`h1.Wxi`); sizes are symbolic.
 * It is what people are told about a model (`explain`, the studio, errors) and what phase 2 builds tensor graphs from.
 * Immutable plain data.
 */
import type { Span } from "../../support/source.ts";
import type { Reason } from "../../support/diagnostic.ts";
import type { Equation, Term } from "./equation.ts";

/** A number of components: `H`, `4`, `H + D`, `D / 2`: Σ terms of coefficient × product of named sizes. */
export interface Size {
  readonly terms: readonly { readonly coefficient: number; readonly names: readonly string[] }[];
}

export interface Network {
  /** Name of the main block (the last of the file unless chosen). */
  readonly name: string;
  readonly documentation: readonly string[];
  readonly inputs: readonly InputDeclaration[];
  /** Names of the values that the main block returns, in the header's order. */
  readonly outputs: readonly string[];
  /** Name of the per-step loss, if the main block defines `loss`. */
  readonly loss?: string;
  readonly sizes: readonly SizeDeclaration[];
  readonly weights: readonly WeightDeclaration[];
  /** Every definition, in evaluation order. */
  readonly values: readonly ValueDeclaration[];
  readonly states: readonly StateDeclaration[];
  readonly gates: readonly GateDeclaration[];
  readonly recurrences: readonly RecurrenceDeclaration[];
  /** One for each of `values`, in the same order. */
  readonly equations: readonly Equation[];
  /** Counting and time indices that the equations use. */
  readonly indices: readonly IndexDeclaration[];
  /** Values before the first step that are expressions: `h[0] = tanh(W·z)`. Keyed "h" for h[0], "h~2" for h[-1]. */
  readonly initials: readonly { readonly state: string; readonly lag: number; readonly value: Term }[];
}

export interface IndexDeclaration {
  /** Path: "n", "y1.n". */
  readonly name: string;
  /** "count": from … from + size - 1. "time": all s with lower ≤ s - t ≤ upper that lie in the sequence. */
  readonly kind: "count" | "time";
  readonly from: number;
  readonly size?: Size;
  /** Bounds of s - t, both included; absent: no bound. A size in the bound (`t-W < s`) is given by `window`. */
  readonly lower?: number;
  readonly upper?: number;
  /** s > t - window. */
  readonly window?: Size;
  /** r > s for another time index s, given by its path. */
  readonly after?: string;
  readonly span: Span;
}

export interface InputDeclaration {
  readonly name: string;
  readonly type: "real" | "index";
  readonly shape: readonly Size[];
  /** Of an index input: how many values it can take, where its use tells (`E[token]`: rows of E; `cross_entropy(y, token)`: length of y). */
  readonly range?: Size;
  /** False for what is given once per sequence: an initial state, a condition (`where h : static`). */
  readonly perStep: boolean;
  /** False for what is shared by the whole batch too (a given bound). */
  readonly perExample: boolean;
  /** Largest look-ahead in use: 1 if `token[t+1]` is read, else 0. Lags need no declaration. */
  readonly lookAhead: number;
  readonly span: Span;
}

export interface SizeDeclaration {
  readonly name: string;
  /** Its value if the text fixes it. */
  readonly value?: number;
  /** True if the caller must give it (not fixed by the text and not by another size). */
  readonly free: boolean;
  /** Where it comes from: "H, because of `Whi·h[t-1]`". */
  readonly reasons: readonly Reason[];
}

export type WeightRole =
  | "input_matrix"
  | "recurrent_matrix"
  | "peephole"
  | "bias"
  | "gate_bias"
  | "forget_bias"
  | "embedding"
  | "kernel"
  | "scale"
  | "initial_state"
  | "other";

export interface WeightDeclaration {
  /** Path: "Wxi", "h1.Wxi". */
  readonly name: string;
  readonly shape: readonly Size[];
  readonly role: WeightRole;
  readonly initial: Initial;
  readonly reasons: readonly Reason[];
  readonly span: Span;
}

/** How a weight begins; `source` says whose choice it is: "the author", or the paper of the default. */
export type Initial = { readonly source: string } & (
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "uniform"; readonly low: number; readonly high: number }
  | { readonly kind: "normal"; readonly mean: number; readonly deviation: number }
  | { readonly kind: "glorot_uniform" } // U(±√(6/(in+out))), Glorot & Bengio 2010
  | { readonly kind: "orthogonal"; readonly gain: number } // Saxe et al. 2014
  | { readonly kind: "fan_in_uniform" } // U(±1/√in)
  | { readonly kind: "chrono"; readonly maximum: number } // log U(1, T-1), Tallec & Ollivier 2018
  | { readonly kind: "uniform_gate" } // -log(1/u - 1), u ~ U(1/d, 1 - 1/d), d the length: σ of it is uniform, Gu et al. 2020
);

export interface ValueDeclaration {
  readonly name: string;
  readonly shape: readonly Size[];
  readonly type: "real" | "index";
  /** Index of the recurrence it is part of, if any. */
  readonly recurrence?: number;
  readonly equation: string; // canonical text, "i = σ(Wxi·x + …)"
  readonly span: Span;
}

export interface StateDeclaration {
  /** Name of the definition that is read at another time. */
  readonly name: string;
  /** Largest lag in use (2 if `h[t-2]` is read); negative for a recurrence backwards in time. */
  readonly lag: number;
  readonly shape: readonly Size[];
  /** "zero", a constant, a learned weight, or an input of the run. */
  readonly initial:
    | { readonly kind: "constant"; readonly value: number }
    | { readonly kind: "weight" | "input"; readonly name: string }
    | { readonly kind: "expression" };
  readonly span: Span;
}

export type GateRole = "input" | "forget" | "output" | "update" | "reset" | "attention" | "routing" | "other";

export interface GateDeclaration {
  /** Name of the defined value ("i"), or canonical text of the expression when it has no name of its own. */
  readonly name: string;
  /** Value whose recording shows it: the definition's path. Anonymous gates get a generated path such as "h.gate1". */
  readonly value: string;
  readonly role: GateRole;
  /** Which function bounds it, and the range: [0, 1] for σ, [-1, 1] for 2σ-1. */
  readonly range: readonly [number, number];
  /** What it lets through, canonical text: "c[t-1]". */
  readonly passes: string;
  readonly reason: string;
  readonly span: Span;
}

export interface RecurrenceDeclaration {
  readonly names: readonly string[];
  readonly direction: "forward" | "backward";
  /** True if every state update is affine in the states with coefficients that do not depend on them. */
  readonly linear: boolean;
  /** Why it is not linear: "`f` is nonlinear in the state because of `Whf·h[t-1]`". */
  readonly reasons: readonly Reason[];
}
