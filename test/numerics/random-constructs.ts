/**
 * Constructs of the language in random forms: heads, experts, attention, convolutions, matrix states, linear recurrences, tables, maps.
 *
 * In: a block under construction and the vector that the construct is to define. Out: its lines and declarations, in the block. What a construct defines is
 * bounded. A construct that sums over time reads nothing that a recurrence of the block makes.
 */
import {
  affine,
  type Block,
  chance,
  closed,
  counting,
  local,
  number,
  ownSize,
  past,
  pick,
  product,
  readable,
  type Variable,
  weight,
} from "./random-block.ts";

export interface Construct {
  /** True if what it defines depends on no recurrence of the block. */
  readonly closed: boolean;
  readonly write: (block: Block, target: Variable) => void;
}

const at = (name: string, ...indices: readonly string[]): string => `${name}[${indices.join(",")}]`;

/** Queries, keys, values, and a softmax over the steps that a range lets through. */
function attention(block: Block, target: Variable): void {
  const { random, lines, declarations } = block;
  const n = counting(block, "n");
  const range = timeRange(block);
  const { name: x, size } = closed(block);
  const [K, V] = [ownSize(block, "K"), chance(random, 0.5) ? ownSize(block, "V") : "H"];
  const q = local(block, "q", K, n.name);
  const v = local(block, "v", V, n.name);
  const isForgetting = range.text.endsWith("≤ t") && !range.text.startsWith("t") && chance(random, 0.4);
  // Grouped: the keys are those of all heads.
  const isShared = chance(random, 0.3);
  const k = local(block, "k", K, isShared ? "" : n.name);
  const keyAt = isShared ? at(k, range.s) : at(k, n.name, range.s);
  lines.push(`  ${at(q, n.name)} = ${product(block, K, x, size, n.name)}`);
  lines.push(isShared ? `  ${k} = normalize(${product(block, K, x, size)})` : `  ${at(k, n.name)} = ${product(block, K, x, size, n.name)}`);
  lines.push(`  ${at(v, n.name)} = tanh(${product(block, V, x, size, n.name)})`);
  let score = `${at(q, n.name)}·${keyAt} / √${K}`;
  if (isForgetting) {
    const f = local(block, "f", "", n.name);
    const D = local(block, "D", "", `${n.name},${range.s}`);
    const r = local(block, "r", "index");
    declarations.push(`${range.s} < ${r} ≤ t`);
    lines.push(`  log ${at(f, n.name)} = log_σ(${weight(block, "w", size, n.name)}·${x} + ${weight(block, "b", "", n.name)})`);
    lines.push(`  ${at(D, n.name, range.s)} = Σ_${r} log(${at(f, n.name, r)})`);
    score += ` + ${at(D, n.name, range.s)}`;
  }
  const a = local(block, "a", "", `${n.name},${range.s}`);
  lines.push(`  ${at(a, n.name, range.s)} = softmax_${range.s}(${score})`);
  const o = local(block, "o", V, n.name);
  lines.push(`  ${at(o, n.name)} = Σ_${range.s} ${at(a, n.name, range.s)} * ${at(v, n.name, range.s)}`);
  const gate = chance(random, 0.3) ? `σ(${product(block, V, x, size, n.name)})∘` : "";
  lines.push(`  ${target.name} = tanh(Σ_${n.name} ${weight(block, "W", `{${target.size}×${V}}`, n.name)}·(${gate}${at(o, n.name)}))`);
}

