/**
 * Cases that the fixtures do not hold, made from those they hold: one example alone, the first step alone, no biases, an initial state of 0 that is given. What
 * must come out is known from the case itself, so the adapters are seen with other shapes and options of the same groups.
 */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type FixtureCase, type FixtureTensor, findCases, readCase } from "../../scripts/fixtures/case.ts";
import { ADAPTERS } from "../../scripts/fixtures/groups.ts";
import { sizeOf, stridesOf } from "../../scripts/fixtures/link.ts";
import { prepare } from "../../scripts/fixtures/prepare.ts";
import { createRandom } from "../../src/support/random.ts";
import { compute, runCase } from "../../scripts/fixtures/run.ts";

const places = findCases(join(import.meta.dirname, "../fixtures")).filter(({ group }) => ADAPTERS.has(group));
const cases = places.map(({ group, path }) => readCase(group, path) as FixtureCase);

/** The first `length` entries along an axis. */
function first(tensor: FixtureTensor, axis: number, length: number): FixtureTensor {
  const shape = tensor.shape.map((size, k) => (k === axis ? Math.min(size, length) : size));
  const strides = stridesOf(tensor.shape);
  const places = stridesOf(shape);
  const count = sizeOf(shape);
  const values = new (tensor.values.constructor as Float32ArrayConstructor)(count) as FixtureTensor["values"];
  for (let i = 0; i < count; i++)
    values[i] = tensor.values[strides.reduce((at, stride, k) => at + (Math.floor(i / places[k]) % shape[k]) * stride, 0)];
  return { ...tensor, shape, values };
}

/** The case with every tensor cut along its axes of these names, without the tensors that a cut one leaves unknown. */
function cut(fixture: FixtureCase, axes: readonly string[], unknown: RegExp): FixtureCase {
  const tensors = new Map<string, FixtureTensor>();
  for (const [name, tensor] of fixture.tensors) {
    if (unknown.test(name)) continue;
    tensors.set(
      name,
      tensor.axes.reduce((part, axis, k) => (axes.includes(axis) ? first(part, k, 1) : part), tensor),
    );
  }
  return { ...fixture, tensors };
}

function expectToPass(fixture: FixtureCase): void {
  const [{ passed, reason, worst }] = runCase(fixture, ["interpreter"]);
  expect({ passed, reason, worst: passed ? undefined : worst }).toEqual({ passed: true, reason: undefined, worst: undefined });
}

const named = (list: readonly FixtureCase[]): readonly (readonly [string, FixtureCase])[] => list.map((each) => [`${each.group}/${each.name}`, each]);

describe("one example alone", () => {
  const several = cases.filter(({ tensors }) =>
    [...tensors.values()].some(({ axes, shape }) => axes.some((axis, k) => (axis === "batch" || axis === "token") && shape[k] > 1)),
  );
  test.each(named(several))("%s", (_, fixture) => {
    expectToPass(cut(fixture, ["batch", "token"], /^grad\.(weight|input\.lower_bound)/));
  });
});

describe("the first step alone", () => {
  const looksBack = ({ options, tensors, group }: FixtureCase): boolean =>
    options.bidirectional !== true &&
    !["same", "valid"].includes(String(options.padding)) &&
    (options.causal === true || !("causal" in options)) &&
    options.alignment !== "bottom_right" &&
    [...tensors.values()].some(({ axes, shape }) => axes.some((axis, k) => ["time", "query"].includes(axis) && shape[k] > 1)) &&
    group !== "gated_conv2d";
  test.each(named(cases.filter(looksBack)))("%s", (_, fixture) => {
    const short = cut(fixture, ["time", "time_out", "query", "key"], /^grad|_T|_n$|last_state|_stabilised$/);
    const lengths = short.tensors.get("input.lengths");
    const tensors = new Map(short.tensors);
    if (lengths) tensors.set("input.lengths", { ...lengths, values: lengths.values.map(() => 1) as Int32Array });
    expectToPass({ ...short, tensors });
  });
});

