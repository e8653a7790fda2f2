/**
 * What an exported model is, as plain JSON: its names and shapes, its programs without their code, how its memory grows. Nouns only.
 *
 * Code and weights lie in files beside it. Made by `bundle.ts` with the compiler, read by `open.ts` without.
 */
import type { Buffer } from "../../ir/program/node.ts";
import type { RunNetwork } from "../run.ts";

/** A number that depends on the room for time: a + b·x + c·x², with x the room as a multiple of the exported one. */
export type Polynomial = readonly [number, number, number];

export type ExportedBuffer = Omit<Buffer, "live">;

/** How a program becomes one with more room for time. */
export interface Growth {
  /** Numbers in the code: a value, and each position of its five bytes (LEB128) as the distance from the one before. */
  readonly code: readonly { readonly value: Polynomial; readonly at: readonly number[] }[];
  /** For each buffer: its offset and its size in bytes. */
  readonly buffers: readonly (readonly [Polynomial, Polynomial])[];
  readonly memoryBytes: Polynomial;
}

/** A program for one size of batch. Its entries are "prepare" and "forward". */
export interface ExportedProgram {
  /** Name of the file that holds its code. */
  readonly file: string;
  /** "carried": reads and writes its states, so that time may be cut anywhere; "fresh": whole sequences only. */
  readonly initial: "fresh" | "carried";
  readonly outputs: readonly string[];
  readonly batch: number;
  /** Time steps that fit. */
  readonly capacity: number;
  readonly memoryBytes: number;
  /** What the host reads and writes. */
  readonly buffers: readonly ExportedBuffer[];
  readonly growth?: Growth;
  /** Of a "fresh" program: why it cannot be run step by step; absent if it can, by another program. */
  readonly noStream?: string;
}

export interface ExportDescription {
  /** Names and concrete shapes; values are those that a program gives. */
  readonly network: RunNetwork;
  /** Numbers in the file of weights, and their fingerprint. */
  readonly weights: { readonly file: string; readonly count: number; readonly fingerprint: number };
  /** Weights that states begin with, in that file. */
  readonly begin: Readonly<Record<string, { readonly offset: number; readonly length: number }>>;
  readonly programs: readonly ExportedProgram[];
}
