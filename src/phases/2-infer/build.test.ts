/** Built graphs against cells written out by hand in float64, and against each other: padding, documents, streaming, masks, interventions. */
import { expect, test } from "vitest";
import type { Network, Size } from "../../ir/network/node.ts";
import type { Variant } from "../../ir/network/variant.ts";
import { interpret } from "../../ir/tensor/interpret.ts";
import type { Graph } from "../../ir/tensor/node.ts";
import { verify } from "../../ir/tensor/verify.ts";
import { parse } from "../1-parse/parse.ts";
import { build } from "./build.ts";
import { infer } from "./infer.ts";

function network(text: string): Network {
  const source = { name: "test.gate", text };
  const { diagnostics, network: found } = infer(parse(source).file, source);
  expect(diagnostics.filter((d) => d.severity === "error")).toEqual([]);
  return found!;
}
function variant(sizes: Record<string, number>, outputs: readonly string[], more: Partial<Variant> = {}): Variant {
  return { sizes, batch: 2, mode: "evaluate", initial: "fresh", lengths: false, reset: false, outputs, ...more };
}
/** Numbers in (-1, 1) that depend only on the name. */
function numbers(name: string, length: number, scale = 1): number[] {
  let state = [...name].reduce((hash, letter) => (hash * 31 + letter.codePointAt(0)!) >>> 0, 7) || 1;
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return scale * (state / 2 ** 31 - 1);
  });
}
type Given = Record<string, ArrayLike<number>>;
function run(graph: Graph, T: number, given: Given = {}): Record<string, Float64Array> {
  verify(graph);
  const inputs: Given = {};
  for (const node of graph.nodes) {
    if (node.op !== "input" && node.op !== "weight") continue;
    const name = node.attributes.name!;
    const length = node.axes.reduce((product, axis) => product * (graph.axes.get(axis) === "T" ? T : (graph.axes.get(axis) as number)), 1);
    inputs[name] = given[name] ?? numbers(name, length);
  }
  return interpret(graph, inputs, { T });
}
function weightsOf(n: Network, sizes: Record<string, number>): Record<string, number[]> {
  const value = (size: Size): number =>
    size.terms.reduce((sum, term) => sum + term.names.reduce((product, name) => product * sizes[name], term.coefficient), 0);
  return Object.fromEntries(
    n.weights.map((w) => [
      w.name,
      numbers(
        w.name,
        w.shape.reduce((product, size) => product * value(size), 1),
      ),
    ]),
  );
}
const close = (got: ArrayLike<number>, want: ArrayLike<number>): void => {
  expect(got.length).toBe(want.length);
  for (let k = 0; k < want.length; k++) expect(Math.abs(got[k] - want[k])).toBeLessThan(1e-12 * Math.max(1, Math.abs(want[k])));
};
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const matvec = (w: ArrayLike<number>, x: ArrayLike<number>, rows: number): number[] =>
  Array.from({ length: rows }, (_, i) => Array.from({ length: x.length }, (_, j) => w[i * x.length + j] * x[j]).reduce((a, b) => a + b, 0));
const plus = (...terms: readonly number[][]): number[] => terms[0].map((_, k) => terms.reduce((sum, term) => sum + term[k], 0));
const times = (a: number[], b: number[]): number[] => a.map((x, k) => x * b[k]);
/** x[t, b, …] */
const row = (x: ArrayLike<number>, t: number, b: number, width: number, batch = 2): number[] =>
  Array.from({ length: width }, (_, k) => x[(t * batch + b) * width + k]);

const LSTM = `lstm(x) → h
  i = σ(Wxi·x + Whi·h[t-1] + wci∘c[t-1] + bi)
  f = σ(Wxf·x + Whf·h[t-1] + wcf∘c[t-1] + bf)
  c = f∘c[t-1] + i∘tanh(Wxc·x + Whc·h[t-1] + bc)
  o = σ(Wxo·x + Who·h[t-1] + wco∘c + bo)
  h = o∘tanh(c)
`;
const SIZES = { D: 3, H: 4 };

