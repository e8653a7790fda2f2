/**
 * Every code of data and use (E4xx) is met where a user meets it, and says what is wrong.
 *
 * Beside each code stands something that a person may do. What it throws has the code, a sentence, and no trace of the program's inside. A code without a
 * case, a case without a code, and a code that the source no longer raises are failures.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { readCommand } from "../../src/cli/checkpoint-file.ts";
import { runCommandLine } from "../../src/cli/program.ts";
import { createTerminal } from "../../src/cli/terminal.ts";
import { readSafetensors, writeSafetensors } from "../../src/formats/safetensors.ts";
import { toFloat32 } from "../../src/formats/tensor-values.ts";
import {
  compile,
  createModel,
  encodeText,
  equivalentAttention,
  findTask,
  jsonLinesDataset,
  loadModel,
  loadModelFile,
  pianoRollDataset,
  readTable,
  tableForecast,
  textDataset,
  train,
  trainInWorker,
} from "../../src/index.ts";
import { exportModel } from "../../src/model/exported/bundle.ts";
import { openExported } from "../../src/model/exported/open.ts";
import { openWorker } from "../../src/runtime/port.ts";
import { startThreads } from "../../src/runtime/wasm/threads.ts";
import { loadProgram } from "../../src/runtime/wasm/load.ts";
import * as probe from "../../src/runtime/wasm/probe.ts";
import { CATALOGUE } from "../../src/support/catalogue.ts";
import { SluiceError } from "../../src/support/diagnostic.ts";
import { sequenceFileDataset } from "../../src/train/data/sequence-file.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-use-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(at(name), content);
  return at(name);
};

/** What a command line says as its first error. */
async function sluice(...args: string[]): Promise<never> {
  let err = "";
  const streams = { out: { write: () => 0, columns: 100 }, err: { write: (text: string) => (err += text) }, environment: {} };
  await runCommandLine(args, { terminal: (options) => createTerminal(options, streams), complain: (text) => void (err += text) });
  const [, code, message] = /error (E\d+) {2}([\s\S]*)/.exec(err) ?? [];
  throw new SluiceError(code ?? "none", message ?? err);
}

