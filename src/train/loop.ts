import type { Compiled } from "../model/compiled.ts";
import type { Model, TrainingSummary } from "../model/model.ts";
import type { Dataset } from "./data/dataset.ts";
import type { StopReason } from "./events.ts";
import type { TrainOptions } from "./options.ts";

/** A model with what its training came to. */
export interface TrainedModel extends Model {
  readonly training: TrainingSummary;
  readonly result: TrainResult;
}

export interface TrainResult {
  readonly reason: StopReason;
  readonly steps: number;
  readonly bestStep?: number;
  /** Training loss of every step of this run (from `firstStep` on). */
  readonly losses: Float32Array;
  readonly firstStep: number;
  readonly validations: readonly { readonly step: number; readonly loss: number; readonly metrics: Readonly<Record<string, number>> }[];
  /** A checkpoint of the last step: give it to `resume` to go on. */
  readonly checkpoint: Uint8Array;
}

/** Trains. */
export declare function train(compiled: Compiled, dataset: Dataset, options?: TrainOptions): Promise<TrainedModel>;
