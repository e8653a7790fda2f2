import { expect, test } from "vitest";
import { SluiceError } from "../../support/diagnostic.ts";
import type { BatchSource } from "./dataset.ts";
import { decodeText, encodeText, splitWords, textDataset, textSource, UNKNOWN, type TextRecord } from "./text.ts";

const failure = (action: () => unknown): SluiceError => {
  try {
    action();
  } catch (error) {
    if (error instanceof SluiceError) return error;
    throw error;
  }
  throw new Error("expected a SluiceError");
};

/** Symbols whose prediction counts, in the order of the text, from all batches of one pass. */
function predicted(source: BatchSource, vocabulary: readonly string[]): string[] {
  const found: string[] = [];
  for (let step = 0; step < source.batchesPerPass!; step++) {
    const { inputs, lossMask, batch } = source.batchAt(step);
    lossMask!.forEach((counts, i) => counts === 1 && found.push(vocabulary[inputs.token[i + batch]]));
  }
  return found;
}

test("validation predicts each of its characters once; training never sees one", () => {
  const text = `${"abcdefghij".repeat(90)}${"jihgfedcba".repeat(10)}`;
  const dataset = textDataset(text, { batch: 3, window: 16 });
  const { vocabulary } = dataset.record as TextRecord;
  expect(vocabulary).toEqual([..."abcdefghij"]);
  expect(dataset.inputs).toEqual({ token: { type: "index", size: 10 } });
  expect(predicted(dataset.valid!, vocabulary).sort()).toEqual([...text.slice(900)].sort());
  expect(dataset.test).toBeUndefined();
  for (let step = 0; step < 3 * dataset.train.batchesPerPass!; step++) {
    const { inputs, batch } = dataset.train.batchAt(step);
    const { token } = inputs;
    for (let i = 0; i + batch < token.length; i++) expect(token[i + batch]).toBe((token[i] + 1) % 10);
  }
  const three = textDataset({ train: "abab".repeat(40), valid: "aabb", test: "b" }, { window: 8, batch: 2 });
  expect(predicted(three.valid!, ["a", "b"]).sort()).toEqual(["a", "a", "b", "b"]);
  expect(predicted(three.test!, ["a", "b"])).toEqual(["b"]);
});

test("symbols unseen in training read as <unk>, which exists only then and is said", () => {
  const dataset = textDataset({ train: "aß😀".repeat(30), valid: "a😀éé" }, { window: 4 });
  const record = dataset.record as TextRecord;
  expect(record.vocabulary).toEqual(["a", "ß", "😀", UNKNOWN]);
  expect(dataset.notes).toEqual([
    "1 characters of the validation part are not in the vocabulary of the training part and read as <unk>, 50 % of it (“é”)",
    "the text is short: 22 streams are read side by side instead of 32",
  ]);
  expect([...encodeText(record, "😀!")]).toEqual([2, 3]);
  const closed = textDataset("aß😀".repeat(30), { window: 4, batch: 2 });
  expect(closed.notes).toBeUndefined();
  const error = failure(() => encodeText(closed.record as TextRecord, "a é"));
  expect([error.code, error.message]).toEqual([
    "E411",
    "the character “ ” did not occur in the training text; leave it out, or train on a text that has it; the model knows 3 characters",
  ]);
});

test("a trained model's record is kept on another text", () => {
  const record = textDataset("abc".repeat(60), { window: 4, batch: 2 }).record as TextRecord;
  const source = textSource(record, "cabba", { batch: 2, window: 2 });
  expect(predicted(source, record.vocabulary).sort()).toEqual([..."abba"].sort());
  expect(textDataset("ab".repeat(60), { record, window: 4, batch: 2 }).record).toEqual(record);
  expect(failure(() => textDataset("abd".repeat(60), { record, window: 4 })).message).toContain("the character “d” did not occur");
  expect(failure(() => textSource(record, "a")).code).toBe("E410");
});

test("words: marks and line ends are symbols, rare ones are <unk>, and a decoded text reads well", () => {
  expect(splitWords("Don't stop: twenty-one\nnaïve <unk> C++ …x_1")).toEqual([..."Don't stop : twenty-one \n naïve <unk> C + + … x_1".split(" ")]);
  const line = "To be, or not to be: that is the question.\n";
  const dataset = textDataset(`${line.repeat(20)}${"once upon"} ${line.repeat(2)}`, { unit: "word", window: 5, batch: 2, valid: 0.05 });
  const record = dataset.record as TextRecord;
  expect(record.vocabulary).not.toContain("upon");
  expect(record.vocabulary).toContain(UNKNOWN);
  expect(decodeText(record, encodeText(record, line + line))).toBe(line + line);
  expect(dataset.notes![0]).toContain("“once”, “upon”");
});

test("a text that is too short says what would do", () => {
  expect(failure(() => textDataset("")).message).toBe("the training part is empty, but a window of 64 needs 65; give a longer text");
  expect(failure(() => textDataset("abcdefghij")).message).toBe(
    "the training part has 9 characters, but a window of 64 needs 65; give a longer text or a window of at most 8",
  );
  expect(failure(() => textDataset("ab".repeat(500), { batch: 50, window: 64 })).message).toBe(
    'the training part has 900 characters, but 50 streams of 64 steps need 3201; use batch 14 or window 17, or sampling "windows"',
  );
  expect(textDataset("ab".repeat(500), { batch: 50, window: 64, sampling: "windows" }).train.batch).toBe(50);
  expect(failure(() => textDataset("abc", { window: 0 })).code).toBe("E407");
  expect(failure(() => textDataset("abc", { valid: 2 })).code).toBe("E407");
});