/** A sum, mean or maximum over steps of the sequence. */
function timeSum(block: Block, target: Variable): void {
  const { random, lines } = block;
  const range = timeRange(block);
  const { name: x, size } = closed(block);
  const v = local(block, "v", target.size);
  lines.push(`  ${v} = tanh(${product(block, target.size, x, size)} + ${weight(block, "b", target.size)})`);
  const kind = random.integer(4);
  const value = at(v, range.s);
  if (kind > 1)
    return void lines.push(`  ${target.name} = ${kind === 2 || range.isEmpty ? `mean_${range.s}(${value})` : `max_${range.s}(${value})`}`);
  const q = local(block, "q", "K");
  const k = local(block, "k", "K");
  lines.push(`  ${q} = tanh(${product(block, "K", x, size)})`);
  lines.push(`  ${k} = tanh(${product(block, "K", x, size)})`);
  const factor = kind === 0 ? `σ(${q}·${at(k, range.s)})` : `(${q}·${at(k, range.s)})`;
  lines.push(`  ${target.name} = tanh(0.2*(Σ_${range.s} ${factor} * ${value}))`);
}

function timeRange(block: Block): { readonly s: string; readonly text: string; readonly isEmpty: boolean } {
  const { random, declarations } = block;
  const s = local(block, "s", "index");
  const kind = random.integer(8);
  if (kind === 7) block.causal = false;
  const window = kind === 4 ? ownSize(block, "L") : "2";
  const text = [`${s} ≤ t`, `${s} ≤ t`, `${s} < t`, `t-2 < ${s} ≤ t`, `t-${window} < ${s} ≤ t`, `t-3 ≤ ${s} < t`, `${s} ≤ t-1`, `${s} ∈ 1..T`][kind];
  declarations.push(text);
  return { s, text, isEmpty: kind === 2 || kind === 5 || kind === 6 };
}

/** A gate over experts, and what they say. */
function experts(block: Block, target: Variable): void {
  const { random, lines } = block;
  const e = counting(block, "e", 2);
  const read = readable(block);
  const l = local(block, "l", e.size);
  const G = local(block, "G", e.size);
  lines.push(`  ${l} = ${product(block, e.size, read.text, read.size)}`);
  const kinds = [
    `softmax(top_k(${l}, 2))`,
    `softmax(${l})∘among_top(${l}, 1)`,
    `σ(${l})`,
    `softmax(masked(${l}, among_top(${l}, 2)))`,
    `softmax(${l})`,
  ];
  lines.push(`  ${G} = ${pick(random, kinds)}`);
  const W = chance(random, 0.7) ? weight(block, "W", `{${target.size}×${read.size}}`, e.name) : weight(block, "W", `{${target.size}×${read.size}}`);
  const said = `tanh(${W}·${read.text} + ${weight(block, "b", target.size, e.name)})`;
  const gated = `${at(G, e.name)} * ${said}`;
  const reduced = [`Σ_${e.name} ${gated}`, `Σ_${e.name} ${gated}`, `mean_${e.name}(${gated})`, `max_${e.name}(${gated})`];
  if (chance(random, 0.15)) {
    lines.push(`  ${target.name} = Σ_${e.name} softmax_${e.name}(${weight(block, "w", read.size, e.name)}·${read.text}) * ${said}`);
    lines[lines.length - 1] += ` + 0.1*(Σ_${e.name} ${at(G, e.name)})`;
    return;
  }
  lines.push(`  ${target.name} = ${pick(random, reduced)}`);
}

