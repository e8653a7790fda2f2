/** No text makes inference throw, and what passes it builds. */
import { expect, test } from "vitest";
import type { Network } from "../../ir/network/node.ts";
import { verify } from "../../ir/tensor/verify.ts";
import { SluiceError } from "../../support/diagnostic.ts";
import { parse } from "../1-parse/parse.ts";
import { build } from "./build.ts";
import { infer } from "./infer.ts";

const SEEDS = [
  `lstm(x) → h
  i = σ(Wxi·x + Whi·h[t-1] + wci∘c[t-1] + bi)
  f = σ(Wxf·x + Whf·h[t-1] + wcf∘c[t-1] + bf)
  c = f∘c[t-1] + i∘tanh(Wxc·x + Whc·h[t-1] + bc)
  o = σ(Wxo·x + Who·h[t-1] + wco∘c + bo)
  h = o∘tanh(c)
  where bf ~ 1, h[0] = h0

model(token, y) → logits
  e = E[token]
  a = lstm(e)
  logits = Wy·lstm(a) + by
  loss = cross_entropy(logits, token[t+1]) + mse(a, y)`,
  `attention(x) → y
  q[n] = Wq[n]·x
  k[n] = normalize(Wk[n]·x)
  v[n] = Wv[n]·x
  a[n,s] = softmax_s(q[n]·k[n,s] / √K)
  y = Σ_n Wo[n]·(Σ_s a[n,s] * v[n,s])
  where t-4 < s ≤ t, n ∈ 1..N, q[n] ∈ ℝ^K`,
  `delta(x) → y
  q = Wq ∗ x
  k = split(Wk·x, 1, 2)
  v = [k; q[t-2]]
  log α = -exp(A)*softplus(wα·x + bα)
  S = α*(S[t-1] - (S[t-1]·k)⊗k) + v⊗k
  y = layer_norm(S·k)[1] * dropout(S·k, 0.1)
  where wα ∈ ℝ^D, Wq : kernel 3, A ∈ ℝ, Wk ~ uniform(-1, 1)`,
  `r(x, s0) → h, b
  z = σ(W·x + β*s0)
  h = (1 - z)∘h[t-1] + z∘tanh(V·x + √(1 - z^2)∘h[t-1])
  b = tanh(B·x + A'·b[t+1])
  where W : block_diagonal 2, s0 : static, β ∈ ℝ, gate z`,
  `cell(x) → h
  h = tanh(W·x + U·h[t-1])

residual(f, x) → y
  y = x + f(x)

twice(f, x) → y
  y = residual(f, residual(f, x))

model(x) → y
  a = twice(cell, x)
  b = repeat 2 residual(cell, a)
  y = b + repeat 3 cell(x)
  where x ∈ ℝ^D`,
];
const PIECES = [
  "h",
  "x",
  "c[t-1]",
  "[t+1]",
  "·",
  "∘",
  " + ",
  "*",
  "⊗",
  "(",
  ")",
  "σ(",
  "tanh(x)",
  "Σ_n ",
  "[n]",
  "[s]",
  "softmax_s(",
  "\n  ",
  ", ",
  "0",
  "2",
  "'",
  "√",
  "where ",
  " ~ 1",
  " ∈ ℝ^H",
  "lstm(x)",
  "= ",
  "E[token]",
  "-",
  "/ N",
  "t",
  "log ",
  ": kernel 2",
  "concat(h, x)",
  "^2",
  "model(x)",
  "repeat 2 ",
  "cell",
  "residual",
  "f",
];

function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Deletes, doubles, swaps and inserts pieces of a text that means something. */
function mutate(text: string, next: () => number): string {
  const tokens = text.match(/\s+|[\p{L}\p{N}\p{M}_]+|./gsu) ?? [];
  for (let k = 1 + Math.floor(next() * 3); k > 0; k--) {
    const at = Math.floor(next() * tokens.length);
    const other = Math.floor(next() * tokens.length);
    const kind = Math.floor(next() * 5);
    if (kind === 0) tokens.splice(at, 1);
    else if (kind === 1) tokens.splice(at, 0, PIECES[Math.floor(next() * PIECES.length)]);
    else if (kind === 2) tokens[at] = tokens[other];
    else if (kind === 3) [tokens[at], tokens[other]] = [tokens[other], tokens[at]];
    else tokens[at] = PIECES[Math.floor(next() * PIECES.length)];
  }
  return tokens.join("");
}

function sizesFor(network: Network): Record<string, number> {
  return Object.fromEntries(network.sizes.map((size) => [size.name, 4]));
}

const ROUNDS = Number(process.env.SLUICE_FUZZ ?? 600);

test(`${ROUNDS} mutated texts: diagnostics or a graph, never an exception`, () => {
  const next = random(2026);
  let built = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const text = mutate(SEEDS[round % SEEDS.length], next);
    const source = { name: "fuzz.gate", text };
    try {
      const { file, diagnostics: syntax } = parse(source);
      const { diagnostics, network } = infer(file, source);
      for (const { span, edit } of diagnostics) {
        expect(span.start).toBeLessThanOrEqual(span.end);
        expect(span.end).toBeLessThanOrEqual(text.length);
        expect(edit === undefined || (edit.span.start <= edit.span.end && edit.span.end <= text.length)).toBe(true);
      }
      if (!network && syntax.length === 0) expect(diagnostics.some((d) => d.severity === "error")).toBe(true);
      if (!network) continue;
      built++;
      verify(
        build(network, { sizes: sizesFor(network), batch: 1, mode: "train", initial: "fresh", lengths: true, reset: true, outputs: network.outputs }),
      );
    } catch (error) {
      if (!(error instanceof SluiceError)) throw new Error(`round ${round}: ${(error as Error).stack}\n${text}`, { cause: error });
    }
  }
  expect(built).toBeGreaterThan(ROUNDS / 20);
});

test("long texts take time in proportion", () => {
  const chain = (count: number): string =>
    `m(x) → y${count}\n  y0 = tanh(W·x)\n${Array.from({ length: count }, (_, k) => `  y${k + 1} = σ(y${k} + U${k}·y${k}[t-1])∘y${k}`).join("\n")}`;
  const time = (count: number): number => {
    const source = { name: "long.gate", text: chain(count) };
    const { file } = parse(source);
    const start = performance.now();
    expect(infer(file, source).network).toBeDefined();
    return performance.now() - start;
  };
  time(20);
  const small = Math.max(2, time(100));
  expect(time(400)).toBeLessThan(small * 30);
});
