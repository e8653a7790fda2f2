/**
 * Runs batches through a compiled network, for training and for evaluation: fills inputs, begins or carries states, calls the kernel once.
 *
 * In: batches. Out: filled buffers (loss, gradients, values). Compiled for what the source needs; a batch that needs more (lengths where there were
 * none before) compiles anew and keeps parameters, moments and states.
 */
import type { BufferRole } from "../ir/program/node.ts";
import { whyNotCarried } from "../ir/network/carrying.ts";
import type { Network } from "../ir/network/node.ts";
import { USUAL_CHUNKS, USUAL_FILTERS, type Variant } from "../ir/network/variant.ts";
import { type DeviceOptions, memoryOf, openExecutable, type UnitPlan } from "../model/compile-once.ts";
import { createFeed, type Feed } from "../model/feed.ts";
import type { Clamps } from "../model/model.ts";
import type { ParameterSlot } from "../model/parameters.ts";
import { readClamps, writeClamps } from "../model/run.ts";
import type { Sizes } from "../model/sizes.ts";

import { beginStates, type StateSlot, stateSlots, statesBeginConstant } from "../model/states.ts";
import { type Executable, floatBuffer } from "../runtime/executable.ts";
import { SluiceError } from "../support/diagnostic.ts";
import type { Batch, BatchSource } from "./data/dataset.ts";

export interface PassOptions {
  readonly network: Network;
  readonly sizes: Sizes;
  readonly slots: readonly ParameterSlot[];
  readonly index: ReadonlyMap<string, ParameterSlot>;
  readonly device: DeviceOptions;
  readonly source: BatchSource;
  readonly mode: Variant["mode"];
  readonly outputs: readonly string[];
  readonly gradient: boolean;
  /** What recurrences keep for their gradient (default "usual"). */
  readonly keep?: "usual" | "least";
  readonly weightNoise?: number;
  /** Values held fixed. */
  readonly clamps?: Clamps;
  /** Further entries of the same program (the optimizer's). */
  readonly units?: readonly UnitPlan[];
}

/** What is compiled at present. */
export interface Lane {
  readonly executable: Executable;
  readonly feed: Feed;
  readonly states: readonly StateSlot[];
  readonly parameters: Float32Array;
  readonly lengths: boolean;
}

export interface Passes {
  /** The program for a batch; the same object until a batch needs another. */
  laneFor(batch: Batch): Lane;
  /** Runs a batch; returns how many of its steps count. `seed` drives what is random. */
  run(batch: Batch, seed: number): number;
  /** Writes parameters for runs that do not train. */
  load(parameters: Float32Array): void;
  /** The lane in use. */
  readonly lane: Lane;
  /** Variant of the lane in use. */
  readonly variant: Variant;
  /** States before the batch that ran last, by name. */
  statesBefore(): Readonly<Record<string, Float32Array>>;
}

/** Batches looked at to learn whether a source carries states and pads. */
const probed = 8;
const persistent: ReadonlySet<BufferRole> = new Set(["parameters", "optimizer", "state"]);

/** How a source's batches are run: whether they pad, whether documents begin in them, whether states go on from one to the next, and whether these begin with something else than constants. */
export interface Manner {
  readonly lengths: boolean;
  readonly resets: boolean;
  readonly carriable: boolean;
  readonly carries: boolean;
  readonly begin: boolean;
}

export function mannerOf({ network, source }: PassOptions): Manner {
  const first = Array.from({ length: Math.min(probed, source.batchesPerPass ?? probed) }, (_, step) => source.batchAt(step));
  // What cannot be carried (attention, recurrences backwards in time) begins anew in every batch.
  const carriable = whyNotCarried(network) === undefined;
  const carries = carriable && first.some((batch) => batch.carry);
  const [lengths, resets] = [first.some((batch) => batch.lengths !== undefined), first.some((batch) => batch.reset !== undefined)];
  return { lengths, resets, carriable, carries, begin: carries && !statesBeginConstant(network) };
}

function variantOf(options: PassOptions, { begin, resets }: Manner, initial: Variant["initial"], lengths: boolean): Variant {
  const { network, sizes, source, mode, outputs } = options;
  return {
    sizes,
    batch: source.batch,
    mode,
    initial,
    chunks: USUAL_CHUNKS, // carried states or not: a pass is no stream
    filters: USUAL_FILTERS,
    lengths,
    reset: resets,
    outputs: begin && initial === "fresh" ? [...outputs, ...network.states.map((state) => `${state.name}[T]`)] : outputs,
    ...(options.gradient ? { gradient: { of: "loss" as const, inputs: [], ...(options.keep === "least" && { keep: "least" as const }) } } : {}),
    ...(options.weightNoise ? { weightNoise: options.weightNoise } : {}),
    ...(options.clamps ? { clamps: readClamps(network, options.clamps) } : {}),
  };
}