describe("no biases", () => {
  const isBias = (name: string): boolean => /^weight\.(.*bias.*|b|c|b_.*)$/.test(name) && !/dt_bias|delta_bias/.test(name);
  const biased = cases.filter(({ tensors, stress }) => !stress && [...tensors.keys()].some(isBias));
  test.each(named(biased))("%s", (_, fixture) => {
    const zero = new Map(
      [...fixture.tensors].map(([name, tensor]) => [name, isBias(name) ? { ...tensor, values: tensor.values.map(() => 0) as Float32Array } : tensor]),
    );
    const plan = ADAPTERS.get(fixture.group)!.plan;
    const withZeros = { ...fixture, tensors: zero };
    const options = { ...fixture.options, ...("bias" in fixture.options ? { bias: false } : {}) };
    const without = { ...fixture, options, tensors: new Map([...zero].filter(([name]) => !isBias(name.replace(/^grad\./, "")))) };
    const [a, b] = [prepare(withZeros, plan(withZeros)), prepare(without, plan(without))];
    const [want, got] = [compute(a, "interpreter"), compute(b, "interpreter")];
    expect(b.results.length).toBe(a.results.length);
    for (const { array } of b.results) {
      const [x, y] = [want(array)!, got(array)!];
      expect(y.length).toBe(x.length);
      for (let i = 0; i < x.length; i++) expect(Math.abs(y[i] - x[i])).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(x[i])));
    }
  });
});

/** A case of tensors with seeded values; "input.x batch 2 time 5" names its axes and their sizes. */
function made(group: string, options: Record<string, unknown>, ...tensors: readonly string[]): FixtureCase {
  const random = createRandom(tensors.length);
  const entries = tensors.map((line): readonly [string, FixtureTensor] => {
    const [name, ...rest] = line.split(" ");
    const isMask = name.includes("mask");
    const axes = rest.filter((_, k) => k % 2 === 0);
    const shape = rest.filter((_, k) => k % 2 === 1).map(Number);
    const values = Float32Array.from({ length: sizeOf(shape) }, () => random.normal(0, 0.5));
    const bits = Uint8Array.from(values, (value, i) => (isMask ? Number(value > 0 || i % 4 === 0) : 0));
    return [name, { dtype: isMask ? "BOOL" : "F32", shape, axes, values: isMask ? bits : values }];
  });
  const tolerance = { rtol: 0, atol: {} };
  return { group, name: JSON.stringify(options), options, equations: [], stress: false, tolerance, tensors: new Map(entries) };
}

const conv2d = (options: Record<string, unknown>, high: number, wide: number): FixtureCase =>
  made(
    "gated_conv2d",
    { bias: true, fused: false, feature_activation: "relu", ...options },
    "input.x batch 2 channel 2 height 6 width 5",
    "weight.W_f out_channel 3 in_channel 2 kernel_h 3 kernel_w 2",
    "weight.W_g out_channel 3 in_channel 2 kernel_h 3 kernel_w 2",
    "weight.b_f out_channel 3",
    "weight.b_g out_channel 3",
    `output.y batch 2 out_channel 3 height_out ${high} width_out ${wide}`,
  );
const selfAttention = (options: Record<string, unknown>, ...more: readonly string[]): FixtureCase =>
  made(
    "attention",
    { embed_dim: 4, num_heads: 2, causal: false, bias: true, batch_first: false, average_attn_weights: true, ...options },
    "input.query query 5 batch 2 embed 4",
    "weight.in_proj_weight q,k,v*out 12 in 4",
    "weight.in_proj_bias q,k,v*out 12",
    "weight.out_proj.weight out 4 in 4",
    "weight.out_proj.bias out 4",
    "output.attn_output query 5 batch 2 embed 4",
    "output.attn_weights batch 2 query 5 key 5",
    ...more,
  );
