/** Inference on the papers' cells: names, sizes, weights, roles, gates, recurrences and published parameter counts. */
import { expect, test } from "vitest";
import type { Network, Size } from "../../ir/network/node.ts";
import { printEquation, printSize } from "../../ir/network/print.ts";
import { parse } from "../1-parse/parse.ts";
import { infer } from "./infer.ts";

function network(text: string, library: Record<string, string> = {}): Network {
  const source = { name: "test.gate", text };
  const { file, diagnostics } = parse(source);
  expect(diagnostics).toEqual([]);
  const files = Object.fromEntries(Object.entries(library).map(([name, body]) => [name, parse({ name, text: body }).file]));
  const result = infer(file, source, { library: files });
  expect(result.diagnostics.filter((d) => d.severity === "error")).toEqual([]);
  return result.network!;
}
const shape = (sizes: readonly Size[]): string => sizes.map(printSize).join("×");
const weights = (n: Network): Record<string, string> => Object.fromEntries(n.weights.map((w) => [w.name, shape(w.shape)]));
const roles = (n: Network): Record<string, string> => Object.fromEntries(n.gates.map((g) => [g.name, g.role]));
function count(n: Network, sizes: Record<string, number>): number {
  const value = (size: Size): number =>
    size.terms.reduce((sum, term) => sum + term.names.reduce((product, name) => product * sizes[name], term.coefficient), 0);
  return n.weights.reduce((sum, weight) => sum + weight.shape.reduce((product, size) => product * value(size), 1), 0);
}

const LSTM = `# Long short-term memory
# Graves 2013
lstm(x) → h
  i = σ(Wxi·x + Whi·h[t-1] + wci∘c[t-1] + bi)
  f = σ(Wxf·x + Whf·h[t-1] + wcf∘c[t-1] + bf)
  c = f∘c[t-1] + i∘tanh(Wxc·x + Whc·h[t-1] + bc)
  o = σ(Wxo·x + Who·h[t-1] + wco∘c + bo)
  h = o∘tanh(c)
`;
const GRU = `gru(x) → h
  z = σ(Wz·x + Uz·h[t-1])
  r = σ(Wr·x + Ur·h[t-1])
  h̃ = tanh(Wh·x + Uh·(r∘h[t-1]))
  h = (1 - z)∘h[t-1] + z∘h̃
`;

test("peephole LSTM", () => {
  const n = network(LSTM);
  expect(n.documentation).toEqual(["Long short-term memory", "Graves 2013"]);
  expect(n.sizes.map((s) => [s.name, s.free])).toEqual([
    ["D", true],
    ["H", true],
  ]);
  expect(weights(n)).toMatchObject({ Wxi: "H×D", Whi: "H×H", wci: "H", bi: "H", Who: "H×H", wco: "H" });
  expect(n.weights.find((w) => w.name === "Whi")!.reasons[0].message).toBe("Whi is H×H, because of `Whi·h[t-1]`");
  expect(n.states.map((s) => [s.name, s.lag, s.initial.kind])).toEqual([
    ["c", 1, "constant"],
    ["h", 1, "constant"],
  ]);
  expect(n.values.map((v) => v.name)).toEqual(["i", "f", "c", "o", "h"]);
  expect(n.values[0].equation).toBe("i = σ(Wxi·x + Whi·h[t-1] + wci∘c[t-1] + bi)");
  expect(n.gates.map((g) => [g.name, g.role, g.passes])).toEqual([
    ["i", "input", "tanh(Wxc·x + Whc·h[t-1] + bc)"],
    ["f", "forget", "c[t-1]"],
    ["o", "output", "tanh(c)"],
  ]);
  expect(n.recurrences).toHaveLength(1);
  expect(n.recurrences[0]).toMatchObject({ direction: "forward", linear: false });
  expect(n.recurrences[0].reasons[1].message).toBe("f is nonlinear in the state because of `Whf·h[t-1]` (line 5)");
  const initial = Object.fromEntries(n.weights.map((w) => [w.name, [w.role, w.initial.kind]]));
  expect(initial).toMatchObject({
    Wxi: ["input_matrix", "glorot_uniform"],
    Whi: ["recurrent_matrix", "orthogonal"],
    wci: ["peephole", "constant"],
    bi: ["gate_bias", "constant"],
    bf: ["forget_bias", "constant"],
    bc: ["bias", "constant"],
  });
  expect(n.weights.find((w) => w.name === "bf")!.initial).toMatchObject({ value: 1, source: "default: Jozefowicz et al. 2015" });
});

