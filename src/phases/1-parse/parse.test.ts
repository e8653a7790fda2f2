import fc from "fast-check";
import { expect, test } from "vitest";
import { asciiName, canonicalName } from "../../ir/syntax/names.ts";
import type { Expression } from "../../ir/syntax/node.ts";
import { printExpression, printFile } from "../../ir/syntax/print.ts";
import { parse } from "./parse.ts";

/** The expression with every bracket that its structure needs. */
function shown(e: Expression): string {
  if (e.kind === "binary") return `(${shown(e.left)} ${e.op} ${shown(e.right)})`;
  if (e.kind === "unary") return `${e.op}(${shown(e.operand)})`;
  if (e.kind === "reduction") return `${e.op}[${e.index.name}](${shown(e.body)})`;
  if (e.kind === "subscript") return `${shown(e.base)}[${e.subscripts.map((s) => (s.kind === "time" ? `@${s.lag}` : shown(s.value))).join()}]`;
  if (e.kind === "call" && e.repeat) return `${shown(e.repeat)}×${shown({ ...e, repeat: undefined })}`;
  if (e.kind === "call") return `${e.callee.name}(${[...e.args.map(shown), ...e.named.map((n) => `${n.name.name}=${shown(n.value)}`)].join()})`;
  if (e.kind === "absolute") return `abs(${shown(e.operand)})`;
  if (e.kind === "concatenation") return `cat(${e.parts.map(shown).join()})`;
  return e.kind === "name" ? e.name : String(e.value);
}

function read(text: string): string {
  const { file, diagnostics } = parse({ name: "x.gate", text: `y = ${text}` });
  if (diagnostics.length > 0) return diagnostics.map(({ code }) => code).join();
  const item = file.blocks[0]!.items[0]!;
  return item.kind === "definition" ? shown(item.value) : item.kind;
}

test.each([
  ["r∘U·h", "(r hadamard (U product h))"],
  ["S·k⊗k", "((S product k) outer k)"],
  ["-a·b - c", "((neg(a) product b) sub c)"],
  ["-a^2", "neg((a power 2))"],
  ["2^-n^2", "(2 power neg((n power 2)))"],
  ["a - b - c", "((a sub b) sub c)"],
  ["a^b^c", "(a power (b power c))"],
  ["Wg ∗ x + b", "((Wg convolve x) add b)"],
  ["outer(u, v) * conv(W, x)", "((u outer v) mul (W convolve x))"],
  ["q[n]·k[n,s] / √K", "((q[n] product k[n,s]) div sqrt(K))"],
  ["Σ_s a[n,s] * v[n,s] + 1", "(sum[s]((a[n,s] mul v[n,s])) add 1)"],
  ["sum_s(a) * v", "(sum[s](a) mul v)"],
  ["softmax_s(e[s])·v", "(softmax[s](e[s]) product v)"],
  ["Σₛ a[s]", "sum[s](a[s])"],
  ["W_{xi}·x_t + W_hi @ h_{t-1}", "((W_xi product x[@0]) add (W_hi product h[@1]))"],
  ["Wₓᵢ·xₜ₋₂ + token[t+1]", "((W_xi product x[@2]) add token[@-1])"],
  ["a_ts + a_{t,s} + k_{n,s-1}", "((a_ts add a[@0,s]) add k[n,(s sub 1)])"],
  ["W'·h′ + Wᵀ·h^T + x²", "(((transpose(W) product h′) add (transpose(W) product transpose(h))) add (x power 2))"],
  ["𝑾⋅ℎ − 𝝈(z)◦c ⊙ d", "((W product h) sub ((σ(z) hadamard c) hadamard d))"],
  ["|a - |b|| + ‖k‖", "(abs((a sub abs(b))) add norm(k))"],
  ["[x; h[t-1]]", "cat(x,h[@1])"],
  ["e + repeat 3 residual(lstm, e)·x", "(e add (3×residual(lstm,e) product x))"],
  ["repeat L f(x)", "L×f(x)"],
  ["repeat * repeat(3) + repeat[t-1]", "((repeat mul repeat(3)) add repeat[@1])"],
  ["repeat 3 x", "E004,E003"],
  ["repeat 2 outer(u, v)", "E034"],
  ["r.c + h.2.c[t-1] - h.10.f.c·2.5", "((r.c add h.2.c[@1]) sub (h.10.f.c product 2.5))"],
  ["dropout(x, p = 0.1) + max(a, 0)", "(dropout(x,p=0.1) add max(a,0))"],
  ["alpha * h_tilde .* c_hat", "((α mul h̃) hadamard ĉ)"],
  ["2.*x + 1e-3*.5", "((2 hadamard x) add (0.001 mul 0.5))"],
  ["log_sigmoid(x) + log_σ(x)", "(log_σ(x) add log_σ(x))"],
  ["a\n  + b\n  · c", "(a add (b product c))"],
  ["f(a,\n p = b)", "f(a,p=b)"],
  ["W x", "E003"],
  ["2 x", "E004"],
])("%s", (text, expected) => {
  expect(read(text)).toBe(expected);
});

