/**
 * A text as a dataset: predict the next character, or the next word, from those before.
 *
 * In: the text (or one text for each part). Out: index input "token" with one step of look-ahead, so that `cross_entropy(logits, token[t+1])` is the loss.
 * Training reads parallel contiguous streams with carried state; validation and test read their part once, every symbol predicted exactly once.
 * The vocabulary comes from the training part alone. A symbol that only other parts hold reads as `<unk>`, the last entry, which exists only if
 * something reads as it; the dataset's notes say so. Never cuts a surrogate pair: a character is a Unicode code point.
 * With a separator the text is several documents: none is predicted from another, and states begin anew with each (`reset`).
 * The default split, 90 % training and 10 % validation in the order of the text, is that of nanoGPT.
 */
import { SluiceError } from "../../support/diagnostic.ts";
import { checkOptions, type OptionNames, requireKind, requireWord } from "../../support/options.ts";
import { quoteCell, requireBetween, requireWhole } from "./checks.ts";
import type { BatchSource, Dataset, DatasetRecord } from "./dataset.ts";
import { evaluationStreams, randomWindows, type Range, type Track, type Tracks, trainingStreams } from "./streams.ts";

export type TextRecord = Extract<DatasetRecord, { kind: "text" }>;

/** Each part one text, or its documents. */
export interface TextParts {
  readonly train: string | readonly string[];
  readonly valid?: string | readonly string[];
  readonly test?: string | readonly string[];
}

export interface TextOptions {
  /** For people; default "text, by character". */
  readonly name?: string;
  /** Default "character". Words: see `splitWords`. */
  readonly unit?: "character" | "word";
  /** Time steps of a batch; default 64. */
  readonly window?: number;
  /** Streams side by side; default 32, or as many as a short text allows. */
  readonly batch?: number;
  /** Shares of one text, at its end; default valid 0.1, test 0. */
  readonly valid?: number;
  readonly test?: number;
  /** Default "streams": contiguous, with carried state. "windows": uniformly drawn places, fresh state. */
  readonly sampling?: "streams" | "windows";
  /** Symbols that occur more rarely in training read as `<unk>`; default 1 for characters, 2 for words. */
  readonly minimumCount?: number;
  readonly seed?: number;
  /** What stands between two documents; it is not read itself. Absent: the text is one document. */
  readonly separator?: string;
  /** That of a model already trained: its unit and vocabulary are kept. */
  readonly record?: TextRecord;
}

export const UNKNOWN = "<unk>";

const TEXT_OPTIONS: OptionNames<TextOptions> = {
  name: true,
  unit: true,
  window: true,
  batch: true,
  valid: true,
  test: true,
  sampling: true,
  minimumCount: true,
  seed: true,
  separator: true,
  record: true,
};

/**
 * @throws SluiceError E410 (empty, or shorter than it must be), E407 (an option out of range, an empty separator), E411 (a symbol that the given record
 * lacks), E462 (an unknown option)
 */