/** A recurrence for each head, of vectors or numbers. */
function heads(block: Block, target: Variable): void {
  const { random, lines, declarations } = block;
  const n = counting(block, "n");
  const read = readable(block);
  const before = past(block);
  if (chance(random, 0.4)) {
    const c = local(block, "c", "", n.name);
    const w = weight(block, "w", read.size, n.name);
    lines.push(
      `  ${at(c, n.name)} = σ(${w}·${read.text})*${at(c, n.name, before)} - 0.2*${at(c, n.name, before)} + tanh(${weight(block, "w", read.size, n.name)}·${read.text})`,
    );
    if (chance(random, 0.3)) declarations.push(`${c}[${block.direction === 1 ? "0" : "T+1"}] = 0.5`);
    lines.push(`  ${target.name} = tanh(${weight(block, "W", `{${target.size}×${n.size}}`)}·${c})`);
    return;
  }
  const P = ownSize(block, "P");
  const z = local(block, "z", P, n.name);
  const c = local(block, "c", P, n.name);
  const U = chance(random, 0.5) ? weight(block, "U", `{${P}×${P}}`, n.name) : weight(block, "U", `{${P}×${P}}`);
  lines.push(`  ${at(z, n.name)} = σ(${product(block, P, read.text, read.size, n.name)})`);
  lines.push(
    `  ${at(c, n.name)} = (1 - ${at(z, n.name)})∘${at(c, n.name, before)} + ${at(z, n.name)}∘tanh(${U}·${at(c, n.name, before)} + ${weight(block, "b", P, n.name)})`,
  );
  if (chance(random, 0.3)) declarations.push(`${c}[${block.direction === 1 ? "0" : "T+1"}] = ${local(block, "c", `${P}`, n.name)}`);
  lines.push(
    `  ${target.name} = ${pick(random, ["tanh", "layer_norm"])}(Σ_${n.name} ${weight(block, "W", `{${target.size}×${P}}`, n.name)}·${at(c, n.name)})`,
  );
}

/** A convolution over time; centred ones read the future. */
function convolution(block: Block, target: Variable): void {
  const { random, lines } = block;
  const isSame = chance(random, 0.25);
  const { name: x, size } = closed(block);
  if (isSame) block.causal = false;
  const options = (depthwise: boolean): string =>
    `kernel ${1 + random.integer(4)}${chance(random, 0.5) ? `, dilation ${1 + random.integer(3)}` : ""}${isSame ? ", same" : ""}${depthwise ? ", depthwise" : ""}`;
  const kernel = (depthwise: boolean): string => {
    const W = weight(block, "W", "kernel");
    block.declarations.push(`${W} : ${options(depthwise)}`);
    return W;
  };
  const inner = chance(random, 0.4) && size === target.size ? `silu(${kernel(true)} ∗ ${x})∘` : "";
  lines.push(`  ${target.name} = ${inner}σ(${kernel(false)} ∗ ${x} + ${weight(block, "b", target.size)})∘tanh(${kernel(false)} ∗ ${x})`);
}

/** A convolution of what this step and earlier ones hold, inside of a recurrence too. */
function causalConvolution(block: Block, target: Variable): void {
  const { random, lines } = block;
  if (block.direction === -1 || block.values.length === 0) return convolution(block, target);
  const { name: x, size } = pick(random, block.values.filter(({ name }) => !name.includes(".")).concat(block.inputs));
  const W = weight(block, "W", "kernel");
  const isDepthwise = size === target.size && chance(random, 0.5);
  block.declarations.push(`${W} : kernel ${2 + random.integer(2)}${isDepthwise ? ", depthwise" : ""}`);
  lines.push(`  ${target.name} = tanh(${W} ∗ ${x} + 0.5*${target.name}[${past(block)}])`);
}