test.each<[string, string, Record<string, string>, boolean | undefined]>([
  ["GRU, Chung 2014", GRU, { z: "update", r: "reset" }, false],
  [
    "GRU, reset after the product",
    `g(x) → h
  z = σ(Wz·x + Uz·h[t-1])
  r = σ(Wr·x + Ur·h[t-1])
  h = z∘h[t-1] + (1 - z)∘tanh(Wn·x + r∘(Un·h[t-1] + bn))`,
    { z: "update", r: "reset" },
    false,
  ],
  ["minGRU", "m(x) → h\n  z = σ(Wz·x)\n  h = (1 - z)∘h[t-1] + z∘(Wh·x)", { z: "update" }, true],
  [
    "minLSTM",
    "m(x) → h\n  f = σ(Wf·x)\n  i = σ(Wi·x)\n  F = f/(f + i)\n  I = i/(f + i)\n  h = F∘h[t-1] + I∘(Wh·x)",
    { F: "forget", I: "input" },
    true,
  ],
  ["highway", "h(x) → y\n  T = σ(WT·x + bT)\n  y = T∘relu(WH·x + bH) + (1 - T)∘x\n  where bT ~ -2", { T: "update" }, undefined],
  ["GLU", "g(x) → g\n  a = W·x\n  g = σ(V·x + c)∘a".replace("g(x) → g", "glu(x) → g"), { "σ(V·x + c)": "output" }, undefined],
  [
    "RG-LRU",
    "r(x) → h\n  r = σ(Wa·x + ba)\n  i = σ(Wx·x + bx)\n  log a = -8*softplus(Λ)∘r\n  h = a∘h[t-1] + √(1 - a^2)∘(i∘x)",
    { r: "other", i: "input", a: "forget" },
    true,
  ],
  [
    "HGRN",
    "hgrn(x) → o\n  f = γ + (1 - γ)∘σ(Wf·x + bf)\n  h = f∘h[t-1] + (1 - f)∘silu(Wi·x)\n  g = σ(Wg·x)\n  o = g∘h",
    { f: "update", g: "output" },
    true,
  ],
  [
    "CIFG",
    "c(x) → h\n  f = σ(Wf·x + Rf·h[t-1] + bf)\n  i = 1 - f\n  c = f∘c[t-1] + i∘tanh(Wz·x + Rz·h[t-1])\n  o = σ(Wo·x + Ro·h[t-1])\n  h = o∘tanh(c)",
    { f: "forget", i: "input", o: "output" },
    false,
  ],
  [
    "no forget gate",
    "c(x) → h\n  i = σ(Wi·x + Ri·h[t-1])\n  c = c[t-1] + i∘tanh(Wz·x + Rz·h[t-1])\n  o = σ(Wo·x + Ro·h[t-1])\n  h = o∘tanh(c)",
    { i: "input", o: "output" },
    false,
  ],
  [
    "a correction under a name of its own",
    "d(q, k, v, b) → o\n  β = σ(b)\n  u = β*(v - S[t-1]·k)\n  S = S[t-1] + u⊗k\n  o = S·q\n  where b ∈ ℝ",
    { β: "input" },
    true,
  ],
  [
    "erase and write apart",
    "d(q, k, v, x) → o\n  b = σ(Wb·x)\n  w = σ(Ww·x)\n  S = S[t-1] - k⊗(S[t-1]'·(b∘k)) + k⊗(w∘v)\n  o = S'·q",
    { b: "forget", w: "input" },
    true,
  ],
  ["a key that is what the gate lets go", "h(q, v, p) → o\n  f = σ(p)\n  S = diag(f)·S[t-1] + (1 - f)⊗v\n  o = S'·q", { f: "update" }, true],
  [
    "gates that only make a gate",
    "u(x) → h\n  f = σ(Wf·x)\n  r = σ(Wr·x)\n  g = r∘(1 - (1 - f)^2) + (1 - r)∘f^2\n  h = g∘h[t-1] + (1 - g)∘(W·x)",
    { r: "other", g: "update" },
    true,
  ],
  [
    "state and input that gate one another",
    "m(x) → h\n  x1 = 2*σ(Q·h[t-1])∘x\n  h1 = 2*σ(R·x1)∘h[t-1]\n  h = tanh(W·x1 + U·h1)",
    { "σ(Q·h[t-1])": "other", "σ(R·x1)": "reset" },
    false,
  ],
  ["SwiGLU", "s(x) → y\n  y = silu(W·x)∘(V·x)", { "silu(W·x)": "output" }, undefined],
  [
    "forgetting attention",
    "f(q, k, v, p) → y\n  log f = log_σ(p)\n  D[s] = Σ_r log(f[r])\n  a[s] = softmax_s(q·k[s] + D[s])\n  y = Σ_s a[s] * v[s]\n  where s ≤ t, s < r ≤ t, p ∈ ℝ",
    { f: "forget", a: "attention" },
    undefined,
  ],
  ["GLA", "g(x) → o\n  q = Wq·x\n  k = Wk·x\n  v = Wv·x\n  α = σ(W2·W1·x + b)^(1/16)\n  S = diag(α)·S[t-1] + k⊗v\n  o = S'·q", { α: "forget" }, true],
])("gates of %s", (_name, text, expected, linear) => {
  const n = network(text);
  expect(roles(n)).toEqual(expected);
  expect(n.recurrences[0]?.linear).toBe(linear);
});