test("declarations of every kind, in both spellings", () => {
  const unicode = `f(x) → y
  y = x
  where bf ~ 1, Λ ~ uniform(0.9, 0.999), wα, wβ ∈ ℝ^D, W ∈ ℝ^{H×D}, q[n] ∈ ℝ^K, n ∈ 1..N, t-W < s ≤ t, h[0] = 0, h[-1] = c0, Wg, Wf : kernel 3, dilation 2, gate i, f
`;
  const ascii = `f(x) -> y
  y = x
  where bf ~ 1, Lambda ~ uniform(0.9, 0.999), w_alpha, w_beta in R^D, W in R^(H, D), q[n] in R^K, n in 1..N, t-W < s <= t,
    h_0 = 0, h[-1] = c_0, Wg, Wf : kernel 3, dilation 2, gate i, f
`;
  const a = parse({ name: "a", text: unicode });
  const b = parse({ name: "b", text: ascii });
  expect([...a.diagnostics, ...b.diagnostics]).toEqual([]);
  expect(printFile(b.file).replace("c_0", "c0")).toBe(printFile(a.file));
  const item = a.file.blocks[0]!.items[1]!;
  expect(item.kind === "where" && item.declarations.map(({ kind }) => kind).join(" ")).toBe(
    "distribution distribution shape shape shape range bound initial initial option gate",
  );
});

test("names have one canonical form, and an ASCII spelling that reads back", () => {
  const same = [
    ["α", "alpha", "𝛼"],
    ["h̃", "h_tilde", "h̃".normalize("NFD")],
    ["ĉ", "c_hat"],
    ["wα", "w_alpha", "w_α"],
    ["W_xi"],
    ["σ", "sigmoid", "sigma"],
    ["h′", "h_prime"],
    ["Wξ", "W_ksi"],
    ["ξ", "xi"],
  ];
  for (const [canonical, ...others] of same) for (const other of [canonical!, ...others]) expect(canonicalName(other)).toBe(canonical);
  const part = fc.constantFrom("h", "W", "xi", "alpha", "α", "β", "tilde", "hat", "̃", "̂", "′", "_", "1", "t", "Σ", "beta", "é", "x");
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
      const name = canonicalName(`a${parts.join("")}`);
      expect(canonicalName(name)).toBe(name);
      expect(canonicalName(asciiName(name))).toBe(name);
    }),
  );
});

test("one missing bracket costs one line and one message", () => {
  const { file, diagnostics } = parse({ name: "x", text: "f(x) → y\n  a = σ(x + b\n  y = a\n  where b ~ 1\n" });
  expect(diagnostics.map(({ code }) => code)).toEqual(["E006"]);
  expect(file.blocks[0]!.items.map(({ kind }) => kind)).toEqual(["definition", "definition", "where"]);
});

test("a canonical expression is printed with its precedence", () => {
  const { file } = parse({ name: "x", text: "y = (1 - z)*(-(a·(b + c)))" });
  const item = file.blocks[0]!.items[0]!;
  expect(item.kind === "definition" && printExpression(item.value)).toBe("(1 - z)*(-(a·(b + c)))");
});