function plansOf(options: PassOptions, manner: Manner, lengths: boolean): UnitPlan[] {
  const { carries, begin } = manner;
  const plans: UnitPlan[] = [{ entry: "step", variant: variantOf(options, manner, carries && !begin ? "carried" : "fresh", lengths) }];
  if (begin) plans.push({ entry: "step_carried", variant: variantOf(options, manner, "carried", lengths) });
  return [...plans, ...(options.units ?? [])];
}

/** Bytes that passes over the source need at most, also if a later batch is the first one that pads. */
export function passMemory(options: PassOptions): number {
  const { network, slots, source } = options;
  return memoryOf(network, plansOf(options, mannerOf(options), true), slots, { capacity: source.capacity, batch: source.batch });
}

/** @throws SluiceError E463 if the source cannot be used with the network */
export function createPasses(options: PassOptions): Passes {
  const { network, slots, source } = options;
  const manner = mannerOf(options);
  const { carriable, carries, begin } = manner;
  if (begin) refuseLongLags(network);
  let lane = open(manner.lengths);
  let before = copies(lane);

  function open(lengths: boolean): Lane {
    const plans = plansOf(options, manner, lengths);
    const executable = openExecutable(network, plans, slots, { capacity: source.capacity, batch: source.batch }, options.device);
    writeClamps(executable, options.clamps);
    const feed = createFeed(executable, network);
    return { executable, feed, states: stateSlots(executable), parameters: parametersOf(executable), lengths };
  }

  function laneFor(batch: Batch): Lane {
    if (batch.carry && carriable && !carries)
      throw new SluiceError("E463", "the data carry states over from a batch, although none of the first batches does");
    if (batch.lengths === undefined || lane.lengths) return lane;
    lane = widened(lane, open(true));
    if (!options.gradient) lane.executable.run("prepare", 0);
    before = copies(lane);
    return lane;
  }

  function run(batch: Batch, seed: number): number {
    const { executable, feed, states, parameters } = laneFor(batch);
    const counted = feed.load(batch);
    executable.buffers.get("seed")?.fill(seed);
    if (!(batch.carry && carries) && !begin) beginStates(network, states, source.batch, { index: options.index, parameters });
    for (const { name, view } of states) before[name].set(view);
    if (options.gradient) executable.run("prepare", 0); // the step before changed the weights
    // Weights that begin sequences have no gradient where one goes on, and the graph of that case does not name them.
    if (begin) executable.buffers.get("gradients")?.fill(0);
    executable.run(begin && batch.carry ? "step_carried" : "step", batch.steps);
    if (begin && !batch.carry) for (const { name, view } of states) view.set(floatBuffer(executable, `${name}[T]`));
    return counted;
  }

  function load(parameters: Float32Array): void {
    lane.parameters.set(parameters);
    lane.executable.run("prepare", 0);
  }

  return {
    laneFor,
    run,
    load,
    get lane() {
      return lane;
    },
    get variant() {
      return variantOf(options, manner, carries && !begin ? "carried" : "fresh", lane.lengths);
    },
    statesBefore: () => before,
  };
}

/** The wider lane, with what the narrower one held: parameters, moments, states. */
export function widened({ executable }: Lane, wider: Lane): Lane {
  for (const [name, { role }] of executable.shapes) {
    const view = wider.executable.buffers.get(name);
    if (persistent.has(role) && view !== undefined) view.set(executable.buffers.get(name)!);
  }
  return wider;
}

// A program that reads no weight has no parameters.
function parametersOf({ buffers, program }: Executable): Float32Array {
  return (buffers.get("parameters") as Float32Array | undefined) ?? new Float32Array(program.parameterCount);
}

/** States by name. */
export function copies({ states }: Pick<Lane, "states">): Record<string, Float32Array> {
  return Object.fromEntries(states.map(({ name, view }) => [name, view.slice()]));
}

function refuseLongLags(network: Network): void {
  const long = network.states.find((state) => Math.abs(state.lag) > 1);
  if (long === undefined) return;
  throw new SluiceError(
    "E463",
    `the data carry states from batch to batch, which needs constant first values where a state is read ${long.lag} steps back; write  ${long.name}[0] = 0`,
  );
}

/** @throws SluiceError E463 if the network needs an input that a dataset lacks, or defines no loss */
export function checkInputs(network: Network, feed: Feed, inputs: Readonly<Record<string, unknown>>, name: string): void {
  for (const needed of feed.names) {
    if (inputs[needed] !== undefined) continue;
    const offered = Object.keys(inputs).join(", ") || "nothing";
    throw new SluiceError("E463", `${network.name} reads the input ${needed}, but ${name} gives ${offered}; rename the input, or choose other data`);
  }
}
