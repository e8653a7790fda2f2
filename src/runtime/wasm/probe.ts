/**
 * What the WebAssembly engine can do, found by validating a few bytes. Never runs anything.
 */

export interface WasmFeatures {
  readonly simd: boolean;
  /** Fused multiply-add of the relaxed SIMD proposal. */
  readonly relaxedSimd: boolean;
  /** Shared memory with atomics: what threads need. */
  readonly threads: boolean;
}

// A module with one function of no arguments and results, and the given body (each body shorter than 100 bytes).
function moduleWith(body: readonly number[], before: readonly number[] = []): Uint8Array<ArrayBuffer> {
  const code = [0x00, ...body, 0x0b];
  return Uint8Array.of(
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...[0x01, 0x04, 0x01, 0x60, 0x00, 0x00],
    ...[0x03, 0x02, 0x01, 0x00],
    ...before,
    ...[0x0a, code.length + 2, 0x01, code.length, ...code],
  );
}

const zeroVector = [0x41, 0x00, 0xfd, 0x0f]; // i32.const 0, i8x16.splat
const drop = 0x1a;
const simdBytes = moduleWith([...zeroVector, drop]);
const relaxedBytes = moduleWith([...zeroVector, ...zeroVector, ...zeroVector, 0xfd, 0x85, 0x02, drop]); // f32x4.relaxed_madd
const sharedMemory = [0x05, 0x04, 0x01, 0x03, 0x01, 0x01];
const threadBytes = moduleWith([0x41, 0x00, 0xfe, 0x10, 0x02, 0x00, drop], sharedMemory); // i32.atomic.load

let found: WasmFeatures | undefined;

/** The engine's features; validated once. */
export function wasmFeatures(): WasmFeatures {
  found ??= {
    simd: WebAssembly.validate(simdBytes),
    relaxedSimd: WebAssembly.validate(relaxedBytes),
    threads: WebAssembly.validate(threadBytes),
  };
  return found;
}
