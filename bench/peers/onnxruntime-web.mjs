/** onnxruntime-web (wasm, one thread): inference of an ONNX LSTM. It trains nothing, so it has no training workloads. */
import * as ort from "onnxruntime-web";
import { lstmModel } from "./onnx-model.mjs";

export const label = "onnxruntime-web";

/** Makes a workload ready; undefined if this peer cannot do it. */
export async function prepare(workload, { inputs, weights }) {
  const streaming = workload.kind === "lstm streaming";
  if (workload.kind !== "lstm inference" && !streaming) return undefined;
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  const { T, B, D, H } = workload;
  const session = await ort.InferenceSession.create(lstmModel(workload, weights, streaming), { executionProviders: ["wasm"], graphOptimizationLevel: "all" });
  const tensor = (values, dims) => new ort.Tensor("float32", values, dims);
  const x = tensor(inputs.x, [T, B, D]);
  if (!streaming) {
    const run = async () => (await session.run({ x })).y.data;
    return { check: async () => ({ h: Float32Array.from(await run()) }), step: run };
  }
  let h0 = tensor(new Float32Array(B * H), [1, B, H]);
  let c0 = tensor(new Float32Array(B * H), [1, B, H]);
  const run = async () => {
    const { h, c } = await session.run({ x: tensor(inputs.x, [T, B, D]), h0, c0 }, ["h", "c"]);
    h0 = h;
    c0 = c;
    return h.data;
  };
  return { check: async () => ({ h: Float32Array.from(await run()) }), step: run };
}
