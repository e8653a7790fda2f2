/** Any text at all: no exception, spans within the text, and time that grows like its length. SLUICE_FUZZ_RUNS sets the number of mutated texts. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { printFile } from "../../ir/syntax/print.ts";
import { renderReport } from "../../support/report.ts";
import { parse } from "./parse.ts";

const RUNS = Number(process.env.SLUICE_FUZZ_RUNS ?? 20_000);

const SEEDS = [
  "lstm(x) → h\n  i = σ(Wxi·x + Whi·h[t-1] + wci∘c[t-1] + bi)  # gate\n  c = f∘c[t-1] + i∘tanh(Wxc·x)\n  h = o∘tanh(c)\n  where bf ~ 1, h[0] = 0\n",
  "# Attention\nattention(x) → y\n  a[n,s] = softmax_s(q[n]·k[n,s] / √K)\n  y = Σ_n Wo[n]·(Σ_s a[n,s] * v[n,s])\n  where t-W < s ≤ t, n ∈ 1..N, q[n] ∈ ℝ^{K×D}\n",
  "S = alpha*(S_{t-1} - β*(Sₜ₋₁·k)⊗k) + outer(v, k)'\nlog α = -exp(A) .* |softplus(x_t)|\nwhere Wg, Wf : kernel 3, dilation 2, gate i, f\n",
  "deep(f, x, token, m) → y, z\n  y = repeat 3 residual(f, e.2.c) + E[token]∘split(x, 1, 2)\n  loss = huber(y, token[t+1], delta = 0.5)\n  where W : kernel 3×3, stride 2, padding 1\n",
  "D[n,s] = Σ_r log(f[n,r]) + max_e(G[e] * p[2]) - mean_j(softmax_j(top_k(l, 2)))\nwhere s < r ≤ t, t-4 ≤ s < t, j ∈ 0..2, m ∈ ℝ^{C×Y×X}, h[T+1] = h0, h0 : static, R : block_diagonal N, shared\n",
  "g = conv(W, [x_t; ĉ])^2 - 1e-3*dropout(h̃, p = 0.1)\nwhere W in R^{H, D}, s <= t, n in {1,..,N}\n",
];
const PIECES = [
  ..."()[]{}|‖'^_,;:~=#√Σ∈≤<→·∘∗⊗×+-*/.\\\n\r\t \"$?0123456789",
  "where ",
  "log ",
  "sum_s ",
  "_{",
  "_t",
  "h[t-1]",
  "ₜ₋₁",
  "ᵀ",
  "²",
  "ᴴ",
  "\u0303",
  "˜",
  "\ufeff",
  "\ud800",
  "..",
  "->",
  ":=",
  "gate ",
  "in",
  "ℝ^",
  "x",
  "\\sigma",
  "repeat 3 ",
  "×",
  ".c",
  ".2.c",
  "max_s(",
  " : same",
  ", space",
  "h[T+1] = ",
  "[n,t-1]",
];

const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  remove: fc.integer({ min: 0, max: 6 }),
  insert: fc.array(fc.constantFrom(...PIECES), { maxLength: 3 }),
});
const mutated = fc.tuple(fc.constantFrom(...SEEDS), fc.array(mutation, { minLength: 1, maxLength: 6 })).map(([seed, mutations]) =>
  mutations.reduce((text, { at, remove, insert }) => {
    const place = Math.floor(at * text.length);
    return text.slice(0, place) + insert.join("") + text.slice(place + remove);
  }, seed),
);

test(
  "no mutated text makes an exception, and a text without errors prints to what reads the same",
  () => {
    fc.assert(
      fc.property(mutated, (text) => {
        const source = { name: "x.gate", text };
        const { file, diagnostics } = parse(source);
        for (const { span, edit } of diagnostics) {
          for (const { start, end } of edit ? [span, edit.span] : [span]) expect(start >= 0 && start <= end && end <= text.length).toBe(true);
        }
        expect(renderReport(diagnostics, source)).not.toContain("undefined");
        if (diagnostics.some(({ severity }) => severity === "error")) return;
        const unicode = printFile(file);
        for (const spelling of ["author", "ascii"] as const) {
          const again = parse({ name: "x.gate", text: printFile(file, { spelling, source }) });
          expect(again.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
          expect(printFile(again.file)).toBe(unicode);
        }
      }),
      { numRuns: RUNS },
    );
  },
  RUNS * 5,
);

test.each([
  "(",
  "h[",
  "((x)",
  "a+",
  "a b ",
  "x = y\n",
  "-",
  "√",
  "|",
  "a^",
  "Σ_s ",
  "_t",
  "a_",
  "f(a,",
  "where ",
  "where a,\n",
  "x = (\n",
  "# c\n",
  "α_",
  "x'",
  "\\sigma ",
  "?",
  "˜x",
  "ₜ",
  "²",
  "a=b=",
  "x ≤ ",
  "[a;",
  "a → ",
  "f(x) → y\n",
  "h_{",
  "0",
  "1.",
  "n ∈ 1..",
  "W : kernel 3, ",
  "\u0303",
  "}",
  "x = (a\n",
  "y = [\n b\n",
])("time is linear in repetitions of %j", (fragment) => {
  const time = (length: number): number => {
    const text = fragment.repeat(Math.ceil(length / fragment.length));
    const start = performance.now();
    renderReport(parse({ name: "x.gate", text }).diagnostics, { name: "x.gate", text });
    return performance.now() - start;
  };
  time(10_000);
  // Eight times the text: a quadratic step takes 64 times as long, and the machine may be busy with something else for a while.
  let ratio = Infinity;
  for (let attempt = 0; attempt < 5 && ratio > 16; attempt++) ratio = time(120_000) / Math.max(5, time(15_000));
  expect(ratio).toBeLessThan(16);
});
