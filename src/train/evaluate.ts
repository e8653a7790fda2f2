/**
 * Measures a network on batches: mean loss over the steps that count, and any metrics.
 *
 * In: batches, parameters. Out: means. With segments of time, memory is that of a segment and of the values that metrics read.
 */
import { whyNotCarried } from "../ir/network/carrying.ts";
import type { Clamps, Model } from "../model/model.ts";
import { checkNames, shapeFor, takeResult } from "../model/run.ts";
import { statesBeginConstant } from "../model/states.ts";
import { nowMs, pause } from "../runtime/platform.ts";
import { SluiceError } from "../support/diagnostic.ts";
import { checkOptions, type OptionNames, requireKind } from "../support/options.ts";
import type { Batch, BatchSource } from "./data/dataset.ts";
import type { MeasuredArray, Metric } from "./metric.ts";
import { createPasses, type PassOptions, type Passes, passMemory } from "./passes.ts";
import { createSegmentedPasses, segmentMemory } from "./segments.ts";

export interface Evaluation {
  /** Mean over all steps that count. */
  readonly loss: number;
  /** Number of those steps. */
  readonly counted: number;
  readonly batches: number;
  readonly metrics: Readonly<Record<string, number>>;
}

export interface EvaluateOptions {
  readonly metrics?: readonly Metric[];
  /** Batches to measure (default: one pass, or 20 of an endless source). */
  readonly batches?: number;
  /** First batch (default 0). */
  readonly from?: number;
  readonly signal?: AbortSignal;
  /** Values held fixed while measuring: what a gate is worth. */
  readonly clamps?: Clamps;
}

export interface Evaluator {
  /** Measures these parameters. Lets other work have its turn every few milliseconds. */
  measure(parameters: Float32Array, options?: Omit<EvaluateOptions, "metrics" | "clamps">): Promise<Evaluation>;
}

const endlessBatches = 20;
const turnMs = 16;

/** What is measured, and on which data. */
export type Measured = Omit<PassOptions, "mode" | "outputs" | "gradient">;

const passOptions = (options: Measured, metrics: readonly Metric[]): PassOptions => ({
  ...options,
  mode: "evaluate",
  outputs: [...new Set(["loss", ...metrics.flatMap((metric) => metric.outputs)])],
  gradient: false,
});

/** The segment in which measuring goes: 0, whole batches, where a segment holds them, states cannot be carried so, or a metric reads values after the last step. */
function segmentFor({ network, source }: Measured, metrics: readonly Metric[], segment: number): number {
  const atTheEnd = metrics.some(({ outputs }) => outputs.some((name) => name.endsWith("[T]")));
  return segment < source.capacity && !atTheEnd && whyNotCarried(network) === undefined && statesBeginConstant(network) ? segment : 0;
}

/** Bytes that an evaluator of these options needs at most. */
export function evaluatorMemory(options: Measured, metrics: readonly Metric[], segment: number): number {
  const within = segmentFor(options, metrics, segment);
  return within > 0 ? segmentMemory(passOptions(options, metrics), within) : passMemory(passOptions(options, metrics));
}

/**
 * Compiles once for many measurements. `segment`: batches go in segments of so many time steps, where they can; 0: whole.
 * @throws SluiceError E458 (a metric's value is unknown), E463 (no loss, or unsuitable data)
 */