const RNN = "rnn(x) → h\n  h = tanh(W·x + U·h[t-1])";
const rnn = () => createModel(compile(RNN), { sizes: { D: 2, H: 3 } });
const x = [[1, 2]];
const adding = () => findTask("adding").dataset({ options: { length: 20 } });
const addingText = "m(x, y) → p\n  h = tanh(W·x + U·h[t-1])\n  p = V·h + b\n  loss = mse(p, y)\n  where h ∈ ℝ^3, y ∈ ℝ^1, x ∈ ℝ^2";
const addingModel = () => compile(addingText);
/** A file of tensors with another header. */
const reheaded = (change: (header: string) => string, data = 8): Uint8Array => {
  const header = new TextEncoder().encode(change('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'));
  const bytes = new Uint8Array(8 + header.length + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  return bytes;
};
/** A saved model with other metadata or tensors. */
const changedModel = (
  change: (metadata: Map<string, string>, tensors: Map<string, { shape: readonly number[]; bytes: Uint8Array }>) => void,
): Uint8Array => {
  const saved = readSafetensors(rnn().toBytes());
  const metadata = new Map(saved.metadata);
  const tensors = new Map(saved.tensors);
  change(metadata, tensors as never);
  return writeSafetensors({ tensors: [...tensors.values()].map((tensor) => tensor), metadata: Object.fromEntries(metadata) } as never);
};
const table = (text: string) => readTable(text, { file: "t.csv" });
const forecast = (text: string, options = {}) => tableForecast(table(text), options);
const rows = (count: number): string => `a,b\n${Array.from({ length: count }, (_, i) => `${i},${i % 7}`).join("\n")}\n`;

const CASES: Readonly<Record<string, () => unknown>> = {
  E401: () => loadModel(new Uint8Array(5)),
  E402: () => readSafetensors(reheaded(() => "{broken")),
  E403: () => readSafetensors(reheaded((header) => header.replace("F32", "F77"))),
  E404: () => readSafetensors(reheaded((header) => header, 4)),
  E405: () => writeSafetensors({ tensors: [{ name: "__metadata__", dtype: "F32", shape: [1], bytes: new Uint8Array(4) }] } as never),
  E406: () => toFloat32(readSafetensors(reheaded((header) => header.replace('"F32","shape":[2]', '"C64","shape":[1]'))).tensors.get("a")!),
  E407: () => textDataset("abc ".repeat(100), { window: 0 }),
  E410: () => textDataset("ab", { window: 10 }),
  E411: () => encodeText(textDataset("the cat sat ".repeat(40), { window: 8, batch: 2 }).record as never, "Z"),
  E412: () => jsonLinesDataset({ train: "" } as never),
  E420: () => table("a,b\n"),
  E421: () => forecast(rows(60), { target: "nothere" }),
  E422: () => forecast(`a,b\n${"1,2\n".repeat(40)}3,\n`, { target: "b" }),
  E423: () => forecast(`a,b\n${"1,x\n2,y\n".repeat(40)}`, { target: "b" }),
  E424: () => forecast(`a;b\n${"1;2,5\n2;3,5\n3;4.5\n".repeat(40)}`, { target: "b" }),
  E425: () => table("a,b\n1,2\n1,2,3\n"),
  E426: () =>
    forecast(`day,b\n${Array.from({ length: 60 }, (_, i) => `2020-01-${String(((i * 7) % 28) + 1).padStart(2, "0")},${i}`).join("\n")}`, {
      target: "b",
    }),
  E427: () => forecast(`a,b\n${"1,2\n".repeat(40)}3,inf\n`, { target: "b" }),
  E428: () => forecast(rows(40), { target: "b", horizon: 90 }),
  E430: () => jsonLinesDataset('{"x": [[1]], "y": 1}\nnonsense\n'),
  E431: () => jsonLinesDataset('{"x": [[1]], "y": 1}\n'.repeat(30) + '{"x": [[1]]}\n'),
  E432: () => jsonLinesDataset('{"x": [[1, 2]], "y": 1}\n'.repeat(30) + '{"x": [[1]], "y": 0}\n'),
  E433: () => pianoRollDataset({ splits: { train: "no" } }),
  E434: () => sequenceFileDataset('{"features": 2, "classes": 3, "splits": {"train": [{"x": 3, "y": 0}]}}'),
  E440: () => sluice("train", "lstm", "--task", "adding", "--option", "lenght=5"),
  E441: () => findTask("addding"),
  E450: () => createModel(compile(RNN), { sizes: { D: 2, H: 0 } }),
  E451: () => train(compile(addingText.replace("x ∈ ℝ^2", "x ∈ ℝ^5")), adding(), { steps: 1 }),
  E452: () => createModel(compile(RNN), { sizes: { D: 2, H: 3, Q: 1 } }),
  E453: () => createModel(compile(RNN), { sizes: { D: 2 } }),
  E455: () => rnn().run({ x: [[1, 2, 3]] }),
  E456: () => rnn().run({ z: x } as never),
  E457: () => rnn().run({ x: [[1, Number.NaN]] }),
  E458: () => rnn().run({ x }, { outputs: ["q"] } as never),
  E459: () => rnn().assign("W", new Float32Array(5)),
  E460: () => createModel(compile("b(x) → h\n  h = tanh(W·x + U·h[t+1])"), { sizes: { D: 2, H: 3 } }).stream(),
  E461: () => rnn().run({ x }, { initial: { q: [1] } } as never),
  E462: () => train(addingModel(), adding(), { steps: 1, optimizer: { kind: "magic" } as never }),
  E463: () => train(compile(addingText.replace("m(x,", "m(q,").replace("W·x", "W·q").replace("x ∈", "q ∈")), adding(), { steps: 1 }),
  E464: () => train(addingModel(), adding(), { steps: 200, learningRate: 1e30, clip: 0, optimizer: { kind: "sgd" } } as never),
  E465: () => readCommand(rnn().toBytes(), "m.safetensors"),
  E466: () => inBrowser(() => loadModelFile("m.safetensors")),
  E467: () => sluice("train", "rnn", "--task", "flag", "--out", join(file("plain", "x"), "m.safetensors")),
  E468: () => sluice("explain", at("nothere.gate")),
  E469: () => loadModel(writeSafetensors({ tensors: [] })),
  E470: () => loadModel(changedModel((_, tensors) => tensors.delete("W"))),
  E471: () => {
    const spy = vi.spyOn(probe, "wasmFeatures").mockReturnValue({ simd: false } as never);
    try {
      loadProgram({ memoryBytes: 0, threads: 1 } as never);
    } finally {
      spy.mockRestore();
    }
  },
  E472: () => loadProgram({ memoryBytes: 2 ** 40, threads: 1 } as never),
  E473: () => inBrowser(() => openWorker("worker.js")),
  E474: () =>
    trainInWorker(addingModel(), { kind: "task", name: "adding" } as never, {
      steps: 1,
      script: new URL("data:text/javascript,throw new Error('broken')"),
    }),
  E475: () => startThreads(65),
  E476: () => equivalentAttention(rnn(), { output: "nothere", value: "h", inputs: { x } } as never),
  E477: () => {
    const { description, code, weights } = exportModel(rnn());
    return openExported(description, (name) => code.get(name)!, weights).stream({ batch: 3 });
  },
  E478: () => train(addingModel(), adding(), { steps: 1, memoryMiB: 0.001 }),
  E481: () => sluice("explain", file("empty.gate", "")),
  E482: () => sluice("train", "lstm", "--data", file("broken.txt.gz", "not gzip")),
  E483: () => sluice("explain", file("latin1.gate", new Uint8Array([0xe9, 0x20, 0x3d]))),
  E485: () => sluice("explain", "lstmm"),
  E486: () => sluice("sample", "lstm"),
  E487: () => {
    mkdirSync(at("used"));
    writeFileSync(join(at("used"), "f"), "");
    return sluice("new", at("used"));
  },
  E488: () => sluice("train", file("two.gate", "c(x, y, z) → h\n  h = W·x + V·y + U·z + h[t-1]"), "--task", "flag"),
  E490: () => sluice("train", "lstm"),
};

/** Does something where there are neither files nor workers. */
async function inBrowser(doing: () => Promise<unknown>): Promise<void> {
  vi.stubGlobal("process", undefined);
  vi.stubGlobal("Worker", undefined);
  try {
    await doing();
  } finally {
    vi.unstubAllGlobals();
  }
}

const codes = Object.keys(CATALOGUE).filter((code) => code.startsWith("E4"));

test.each(codes)("%s", async (code) => {
  const doing = CASES[code];
  expect(doing, `${code} has a case`).toBeDefined();
  let thrown: unknown;
  try {
    await doing!();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(SluiceError);
  const { code: found, message } = thrown as SluiceError;
  expect(`${found} ${message}`).toMatch(new RegExp(`^${code} `));
  expect(message.trim().length).toBeGreaterThan(12);
  expect(message).not.toMatch(/undefined|\[object|NaN,|TypeError|invariant/);
});

test("every code is raised somewhere, and every raised code is in the catalogue", () => {
  const source = join(import.meta.dirname, "../../src");
  const texts = readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts") && !path.includes("catalogue"))
    .map((path) => readFileSync(join(source, path), "utf8"));
  const raised = new Set(texts.flatMap((text) => [...text.matchAll(/"(E4\d\d)"/g)].map(([, code]) => code!)));
  expect(codes.filter((code) => !raised.has(code))).toEqual([]);
  expect([...raised].filter((code) => !codes.includes(code))).toEqual([]);
  expect(Object.keys(CASES).filter((code) => !codes.includes(code))).toEqual([]);
});
