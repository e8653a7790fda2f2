/**
 * Exported models: `sluice export` makes a folder, and what lies there gives the bits of the library, in Node and in Chromium, without the compiler.
 *
 * Everything is done as a user does it: the command line writes the folder, the module in it is imported from there.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inferenceText } from "../scripts/inference.mjs";
import { runCommandLine } from "../src/cli/program.ts";
import { createTerminal } from "../src/cli/terminal.ts";
import {
  compile,
  createModel,
  encodeText,
  loadModel,
  MECHANISMS,
  type Model,
  readTable,
  restoreTarget,
  tableForecast,
  tableInputs,
  textDataset,
  train,
} from "../src/index.ts";
import type { ExportedModel, ExportedRunOptions } from "../src/model/exported/open.ts";
import type { Stream } from "../src/model/stream.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
/** What an application loads beside the weights. */
const LIMIT_BYTES = 20_000;

const CLASSIFIER = `
classify(x, y) → p
  h = lstm(x)
  p = softmax(W·h + b)
  loss = cross_entropy(p, y)
  where x ∈ ℝ^6, h ∈ ℝ^24, p ∈ ℝ^5
`;
const DELTA = `
block(x) → y
  a = x + gated_delta_net(rms_norm(x))
  y = a + swiglu_ffn(rms_norm(a))
`;
const ATTENTIVE = `
block(x) → y
  y = x + attention(rms_norm(x))
`;
const words = "the quick brown fox jumps over the lazy dog; ".repeat(40);

interface Subject {
  readonly model: Model;
  readonly flags: readonly string[];
  readonly streams: boolean;
  /** Inputs for this many steps and sequences. */
  readonly inputs: (steps: number, batch: number) => Record<string, { data: Float32Array | Int32Array; shape: number[] }>;
}

