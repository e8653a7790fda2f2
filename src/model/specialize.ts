/**
 * From a network and a wanted run to an executable: lower, compile, load; each kind of run once.
 *
 * In: sizes and what a run needs. Out: executables with their feeds. Room for time grows by powers of two, so few lengths compile anew.
 */
import type { Lowering } from "../compile.ts";
import type { Network } from "../ir/network/node.ts";
import type { Variant } from "../ir/network/variant.ts";
import type { Executable } from "../runtime/executable.ts";
import { type DeviceOptions, lowerOnce, openExecutable, remembered } from "./compile-once.ts";
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

export interface Specializer {
  /** The forward program of a kind of run, with room for `steps`; kept for the next run of the kind. */
  forward(request: Request, steps: number): Specialized;
  /** The same, for the caller alone: nobody else writes into its memory. */
  own(request: Request, steps: number): Specialized;
  /** The tensor graphs of a kind of run. */
  lowered(request: Request): Lowering;
}

/** Most executables kept per model; each owns memory. */
const kept = 12;
const leastCapacity = 16;

/** Programs of one model. */
export function createSpecializer(network: Network, sizes: Sizes, slots: readonly ParameterSlot[], options: DeviceOptions): Specializer {
  const shared = new Map<string, Specialized>();

  const lowered = (request: Request): Lowering => lowerOnce(network, { ...request, sizes });

  function own(request: Request, steps: number): Specialized {
    const variant = { ...request, sizes };
    const room = { capacity: capacityFor(steps), batch: request.batch };
    const executable = openExecutable(network, [{ entry: "forward", variant }], slots, room, options);
    return { variant, lowering: lowered(request), executable, feed: createFeed(executable, network), parametersVersion: -1 };
  }

  function forward(request: Request, steps: number): Specialized {
    const key = JSON.stringify(request);
    const known = shared.get(key);
    if (known !== undefined && known.executable.program.capacity < steps) shared.delete(key);
    return remembered(shared, key, kept, () => own(request, steps));
  }

  return { forward, own, lowered };
}

/** Room for time: one step, or a power of two of at least 16. */
function capacityFor(steps: number): number {
  return steps <= 1 ? 1 : Math.max(leastCapacity, 2 ** Math.ceil(Math.log2(steps)));
}
