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
  `forgetting(x) → y
  q[g,m] = Wq[g,m]·x
  k[g] = Wk[g]·x
  v[g] = Wv[g]·x
  log f[g,m] = log_σ(w[g,m]·x + b[g,m])
  D[g,m,s] = Σ_r log(f[g,m,r])
  a[g,m,s] = softmax_s(q[g,m]·k[g,s] / √K + D[g,m,s])
  o[g,m] = Σ_s a[g,m,s] * v[g,s]
  y = tanh(max_g(Σ_m Wo[g,m]·o[g,m])) + mean_s(x[s])
  where s ≤ t, s < r ≤ t, g ∈ 1..G, m ∈ 0..1, q[g,m] ∈ ℝ^K`,
  `experts(x, mem, token) → y
  l = Wg·x
  G = softmax(top_k(l, 2))∘among_top(l, 1)
  p[e] = softmax_e(we[e]·x)
  c[e] = σ(u[e]·x)*c[e,t-1] + p[e]
  a[j] = softmax_j(x·mem[j])
  y = Σ_e G[e] * (W[e]·x + b[e]) + V·c + U·(Σ_j a[j] * mem[j]) + masked(E[token], y[t-1])
  where e ∈ 1..4, j ∈ 1..J, mem ∈ ℝ^{J×D}, mem : static, c[0] = 0.5`,
  `maps(x, x2) → z
  g = σ(Wg ∗ x + bg + p∘c[t-1])
  c = g∘c[t-1] + tanh(Wf ∗ x + U ∗ c[t-1])
  d = Wd ∗ c
  z[i] = mean(c[i]) * norm(d) + V[i]·(W1 ∗ x2)
  where x ∈ ℝ^{C×4×5}, i ∈ 1..4, c ∈ ℝ^{4×4×5}, x2 ∈ ℝ^D
  where Wg, Wf, U : kernel 3×3, same, Wd : kernel 2×2, stride 2, W1 : kernel 3, dilation 2, depthwise`,
  `both(x, z0) → y
  f[n] = tanh(W[n]·x + U·f[n,t-1])
  b = zoneout(tanh(B·x + A·b[t+1] + d[t+1]), b[t+1], 0.2)
  d = 2 * tanh(C·x)
  S[n] = diag(f[n])·S[n,t-1] - (S[n,t-1]ᵀ·f[n])⊗f[n] + f[n]⊗b
  y = [b; Σ_n S[n]·b] + R·[b; b]
  where n ∈ 1..2, b[T+1] = z0, d[T+1] = 0.5, f[0] = f0, R : block_diagonal 2`,
  `cell(x) → h
  h = tanh(W·x + U·h[t-1])

residual(f, x) → y
  y = x + f(x)

twice(f, x) → y
  y = residual(f, residual(f, x))

model(x) → y
  a = twice(cell, x)
  b = repeat 2 residual(cell, a)
  y = b + repeat 3 cell(x) + b.1.f.h + a.y[t-1]
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
  "top_k(x, 2)",
  "Σ_s x[s]",
  "mean_s(",
  "[e]",
  "[n,t-1]",
  " ∗ x",
  "⊗",
  "ᵀ",
  ".h",
  ".2.h",
  "h[T+1] = 0, ",
  "s ≤ t, ",
  "s < r ≤ t, ",
  "e ∈ 1..3, ",
  ": static, ",
  ": kernel 3×3, same, ",
  "block_diagonal 2",
  " ∈ ℝ^{2×H}",
  "log α = ",
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

const ROUNDS = Number(process.env.SLUICE_FUZZ_RUNS ?? 900);

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
