/** Types of pytorch.mjs for the bench's own files. */
import type { Results } from "../reference.ts";
import type { Workload, WorkloadArrays } from "../workloads.ts";

export const label: string;
export const ABSENT: string;

/** Environment variables of one way to start it. */
export type Settings = Readonly<Record<string, string>>;

export interface Python {
  /** An order and its answer, each a message and arrays by name; what is in a message is the script's own affair. */
  ask<Answer>(message: object, arrays?: Readonly<Record<string, Float32Array>>): Promise<{ message: Answer; arrays: Record<string, Float32Array> }>;
  stop(): void;
}

export interface PreparedPeer {
  /** Version, kernels, form. */
  readonly note: string;
  check(): Promise<Results>;
  measure(leastMs: number): Promise<{ readonly sample: number; readonly processor: number; readonly steps: number }>;
  stop(): void;
}

export function pythonWithTorch(): string | undefined;
export function settingsFor(threads: number): readonly Settings[];
export function startPython(script: string, threads: number, settings?: Settings): Python;
export function prepare(workload: Workload, arrays: WorkloadArrays, options?: { readonly threads?: number }): Promise<PreparedPeer>;
