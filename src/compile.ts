/**
 * The whole compiler on one page: text → File → Network → tensor graph → loops → Program.
 *
 * Every phase is called here by name, in order, and what it made is verified; nothing else calls phases. Pure: no platform, no files, no clock.
 */
import type { LoopModule } from "./ir/loop/node.ts";
import { verifyLoopModule } from "./ir/loop/verify.ts";
import type { Network } from "./ir/network/node.ts";
import { USUAL_CHUNKS, USUAL_FILTERS, type Variant } from "./ir/network/variant.ts";
import type { Program } from "./ir/program/node.ts";
import { verifyProgram } from "./ir/program/verify.ts";
import type { File } from "./ir/syntax/node.ts";
import { prune } from "./ir/tensor/build.ts";
import type { Graph } from "./ir/tensor/node.ts";
import type { Firing } from "./ir/tensor/rewrite.ts";
import { verify } from "./ir/tensor/verify.ts";
import { readLatex } from "./phases/1-parse/latex.ts";
import { parse } from "./phases/1-parse/parse.ts";
import { build } from "./phases/2-infer/build.ts";
import { infer } from "./phases/2-infer/infer.ts";
import { inferDamaged } from "./phases/2-infer/infer-damaged.ts";
import { differentiate } from "./phases/3-differentiate/differentiate.ts";
import { normalize } from "./phases/4-simplify/normalize.ts";
import { simplify } from "./phases/4-simplify/simplify.ts";
import { schedule } from "./phases/5-schedule/schedule.ts";
import { emitWasm } from "./phases/6-emit/wasm/emit.ts";
import { type Diagnostic, SluiceError } from "./support/diagnostic.ts";
import type { Source } from "./support/source.ts";

export interface Analysis {
  readonly source: Source;
  readonly file: File;
  readonly diagnostics: readonly Diagnostic[];
  /** Absent if there is any error. */
  readonly network?: Network;
}

export interface AnalyzeOptions {
  /** Which block is the model; if absent, the last of the file that no other one calls. */
  readonly main?: string;
  /** Texts of blocks that may be called by name (the standard mechanisms). */
  readonly library?: Readonly<Record<string, string>>;
}

/** Text → Network, with every mistake as a diagnostic. Never throws for any text. */
export function analyze(source: Source, options: AnalyzeOptions = {}): Analysis {
  const { file, diagnostics: syntax } = parse(source);
  const inferring = {
    main: options.main,
    library: libraryFiles(file, source.text, options.library ?? {}),
    libraryNames: Object.keys(options.library ?? {}),
  };
  if (syntax.some((diagnostic) => diagnostic.severity === "error")) {
    const further = inferDamaged(file, source, inferring, syntax);
    return { source, file, diagnostics: [...syntax, ...further].sort((a, b) => a.span.start - b.span.start) };
  }
  const { network, diagnostics } = infer(file, source, inferring);
  return { source, file, network, diagnostics: [...syntax, ...diagnostics] };
}

/** LaTeX pasted from a paper → canonical text, with notes (W002 not understood, W003 guessed) that have their places in the LaTeX. Never throws. */
export function convertLatex(source: Source): { readonly text: string; readonly notes: readonly Diagnostic[] } {
  return readLatex(source);
}

/** Files of the library that a text may name, directly or through others: the rest need not be read. Its own blocks come before those of the library. */
function libraryFiles(file: File, text: string, library: Readonly<Record<string, string>>): Record<string, File> {
  const own = new Set(file.blocks.map((block) => block.header?.name.name));
  const files: Record<string, File> = {};
  const open = [text];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const name of Object.keys(library)) {
      if (name === "" || (next === text && own.has(name)) || Object.hasOwn(files, name) || !isWordOf(next, name)) continue;
      files[name] = parse({ name: `${name}.gate`, text: library[name] }).file;
      open.push(library[name]);
    }
  }
  return files;
}

/** True if the name stands in the text with no ASCII letter, digit or `_` beside it. */
function isWordOf(text: string, name: string): boolean {
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1))
    if (!/\w/.test(`${text[at - 1] ?? ""}${text[at + name.length] ?? ""}`)) return true;
  return false;
}

/** The tensor graph of a variant after each phase. */
export interface Lowering {
  readonly stages: readonly { readonly name: "build" | "differentiate" | "simplify"; readonly graph: Graph }[];
  readonly graph: Graph;
  /** Which rewrite fired where, in order. */
  readonly trace: readonly Firing[];
}

