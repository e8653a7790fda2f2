/**
 * The attention matrix that a network computes, whatever it is written as: how much of the value written at step s is read at step t.
 *
 *     A[t, s] = ∂ output_t / ∂ value_s      averaged over the components
 *
 * For softmax attention with output o = Σ_s a[n,s]·v_s this is `a` itself; for a recurrence that is linear in its state it is the matrix that the recurrence is
 * equal to (Ali et al. 2024, "The hidden attention of Mamba models"); for any other network it is what passes to first order. Exact: one backward run
 * per time step. The value must not be part of a recurrence itself (what is written into the state, `v`, not the state).
 */
import type { Variant } from "../ir/network/variant.ts";
import { openExecutable } from "../model/compile-once.ts";
import { createFeed } from "../model/feed.ts";
import type { Model } from "../model/model.ts";
import { parameterLayout } from "../model/parameters.ts";
import { floatBuffer, stepLength } from "../runtime/executable.ts";
import { SluiceError } from "../support/diagnostic.ts";
import { checkOptions, type OptionNames } from "../support/options.ts";

export interface EquivalentAttention {
  readonly steps: number;
  /** Heads of the value: its components are averaged within each; 1 if it has no index. */
  readonly heads: number;
  /** [heads, steps, steps], row t, column s. */
  readonly matrix: Float32Array;
}

export interface AttentionRequest {
  /** Name of what is read: the output, or a value before it is projected ("o"). */
  readonly output: string;
  /** Name of what is written: "v". */
  readonly value: string;
  /** One sequence: [steps, …] for each input. */
  readonly inputs: Readonly<Record<string, Float32Array | Int32Array>>;
  readonly steps: number;
}

const REQUEST: OptionNames<AttentionRequest> = { output: true, value: true, inputs: true, steps: true };

/** @throws SluiceError E462 for an unknown option; E476 if there is no such value, or it is part of a recurrence */
export function equivalentAttention(model: Model, request: AttentionRequest): EquivalentAttention {
  checkOptions("equivalentAttention", request ?? null, REQUEST);
  const { output, value, inputs, steps } = request;
  const { network, sizes } = model;
  const declared = network.values.find((each) => each.name === value);
  const offered = network.values.filter((each) => each.recurrence === undefined).map((each) => each.name);
  if (declared === undefined || declared.recurrence !== undefined) {
    const why = declared === undefined ? "there is no such value" : "it is part of a recurrence";
    throw new SluiceError("E476", `the attention from ${value} cannot be asked for: ${why}; values that can: ${offered.join(", ") || "none"}`);
  }
  if (!network.values.some((each) => each.name === output)) {
    throw new SluiceError("E476", `there is no value ${output}; values: ${network.values.map((each) => each.name).join(", ")}`);
  }
  const variant: Variant = {
    sizes,
    batch: 1,
    mode: "evaluate",
    initial: "fresh",
    lengths: false,
    reset: false,
    outputs: [output],
    probes: [value],
    gradient: { of: "cotangents", inputs: [`probe:${value}`] },
  };
  const { slots } = parameterLayout(network, sizes);
  const executable = openExecutable(
    network,
    [{ entry: "attention", variant }],
    slots,
    { capacity: steps, batch: 1 },
    { device: model.device, fused: false },
  );
  floatBuffer(executable, "parameters").set(model.parameters);
  createFeed(executable, network).load({ steps, batch: 1, inputs });
  const cotangent = floatBuffer(executable, `cotangent:${output}`);
  const back = executable.buffers.get(`gradient:probe:${value}`);
  if (!(back instanceof Float32Array)) throw new SluiceError("E476", `${output} does not depend on ${value}; choose another pair`);
  const outputRow = stepLength(executable.shapes.get(`cotangent:${output}`)!);
  const shape = executable.shapes.get(`gradient:probe:${value}`)!;
  const valueRow = stepLength(shape);
  const heads = shape.shape.length > 3 ? (shape.shape[2] as number) : 1;
  const width = valueRow / heads;
  const matrix = new Float32Array(heads * steps * steps);
  executable.run("prepare", 0);
  for (let t = 0; t < steps; t++) {
    cotangent.fill(0).fill(1, t * outputRow, (t + 1) * outputRow);
    executable.run("attention", steps);
    for (let s = 0; s < steps; s++) {
      for (let n = 0; n < heads; n++) {
        let sum = 0;
        for (let k = 0; k < width; k++) sum += back[s * valueRow + n * width + k];
        matrix[(n * steps + t) * steps + s] = sum / width;
      }
    }
  }
  return { steps, heads, matrix };
}
