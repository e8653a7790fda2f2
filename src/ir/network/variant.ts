/**
 * What a network is compiled for: concrete sizes and the run wanted. One tensor graph and one program per variant (cached by model/specialize).
 *
 * Names of the inputs and outputs of a built graph (the contract between phase 2, 3, 5 and the runtime):
 *
 *   inputs    "x"                 [t, b, …] or as declared; tokens are type index
 *             "x@1"               the same input one step ahead (look-ahead 1), filled by the host from the same array; 0 past the end
 *             "valid"             [t, b] 1 inside a sequence, 0 in padding (only if variant.lengths)
 *             "lengths"           [b] index (only if variant.lengths and something needs it)
 *             "reset"             [t, b] 1 at the first step of a document (only if variant.reset)
 *             "loss_weight"       [t, b] weight of each step's loss; the host makes them sum to 1 for a mean
 *             "state:h"           [b, …] carried initial value (only if variant.initial is "carried"); "state:h~2" for lag 2 and so on
 *             "cotangent:h"       like output h (only if variant.gradient.of is "cotangents")
 *             "probe:v"           added to the value of that name, which is not part of a recurrence (only if variant.probes names it)
 *             "clamp:i"           [H] fixed values (only for a clamp of kind "values")
 *             "seed"              index scalar; what `random` reads, changed every step by the host
 *   outputs   "h"                 every name in variant.outputs, [t, b, …]; zero in padding
 *             "h[T]"              its last valid value [b, …] (first, for a backward recurrence)
 *             "loss"              Σ loss[t, b] · loss_weight[t, b], a scalar
 *             "loss_steps"        [t, b] per-step loss, if asked for by variant.outputs
 *             "state:h"           value to carry on (only if variant.initial is "carried")
 *             "gradient:Wxi"      of each weight, its shape (order of network.weights)
 *             "gradient:x"        of each input in variant.gradient.inputs (also "gradient:state:h")
 */
export interface Variant {
  /** Value of every free size. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly batch: number;
  /** "train" draws dropout and zoneout masks, "evaluate" uses their expectation. */
  readonly mode: "train" | "evaluate";
  /** "fresh": states begin as the equations say; "carried": as given in the inputs "state:…". */
  readonly initial: "fresh" | "carried";
  readonly lengths: boolean;
  readonly reset: boolean;
  /** Defined values wanted as outputs (recordings too), "h[T]" for a last value, "loss" for the scalar. */
  readonly outputs: readonly string[];
  readonly gradient?: {
    /** "loss", or "cotangents": every output of `outputs` gets a cotangent input. */
    readonly of: "loss" | "cotangents";
    /** Inputs whose gradients are wanted too. */
    readonly inputs: readonly string[];
    /** What recurrences keep for their gradient (default "usual"); "least": only results of products and sums, the rest is computed again. */
    readonly keep?: "usual" | "least";
    /** True if what follows this run matters: each state carried on gets an input "cotangent:state:NAME" (only if `initial` is "carried"). */
    readonly states?: boolean;
  };
  readonly clamps?: readonly Clamp[];
  /** Values outside recurrences to which an input "probe:NAME" is added: the gradient of that input is the gradient at the value. */
  readonly probes?: readonly string[];
  /**
   * Linear recurrences whose state is a matrix of at least `least` elements run `steps` time steps (a power of 2) at once: other last bits, less time and memory. Absent:
   * USUAL_CHUNKS if states begin fresh or gradients are wanted; what a stream runs goes step by step. False: never.
   */
  readonly chunks?: { readonly steps: number; readonly least: number } | false;
  /**
   * Convolutions over time whose taps are matrices of at least `least` elements take fewer multiplications: other last bits, less time. Absent: USUAL_FILTERS if states
   * begin fresh or gradients are wanted; what a stream runs multiplies tap by tap. False: never.
   */
  readonly filters?: { readonly least: number } | false;
  /** Deviation of Gaussian noise added to every weight at each run in mode "train" (Graves 2011); 0 or absent: none. */
  readonly weightNoise?: number;
}

/** Chunks of 16 steps, from matrices of 32 × 32 on: what was measured to be faster (docs/performance.md). */
export const USUAL_CHUNKS = { steps: 16, least: 32 * 32 } as const;

/** From matrices of 16 × 16 on: what was measured to be faster (docs/performance.md). */
export const USUAL_FILTERS = { least: 16 * 16 } as const;

/** Training on whole sequences of equal length from fresh states: what probes and benches of kernels compile. */
export const WHOLE_TRAINING = { mode: "train", initial: "fresh", lengths: false, reset: false } as const;

/** An intervention on a named value: ≡ constant, given values per component, or frozen at its value of the first step. */
export interface Clamp {
  readonly value: string;
  readonly to: { readonly kind: "constant"; readonly value: number } | { readonly kind: "values" } | { readonly kind: "frozen" };
}
