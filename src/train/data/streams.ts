/**
 * One long record (a text, a table) as batches: contiguous streams or windows for training, a single complete reading for evaluation.
 *
 * In: tracks (what each network input reads at each position) and the range of positions whose loss counts. Out: batch sources that are pure functions
 * of the step. The loss of position p is that of the time step that reads position p; a track may hold positions past the range as look-ahead.
 */
import { createRandom, derive } from "../../support/random.ts";
import type { Batch, BatchSource } from "./dataset.ts";

/** Values of one network input by position: [positions, size] for real ones, [positions] for indices. */
export type Track =
  | { readonly type: "real"; readonly size: number; readonly values: Float32Array }
  | { readonly type: "index"; readonly size: number; readonly values: Int32Array };

export type Tracks = Readonly<Record<string, Track>>;

/** Half-open range of positions that are read with their loss counted. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface StreamOptions {
  readonly batch: number;
  /** Time steps of a batch. */
  readonly window: number;
  /** Extra positions at the end of each array. */
  readonly lookAhead: number;
  readonly seed: number;
  /** By position: 1 where a document begins. Nothing is predicted across such a border (as far as the look-ahead), and no state goes over it. */
  readonly begins?: Uint8Array;
}

/**
 * Parallel contiguous streams with carried state: the range is cut into `batch` equal parts, read side by side in windows. Each pass begins with fresh
 * states, at its own seeded offset below one window, so that window borders move from pass to pass. The range must hold `batch` × `window` positions.
 */
export function trainingStreams(tracks: Tracks, range: Range, { batch, window, lookAhead, seed, begins }: StreamOptions): BatchSource {
  const available = Math.floor((range.end - range.start) / batch);
  // Room for the offset, unless the text is too short to spare it.
  const shifts = available >= 2 * window ? window : available - window + 1;
  const batchesPerPass = Math.floor((available - shifts + 1) / window);
  return {
    batch,
    capacity: window,
    batchesPerPass,
    batchAt: (step) => {
      const pass = Math.floor(step / batchesPerPass);
      const within = step % batchesPerPass;
      const shift = createRandom(derive(seed, "offset", pass)).integer(shifts);
      const first = range.start + shift + within * window;
      return {
        steps: window,
        batch,
        inputs: readTracks(tracks, window + lookAhead, batch, (row) => first + row * available),
        ...(begins && readBorders(begins, window, { batch, lookAhead }, (row) => first + row * available)),
        carry: within > 0,
      };
    },
  };
}

/**
 * Windows with fresh state at uniformly drawn places of the range; every place is equally likely. The first `burnIn` steps of a window do not count.
 * A pass is nominally as many batches as read each position once.
 */
export function randomWindows(tracks: Tracks, range: Range, { batch, window, lookAhead, seed, begins }: StreamOptions, burnIn = 0): BatchSource {
  const places = range.end - range.start - window + 1;
  const lossMask = burnIn > 0 ? maskAfter(window, batch, burnIn) : undefined;
  return {
    batch,
    capacity: window,
    batchesPerPass: Math.max(1, Math.ceil((range.end - range.start) / (batch * window))),
    batchAt: (step) => {
      const random = createRandom(derive(seed, "windows", step));
      const starts = Array.from({ length: batch }, () => range.start + random.integer(places));
      const inputs = readTracks(tracks, window + lookAhead, batch, (row) => starts[row]);
      const borders = begins && readBorders(begins, window, { batch, lookAhead }, (row) => starts[row], lossMask);
      return { steps: window, batch, inputs, ...(lossMask && { lossMask }), ...borders, carry: false };
    },
  };
}

/**
 * Every window of the range that begins at a multiple of `stride`, with fresh state, in a new seeded order each pass; the last batch of a pass is
 * filled with rows of length 0.
 */
export function stridedWindows(tracks: Tracks, range: Range, options: StreamOptions, stride: number, burnIn = 0): BatchSource {
  const { batch, window, lookAhead, seed, begins } = options;
  const places = Math.floor((range.end - range.start - window) / stride) + 1;
  const batchesPerPass = Math.ceil(places / batch);
  const padded = places % batch !== 0;
  const orderOf = remember((pass: number) =>
    createRandom(derive(seed, "order", pass)).shuffle(Int32Array.from({ length: places }, (_, i) => range.start + i * stride)),
  );
  const lossMask = burnIn > 0 ? maskAfter(window, batch, burnIn) : undefined;
  return {
    batch,
    capacity: window,
    batchesPerPass,
    batchAt: (step) => {
      const order = orderOf(Math.floor(step / batchesPerPass));
      const first = (step % batchesPerPass) * batch;
      const inputs = readTracks(tracks, window + lookAhead, batch, (row) => order[first + row] ?? -1);
      // All batches have lengths if one needs them, so that one compiled program serves.
      const lengths = padded ? Int32Array.from({ length: batch }, (_, row) => (first + row < places ? window : 0)) : undefined;
      const borders = begins && readBorders(begins, window, { batch, lookAhead }, (row) => order[first + row] ?? -window, lossMask);
      return { steps: window, batch, inputs, ...(lengths && { lengths }), ...(lossMask && { lossMask }), ...borders, carry: false };
    },
  };
}

