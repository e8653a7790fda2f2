/**
 * How to train within a memory budget: what recurrences keep for their gradients, and whether batches go in segments of time.
 *
 * In: what is to be trained, a number of bytes. Out: the fastest way that fits, with what validation needs beside it: everything kept; only results of products
 * and sums kept, the rest computed again (the same bits); segments, the longest that fit (the same gradients up to the order of sums). The compiler lays out
 * all memory before anything runs; a way is judged by what the most demanding engine needs for it, so the choice, and with it the last bits, is the same everywhere.
 */
import { whyNotCarried } from "../ir/network/carrying.ts";
import type { Network } from "../ir/network/node.ts";
import type { Room } from "../model/compile-once.ts";
import { parameterLayout } from "../model/parameters.ts";
import type { Sizes } from "../model/sizes.ts";
import { statesBeginConstant } from "../model/states.ts";
import { SluiceError } from "../support/diagnostic.ts";
import type { BatchSource } from "./data/dataset.ts";
import { optimizerGraph, readOptimizer } from "./optimizer.ts";
import { type PassOptions, passMemory } from "./passes.ts";
import { segmentMemory } from "./segments.ts";

/** A way to train: steps of a segment (0: none), the same for validation, what is kept, and the most memory that this needs. */
export interface MemoryPlan {
  readonly segment: number;
  readonly validationSegment: number;
  readonly keep: "usual" | "least";
  readonly memoryBytes: number;
}

const KEEPING = ["usual", "least"] as const;
/** Shorter segments cost more work than they save memory. */
const LEAST_SEGMENT = 4;

/**
 * The fastest way to train that needs at most `budgetBytes` (the scratch of further threads apart). `segment`: given by the caller, then only what is kept is
 * chosen. `beside`: what validation needs in segments of so many steps; shorter ones cost it next to nothing, so they come before shorter ones of training.
 * @throws SluiceError E478 if no way fits; the message says what the smallest one needs
 */
export function planWithin(options: PassOptions, segment: number, budgetBytes: number, beside: (segment: number) => number = () => 0): MemoryPlan {
  const known = new Map<number, number>();
  const validationBytes = (steps: number): number => {
    if (!known.has(steps)) known.set(steps, beside(steps));
    return known.get(steps)!;
  };
  let smallest: MemoryPlan | undefined;
  for (const way of waysOf(options, segment)) {
    const planned = { ...options, keep: way.keep };
    const trainingBytes = way.segment > 0 ? segmentMemory(planned, way.segment) : passMemory(planned);
    for (const validationSegment of [way.segment, ...shorterSegments(way.segment || options.source.capacity)]) {
      const memoryBytes = trainingBytes + validationBytes(validationSegment);
      if (memoryBytes <= budgetBytes) return { ...way, validationSegment, memoryBytes };
      if (smallest === undefined || memoryBytes < smallest.memoryBytes) smallest = { ...way, validationSegment, memoryBytes };
    }
  }
  const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  const why = whyNotInSegments(options);
  throw new SluiceError(
    "E478",
    `training needs at least ${mebibytes(smallest!.memoryBytes)} MiB${why === undefined ? "" : ` (it cannot go in segments: ${why})`}, more than the ` +
      `${mebibytes(budgetBytes)} MiB allowed; allow more, or use a smaller batch or fewer steps per batch`,
  );
}

/**
 * The same without data, for batches of whole sequences: how Adam would train the network, what validation needs apart.
 * @throws SluiceError E463 (nothing to train), E478
 */
export function planTraining(network: Network, sizes: Sizes, { capacity, batch }: Room, budgetBytes: number): MemoryPlan {
  const { slots, count } = parameterLayout(network, sizes);
  if (count === 0) throw new SluiceError("E463", `${network.name} has no weights, so there is nothing to train`);
  const optimizer = readOptimizer();
  const source: BatchSource = { batch, capacity, batchAt: () => ({ steps: capacity, batch, inputs: {}, carry: false }) };
  const planned: PassOptions = {
    network,
    sizes,
    slots,
    index: new Map(slots.map((slot) => [slot.name, slot])),
    device: { device: "wasm", fused: false },
    source,
    mode: "train",
    outputs: ["loss"],
    gradient: true,
    units: [{ entry: "update", key: `${JSON.stringify(optimizer)} ${count}`, graph: () => optimizerGraph(optimizer, count) }],
  };
  return planWithin(planned, 0, budgetBytes);
}

function whyNotInSegments({ network }: PassOptions): string | undefined {
  return whyNotCarried(network) ?? (statesBeginConstant(network) ? undefined : "its first states are learned");
}

/** Ways from the fastest to the one that needs least. */
function waysOf(options: PassOptions, segment: number): { segment: number; keep: "usual" | "least" }[] {
  const { capacity } = options.source;
  const segments = segment > 0 && segment < capacity ? [segment] : [0];
  if (segment === 0 && whyNotInSegments(options) === undefined) segments.push(...shorterSegments(capacity));
  return segments.flatMap((steps) => KEEPING.map((keep) => ({ segment: steps, keep })));
}

/** Powers of two below a number of steps, the longest first. */
function shorterSegments(than: number): number[] {
  const segments: number[] = [];
  for (let steps = 2 ** Math.ceil(Math.log2(than) - 1); steps >= LEAST_SEGMENT; steps /= 2) segments.push(steps);
  return segments;
}
