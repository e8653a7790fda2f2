/**
 * Compiles every variant of a network once per process: another model, run or evaluation of the same text finds what was compiled before.
 *
 * In: a network, variants, a device. Out: tensor graphs and executables. An executable's memory is the caller's alone; the code is shared. What was compiled
 * is forgotten with the network, and the variant used longest ago when there are many.
 */
import { compileProgram, type Lowering, lower, type Unit } from "../compile.ts";
import type { Network } from "../ir/network/node.ts";
import type { Variant } from "../ir/network/variant.ts";
import type { Graph } from "../ir/tensor/node.ts";
import type { DeviceName, Executable } from "../runtime/executable.ts";
import { interpretUnits } from "../runtime/interpreter.ts";
import { codeOptions } from "../runtime/wasm/engine.ts";
import { loadProgram } from "../runtime/wasm/load.ts";
import type { ThreadPool } from "../runtime/wasm/threads.ts";
import type { ParameterSlot } from "./parameters.ts";

export interface DeviceOptions {
  readonly device: DeviceName;
  readonly fused: boolean;
  /** Threads to divide runs among; the bits do not depend on it. */
  readonly pool?: ThreadPool;
}

/** An entry of a program: a variant of the network, or another graph with a key that tells it from others. */
export type UnitPlan =
  | { readonly entry: string; readonly variant: Variant }
  | { readonly entry: string; readonly key: string; readonly graph: () => Graph };

export interface Room {
  /** Time steps that fit. */
  readonly capacity: number;
  readonly batch: number;
}

interface Compilations {
  readonly lowerings: Map<string, Lowering>;
  readonly makers: Map<string, (pool?: ThreadPool) => Executable>;
}

const kept = 24;
const compilations = new WeakMap<Network, Compilations>();

function compilationsOf(network: Network): Compilations {
  let found = compilations.get(network);
  if (found === undefined) {
    found = { lowerings: new Map(), makers: new Map() };
    compilations.set(network, found);
  }
  return found;
}

/** The tensor graphs of a variant. */
export function lowerOnce(network: Network, variant: Variant): Lowering {
  return remembered(compilationsOf(network).lowerings, JSON.stringify(variant), kept, () => lower(network, variant));
}

/** An executable with these entries, in fresh memory. */
export function openExecutable(
  network: Network,
  plans: readonly UnitPlan[],
  slots: readonly ParameterSlot[],
  room: Room,
  { device, fused, pool }: DeviceOptions,
): Executable {
  const key = JSON.stringify([plans, room, device, fused, pool?.threads]);
  const make = remembered(compilationsOf(network).makers, key, kept, () => {
    const units = unitsOf(network, plans, device);
    const options = { ...room, weights: weightsOf(slots), ...codeOptions(fused), threads: pool?.threads };
    if (device === "interpreter") return () => interpretUnits(units, options);
    const { program } = compileProgram(units, options);
    return (pool?: ThreadPool) => loadProgram(program, pool);
  });
  return make(pool);
}

/** Code that needs as much memory as any engine's: what is planned with it is the same everywhere. */
const LARGEST_CODE = { constants: "memory", tileRows: 6, wide: true } as const;

/** Bytes that an executable with these entries needs at most, on any engine (the scratch of further threads apart). */
export function memoryOf(network: Network, plans: readonly UnitPlan[], slots: readonly ParameterSlot[], room: Room): number {
  return compileProgram(unitsOf(network, plans, "wasm"), { ...room, weights: weightsOf(slots), ...LARGEST_CODE }).program.memoryBytes;
}

const weightsOf = (slots: readonly ParameterSlot[]) => slots.map(({ name, shape }) => ({ name, shape }));

function unitsOf(network: Network, plans: readonly UnitPlan[], device: DeviceName): Unit[] {
  // The interpreter is the definition: step by step, tap by tap.
  const form = device === "interpreter" ? ({ chunks: false, filters: false } as const) : {};
  return plans.map((plan) => ({
    entry: plan.entry,
    graph: "variant" in plan ? lowerOnce(network, { ...plan.variant, ...form }).graph : plan.graph(),
  }));
}

/** What the map holds under the key, made if it is not there; the entry used longest ago leaves first. */
export function remembered<T>(map: Map<string, T>, key: string, most: number, make: () => T): T {
  const value = map.get(key) ?? make();
  map.delete(key);
  if (map.size >= most) map.delete(map.keys().next().value!);
  map.set(key, value);
  return value;
}