function lstmByHand(w: Record<string, number[]>, x: number[], T: number): { h: number[]; i: number[]; c: number[] } {
  const out = { h: Array.from<number>({ length: T * 8 }), i: Array.from<number>({ length: T * 8 }), c: Array.from<number>({ length: T * 8 }) };
  for (let b = 0; b < 2; b++) {
    let h = [0, 0, 0, 0];
    let c = [0, 0, 0, 0];
    for (let t = 0; t < T; t++) {
      const xt = row(x, t, b, 3);
      const before = (g: string): number[] => plus(matvec(w[`Wx${g}`], xt, 4), matvec(w[`Wh${g}`], h, 4), w[`b${g}`]);
      const i = plus(before("i"), times(w.wci, c)).map(sigmoid);
      const f = plus(before("f"), times(w.wcf, c)).map(sigmoid);
      const next = plus(times(f, c), times(i, before("c").map(Math.tanh)));
      const o = plus(before("o"), times(w.wco, next)).map(sigmoid);
      c = next;
      h = times(o, c.map(Math.tanh));
      for (let k = 0; k < 4; k++)
        for (const [name, value] of [
          ["h", h],
          ["i", i],
          ["c", c],
        ] as const)
          out[name][(t * 2 + b) * 4 + k] = value[k];
    }
  }
  return out;
}

test("peephole LSTM by hand; every name has its node", () => {
  const n = network(LSTM);
  const graph = build(n, variant(SIZES, ["h", "i", "c", "h[T]"]));
  const want = lstmByHand(weightsOf(n, SIZES), numbers("x", 30), 5);
  const got = run(graph, 5);
  close(got.h, want.h);
  close(got.i, want.i);
  close(got.c, want.c);
  close(got["h[T]"], want.h.slice(32));
  expect(graph.nodes.filter((node) => node.op === "scan")).toHaveLength(1);
  const body = graph.nodes.find((node) => node.op === "scan")!.attributes.scan!;
  expect(body.stateNames).toEqual(["h", "c"]);
  expect(body.body.nodes.flatMap((node) => node.name ?? [])).toEqual(["i", "f", "c", "o", "h"]);
});

test("padded sequences are as if alone, zero in padding, and keep their last state", () => {
  const n = network(LSTM);
  const graph = build(n, variant(SIZES, ["h", "h[T]"], { lengths: true }));
  const x = numbers("x", 30);
  const valid = Array.from({ length: 10 }, (_, k) => (k % 2 === 0 || k < 6 ? 1 : 0)); // lengths 5 and 3
  const got = run(graph, 5, { x, valid, lengths: [5, 3] });
  const want = lstmByHand(weightsOf(n, SIZES), x, 5).h;
  for (let t = 0; t < 5; t++) {
    close(row(got.h, t, 0, 4), row(want, t, 0, 4));
    close(row(got.h, t, 1, 4), t < 3 ? row(want, t, 1, 4) : [0, 0, 0, 0]);
  }
  close(got["h[T]"].slice(4), row(want, 2, 1, 4));
});

test("padding with values that overflow does not leak", () => {
  const n = network("m(x) → y\n  a = log(x)\n  y = W·a + V·a[t-1]\n  loss = sum(y)");
  const graph = build(n, variant({ D: 2, H: 2 }, ["y", "loss"], { lengths: true }));
  const got = run(graph, 2, { x: [1, 2, 3, 4, 5, 6, -1, 0], valid: [1, 1, 1, 0], lengths: [2, 1], loss_weight: [0.25, 0.25, 0.25, 0.25] });
  expect([...got.y, ...got.loss].every(Number.isFinite)).toBe(true);
});