export function textDataset(text: string | TextParts, options: TextOptions = {}): Dataset {
  checkOptions("textDataset", options, TEXT_OPTIONS);
  const { record, window = 64, valid = 0.1, test = 0, sampling = "streams", seed = 1 } = options;
  const unit = record?.unit ?? options.unit ?? "character";
  const { minimumCount = unit === "word" ? 2 : 1 } = options;
  requireKind(
    typeof text === "string" || (text?.train !== undefined && !ArrayBuffer.isView(text)),
    "the text",
    "a text, or { train, valid, test }",
    text,
  );
  requireWord("unit", unit, ["character", "word"]);
  requireWord("sampling", sampling, ["streams", "windows"]);
  requireWhole("window", window, 1);
  requireWhole("minimumCount", minimumCount, 1);
  if (options.batch !== undefined) requireWhole("batch", options.batch, 1);
  const separator = record ? record.separator : options.separator;
  const read = (whole: string | readonly string[]): Documents => readDocuments(whole, unit, separator);
  const { parts, begins } = typeof text === "string" ? cutParts(read(text), valid, test) : mapParts(text, read);

  const vocabulary = record ? [...record.vocabulary] : vocabularyOf(parts.train, minimumCount);
  const notes: string[] = [];
  const indexOf = new Map(vocabulary.map((symbol, index) => [symbol, index]));
  const unknown = describeUnknown(parts, indexOf, unit);
  if (unknown.length > 0) {
    if (record && !indexOf.has(UNKNOWN))
      throw unknownSymbol(record, [...parts.train, ...parts.valid, ...parts.test].find((symbol) => !indexOf.has(symbol))!);
    if (!indexOf.has(UNKNOWN)) indexOf.set(UNKNOWN, vocabulary.push(UNKNOWN) - 1);
    notes.push(...unknown);
  }

  const { tokens, ranges } = joinParts(parts, indexOf);
  const tracks: Tracks = { token: { type: "index", size: vocabulary.length, values: tokens } };
  const batch = fitBatch(ranges.train, window, options.batch, sampling, unit, notes);
  const layout = { batch, window, lookAhead: 1, seed, begins };
  const evaluation = (range: Range | undefined): BatchSource | undefined => range && evaluationStreams(tracks, range, { ...layout, warmUp: window });
  const validSource = evaluation(ranges.valid);
  const testSource = evaluation(ranges.test);
  return {
    name: options.name ?? `text, by ${unit}`,
    inputs: { token: { type: "index", size: vocabulary.length } },
    train: sampling === "streams" ? trainingStreams(tracks, ranges.train, layout) : randomWindows(tracks, ranges.train, layout),
    ...(validSource && { valid: validSource }),
    ...(testSource && { test: testSource }),
    record: { kind: "text", unit, vocabulary, ...(separator !== undefined && { separator }) },
    ...(notes.length > 0 && { notes }),
  };
}

/**
 * Indices of a text's symbols, as the record's model reads them.
 * @throws SluiceError E411 for a symbol that the vocabulary lacks, unless it has `<unk>`
 */
export function encodeText(record: TextRecord, text: string): Int32Array {
  requireKind(record?.kind === "text", "the first argument of encodeText", "the record of a text", record);
  requireKind(typeof text === "string", "what is encoded", "a text", text);
  return encodeSymbols(record, record.unit === "word" ? splitWords(text) : splitCharacters(text));
}

function encodeSymbols(record: TextRecord, symbols: readonly string[]): Int32Array {
  const indexOf = new Map(record.vocabulary.map((symbol, index) => [symbol, index]));
  const unknown = indexOf.get(UNKNOWN);
  return Int32Array.from(symbols, (symbol) => {
    const index = indexOf.get(symbol) ?? unknown;
    if (index !== undefined) return index;
    throw unknownSymbol(record, symbol);
  });
}

/** A text as a model with this record reads it: its symbols, and 1 where a document begins if it has several. @throws SluiceError E411 */
export function textTracks(record: TextRecord, text: string): { readonly tracks: Tracks & { readonly token: Track }; readonly begins?: Uint8Array } {
  const { symbols, begins } = readDocuments(text, record.unit, record.separator);
  return { tracks: { token: { type: "index", size: record.vocabulary.length, values: encodeSymbols(record, symbols) } }, begins };
}

/** Symbols of one document after another. */
interface Documents {
  readonly symbols: readonly string[];
  /** [symbols] 1 where a document begins; absent for a text that is one. */
  readonly begins?: Uint8Array;
}

