/**
 * What a compiled program costs: memory, code, kernels and floating-point operations, from the program itself.
 *
 * In: a Program. Out: numbers. Never measures time; a count of operations is a property of the program, not of a machine.
 */
import type { Program, ProgramStep } from "../ir/program/node.ts";

export interface EntryCost {
  readonly name: string;
  readonly kernels: number;
  /** Operations for a whole run of T time steps: constant + perStep·T + perPair·T², all sequences of the batch together. */
  readonly constantFlops: number;
  readonly perStepFlops: number;
  readonly perPairFlops: number;
  readonly steps: readonly {
    readonly label: string;
    readonly kind: ProgramStep["kind"];
    readonly perStepFlops: number;
    readonly perPairFlops: number;
    readonly constantFlops: number;
  }[];
}

export interface Cost {
  readonly parameters: number;
  readonly wasmBytes: number;
  readonly memoryBytes: number;
  readonly batch: number;
  readonly capacity: number;
  readonly entries: readonly EntryCost[];
}

/** Sums the steps of each entry. */
export function costOf(program: Program): Cost {
  return {
    parameters: program.parameterCount,
    wasmBytes: program.wasm.length,
    memoryBytes: program.memoryBytes,
    batch: program.batch,
    capacity: program.capacity,
    entries: program.entries.map((entry) => ({
      name: entry.name,
      kernels: entry.steps.length,
      constantFlops: entry.steps.reduce((total, step) => total + step.flops.constant, 0),
      perStepFlops: entry.steps.reduce((total, step) => total + step.flops.perStep, 0),
      perPairFlops: entry.steps.reduce((total, step) => total + step.flops.perPair, 0),
      steps: entry.steps.map((step) => ({
        label: step.label,
        kind: step.kind,
        perStepFlops: step.flops.perStep,
        perPairFlops: step.flops.perPair,
        constantFlops: step.flops.constant,
      })),
    })),
  };
}
