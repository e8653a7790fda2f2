/**
 * From a network and a wanted run to an executable: lower, compile, load; each kind of run once.
 *
 * In: sizes and what a run needs. Out: executables with their feeds. Room for time grows by powers of two, so few lengths compile anew.
 */
import type { Lowering } from "../compile.ts";
import type { Network } from "../ir/network/node.ts";
import type { Graph } from "../ir/tensor/node.ts";
import { SluiceError } from "../support/diagnostic.ts";
import type { Variant } from "../ir/network/variant.ts";
import type { Executable } from "../runtime/executable.ts";
import { type DeviceOptions, lowerOnce, openExecutable, remembered } from "./compile-once.ts";
import { createFeed, type Feed, splitAhead } from "./feed.ts";
import type { ParameterSlot } from "./parameters.ts";
import type { Sizes } from "./sizes.ts";

/** A kind of run, without the sizes that the model knows. */
export type Request = Omit<Variant, "sizes">;

/** A program in its memory, and how its inputs are filled. */
export interface Ready {
  readonly executable: Executable;
  readonly feed: Feed;
  /** Version of the parameters that its buffer holds. */
  parametersVersion: number;
}

export interface Specialized extends Ready {
  readonly variant: Variant;
  readonly lowering: Lowering;
}

/** Where runs and streams get their programs: compiled when they are needed, or exported before. */
export interface Programs {
  /** The forward program of a kind of run, with room for `steps`; kept for the next run of the kind. */
  forward(request: Request, steps: number): Ready;
  /** The same, for the caller alone: nobody else writes into its memory. */
  own(request: Request, steps: number): Ready;
  /** Why the outputs of a kind of run cannot be computed step by step; undefined if they can. */
  streamRefusal(request: Request): string | undefined;
}

export interface Specializer extends Programs {
  forward(request: Request, steps: number): Specialized;
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

  function streamRefusal(request: Request): string | undefined {
    const future = readsFuture(network, lowered({ ...request, initial: "fresh" }).graph);
    if (future !== undefined) return future;
    try {
      lowered({ ...request, initial: "carried" });
      return undefined;
    } catch (error) {
      if (error instanceof SluiceError && error.code === "E460") return error.message.replace(/^state cannot be carried: /, "");
      throw error;
    }
  }

  return { forward, own, lowered, streamRefusal };
}

/** What a graph reads of later steps, or of all steps at once, in words. */
function readsFuture(network: Network, graph: Graph): string | undefined {
  for (const node of graph.nodes) {
    if (node.op === "input") {
      const [name, ahead] = splitAhead(node.attributes.name!);
      if (ahead > 0) return `${name}[t+${ahead}] is read before it is known`;
    }
    if (node.op === "scan" && node.attributes.scan!.reverse)
      return `the recurrence of ${node.attributes.scan!.stateNames.join(", ")} runs backwards in time`;
    if (node.op === "shift" && (node.attributes.lag ?? 0) < 0) return `${node.name ?? "a value"} is read at a later time`;
  }
  const backward = network.states.find((state) => state.lag < 0 && graph.nodes.some((node) => node.name === state.name));
  if (backward !== undefined) return `${backward.name} is read at a later time`;
  for (const [axis, size] of graph.axes) if (axis !== "t" && size === "T") return `the index ${axis} ranges over all time steps of the sequence`;
  return undefined;
}

/** Room for time: one step, or a power of two of at least 16. */
function capacityFor(steps: number): number {
  return steps <= 1 ? 1 : Math.max(leastCapacity, 2 ** Math.ceil(Math.log2(steps)));
}
