/**
 * What a model is, as plain data: equations, sizes with their reasons, weights with theirs, gates and why they are gates, recurrences, cost.
 *
 * In: a network, and as far as they are known its sizes and the program compiled for them. Out: an `Explanation` (JSON as it stands);
 * draw-explanation.ts makes text of it. Says nothing that the compiler did not find.
 */
import type { GateRole, Initial, Network, Size, WeightRole } from "../ir/network/node.ts";
import type { Program } from "../ir/program/node.ts";
import { shapeOf, sizeText } from "../model/sizes.ts";
import { type Cost, costOf } from "./cost.ts";

export interface Explanation {
  readonly name: string;
  readonly documentation: readonly string[];
  readonly inputs: readonly { readonly name: string; readonly type: "real" | "index"; readonly shape: string; readonly note: string }[];
  readonly outputs: readonly string[];
  readonly loss?: string;
  readonly equations: readonly {
    readonly name: string;
    readonly text: string;
    readonly shape: string;
    /** "input gate", "state", "output": what this value is to the reader. */
    readonly roles: readonly string[];
  }[];
  readonly gates: readonly {
    readonly name: string;
    readonly value: string;
    readonly role: GateRole;
    readonly range: readonly [number, number];
    readonly passes: string;
    readonly reason: string;
  }[];
  readonly sizes: readonly { readonly name: string; readonly value?: number; readonly free: boolean; readonly reasons: readonly string[] }[];
  readonly weights: readonly {
    readonly name: string;
    readonly shape: string;
    /** Concrete shape, if every size has a value. */
    readonly numbers?: readonly number[];
    readonly role: WeightRole;
    readonly initial: string;
    readonly source: string;
    readonly reasons: readonly string[];
  }[];
  readonly states: readonly { readonly name: string; readonly lag: number; readonly shape: string; readonly initial: string }[];
  readonly recurrences: readonly {
    readonly names: readonly string[];
    readonly direction: "forward" | "backward";
    readonly linear: boolean;
    readonly reasons: readonly string[];
  }[];
  readonly parameterCount?: number;
  readonly cost?: Cost;
  /** What the compiler did to the equations, in its own words: hoisted, stacked, fused. */
  readonly findings: readonly string[];
}

/** How a weight begins, for people: "Glorot uniform", "1", "uniform 0.9 … 0.999". */
export function initialText(initial: Initial): string {
  switch (initial.kind) {
    case "constant":
      return String(initial.value);
    case "uniform":
      return `uniform ${initial.low} … ${initial.high}`;
    case "normal":
      return `normal, mean ${initial.mean}, deviation ${initial.deviation}`;
    case "glorot_uniform":
      return "Glorot uniform";
    case "orthogonal":
      return initial.gain === 1 ? "orthogonal" : `orthogonal × ${initial.gain}`;
    case "fan_in_uniform":
      return "uniform ±1/√in";
    case "chrono":
      return `log of uniform 1 … ${initial.maximum - 1}`;
    case "uniform_gate":
      return "so that σ of it is uniform";
  }
}

/** "H×D", "H", "number". */
export function shapeNames(shape: readonly Size[]): string {
  return shape.length === 0 ? "number" : shape.map(sizeText).join("×");
}

/** Explains a network; with `sizes` in numbers, with `program` its cost, with `findings` what the compiler made of it. */
export function explain(
  network: Network,
  known: { readonly sizes?: Readonly<Record<string, number>>; readonly program?: Program; readonly findings?: readonly string[] } = {},
): Explanation {
  const concrete = (shape: readonly Size[], name: string): readonly number[] | undefined => {
    if (known.sizes === undefined) return undefined;
    return shapeOf(shape, known.sizes, name);
  };
  const weights = network.weights.map((weight) => ({
    name: weight.name,
    shape: shapeNames(weight.shape),
    numbers: concrete(weight.shape, weight.name),
    role: weight.role,
    initial: initialText(weight.initial),
    source: weight.initial.source,
    reasons: weight.reasons.map((reason) => reason.message),
  }));
  const states = new Set(network.states.map((state) => state.name));
  const gates = new Map(network.gates.map((gate) => [gate.value, gate]));
  return {
    name: network.name,
    documentation: network.documentation,
    inputs: network.inputs.map((input) => ({
      name: input.name,
      type: input.type,
      shape:
        input.type === "index" && input.shape.length === 0
          ? `index below ${input.range ? sizeText(input.range) : "its table"}`
          : shapeNames(input.shape),
      note: [
        input.perStep ? "" : "given once",
        input.lookAhead > 0 ? `read ${input.lookAhead} step${input.lookAhead === 1 ? "" : "s"} ahead` : "",
        input.perExample ? "" : "shared by the batch",
      ]
        .filter(Boolean)
        .join(", "),
    })),
    outputs: network.outputs,
    loss: network.loss,
    equations: network.values.map((value) => {
      const gate = gates.get(value.name);
      return {
        name: value.name,
        text: value.equation,
        shape: value.type === "index" ? "index" : shapeNames(value.shape),
        roles: [
          gate ? gateTitle(gate.role) : "",
          states.has(value.name) ? "state" : "",
          network.outputs.includes(value.name) ? "output" : "",
          value.name === network.loss ? "loss" : "",
        ].filter(Boolean),
      };
    }),
    gates: network.gates.map(({ name, value, role, range, passes, reason }) => ({ name, value, role, range, passes, reason })),
    sizes: network.sizes.map((size) => ({
      name: size.name,
      value: size.value ?? known.sizes?.[size.name],
      free: size.free,
      reasons: size.reasons.map((reason) => reason.message),
    })),
    weights,
    states: network.states.map((state) => ({
      name: state.name,
      lag: state.lag,
      shape: shapeNames(state.shape),
      initial: stateInitialText(state.initial),
    })),
    recurrences: network.recurrences.map((recurrence) => ({
      names: recurrence.names,
      direction: recurrence.direction,
      linear: recurrence.linear,
      reasons: recurrence.reasons.map((reason) => reason.message),
    })),
    parameterCount:
      known.sizes === undefined ? undefined : weights.reduce((total, weight) => total + (weight.numbers ?? []).reduce((a, b) => a * b, 1), 0),
    cost: known.program === undefined ? undefined : costOf(known.program),
    findings: known.findings ?? [],
  };
}

/** "input gate", "attention": a role as a noun. */
export function gateTitle(role: GateRole): string {
  return role === "attention" || role === "routing" ? role : role === "other" ? "gate" : `${role} gate`;
}

function stateInitialText(initial: Network["states"][number]["initial"]): string {
  switch (initial.kind) {
    case "constant":
      return String(initial.value);
    case "weight":
      return `${initial.name}, learned`;
    case "input":
      return `${initial.name}, given`;
    case "expression":
      return "by its equation";
  }
}