/** A matrix state: decay of a number, a vector or a matrix, a write of rank one, with or without a removal; read by a product. */
function matrixState(block: Block, target: Variable): void {
  const { random, lines, declarations } = block;
  const n = chance(random, 0.4) ? counting(block, "n") : undefined;
  const indices = n?.name ?? "";
  const on = (name: string, ...more: readonly string[]): string => (n || more.length > 0 ? at(name, ...(n ? [n.name] : []), ...more) : name);
  const read = readable(block);
  const [K, V] = [ownSize(block, "K"), ownSize(block, "V")];
  const k = local(block, "k", K, indices);
  const v = local(block, "v", V, indices);
  const q = local(block, "q", K, indices);
  const S = local(block, "S", `{${K}×${V}}`, indices);
  const x = block.inputs[0];
  const old = on(S, past(block));
  lines.push(
    `  ${on(k)} = ${pick(random, ["normalize", "softmax", "tanh"])}(${product(block, K, read.text, read.size, indices)} + ${weight(block, "b", K, indices)})`,
  );
  lines.push(`  ${on(v)} = tanh(${product(block, V, read.text, read.size, indices)})`);
  lines.push(`  ${on(q)} = tanh(${product(block, K, x.name, x.size, indices)})`);
  const decay = local(block, "d", random.integer(2) === 0 ? "" : K, indices);
  const isNumber = block.shapes.get(decay)!.shape === "";
  const logit = isNumber ? `${weight(block, "w", x.size, indices)}·${x.name}` : product(block, K, x.name, x.size, indices);
  lines.push(
    chance(random, 0.5) ? `  log ${on(decay)} = -exp(${weight(block, "A", "", indices)})*softplus(${logit})` : `  ${on(decay)} = σ(${logit})`,
  );
  const kept = isNumber ? `${on(decay)}*${old}` : `diag(${on(decay)})·${old}`;
  const β = `σ(${weight(block, "w", x.size, indices)}·${x.name})`;
  const write = `${β}*(${on(k)}⊗${on(v)})`;
  const kind = random.integer(6);
  if (kind === 0) lines.push(`  ${on(S)} = 0.9*(${kept}) + ${write}`);
  else if (kind === 1) lines.push(`  ${on(S)} = 0.9*(${kept}) - ${β}*(${on(k)}⊗(${old}ᵀ·${on(k)}))*0.3 + ${write}`);
  else if (kind === 2) lines.push(`  ${on(S)} = 0.5*(tanh(${weight(block, "M", `{${K}×${K}}`, indices)})/3)·${old} + ${write}`);
  else if (kind === 3) lines.push(`  ${on(S)} = 0.5*${old}·diag(σ(${product(block, V, x.name, x.size, indices)})) + ${write}`);
  else if (kind === 4) lines.push(`  ${on(S)} = tanh(${kept} + ${write})`);
  else {
    const P = local(block, "P", `{${K}×${V}}`, indices);
    lines.push(`  ${on(P)} = 0.9*(${kept})`);
    lines.push(`  ${on(S)} = ${on(P)} - 0.5*${β}*(${on(k)}⊗(${on(P)}ᵀ·${on(k)})) + ${write}`);
  }
  if (!n && chance(random, 0.25)) declarations.push(`${S}[${block.direction === 1 ? "0" : "T+1"}] = ${weight(block, "S", `{${K}×${V}}`)}`);
  const out = chance(random, 0.2) ? `${on(S)}ᵀ·(tanh(${on(S)}·${on(S)}ᵀ)·${on(q)})` : `${on(S)}ᵀ·${on(q)}`;
  const norm = chance(random, 0.3) ? "rms_norm" : "tanh";
  const projected = `${weight(block, "W", `{${target.size}×${V}}`, indices)}·${norm}(${out})`;
  lines.push(`  ${target.name} = tanh(${n ? `Σ_${n.name} ${projected}` : projected})`);
}

/** A recurrence that is linear in its state: a diagonal decay in log space, or a rotation. */
function linearRecurrence(block: Block, target: Variable): void {
  const { random, lines, declarations } = block;
  const { name: x, size } = pick(random, block.inputs);
  const before = past(block);
  if (chance(random, 0.3)) {
    const [a, b] = [local(block, "a", target.size), local(block, "b", target.size)];
    const λ = local(block, "z", target.size);
    const θ = weight(block, "g", target.size);
    lines.push(`  ${λ} = σ(${product(block, target.size, x, size)})`);
    lines.push(`  ${a} = ${λ}∘(cos(${θ})∘${a}[${before}] - sin(${θ})∘${b}[${before}]) + (1 - ${λ})∘tanh(${product(block, target.size, x, size)})`);
    lines.push(`  ${b} = ${λ}∘(sin(${θ})∘${a}[${before}] + cos(${θ})∘${b}[${before}])`);
    lines.push(`  ${target.name} = ${a} - 0.5*${b}`);
    return;
  }
  const a = local(block, "a", target.size);
  const Λ = weight(block, "L", target.size);
  const scale = chance(random, 0.5) ? `-8*softplus(${Λ})∘` : `log_σ(${Λ})∘`;
  lines.push(`  log ${a} = ${scale}σ(${product(block, target.size, x, size)} + ${weight(block, "b", target.size)})`);
  const factor = chance(random, 0.5) ? `√(1.0001 - ${a}^2)` : `(1 - ${a})`;
  lines.push(`  ${target.name} = ${a}∘${target.name}[${before}] + ${factor}∘tanh(${product(block, target.size, x, size)})`);
  if (chance(random, 0.2)) declarations.push(`${target.name}[${block.direction === 1 ? "0" : "T+1"}] = tanh(${weight(block, "b", target.size)})`);
}

