/**
 * Long sequences in segments: exact gradients with memory for one segment and the states at the borders.
 *
 *     forward    segment after segment, keeping the states s_k at each border
 *     backward   from the last segment to the first: run it again from s_k, with ∂L/∂s_{k+1} as the cotangent of its last states
 *
 * In: batches of any length. Out: what one run over the whole batch gives, loss and gradients, up to the order of sums. With segments of √T steps, memory grows
 * as √T and the work by a third. Only for networks that can carry their states (no look-ahead of definitions, no backward recurrences). What measures
 * and does not train only goes forward.
 * @source Chen, Xu, Zhang & Guestrin 2016, "Training deep nets with sublinear memory cost"
 */
import { visitTerm } from "../ir/network/equation.ts";
import { USUAL_CHUNKS, USUAL_FILTERS, type Variant } from "../ir/network/variant.ts";
import { memoryOf, openExecutable, type UnitPlan } from "../model/compile-once.ts";
import { createFeed, splitAhead } from "../model/feed.ts";
import { sizeValue } from "../model/sizes.ts";
import { beginStates, stateSlots, statesBeginConstant } from "../model/states.ts";
import { floatBuffer, stepLength } from "../runtime/executable.ts";
import { SluiceError } from "../support/diagnostic.ts";
import type { Batch } from "./data/dataset.ts";
import { copies, type Lane, type Manner, mannerOf, type PassOptions, type Passes, widened } from "./passes.ts";

function variantOf(options: PassOptions, { resets }: Manner, lengths: boolean, gradient: boolean): Variant {
  const { network, sizes, source, mode, outputs, keep } = options;
  // Carried states by the names of their inputs; a lag of k has k of them. Also of what is read earlier without being recurrent.
  const lags = new Map(network.states.map(({ name, lag }) => [name, Math.abs(lag)]));
  for (const equation of network.equations)
    visitTerm(equation.value, (term) => {
      if (term.kind === "value" && term.lag > 0) lags.set(term.name, Math.max(term.lag, lags.get(term.name) ?? 0));
    });
  const inputs = [...lags].flatMap(([name, lag]) => Array.from({ length: lag }, (_, i) => `state:${i === 0 ? name : `${name}~${i + 1}`}`));
  return {
    sizes,
    batch: source.batch,
    mode,
    initial: "carried",
    chunks: USUAL_CHUNKS,
    filters: USUAL_FILTERS,
    lengths,
    reset: resets,
    outputs,
    ...(gradient ? { gradient: { of: "loss" as const, inputs, states: true, ...(keep === "least" && { keep }) } } : {}),
    ...(options.weightNoise ? { weightNoise: options.weightNoise } : {}),
  };
}

function plansOf(options: PassOptions, manner: Manner, lengths: boolean): UnitPlan[] {
  return [
    { entry: "forward", variant: variantOf(options, manner, lengths, false) },
    ...(options.gradient ? [{ entry: "segment", variant: variantOf(options, manner, lengths, true) }] : []),
    ...(options.units ?? []),
  ];
}

/** Bytes that segments of so many steps need at most: the program, and for gradients the states at the borders of a batch. */
export function segmentMemory(options: PassOptions, segment: number): number {
  const { network, sizes, slots, source } = options;
  const borders = Math.ceil(source.capacity / segment) + 1;
  const states = network.states.reduce((sum, { shape, lag }) => sum + Math.abs(lag) * shape.reduce((n, size) => n * sizeValue(size, sizes)!, 1), 0);
  const bytes = memoryOf(network, plansOf(options, mannerOf(options), true), slots, { capacity: segment, batch: source.batch });
  return options.gradient ? bytes + 4 * borders * source.batch * states : bytes;
}

export interface SegmentedPasses extends Passes {
  /** Runs a batch forward only; after each segment `visit` gets its part of the batch and how many of its steps count, while the values of the segment stand. */
  forward(batch: Batch, seed: number, visit: (part: Batch, counted: number) => void): void;
}