test("attention: indices, sizes and the softmax gate", () => {
  const n = network(`attention(x) → y
  q[n] = Wq[n]·x
  k[n] = Wk[n]·x
  v[n] = Wv[n]·x
  a[n,s] = softmax_s(q[n]·k[n,s] / √K)
  y = Σ_n Wo[n]·(Σ_s a[n,s] * v[n,s])
  where s ≤ t, n ∈ 1..N, q[n] ∈ ℝ^K`);
  expect(weights(n)).toEqual({ Wq: "N×K×D", Wk: "N×K×D", Wv: "N×V×D", Wo: "N×H×V" });
  expect(roles(n)).toEqual({ a: "attention" });
  expect(n.indices.map((i) => [i.name, i.kind, i.upper])).toEqual([
    ["s", "time", 0],
    ["n", "count", undefined],
  ]);
});

test("gated delta rule: a matrix state, numbers only where declared", () => {
  const n = network(`delta(x) → y
  q = Wq·x
  k = normalize(Wk·x)
  v = Wv·x
  α = σ(wα·x + bα)
  β = σ(wβ·x + bβ)
  S = α*(S[t-1] - β*(S[t-1]·k)⊗k) + β*(v⊗k)
  y = S·q
  where wα, wβ ∈ ℝ^D`);
  expect(weights(n)).toEqual({ Wq: "K×D", Wk: "K×D", Wv: "V×D", wα: "D", bα: "", wβ: "D", bβ: "" });
  expect(shape(n.states[0].shape)).toBe("V×K");
  expect(n.recurrences[0].linear).toBe(true);
  expect(roles(n)).toEqual({ α: "forget", β: "input" });
});