const conv1d = (options: Record<string, unknown>, taps: number, out: number, ...more: readonly string[]): FixtureCase =>
  made(
    "gated_conv1d",
    { filter_activation: "tanh", gate_activation: "sigmoid", residual: false, bias: true, conditioning: null, kernel: taps, ...options },
    "input.x batch 2 channel 3 time 7",
    `weight.W_f out_channel 3 in_channel 3 kernel ${taps}`,
    `weight.W_g out_channel 3 in_channel 3 kernel ${taps}`,
    "weight.b_f out_channel 3",
    "weight.b_g out_channel 3",
    ...(options.residual === true ? [] : [`output.z batch 2 out_channel 3 time_out ${out}`]),
    ...more,
  );
const layer = [
  "weight.W_res residual_channel 3 in_channel 3 kernel 1",
  "weight.W_skip skip_channel 4 in_channel 3 kernel 1",
  "output.residual batch 2 residual_channel 3 time 7",
  "output.skip batch 2 skip_channel 4 time 7",
];
const gatedAttention = (options: Record<string, unknown>, ...more: readonly string[]): FixtureCase =>
  made(
    "gated_attention",
    { num_heads: 4, num_kv_heads: 2, head_dim: 2, causal: true, ...options },
    "input.x batch 2 time 5 embed 6",
    "weight.W_k kv_heads*head_dim 4 embed 6",
    "weight.W_v kv_heads*head_dim 4 embed 6",
    "weight.W_o embed 6 heads*head_dim 8",
    "output.y batch 2 time 5 embed 6",
    ...more,
  );
const hgrn = (options: Record<string, unknown>, ...more: readonly string[]): FixtureCase =>
  made("hgrn", options, "input.f_pre batch 2 time 5 feature 3", "input.i_pre batch 2 time 5 feature 3", ...more);
const lstm = (options: Record<string, unknown>, directions: number, width: number, ...more: readonly string[]): FixtureCase =>
  made(
    "torch_lstm",
    { bias: false, ...options },
    "input.x batch 2 time 5 input 3",
    ...Array.from({ length: directions }, (_, d) => ["", "_reverse"][d]).flatMap((suffix) => [
      `weight.weight_ih_l0${suffix} gates*hidden 16 layer_input 3`,
      `weight.weight_hh_l0${suffix} gates*hidden 16 state ${width}`,
      ...(width === 4 ? [] : [`weight.weight_hr_l0${suffix} projection ${width} hidden 4`]),
    ]),
    `output.output batch 2 time 5 directions*state ${directions * width}`,
    ...more,
  );