function readDocuments(text: string | readonly string[], unit: TextRecord["unit"], separator: string | undefined): Documents {
  if (separator === "") throw new SluiceError("E407", "the separator of documents is empty; give the characters that stand between two of them");
  const split = unit === "word" ? splitWords : splitCharacters;
  const texts = typeof text === "string" ? [text] : text;
  if (separator === undefined && typeof text === "string") return { symbols: split(text) };
  const documents = (separator === undefined ? texts : texts.flatMap((each) => each.split(separator))).map(split).filter(({ length }) => length > 0);
  const begins = new Uint8Array(documents.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const { length } of documents) {
    begins[at] = 1;
    at += length;
  }
  return { symbols: documents.flat(), begins };
}

/** A whole text read once by a model with this record: every symbol but the first is predicted exactly once. @throws SluiceError E410, E411, E407 */
export function textSource(
  record: TextRecord,
  text: string,
  { batch = 32, window = 64 }: { readonly batch?: number; readonly window?: number } = {},
): BatchSource {
  requireWhole("batch", batch, 1);
  requireWhole("window", window, 1);
  const { tracks, begins } = textTracks(record, text);
  const { values } = tracks.token;
  if (values.length < 2) {
    throw new SluiceError("E410", `the text has ${values.length} ${record.unit}s; at least 2 are needed to predict one; give a longer text`);
  }
  return evaluationStreams(tracks, { start: 0, end: values.length - 1 }, { batch, window, lookAhead: 1, warmUp: window, begins });
}

function unknownSymbol(record: TextRecord, symbol: string): SluiceError {
  const cure = `leave it out, or train on a text that has it; the model knows ${record.vocabulary.length} ${record.unit}s`;
  return new SluiceError("E411", `the ${record.unit} ${quoteCell(symbol)} did not occur in the training text; ${cure}`);
}

/** The text of indices: characters side by side; words with spaces but before closing marks and around line ends. */
export function decodeText(record: TextRecord, indices: Iterable<number>): string {
  let text = "";
  for (const index of indices) {
    const symbol = record.vocabulary[index] ?? UNKNOWN;
    const joined = record.unit === "character" || text === "" || symbol === "\n" || text.endsWith("\n") || /^[.,;:!?)\]}’'”%]$/u.test(symbol);
    text += joined ? symbol : ` ${symbol}`;
  }
  return text;
}

/** Code points. */
export function splitCharacters(text: string): string[] {
  return Array.from(text);
}

