/**
 * What the bench is told: reads the words of a call, and says what is wrong with them before anything is measured.
 *
 * In: the arguments. Out: the comparison's options, or one sentence about the mistake. Never measures.
 */
import { existsSync } from "node:fs";
import { MECHANISMS } from "../src/mechanisms/index.ts";
import { WORKLOADS } from "./workloads.ts";

export const PEERS = ["sluice", "sluice-wide", "onnxruntime-web", "tfjs", "jax-js", "pytorch"] as const;
export type PeerName = (typeof PEERS)[number];

export interface Options {
  readonly workloads: readonly string[];
  readonly peers: readonly PeerName[];
  readonly repetitions: number;
  readonly json: boolean;
  /** All peers on one core. */
  readonly pinned: boolean;
  /** The best sample in processor time instead of the median in wall time: for a machine that others use too. */
  readonly onProcessor: boolean;
}

/** Checks the word after a flag: what is wrong with it, if anything. */
type Check = (word: string | undefined) => string | undefined;

/** What a mode takes beside its own flag. */
interface Taken {
  readonly workloads?: true;
  readonly flags?: readonly string[];
  /** Flags with a word after them. */
  readonly valued?: Readonly<Record<string, Check>>;
  /** Free words. */
  readonly words?: Check;
}

const oneOf =
  (what: string, known: readonly string[]): Check =>
  (word) =>
    word !== undefined && known.includes(word) ? undefined : `${word ?? "nothing"} is no ${what}; there are ${known.join(", ")}`;
const file: Check = (word) => (word !== undefined && existsSync(word) ? undefined : `there is no file ${word ?? "given"}`);
const count: Check = (word) => (Number.isInteger(Number(word)) && Number(word) >= 1 ? undefined : `${word ?? "nothing"} is no number of at least 1`);

const TAKEN = {
  "--profile": { workloads: true, flags: ["--fused", "--wide"], valued: { "--cell": oneOf("mechanism", Object.keys(MECHANISMS)) } },
  "--scaling": {},
  "--variants": {},
  "--chunks": {},
  "--filters": {},
  "--threads": { workloads: true, flags: ["--wide"] },
  "--compile": {},
  "--compile-cold": { words: () => undefined },
  "--cold": {},
  "--shakespeare": { flags: ["--whole"], valued: { "--shakespeare": file, "--steps": count } },
  "--bits": { flags: ["--wide"], words: (word) => (word === "chromium" ? undefined : file(word)) },
  "--wide": { workloads: true, flags: ["--fused"] },
} satisfies Readonly<Record<string, Taken>>;

export type ModeName = keyof typeof TAKEN;

/** The mode that is asked for; undefined: the comparison. `--wide` beside another mode belongs to that. */
export function modeOf(args: readonly string[]): ModeName | undefined {
  const modes = args.filter((argument): argument is ModeName => Object.hasOwn(TAKEN, argument));
  return modes.find((argument) => argument !== "--wide") ?? modes[0];
}

/** What is wrong with the words of a mode's call; undefined if nothing is. */
export function mistakeIn(mode: ModeName, args: readonly string[]): string | undefined {
  const { workloads, flags = [], valued = {}, words }: Taken = TAKEN[mode];
  const names = WORKLOADS.map(({ name }) => name);
  for (let i = 0; i < args.length; i++) {
    const argument = args[i];
    if (Object.hasOwn(valued, argument)) {
      const wrong = valued[argument](args[++i]);
      if (wrong !== undefined) return `${argument}: ${wrong}`;
    } else if (argument === mode || flags.includes(argument) || (workloads && names.includes(argument))) continue;
    else if (words !== undefined && !argument.startsWith("--")) {
      const wrong = words(argument);
      if (wrong !== undefined) return wrong;
    } else {
      const taken = [...flags, ...Object.keys(valued).filter((flag) => flag !== mode), ...(workloads ? names : [])];
      return `${mode} does not take ${argument}${taken.length > 0 ? `; it takes ${taken.join(", ")}` : ""}`;
    }
  }
  return undefined;
}

/** The options of the comparison, or what is wrong with them. */
export function optionsOf(args: readonly string[], usualPeers: readonly PeerName[]): Options | string {
  const workloads: string[] = [];
  const peers: PeerName[] = [];
  let repetitions = 7;
  let json = false;
  let pinned = false;
  let onProcessor = false;
  for (let i = 0; i < args.length; i++) {
    const argument = args[i];
    if (argument === "--json") json = true;
    else if (argument === "--pin") pinned = true;
    else if (argument === "--best") onProcessor = true;
    else if (argument === "--peer") {
      const wrong = oneOf("peer", PEERS)(args[++i]);
      if (wrong !== undefined) return `--peer: ${wrong}`;
      peers.push(args[i] as PeerName);
    } else if (argument === "--repetitions") {
      const wrong = count(args[++i]);
      if (wrong !== undefined) return `--repetitions: ${wrong}`;
      repetitions = Number(args[i]);
    } else if (WORKLOADS.some(({ name }) => name === argument)) workloads.push(argument);
    else return `${argument} is neither a workload (${WORKLOADS.map(({ name }) => name).join(", ")}) nor an option`;
  }
  return {
    workloads: workloads.length > 0 ? workloads : WORKLOADS.map(({ name }) => name),
    peers: peers.length > 0 ? peers : usualPeers,
    repetitions,
    json,
    pinned,
    onProcessor,
  };
}