test("a document begins anew; streaming in chunks is one run", () => {
  const text = `m(x) → y
  h = tanh(W·x + U·h[t-1] + V·h[t-2])
  y = A·h + B·x[t-1] + C·h[t-2]
  where h[0] = h0, h[-1] = 0.5`;
  const n = network(text);
  const sizes = { D: 3, H: 4, H2: 2 };
  const x = numbers("x", 42);
  const whole = run(build(n, variant(sizes, ["y"])), 7, { x });
  const alone = run(build(n, variant(sizes, ["y"])), 4, { x: x.slice(18) });
  const reset = Array.from({ length: 14 }, (_, k) => (k < 2 || k === 6 || k === 7 ? 1 : 0));
  const parts = run(build(n, variant(sizes, ["y"], { reset: true })), 7, { x, reset });
  close(parts.y.slice(0, 12), whole.y.slice(0, 12));
  close(parts.y.slice(12), alone.y);

  const streamed = build(n, variant(sizes, ["y"], { initial: "carried" }));
  const states = streamed.outputs.map((output) => output.name).filter((name) => name.startsWith("state:"));
  expect(states.sort()).toEqual(["state:h", "state:h~2", "state:x"]);
  const first = run(streamed, 3, {
    x: x.slice(0, 18),
    "state:h": [...weightsOf(n, sizes).h0, ...weightsOf(n, sizes).h0],
    "state:h~2": Array.from({ length: 8 }, () => 0.5),
    "state:x": Array.from({ length: 6 }, () => 0),
  });
  const second = run(streamed, 4, { x: x.slice(18), ...Object.fromEntries(states.map((name) => [name, first[name]])) });
  expect([...first.y, ...second.y]).toEqual([...whole.y]);
});

test("what is looked ahead at has the value that is given after its last step, at the end of every sequence and document", () => {
  const n = network("m(x) → y\n  h = 2 * x\n  y = h[t+1] + 10 * h[t+2]\n  where x ∈ ℝ, h[T+1] = 7, h[T+2] = 5");
  const x = [1, 1, 2, 2, 3, 3];
  const given = variant({}, ["y"], { lengths: true });
  const [first, second] = [0, 1].map((b) =>
    [...run(build(n, given), 3, { x, lengths: [3, 2], valid: [1, 1, 1, 1, 1, 0] }).y].filter((_, k) => k % 2 === b),
  );
  expect(first).toEqual([4 + 60, 6 + 70, 7 + 50]);
  expect(second).toEqual([4 + 70, 7 + 50, 0]);
  const documents = run(build(n, variant({}, ["y"], { reset: true, batch: 1 })), 3, { x: [1, 2, 3], reset: [1, 0, 1] }).y;
  expect([...documents]).toEqual([4 + 70, 7 + 50, 7 + 50]);
});

test("what is given for the step after the last is not read two steps after the end of a padded sequence", () => {
  const n = network("m(x) → y\n  h = 2 * x\n  y = h[t+1] + 10 * h[t+2]\n  where x ∈ ℝ, h[T+1] = 7");
  const given = variant({}, ["y"], { lengths: true });
  const second = [...run(build(n, given), 3, { x: [1, 1, 2, 2, 3, 3], lengths: [3, 2], valid: [1, 1, 1, 1, 1, 0] }).y].filter((_, k) => k % 2 === 1);
  expect(second).toEqual([4 + 70, 7, 0]);
});

test("a chunk of one step carries a delay of two", () => {
  const n = network("m(x) → y\n  y = W·x[t-2]");
  const sizes = { D: 1, H: 1 };
  const graph = build(n, variant(sizes, ["y"], { initial: "carried" }));
  let state: Given = { "state:x": [0, 0], "state:x~2": [0, 0] };
  const seen: number[] = [];
  for (let t = 0; t < 4; t++) {
    const got = run(graph, 1, { x: [t + 1, 10 * (t + 1)], W: [1], ...state });
    seen.push(got.y[0]);
    state = { "state:x": got["state:x"], "state:x~2": got["state:x~2"] };
  }
  expect(seen).toEqual([0, 0, 1, 2]);
});

test("a recurrence backwards in time is the forward one on the reversed sequence", () => {
  const n = network("m(x) → a, b\n  a = tanh(W·x + U·a[t-1])\n  b = tanh(W·x + U·b[t+1])");
  const sizes = { D: 3, H: 4 };
  const x = numbers("x", 24);
  const reversed = [3, 2, 1, 0].flatMap((t) => [...row(x, t, 0, 3), ...row(x, t, 1, 3)]);
  const got = run(build(n, variant(sizes, ["a", "b", "b[T]"])), 4, { x });
  const back = run(build(n, variant(sizes, ["a"])), 4, { x: reversed });
  for (let t = 0; t < 4; t++) close(row(got.b, t, 1, 4), row(back.a, 3 - t, 1, 4));
  close(got["b[T]"], got.b.slice(0, 8));
  // In padding its state stays initial, so it starts at the last valid step.
  const padded = run(build(n, variant(sizes, ["b"], { lengths: true })), 4, { x, valid: [1, 1, 1, 1, 1, 0, 1, 0], lengths: [4, 2] });
  const short = run(build(n, variant(sizes, ["b"])), 2, { x: x.slice(0, 12) });
  close(row(padded.b, 0, 1, 4), row(short.b, 0, 1, 4));
  close(row(padded.b, 3, 0, 4), row(got.b, 3, 0, 4));
});

