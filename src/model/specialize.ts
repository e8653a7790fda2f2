/**
 * From a network and a wanted run to an executable: lower, compile, load; each kind of run once.
 *
 * In: sizes and what a run needs. Out: executables with their feeds. Room for time grows by powers of two, so few lengths compile anew.
 */
import { compileProgram, type Lowering, lower, type Unit } from "../compile.ts";
import type { Network } from "../ir/network/node.ts";
import type { Variant } from "../ir/network/variant.ts";
import type { DeviceName, Executable } from "../runtime/executable.ts";
import { interpretUnits } from "../runtime/interpreter.ts";
import { loadProgram } from "../runtime/wasm/load.ts";
import { createFeed, type Feed } from "./feed.ts";
import type { ParameterSlot } from "./parameters.ts";
import type { Sizes } from "./sizes.ts";

/** A kind of run, without the sizes that the model knows. */
export type Request = Omit<Variant, "sizes">;

export interface Specialized {
  readonly variant: Variant;
  readonly lowering: Lowering;
  readonly executable: Executable;
  readonly feed: Feed;
  /** Version of the parameters that its buffer holds. */
  parametersVersion: number;
}

export interface DeviceOptions {
  readonly device: DeviceName;
  readonly fused: boolean;
}

export interface Specializer {
  /** The forward program of a kind of run, with room for `steps`; kept for the next run of the kind. */
  forward(request: Request, steps: number): Specialized;
  /** The same, for the caller alone: nobody else writes into its memory. */
  own(request: Request, steps: number): Specialized;
  /** The tensor graphs of a kind of run. */
  lowered(request: Request): Lowering;
}

/** Most programs kept per model; each owns memory. */
const kept = 12;
const leastCapacity = 16;

/** Compiles units for a device; the result makes as many executables as are wanted. */
export function prepareExecutable(
  units: readonly Unit[],
  slots: readonly ParameterSlot[],
  room: { readonly capacity: number; readonly batch: number },
  { device, fused }: DeviceOptions,
): () => Executable {
  const options = { ...room, weights: slots.map(({ name, shape }) => ({ name, shape })), fused };
  if (device === "interpreter") return () => interpretUnits(units, options);
  const { program } = compileProgram(units, options);
  return () => loadProgram(program);
}

/** Programs of one model. */
export function createSpecializer(network: Network, sizes: Sizes, slots: readonly ParameterSlot[], options: DeviceOptions): Specializer {
  const lowerings = new Map<string, Lowering>();
  const makers = new Map<string, () => Executable>();
  const shared = new Map<string, Specialized>();

  function lowered(request: Request): Lowering {
    return remembered(lowerings, JSON.stringify(request), () => lower(network, { ...request, sizes }));
  }

  function own(request: Request, steps: number): Specialized {
    const capacity = capacityFor(steps);
    const lowering = lowered(request);
    const make = remembered(makers, `${capacity} ${JSON.stringify(request)}`, () =>
      prepareExecutable([{ entry: "forward", graph: lowering.graph }], slots, { capacity, batch: request.batch }, options),
    );
    const executable = make();
    return { variant: { ...request, sizes }, lowering, executable, feed: createFeed(executable, network), parametersVersion: -1 };
  }

  function forward(request: Request, steps: number): Specialized {
    const key = JSON.stringify(request);
    const known = shared.get(key);
    if (known !== undefined && known.executable.program.capacity < steps) shared.delete(key);
    return remembered(shared, key, () => own(request, steps));
  }

  return { forward, own, lowered };
}

/** Room for time: one step, or a power of two of at least 16. */
function capacityFor(steps: number): number {
  return steps <= 1 ? 1 : Math.max(leastCapacity, 2 ** Math.ceil(Math.log2(steps)));
}

/** What the map holds under the key, made if it is not there; the entry used longest ago leaves first. */
function remembered<T>(map: Map<string, T>, key: string, make: () => T): T {
  const value = map.get(key) ?? make();
  map.delete(key);
  if (map.size >= kept) map.delete(map.keys().next().value!);
  map.set(key, value);
  return value;
}
