import { expect, test } from "vitest";
import { MECHANISMS } from "../mechanisms/index.ts";
import { compile, networkOf } from "../model/compiled.ts";
import { compileProgram, lower } from "../compile.ts";
import { costOf } from "./cost.ts";
import { textWidth } from "./draw.ts";
import { drawExplanation } from "./draw-explanation.ts";
import { explain } from "./explain.ts";
import { findingsOf } from "./findings.ts";
import { keptForGradients, keptSentences } from "./kept.ts";

const network = networkOf(compile(MECHANISMS.lstm));
const variant = { sizes: { H: 3, D: 2 }, batch: 2, mode: "evaluate", initial: "fresh", lengths: false, reset: false, outputs: ["h"] } as const;
const lowering = lower(network, variant);

test("an explanation counts parameters and gives every weight its shape, beginning and source", () => {
  const explanation = explain(network, { sizes: { H: 3, D: 2 } });
  expect(explanation.parameterCount).toBe(4 * (3 * 2 + 3 * 3 + 3));
  expect(explanation.weights.find((weight) => weight.name === "Whf")).toMatchObject({ shape: "H×H", numbers: [3, 3], initial: "orthogonal" });
  expect(explanation.weights.find((weight) => weight.name === "bf")).toMatchObject({ initial: "1", source: "the author" });
  expect(explanation.equations.find((equation) => equation.name === "f")?.roles).toEqual(["forget gate"]);
  expect(explanation.gates.map(({ name, role }) => [name, role])).toEqual([
    ["i", "input"],
    ["f", "forget"],
    ["o", "output"],
  ]);
  expect(explanation.recurrences[0].linear).toBe(false);
});

test("findings are read off the graphs: products of inputs leave the recurrence, the others become one", () => {
  const findings = findingsOf(lowering.stages[0].graph, lowering.graph);
  expect([...findings.hoisted].sort()).toEqual(["Wxc", "Wxf", "Wxi", "Wxo"]);
  expect(findings.before.filter((product) => product.recurrence !== undefined).length).toBe(8);
  const inside = findings.after.filter((product) => product.recurrence !== undefined);
  expect(inside.map((product) => [...product.weights].sort())).toEqual([["Whc", "Whf", "Whi", "Who"]]);
  expect(findings.sentences.some((sentence) => sentence.startsWith("hoisted"))).toBe(true);
});

test("a linear recurrence is called one, and nothing stays inside it", () => {
  const mingru = networkOf(compile(MECHANISMS.mingru));
  const { stages, graph } = lower(mingru, { ...variant, sizes: { H: 3, D: 2 } });
  expect(explain(mingru).recurrences.map((recurrence) => recurrence.linear)).toEqual([true]);
  expect(findingsOf(stages[0].graph, graph).after.every((product) => product.recurrence === undefined)).toBe(true);
});

test("the cost is that of the program, and the drawing fits", () => {
  const { program } = compileProgram([{ entry: "forward", graph: lowering.graph }], {
    capacity: 16,
    batch: 2,
    weights: network.weights.map(({ name, shape }) => ({ name, shape: shape.map((size) => (size.terms[0].names[0] === "H" ? 3 : 2)) })),
  });
  const cost = costOf(program);
  expect(cost).toMatchObject({ parameters: 72, batch: 2, capacity: 16 });
  // One multiplication and one addition per weight of the products, for two sequences.
  expect(cost.entries.find((entry) => entry.name === "forward")!.perStepFlops).toBeGreaterThanOrEqual(2 * 2 * 4 * (3 * 2 + 3 * 3));
  for (const width of [40, 60, 100]) {
    const lines = drawExplanation(explain(network, { sizes: { H: 3, D: 2 }, program }), { width });
    expect(lines.filter((line) => textWidth(line) > width)).toEqual([]);
  }
});

test("a recurrence that goes by chunks of time steps is said to", () => {
  const delta = networkOf(compile(MECHANISMS.gated_delta_core));
  const { stages, graph } = lower(delta, { ...variant, sizes: { N: 1, K: 32, V: 32, D: 32 }, outputs: ["o"] });
  const { chunked, sentences } = findingsOf(stages[0].graph, graph);
  expect(chunked).toEqual([{ states: ["S"], steps: 16 }]);
  expect(sentences).toContain("by chunks: S is linear in itself and read by products alone, so 16 time steps are taken at once");
});

test("convolutions that take fewer products are said to", () => {
  const convolution = networkOf(compile(MECHANISMS.gated_conv));
  const { stages, graph } = lower(convolution, { ...variant, sizes: { D: 16, H: 16 }, outputs: ["z"] });
  const { filtered, sentences } = findingsOf(stages[0].graph, graph);
  expect(filtered).toEqual([{ weights: ["Wg", "Wf"], products: 6, instead: 12 }]);
  expect(sentences).toEqual(["filtered: Wg, Wf convolve one value over time; 4 steps take 6 products instead of 12"]);
});

test("what a recurrence keeps for its gradient is named and counted; the least is what products made", () => {
  const keptWith = (keep: "usual" | "least") =>
    keptForGradients(lower(network, { ...variant, mode: "train", gradient: { of: "cotangents", inputs: [], keep } }).stages[1].graph)[0];
  const usual = keptWith("usual");
  const least = keptWith("least");
  expect([...usual.states].sort()).toEqual(["c", "h"]);
  expect(new Set(usual.values.map(({ name }) => name))).toEqual(new Set(["i", "f", "o", "c", "h", "tanh"]));
  expect(usual.perStep).toBe(7 * 3);
  expect(least.perStep).toBeLessThan(usual.perStep);
  expect(keptSentences([usual])[0]).toContain("kept for the gradient of h, c: ");
});