/**
 * Reads the whole range once, so that the mean loss is over exactly its positions. State is carried; each stream first reads up to `warmUp` positions
 * that do not count: those before its part, which for the first stream may reach back to `context` (the first position it may see; `range.start` for
 * none). With several streams the parts are laid so that all read equally long.
 */
export function evaluationStreams(
  tracks: Tracks,
  range: Range,
  options: Omit<StreamOptions, "seed"> & { warmUp: number; context?: number },
): BatchSource {
  const { batch, window, lookAhead, begins } = options;
  const counted = range.end - range.start;
  const first = Math.min(options.warmUp, range.start - (options.context ?? range.start));
  // The others warm up on the range itself, so they can only reach back where a part is long enough.
  const warmUp = Math.min(options.warmUp, Math.floor(counted / batch));
  // Σ over streams of (total - warm-up) must cover the range.
  const total = Math.max(first + 1, Math.ceil((counted + first + (batch - 1) * warmUp) / batch));
  const warm = Int32Array.from({ length: batch }, (_, row) => (row === 0 ? first : warmUp));
  const parts = new Int32Array(batch);
  for (let row = 0, at = range.start; row < batch; row++) {
    parts[row] = at;
    at += total - warm[row];
  }
  const batchesPerPass = Math.ceil(total / window);
  return {
    batch,
    capacity: Math.min(window, total),
    batchesPerPass,
    batchAt: (step) => {
      const within = step % batchesPerPass;
      const offset = within * window;
      const steps = Math.min(window, total - offset);
      const lossMask = new Float32Array(steps * batch);
      for (let t = 0; t < steps; t++) {
        for (let row = 0; row < batch; row++) {
          const position = parts[row] - warm[row] + offset + t;
          if (position >= parts[row] && position < range.end) lossMask[t * batch + row] = 1;
        }
      }
      const inputs = readTracks(tracks, steps + lookAhead, batch, (row) => parts[row] - warm[row] + offset, range.end + lookAhead);
      const borders = begins && readBorders(begins, steps, { batch, lookAhead }, (row) => parts[row] - warm[row] + offset, lossMask);
      return { steps, batch, inputs, lossMask, ...borders, carry: within > 0 };
    },
  };
}

/** Copies `steps` positions from `startOf(row)` for each row; a negative start, or a position from `end` on, gives zeros. */
function readTracks(tracks: Tracks, steps: number, batch: number, startOf: (row: number) => number, end = Number.MAX_SAFE_INTEGER): Batch["inputs"] {
  const inputs: Record<string, Float32Array | Int32Array> = {};
  for (const [name, track] of Object.entries(tracks)) {
    const size = track.type === "real" ? track.size : 1;
    const length = steps * batch * size;
    const values = track.type === "real" ? new Float32Array(length) : new Int32Array(length);
    const last = Math.min(end, track.values.length / size);
    for (let row = 0; row < batch; row++) {
      const start = startOf(row);
      if (start < 0) continue;
      for (let t = 0; t < steps && start + t < last; t++) {
        const from = (start + t) * size;
        const to = (t * batch + row) * size;
        for (let k = 0; k < size; k++) values[to + k] = track.values[from + k];
      }
    }
    inputs[name] = values;
  }
  return inputs;
}

/** Where documents begin in these rows, and which steps count: not those that look ahead into another document. */
function readBorders(
  begins: Uint8Array,
  steps: number,
  { batch, lookAhead }: Pick<StreamOptions, "batch" | "lookAhead">,
  startOf: (row: number) => number,
  counts?: Float32Array,
): { readonly reset: Float32Array; readonly lossMask: Float32Array } {
  const reset = new Float32Array(steps * batch);
  const lossMask = counts ? counts.slice() : new Float32Array(steps * batch).fill(1);
  for (let row = 0; row < batch; row++) {
    const start = startOf(row);
    for (let t = 0; t < steps; t++) {
      if (begins[start + t] === 1) reset[t * batch + row] = 1;
      for (let ahead = 1; ahead <= lookAhead; ahead++) if (begins[start + t + ahead] === 1) lossMask[t * batch + row] = 0;
    }
  }
  return { reset, lossMask };
}

function maskAfter(window: number, batch: number, burnIn: number): Float32Array {
  return new Float32Array(window * batch).fill(1, Math.min(burnIn, window - 1) * batch);
}

/** Keeps the last result: passes are asked for in order, and making an order of a large set again for every batch would be slow. */
export function remember<Value>(make: (key: number) => Value): (key: number) => Value {
  let last: { readonly key: number; readonly value: Value } | undefined;
  return (key) => {
    if (last?.key !== key) last = { key, value: make(key) };
    return last.value;
  };
}
