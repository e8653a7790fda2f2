/**
 * `npm run bench [-- W1 W3 …] [--peer NAME]… [--repetitions N] [--best] [--pin] [--json]`
 *
 * Measures the workloads of performance: Sluice beside what else trains or runs such networks in JavaScript, and PyTorch where a Python has it, all
 * in one run. Each peer lives in a process of its own; samples are interleaved (A, B, C, A, B, C, …), so that a slow minute of the machine is
 * everyone's; `--pin` keeps them all on one core, where the system allows. A peer is timed only after its results agreed with a float64 reference.
 * Exit status 1 if Sluice disagrees or cannot run a workload.
 *
 * Other modes: `--profile [W3 …] [--cell MECHANISM] [--fused] [--wide]`, `--wide [W3 …] [--fused]`, `--scaling`, `--variants`, `--chunks`, `--filters`,
 * `--threads [W3 …] [--wide]`, `--compile`, `--cold`, `--shakespeare FILE`, `--bits [NODE…] [chromium]`; each is a file here.
 */
import { type ChildProcess, fork, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { useWideVectors } from "../src/runtime/wasm/wide.ts";
import { mistakeIn, type ModeName, modeOf, type Options, optionsOf, type PeerName, PEERS } from "./arguments.ts";
import { compareBits } from "./bits.ts";
import { chunks } from "./chunks.ts";
import { coldStart } from "./cold-start.ts";
import { compileCold, compileTimes } from "./compile-time.ts";
import { filters } from "./filters.ts";
import { profile, profileCell } from "./profile.ts";
import { median, ratioText, type Sample, table } from "./report.ts";
import { measurePeak } from "./kernels/product-kernel.ts";
import { coreToPin } from "./pin.ts";
import { flopsOf, scaling } from "./scaling.ts";
import { shakespeare } from "./shakespeare.ts";
import { programOf } from "./sluice.ts";
import { compareThreads } from "./threads.ts";
import { variants } from "./variants.ts";
import { compareWide } from "./wide.ts";
import { type Workload, WORKLOADS } from "./workloads.ts";

const USUAL_PEERS = PEERS.filter((name) => name !== "sluice-wide");
/** The packages of peers that come from npm. */
const PACKAGES: Partial<Record<PeerName, string>> = {
  "onnxruntime-web": "onnxruntime-web",
  tfjs: "@tensorflow/tfjs-backend-wasm",
  "jax-js": "@jax-js/jax",
};
const SMALLEST_SAMPLE_MS = 300;
const PREPARE_TIMEOUT_MS = 300_000;

/**
 * Largest difference from the float64 reference, in units of the result's largest magnitude: sums over up to 6,400 rows of float32 products. The loss is a
 * mean over up to 1.6 million float32 numbers, which some peers add one after the other (they lose 1e-3 of it).
 */
const AGREEMENT = 2e-5;
const LOSS_AGREEMENT = 5e-3;

const isInstalled = (name: PeerName, folder: string): boolean =>
  PACKAGES[name] === undefined || existsSync(join(folder, "node_modules", PACKAGES[name], "package.json"));

/** Installs the peers from their own lock file, the first time only. What cannot be installed is left out, visibly. */
function installPeers(folder: string): void {
  const npm = process.env.npm_execpath;
  const [command, ...args] = npm?.endsWith(".js") ? [process.execPath, npm] : ["npm"];
  spawnSync(command, [...args, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: folder, stdio: ["ignore", process.stderr, "inherit"] });
}

class Peer {
  readonly name: PeerName;
  private readonly child: ChildProcess;
  private constructor(name: PeerName, child: ChildProcess) {
    this.name = name;
    this.child = child;
  }

  static async start(name: PeerName, folder: string, pinned: boolean): Promise<Peer> {
    const source = name.startsWith("sluice") ? `../${name}.ts` : `./${name}.mjs`;
    const outfile = join(folder, "node_modules/.cache", `${name}.mjs`);
    mkdirSync(join(folder, "node_modules/.cache"), { recursive: true });
    await build({
      stdin: { contents: `import * as peer from "${source}"; import { serve } from "./child.mjs"; serve(peer);`, resolveDir: folder },
      outfile,
      bundle: true,
      packages: "external",
      format: "esm",
      platform: "node",
      target: "es2023",
      define: { SLUICE_VERSION: '"bench"' },
      logLevel: "warning",
    });
    return new Peer(name, fork(outfile, pinned ? ["--pin"] : [], { serialization: "advanced", stdio: ["ignore", "ignore", "inherit", "ipc"] }));
  }

  ask(message: Record<string, unknown>): Promise<Record<string, unknown>> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => done(() => reject(new Error("no answer in five minutes"))), PREPARE_TIMEOUT_MS);
      const exited = (): void => done(() => reject(new Error("the process ended")));
      const answered = (answer: unknown): void => done(() => resolve(answer as Record<string, unknown>));
      const done = (act: () => void): void => {
        clearTimeout(timer);
        this.child.off("exit", exited).off("message", answered);
        act();
      };
      this.child.on("exit", exited).on("message", answered);
      this.child.send(message);
    });
  }

  stop(): void {
    this.child.kill();
  }
}