test("a whole model: calls have weights and sizes of their own, tokens are whole numbers", () => {
  const n = network(`${LSTM}
char_model(token) → logits
  e = E[token]
  h1 = lstm(e)
  h2 = lstm(h1)
  logits = Wy·h2 + by
  loss = cross_entropy(logits, token[t+1])`);
  expect(n.sizes.map((s) => s.name)).toEqual(["V", "D", "H", "H2"]);
  expect(n.inputs[0]).toMatchObject({ name: "token", type: "index", shape: [], lookAhead: 1, perStep: true });
  expect(printSize(n.inputs[0].range!)).toBe("V");
  expect(n.loss).toBe("loss");
  expect(weights(n)).toMatchObject({ E: "V×D", "h1.Wxi": "H×D", "h2.Wxi": "H2×H", "h2.Whi": "H2×H2", Wy: "V×H2" });
  expect(n.values.find((v) => v.name === "h1")!.equation).toBe("h1 = lstm(e)");
  expect(n.gates.map((g) => g.name)).toEqual(["h1.i", "h1.f", "h1.o", "h2.i", "h2.f", "h2.o"]);
  expect(n.recurrences.map((r) => r.names[0])).toEqual(["h1.i", "h2.i"]);
  const order = n.values.map((v) => v.name);
  expect(order.indexOf("h1.h")).toBeLessThan(order.indexOf("h2.i"));
});

test("blocks of the library are called by name, in expressions too", () => {
  const n = network("model(x) → y\n  y = Wy·gru(x) + gru(V·x)", { gru: GRU });
  expect(Object.keys(weights(n))).toEqual(expect.arrayContaining(["gru.Wz", "gru2.Wz", "V", "Wy"]));
  expect(n.values.map((v) => v.name)).toContain("gru2.x");
});

const RESIDUAL = "residual(f, x) → y\n  y = x + f(x)\n";

test("a block passed as an argument: its weights lie where it is called, its gates are found as elsewhere", () => {
  const n = network(`${RESIDUAL}\nmodel(x) → h\n  e = We·x\n  h = residual(gru, e)`, { gru: GRU });
  expect(weights(n)).toMatchObject({ We: "H×D", "h.f.Wz": "H×H", "h.f.Uz": "H×H" });
  expect(roles(n)).toEqual({ "h.f.z": "update", "h.f.r": "reset" });
  expect(n.values.map((v) => v.name)).toContain("h.y");
  // The combinator may be of the library, and the block that is passed may use the same combinator; a parameter is passed on.
  const library = { residual: RESIDUAL, gru: GRU };
  const nested = network("deep(x) → y\n  y = residual(gru, x)\n\nmodel(x) → h\n  h = residual(deep, x)", library);
  expect(Object.keys(weights(nested))).toContain("h.f.y.f.Wz");
  const twice = network(`${RESIDUAL}\ntwice(f, x) → y\n  y = residual(f, residual(f, x))\n\nmodel(x) → h\n  h = twice(gru, x)`, { gru: GRU });
  expect(Object.keys(weights(twice)).filter((name) => name.endsWith(".Wz"))).toEqual(["h.residual.f.Wz", "h.y.f.Wz"]);
  // Names of blocks stay as typed, those of inputs do not.
  const greek = network("pi(x) → y\n  y = tanh(W·x)\n\napply(phi, x) → y\n  y = phi(x)\n\nmodel(x) → h\n  h = apply(pi, x)");
  expect(weights(greek)).toEqual({ "h.y.W": "H×D" });
});

