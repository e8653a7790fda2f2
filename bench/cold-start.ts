/**
 * `npm run bench -- --cold`: from `node script` to the first output of an LSTM (W1): compiled from its equations, loaded from a model file, exported for
 * inference alone; beside node with nothing to do. And the sizes of the library and of the export.
 *
 * The library is bundled as it is shipped. Times are of whole processes, best and median of many, all of them in turn.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { inferenceText } from "../scripts/inference.mjs";
import { buildLibrary } from "../scripts/library.mjs";
import { compile, createModel, MECHANISMS } from "../src/index.ts";
import { exportModel } from "../src/model/exported/bundle.ts";
import { exportTexts } from "../src/model/exported/texts.ts";
import { median } from "./report.ts";

const ROUNDS = 15;

const INPUT = "const x = Float32Array.from({ length: 100 * 64 }, (_, i) => Math.sin(i));";
const CHECK = 'if (!(h.data.length === 12800 && Math.abs(h.data[12799]) > 0)) throw new Error("no output");';

const FRESH = `
import { compile, createModel, MECHANISMS } from "./library/index.js";
const model = createModel(compile(MECHANISMS.lstm), { sizes: { D: 64, H: 128 } });
${INPUT}
const { h } = model.run({ x: { data: x, shape: [100, 64] } });
${CHECK}
`;

/** The same in parts, each with its milliseconds. */
const PARTS = `
const times = [performance.now()];
const { compile, createModel, MECHANISMS } = await import("./library/index.js");
times.push(performance.now());
const compiled = compile(MECHANISMS.lstm);
times.push(performance.now());
const model = createModel(compiled, { sizes: { D: 64, H: 128 } });
times.push(performance.now());
${INPUT}
const { h } = model.run({ x: { data: x, shape: [100, 64] } });
times.push(performance.now());
${CHECK}
console.log(JSON.stringify(times.slice(1).map((time, k) => time - times[k])));
`;

const SAVED = `
import { loadModelFile } from "./library/index.js";
const model = await loadModelFile(process.argv[1].replace("saved.mjs", "w1.safetensors"));
${INPUT}
const { h } = model.run({ x: { data: x, shape: [100, 64] } });
${CHECK}
`;

const EXPORTED = `
import { load } from "./w1/model.js";
const model = await load();
${INPUT}
const { h } = model.run({ x: { data: x, shape: [100, 64] } });
${CHECK}
`;

const REPORT = `
const { user, system } = process.cpuUsage();
console.log(JSON.stringify([performance.now(), (user + system) / 1000]));
`;

/** What a script reports of itself: wall and processor milliseconds from the start of its process to its end; PARTS those of each part. */
function timesOf(file: string): readonly number[] {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as number[];
}

/** Prints times and sizes. */
export async function coldStart(): Promise<void> {
  const folder = join(process.cwd(), "node_modules/.cache/cold");
  mkdirSync(folder, { recursive: true });
  await buildLibrary(join(folder, "library"), { version: "bench", folder: process.cwd() });
  const exported = await writeModels(folder);
  const names = ["empty", "compiled", "saved", "exported"] as const;
  const scripts = { empty: "", compiled: FRESH, saved: SAVED, exported: EXPORTED };
  for (const name of names) writeFileSync(join(folder, `${name}.mjs`), scripts[name] + REPORT);
  writeFileSync(join(folder, "parts.mjs"), PARTS);
  const samples = Array.from({ length: ROUNDS }, () => [...names, "parts"].map((name) => timesOf(join(folder, `${name}.mjs`))));
  const summary = (which: number, clock: 0 | 1): readonly [number, number] => {
    const values = samples.map((round) => round[which][clock]);
    return [Math.min(...values), median(values)];
  };
  const labels = ["node with nothing to do", "to the first LSTM output, compiled", "  loaded from a model file", "  exported for inference"];
  for (const clock of [0, 1] as const) {
    console.log(clock === 0 ? "wall time" : "processor time, all threads of node");
    const nothing = summary(0, clock);
    for (const [which, label] of labels.entries()) {
      const [best, middle] = summary(which, clock);
      const own = which === 0 ? "" : `; of which Sluice ${(best - nothing[0]).toFixed(0)}, ${(middle - nothing[1]).toFixed(0)} ms`;
      console.log(`  ${label.padEnd(38)} best ${best.toFixed(0)}, median ${middle.toFixed(0)} ms${own}`);
    }
  }
  console.log("compiled, by its parts");
  for (const [part, label] of ["reading the library", "reading the equations", "initial values", "making the program, running it"].entries()) {
    const values = samples.map((round) => round[names.length][part]);
    console.log(`  ${label.padEnd(38)} best ${Math.min(...values).toFixed(1)}, median ${median(values).toFixed(1)} ms`);
  }
  const kilobytes = (files: readonly Uint8Array[]): string => {
    const [bytes, gzipped] = [files, files.map((file) => gzipSync(file, { level: 9 }))].map((each) =>
      each.reduce((sum, { length }) => sum + length, 0),
    );
    return `${(bytes / 1000).toFixed(1)} KB, gzipped ${(gzipped / 1000).toFixed(1)} KB`;
  };
  console.log(`the whole library                        ${kilobytes([readFileSync(join(folder, "library/index.js"))])}`);
  console.log(`the exported LSTM, beside its weights    ${kilobytes([...exported.values()])}`);
}

/** The model of the scripts as a file, and exported; returns what an application loads beside the weights. */
async function writeModels(folder: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const model = createModel(compile(MECHANISMS.lstm), { sizes: { D: 64, H: 128 } });
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "w1.safetensors"), model.toBytes());
  mkdirSync(join(folder, "w1"), { recursive: true });
  const { description, code, weights } = exportModel(model);
  const texts = exportTexts({ description, runtime: await inferenceText(process.cwd()), version: "bench" });
  for (const [name, content] of [...texts, ...code, [description.weights.file, weights] as const]) writeFileSync(join(folder, "w1", name), content);
  return new Map([["model.js", Buffer.from(texts.get("model.js")!)], ...code]);
}
