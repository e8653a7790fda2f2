/**
 * What is measured: the workloads W1–W10, their data and their weights, made from a seed so that every peer computes the same numbers.
 *
 * In: a name. Out: sizes and float32 arrays, time-major, gates packed by rows (LSTM: i, f, g, o; GRU: r, z, n). Never measures anything.
 */
import { createRandom } from "../src/support/random.ts";

export type WorkloadKind =
  | "lstm inference"
  | "lstm training"
  | "gru training"
  | "lstm streaming"
  | "adding"
  | "mingru training"
  | "convolution"
  | "attention";

export interface Workload {
  readonly name: string;
  readonly kind: WorkloadKind;
  readonly title: string;
  /** Batch, time steps, input features, hidden units. */
  readonly B: number;
  readonly T: number;
  readonly D: number;
  readonly H: number;
}

export const WORKLOADS: readonly Workload[] = [
  { name: "W1", kind: "lstm inference", title: "LSTM inference", B: 1, T: 100, D: 64, H: 128 },
  { name: "W2", kind: "lstm inference", title: "LSTM inference", B: 32, T: 100, D: 128, H: 256 },
  { name: "W3", kind: "lstm training", title: "LSTM training step", B: 32, T: 64, D: 64, H: 128 },
  { name: "W4", kind: "lstm training", title: "LSTM training step", B: 64, T: 100, D: 128, H: 256 },
  { name: "W5", kind: "gru training", title: "GRU training step (reset after)", B: 32, T: 64, D: 64, H: 128 },
  { name: "W6", kind: "lstm streaming", title: "LSTM, one time step per call", B: 1, T: 1, D: 64, H: 128 },
  { name: "W7", kind: "mingru training", title: "minGRU training step", B: 4, T: 4096, D: 128, H: 128 },
  { name: "W8", kind: "convolution", title: "gated convolution training step, 3 taps", B: 32, T: 128, D: 64, H: 64 },
  { name: "W9", kind: "attention", title: "causal attention training step, 4 heads", B: 8, T: 128, D: 128, H: 128 },
  { name: "W10", kind: "adding", title: "adding problem: LSTM, read-out of the last state, training step", B: 50, T: 100, D: 2, H: 64 },
];

/** Adam as every trainer runs it. */
export const ADAM = { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

/** The same as an optimizer, which is given its rate anew at each step. */
export const OPTIMIZER = { kind: "adam", beta1: ADAM.beta1, beta2: ADAM.beta2, epsilon: ADAM.epsilon } as const;

/** Heads of attention. */
export const HEADS = 4;

export type Arrays = Readonly<Record<string, Float32Array>>;

export interface WorkloadArrays {
  /** x [T, B, D]; target [T, B, H], or [B] for the adding problem. */
  readonly inputs: Arrays;
  /** LSTM: Wx [4H, D], Wh [4H, H], b [4H]. GRU: Wx [3H, D], Wh [3H, H], bx [3H], bh [3H]. Adding: also Wy [H], by [1]. minGRU: Wz, Wh [H, D], bz, bh [H].
   * Convolution: Wf, Wg [3, H, D] (tap 0 is now), b, c [H]. Attention: Wq, Wk, Wv, Wo [H, D]. */
  readonly weights: Arrays;
}

/** Inputs and weights of a workload, always the same ones. */
export function arraysOf({ kind, B, T, D, H }: Workload): WorkloadArrays {
  const random = createRandom(20240229);
  const normal = (length: number, deviation: number): Float32Array => Float32Array.from({ length }, () => random.normal(0, deviation));
  const uniform = (length: number, bound: number): Float32Array => Float32Array.from({ length }, () => random.uniform(-bound, bound));
  const bound = 1 / Math.sqrt(H);
  const x = normal(T * B * D, 1);
  const target = normal(T * B * H, 0.5);
  const packed = (gates: number, biases: readonly string[]): Arrays => ({
    Wx: uniform(gates * H * D, bound),
    Wh: uniform(gates * H * H, bound),
    ...Object.fromEntries(biases.map((name) => [name, uniform(gates * H, bound)])),
  });
  const matrices = (names: readonly string[], length: number): Arrays => Object.fromEntries(names.map((name) => [name, uniform(length, bound)]));
  switch (kind) {
    case "lstm inference":
    case "lstm streaming":
      return { inputs: { x }, weights: packed(4, ["b"]) };
    case "lstm training":
      return { inputs: { x, target }, weights: packed(4, ["b"]) };
    case "gru training":
      return { inputs: { x, target }, weights: packed(3, ["bx", "bh"]) };
    case "adding":
      return { inputs: addingProblem(random, T, B), weights: { ...packed(4, ["b"]), Wy: uniform(H, bound), by: uniform(1, bound) } };
    case "mingru training":
      return { inputs: { x, target }, weights: { ...matrices(["Wz", "Wh"], H * D), ...matrices(["bz", "bh"], H) } };
    case "convolution":
      return { inputs: { x, target }, weights: { ...matrices(["Wf", "Wg"], 3 * H * D), ...matrices(["b", "c"], H) } };
    case "attention":
      return { inputs: { x, target }, weights: matrices(["Wq", "Wk", "Wv", "Wo"], H * D) };
  }
}

/** Two features, a number in [0, 1) and a mark; one mark in each half; the target is the sum of the two marked numbers. Hochreiter & Schmidhuber 1997. */
function addingProblem(random: ReturnType<typeof createRandom>, T: number, B: number): Arrays {
  const x = new Float32Array(T * B * 2);
  const target = new Float32Array(B);
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) x[(t * B + b) * 2] = random.uniform();
    for (const from of [0, Math.floor(T / 2)]) {
      const t = from + random.integer(Math.floor(T / 2));
      x[(t * B + b) * 2 + 1] = 1;
      target[b] += x[(t * B + b) * 2];
    }
  }
  return { x, target };
}
