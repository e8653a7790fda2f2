/**
 * `npm run bench -- --compile`: how long the compiler takes, cold (the first thing a fresh process does) and warm (best of many), phase by phase.
 *
 * Each text is compiled for training: forward, all gradients, Adam. Cold times come from a process of their own.
 */
import { spawnSync } from "node:child_process";
import { analyze, lower } from "../src/compile.ts";
import type { Variant } from "../src/ir/network/variant.ts";
import { MECHANISMS } from "../src/mechanisms/index.ts";
import { parameterLayout } from "../src/model/parameters.ts";
import { resolveSizes } from "../src/model/sizes.ts";
import { build } from "../src/phases/2-infer/build.ts";
import { differentiate } from "../src/phases/3-differentiate/differentiate.ts";
import { simplify } from "../src/phases/4-simplify/simplify.ts";
import { schedule } from "../src/phases/5-schedule/schedule.ts";
import { emitWasm } from "../src/phases/6-emit/wasm/emit.ts";
import { optimizerGraph } from "../src/train/optimizer.ts";
import { now, undisturbed } from "./clock.ts";

const model = (cell: string): string => `net(x, target) → h\n  h = ${cell}(x)\n  loss = mse(h, target)\n`;

const ATTENTION = `attention_here(x) → y
  q[n] = Wq[n]·x
  k[n] = Wk[n]·x
  v[n] = Wv[n]·x
  a[n,s] = softmax_s(q[n]·k[n,s] / √K)
  y = Σ_n Wo[n]·(Σ_s a[n,s] * v[n,s])
  where s ≤ t, n ∈ 1..N, q[n] ∈ ℝ^K
`;
const DELTA = `delta_here(x) → y
  q = Wq·x
  k = normalize(Wk·x)
  v = Wv·x
  α = σ(wα·x + bα)
  β = σ(wβ·x + bβ)
  S = α*(S[t-1] - β*(S[t-1]·k)⊗k) + β*(v⊗k)
  y = S·q
  where wα, wβ ∈ ℝ^D
`;

/** Three gated delta rules and three attentions, in turn, with residuals and norms. */
const SIX_BLOCKS = `${ATTENTION}
${DELTA}
net(x, target) → h6
  h1 = x + Wa·delta_here(rms_norm(x))
  h2 = h1 + attention_here(rms_norm(h1))
  h3 = h2 + Wb·delta_here(rms_norm(h2))
  h4 = h3 + attention_here(rms_norm(h3))
  h5 = h4 + Wc·delta_here(rms_norm(h4))
  h6 = h5 + attention_here(rms_norm(h5))
  loss = mse(h6, target)
`;

const TEXTS: Readonly<Record<string, string>> = {
  LSTM: model("lstm"),
  GRU: model("gru"),
  attention: `${ATTENTION}\n${model("attention_here")}`,
  "gated delta rule": `${DELTA}\n${model("delta_here")}`,
  "six blocks": SIX_BLOCKS,
};

type Phases = Record<"read" | "build" | "differentiate" | "simplify" | "schedule" | "emit" | "engine" | "all", number>;

/** Compiles a text once; milliseconds of each phase. */
function compileOnce(text: string, capacity = 128): Phases {
  let last = now();
  const lap = (): number => {
    const ms = undisturbed(last);
    last = now();
    return ms;
  };
  const { network, diagnostics } = analyze({ name: "bench.gate", text }, { library: MECHANISMS });
  if (network === undefined) throw new Error(JSON.stringify(diagnostics));
  const free = network.sizes.filter((size) => size.free);
  const sizes = resolveSizes(network, Object.fromEntries(free.map(({ name }) => [name, /N\d*$/.test(name) ? 4 : 64])));
  const { slots, count } = parameterLayout(network, sizes);
  const read = lap();
  const variant: Variant = {
    sizes,
    batch: 8,
    mode: "train",
    initial: "fresh",
    lengths: false,
    reset: false,
    outputs: ["loss"],
    gradient: { of: "loss", inputs: [] },
  };
  const built = build(network, variant);
  const afterBuild = lap();
  const differentiated = differentiate(built, { objective: "loss", weights: "all", inputs: [] });
  const afterDifferentiate = lap();
  simplify(differentiated);
  const afterSimplify = lap();
  const { graph } = lower(network, variant);
  last = now();
  const units = [
    { entry: "step", graph },
    { entry: "update", graph: optimizerGraph({ kind: "adam" }, count) },
  ];
  const { loops, memoryBytes } = schedule(units, { capacity, weights: slots });
  const afterSchedule = lap();
  const wasm = emitWasm(loops, { memory: { import: ["env", "memory"], initialPages: Math.ceil(memoryBytes / 65_536), shared: false } });
  const afterEmit = lap();
  const module = new WebAssembly.Module(wasm as BufferSource);
  const engine = lap();
  if (WebAssembly.Module.exports(module).length === 0) throw new Error("the module has no entry");
  const phases = {
    read,
    build: afterBuild,
    differentiate: afterDifferentiate,
    simplify: afterSimplify,
    schedule: afterSchedule,
    emit: afterEmit,
    engine,
  };
  return { ...phases, all: Object.values(phases).reduce((p, q) => p + q) };
}

const line = (name: string, phases: Phases): string =>
  name.padEnd(24) +
  Object.values(phases)
    .map((ms) => ms.toFixed(1).padStart(15))
    .join("");

/** In a process of its own: prints the cold phases of one text as JSON. */
export function compileCold(name: string): void {
  console.log(JSON.stringify(compileOnce(TEXTS[name])));
}

/** Prints both tables. */
export function compileTimes(): void {
  console.log(
    `milliseconds; every text with all gradients and Adam, B=8\n\n${"".padEnd(24)}${["read", "build", "differentiate", "simplify", "schedule", "emit", "engine", "all"].map((name) => name.padStart(15)).join("")}`,
  );
  for (const name of Object.keys(TEXTS)) {
    const { stdout, stderr, status } = spawnSync(process.execPath, [process.argv[1], "--compile-cold", name], { encoding: "utf8" });
    if (status !== 0) {
      console.log(`${name}: ${stderr.split("\n").find((each) => /Error/.test(each)) ?? stderr}`);
      continue;
    }
    console.log(line(`${name}, cold`, JSON.parse(stdout) as Phases));
    const rounds = Array.from({ length: name === "six blocks" ? 8 : 25 }, () => compileOnce(TEXTS[name]));
    console.log(
      line(
        `${"".padEnd(name.length)}  warm`,
        rounds.reduce((p, q) => (q.all < p.all ? q : p)),
      ),
    );
  }
  const [short, long] = [100, 100_000].map((capacity) => Math.min(...Array.from({ length: 10 }, () => compileOnce(TEXTS.LSTM, capacity).all)));
  console.log(`\nLSTM for T = 100: ${short.toFixed(1)} ms; for T = 100,000: ${long.toFixed(1)} ms`);
}