/** A cell whose recurrent matrices are block-diagonal. */
function blockDiagonal(block: Block, target: Variable): void {
  const { random, lines, declarations } = block;
  const P = ownSize(block, "P");
  const read = readable(block);
  const state = `2*${P}`;
  const h = local(block, "c", "blocks");
  const R = weight(block, "R", `blocks`);
  declarations.push(`${R} : block_diagonal 2`, `${h} ∈ ℝ^{${state}}`);
  const gate = chance(random, 0.5) ? `σ(${weight(block, "w", state)}∘${h}[${past(block)}])∘` : "";
  lines.push(`  ${h} = ${gate}tanh(${product(block, state, read.text, read.size)} + ${R}·${h}[${past(block)}])`);
  lines.push(`  ${target.name} = tanh(${product(block, target.size, h, state)})`);
}

/** Two recurrences, one in each direction, joined. */
function bidirectional(block: Block, target: Variable): void {
  const { lines, declarations, random } = block;
  const { name: x, size } = closed(block);
  const P = ownSize(block, "P");
  const [f, g] = [local(block, "f", P), local(block, "g", P)];
  block.causal = false;
  lines.push(`  ${f} = tanh(${product(block, P, x, size)} + ${weight(block, "U", `{${P}×${P}}`)}·${f}[t-1])`);
  lines.push(`  ${g} = σ(${product(block, P, x, size)} + ${weight(block, "u", P)}∘${g}[t+1])`);
  if (chance(random, 0.3)) declarations.push(`${g}[T+1] = ${weight(block, "b", P)}`);
  lines.push(`  ${target.name} = tanh(${weight(block, "W", `{${target.size}×(${P}+${P})}`)}·[${f}; ${g}])`);
}

/** Attention over a memory that is given once for a sequence. */
function memory(block: Block, target: Variable): void {
  const { lines, declarations, extras } = block;
  if (!block.isMain || extras.includes("mem")) return experts(block, target);
  const j = counting(block, "j");
  const read = readable(block);
  extras.push("mem");
  declarations.push(`mem ∈ ℝ^{${j.size}×C}`, "mem : static");
  const a = local(block, "a", "", j.name);
  lines.push(`  ${at(a, j.name)} = softmax_${j.name}((${product(block, "C", read.text, read.size)})·${at("mem", j.name)} / √C)`);
  lines.push(`  ${target.name} = tanh(${weight(block, "W", `{${target.size}×C}`)}·(Σ_${j.name} ${at(a, j.name)} * ${at("mem", j.name)}))`);
}

/** A row of a table, chosen by a whole number that is given at each step. */
function table(block: Block, target: Variable): void {
  const { lines, extras, random } = block;
  if (!block.isMain) return experts(block, target);
  if (!extras.includes("token")) extras.push("token");
  const E = weight(block, "E", `{Y×${target.size}}`);
  const isAhead = chance(random, 0.2);
  if (isAhead) block.causal = false;
  const read = readable(block);
  lines.push(
    `  ${target.name} = tanh(${E}[token${isAhead ? "[t+1]" : ""}]${chance(random, 0.5) ? `∘σ(${product(block, target.size, read.text, read.size)})` : ""})`,
  );
}

