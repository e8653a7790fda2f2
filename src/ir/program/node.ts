/**
 * The program language: what a runtime receives. Nouns only.
 *
 * One WebAssembly module over one memory, a plan of named buffers in it, and a few entry functions. A runtime writes inputs into their
 * buffers, calls entries, reads outputs from theirs. Offsets are bytes from the start of the memory.
 */

export type BufferRole =
  | "input" // written by the host before a run
  | "weight" // one trained array; all weights lie side by side in `parameters`
  | "parameters" // the flat array of all weights [P]
  | "gradient" // of one weight; all lie side by side in `gradients`, in the order of the weights
  | "gradients" // [P]
  | "input_gradient" // of one input
  | "output" // a named result
  | "state" // carried state, both initial value and result of a run
  | "optimizer" // moments and the like, [P]
  | "scalar" // one number set by the host (learning rate, seed) or read by it (loss, norm)
  | "scratch";

export interface Buffer {
  readonly name: string;
  readonly role: BufferRole;
  readonly type: "f32" | "i32";
  readonly offsetBytes: number;
  /** Axis names and sizes, row-major, last contiguous; a size "T" is the run-time argument, with room for `capacity` steps; a second one can lie inside. */
  readonly axes: readonly string[];
  readonly shape: readonly (number | "T")[];
  readonly sizeBytes: number;
  /** First and last step of the run in which the buffer is alive, for verification: [−1, Infinity) for what outlives a run. */
  readonly live: readonly [number, number];
}

/** A function of the module that takes the number of time steps (i32) and returns nothing. */
export interface Entry {
  readonly name: "prepare" | "forward" | "backward" | "update" | string;
  /** What it does, for `explain`: each kernel in order with its work. */
  readonly steps: readonly ProgramStep[];
}

export interface ProgramStep {
  readonly label: string;
  readonly kind: "product" | "pointwise" | "reduction" | "scan" | "strip" | "pack" | "solve" | "copy";
  /** For one time step in the body of a scan, else for the whole. */
  readonly flops: Work;
  /** Steps of one iteration, of a scan or of a strip. */
  readonly steps?: readonly ProgramStep[];
  /** Only in a program compiled to be profiled. */
  readonly call?: StepCall;
}

/** Floating-point operations as a function of T: constant + perStep·T + perPair·T². */
export interface Work {
  readonly constant: number;
  readonly perStep: number;
  readonly perPair: number;
}

/** The exported function (T, t, n) of a step, and how an entry, a scan or a strip would call it. */
export interface StepCall {
  readonly name: string;
  /** A scan or strip that runs from the last time step. */
  readonly reverse: boolean;
  /** A strip: time steps in hand at most. */
  readonly rows?: number;
  /** A strip: the second time ends with the strip. */
  readonly causal?: boolean;
  /** Called only with fewer time steps in hand. */
  readonly ifShorterThan?: number;
}

export interface Program {
  readonly wasm: Uint8Array;
  readonly memoryBytes: number;
  /** Greatest T that the buffers have room for. */
  readonly capacity: number;
  readonly batch: number;
  /** 1, or the most threads that may run an entry together; then entries take (T, p, P) and the memory is shared, of exactly memoryBytes in whole pages. */
  readonly threads: number;
  readonly buffers: readonly Buffer[];
  readonly entries: readonly Entry[];
  /** Number of trained numbers. */
  readonly parameterCount: number;
}
