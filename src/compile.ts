/**
 * The whole compiler on one page: text → Network → tensor graphs → loops → Program.
 *
 * Every phase is called here by name, in order; nothing else calls phases. Pure: no platform, no files, no clocks but the one passed in.
 */
import type { Diagnostic } from "./support/diagnostic.ts";
import type { Source } from "./support/source.ts";
import type { File } from "./ir/syntax/node.ts";
import type { Network } from "./ir/network/node.ts";
import type { Variant } from "./ir/network/variant.ts";
import type { Graph } from "./ir/tensor/node.ts";
import type { LoopModule } from "./ir/loop/node.ts";
import type { Program } from "./ir/program/node.ts";

export interface Analysis {
  readonly source: Source;
  readonly file: File;
  readonly diagnostics: readonly Diagnostic[];
  /** Absent if there is any error. */
  readonly network?: Network;
}

/** Parses and infers. Never throws for any text. `library`: texts of blocks that may be called by name (the standard mechanisms). */
export declare function analyze(source: Source, options?: { main?: string; library?: Readonly<Record<string, string>> }): Analysis;

/** The tensor graphs of a variant after each pass, and the final one. */
export interface Lowering {
  readonly stages: readonly { readonly name: "build" | "differentiate" | "simplify"; readonly graph: Graph }[];
  readonly graph: Graph;
}
export declare function lower(network: Network, variant: Variant): Lowering;

/** One graph of a program: its entry's name, and which outputs overwrite persistent buffers (e.g. "parameters"). */
export interface Unit {
  readonly entry: string;
  readonly graph: Graph;
}

export interface CompileOptions {
  /** Room for this many time steps. */
  readonly capacity: number;
  readonly batch: number;
  /** Order and shapes of the flat parameter array (name, number of elements). */
  readonly weights: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** Fused multiply-add where the engine has relaxed SIMD. */
  readonly fused?: boolean;
}
/** Schedules and emits. Units share buffers by name: weights, inputs, outputs "assign:NAME" (persistent, [P] or scalar). */
export declare function compileProgram(units: readonly Unit[], options: CompileOptions): { readonly loops: LoopModule; readonly program: Program };
