/**
 * What code suits this engine: the options that the compiler needs, by the engine's version and by whether it has been told to join vectors.
 *
 * V8 up to 12 orders vector instructions itself and keeps vector constants in registers; from 13 on it keeps program order and builds a constant at each
 * use. Other engines get the code of the newer V8. Measured in bench/kernels.
 */
import type { CompileOptions } from "../../compile.ts";
import { wasmFeatures } from "./probe.ts";

export interface EngineCode {
  readonly constants: "code" | "memory";
  /** Rows of a tile in the fused mode; the deterministic mode has 4 everywhere. */
  readonly fusedRows: 4 | 6;
  readonly fused: boolean;
}

/** Which programs are compiled for joined vectors. */
export interface Joining {
  readonly deterministic: boolean;
  readonly fused: boolean;
}

export type CodeOptions = Required<Pick<CompileOptions, "constants" | "fused" | "tileRows" | "wide" | "joins">>;

/** Major version of V8, if that is the engine and it can be told. */
export function v8Major(): number | undefined {
  if (typeof process !== "undefined" && process.versions?.v8) return Number.parseInt(process.versions.v8, 10);
  const chrome = typeof navigator === "undefined" ? null : /Chrom(?:e|ium)\/(\d+)/.exec(navigator.userAgent);
  return chrome ? Math.floor(Number(chrome[1]) / 10) : undefined; // V8 13.1 is Chrome 131
}

/** The code that suits this engine; computed once. */
export function engineCode(): EngineCode {
  found ??= ((): EngineCode => {
    const version = v8Major();
    const old = version !== undefined && version < 13;
    return { constants: old ? "code" : "memory", fusedRows: old ? 4 : 6, fused: wasmFeatures().relaxedSimd };
  })();
  return found;
}

/** What the compiler is told about this engine, for programs with fused multiply-add or without. */
export function codeOptions(fused: boolean): CodeOptions {
  asked = true;
  return codeFor(fused, joining);
}

/** The same if the engine joined vectors as said, or not at all. */
export function codeFor(fused: boolean, joins: Joining | undefined): CodeOptions {
  const { constants, fusedRows, fused: canFuse } = engineCode();
  const fuses = fused && canFuse;
  const wide = joins?.[fuses ? "fused" : "deterministic"] ?? false;
  return { constants, fused: fuses, tileRows: fuses ? fusedRows : 4, wide, joins: joins !== undefined };
}

/** True once a program may have been compiled for an engine that joins nothing. */
export function isEngineCodeInUse(): boolean {
  return asked && joining === undefined;
}

/** From now on programs are compiled for an engine that joins vectors: what `useWideVectors` does when it has told the engine to. */
export function compileForJoining(joins: Joining): void {
  joining = joins;
}

let found: EngineCode | undefined;
let asked = false;
let joining: Joining | undefined;