/** Options and shapes that no stored case has: the kernels say what the interpreter says. */
const others: readonly FixtureCase[] = [
  conv2d({ kernel: [3, 2], padding: "same" }, 6, 5),
  conv2d({ kernel: [3, 2], padding: "valid" }, 4, 4),
  conv2d({ kernel: [3, 2], padding: [2, 1], stride: [2, 1], dilation: [1, 2] }, 4, 5),
  selfAttention({}, "input.attn_mask query 5 key 5"),
  selfAttention({ causal: true }, "input.key_padding_mask batch 2 key 5"),
  selfAttention({}, "input.attn_mask query 5 key 5", "input.key_padding_mask batch 2 key 5"),
  conv1d({ padding: "causal", dilation: 3 }, 1, 7),
  conv1d({ padding: "same", dilation: 2, gate_activation: "tanh", filter_activation: "relu" }, 2, 7),
  conv1d({ padding: "valid", dilation: 2 }, 3, 3),
  conv1d({ padding: "same" }, 5, 7, "input.h batch 2 condition 2", "weight.V_f out_channel 3 condition 2", "weight.V_g out_channel 3 condition 2"),
  conv1d(
    { padding: "causal", conditioning: "local" },
    2,
    7,
    "input.h batch 2 condition 2 time 7",
    "weight.V_f out_channel 3 condition 2",
    "weight.V_g out_channel 3 condition 2",
  ),
  conv1d({ padding: "causal", residual: true }, 2, 7, ...layer),
  conv1d({ padding: "same", residual: true }, 3, 7, ...layer),
  gatedAttention(
    { gate: "headwise" },
    "weight.W_q heads*head_dim 8 embed 6",
    "weight.W_theta heads*gate_dim 4 embed 6",
    "weight.b_theta heads*gate_dim 4",
    "trace.gate batch 2 head 4 time 5 gate_dim 1",
  ),
  gatedAttention({ gate: "headwise", fused: true }, "weight.W_qg rows 12 embed 6", "trace.sdpa batch 2 head 4 time 5 head_dim 2"),
  gatedAttention(
    { gate: "elementwise", num_kv_heads: 2, causal: false },
    "weight.W_q heads*head_dim 8 embed 6",
    "weight.W_theta heads*gate_dim 8 embed 6",
  ),
  hgrn(
    { lower_bound: false, output_gate: "sigmoid" },
    "input.o_pre batch 2 time 5 feature 3",
    "output.o batch 2 time 5 feature 3",
    "output.h batch 2 time 5 feature 3",
  ),
  hgrn(
    { lower_bound: true, output_gate: "silu" },
    "input.lower_bound feature 3",
    "input.g_pre batch 2 time 5 feature 3",
    "output.o batch 2 time 5 feature 3",
  ),
  made(
    "hgrn",
    { output_gate: "sigmoid" },
    ...["c_re_pre", "c_im_pre", "mu_pre", "o_pre"].map((name) => `input.${name} batch 2 time 5 feature 3`),
    "weight.gamma feature 3",
    "weight.theta feature 3",
    "output.o_re batch 2 time 5 feature 3",
    "output.o_im batch 2 time 5 feature 3",
  ),
  hgrn({ lower_bound: "weight" }, "weight.lower_bound feature 3", "output.h batch 2 time 5 feature 3"),
  lstm({}, 2, 2, "output.h_n layers*directions 2 batch 2 state 2", "output.c_n layers*directions 2 batch 2 state 4"),
  lstm({}, 1, 4, "input.h_0 layers*directions 1 batch 2 state 4", "input.c_0 layers*directions 1 batch 2 state 4"),
  made(
    "peephole_lstm",
    { peephole: "diagonal", peephole_gates: "if", bias: false, output_gate_sees: "c_t" },
    "input.x time 5 batch 2 input 3",
    ...["i", "f", "c", "o"].flatMap((gate) => [`weight.W_x${gate} hidden 4 input 3`, `weight.W_h${gate} hidden 4 hidden 4`]),
    "weight.W_ci hidden 4",
    "weight.W_cf hidden 4",
    "output.h time 5 batch 2 hidden 4",
  ),
  made(
    "rg_lru",
    { parameter: "a_is_sigmoid_Lambda", c: 4 },
    "input.x batch 2 time 5 width 4",
    "input.h_0 batch 2 width 4",
    "weight.Lambda width 4",
    "weight.W_a block 2 in 2 out 2",
    "weight.W_x block 2 in 2 out 2",
    "weight.b_a block 2 out 2",
    "weight.b_x block 2 out 2",
    "output.h batch 2 time 5 width 4",
  ),
  made(
    "mlstm",
    { forget: "exp", output_gate: false, eps: 0.1 },
    ...["q", "k"].map((name) => `input.${name} batch 2 time 5 head 3 key_dim 2`),
    "input.v batch 2 time 5 head 3 value_dim 4",
    "input.i_pre batch 2 time 5 head 3",
    "input.f_pre batch 2 time 5 head 3",
    "output.h batch 2 time 5 head 3 value_dim 4",
  ),
  made(
    "gla",
    { scale: 0.5, gate: "gk_pre", tau: 8 },
    ...["q", "k", "gk_pre"].map((name) => `input.${name} batch 2 time 5 head 3 key_dim 2`),
    "input.v batch 2 time 5 head 3 value_dim 4",
    "input.S_0 batch 2 head 3 key_dim 2 value_dim 4",
    "output.o batch 2 time 5 head 3 value_dim 4",
  ),
  made(
    "gated_deltanet",
    { scale: "1", l2_normalise_qk: false, gates: "a_pre, b_pre", allow_neg_eigval: true },
    ...["q", "k"].map((name) => `input.${name} batch 2 time 5 head 3 key_dim 2`),
    "input.v batch 2 time 5 head 3 value_dim 4",
    "input.a_pre batch 2 time 5 head 3",
    "input.b_pre batch 2 time 5 head 3",
    "weight.A_log head 3",
    "weight.dt_bias head 3",
    "output.o batch 2 time 5 head 3 value_dim 4",
  ),
  made(
    "moe_gate",
    { k: 3, gate: "top_k_of_softmax", noise: true, expert_activation: "gelu" },
    "input.x token 6 feature 3",
    "input.noise token 6 expert 4",
    "weight.W_gate expert 4 feature 3",
    "weight.W_noise expert 4 feature 3",
    "weight.W_expert expert 4 out 2 feature 3",
    "output.y token 6 out 2",
    "output.gates token 6 expert 4",
  ),
  made(
    "attention",
    { causal: true, mask: true },
    "input.q batch 2 head 4 query 3 key_dim 2",
    "input.k batch 2 kv_head 2 key 5 key_dim 2",
    "input.v batch 2 kv_head 2 key 5 value_dim 3",
    "input.mask batch 1 head 4 query 3 key 5",
    "output.out batch 2 head 4 query 3 value_dim 3",
  ),
  made(
    "attention",
    { causal: true, alignment: "bottom_right", scale: 0.3 },
    "input.q batch 1 head 2 query 3 key_dim 2",
    "input.k batch 1 kv_head 1 key 5 key_dim 2",
    "input.v batch 1 kv_head 1 key 5 value_dim 3",
    "output.out batch 1 head 2 query 3 value_dim 3",
  ),
  made(
    "attention",
    { causal: false, bias: true },
    "input.q batch 2 head 2 query 3 key_dim 2",
    "input.k batch 2 kv_head 2 key 3 key_dim 2",
    "input.v batch 2 kv_head 2 key 3 value_dim 3",
    "input.bias batch 1 head 2 query 3 key 3",
    "output.out batch 2 head 2 query 3 value_dim 3",
  ),
];