test("repeat: weights of its own each time, one hidden size, other arguments the same", () => {
  const n = network("model(x) → y\n  h = repeat 3 lstm(x)\n  y = Wy·h", { lstm: LSTM });
  expect(weights(n)).toMatchObject({ "h.1.Wxi": "H×D", "h.2.Wxi": "H×H", "h.3.Wxi": "H×H", "h.3.Whi": "H×H", Wy: "H2×H" });
  expect(n.gates.map((g) => `${g.name} ${g.role}`)).toEqual([1, 2, 3].flatMap((k) => [`h.${k}.i input`, `h.${k}.f forget`, `h.${k}.o output`]));
  expect(n.recurrences).toHaveLength(3);
  const byHand = network("model(x) → y\n  a = lstm(x)\n  b = lstm(a)\n  h = lstm(b)\n  y = Wy·h", { lstm: LSTM });
  const hidden = { H: 8, H2: 8, H3: 8 };
  expect(count(n, { D: 5, H: 8, H2: 7 })).toBe(count(byHand, { D: 5, ...hidden, H4: 7 }));
  const chained = network(
    `${RESIDUAL}\nmix(a, b) → y\n  y = W·a + V·(b + b)\n\nmodel(x) → y
  e = We·x
  g = repeat 2 residual(lstm, e)
  y = g + repeat 2 mix(g, 2 * e)`,
    { lstm: LSTM },
  );
  expect(Object.keys(weights(chained))).toEqual(expect.arrayContaining(["g.2.f.Whi", "mix.1.W", "mix.2.V"]));
  expect(chained.values.map((v) => v.name).filter((name) => name.endsWith(".b"))).toEqual(["mix.1.b"]);
  const once = network(`${RESIDUAL}\nmodel(x) → y\n  y = repeat 1 residual(lstm, x)`, { lstm: LSTM });
  expect(Object.keys(weights(once))).toContain("y.1.f.Whi");
  const widening = network("wide(x) → y\n  y = [x; tanh(W·x)]\n  where W ∈ ℝ^{K×D}\n\nmodel(x) → y\n  y = repeat 3 wide(x)");
  expect(weights(widening)).toEqual({ "y.1.W": "K×D", "y.2.W": "K×D+K", "y.3.W": "K×D+2K" });
  const declared = network("cell(u) → h\n  h = tanh(W·u + U·h[t-1])\n  where u ∈ ℝ^D, h ∈ ℝ^H\n\nmodel(x) → y\n  y = repeat 3 cell(x)");
  expect(weights(declared)).toMatchObject({ "y.1.W": "H×D", "y.2.W": "H×H", "y.3.U": "H×H" });
});

test("what lies inside of a copy is read by its number; what is misspelt is found by its beginning", () => {
  const read = network("model(x) → y\n  h = repeat 3 lstm(x)\n  y = h + h.2.c + h.3.c[t-1]", { lstm: LSTM });
  expect(printEquation(read.equations.at(-1)!)).toBe("y = h + h.2.c + h.3.c[t-1]");
  const cure = (text: string): string | undefined => {
    const source = { name: "test.gate", text };
    const { diagnostics } = infer(parse(source).file, source, { library: { lstm: parse({ name: "lstm", text: LSTM }).file } });
    return diagnostics.find((d) => d.severity === "error")?.edit?.text;
  };
  expect(cure("model(x) → y\n  h = repeat 3 lstm(x)\n  y = h + h.c")).toBe("h.3.c");
  expect(cure("model(x) → y\n  h = repeat 3 lstm(x)\n  y = h + h.4.c")).toBe("h.3.c");
  expect(cure("model(x) → y\n  y = sigmo(W·x)")).toBe("sigmoid");
  expect(cure("model(x) → y\n  y = layer(W·x)")).toBe("layer_norm");
  expect(cure("model(x) → y\n  y = tahn(W·x)")).toBe("tanh");
});

test("a copy costs what a copy costs", () => {
  const n = network("model(x) → y\n  e = We·x\n  y = repeat 120 lstm(e)", { lstm: LSTM });
  expect(n.weights).toHaveLength(1 + 120 * 15);
});

test("sizes: halves, sums, blocks, kernels, tied weights", () => {
  expect(weights(network("g(x) → y\n  y = W·(split(x, 1, 2)∘σ(split(x, 2, 2)))"))).toEqual({ W: "H×D/2" });
  expect(weights(network("b(x) → y\n  a = tanh(Wa·x + Ua·a[t-1])\n  b = tanh(Wb·x + Ub·b[t+1])\n  y = Wy·[a; b]"))).toMatchObject({ Wy: "H3×H+H2" });
  expect(weights(network("r(x) → y\n  y = W·x + x\n  where W : block_diagonal 4"))).toEqual({ W: "4×D/4×D/4" });
  expect(weights(network("c(x) → y\n  y = W ∗ x\n  where W : kernel 3, dilation 2"))).toEqual({ W: "3×H×D" });
  expect(weights(network("t(token) → p\n  h = tanh(W·E[token] + U·h[t-1])\n  p = E·h\n  loss = cross_entropy(p, token[t+1])"))).toEqual({
    W: "D×D",
    E: "V×D",
    U: "D×D",
  });
});