interface Measured {
  readonly workload: string;
  readonly peer: PeerName;
  readonly samples: readonly number[];
  readonly prepareMs?: number;
  readonly differences?: Readonly<Record<string, number>>;
  /** What the peer says about itself: version, kernels, form. */
  readonly note?: string;
  /** Why it was not timed. */
  readonly reason?: string;
}

async function measureWorkload(workload: string, { peers: names, repetitions, onProcessor, pinned }: Options, folder: string): Promise<Measured[]> {
  const measured: Measured[] = [];
  const ready: { peer: Peer; samples: number[]; prepareMs: number; differences: Record<string, number>; note?: string }[] = [];
  for (const name of names) {
    if (!isInstalled(name, folder)) {
      measured.push({ workload, peer: name, samples: [], reason: `not installed (npm ci in ${folder} failed)` });
      continue;
    }
    const peer = await Peer.start(name, folder, pinned);
    const answer = await peer.ask({ prepare: workload }).catch((error: Error) => ({ unable: error.message }) as Record<string, unknown>);
    const differences = (answer.ready ?? {}) as Record<string, number>;
    const disagreeing = Object.entries(differences).filter(
      ([result, difference]) => !(difference <= (result === "loss" ? LOSS_AGREEMENT : AGREEMENT)),
    );
    const reason =
      answer.unable ??
      (disagreeing.length > 0 ? `disagrees with the reference: ${disagreeing.map(([r, d]) => `${r} by ${d}`).join(", ")}` : undefined);
    if (reason !== undefined) {
      peer.stop();
      measured.push({ workload, peer: name, samples: [], differences, reason: String(reason) });
    } else ready.push({ peer, samples: [], prepareMs: answer.prepareMs as number, differences, note: answer.note as string | undefined });
  }
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const { peer, samples } of ready) {
      const { sample, processor } = (await peer.ask({ measure: SMALLEST_SAMPLE_MS })) as { sample: number; processor: number };
      samples.push(onProcessor ? processor : sample);
    }
  }
  for (const { peer, samples, prepareMs, differences, note } of ready) {
    peer.stop();
    measured.push({ workload, peer: peer.name, samples, prepareMs, differences, note });
  }
  return measured.sort((a, b) => PEERS.indexOf(a.peer) - PEERS.indexOf(b.peer));
}

