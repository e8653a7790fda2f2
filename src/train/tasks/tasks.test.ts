import { expect, test } from "vitest";
import { SluiceError } from "../../support/diagnostic.ts";
import { createRandom } from "../../support/random.ts";
import type { Batch, BatchSource } from "../data/dataset.ts";
import { findTask, TASKS } from "./list.ts";
import { CONTINUAL_CHANCE, drawString, LONGEST_STRING } from "./reber.ts";
import { isSolved, scoreBatch } from "./score.ts";
import type { Task, TaskOptions } from "./task.ts";

/** Small sizes, so that every task is quick, and the variants of each. */
const VARIANTS: readonly (readonly [string, TaskOptions])[] = [
  ["flag-recall", {}],
  ["flag-recall", { length: 9, spread: 6, digits: 4, index: 1 }],
  ["adding", { length: 30 }],
  ["adding", { length: 30, historic: 1 }],
  ["copy-memory", { delay: 12 }],
  ["copy-memory", { delay: 5, count: 3, everywhere: 0, index: 1 }],
  ["temporal-order", {}],
  ["temporal-order", { symbols: 3, index: 1 }],
  ["parity", {}],
  ["parity", { everyStep: 1, index: 1 }],
  ["reber", {}],
  ["reber", { index: 1 }],
  ["continual-reber", { window: 7, streamLength: 70 }],
  ["continual-reber", { window: 7, streamLength: 70, index: 1 }],
  ["selective-copying", { places: 20 }],
  ["selective-copying", { places: 5, count: 9, index: 1 }],
];

function textsOf(
  task: Task,
  batch: Batch,
  options: TaskOptions,
): { symbols: readonly string[]; wanted: readonly { step: number; text: string }[] }[] {
  return Array.from({ length: batch.batch }, (_, row) => task.render(batch, row, options));
}

/** What the rules of the task say about a sequence, written down again from its symbols. */
const RULES: Readonly<Record<string, (symbols: readonly string[], options: TaskOptions) => readonly { step: number; text: string }[]>> = {
  "flag-recall": (symbols) => {
    expect(symbols.filter((symbol) => symbol === "!").length).toBe(1);
    expect(symbols.indexOf("?")).toBe(symbols.length - 1);
    return [{ step: symbols.length - 1, text: symbols[symbols.indexOf("!") + 1] }];
  },
  adding: (symbols, { historic, length }) => {
    const pairs = symbols.map((pair) => pair.split(" ").map(Number));
    const marked = pairs.flatMap(([value, mark], t) => (mark === 1 ? [{ value, t }] : []));
    expect(marked.length).toBe(2);
    if (historic !== 1) expect([marked[0].t < symbols.length / 2, marked[1].t >= Math.floor(symbols.length / 2)]).toEqual([true, true]);
    else {
      expect(marked.some(({ t }) => t < 10) && marked.every(({ t }) => t < length / 2 - 1)).toBe(true);
      expect(pairs[pairs.length - 1][1]).toBe(-1);
      for (const { value, t } of marked) if (t === 0) expect(value).toBe(0);
    }
    const sum = marked.reduce((total, { value }) => total + value, 0);
    return [{ step: symbols.length - 1, text: String(historic === 1 ? 0.5 + sum / 4 : sum) }];
  },
  "copy-memory": (symbols, { everywhere, count = 10 }) => {
    const keep = symbols.slice(0, count);
    expect(symbols.indexOf("|")).toBe(symbols.length - count - 1);
    const wanted = symbols.map((_, step) => ({ step, text: step < symbols.length - count ? "·" : keep[step - symbols.length + count] }));
    return everywhere === 0 ? wanted.slice(-count) : wanted;
  },
  "selective-copying": (symbols) => {
    const markers = symbols.filter((symbol) => symbol === "?").length;
    const kept = symbols.filter((symbol) => /[A-Z]/.test(symbol));
    expect(kept.length).toBe(markers);
    return kept.map((text, i) => ({ step: symbols.length - markers + i, text }));
  },
  "temporal-order": (symbols) => {
    expect([symbols[0], symbols.indexOf("B")]).toEqual(["E", symbols.length - 1]);
    return [{ step: symbols.length - 1, text: symbols.filter((symbol) => symbol === "X" || symbol === "Y").join("") }];
  },
  parity: (symbols, { everyStep }) => {
    const wanted = symbols.map((_, step) => ({
      step,
      text: symbols.slice(0, step + 1).filter((symbol) => symbol === "1").length % 2 ? "odd" : "even",
    }));
    return everyStep === 1 ? wanted : wanted.slice(-1);
  },
};

