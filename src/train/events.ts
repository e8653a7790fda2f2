/**
 * What a training run tells: events as plain data, in order. Nothing here draws or prints.
 */

export interface StepEvent {
  readonly kind: "step";
  /** Counted from 1: the number of steps done. */
  readonly step: number;
  /** Number of steps that the run will take. */
  readonly steps: number;
  readonly loss: number;
  /** Global norm of the gradient before clipping. */
  readonly norm: number;
  readonly learningRate: number;
  readonly durationMs: number;
  /** Time steps that counted in this batch (sequences × steps without padding). */
  readonly tokens: number;
}

export interface StartEvent {
  readonly kind: "start";
  /** First step to be done is `step + 1`; 0 unless resumed. */
  readonly step: number;
  readonly steps: number;
  readonly parameterCount: number;
  readonly sizes: Readonly<Record<string, number>>;
  readonly compileMs: number;
  /** Memory of the program, all of it laid out before the first step. */
  readonly memoryBytes: number;
  /** Steps of a segment; 0: batches run whole. */
  readonly segment: number;
  /** What recurrences keep for their gradients; "least": only results of products and sums. */
  readonly keep: "usual" | "least";
  /** Threads of a step: fewer than asked for where a place has none to share memory with. */
  readonly threads: number;
  /** What does not go as asked, and why, for people: a page without cross-origin isolation trains on one thread. */
  readonly remark?: string;
}

export interface ValidationEvent {
  readonly kind: "validation";
  readonly step: number;
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly best: boolean;
  readonly durationMs: number;
}

export interface CheckpointEvent {
  readonly kind: "checkpoint";
  readonly step: number;
  readonly sizeBytes: number;
}

export type StopReason = "steps" | "patience" | "aborted";

export interface StoppedEvent {
  readonly kind: "stopped";
  readonly step: number;
  readonly reason: StopReason;
  readonly durationMs: number;
}

export type TrainEvent = StartEvent | StepEvent | ValidationEvent | CheckpointEvent | StoppedEvent;