export function createEvaluator(options: Measured, metrics: readonly Metric[] = [], segment = 0): Evaluator {
  const { network, source } = options;
  if (network.loss === undefined)
    throw new SluiceError("E463", `${network.name} defines no loss; add a line such as  loss = cross_entropy(y, target)`);
  const pass = passOptions(options, metrics);
  const { outputs } = pass;
  checkNames(network, outputs);
  const within = segmentFor(options, metrics, segment);
  const segmented = within > 0 ? createSegmentedPasses(pass, within) : undefined;
  const passes = segmented ?? createPasses(pass);
  const lossOf = (): number => (passes.lane.executable.buffers.get("loss") as Float32Array)[0];

  /** Runs a batch: the sum of its losses, how many steps count, and with metrics the values that they read. */
  function measureBatch(batch: Batch): { total: number; counted: number; counts: Float32Array; values: Record<string, MeasuredArray> } {
    if (segmented === undefined) {
      const { feed } = passes.laneFor(batch);
      const counted = passes.run(batch, 0);
      const values = metrics.length > 0 ? liveValues(passes, outputs, batch.steps) : {};
      return { total: counted === 0 ? 0 : lossOf() * counted, counted, counts: feed.counts, values };
    }
    const sums = { total: 0, counted: 0, counts: new Float32Array(metrics.length > 0 ? batch.steps * batch.batch : 0) };
    const values: Record<string, MeasuredArray> = {};
    let begin = 0;
    segmented.forward(batch, 0, (part, counted) => {
      sums.total += counted === 0 ? 0 : lossOf() * counted;
      sums.counted += counted;
      if (metrics.length > 0) {
        sums.counts.set(passes.lane.feed.counts.subarray(0, part.steps * batch.batch), begin * batch.batch);
        joinValues(values, passes, outputs, { begin, steps: part.steps, of: batch.steps });
      }
      begin += part.steps;
    });
    return { ...sums, values };
  }

  return {
    async measure(parameters, { batches = source.batchesPerPass ?? endlessBatches, from = 0, signal } = {}) {
      let total = 0;
      let counted = 0;
      let turn = nowMs();
      const sums = metrics.map(() => ({ total: 0, count: 0 }));
      passes.load(parameters);
      for (let step = from; step < from + batches; step++) {
        signal?.throwIfAborted();
        const batch = source.batchAt(step);
        const measured = measureBatch(batch);
        total += measured.total;
        counted += measured.counted;
        for (const [k, metric] of metrics.entries()) {
          const part = metric.measure(batch, measured.values, measured.counts);
          sums[k].total += part.total;
          sums[k].count += part.count;
        }
        if (nowMs() - turn > turnMs) {
          await pause();
          turn = nowMs();
        }
      }
      if (counted === 0) throw new SluiceError("E463", "no step of these data counts for the loss; is the set too small for one window?");
      const measured = Object.fromEntries(metrics.map((metric, k) => [metric.name, sums[k].total / sums[k].count]));
      return { loss: total / counted, counted, batches, metrics: measured };
    },
  };
}

function liveValues({ lane: { executable } }: Passes, names: readonly string[], steps: number): Record<string, MeasuredArray> {
  return Object.fromEntries(
    names.map((name) => {
      const buffer = executable.shapes.get(name)!;
      // Squares of attention lie in the kernel's own order, with gaps.
      if (buffer.shape.indexOf("T", 1) > 0) return [name, { ...takeResult(executable, name, steps, false), overPositions: true }];
      const shape = shapeFor(buffer, steps);
      const length = shape.reduce((a, b) => a * b, 1);
      return [name, { data: (executable.buffers.get(name) as Float32Array).subarray(0, length), shape }];
    }),
  );
}

/** Puts the values of a segment in their place among those of the whole batch; what has no axis of time is that of the last segment. */
function joinValues(
  whole: Record<string, MeasuredArray>,
  passes: Passes,
  names: readonly string[],
  { begin, steps, of }: { readonly begin: number; readonly steps: number; readonly of: number },
): void {
  for (const [name, { data, shape }] of Object.entries(liveValues(passes, names, steps))) {
    if (passes.lane.executable.shapes.get(name)!.shape[0] !== "T") {
      whole[name] = { data: data.slice(), shape };
      continue;
    }
    const row = data.length / steps;
    whole[name] ??= { data: new Float32Array(of * row), shape: [of, ...shape.slice(1)] };
    whole[name].data.set(data, begin * row);
  }
}

const EVALUATE_OPTIONS: OptionNames<EvaluateOptions> = { metrics: true, batches: true, from: true, signal: true, clamps: true };

/** Measures a model on batches. @throws SluiceError E458, E462, E463 */
export function evaluate(model: Model, source: BatchSource, options: EvaluateOptions = {}): Promise<Evaluation> {
  checkOptions("evaluate", options, EVALUATE_OPTIONS);
  const { batches = 1, from = 0 } = options;
  requireKind(model?.specializer !== undefined, "what is evaluated", "a model", model);
  requireKind(typeof source?.batchAt === "function", "the data", "a part of a dataset, such as dataset.test", source);
  requireKind(Number.isInteger(batches) && batches >= 1, "batches", "a whole number of at least 1", batches);
  requireKind(Number.isInteger(from) && from >= 0, "from", "a whole number of at least 0", from);
  const { network, sizes, index } = model;
  const device = { device: model.device, fused: false };
  const evaluator = createEvaluator({ network, sizes, slots: [...index.values()], index, device, source, clamps: options.clamps }, options.metrics);
  return evaluator.measure(model.parameters, options);
}