test("without a header: inputs are names with a time, outputs what nothing reads", () => {
  const n = network("i_t = σ(W_xi·x_t + W_hi·h_{t-1} + b_i)\nc_t = c_{t-1} + i_t∘tanh(W_xc·x_t)\nh_t = tanh(c_t)");
  expect(n.inputs.map((i) => i.name)).toEqual(["x"]);
  expect(n.outputs).toEqual(["h"]);
});

test("initial values: learned, given, written", () => {
  const text = (header: string, initial: string): string => `g(${header}) → h\n  h = tanh(W·x + U·h[t-1])\n  where h[0] = ${initial}`;
  expect(network(text("x", "h0")).weights.at(-1)).toMatchObject({ name: "h0", role: "initial_state" });
  expect(network(text("x, h0", "h0")).inputs[1]).toMatchObject({ name: "h0", perStep: false });
  expect(network(text("x", "0.5")).states[0].initial).toEqual({ kind: "constant", value: 0.5 });
});

test("published parameter counts", () => {
  // Chung et al. 2014, 88 keys, with read-out: about 20 thousand each.
  const music = (cell: string): string => `${cell}
model(x) → logits
  h = cell(x)
  logits = Wy·h + by
  loss = binary_cross_entropy(logits, x[t+1])`;
  const named = (text: string): string => text.replace(/^[^\n]*→ h$/m, "cell(x) → h").replace(/^#.*\n/gm, "");
  const biased = GRU.replace(/h\[t-1\]\)$/gm, "h[t-1] + bz)");
  expect(count(network(music(named(GRU))), { D: 88, H: 46 })).toBe(3 * (46 * 88 + 46 * 46) + 88 * 46 + 88);
  expect(biased).toContain("bz");
  expect(count(network(music(named(LSTM))), { D: 88, H: 36 })).toBe(4 * (36 * 88 + 36 * 36 + 36) + 3 * 36 + 88 * 36 + 88);
  const tanh = "cell(x) → h\n  h = tanh(W·x + U·h[t-1] + b)";
  expect(count(network(music(tanh)), { D: 88, H: 100 })).toBe(100 * 88 + 100 * 100 + 100 + 88 * 100 + 88);
  // The demo: peephole LSTM of 12 units on 12 symbols, read out to 10 digits.
  expect(count(network(`${named(LSTM)}\nm(x) → y\n  h = cell(x)\n  y = Wy·h + by`), { D: 12, H: 12, H2: 10 })).toBe(1236 + 130);
  // Gers & Schmidhuber 2002: one cell with peepholes on one input, without biases in the peepholes: 4·(1 + 1 + 1) + 3 + 2 = 17.
  const timer = "m(x) → y\n  h = cell(x)\n  y = σ(Wy·h + by)";
  expect(count(network(`${named(LSTM)}\n${timer}`), { D: 1, H: 1, H2: 1 })).toBe(17);
});

test("several mistakes are reported in one run, each once", () => {
  const source = {
    name: "test.gate",
    text: "cell(x, y) → g\n  h = tahn(W·x + U·h[t-1])\n  c = σ(V·h)∘(A·x) + c[t-1]∘w·x + q[n]\n  g = σ∘h\n",
  };
  const { diagnostics, network: none } = infer(parse(source).file, source);
  expect(none).toBeUndefined();
  expect(diagnostics.map((d) => d.code)).toEqual(["W102", "E104", "W101", "E110", "E106"]);
});

test("sizes named in a called block are those of its caller; a target does not name the state", () => {
  const called = network(`cell(u) → h
  h = tanh(W·u + U·h[t-1])
  where u ∈ ℝ^D, h ∈ ℝ^H

net(x, target) → y
  h = cell(x)
  y = Wy·h
  loss = mse(y, target)
  where x ∈ ℝ^D`);
  expect(weights(called)).toEqual({ "h.W": "H×D", "h.U": "H×H", Wy: "D2×H" });
  const compared = network("net(x, target) → h\n  h = tanh(W·x + U·h[t-1])\n  loss = mse(h, target)");
  expect(weights(compared)).toEqual({ W: "H×D", U: "H×H" });
});
