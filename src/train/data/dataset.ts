/**
 * What training reads: batches as pure functions of a step number, so that a run can be resumed at any step without replaying it.
 *
 * Arrays are time-major and row-major: [steps + lookAhead, batch, features…] (an index input has no feature axis).
 */

export interface Dataset {
  /** For people: "tiny Shakespeare, by character". */
  readonly name: string;
  /** The network inputs that the batches fill. `size` is the number of features of a real input, the vocabulary of an index input. */
  readonly inputs: Readonly<Record<string, { readonly type: "real" | "index"; readonly size: number }>>;
  readonly train: BatchSource;
  readonly valid?: BatchSource;
  readonly test?: BatchSource;
  /** What a model file must keep to use the model on new data: vocabulary, column names, means and deviations. Plain JSON. */
  readonly record: DatasetRecord;
}

export type DatasetRecord =
  | { readonly kind: "text"; readonly unit: "character" | "word"; readonly vocabulary: readonly string[] }
  | {
      readonly kind: "table";
      readonly columns: readonly { readonly name: string; readonly mean: number; readonly deviation: number }[];
      readonly target: string;
    }
  | { readonly kind: "sequences"; readonly inputs: Readonly<Record<string, unknown>> }
  | { readonly kind: "task"; readonly name: string; readonly options: Readonly<Record<string, number>> };

export interface BatchSource {
  readonly batch: number;
  /** Greatest number of steps of any batch. */
  readonly capacity: number;
  /** Number of batches in one pass; absent for endless generators. */
  readonly batchesPerPass?: number;
  /** The batch of a step: a pure function of the step (and of the seed that the source was made with). */
  batchAt(step: number): Batch;
}

export interface Batch {
  readonly steps: number;
  readonly batch: number;
  /** By network input name; with one extra step at the end if the network looks ahead. */
  readonly inputs: Readonly<Record<string, Float32Array | Int32Array>>;
  /** [batch]; absent: all sequences have `steps` steps. 0 for a filler row that counts nowhere. */
  readonly lengths?: Int32Array;
  /** [steps, batch] 1 where the loss counts; absent: at every valid step (one less where the network looks ahead and the data ends). */
  readonly lossMask?: Float32Array;
  /** True: states continue from the batch before (truncated back-propagation through time). */
  readonly carry: boolean;
}
