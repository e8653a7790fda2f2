import fc from "fast-check";
import { expect, test } from "vitest";
import { printLatex } from "../../ir/syntax/latex.ts";
import { readLatex } from "./latex.ts";
import { parse } from "./parse.ts";

function read(text: string): string {
  const { text: gate, notes } = readLatex({ name: "x.tex", text });
  expect(notes).toEqual([]);
  expect(parse({ name: "x.gate", text: gate }).diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  return gate;
}

test("the LSTM of Graves 2013, pasted", () => {
  const latex = String.raw`
\begin{align}
  i_t &= \sigma\left(W_{xi} x_t + W_{hi} h_{t-1} + W_{ci} \odot c_{t-1} + b_i\right) \tag{7} \\
  \mathbf{f}_t &= \sigma(\mathbf{W}_{xf} \mathbf{x}_t + W_{hf} h_{t-1} + W_{cf}\odot c_{t-1} + b_f) \\
  c_t &= f_t \odot c_{t-1} \\
      &\quad + i_t \circ \tanh(W_{xc}x_t + W_{hc}h_{t-1} + b_c), \\[2pt]
  o_t &= \sigma(W_{xo}x_t + W_{ho}h_{t-1} + W_{co}\odot c_t + b_o) \\
  h_t &= o_t \odot \tanh(c_t)
\end{align}`;
  expect(read(latex)).toBe(`i = σ(W_xi·x[t] + W_hi·h[t-1] + W_ci∘c[t-1] + b_i)  # (7)
f = σ(W_xf·x[t] + W_hf·h[t-1] + W_cf∘c[t-1] + b_f)
c = f∘c[t-1] + i∘tanh(W_xc·x[t] + W_hc·h[t-1] + b_c)
o = σ(W_xo·x[t] + W_ho·h[t-1] + W_co∘c + b_o)
h = o∘tanh(c)
`);
});

test.each([
  [String.raw`\tilde{h}_t = \tanh(W x_t + U (r_t \odot h_{t-1}))`, "h̃ = tanh(W·x[t] + U·(r[t]∘h[t-1]))"],
  [String.raw`$$ h^{(t)} = \mathrm{ReLU}\bigl( W [h^{(t-1)}, x^{(t)}] \bigr) $$`, "h = relu(W·[h[t-1]; x[t]])"],
  [String.raw`\log \alpha_t = -8\, \operatorname{softplus}(\Lambda) \odot r_t`, "log α = -8*softplus(Λ)∘r[t]"],
  [String.raw`S_t = \alpha_t S_{t-1} + \beta_t v_t k_t^\top, \quad o_t = S_t^{\top} q_t`, "S = α[t]*S[t-1] + β[t]*(v[t]⊗k[t])\no = Sᵀ·q[t]"],
  [
    String.raw`a_{ts} = \mathrm{softmax}_s\left(\frac{q_t^\top k_s}{\sqrt{d_k}}\right) \\ y_t = \sum_{s=1}^{t} a_{ts} v_s`,
    "a[s] = softmax_s(q[t]·k[s]/√d_k)\ny = Σ_s a[s]*v[s]\nwhere s ≤ t",
  ],
  [
    String.raw`\bar{z}^t = \frac{1}{2} (1 - z')^2 + e^{-x_t} + |x_t| \\ W_z, U \in \mathbb{R}^{H \times D}`,
    "z̄ = 1/2*(1 - z′)^2 + exp(-x[t]) + |x[t]|\nwhere W_z, U ∈ ℝ^{H×D}",
  ],
  [String.raw`h_t = \operatorname{gated net}^{(12)}(W x_t)`, "h = repeat 12 gated_net(W·x[t])"],
  [String.raw`y_t = \sum_{j=0}^{2} W_j x_{t-1} % taps`, "y = Σ_j W[j]·x[t-1]\n# taps\nwhere j ∈ 0..2"],
])("%s", (latex, gate) => {
  expect(read(latex).trimEnd()).toBe(gate);
});

test.each([
  ["f_t c_{t-1} + (1 - z_t) \\tanh(W x_t)", "f[t]*c[t-1] + (1 - z[t])*tanh(W·x[t])"],
  ["S_{t-1} (\\mathbf{I} - \\beta_t k_t k_t^\\top)", "S[t-1] - β[t]*(S[t-1]·k[t]⊗k[t])"],
  ["(I - \\beta_t k_t k_t^\\top) S_{t-1}", "S[t-1] - β[t]*(k[t]⊗S[t-1]ᵀ·k[t])"],
  ["r_j [U h^{\\langle t-1 \\rangle}]_j", "r*U·h[t-1]"],
  ["\\sigma(W x_t) \\otimes (V x_t)", "σ(W·x[t])∘V·x[t]"],
  ["\\tilde{\\mathbf{c}}_{t-1} W^1 x_t + W_{\\mathrm{gate}}^2 x_t", "c̃[t-1]·W1·x[t] + W_gate2·x[t]"],
  ["\\mathrm{Linear}(x_t) + \\mathrm{Linear}(h_{t-1})", "W_y·x[t] + b_y + (W_y2·h[t-1] + b_y2)"],
])("a guess is told: %s", (latex, gate) => {
  const { text, notes } = readLatex({ name: "x.tex", text: `y_t = ${latex}` });
  expect(text.trimEnd()).toBe(`y = ${gate}`);
  expect(new Set(notes.map(({ code }) => code))).toEqual(latex.includes("gate") ? new Set() : new Set(["W003"]));
});

test("sentences between formulas are no factors", () => {
  const text =
    "The state of the unit is\n$$h_t = z_t \\odot x_t$$\nwhere $\\odot$ is the elementwise product, and the gate is $z_t = \\sigma(W x_t)$ as before.";
  const { text: gate } = readLatex({ name: "x.tex", text });
  expect(gate.split("\n").filter((line) => !line.startsWith("#") && line !== "")).toEqual(["h = z∘x[t]", "z = σ(W·x[t])"]);
});

test("a block prints as LaTeX, which reads back", () => {
  const text = `# Chung et al. 2014
gru(x) → h
  z = σ(Wz·x + Uz·h[t-1])
  h̃ = tanh(Wh·x + Uh·(r∘h[t-1]))  # candidate
  h = (1 - z)∘h[t-1] + z∘h̃
  α = σ(wα·x + bα)
  where bα ~ 1, wα ∈ ℝ^D
`;
  const latex = printLatex(parse({ name: "x", text }).file);
  expect(latex).toBe(String.raw`% Chung et al. 2014
\begin{aligned}
  z_t &= \sigma(W_z \, x_t + U_z \, h_{t-1}) \\
  \tilde{h}_t &= \tanh(W_h \, x_t + U_h \, (r \odot h_{t-1})) \\ % candidate
  h_t &= (1 - z_t) \odot h_{t-1} + z_t \odot \tilde{h}_t \\
  \alpha_t &= \sigma(w_{\alpha} \, x_t + b_{\alpha}) \\
  &\text{where } b_{\alpha} \sim 1,\; w_{\alpha} \in \mathbb{R}^{D}
\end{aligned}
`);
  expect(read(latex)).toBe(`# Chung et al. 2014
z = σ(W_z·x[t] + U_z·h[t-1])
h̃ = tanh(W_h·x[t] + U_h·(r∘h[t-1]))
# candidate
h = (1 - z)∘h[t-1] + z∘h̃
α = σ(wα·x[t] + bα)
where bα ~ 1, wα ∈ ℝ^D
`);
});

test("a transposed name before the input is a vector of weights", () => {
  const gate = String.raw`\alpha_t = \sigma(w_\alpha^\top x_t + b_\alpha)`;
  expect(read(gate)).toBe("α = σ(wα·x[t] + bα)\nwhere wα ∈ ℝ^D\n");
  // Not where shapes are declared, nor between values that change over time.
  expect(read(String.raw`${gate} \\ \text{where } b_\alpha \in \mathbb{R}`)).toBe("α = σ(wα·x[t] + bα)\nwhere bα ∈ ℝ\n");
  expect(read(String.raw`a_t = q_t^\top x_t`)).toBe("a = q[t]·x[t]\n");
});

test("blocks as arguments and repetition print as LaTeX", () => {
  const text = "twice(f, x) → y\n  y = x + repeat 2 f(x)\n\nnet(x) → h\n  h = repeat 12 twice(gated_delta, x)\n";
  const latex = printLatex(parse({ name: "x", text }).file);
  expect(latex).toContain("y_t &= x_t + \\operatorname{f}^{(2)}(x_t)");
  expect(latex).toContain("h_t &= \\operatorname{twice}^{(12)}(\\mathrm{gated delta}, x_t)");
  expect(read("h_t = \\operatorname{twice}^{(12)}(\\mathrm{gated delta}, x_t)")).toBe("h = repeat 12 twice(gated_delta, x[t])\n");
});

test("nothing is lost and nothing thrown, whatever the LaTeX", () => {
  const pieces = [
    ..."xWhct12+-=_^{}()[]|',&%$\\ \n*/<",
    "\\sigma",
    "\\tanh",
    "\\\\",
    "_{t-1}",
    "\\frac",
    "\\sqrt",
    "\\sum_s",
    "\\mathrm{softmax}_s",
    "\\tilde",
    "\\odot",
    "^\\top",
    "\\begin{aligned}",
    "\\in",
    "\\text{where}",
    "\\left(",
    "\\foo",
    "é",
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 40 }), (parts) => {
      const text = parts.join("");
      const { text: gate, notes } = readLatex({ name: "x.tex", text });
      for (const { span } of notes) expect(span.start <= span.end && span.end <= text.length).toBe(true);
      parse({ name: "x.gate", text: gate });
    }),
    { numRuns: 5000 },
  );
});

test.each(["{", "\\frac", "\\tanh ", "x_{", "a,", "a=b,", "\\text{", "\\begin{a}{", "(x", "x^{(x)", "a=\n", "a \\\\ ", "\\hat ", "W x "])(
  "LaTeX takes linear time: %j",
  (fragment) => {
    const time = (length: number): number => {
      const text = `y = ${fragment.repeat(Math.ceil(length / fragment.length))}`;
      const start = performance.now();
      readLatex({ name: "x.tex", text });
      return performance.now() - start;
    };
    time(10_000);
    let ratio = Infinity;
    for (let attempt = 0; attempt < 5 && ratio > 16; attempt++) ratio = time(80_000) / Math.max(5, time(10_000));
    expect(ratio).toBeLessThan(16);
  },
);