/** Gated convolutions of a map, or a recurrence of maps; read as a mean for each channel. */
function map(block: Block, target: Variable): void {
  const { random, lines, declarations, extras } = block;
  if (!block.isMain || extras.includes("m")) return convolution(block, target);
  extras.push("m");
  const isPlane = chance(random, 0.6);
  const sizes = isPlane ? "C×3×4" : "C×5";
  declarations.push(`m ∈ ℝ^{${sizes}}`);
  const c = local(block, "c", "index");
  const channels = ownSize(block, "O");
  declarations.push(`${c} ∈ 1..${channels}`);
  const z = local(block, "z", "", c);
  const kernel = (options: string): string => {
    const W = weight(block, "W", "kernel");
    declarations.push(`${W} : ${isPlane ? "kernel 3×2" : "kernel 3, space"}${options}`);
    return W;
  };
  const isRecurrent = chance(random, 0.5);
  const shapes = pick(random, isRecurrent ? [", same"] : [", same", ", stride 2, padding 1", "", ", padding 2, dilation 2"]);
  const y = local(block, "m", "map");
  const b = weight(block, "b", channels);
  if (isRecurrent) {
    const before = `${y}[${past(block)}]`;
    const peephole = chance(random, 0.4) ? ` + ${weight(block, "p", `{${channels}×${sizes.slice(2)}}`)}∘${before}` : "";
    lines.push(`  ${y} = σ(${kernel(shapes)} ∗ m + ${b}${peephole})∘${before} + tanh(${kernel(shapes)} ∗ m + ${kernel(shapes)} ∗ ${before})`);
    declarations.push(`${y} ∈ ℝ^{${channels}×${sizes.slice(2)}}`);
  } else lines.push(`  ${y} = σ(${kernel(shapes)} ∗ m + ${b})∘tanh(${kernel(shapes)} ∗ m)`);
  lines.push(`  ${at(z, c)} = mean(${at(y, c)})`);
  lines.push(`  ${target.name} = tanh(${weight(block, "W", `{${target.size}×${channels}}`)}·${z} + ${number(block)})`);
}

/** Exponential gates kept from overflow by a running maximum. */
function exponentialGates(block: Block, target: Variable): void {
  const { lines, declarations } = block;
  const { name: x, size } = block.inputs[0];
  const before = past(block);
  const [i, l, m, c, n] = ["i", "l", "m", "c", "n"].map((letter) => local(block, letter, target.size));
  lines.push(`  ${i} = ${affine(block, target.size)}`);
  lines.push(`  ${l} = log_σ(${product(block, target.size, x, size)})`);
  lines.push(`  ${m} = max(${l} + ${m}[${before}], ${i})`);
  lines.push(`  ${c} = exp(${l} + ${m}[${before}] - ${m})∘${c}[${before}] + exp(${i} - ${m})∘tanh(${product(block, target.size, x, size)})`);
  lines.push(`  ${n} = exp(${l} + ${m}[${before}] - ${m})∘${n}[${before}] + exp(${i} - ${m})`);
  lines.push(`  ${target.name} = ${c} / ${n}`);
  declarations.push(`${m}[${block.direction === 1 ? "0" : "T+1"}] = -1e30`);
}

export const CONSTRUCTS: readonly Construct[] = [
  { closed: true, write: attention },
  { closed: true, write: attention },
  { closed: true, write: timeSum },
  { closed: false, write: experts },
  { closed: false, write: heads },
  { closed: true, write: convolution },
  { closed: false, write: causalConvolution },
  { closed: false, write: matrixState },
  { closed: false, write: matrixState },
  { closed: false, write: linearRecurrence },
  { closed: false, write: blockDiagonal },
  { closed: true, write: bidirectional },
  { closed: false, write: memory },
  { closed: false, write: table },
  { closed: false, write: map },
  { closed: false, write: exponentialGates },
];