test("convolutions: causal, dilated, centred, depthwise", () => {
  const x = numbers("x", 20);
  const at = (t: number, b: number): number[] => (t < 0 || t > 4 ? [0, 0] : row(x, t, b, 2));
  const check = (options: string, taps: (t: number, j: number) => number, count: number): void => {
    const n = network(`c(x) → y\n  y = W ∗ x\n  where W : ${options}`);
    const graph = build(n, variant({ D: 2, H: 3 }, ["y"]));
    const w = weightsOf(n, { D: 2, H: 3 }).W;
    const ahead = [1, 2, 3].map((k) => [`x@${k}`, Array.from({ length: 5 }, (_, t) => [...at(t + k, 0), ...at(t + k, 1)]).flat()]);
    const got = run(graph, 5, { x, ...Object.fromEntries(ahead) });
    for (let t = 0; t < 5; t++) {
      const want = plus(...Array.from({ length: count }, (_, j) => matvec(w.slice(j * 6, j * 6 + 6), at(taps(t, j), 1), 3)));
      close(row(got.y, t, 1, 3), want);
    }
  };
  check("kernel 3", (t, j) => t - j, 3);
  check("kernel 2, dilation 2", (t, j) => t - 2 * j, 2);
  check("kernel 3, same", (t, j) => t + 1 - j, 3);
  const depth = network("c(x) → y\n  y = w ∗ x\n  where w : kernel 2, depthwise");
  const got = run(build(depth, variant({ D: 2 }, ["y"])), 5, { x });
  const w = weightsOf(depth, { D: 2 }).w;
  close(row(got.y, 3, 0, 2), plus(times(w.slice(0, 2), at(3, 0)), times(w.slice(2), at(2, 0))));
});

test("causal attention by hand, with a window and with documents", () => {
  const text = (bound: string): string =>
    `attention(x) → y
  q[n] = Wq[n]·x
  k[n] = Wk[n]·x
  a[n,s] = softmax_s(q[n]·k[n,s] / √K)
  y = Σ_n Wo[n]·(Σ_s a[n,s] * (Wv[n]·x)[s])
  where ${bound}, n ∈ 1..N, q[n] ∈ ℝ^K`
      .replace("(Wv[n]·x)[s]", "v[n,s]")
      .replace("  a[n", "  v[n] = Wv[n]·x\n  a[n");
  const sizes = { N: 2, K: 3, D: 2, V: 2, H: 3, W: 2 };
  const x = numbers("x", 16);
  const byHand = (allowed: (t: number, s: number) => boolean, w: Record<string, number[]>): number[] => {
    const y: number[] = [];
    for (let t = 0; t < 4; t++) {
      for (let b = 0; b < 2; b++) {
        let sum = [0, 0, 0];
        for (let head = 0; head < 2; head++) {
          const of = (name: string, rows: number, s: number): number[] =>
            matvec(w[name].slice(head * rows * 2, (head + 1) * rows * 2), row(x, s, b, 2), rows);
          const open = [0, 1, 2, 3].filter((s) => allowed(t, s));
          const scores = open.map((s) => Math.exp(times(of("Wq", 3, t), of("Wk", 3, s)).reduce((p, r) => p + r, 0) / Math.sqrt(3)));
          const total = scores.reduce((p, r) => p + r, 0);
          const read = open.map((s, k) => of("Wv", 2, s).map((value) => (value * scores[k]) / total)).reduce((p, r) => plus(p, r), [0, 0]);
          sum = plus(sum, matvec(w.Wo.slice(head * 6, head * 6 + 6), read, 3));
        }
        y.push(...sum);
      }
    }
    return y;
  };
  const causal = network(text("s ≤ t"));
  close(
    run(build(causal, variant(sizes, ["y"])), 4, { x }).y,
    byHand((t, s) => s <= t, weightsOf(causal, sizes)),
  );
  const windowed = network(text("t-W < s ≤ t"));
  close(
    run(build(windowed, variant(sizes, ["y"])), 4, { x }).y,
    byHand((t, s) => s <= t && s > t - 2, weightsOf(windowed, sizes)),
  );
  const whole = network(text("s ∈ 1..T"));
  close(
    run(build(whole, variant(sizes, ["y"])), 4, { x }).y,
    byHand(() => true, weightsOf(whole, sizes)),
  );
  const strict = network(text("s < t"));
  expect(Array.from(run(build(strict, variant(sizes, ["y"])), 4, { x }).y.slice(0, 6))).toEqual([0, 0, 0, 0, 0, 0]);
  const reset = [1, 1, 0, 0, 1, 1, 0, 0];
  close(
    run(build(causal, variant(sizes, ["y"], { reset: true })), 4, { x, reset }).y,
    byHand((t, s) => s <= t && s >= (t < 2 ? 0 : 2), weightsOf(causal, sizes)),
  );
});