/** Words (letters, digits and inner apostrophes or hyphens), single other marks, line ends, and `<unk>` where a corpus holds it; blanks are dropped. */
export function splitWords(text: string): string[] {
  return text.match(/<unk>|\n|[\p{L}\p{M}\p{N}_]+(?:['’-][\p{L}\p{M}\p{N}_]+)*|[^\s\p{L}\p{M}\p{N}_]/gu) ?? [];
}

interface SymbolParts {
  readonly train: readonly string[];
  readonly valid: readonly string[];
  readonly test: readonly string[];
}

interface ReadParts {
  readonly parts: SymbolParts;
  /** Over all parts, one after the other. */
  readonly begins?: Uint8Array;
}

function cutParts({ symbols, begins }: Documents, valid: number, test: number): ReadParts {
  requireBetween("valid", valid, 0, 0.9);
  requireBetween("test", test, 0, 0.9);
  requireBetween("valid + test", valid + test, 0, 0.95);
  const trainEnd = Math.floor(symbols.length * (1 - valid - test) + 1e-9);
  const validEnd = test === 0 ? symbols.length : Math.floor(symbols.length * (1 - test) + 1e-9);
  return { parts: { train: symbols.slice(0, trainEnd), valid: symbols.slice(trainEnd, validEnd), test: symbols.slice(validEnd) }, begins };
}

function mapParts(text: TextParts, read: (text: string | readonly string[]) => Documents): ReadParts {
  const [train, valid, test] = [text.train, text.valid ?? "", text.test ?? ""].map(read);
  const parts = { train: train.symbols, valid: valid.symbols, test: test.symbols };
  if (![train, valid, test].some(({ begins }) => begins)) return { parts };
  // What is one text is one document here.
  const begins = [train, valid, test].flatMap((part) => [...(part.begins ?? part.symbols.map((_, i) => (i === 0 ? 1 : 0)))]);
  return { parts, begins: Uint8Array.from(begins) };
}

/** Symbols in the order of their code units, so that the indices do not depend on where they first occur. */
function vocabularyOf(symbols: readonly string[], minimumCount: number): string[] {
  const counts = new Map<string, number>();
  for (const symbol of symbols) counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
  return [...counts.keys()].filter((symbol) => counts.get(symbol)! >= minimumCount && symbol !== UNKNOWN).sort();
}

function describeUnknown(parts: SymbolParts, known: ReadonlyMap<string, number>, unit: string): string[] {
  const notes: string[] = [];
  for (const [key, name] of [
    ["train", "training"],
    ["valid", "validation"],
    ["test", "test"],
  ] as const) {
    const missing = new Map<string, number>();
    let count = 0;
    for (const symbol of parts[key]) {
      if (known.has(symbol)) continue;
      missing.set(symbol, (missing.get(symbol) ?? 0) + 1);
      count++;
    }
    if (count === 0) continue;
    const sorted = [...missing.keys()].sort((a, b) => missing.get(b)! - missing.get(a)! || (a < b ? -1 : 1));
    const examples = sorted.slice(0, 3).map(quoteCell).join(", ");
    const why = key === "train" ? "are too rare" : "are not in the vocabulary of the training part";
    const share = ((100 * count) / parts[key].length).toPrecision(2);
    notes.push(
      `${missing.size} ${unit}s of the ${name} part ${why} and read as ${UNKNOWN}, ${share} % of it (${examples}${missing.size > 3 ? ", …" : ""})`,
    );
  }
  return notes;
}

/**
 * One array of all tokens, and the positions of each part: a position belongs to the part of the symbol that it predicts, the next one. The first symbol
 * of a part is predicted from the symbol before it, the last of the part before.
 */
function joinParts(parts: SymbolParts, indexOf: ReadonlyMap<string, number>) {
  const { train, valid, test } = parts;
  const tokens = new Int32Array(train.length + valid.length + test.length);
  let at = 0;
  for (const symbols of [train, valid, test]) for (const symbol of symbols) tokens[at++] = indexOf.get(symbol) ?? indexOf.get(UNKNOWN)!;
  const validEnd = train.length + valid.length - 1;
  return {
    tokens,
    ranges: {
      train: { start: 0, end: Math.max(0, train.length - 1) },
      valid: valid.length > 0 && train.length > 0 ? { start: train.length - 1, end: validEnd } : undefined,
      test: test.length > 0 && train.length > 0 ? { start: validEnd, end: tokens.length - 1 } : undefined,
    },
  };
}

/** The batch that the training part can feed; fewer streams than the default for a short text, with a note. */
function fitBatch(range: Range, window: number, wanted: number | undefined, sampling: string, unit: string, notes: string[]): number {
  const positions = range.end - range.start;
  const has = positions === 0 ? "is empty" : `has ${positions + 1} ${unit}s`;
  if (positions < window) {
    const cure = positions > 1 ? `give a longer text or a window of at most ${positions}` : "give a longer text";
    throw new SluiceError("E410", `the training part ${has}, but a window of ${window} needs ${window + 1}; ${cure}`);
  }
  const batch = wanted ?? 32;
  if (sampling === "windows" || batch * window <= positions) return batch;
  const possible = Math.floor(positions / window);
  if (wanted === undefined) {
    notes.push(`the text is short: ${possible} streams are read side by side instead of ${batch}`);
    return possible;
  }
  const shorter = Math.floor(positions / batch);
  const cure = `use batch ${possible}${shorter > 0 ? ` or window ${shorter}` : ""}, or sampling "windows"`;
  throw new SluiceError("E410", `the training part ${has}, but ${batch} streams of ${window} steps need ${batch * window + 1}; ${cure}`);
}
