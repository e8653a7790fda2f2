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

/** A compiled set of entries: the memory that it needs, and how to open one. */
interface Maker {
  readonly memoryBytes: number;
  readonly open: () => Executable;
}

interface Compilations {
  readonly lowerings: Map<string, Lowering>;
  readonly makers: Map<string, Maker>;
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
export function openExecutable(...compiling: Parameters<typeof makerOf>): Executable {
  return makerOf(...compiling).open();
}

/** Bytes of memory that an executable with these entries needs. The interpreter's needs are not known: 0. */
export function memoryOf(...compiling: Parameters<typeof makerOf>): number {
  return makerOf(...compiling).memoryBytes;
}

function makerOf(
  network: Network,
  plans: readonly UnitPlan[],
  slots: readonly ParameterSlot[],
  room: Room,
  { device, fused, pool }: DeviceOptions,
): Maker {
  const key = JSON.stringify([plans, room, device, fused, pool?.threads]);
  return remembered(compilationsOf(network).makers, key, kept, () => {
    // The interpreter is the definition: step by step.
    const form = device === "interpreter" ? ({ chunks: false } as const) : {};
    const units = plans.map(
      (plan): Unit => ({ entry: plan.entry, graph: "variant" in plan ? lowerOnce(network, { ...plan.variant, ...form }).graph : plan.graph() }),
    );
    const weights = slots.map(({ name, shape }) => ({ name, shape }));
    const options = { ...room, weights, ...codeOptions(fused), threads: pool?.threads };
    if (device === "interpreter") return { memoryBytes: 0, open: () => interpretUnits(units, options) };
    const { program } = compileProgram(units, options);
    return { memoryBytes: program.memoryBytes, open: () => loadProgram(program, pool) };
  });
}

/** What the map holds under the key, made if it is not there; the entry used longest ago leaves first. */
export function remembered<T>(map: Map<string, T>, key: string, most: number, make: () => T): T {
  const value = map.get(key) ?? make();
  map.delete(key);
  if (map.size >= most) map.delete(map.keys().next().value!);
  map.set(key, value);
  return value;
}