test.each(VARIANTS)("%s %j: batches are pure, masks and lengths right, targets follow from the symbols", (name, options) => {
  const task = findTask(name);
  const dataset = task.dataset({ options, batch: 5, seed: 11, validExamples: 12, testExamples: 12 });
  for (const source of [dataset.train, dataset.valid!, dataset.test!] satisfies BatchSource[]) {
    const steps = Array.from({ length: 12 }, (_, step) => step);
    const forward = steps.map((step) => source.batchAt(step));
    for (const step of [...steps].reverse()) expect(source.batchAt(step)).toEqual(forward[step]);
    for (const batch of forward) {
      expect(batch.steps).toBeLessThanOrEqual(source.capacity);
      for (const [input, { type, size }] of Object.entries(dataset.inputs)) {
        const values = batch.inputs[input];
        const width = type === "real" ? size : 1;
        expect(values.length % (batch.batch * width)).toBe(0);
        expect(values.length / (batch.batch * width)).toBeGreaterThanOrEqual(batch.steps);
        if (type === "index") expect(values.every((value) => value >= 0 && value < size)).toBe(true);
        else expect(values.every((value) => Number.isFinite(value))).toBe(true);
      }
      expect(Object.keys(batch.inputs).sort()).toEqual(Object.keys(dataset.inputs).sort());
      if (batch.lengths) {
        expect(Math.max(...batch.lengths)).toBe(batch.steps);
        for (let i = 0; i < batch.lossMask!.length; i++) {
          if (Math.floor(i / batch.batch) >= batch.lengths[i % batch.batch]) expect(batch.lossMask![i]).toBe(0);
        }
      }
      for (const { symbols, wanted } of textsOf(task, batch, options)) {
        const rule = RULES[name]?.(symbols, options);
        if (!rule) continue;
        expect(wanted.map(({ step }) => step)).toEqual(rule.map(({ step }) => step));
        if (name === "adding") expect(Number(wanted[0].text)).toBeCloseTo(Number(rule[0].text), 1);
        else expect(wanted).toEqual(rule);
      }
    }
  }
  const other = task.dataset({ options, batch: 5, seed: 12 });
  expect(other.train.batchAt(0)).not.toEqual(dataset.train.batchAt(0));
  expect(dataset.valid!.batchAt(0)).not.toEqual(dataset.train.batchAt(0));
  expect(JSON.parse(JSON.stringify(dataset.record))).toEqual(dataset.record);
  // A right answer scores 1 (no error), a wrong one does not.
  const batch = dataset.valid!.batchAt(0);
  const { type, size } = dataset.inputs.y;
  const score = task.score(options);
  const perfect = new Float32Array(batch.steps * batch.batch * size);
  for (let i = 0; i < batch.steps * batch.batch; i++) {
    if (type === "index") perfect[i * size + batch.inputs.y[i]] = 1;
    else for (let k = 0; k < size; k++) perfect[i * size + k] = batch.inputs.y[i * size + k];
  }
  const right = scoreBatch(score, batch, perfect, size);
  expect(isSolved(score, right.total / right.count)).toBe(true);
  const wrong = scoreBatch(
    score,
    batch,
    perfect.map((value) => 1 - 3 * value),
    size,
  );
  expect(isSolved(score, wrong.total / wrong.count)).toBe(false);
  const broken = scoreBatch(score, batch, perfect.fill(Number.NaN), size);
  expect(isSolved(score, broken.total / broken.count)).toBe(false);
});

