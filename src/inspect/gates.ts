/**
 * What recorded gates say: how open they are, how often they saturate, how long they remember.
 *
 * In: recordings of named values over time, [steps, batch, units] with the length of each sequence. Out: statistics as plain numbers. Padding
 * never counts. Thresholds follow Karpathy, Johnson & Fei-Fei 2015 (left below 0.1, right above 0.9), carried over to other ranges by their width.
 */

import type { GateDeclaration, Network } from "../ir/network/node.ts";
import { shortName } from "../model/gate-names.ts";

/** A named value over time, row-major [steps, batch, units]. */
export interface Recording {
  readonly name: string;
  readonly values: ArrayLike<number>;
  readonly steps: number;
  readonly batch: number;
  /** Components per time step and example: the product of the value's own shape. */
  readonly units: number;
  /** True if the components are time steps too (attention); then one long recording of many batches has units of 1. */
  readonly overPositions?: boolean;
  /** [batch] valid steps of each sequence; absent: all are `steps` long. */
  readonly lengths?: ArrayLike<number>;
}

export interface UnitStatistics {
  readonly mean: number;
  /** Fractions of time below 10 % and above 90 % of the range; a unit with left + right = 1 is binary. */
  readonly left: number;
  readonly right: number;
  /** τ̄ = -1 / mean over time of ln f, in time steps: after τ̄ steps a state that this gate carries has fallen to 1/e. */
  readonly timeConstant: number;
}

export interface GateStatistics {
  readonly name: string;
  readonly range: readonly [number, number];
  /** Number of values that were counted. */
  readonly count: number;
  readonly mean: number;
  readonly deviation: number;
  readonly left: number;
  readonly right: number;
  /** Counts in ten equal parts of the range. */
  readonly histogram: readonly number[];
  readonly units: readonly UnitStatistics[];
}

const BINS = 10;
const SMALLEST_CARRY = 1e-7; // float32 sigmoid's ε: ln 0 would make one closed step infinite

/** Statistics of one gate over all valid steps; an empty recording gives zeros. */
export function gateStatistics(recording: Recording, range: readonly [number, number] = [0, 1]): GateStatistics {
  const { values, steps, batch, units, lengths } = recording;
  const width = range[1] - range[0];
  const low = range[0] + 0.1 * width;
  const high = range[1] - 0.1 * width;
  const sums = new Float64Array(units);
  const lefts = new Float64Array(units);
  const rights = new Float64Array(units);
  const logs = new Float64Array(units);
  const histogram = new Array<number>(BINS).fill(0);
  let squares = 0;
  let rows = 0;
  for (let t = 0; t < steps; t++) {
    for (let b = 0; b < batch; b++) {
      if (lengths !== undefined && t >= lengths[b]) continue;
      rows++;
      const at = (t * batch + b) * units;
      for (let u = 0; u < units; u++) {
        const value = values[at + u];
        sums[u] += value;
        squares += value * value;
        if (value < low) lefts[u]++;
        if (value > high) rights[u]++;
        logs[u] += Math.log(Math.max(SMALLEST_CARRY, value));
        histogram[Math.max(0, Math.min(BINS - 1, Math.floor(((value - range[0]) / width) * BINS)))]++;
      }
    }
  }
  const count = rows * units;
  const total = (array: Float64Array): number => array.reduce((sum, value) => sum + value, 0);
  const mean = count === 0 ? 0 : total(sums) / count;
  return {
    name: recording.name,
    range,
    count,
    mean,
    deviation: count === 0 ? 0 : Math.sqrt(Math.max(0, squares / count - mean * mean)),
    left: count === 0 ? 0 : total(lefts) / count,
    right: count === 0 ? 0 : total(rights) / count,
    histogram,
    units: Array.from({ length: units }, (_, u) => ({
      mean: rows === 0 ? 0 : sums[u] / rows,
      left: rows === 0 ? 0 : lefts[u] / rows,
      right: rows === 0 ? 0 : rights[u] / rows,
      timeConstant: rows === 0 ? 0 : logs[u] >= 0 ? Infinity : -rows / logs[u],
    })),
  };
}

/** Mean over units at each valid step of one sequence: what a gate row draws. @shape [length] */
export function meanOverUnits(recording: Recording, example = 0): Float64Array {
  const length = recording.lengths?.[example] ?? recording.steps;
  return Float64Array.from({ length }, (_, t) => {
    const at = (t * recording.batch + example) * recording.units;
    let sum = 0;
    for (let u = 0; u < recording.units; u++) sum += recording.values[at + u];
    return sum / recording.units;
  });
}

/** Mean of each unit over all valid steps: what ≡mean holds a gate at. @shape [units] */
export function meanOverTime(recording: Recording): Float32Array {
  return Float32Array.from(gateStatistics(recording).units, (unit) => unit.mean);
}

/** Steps after which half of a carried state is gone: ln 2 · τ̄. */
export function halfLife(timeConstant: number): number {
  return Math.LN2 * timeConstant;
}

/**
 * Which part of a state a gate keeps, told by the equations: the gate itself ("value", as in f∘c[t-1]), one minus it ("complement", as in
 * (1 - z)∘h[t-1]), or nothing.
 */
export function carryOf(network: Network, gate: GateDeclaration): "value" | "complement" | undefined {
  if (gate.role === "forget") return "value";
  if (gate.role !== "update") return undefined;
  const names = [gate.name, shortName(gate.name)].map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const any = `(?:${names.join("|")})`;
  const state = String.raw`\s*[∘*]\s*[\p{L}\p{M}\p{N}_.]+\[t-1\]`;
  for (const { equation } of network.values) {
    if (new RegExp(String.raw`\(1 - ${any}\)${state}`, "u").test(equation)) return "complement";
    if (new RegExp(String.raw`(?<![\p{L}\p{N}_.])${any}${state}`, "u").test(equation)) return "value";
  }
  return undefined;
}

/** The recording of one minus a gate. */
export function complementOf(recording: Recording): Recording {
  return { ...recording, values: Float32Array.from(recording.values, (value) => 1 - value) };
}
