/** Edits point where the author meant to go: each cures what it is offered for. */
import { expect, test } from "vitest";
import { parse } from "../1-parse/parse.ts";
import { infer } from "./infer.ts";

const RNN = "rnn(x) → h\n  h = tanh(W·x + U·h[t-1])";

function check(text: string) {
  const source = { name: "test.gate", text };
  return infer(parse(source).file, source, { library: {}, libraryNames: ["mingru", "lstm"] });
}

test.each([
  ["E103", "c(x) → h\n  h = tanh(W·x + Uh[t-1])", "U·h[t-1]"],
  ["W102", "c(x) → h\n  h = σ(Wx + U·h[t-1])", "W·x"],
  ["E212", "c(x) → h\n  h = σ(Wx)", "W·x"],
  ["E105", "c(x) → h\n  h = tanh(W·x + U·h(t-1))", "h[t-1]"],
  ["E104", "c(x) → h\n  h = sigm(W·x)", "sigmoid"],
  ["E104", "c(x) → h\n  h = logistic(W·x)", "σ"],
  ["E104", "c(x) → h\n  h = ln(W·x)", "log"],
  ["E104", "c(x) → h\n  h = maximum(W·x, x)", "max"],
  ["E104", "c(x) → h\n  h = matmul(W, x + x[t-1])", "W·(x + x[t-1])"],
  ["E203", "c(x) → y\n  k = Wk·x\n  v = Wv·x\n  α = σ(wα·x + bα)\n  S = α*S[t-1] + v⊗k\n  y = S·k", "\n  where wα ∈ ℝ^D"],
])("%s in %j offers %j", (code, text, expected) => {
  const { diagnostics } = check(text);
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  expect(errors.length).toBeLessThanOrEqual(1);
  const { edit } = diagnostics.find((diagnostic) => diagnostic.code === code)!;
  expect(edit!.text).toBe(expected);
  const cured = text.slice(0, edit!.span.start) + edit!.text + text.slice(edit!.span.end);
  expect(check(cured).diagnostics).toEqual([]);
});

test("an unknown block is looked for among all of the library, first without underscores", () => {
  const [{ code, edit }] = check("c(x) → h\n  h = min_gru(x)").diagnostics;
  expect([code, edit?.text]).toEqual(["E104", "mingru"]);
  const passed = check("twice(f, x) → y\n  y = f(f(x))\n\nc(x) → h\n  h = twice(lsmt, x)").diagnostics;
  expect(passed.map((diagnostic) => [diagnostic.code, diagnostic.edit?.text])).toEqual([["E131", "lstm"]]);
});

test("a block whose output has an index is not called, and no edit says that it could be", () => {
  const { diagnostics } = check("heads(x) → q\n  q[n] = W[n]·x\n  where n ∈ 1..N\n\nm(x) → y\n  h = heads(x)\n  y = V·h");
  expect(diagnostics.map(({ code, message, edit }) => [code, message, edit])).toEqual([
    ["E114", "heads gives a value for each n, an index of its own that h cannot have", undefined],
  ]);
});

test.each([
  ["above the block that it calls", `bi(x, y) → p\n  h = rnn(x)\n  p = V·h\n  loss = mse(p, y)\n\n${RNN}`, "bi"],
  ["above the block that it passes on", `m(x) → p\n  p = twice(rnn, x)\n\ntwice(f, x) → y\n  y = f(f(x))\n\n${RNN}`, "m"],
  ["the last where no block calls it", `${RNN}\n\nother(x) → p\n  p = V·x`, "other"],
  ["not hidden by a value of the last block's name", `m(x) → p\n  rnn = W·x\n  p = concat(rnn, x)\n\n${RNN}`, "rnn"],
])("the main block: %s", (_, text, name) => {
  expect(check(text).network?.name).toBe(name);
});

test("blocks that call each other in a circle are the mistake they were", () => {
  const { diagnostics, network } = check("a(x) → y\n  y = b(x)\n\nb(x) → y\n  y = a(x)");
  expect(network).toBeUndefined();
  expect(new Set(diagnostics.map(({ code }) => code))).toEqual(new Set(["E120"]));
});

const delta = (line: string, where = ""): string =>
  `delta(x) → y\n  k = Wk·x\n  v = Wv·x\n  β = σ(wβ·x)\n  ${line} + β*(v⊗k)\n  y = S·k\n  where wβ ∈ ℝ^D${where}`;

test("`I` beside matrices is the identity: the delta rule as papers print it has no weight of that name", () => {
  const equation = (text: string): readonly (string | undefined)[] => {
    const { network, diagnostics } = check(text);
    expect(diagnostics).toEqual([]);
    return network!.weights.map((weight) => weight.name);
  };
  for (const line of ["S = S[t-1]·(I - β*(k⊗k))", "S = (I - β*(v⊗v))·S[t-1]", "S = (β*S[t-1])·(I - β*(k⊗k))"])
    expect(equation(delta(line))).toEqual(["Wk", "Wv", "wβ"]);
  expect(equation("c(x) → h\n  h = (I + A)·x + h[t-1]")).toEqual(["A"]);
  // Declared it is a weight, and where it may be one the author is told.
  expect(equation(delta("S = S[t-1]·(I - β*(k⊗k))", ", I ∈ ℝ^{K×K}"))).toContain("I");
  const learned = check("c(x) → h\n  h = tanh(W·x + I)");
  expect(learned.diagnostics.map(({ code }) => code)).toEqual(["W202"]);
});