test("every task describes itself, with its chance level and success", () => {
  expect(
    TASKS.map(
      (task) =>
        `${task.name}: ${task.describe()}\n  ${task.score().meaning}: chance ${task.score().chance.toPrecision(3)}, solved ${task.score().success.toPrecision(3)}`,
    ).join("\n"),
  ).toMatchSnapshot();
  const [{ symbols, wanted }] = textsOf(findTask("flag-recall"), findTask("flag-recall").dataset({ batch: 1, seed: 3 }).train.batchAt(0), {});
  expect([symbols.join(" "), wanted]).toMatchInlineSnapshot(`
    [
      "8 4 3 1 9 8 ! 2 2 2 9 7 ?",
      [
        {
          "step": 12,
          "text": "2",
        },
      ],
    ]
  `);
});

test("batches of another size begin with the same examples", () => {
  const small = findTask("adding").dataset({ batch: 2 }).train.batchAt(3);
  const large = findTask("adding").dataset({ batch: 6 }).train.batchAt(3);
  for (let t = 0; t < small.steps; t++) for (let k = 0; k < 4; k++) expect(large.inputs.x[t * 12 + k]).toBe(small.inputs.x[t * 4 + k]);
});

test("parity is tested on longer sequences, streams of the continual grammar are contiguous and legal", () => {
  const dataset = findTask("parity").dataset({ batch: 64 });
  const lengths = Array.from({ length: 4 }, (_, step) => [...dataset.test!.batchAt(step).lengths!]).flat();
  expect(Math.min(...lengths)).toBeGreaterThanOrEqual(40);
  expect(Math.max(...lengths)).toBeGreaterThan(200);
  const continual = findTask("continual-reber").dataset({ options: { window: 10, streamLength: 1000, index: 1 }, batch: 2 }).train;
  let constant = 0;
  for (let step = 0; step < 300; step++) {
    const { inputs, carry, steps } = continual.batchAt(step);
    expect(carry).toBe(step % 100 !== 0);
    if (carry) expect(inputs.token.slice(0, 2)).toEqual(continual.batchAt(step - 1).inputs.token.slice(20));
    else expect([...inputs.token.slice(0, 2)]).toEqual([0, 0]);
    for (let i = 0; i < steps * 2; i++) {
      expect(inputs.y[i * 7 + inputs.token[i + 2]]).toBe(1);
      const legal = Array.from(inputs.y.subarray(i * 7, i * 7 + 7));
      if (legal[0] === 1 && legal.reduce((sum, value) => sum + value, 0) === 1) constant++;
    }
  }
  expect(constant / (300 * 20)).toBeCloseTo(CONTINUAL_CHANCE, 2);
});

test("Reber strings: the branch returns at the end, every step is legal, lengths as published", () => {
  const random = createRandom(8);
  let total = 0;
  for (let i = 0; i < 5000; i++) {
    const { symbols, next } = drawString(random);
    total += symbols.length;
    expect(symbols.length <= LONGEST_STRING && symbols.length >= 9).toBe(true);
    expect(symbols[symbols.length - 2]).toBe(symbols[1]);
    expect(symbols[symbols.length - 1]).toBe(6);
    for (let t = 0; t + 1 < symbols.length; t++) expect((next[t] >> symbols[t + 1]) & 1).toBe(1);
    expect(next[symbols.length - 3]).toBe(1 << symbols[1]);
  }
  // Mean length of an inner string by the expected visits of the automaton is 8, of an embedded string 12.
  expect(total / 5000).toBeCloseTo(12, 0);
});

test("unknown tasks and options are named, with what there is", () => {
  const message = (action: () => unknown) => {
    try {
      action();
    } catch (error) {
      if (error instanceof SluiceError) return `${error.code} ${error.message}`;
    }
    throw new Error("expected a SluiceError");
  };
  expect(message(() => findTask("flag-recal"))).toContain(
    "E441 there is no task flag-recal; did you mean flag-recall? the tasks are flag-recall, adding",
  );
  expect(message(() => findTask("adding").dataset({ options: { lenght: 3 } }))).toBe(
    "E440 task adding has no option lenght; did you mean length? it has length, historic",
  );
  expect(message(() => findTask("adding").dataset({ options: { length: 3 } }))).toBe(
    "E407 option length of task adding is 3; it must lie between 20 and 100000",
  );
  expect(message(() => findTask("parity").dataset({ options: { shortest: 50 } }))).toContain("make shortest at most 40");
  expect(message(() => findTask("parity").dataset({ options: { shortest: 4.5 } }))).toContain("whole number");
});
