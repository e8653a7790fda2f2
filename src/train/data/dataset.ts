/**
 * What training reads: batches as pure functions of a step number, so that a run can be resumed at any step without replaying it.
 *
 * Arrays are time-major and row-major: [steps + lookAhead, batch, features…] (an index input has no feature axis). Every array holds at least
 * `steps` steps. What lies beyond is look-ahead: `token[t+1]` of the last step is real data there, also for a row whose sequence ends at
 * `steps` or at its `lengths[b]`. A network that does not look ahead reads the first `steps` steps of the same array.
 */
import type { DatasetRecord } from "../../model/dataset-record.ts";

export type { DatasetRecord };

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
  /** What people should know about the reading, one sentence each: "3 characters of the validation part never occur in training". */
  readonly notes?: readonly string[];
}

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
  /** [batch] which sequence of a finite set each row is, -1 for a filler row; absent where there is no such set. */
  readonly rows?: Int32Array;
  /** [batch]; absent: all sequences have `steps` steps. 0 for a filler row that counts nowhere. */
  readonly lengths?: Int32Array;
  /** [steps, batch] 1 where the loss counts; absent: at every valid step (but the last, if the network looks ahead and no array step is left). */
  readonly lossMask?: Float32Array;
  /** [steps, batch] 1 where a new document begins, so that nothing before is seen from there on; absent: nowhere. In all batches of a source or in none. */
  readonly reset?: Float32Array;
  /** True: states continue from the batch before (truncated back-propagation through time). */
  readonly carry: boolean;
}
