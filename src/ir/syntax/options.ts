/**
 * The options of `where NAME : option argument, …`, read by the parser (which words are options) and by phase 2 (what they do).
 */

export interface OptionEntry {
  readonly argument: "none" | "required" | "optional";
  readonly meaning: string;
}

export const OPTIONS: Readonly<Record<string, OptionEntry>> = {
  kernel: { argument: "required", meaning: "number of taps of a convolution; `3×3` for the two space axes of a map" },
  dilation: { argument: "required", meaning: "steps between two taps of a convolution" },
  depthwise: { argument: "none", meaning: "a convolution that keeps every channel to itself" },
  same: { argument: "none", meaning: "a convolution centred on t, not causal; over space, one that keeps the size of the map" },
  space: { argument: "none", meaning: "a convolution with one tap number over the one space axis of a map, not over time" },
  stride: { argument: "required", meaning: "steps between two results of a convolution over space" },
  padding: { argument: "required", meaning: "zeros on each side of a map that a convolution over space sees" },
  static: { argument: "none", meaning: "an input given once per sequence, not once per time step" },
  shared: { argument: "none", meaning: "an input given once for the whole batch" },
  index: { argument: "none", meaning: "an input of whole numbers" },
  block_diagonal: { argument: "required", meaning: "a matrix of that many blocks on its diagonal" },
};
