/**
 * What code suits this engine: the answers that the emitter needs, by the engine's version.
 *
 * V8 up to 12 orders vector instructions itself and keeps vector constants in registers; from 13 on it keeps program order and builds a constant at each
 * use. Other engines get the code of the newer V8. Measured in bench/kernels.
 */
import { wasmFeatures } from "./probe.ts";

export interface EngineCode {
  readonly constants: "code" | "global";
  /** Rows of a tile in the fused mode; the deterministic mode has 4 everywhere. */
  readonly fusedRows: 4 | 6;
  readonly fused: boolean;
}

/** Major version of V8, if that is the engine and it can be told. */
function v8Major(): number | undefined {
  if (typeof process !== "undefined" && process.versions?.v8) return Number.parseInt(process.versions.v8, 10);
  const chrome = typeof navigator === "undefined" ? null : /Chrom(?:e|ium)\/(\d+)/.exec(navigator.userAgent);
  return chrome ? Math.floor(Number(chrome[1]) / 10) : undefined; // V8 13.1 is Chrome 131
}

/** The code that suits this engine; computed once. */
export function engineCode(): EngineCode {
  found ??= ((): EngineCode => {
    const version = v8Major();
    const old = version !== undefined && version < 13;
    return { constants: old ? "code" : "global", fusedRows: old ? 4 : 6, fused: wasmFeatures().relaxedSimd };
  })();
  return found;
}

let found: EngineCode | undefined;
