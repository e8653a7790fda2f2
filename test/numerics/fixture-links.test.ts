/** The harness itself: views, edits of texts, and that every adapter links every tensor of its cases exactly once, in both directions. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { type FixtureCase, findCases, readCase } from "../../scripts/fixtures/case.ts";
import { backwards, renamed, withInitialStates, withoutTerms } from "../../scripts/fixtures/edit.ts";
import { ADAPTERS } from "../../scripts/fixtures/groups.ts";
import { addToTensor, copyToArray, type Link, narrowed, pickedView, reorderedView, sizeOf, wholeView } from "../../scripts/fixtures/link.ts";
import { gateName } from "../../scripts/fixtures/plan.ts";

const fixtures = join(import.meta.dirname, "../fixtures");
const places = findCases(fixtures).filter(({ group }) => ADAPTERS.has(group));

test("every group has an adapter and cases", () => {
  const groups = [
    "torch_lstm",
    "torch_gru",
    "torch_rnn",
    "gru_2014",
    "peephole_lstm",
    "lstm_odyssey",
    "mingru",
    "minlstm",
    "highway",
    "glu",
    "rg_lru",
    "hgrn",
  ];
  for (const group of groups) expect(places.filter((place) => place.group === group).length, group).toBeGreaterThan(1);
  expect(new Set(places.map((place) => place.group)).size).toBe(28);
  expect(places.length).toBe(149);
});

test.each(places)("$group $path: every tensor is linked, every element once", ({ group, path }) => {
  const fixture = readCase(group, path) as FixtureCase;
  const plan = ADAPTERS.get(group)!.plan(fixture);
  const links = [...plan.inputs, ...plan.weights, ...plan.results];
  for (const [name, tensor] of fixture.tensors) {
    // Lengths, positions and masks are not linked element by element: adapters turn them into what the equations read.
    if (!/^(input|weight|output|trace)\./.test(name) || name === "input.lengths" || name === "input.segment_pos" || tensor.dtype === "BOOL") continue;
    const writes = new Uint8Array(tensor.values.length);
    const back = new Float64Array(tensor.values.length);
    for (const link of links.filter((each) => each.tensor === name)) {
      const array = new Float64Array(sizeOf(link.shape));
      copyToArray(link, tensor.values, array);
      addToTensor(link, array, back, writes);
    }
    expect(
      [...writes].every((count) => count === 1),
      name,
    ).toBe(true);
    expect([...back], name).toEqual(Array.from(tensor.values, (value) => value + 0)); // + 0: -0 becomes 0
  }
});

test("views transpose, narrow and pick", () => {
  const tensor = {
    dtype: "F32" as const,
    shape: [2, 3, 2],
    axes: ["batch", "time", "input"],
    values: Float32Array.from({ length: 12 }, (_, i) => i),
  };
  const read = (link: Omit<Link, "array" | "tensor">): number[] => {
    const array = new Float64Array(sizeOf(link.shape));
    copyToArray({ array: "a", tensor: "t", ...link }, tensor.values, array);
    return [...array];
  };
  expect(read({ shape: [3, 2, 2], inTensor: reorderedView(tensor, [1, 0, 2]) })).toEqual([0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11]);
  expect(read({ shape: [2, 1, 2], inTensor: narrowed(wholeView(tensor.shape), 1, 2, 1) })).toEqual([4, 5, 10, 11]);
  expect(read({ shape: [3, 2], inTensor: pickedView(wholeView(tensor.shape), 0, 1) })).toEqual([6, 7, 8, 9, 10, 11]);
});

test("texts are edited as the equations mean", () => {
  const text = "cell(x) → h\n  i = σ(W·x + b_i + U·h[t-1] + wci∘h[t-1] + bi)\n  h = i∘h[t-1]\n  where bi ~ 1, b_i ~ 0\n";
  expect(withoutTerms(text, ["wci", "bi"])).toBe("cell(x) → h\n  i = σ(W·x + b_i + U·h[t-1])\n  h = i∘h[t-1]\n  where b_i ~ 0\n");
  expect(() => withoutTerms(text, ["bo"])).toThrow("no term bo");
  expect(backwards(renamed(text, "back"))).toMatch(/^back\(x\) → h\n.*U·h\[t\+1\]/);
  expect(withInitialStates("f(x) → h\n  h = x + h[t-1]\n", { h: "h0" })).toBe("f(x, h0) → h\n  h = x + h[t-1]\n  where h[0] = h0, h0 : static\n");
  expect(withInitialStates(backwards("f(x) → h\n  h = x + h[t-1]\n"), { h: "h0" })).toContain("h[T+1] = h0");
  expect([gateName("W_xi"), gateName("h_tilde"), gateName("f_prime"), gateName("Lambda")]).toEqual(["Wxi", "h̃", "f′", "Λ"]);
});
