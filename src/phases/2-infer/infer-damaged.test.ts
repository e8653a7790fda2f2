/** Mistakes of meaning are reported beside those of syntax, and never follow from them. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { parse } from "../1-parse/parse.ts";
import { infer } from "./infer.ts";
import { inferDamaged } from "./infer-damaged.ts";

function further(text: string): string[] {
  const source = { name: "x.gate", text };
  const { file, diagnostics } = parse(source);
  expect(diagnostics.some(({ severity }) => severity === "error")).toBe(true);
  return inferDamaged(file, source, {}, diagnostics).map(({ code, span }) => `${code} ${text.slice(span.start, span.end)}`);
}

test.each<[string, string, string[]]>([
  ["a function that is not there", "c(x) → h\n  i = σ(W x)\n  h = sigmoidd(V·x)", ["E104 sigmoidd"]],
  ["a name defined twice, once unreadably", "c(x) → h\n  h = σ(W x)\n  h = tanh(V·x)", ["E101 h"]],
  ["shapes that contradict each other", "c(x) → h\n  i = σ(W x)\n  h = V·x + x⊗x", ["E203 V·x + x⊗x"]],
  ["an unread value has any shape", "c(x) → h\n  i = W x\n  h = i∘h[t-1] + (V·i)⊗x", []],
  ["an unread declaration may be what is missing", "c(x) → h\n  h[n] = W[n]·x\n  where n ∈ 1..", []],
  ["an unread line may define what is missing", "c(x) → h\n  \\sigma(x)\n  h = i[t-1] + block(x)", ["E104 block"]],
  ["nothing, if the header cannot be read", "c(x → h\n  h = sigmoidd(x)", []],
])("%s", (_, text, expected) => {
  expect(further(text)).toEqual(expected);
});

/** Correct texts with one line made unreadable: nothing else is wrong with them. */
test("one damaged line of a correct text gives no further message", () => {
  const text = `lstm(x) → h
  i = σ(Wxi·x + Whi·h[t-1] + wci∘c[t-1] + bi)
  f = σ(Wxf·x + Whf·h[t-1] + wcf∘c[t-1] + bf)
  c = f∘c[t-1] + i∘tanh(Wxc·x + Whc·h[t-1] + bc)
  o = σ(Wxo·x + Who·h[t-1] + wco∘c + bo)
  h = o∘tanh(c)
  where bf ~ 1
m(token) → logits
  e[n] = E[n]·lstm(G[token])
  logits = Σ_n Wy[n]·e[n]
  loss = cross_entropy(logits, token[t+1])
  where n ∈ 1..3, E[n] ∈ ℝ^{K×H}`;
  const source = { name: "x.gate", text };
  expect(infer(parse(source).file, source).diagnostics).toEqual([]);
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: text.length - 1 }),
      fc.constantFrom("·)", " x y", "(", " = ", "++", "\\frac", "?", "→", "\n"),
      (at, piece) => {
        const damaged = `${text.slice(0, at)}${piece}${text.slice(at)}`;
        const { file, diagnostics } = parse({ name: "x.gate", text: damaged });
        if (!diagnostics.some(({ severity }) => severity === "error")) return;
        const found = inferDamaged(file, { name: "x.gate", text: damaged }, {}, diagnostics);
        expect(
          found.map(({ code, message }) => `${code} ${message}`),
          damaged,
        ).toEqual([]);
      },
    ),
    { numRuns: 300 },
  );
});
