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

/** Which kernels the compiler makes for an engine, by default this one, and why these; for people. `version`: V8's, undefined for another engine. */
export function engineCodeText({ constants, fused, fusedRows } = engineCode(), version = v8Major()): string {
  const places = { code: "in the code", memory: "in memory" };
  const rows = `tiles of 4 rows${fused ? ` (${fusedRows} if fused)` : ""}, vector constants ${places[constants]}, ${fused ? "fused where asked for" : "never fused"}`;
  if (version === undefined) return `${rows}: the code for newer engines; the version of this one cannot be told`;
  const why =
    version < 13
      ? "up to V8 12 the engine orders instructions itself and keeps constants"
      : "from V8 13 on the engine keeps the order and builds constants anew";
  return `${rows}: ${why}, as measured (this is V8 ${version})`;
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