test("losses are the careful forms of their definitions", () => {
  const n = network(
    "m(x, token, y) → p\n  p = W·x\n  a = cross_entropy(p, token)\n  b = binary_cross_entropy(p, y)\n  c = mse(p, y)\n  d = huber(p, y, 0.5)\n  e = mae(p, y)\n  loss = a",
  );
  const got = run(build(n, variant({ V: 3, D: 3 }, ["p", "a", "b", "c", "d", "e", "loss", "loss_steps"])), 2, {
    token: [0, 1, 2, 0],
    loss_weight: [0.1, 0.2, 0.3, 0.4],
  });
  const y = numbers("y", 12);
  for (let k = 0; k < 4; k++) {
    const p = Array.from(got.p.slice(3 * k, 3 * k + 3));
    const t = y.slice(3 * k, 3 * k + 3);
    const each = (f: (p: number, t: number) => number): number => p.reduce((sum, value, j) => sum + f(value, t[j]), 0);
    close([got.a[k]], [Math.log(each((v) => Math.exp(v))) - p[[0, 1, 2, 0][k]]]);
    close([got.b[k]], [each((v, u) => -u * Math.log(sigmoid(v)) - (1 - u) * Math.log(1 - sigmoid(v)))]);
    close([got.c[k]], [each((v, u) => (v - u) ** 2) / 3]);
    close([got.d[k]], [each((v, u) => (Math.abs(v - u) <= 0.5 ? (v - u) ** 2 / 2 : 0.5 * (Math.abs(v - u) - 0.25))) / 3]);
    close([got.e[k]], [each((v, u) => Math.abs(v - u)) / 3]);
  }
  close([...got.loss], [0.1 * got.a[0] + 0.2 * got.a[1] + 0.3 * got.a[2] + 0.4 * got.a[3]]);
  expect([...got.loss_steps]).toEqual([...got.a]);
});

