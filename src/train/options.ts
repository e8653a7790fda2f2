/**
 * Everything that fixes a training run, with its defaults. Plain data but for the callbacks.
 */
import type { Network } from "../ir/network/node.ts";
import { DEVICES } from "../model/model.ts";
import type { DeviceName } from "../runtime/executable.ts";
import type { StepEvent, TrainEvent } from "./events.ts";
import { SluiceError } from "../support/diagnostic.ts";
import { isNamed, type OptionNames, requireKind, requireWord, unknownOption } from "../support/options.ts";
import { checkLearningRate, type LearningRate } from "./learning-rate.ts";
import type { Metric } from "./metric.ts";
import { type OptimizerOptions, readOptimizer, usualLearningRate } from "./optimizer.ts";

type Letter =
  | "A"
  | "B"
  | "C"
  | "D"
  | "E"
  | "F"
  | "G"
  | "H"
  | "I"
  | "J"
  | "K"
  | "L"
  | "M"
  | "N"
  | "O"
  | "P"
  | "Q"
  | "R"
  | "S"
  | "T"
  | "U"
  | "V"
  | "W"
  | "X"
  | "Y"
  | "Z";
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
  /**
   * Where the data carry states from batch to batch: steps after which states begin anew all the same (default 8; 0: only where the data say so).
   * Without it a large cell can drift, early in training, into states that no sequence begins near, and then fails on every fresh start.
   */
  readonly restartEvery?: number;
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
  /**
   * Steps of a segment (default 0: none): exact gradients of longer batches, with memory for one segment and the states at the borders; about √T is best.
   */
  readonly segment?: number;
  /**
   * Greatest memory of the compiled program in MiB (default: no bound). What does not fit as usual keeps less for its gradients and computes it again (the same bits), then goes
   * in segments.
   */
  readonly memoryMiB?: number;
  /** Threads of a step (default 1); the results have the same bits whatever their number. */
  readonly threads?: number;
  readonly onStep?: (event: StepEvent) => void;
  readonly onEvent?: (event: TrainEvent) => void;
}

export type TrainOptions = TrainSettings & SizeOptions;

/** Options with every default in its place. */
export type Settings = Required<
  Pick<
    TrainSettings,
    | "seed"
    | "steps"
    | "clip"
    | "weightNoise"
    | "restartEvery"
    | "validateEvery"
    | "metrics"
    | "checkpointEvery"
    | "device"
    | "fused"
    | "threads"
    | "segment"
    | "keepBest"
  >
> &
  Pick<
    TrainSettings,
    "validationBatches" | "patience" | "memoryMiB" | "saveCheckpoint" | "resume" | "parameters" | "signal" | "onStep" | "onEvent"
  > & {
    readonly sizes: Readonly<Record<string, number>>;
    readonly optimizer: OptimizerOptions;
    readonly learningRate: LearningRate;
  };

/** Every option of `train` but sizes. */
export const TRAIN_OPTIONS: OptionNames<TrainSettings> = {
  sizes: true,
  seed: true,
  steps: true,
  optimizer: true,
  learningRate: true,
  clip: true,
  weightNoise: true,
  restartEvery: true,
  validateEvery: true,
  validationBatches: true,
  patience: true,
  keepBest: true,
  metrics: true,
  saveCheckpoint: true,
  checkpointEvery: true,
  resume: true,
  parameters: true,
  signal: true,
  device: true,
  fused: true,
  threads: true,
  segment: true,
  memoryMiB: true,
  onStep: true,
  onEvent: true,
};

/** Stands for "no clipping" in a float32 scalar. */
const noClip = 3e38;

/** Checks options and fills in what is not given. @throws SluiceError E462 (unknown option, or a number that cannot be meant) */
export function readSettings(network: Network, options: TrainOptions, validates: boolean): Settings {
  requireKind(isNamed(options), "the options of train", "an object, { steps: … }", options);
  if (options.sizes !== undefined) requireKind(isNamed(options.sizes), "sizes", "numbers by name, { H: 32 }", options.sizes);
  if (options.device !== undefined) requireWord("device", options.device, DEVICES);
  if (options.metrics !== undefined) requireKind(Array.isArray(options.metrics), "metrics", "a list", options.metrics);
  for (const name of ["onStep", "onEvent", "saveCheckpoint"] as const)
    if (options[name] !== undefined) requireKind(typeof options[name] === "function", name, "a function", options[name]);
  const sizes: Record<string, number> = { ...options.sizes };
  for (const [name, value] of Object.entries(options)) {
    if (Object.hasOwn(TRAIN_OPTIONS, name)) continue;
    if (!network.sizes.some((size) => size.name === name)) {
      const there = network.sizes.map((size) => size.name).join(", ") || "none";
      throw unknownOption("train", name, Object.keys(TRAIN_OPTIONS), `, and ${network.name} has no such size (its sizes: ${there})`);
    }
    if (value !== undefined) sizes[name] = value as number; // what is no number is told with the other sizes
  }
  const steps = whole("steps", options.steps ?? 1000, 0);
  const optimizer = readOptimizer(options.optimizer);
  const rate = options.learningRate ?? usualLearningRate[optimizer.kind];
  const clip = options.clip ?? 1;
  if (!(clip >= 0)) throw new SluiceError("E462", `clip must be a number of at least 0 (0: no clipping), not ${clip}`);
  const weightNoise = options.weightNoise ?? 0;
  if (!(weightNoise >= 0 && Number.isFinite(weightNoise)))
    throw new SluiceError("E462", `weightNoise must be a number of at least 0, not ${weightNoise}`);
  const { memoryMiB } = options;
  if (memoryMiB !== undefined && !(memoryMiB > 0)) throw new SluiceError("E462", `memoryMiB must be a positive number, not ${memoryMiB}`);
  const seed = options.seed ?? 1;
  if (!Number.isFinite(seed)) throw new SluiceError("E462", `seed must be a number, not ${seed}`);
  return {
    sizes,
    seed,
    steps,
    optimizer,
    learningRate: checkLearningRate(typeof rate === "number" ? { kind: "constant", rate } : rate),
    clip: clip === 0 ? noClip : Math.min(clip, noClip),
    weightNoise,
    restartEvery: whole("restartEvery", options.restartEvery ?? 8, 0),
    validateEvery: validates ? whole("validateEvery", options.validateEvery ?? Math.max(1, Math.floor(steps / 20)), 0) : 0,
    validationBatches: options.validationBatches === undefined ? undefined : whole("validationBatches", options.validationBatches, 1),
    patience: options.patience === undefined ? undefined : whole("patience", options.patience, 1),
    keepBest: options.keepBest ?? true,
    metrics: options.metrics ?? [],
    saveCheckpoint: options.saveCheckpoint,
    checkpointEvery: whole("checkpointEvery", options.checkpointEvery ?? 0, 0),
    resume: options.resume,
    parameters: options.parameters,
    signal: options.signal,
    device: options.device ?? "wasm",
    fused: options.fused ?? false,
    segment: whole("segment", options.segment ?? 0, 0),
    memoryMiB: options.memoryMiB,
    threads: whole("threads", options.threads ?? 1, 1),
    onStep: options.onStep,
    onEvent: options.onEvent,
  };
}

function whole(name: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least) return value;
  throw new SluiceError("E462", `${name} must be a whole number of at least ${least}, not ${value}`);
}