describe("options and shapes of no stored case", () => {
  test.each(named(others))("%s", (_, fixture) => {
    const prepared = prepare(fixture, ADAPTERS.get(fixture.group)!.plan(fixture));
    const links = [...prepared.plan.inputs, ...prepared.plan.weights, ...prepared.plan.results];
    for (const [name, { dtype }] of fixture.tensors) if (dtype === "F32") expect(links.map(({ tensor }) => tensor)).toContain(name);
    const [want, got] = [compute(prepared, "interpreter"), compute(prepared, "wasm")];
    for (const name of [...prepared.variant.outputs, ...prepared.plan.weights.map(({ array }) => `gradient:${array}`)]) {
      const [x, y] = [want(name)!, got(name)!];
      const largest = Array.from(x, Math.abs).reduce((a, b) => Math.max(a, b), 0);
      for (let i = 0; i < x.length; i++) expect(Math.abs(y[i] - x[i])).toBeLessThanOrEqual(1e-5 * largest + 1e-7);
    }
  });
});

test("a mask of pairs that leaves earlier keys alone is causal order", () => {
  const causal = cases.find(({ name }) => name === "multihead_self_causal_batch_first")!;
  const steps = causal.tensors.get("input.query")!.shape[1];
  const values = Uint8Array.from({ length: steps * steps }, (_, i) => Number(i % steps > Math.floor(i / steps)));
  const mask: FixtureTensor = { dtype: "BOOL", shape: [steps, steps], axes: ["query", "key"], values };
  const options = { ...causal.options, causal: false };
  expectToPass({ ...causal, options, tensors: new Map([...causal.tensors, ["input.attn_mask", mask]]) });
});
