/**
 * Polyphonic music as a dataset: which notes sound at the next time step.
 *
 * In: JSON of the form `{lowestNote, dims, splits: {train, valid, test}}`; a split is a list of pieces, a piece a list of steps, a step the list of sounding
 * MIDI note numbers. Out: real input "x" of 0 and 1, delayed by one step (the first step reads zeros), and real target "y", the step itself; "x" holds the
 * last step as look-ahead, so a network may also take `x[t+1]` as its target. The loss counts at every step of a piece, so the mean over a split is the
 * negative log-likelihood per time step, summed over notes and averaged over all steps of all pieces: the metric of the published tables.
 * @source Boulanger-Lewandowski, Bengio & Vincent 2012; Chung et al. 2014, table 2
 */
import { SluiceError } from "../../support/diagnostic.ts";
import { checkOptions, isNamed, type OptionNames } from "../../support/options.ts";
import type { Sequence } from "./batching.ts";
import type { Dataset } from "./dataset.ts";
import { sequenceDataset } from "./sequences.ts";

export interface PianoRollOptions {
  readonly name?: string;
  readonly file?: string;
  /** Default 16. */
  readonly batch?: number;
  readonly seed?: number;
  /** Default true: the first step of a piece counts, predicted from zeros. */
  readonly countFirst?: boolean;
}

const PIANO_OPTIONS: OptionNames<PianoRollOptions> = { name: true, file: true, batch: true, seed: true, countFirst: true };

/** @throws SluiceError E433 (another form, a note out of range), E412 (no pieces), E462 */
export function pianoRollDataset(content: unknown, options: PianoRollOptions = {}): Dataset {
  checkOptions("pianoRollDataset", options, PIANO_OPTIONS);
  const { file = "the piano roll", batch = 16, seed = 1, countFirst = true } = options;
  const wrong = (problem: string) =>
    new SluiceError("E433", `${file}: ${problem}; a piano roll is {"lowestNote": 21, "dims": 88, "splits": {"train": [[[60, 64], …], …]}}`);
  if (!isNamed(content) || !isNamed(content.splits)) throw wrong("it has no splits");
  const { splits, lowestNote = 21, dims = 88, name } = content;
  if (!isCount(lowestNote) || !isCount(dims) || dims === 0) throw wrong("lowestNote and dims have to be whole numbers");
  const read = (split: "train" | "valid" | "test"): Sequence[] => {
    const pieces = splits[split] ?? [];
    if (!Array.isArray(pieces)) throw wrong(`split ${split} is not a list of pieces`);
    return pieces.map((piece, index) => readPiece(piece, { where: `split ${split}, piece ${index + 1}`, lowestNote, dims, countFirst, wrong }));
  };
  const parts = { train: read("train"), valid: read("valid"), test: read("test") };
  if (parts.train.length === 0)
    throw new SluiceError("E412", `${file} has no pieces to train on; its splits are ${Object.keys(splits).join(", ") || "missing"}`);
  return sequenceDataset(
    parts,
    {
      name: options.name ?? (typeof name === "string" ? name : file),
      inputs: { x: { type: "real", size: dims }, y: { type: "real", size: dims } },
      record: { kind: "sequences", inputs: { x: { type: "real", size: dims, lowestNote }, y: { type: "real", size: dims, lowestNote } } },
    },
    { batch, seed, lookAhead: 1 },
  );
}

function readPiece(
  piece: unknown,
  context: { where: string; lowestNote: number; dims: number; countFirst: boolean; wrong: (problem: string) => SluiceError },
): Sequence {
  const { where, lowestNote, dims, countFirst, wrong } = context;
  if (!Array.isArray(piece)) throw wrong(`${where} is not a list of time steps`);
  const steps = piece.length;
  if (steps < (countFirst ? 1 : 2)) throw wrong(`${where} has ${steps} time steps, too few to predict one`);
  const x = new Float32Array((steps + 1) * dims);
  piece.forEach((notes, t) => {
    if (!Array.isArray(notes)) throw wrong(`${where}, step ${t + 1} is not a list of notes`);
    for (const note of notes) {
      const place = note - lowestNote;
      if (!Number.isInteger(place) || place < 0 || place >= dims) {
        throw wrong(`${where}, step ${t + 1}: note ${JSON.stringify(note)} is not a whole number from ${lowestNote} to ${lowestNote + dims - 1}`);
      }
      x[(t + 1) * dims + place] = 1;
    }
  });
  return { steps, inputs: { x, y: x.slice(dims) }, ...(!countFirst && { lossMask: new Float32Array(steps).fill(1, 1) }) };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
