/**
 * Everything that fixes a training run, with its defaults. Plain data but for the callbacks.
 */
import type { DeviceName } from "../runtime/executable.ts";
import type { TrainEvent, StepEvent } from "./events.ts";
import type { LearningRate } from "./learning-rate.ts";
import type { Metric } from "./metric.ts";
import type { OptimizerOptions } from "./optimizer.ts";

type Letter = "A" | "B" | "C" | "D" | "E" | "F" | "G" | "H" | "I" | "J" | "K" | "L" | "M" | "N" | "O" | "P" | "Q" | "R" | "S" | "T" | "U" | "V" | "W" | "X" | "Y" | "Z";
/** Sizes of the network beside the other options: `{ H: 12, steps: 600 }`. Names that begin with a capital letter. */
export type SizeOptions = { readonly [name in `${Letter}${string}`]?: number };

export interface TrainSettings {
  /** Values of the free sizes; those that the dataset fixes need not be given. */
  readonly sizes?: Readonly<Record<string, number>>;
  /** Fixes initial values, dropout and noise (default 1). */
  readonly seed?: number;
  /** Number of training steps (default 1000). */
  readonly steps?: number;
  /** A name with its usual constants, or the constants too (default "adam"). */
  readonly optimizer?: OptimizerOptions["kind"] | OptimizerOptions;
  /** A number, or a schedule (default: the optimizer's usual rate). */
  readonly learningRate?: number | LearningRate;
  /** Greatest global norm of the gradient (default 1; Infinity or 0: no clipping). */
  readonly clip?: number;
  /** Deviation of Gaussian noise on every weight during training (default 0). */
  readonly weightNoise?: number;
  /** Steps between two validations (default: a twentieth of the run; 0: never). */
  readonly validateEvery?: number;
  /** Batches per validation (default: one pass, or 20 of an endless source). */
  readonly validationBatches?: number;
  /** Stops after this many validations without improvement (default: never). */
  readonly patience?: number;
  /** Return the parameters of the best validation rather than the last (default true where there is one). */
  readonly keepBest?: boolean;
  /** Values measured at each validation beside the loss. */
  readonly metrics?: readonly Metric[];
  /** Receives the bytes of each checkpoint; must write them whole or not at all. */
  readonly saveCheckpoint?: (bytes: Uint8Array, step: number) => void | Promise<void>;
  /** Steps between two checkpoints (default 0: only when the run stops). */
  readonly checkpointEvery?: number;
  /** Bytes of a checkpoint to go on from, bit for bit. */
  readonly resume?: Uint8Array;
  /** Parameters to begin with instead of fresh ones. */
  readonly parameters?: ArrayLike<number>;
  /** Ends the run after the step under way; a checkpoint is kept. */
  readonly signal?: AbortSignal;
  readonly device?: DeviceName;
  /** Fused multiply-add where the engine has it (default false: the same bits everywhere). */
  readonly fused?: boolean;
  readonly onStep?: (event: StepEvent) => void;
  readonly onEvent?: (event: TrainEvent) => void;
}

export type TrainOptions = TrainSettings & SizeOptions;