test("functions of vectors and their textbook forms", () => {
  const functions: [string, (x: number[]) => number[]][] = [
    ["softmax(a)", (x) => x.map((v) => Math.exp(v) / x.reduce((s, u) => s + Math.exp(u), 0))],
    ["log_softmax(a)", (x) => x.map((v) => v - Math.log(x.reduce((s, u) => s + Math.exp(u), 0)))],
    ["normalize(a)", (x) => x.map((v) => v / Math.sqrt(x.reduce((s, u) => s + u * u, 1e-12)))],
    ["rms_norm(a)", (x) => x.map((v) => v / Math.sqrt(x.reduce((s, u) => s + (u * u) / 4, 1e-6)))],
    [
      "layer_norm(a)",
      (x) => {
        const m = x.reduce((s, u) => s + u / 4, 0);
        return x.map((v) => (v - m) / Math.sqrt(x.reduce((s, u) => s + (u - m) ** 2 / 4, 1e-5)));
      },
    ],
    [
      "sum(a)*a + mean(a) + norm(a)",
      (x) => {
        const s = x.reduce((p, u) => p + u, 0);
        return x.map((v) => s * v + s / 4 + Math.hypot(...x));
      },
    ],
    ["[split(a, 2, 2); split(a, 1, 2)]", (x) => [x[2], x[3], x[0], x[1]]],
    ["diag(a)·a", (x) => x.map((v) => v * v)],
    [
      "softmax(top_k(a, 2))",
      (x) => {
        const kept = [...x].sort((p, q) => q - p).slice(0, 2);
        const total = kept.reduce((s, u) => s + Math.exp(u), 0);
        return x.map((v) => (kept.includes(v) ? Math.exp(v) / total : 0));
      },
    ],
    [
      "clamp(a, -0.2, 0.3) + elu(a) + silu(a) + hard_σ(a) + gelu_tanh(a)",
      (x) =>
        x.map(
          (v) =>
            Math.min(0.3, Math.max(-0.2, v)) +
            (v > 0 ? v : Math.expm1(v)) +
            v * sigmoid(v) +
            Math.min(1, Math.max(0, v / 6 + 0.5)) +
            0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))),
        ),
    ],
    ["a[2]*a + |a| - max(a, 0)", (x) => x.map((v) => x[1] * v + Math.abs(v) - Math.max(v, 0))],
    ["(a⊗a)'·a", (x) => x.map((v) => v * x.reduce((s, u) => s + u * u, 0))],
  ];
  for (const [text, reference] of functions) {
    const n = network(`f(x) → y\n  a = W·x\n  y = ${text}`);
    const got = run(build(n, variant({ H: 4, D: 4 }, ["a", "y"])), 2);
    for (let k = 0; k < 4; k++) {
      const want = reference(Array.from(got.a.slice(4 * k, 4 * k + 4)));
      for (let j = 0; j < 4; j++) expect(got.y[4 * k + j], text).toBeCloseTo(want[j], 10);
    }
  }
});

test("block-diagonal matrices, matrix states, weights per index", () => {
  const n = network("r(x) → y\n  y = W·x\n  where W : block_diagonal 2");
  const got = run(build(n, variant({ D: 4, H: 3 }, ["y"])), 1);
  const w = weightsOf(n, { D: 4, H: 3 }).W;
  const x = numbers("x", 8);
  close(got.y.slice(0, 6), [...matvec(w.slice(0, 6), x.slice(0, 2), 3), ...matvec(w.slice(6), x.slice(2, 4), 3)]);

  const delta = network(`d(x) → y
  k = normalize(Wk·x)
  v = Wv·x
  S = a*(S[t-1] - b*(S[t-1]·k)⊗k) + b*(v⊗k)
  y = S·(Wq·x)
  where a ∈ ℝ, b ∈ ℝ`);
  const sizes = { D: 2, K: 3, V: 2 };
  const out = run(build(delta, variant(sizes, ["y", "S[T]"])), 3);
  const m = weightsOf(delta, sizes);
  let S = [0, 0, 0, 0, 0, 0];
  const input = numbers("x", 12);
  for (let t = 0; t < 3; t++) {
    const xt = row(input, t, 1, 2);
    const raw = matvec(m.Wk, xt, 3);
    const k = raw.map((value) => value / Math.sqrt(raw.reduce((s, u) => s + u * u, 1e-12)));
    const v = matvec(m.Wv, xt, 2);
    const read = matvec(S, k, 2);
    S = S.map((value, at) => m.a[0] * (value - m.b[0] * read[Math.floor(at / 3)] * k[at % 3]) + m.b[0] * v[Math.floor(at / 3)] * k[at % 3]);
    close(row(out.y, t, 1, 2), matvec(S, matvec(m.Wq, xt, 3), 2));
  }
  close(out["S[T]"].slice(6), S);
});