const waves = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.sin(i * 1.7) + Math.cos(i * 0.31));
const realInputs = (size: number) => (steps: number, batch: number) => ({ x: { data: waves(steps * batch * size), shape: [steps, batch, size] } });
const free = (text: string, sizes: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(
    compile(text).network!.sizes.flatMap(({ name, free, value }) => (free && value === undefined ? [[name, sizes[name] ?? 8]] : [])),
  );
const made = (text: string, sizes: Readonly<Record<string, number>> = {}): Model => createModel(compile(text), { sizes: free(text, sizes), seed: 5 });

const subjects = new Map<string, Subject>();
let folder: string;
let server: Server;

async function sluice(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const streams = { out: { write: (text: string) => (out += text), columns: 100 }, err: { write: (text: string) => (err += text) }, environment: {} };
  const code = await runCommandLine(args, { terminal: (options) => createTerminal(options, streams), complain: (text) => void (err += text) });
  return { code, out, err };
}

interface ExportModule {
  load(options?: object): Promise<ExportedModel>;
  encode(text: string): Int32Array;
  decode(indices: Iterable<number>): string;
}

const moduleOf = (name: string): Promise<ExportModule> => import(/* @vite-ignore */ pathToFileURL(join(folder, name, "model.js")).href);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-export-"));
  (globalThis as { SLUICE_INFERENCE?: string }).SLUICE_INFERENCE = await inferenceText();
  const dataset = textDataset(words, { batch: 4, window: 16 });
  const chars = await train(compile(MECHANISMS.char_model), dataset, { sizes: { D: 8, H: 16, H2: 12 }, steps: 3 });
  const vocabulary = (chars.record as { vocabulary: readonly string[] }).vocabulary.length;
  subjects.set("classifier", { model: made(CLASSIFIER), flags: ["--gates", "--batch", "4"], streams: true, inputs: realInputs(6) });
  subjects.set("characters", {
    model: chars,
    flags: [],
    streams: true,
    inputs: (steps, batch) => ({
      token: { data: Int32Array.from({ length: steps * batch }, (_, i) => (i * i + 3) % vocabulary), shape: [steps, batch] },
    }),
  });
  subjects.set("delta", { model: made(DELTA, { N: 2, D: 12 }), flags: ["--gates"], streams: true, inputs: realInputs(12) });
  subjects.set("attentive", { model: made(ATTENTIVE, { N: 2, D: 8 }), flags: ["--gates"], streams: false, inputs: realInputs(8) });
  for (const [name, { model, flags }] of subjects) {
    writeFileSync(join(folder, `${name}.safetensors`), model.toBytes());
    const { code, err } = await sluice("export", join(folder, `${name}.safetensors`), "--to", join(folder, name), ...flags);
    expect(`${code} ${err}`).toBe("0 ");
  }
  server = createServer((request, response) => {
    const path = join(folder, request.url!.slice(1));
    if (request.url === "/") return response.setHeader("content-type", "text/html").end("<!doctype html><title>exports</title>");
    if (!existsSync(path)) return response.writeHead(404).end();
    const type = path.endsWith(".js") ? "text/javascript" : path.endsWith(".wasm") ? "application/wasm" : "application/octet-stream";
    response.setHeader("content-type", path.endsWith(".html") ? "text/html" : type).end(readFileSync(path));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => {
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Results as plain numbers, so that those of a page can be compared too. */
const plain = (results: Readonly<Record<string, { data: ArrayLike<number>; shape: readonly number[] }>>) =>
  Object.fromEntries(Object.entries(results).map(([name, { data, shape }]) => [name, { data: Array.from(data), shape: [...shape] }]));

const NAMES = ["classifier", "characters", "delta", "attentive"];

test.each(NAMES)("%s: less than 20 KB gzipped beside the weights, and no word of a compiler", (name) => {
  const files = ["model.js", "model.wasm"].map((file) => readFileSync(join(folder, name, file)));
  expect(files.reduce((total, bytes) => total + gzipSync(bytes, { level: 9 }).length, 0)).toBeLessThan(LIMIT_BYTES);
  const text = files[0].toString();
  expect(text).not.toMatch(/\bimport\s*[{*"']|\brequire\(/);
  expect(text).not.toContain("peephole");
});

test.each(NAMES)("%s: whole sequences, batches, lengths and gates have the bits of the library", async (name) => {
  const { model, inputs } = subjects.get(name)!;
  const shipped = await (await moduleOf(name)).load();
  const cases: readonly [number, number, ExportedRunOptions][] = [
    [1, 1, {}],
    [300, 1, {}],
    [40, 6, {}],
    [40, 5, { lengths: [40, 3, 40, 17, 1] }],
    [600, 2, { lengths: [600, 599] }],
  ];
  for (const [steps, batch, options] of cases) {
    const given = inputs(steps, batch);
    expect(plain(shipped.run(given, options)), `${steps} × ${batch}`).toEqual(plain(model.run(given, options)));
  }
  const flat = Object.fromEntries(Object.entries(inputs(20, 1)).map(([key, { data }]) => [key, data]));
  expect(plain(shipped.run(flat))).toEqual(plain(model.run(flat)));
  if (!subjects.get(name)!.flags.includes("--gates")) return;
  expect(plain(shipped.gates(inputs(30, 3)))).toEqual(plain(model.gates(inputs(30, 3))));
});

test("a stream is one run, its state can be kept, and first states can be given", async () => {
  for (const name of NAMES.filter((each) => subjects.get(each)!.streams)) {
    const { model, inputs } = subjects.get(name)!;
    const shipped = await (await moduleOf(name)).load();
    const given = inputs(290, 1);
    const [[input, { data, shape }]] = Object.entries(given);
    const row = data.length / shape[0];
    const whole = Object.values(model.run({ [input]: { data, shape: [290, ...shape.slice(2)] } }))[0].data;
    const steps = (stream: Stream, from: number, to: number): number[] => {
      const values: number[] = [];
      for (let t = from; t < to; t++) values.push(...stream.step(data.subarray(t * row, (t + 1) * row)));
      return values;
    };
    const stream = shipped.stream();
    const first = steps(stream, 0, 100);
    const kept = stream.state();
    const rest = Object.values(stream.push({ [input]: { data: data.subarray(100 * row), shape: [190, ...shape.slice(2)] } }))[0].data;
    expect([...first, ...rest]).toEqual([...whole]);
    stream.restore(kept);
    expect(steps(stream, 100, 110)).toEqual([...rest.subarray(0, (10 * whole.length) / 290)]);
  }
  const { model, inputs } = subjects.get("classifier")!;
  const shipped = await (await moduleOf("classifier")).load();
  const initial = { "h.h": waves(5 * 24), "h.c": { data: waves(24), shape: [24] } };
  const given = { "h.h": { data: initial["h.h"], shape: [5, 24] }, "h.c": initial["h.c"] };
  expect(plain(shipped.run(inputs(9, 5), { initial: given }))).toEqual(plain(model.run(inputs(9, 5), { initial: given })));
});

test("a text model reads and writes text", async () => {
  const module = await moduleOf("characters");
  const { model } = subjects.get("characters")!;
  expect(module.encode("lazy dog")).toEqual(encodeText(model.record as never, "lazy dog"));
  expect(module.decode(module.encode("lazy dog"))).toBe("lazy dog");
  expect(() => module.encode("Ω")).toThrow(expect.objectContaining({ code: "E411" }));
});

test("a model of a table reads rows and forecasts in the table's unit", async () => {
  const days = ["mon", "tue", "wed"];
  const rows = Array.from({ length: 200 }, (_, i) => ({ level: 20 + 5 * Math.sin(i / 5), day: days[i % 3] }));
  const table = readTable(`level,day\n${rows.map(({ level, day }) => `${level},${day}`).join("\n")}\n`);
  const { dataset } = tableForecast(table, { target: "level", inputs: ["level", "day"] });
  const text = "forecast(x, y) → p\n  h = gru(x)\n  p = W·h + b\n  loss = mse(p, y)\n  where h ∈ ℝ^5, y ∈ ℝ^1";
  const model = await train(compile(text), dataset, { steps: 2 });
  writeFileSync(join(folder, "table.safetensors"), model.toBytes());
  expect((await sluice("export", join(folder, "table.safetensors"), "--to", join(folder, "table"))).code).toBe(0);
  const module = (await import(/* @vite-ignore */ pathToFileURL(join(folder, "table/model.js")).href)) as {
    load(): Promise<ExportedModel>;
    encode(rows: readonly object[]): { data: Float32Array; shape: number[] };
    decode(values: ArrayLike<number>): Float64Array;
  };
  const record = model.record as never;
  const x = module.encode(rows);
  expect(x).toEqual({ data: tableInputs(record, table).x, shape: [200, 4] });
  const { p } = (await module.load()).run({ x });
  expect(p.data).toEqual(model.run({ x }).p.data);
  expect([...module.decode(p.data)]).toEqual(Array.from(p.data, (value) => restoreTarget(record, value)));
  expect(() => module.encode([{ level: 3 }])).toThrow(expect.objectContaining({ code: "E421" }));
  expect(() => module.encode([{ level: Number.NaN, day: "mon" }])).toThrow(expect.objectContaining({ code: "E423" }));
});

test("mistakes get the errors of the library, and what was not exported says how to have it", async () => {
  const shipped = await (await moduleOf("classifier")).load();
  const attentive = await (await moduleOf("attentive")).load();
  const good = subjects.get("classifier")!.inputs(3, 1);
  const errors: readonly [string, RegExp, () => unknown][] = [
    [
      "E455",
      /the input x must have the shape \[steps, 6\] or \[steps, batch, 6\], but \[2, 5\] was given/,
      () =>
        shipped.run({
          x: [
            [1, 2, 3, 4, 5],
            [1, 2, 3, 4, 5],
          ],
        }),
    ],
    ["E455", /must be numbers: an array, a typed array or \{ data, shape \}, not a string/, () => shipped.run({ x: "text" } as never)],
    ["E456", /no input z; its inputs are x/, () => shipped.run({ z: [[1]] })],
    ["E457", /x\[0\]\[1\] is NaN; it must be a finite number/, () => shipped.run({ x: [[1, Number.NaN, 3, 4, 5, 6]] })],
    ["E457", /x\[2\] is Infinity/, () => shipped.stream().step([1, 2, Number.POSITIVE_INFINITY, 4, 5, 6])],
    ["E458", /no value q; its values are p/, () => shipped.run(good, { outputs: ["q"] })],
    ["E458", /no gate q; its gates are i, f, o/, () => shipped.gates(good, ["q"])],
    ["E461", /there is no state q; the states are/, () => shipped.run(good, { initial: { q: [1] } })],
    ["E462", /no option clamps; its options are lengths/, () => shipped.run(good, { clamps: {} } as never)],
    ["E477", /advance 1 or 4 at once in a stream, not 3; export it again with --batch 3/, () => shipped.stream({ batch: 3 })],
    ["E477", /not p\[T\] together; export it again with --output or --gates/, () => shipped.run(good, { outputs: ["p[T]"] })],
    ["E460", /y cannot be computed in a stream: .*; run whole sequences instead/, () => attentive.stream()],
  ];
  for (const [code, message, doing] of errors) {
    expect(doing, message.source).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
  }
});

test("files are given, fetched, or told apart from those of another export", async () => {
  const { load } = await moduleOf("classifier");
  const bytes = (name: string): Uint8Array => readFileSync(join(folder, name));
  const given = subjects.get("classifier")!.inputs(4, 1);
  const whole = await load({
    files: { "weights.bin": bytes("classifier/weights.bin").buffer, "model.wasm": new Response(bytes("classifier/model.wasm") as never) },
  });
  const here = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const fetched = await load({ files: { "weights.bin": `${here}/classifier/weights.bin` } });
  expect(plain(whole.run(given))).toEqual(plain(fetched.run(given)));
  const refused = (files: object) =>
    load({ files }).then(
      () => "loaded",
      ({ code, message }) => `${code} ${message}`,
    );
  expect(await refused({ "weights.bin": bytes("delta/weights.bin") })).toMatch(
    /^E470 weights.bin does not belong to this export of classify: it has \d+ bytes instead of/,
  );
  expect(await refused({ "weights.bin": new Uint8Array(bytes("classifier/weights.bin").length) })).toMatch(
    /^E470 .*it has other numbers; copy all files/,
  );
  expect(await refused({ "weights.bin": "weights.bin" })).toMatch(/^E468 weights.bin: “weights.bin” is no address; give a URL, or the bytes/);
  expect(await refused({ "weights.bin": `${here}/nowhere.bin` })).toMatch(/^E468 weights.bin could not be fetched from .*: the server answered 404/);
  expect(await refused({ "model.wasm": new Uint8Array(8) })).toMatch(/^E470 model.wasm is not the code of this export/);
  await expect(load({ file: {} } as never)).rejects.toThrow(/^load has no option file; did you mean files\?/);
  expect(await refused({ "other.bin": new Uint8Array(8) })).toMatch(/^E462 this export has no file other.bin; its files are model.wasm/);
});

test("the command says what it wrote, overwrites only exports, and refuses what it cannot do", async () => {
  const model = join(folder, "classifier.safetensors");
  const again = await sluice("export", model, "--to", join(folder, "classifier"), "--gates", "--batch", "4", "--json");
  const told = JSON.parse(again.out);
  expect(told.files.map((file: { name: string }) => file.name)).toEqual([
    "model.js",
    "model.d.ts",
    "package.json",
    "README.md",
    "example.html",
    "model.wasm",
    "gates.wasm",
    "model-batch-4.wasm",
    "gates-batch-4.wasm",
    "weights.bin",
  ]);
  expect(told.gzippedWithoutWeights).toBeGreaterThan(5000);
  expect((await sluice("export", model, "--to", folder)).err).toMatch(/E487/);
  expect((await sluice("export", model, "--to", join(folder, "new"), "--output", "q")).err).toMatch(/E458.*no value q/);
  expect((await sluice("export", model, "--to", join(folder, "new"), "--gates", "q")).err).toMatch(/E458.*no gate q/);
  expect((await sluice("export", model, "--batch", "5000")).err).toMatch(/E462.*batch must be a whole number from 1 to 4096/);
  expect((await sluice("export", "lstm")).err).toMatch(/E486/);
  expect(existsSync(join(folder, "new"))).toBe(false);
  const last = await sluice("export", model, "--to", join(folder, "last"), "--output", "p[T]");
  expect(last.code).toBe(0);
  const shipped = await (await moduleOf("last")).load();
  const given = subjects.get("classifier")!.inputs(200, 3);
  const options = { outputs: ["p[T]"], lengths: [200, 7, 150] };
  expect(plain(shipped.run(given, { lengths: options.lengths }))).toEqual(plain(loadModel(readFileSync(model)).run(given, options)));
});

test("lesson 4 does what it says, with the command line as it is bundled", async () => {
  const place = join(folder, "lesson");
  mkdirSync(place);
  const main = join(place, "sluice.mjs");
  const banner = { js: 'import { createRequire as $createRequire } from "node:module";\nconst require = $createRequire(import.meta.url);' };
  const define = { SLUICE_INFERENCE: JSON.stringify(await inferenceText()) };
  await build({
    entryPoints: [join(root, "src/cli/main.ts")],
    outfile: main,
    bundle: true,
    format: "esm",
    platform: "node",
    banner,
    define,
    logLevel: "error",
  });
  const run = (...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: place, encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    return stdout;
  };
  const lesson = readFileSync(join(root, "docs/lessons/04-a-model-that-ships.md"), "utf8");
  const block = (language: string): string => new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "m").exec(lesson)![1];
  for (const line of block("sh").trim().split("\n")) run(main, ...line.split(" ").slice(1));
  writeFileSync(join(place, "application.mjs"), block("js"));
  const printed = run("application.mjs");
  expect(printed).toBe("it was 7\n[ 5, 24 ] [ 5, 24 ]\n");
});

test("the declarations fit an application that uses them, in strict TypeScript", () => {
  mkdirSync(join(root, "node_modules/.cache"), { recursive: true });
  const place = mkdtempSync(join(root, "node_modules/.cache/export-types-"));
  try {
    for (const name of [...NAMES, "table"]) {
      mkdirSync(join(place, name));
      for (const file of ["model.d.ts", "model.js"]) writeFileSync(join(place, name, file), readFileSync(join(folder, name, file)));
    }
    const application = `
import { load, type NamedArray } from "./classifier/model.js";
import { decode, encode, load as loadText, record } from "./characters/model.js";
import { load as loadAttentive } from "./attentive/model.js";
import { encode as encodeRows, record as columns } from "./table/model.js";
const model = await load();
const p: NamedArray = model.run({ x: [[1, 2, 3, 4, 5, 6]] }).p;
const gates = model.gates({ x: { data: new Float32Array(6), shape: [1, 6] } }, ["i", "f"]);
const view: Float32Array = model.stream({ batch: 4 }).step(new Float32Array(24));
const text = await loadText({ files: { "weights.bin": new Uint8Array(4) } });
const line: string = decode(encode("fox")) + record.vocabulary.length + text.stream().step(3)[0];
const x: NamedArray = encodeRows([{ level: 1, day: "mon" }]);
const read: readonly (string | undefined)[] = [columns.missing, columns.decimal, columns.thousands, columns.document];
// @ts-expect-error a day is a text
encodeRows([{ level: 1, day: 2 }]);
// @ts-expect-error there is no input z
model.run({ z: [1] });
// @ts-expect-error there is no gate q
model.gates({ x: [1] }, ["q"]);
// @ts-expect-error it cannot be run step by step
(await loadAttentive()).stream();
export { gates, line, p, read, view, x };
`;
    writeFileSync(join(place, "application.ts"), application);
    const options = { module: "nodenext", target: "es2022", lib: ["es2022", "dom"], types: [], strict: true, noEmit: true, skipLibCheck: false };
    writeFileSync(join(place, "package.json"), '{ "type": "module" }');
    writeFileSync(join(place, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files: ["application.ts"] }));
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", place], { encoding: "utf8" });
    expect(`${status} ${stdout}`).toBe("0 ");
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
});

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

test.skipIf(!existsSync(executablePath))("a page runs them all with the same bits, and the example shows values", async () => {
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  try {
    const tab = await browser.newPage();
    const errors: string[] = [];
    tab.on("pageerror", (error) => errors.push(String(error)));
    const here = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await tab.goto(`${here}/`);
    for (const name of NAMES) {
      const content = `import { load } from "${here}/${name}/model.js"; globalThis.shipped = { ...globalThis.shipped, ${name}: await load() };`;
      await tab.addScriptTag({ type: "module", content });
      await tab.waitForFunction((each) => each in ((globalThis as { shipped?: object }).shipped ?? {}), name);
      const { model, inputs, streams } = subjects.get(name)!;
      const given = inputs(300, 3);
      const sent = Object.fromEntries(Object.entries(given).map(([key, { data, shape }]) => [key, { data: Array.from(data), shape }]));
      const away = await tab.evaluate(
        ({ name, sent, streams }) => {
          const shipped = (globalThis as unknown as { shipped: Record<string, ExportedModel> }).shipped[name];
          const results = shipped.run(sent);
          const [[input, { data, shape }]] = Object.entries(sent);
          const row = data.length / shape[0] / 3;
          const stepped: number[] = [];
          const stream = streams ? shipped.stream() : undefined;
          for (let t = 0; stream !== undefined && t < 20; t++) {
            const first = data.slice(t * 3 * row, t * 3 * row + row);
            stepped.push(...stream.step({ [input]: first }));
          }
          return { results: Object.entries(results).map(([key, value]) => [key, { data: [...value.data], shape: value.shape }]), stepped };
        },
        { name, sent, streams },
      );
      const whole = plain(model.run(given));
      expect(Object.fromEntries(away.results as [string, never][]), name).toEqual(whole);
      if (!streams) continue;
      const [{ data, shape }] = Object.values(whole);
      const width = data.length / shape[0] / 3;
      expect(away.stepped, name).toEqual(Array.from({ length: 20 }, (_, t) => data.slice(t * 3 * width, t * 3 * width + width)).flat());
    }
    const shown = async (address: string): Promise<string | null> => {
      await tab.goto(address);
      await tab.waitForFunction(() => document.getElementById("result")!.textContent !== "loading");
      return tab.textContent("#result");
    };
    expect(await shown(`${here}/attentive/example.html`)).toMatch(/^y \[48, 8\], the last steps for waves .*\nstep {2}36 +-?\d\.\d{4}/);
    expect(await shown(`${here}/classifier/example.html`)).toMatch(/^p \[48, 5\]/);
    // The gates of 24 units over 48 steps, and not all of one shade.
    const shades = await tab.$$eval("#gates canvas", (canvases) =>
      canvases.map((canvas) => {
        const { width, height } = canvas as HTMLCanvasElement;
        const { data } = (canvas as HTMLCanvasElement).getContext("2d")!.getImageData(0, 0, width, height);
        return [width, height, new Set(data.filter((_, i) => i % 4 === 3)).size > 10];
      }),
    );
    expect(shades).toEqual([1, 2, 3].map(() => [48, 24, true]));
    expect(await shown(`${here}/characters/example.html`)).toMatch(/^[a-z; ]{301}$/);
    await tab.fill("#prompt", "the lazy ");
    await tab.click("#again");
    expect(await tab.textContent("#result")).toMatch(/^the lazy [a-z; ]{300}$/);
    expect(await shown(`${here}/table/example.html`)).toMatch(/^level, 1 row after the last: [\d.]+$/);
    await tab.fill("#rows", "level,day\n20,mon\nmany,tue");
    await tab.click("#again");
    expect(await tab.textContent("#result")).toMatch(/^E423 row 1 has level = NaN/);
    // As a file it can do nothing but say what to do.
    expect(await shown(String(pathToFileURL(join(folder, "table/example.html"))))).toMatch(
      /has to be served\.[^]*python3 -m http\.server 8000[^]*example\.html$/,
    );
    expect(errors).toEqual([]);
  } finally {
    await browser.close();
  }
});
