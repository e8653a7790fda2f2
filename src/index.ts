/**
 * Sluice's public face: nothing but re-exports.
 *
 *     const lstm = compile(text);
 *     const model = await train(lstm, dataset, { H: 12, steps: 600, seed: 2024 });
 *     const { i, f } = model.gates(input);
 */
export { type AttentionRequest, type EquivalentAttention, equivalentAttention } from "./inspect/equivalent-attention.ts";
export { type Ablation, ablate } from "./inspect/ablate.ts";
export { checkModelGradient } from "./inspect/check-model.ts";
export { drawExplanation } from "./inspect/draw-explanation.ts";
export { type Explanation, explain } from "./inspect/explain.ts";
export { type GateStatistics, gateStatistics } from "./inspect/gates.ts";
export { record } from "./inspect/record.ts";
export type { Network } from "./ir/network/node.ts";
export { MECHANISMS, type MechanismName } from "./mechanisms/index.ts";
export type { ArrayInput, NamedArray } from "./model/arrays.ts";
export { type Compiled, type CompileTextOptions, compile, fromLatex, type ReadLatex } from "./model/compiled.ts";
export {
  createModel,
  type LoadOptions,
  loadModel,
  loadModelFile,
  type Model,
  type ModelOptions,
  type RunInputs,
  type RunOptions,
  type RunResult,
  type TrainingSummary,
} from "./model/model.ts";
export type { Stream, StreamOptions, StreamState } from "./model/stream.ts";
export { wasmFeatures } from "./runtime/wasm/probe.ts";
export { threadsRefused } from "./runtime/wasm/threads.ts";
export { checkWideVectors, useWideVectors, type WideVectors } from "./runtime/wasm/wide.ts";
export { type Diagnostic, SluiceError } from "./support/diagnostic.ts";
export type { Source } from "./support/source.ts";
export { readTable, type Table } from "./train/data/csv.ts";
export type { Batch, BatchSource, Dataset, DatasetRecord } from "./train/data/dataset.ts";
export { jsonLinesDataset, readSequences } from "./train/data/jsonl.ts";
export { pianoRollDataset } from "./train/data/pianoroll.ts";
export { type Forecast, restoreTarget, type TableOptions, tableForecast, tableInputs } from "./train/data/table.ts";
export { decodeText, encodeText, type TextOptions, textDataset } from "./train/data/text.ts";
export { type Evaluation, evaluate } from "./train/evaluate.ts";
export type { StepEvent, TrainEvent } from "./train/events.ts";
export { trainInWorker, type WorkerTrainOptions } from "./train/in-worker.ts";
export { trainEvents } from "./train/iterate.ts";
export type { LearningRate } from "./train/learning-rate.ts";
export { type NonFiniteError, type TrainedModel, type TrainResult, train } from "./train/loop.ts";
export { accuracy, type Metric } from "./train/metric.ts";
export type { OptimizerOptions } from "./train/optimizer.ts";
export type { TrainOptions } from "./train/options.ts";
export { findTask, TASKS } from "./train/tasks/list.ts";
export type { DatasetDescription } from "./train/worker-messages.ts";