test("dropout and zoneout: masks in training, expectation otherwise", () => {
  const n = network("d(x) → y, z\n  y = dropout(x, 0.25)\n  z = dropout(x, 0.25, shared = 1)\n  h = zoneout(x, h[t-1], 0.5)");
  const x = Array.from({ length: 8 * 200 }, () => 1);
  const still = run(build(n, variant({ D: 4 }, ["y", "h"])), 200, { x });
  expect(new Set(still.y)).toEqual(new Set([1]));
  expect(still.h[8]).toBe(0.75);
  const graph = build(n, variant({ D: 4 }, ["y", "z", "h"], { mode: "train" }));
  const drawn = run(graph, 200, { x, seed: [1] });
  const kept = [...drawn.y].filter((value) => value !== 0);
  expect(new Set(kept)).toEqual(new Set([1 / 0.75]));
  expect(kept.length / 1600).toBeGreaterThan(0.7);
  expect(kept.length / 1600).toBeLessThan(0.8);
  expect(drawn.z.slice(0, 8)).toEqual(drawn.z.slice(800, 808));
  expect(new Set(drawn.h)).toEqual(new Set([0, 1]));
  expect(run(graph, 200, { x, seed: [2] }).y).not.toEqual(drawn.y);
});

test("weight noise moves every weight at every run, and only in training", () => {
  const n = network("d(x) → y\n  y = W·x");
  const noisy = variant({ D: 40, H: 50 }, ["y"], { mode: "train", weightNoise: 0.1 });
  const x = Array.from({ length: 80 }, (_, k) => (k === 0 ? 1 : 0));
  const column = (seed: number): number[] =>
    Array.from(run(build(n, noisy), 1, { x, W: Array.from({ length: 2000 }, () => 0), seed: [seed] }).y.slice(0, 50));
  const sample = [1, 2, 3, 4, 5, 6, 7, 8].flatMap(column);
  const deviation = Math.sqrt(sample.reduce((s, u) => s + u * u, 0) / sample.length);
  expect(deviation).toBeGreaterThan(0.085);
  expect(deviation).toBeLessThan(0.115);
  expect(build(n, { ...noisy, mode: "evaluate" }).nodes.some((node) => node.op === "random")).toBe(false);
});

test("interventions: constant, given values, frozen at the first step", () => {
  const n = network(LSTM);
  const clamp = (to: NonNullable<Variant["clamps"]>[number]["to"]): Graph => build(n, variant(SIZES, ["h", "f"], { clamps: [{ value: "f", to }] }));
  expect(new Set(run(clamp({ kind: "constant", value: 1 }), 3).f)).toEqual(new Set([1]));
  const given = run(clamp({ kind: "values" }), 3, { "clamp:f": [0.1, 0.2, 0.3, 0.4] });
  expect(Array.from(given.f.slice(8, 12))).toEqual([0.1, 0.2, 0.3, 0.4]);
  const free = run(build(n, variant(SIZES, ["f"])), 3);
  const frozen = run(clamp({ kind: "frozen" }), 3);
  expect([...frozen.f]).toEqual([...free.f.slice(0, 8), ...free.f.slice(0, 8), ...free.f.slice(0, 8)]);
});

test("cotangents: the objective is the sum of all products", () => {
  const n = network(LSTM);
  const graph = build(n, variant(SIZES, ["h", "c", "h[T]"], { gradient: { of: "cotangents", inputs: [] } }));
  const got = run(graph, 2);
  const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => Array.from(a, (value, k) => value * b[k]).reduce((s, u) => s + u, 0);
  close(got.objective, [
    dot(got.h, numbers("cotangent:h", 16)) + dot(got.c, numbers("cotangent:c", 16)) + dot(got["h[T]"], numbers("cotangent:h[T]", 8)),
  ]);
});

test("what a run cannot have is said with a code", () => {
  const n = network(LSTM);
  const code = (make: () => unknown): string => {
    try {
      make();
    } catch (error) {
      return (error as { code: string }).code;
    }
    return "none";
  };
  expect(code(() => build(n, variant({ D: 3 }, ["h"])))).toBe("E453");
  expect(code(() => build(n, variant({ D: 3, H: 1.5 }, ["h"])))).toBe("E451");
  expect(code(() => build(n, variant(SIZES, ["loss"])))).toBe("E458");
  expect(code(() => build(network("b(x) → h\n  h = tanh(W·x + U·h[t+1])"), variant(SIZES, ["h"], { initial: "carried" })))).toBe("E460");
});