function versionsOf(folder: string): Record<string, string> {
  const { dependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { dependencies: Record<string, string> };
  return { node: process.version, ...dependencies };
}

type Mode = (workloads: readonly Workload[], args: readonly string[]) => void | number | Promise<void | number>;

const only = (workloads: readonly Workload[], usual: readonly string[]): readonly Workload[] =>
  workloads.length > 0 ? workloads : WORKLOADS.filter(({ name }) => usual.includes(name));

/** What the bench does beside the comparison, by flag. */
const MODES: Readonly<Record<ModeName, Mode>> = {
  "--profile": (workloads, args) => {
    const fused = args.includes("--fused");
    if (args.includes("--wide")) console.log(useWideVectors().text);
    if (args.includes("--cell")) profileCell(args[args.indexOf("--cell") + 1], fused);
    else for (const workload of only(workloads, ["W3"])) profile(workload, fused);
  },
  "--scaling": scaling,
  "--variants": variants,
  "--chunks": chunks,
  "--filters": filters,
  "--threads": (workloads, args) => compareThreads(only(workloads, ["W3", "W4"]), args.includes("--wide")),
  "--compile": compileTimes,
  "--compile-cold": (_, args) => compileCold(args[1]),
  "--cold": coldStart,
  "--shakespeare": (_, args) => shakespeare(args),
  "--bits": (_, args) =>
    compareBits(
      args.filter((argument) => !argument.startsWith("--")),
      args.includes("--wide"),
    ),
  "--wide": (workloads, args) => compareWide(only(workloads, ["W2", "W3", "W4", "W8", "W9"]), args.includes("--fused")),
};

async function main(args: readonly string[]): Promise<number> {
  const mode = modeOf(args);
  if (mode !== undefined) {
    const mistake = mistakeIn(mode, args);
    if (mistake !== undefined) {
      console.error(mistake);
      return 2;
    }
    const named = args.flatMap((argument) => WORKLOADS.find(({ name }) => name === argument) ?? []);
    return (await MODES[mode](named, args)) ?? 0;
  }
  const options = optionsOf(args, USUAL_PEERS);
  if (typeof options === "string") {
    console.error(`${options}\nusage: npm run bench [-- W1 W3 …] [--peer ${PEERS.join("|")}]… [--repetitions N] [--best] [--pin] [--json]`);
    return 2;
  }
  const folder = join(process.cwd(), "bench/peers");
  if (!options.peers.every((name) => isInstalled(name, folder))) installPeers(folder);
  const core = options.pinned ? coreToPin() : undefined;
  const peak = measurePeak();
  const machine = {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    pinnedTo: core,
    peakGflops: peak,
    date: new Date().toISOString().slice(0, 10),
    versions: versionsOf(folder),
  };
  if (!options.json) {
    const samples = `${options.onProcessor ? "best" : "median"} ms of ${options.repetitions} interleaved samples${options.onProcessor ? " of processor time" : ""}`;
    const where = core === undefined ? "not pinned to a core" : `pinned to core ${core}`;
    const { node, ...packages } = machine.versions;
    console.log(
      `${machine.date}, ${machine.cpu}, ${machine.cores} cores, Node ${node}; ${samples}, one thread, ${where}; load ${loadavg()[0].toFixed(1)}\n` +
        `peak of 128-bit code, two roundings: ${peak.toFixed(0)} GFLOP/s; ${Object.entries(packages)
          .map(([name, version]) => `${name} ${version}`)
          .join(", ")}\n`,
    );
  }
  const all: Measured[] = [];
  const sampleOf = (measured: Measured): Sample => toSample(measured, options.onProcessor);
  for (const name of options.workloads) {
    const workload = WORKLOADS.find((each) => each.name === name)!;
    const measured = await measureWorkload(name, options, folder);
    all.push(...measured);
    if (!options.json) console.log(table(workload, measured.map(sampleOf), flopsOf(programOf(workload)!.program, workload.T) / (1e6 * peak)));
  }
  if (options.json) console.log(JSON.stringify({ machine, measured: all }, null, 1));
  else console.log(ratioText(all.map(sampleOf)));
  const ours = all.filter(({ peer }) => peer === "sluice");
  return ours.every(({ reason }) => reason === undefined) ? 0 : 1;
}

function toSample({ workload, peer, samples, prepareMs, differences = {}, note, reason }: Measured, best: boolean): Sample {
  const spread = samples.length === 0 ? 0 : (Math.max(...samples) - Math.min(...samples)) / median(samples);
  return {
    workload,
    peer,
    medianMs: samples.length === 0 ? undefined : best ? Math.min(...samples) : median(samples),
    spread,
    prepareMs,
    worst: Math.max(0, ...Object.values(differences)),
    note,
    reason,
  };
}

process.exitCode = await main(process.argv.slice(2));