/** Network → tensor graph of one variant, simplified, with gradients if the variant wants them. */
export function lower(network: Network, variant: Variant): Lowering {
  const built = build(network, variant);
  verify(built);
  const { graph: normal, trace: forms } = normalize(built, chunksOf(variant), filtersOf(variant));
  const differentiated = variant.gradient ? withGradients(normal, variant) : normal;
  if (differentiated !== built) verify(differentiated);
  const { graph, trace } = simplify(differentiated);
  verify(graph);
  return {
    stages: [
      { name: "build", graph: built },
      { name: "differentiate", graph: differentiated },
      { name: "simplify", graph },
    ],
    graph,
    trace: [...forms, ...trace],
  };
}

/** Depends on the variant alone, so that equal runs have equal bits. */
function chunksOf({ chunks, initial, gradient }: Variant): Exclude<Variant["chunks"], false> {
  if (chunks !== undefined) return chunks || undefined;
  return initial === "fresh" || gradient ? USUAL_CHUNKS : undefined;
}

function filtersOf({ filters, initial, gradient }: Variant): Exclude<Variant["filters"], false> {
  if (filters !== undefined) return filters || undefined;
  return initial === "fresh" || gradient ? USUAL_FILTERS : undefined;
}

/** Adds the gradients of the objective, which itself stays only if it is the loss. */
function withGradients(graph: Graph, variant: Variant): Graph {
  const objective = variant.gradient!.of === "loss" && !variant.gradient!.states ? "loss" : "objective";
  const all = differentiate(graph, {
    objective,
    weights: "all",
    inputs: variant.gradient!.inputs,
    keepLeast: variant.gradient!.keep === "least",
  });
  return prune({ ...all, outputs: all.outputs.filter((output) => output.name !== "objective") });
}

/** One graph of a program and the name of the entry that runs it. */
export interface Unit {
  readonly entry: string;
  readonly graph: Graph;
}

export interface CompileOptions {
  /** Room for this many time steps. */
  readonly capacity: number;
  readonly batch: number;
  /** Order and shapes of the flat parameter array. */
  readonly weights: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** Fused multiply-add (relaxed SIMD) instead of two roundings: faster where the engine has it, other last bits. */
  readonly fused?: boolean;
  /** Rows of a product's tile: 4, or 6 where the engine keeps program order and multiplies and adds in one. */
  readonly tileRows?: number;
  /** Code for an engine that joins neighbouring 16-byte vectors into 32 bytes: panels of 16 columns, vectors two by two. The bits stay the same. */
  readonly wide?: boolean;
  /** Only what was meant to be joined may be: for every program that such an engine runs (default: `wide`). */
  readonly joins?: boolean;
  /** Where vector constants live: in the code (V8 up to 12) or in memory (V8 13 and later rebuild them at each use). */
  readonly constants?: "code" | "memory";
  /** Threads that a run may be divided among; more than 1 makes entries of (T, p, P) over a shared memory. */
  readonly threads?: number;
  /** Exports the function of every step too, so that each can be timed. */
  readonly profile?: boolean;
}

/** Bytes that a WebAssembly memory can have. */
const GREATEST_MEMORY = 2 ** 32;
/** Room for vector constants in memory. */
const CONSTANT_BYTES = 4096;

/**
 * Tensor graphs → Program. The units share memory: weights, inputs of one name, and what an output "assign:NAME" overwrites. Entry "prepare" computes
 * what depends on the weights alone and must run after they change.
 * @throws SluiceError E472 if the program needs more memory than there can be
 */
export function compileProgram(units: readonly Unit[], options: CompileOptions): { readonly loops: LoopModule; readonly program: Program } {
  const { capacity, batch, weights, threads = 1, tileRows, wide, fused, joins = wide, profile } = options;
  const reservedBytes = options.constants === "memory" ? CONSTANT_BYTES : 0;
  const { loops, buffers, entries, reserved, memoryBytes, parameterCount } = schedule(units, {
    capacity,
    weights,
    threads,
    tileRows,
    wide,
    reservedBytes,
    profile,
  });
  if (memoryBytes > GREATEST_MEMORY) {
    const mebibytes = Math.ceil(memoryBytes / 2 ** 20);
    throw new SluiceError(
      "E472",
      `this program needs ${mebibytes} MiB, more than the 4096 MiB of WebAssembly; use a smaller batch, fewer steps per batch or smaller sizes`,
    );
  }
  verifyLoopModule(loops);
  const pages = Math.ceil(memoryBytes / 65536);
  const shared = threads > 1;
  const wasm = emitWasm(loops, {
    fused,
    joins,
    constants: options.constants === "memory" ? reserved : "code",
    // V8 joins accesses only if none between them is known to lie within the memory, as constants in a memory of known size would be.
    memory: { import: ["env", "memory"], initialPages: joins ? 0 : pages, shared, maximumPages: shared ? pages : undefined },
  });
  const program: Program = { wasm, memoryBytes, capacity, batch, threads, buffers, entries, parameterCount };
  verifyProgram(program);
  return { loops, program };
}
