/**
 * Measures a network on batches: mean loss over the steps that count, and any metrics.
 */
import type { Clamps, Model } from "../model/model.ts";
import { checkNames, shapeFor, takeResult } from "../model/run.ts";
import { nowMs, pause } from "../runtime/platform.ts";
import { SluiceError } from "../support/diagnostic.ts";
import type { BatchSource } from "./data/dataset.ts";
import type { MeasuredArray, Metric } from "./metric.ts";
import { createPasses, type PassOptions, type Passes } from "./passes.ts";

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

/** Compiles once for many measurements. @throws SluiceError E458 (a metric's value is unknown), E463 (no loss, or unsuitable data) */
export function createEvaluator(options: Omit<PassOptions, "mode" | "outputs" | "gradient">, metrics: readonly Metric[] = []): Evaluator {
  const { network, source } = options;
  if (network.loss === undefined)
    throw new SluiceError("E463", `${network.name} defines no loss; add a line such as  loss = cross_entropy(y, target)`);
  const outputs = [...new Set(["loss", ...metrics.flatMap((metric) => metric.outputs)])];
  checkNames(network, outputs);
  const passes = createPasses({ ...options, mode: "evaluate", outputs, gradient: false });

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
        const { executable, feed } = passes.laneFor(batch);
        const count = passes.run(batch, 0);
        total += count === 0 ? 0 : (executable.buffers.get("loss") as Float32Array)[0] * count;
        counted += count;
        if (metrics.length > 0) {
          const values = liveValues(passes, outputs, batch.steps);
          for (const [k, metric] of metrics.entries()) {
            const part = metric.measure(batch, values, feed.counts);
            sums[k].total += part.total;
            sums[k].count += part.count;
          }
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

/** Measures a model on batches. @throws SluiceError E458, E463 */
export function evaluate(model: Model, source: BatchSource, options: EvaluateOptions = {}): Promise<Evaluation> {
  const { network, sizes, index } = model;
  const device = { device: model.device, fused: false };
  const evaluator = createEvaluator({ network, sizes, slots: [...index.values()], index, device, source, clamps: options.clamps }, options.metrics);
  return evaluator.measure(model.parameters, options);
}