/** @throws SluiceError E463 if the first states are learned; E460 if the network cannot carry its states */
export function createSegmentedPasses(options: PassOptions, segment: number): SegmentedPasses {
  const { network, slots, source } = options;
  if (!statesBeginConstant(network)) {
    throw new SluiceError(
      "E463",
      `${network.name} learns its first states, which training in segments does not support; leave out \`segment\`, or write constant first values`,
    );
  }
  const stateNames = network.states.map((state) => state.name);
  const manner = mannerOf(options);
  let lane = open(manner.lengths);
  let before = copies(lane);

  function open(lengths: boolean): Lane {
    const executable = openExecutable(network, plansOf(options, manner, lengths), slots, { capacity: segment, batch: source.batch }, options.device);
    return {
      executable,
      feed: createFeed(executable, network),
      states: stateSlots(executable),
      parameters: floatBuffer(executable, "parameters"),
      lengths,
    };
  }

  function laneFor(batch: Batch): Lane {
    if (batch.lengths === undefined || lane.lengths) return lane;
    lane = widened(lane, open(true));
    if (!options.gradient) lane.executable.run("prepare", 0);
    before = copies(lane);
    return lane;
  }

  function forward(batch: Batch, seed: number, visit: (part: Batch, counted: number) => void): void {
    const { executable, feed, states, parameters } = laneFor(batch);
    if (!batch.carry) beginStates(network, states, source.batch, { index: options.index, parameters });
    for (const { name, view } of states) before[name].set(view);
    for (let k = 0; k * segment < batch.steps; k++) {
      const part = sliceOf(batch, k);
      const counted = feed.load(part);
      executable.buffers.get("seed")?.fill((seed + k) & 0x7fffffff);
      executable.run("forward", part.steps);
      visit(part, counted);
    }
  }

  function run(batch: Batch, seed: number): number {
    const { executable, feed, states } = laneFor(batch);
    const count = Math.ceil(batch.steps / segment);
    const seedBuffer = executable.buffers.get("seed");
    executable.run("prepare", 0);
    const ends: Record<string, Float32Array>[] = [];
    const counted: number[] = [];
    forward(batch, seed, (_, n) => {
      counted.push(n);
      ends.push(copies({ states }));
    });
    const total = counted.reduce((sum, n) => sum + n, 0);

    const gradients = floatBuffer(executable, "gradients");
    const sum = new Float32Array(gradients.length);
    const weights = floatBuffer(executable, "loss_weight");
    let loss = 0;
    for (const { name } of states) executable.buffers.get(`cotangent:state:${name}`)?.fill(0);
    for (let k = count - 1; k >= 0; k--) {
      const part = sliceOf(batch, k);
      for (const { name, view } of states) view.set((k === 0 ? before : ends[k - 1])[name]);
      feed.load(part);
      const share = total === 0 ? 0 : counted[k] / total;
      for (let i = 0; i < weights.length; i++) weights[i] *= share;
      seedBuffer?.fill((seed + k) & 0x7fffffff);
      executable.run("segment", part.steps);
      for (let i = 0; i < sum.length; i++) sum[i] += gradients[i];
      loss += floatBuffer(executable, "loss")[0];
      for (const { name } of states) {
        const back = executable.buffers.get(`gradient:state:${name}`);
        if (back !== undefined) executable.buffers.get(`cotangent:state:${name}`)?.set(back);
      }
    }
    gradients.set(sum);
    floatBuffer(executable, "loss")[0] = loss;
    for (const { name, view } of states) view.set(ends[count - 1][name]);
    return total;
  }

  /** The k-th segment of a batch, with the rows that it looks ahead to. */
  function sliceOf(batch: Batch, k: number): Batch {
    const start = k * segment;
    const steps = Math.min(segment, batch.steps - start);
    const inputs: Record<string, Float32Array | Int32Array> = {};
    for (const [name, values] of Object.entries(batch.inputs)) {
      const shape = [...lane.executable.shapes].find(([buffer]) => splitAhead(buffer)[0] === name)?.[1];
      if (shape === undefined) continue;
      const row = stepLength(shape);
      inputs[name] = shape.shape[0] === "T" ? values.subarray(start * row, (start + steps + lane.feed.lookAhead) * row) : values;
    }
    const mask = batch.lossMask?.subarray(start * batch.batch, (start + steps) * batch.batch);
    const lengths = batch.lengths?.map((length) => Math.max(0, Math.min(steps, length - start)));
    const reset = batch.reset?.subarray(start * batch.batch, (start + steps) * batch.batch);
    return { ...batch, steps, inputs, lossMask: mask, lengths, reset };
  }

  return {
    laneFor,
    run,
    forward,
    load(values) {
      lane.parameters.set(values);
      lane.executable.run("prepare", 0);
    },
    get lane() {
      return lane;
    },
    get variant() {
      return variantOf(options, manner, lane.lengths, options.gradient);
    },
    statesBefore: () => Object.fromEntries(stateNames.flatMap((name) => (before[name] ? [[name, before[name]]] : []))),
  };
}
