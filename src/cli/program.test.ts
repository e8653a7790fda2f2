/** The command line as a user meets it: results, exit codes, JSON, and what is said about bad input. Nothing here looks at a network's inside. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createProgram, runCommandLine } from "./program.ts";
import { createTerminal } from "./terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);
const file = (name: string, text: string | Uint8Array): string => {
  writeFileSync(at(name), text);
  return at(name);
};

/** Runs a command line and collects what it wrote. */
function sluice(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return interruptible(args);
}

async function interruptible(args: readonly string[], signal?: AbortSignal): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const streams = { out: { write: (text: string) => (out += text), columns: 100 }, err: { write: (text: string) => (err += text) }, environment: {} };
  const code = await runCommandLine(args, {
    terminal: (options) => createTerminal(options, streams),
    complain: (text) => {
      err += text;
    },
    signal,
  });
  return { code, out, err };
}

const text = file("small.txt", "the cat sat on the mat and the dog sat on the log. ".repeat(60));
const small = ["--hidden", "8", "--steps", "30", "--batch", "4", "--window", "16", "--quiet"];

test("every command has a summary, examples and --json", async () => {
  for (const command of createProgram({ exit: () => undefined }).commands) {
    expect(command.summary(), command.name()).not.toBe("");
    expect(
      command.options.map((option) => option.long),
      command.name(),
    ).toContain("--json");
    const { code } = await sluice(command.name(), "--help");
    expect(code, command.name()).toBe(0);
  }
});

test("wrong use ends in 2, with a suggestion", async () => {
  for (const args of [
    ["tarin"],
    ["train", "lstm", "--stpes", "3"],
    ["train", "lstm", "--steps", "many"],
    ["train", "lstm"],
    ["explain"],
    ["train", "lstm", "--task", "flag", "--data", text],
    ["train", "lstm", "--task", "flag", "--window", "8"],
    ["train", "lstm", "--task", "flag", "--target", "y"],
    ["train", "lstm", "--data", text, "--missing", "drop"],
    ["train", "lstm", "--data", text, "--option", "length=3"],
    ["train", "lstm", "--data", "waves.csv", "--word"],
    ["train", "lstm", "--data", "waves.csv", "--decimal", "..", "--steps", "1"],
  ]) {
    expect((await sluice(...args)).code, args.join(" ")).toBe(2);
  }
  expect((await sluice("tarin")).err).toContain("train");
  expect((await sluice("train", "lstm", "--data", text, "--horizon", "2")).err).toContain(
    "--horizon is an option of a table, but the data are a text",
  );
});

test("check tells what is wrong with each file, and what the others are", async () => {
  const bad = file("bad.gate", "cell(x) → h\n  h = tanh(W x)\n");
  const { code, out } = await sluice("check", bad, "gru", at("missing.gate"));
  expect(code).toBe(4);
  expect(out).toContain("E003");
  expect(out).toContain("try  W·x");
  expect(out).toContain("gru(x) → h: 4 equations, 2 gates (z update, r reset)");
  expect(out).toContain("there is no file");
  const json = JSON.parse((await sluice("check", bad, "--json")).out);
  expect(json[0]).toMatchObject({ ok: false, diagnostics: [{ code: "E003", span: { line: 2 } }] });
});

test("format prints both spellings and rewrites whole files", async () => {
  const path = file("cell.gate", "cell(x) -> h\n  h = tanh(W@x)   .*   sigmoid(V@x)\n");
  expect((await sluice("format", path, "--check")).code).toBe(1);
  expect((await sluice("format", path, "--ascii")).out).toBe("cell(x) -> h\n  h = tanh(W @ x) .* sigmoid(V @ x)\n");
  expect((await sluice("format", path, "--write")).code).toBe(0);
  expect(readFileSync(path, "utf8")).toBe("cell(x) → h\n  h = tanh(W·x)∘σ(V·x)\n");
  expect((await sluice("format", path, "--check")).code).toBe(0);
});

test("explain --memory says how training would keep to a budget, as train does it", async () => {
  const told = async (memory: string, ...more: string[]) =>
    JSON.parse((await sluice("explain", "lstm", "--size", "H=24,D=2", "--batch", "4", "--steps", "200", "--memory", memory, "--json", ...more)).out);
  const [usual, least, segments] = [await told("100"), await told("1.15"), await told("0.4")];
  expect([usual, least, segments].map(({ memory }) => [memory.keep, memory.segment > 0])).toEqual([
    ["usual", false],
    ["least", false],
    ["usual", true],
  ]);
  expect(least.kept[0].perStep).toBeLessThan(usual.kept[0].perStep);
  for (const { memory, budget } of [
    { ...least, budget: 1.15 },
    { ...segments, budget: 0.4 },
  ])
    expect(memory.memoryBytes).toBeLessThanOrEqual(budget * 2 ** 20);
  const { out } = await sluice("explain", "lstm", "--size", "H=24,D=2", "--batch", "4", "--steps", "200", "--memory", "0.4");
  expect(out).toMatch(/within 0.4 MiB: training takes [\d.]+ MiB .*in segments of \d+\s+steps/s);
  const small = await sluice("explain", "lstm", "--batch", "4", "--steps", "200", "--memory", "0.01");
  expect(small.code).toBe(1);
  expect(small.err).toMatch(/E478.*training needs at least/s);
  expect((await sluice("explain", "lstm", "--memory", "1", "--forward")).code).toBe(2);
});

test("explain tells gates, sizes and weights, and shows every phase", async () => {
  const { code, out } = await sluice("explain", "lstm", "--size", "H=3,D=2");
  expect(code).toBe(0);
  expect(out).toContain("f: forget, passes c[t-1]");
  expect(out).toContain("weights, 72 numbers");
  expect(out).toContain("hoisted: the products with Wxi, Wxf, Wxc, Wxo");
  expect(out).toMatch(/stacked: .*Whi.* one product at each time step/);
  for (const phase of ["build", "differentiate", "simplify", "loops"])
    expect((await sluice("explain", "gru", "--after", phase)).out.length).toBeGreaterThan(200);
  expect((await sluice("explain", "gru", "--after", "simplify", "--diff")).out).toMatch(/^[+-] /m);
  expect((await sluice("explain", "gru", "--after", "optimise")).code).toBe(2);
});

test("train, then everything that a model is for", async () => {
  const model = at("lstm.safetensors");
  const trained = await sluice("train", "lstm", "--data", text, ...small, "--out", model, "--json");
  expect(trained.code).toBe(0);
  const summary = JSON.parse(trained.out);
  expect(summary.training).toBeLessThan(summary.losses[0]);
  expect(existsSync(at("lstm.checkpoint.safetensors"))).toBe(false);

  const measured = JSON.parse((await sluice("eval", model, "--data", text, "--batch", "4", "--window", "16", "--json")).out);
  expect(measured.loss).toBeCloseTo(summary.validation, 5);
  const sample = await sluice("sample", model, "--length", "40", "--prompt", "the ", "--seed", "3");
  expect(sample.out).toMatch(/^the .{40}\n$/);
  expect((await sluice("sample", model, "--length", "40", "--prompt", "the ", "--seed", "3")).out).toBe(sample.out);
  const shown = await sluice("gates", model, "--input", "the cat");
  expect(shown.out).toMatch(/f\s+forget/);
  expect(shown.out).toContain("t h e ␣ c a t");
  const ablation = JSON.parse((await sluice("ablate", model, "--data", text, "--gate", "f", "--batches", "2", "--json")).out);
  expect(ablation.rows.map((row: { label: string }) => row.label)).toEqual(["f ≡ 1", "f ≡ 0", "f ≡ mean", "f frozen"]);
  expect((await sluice("predict", model, "--prompt", "the c")).out.split("\n").length).toBe(9);
  expect((await sluice("explain", model)).out).toContain("lstm_model(token)");
  expect((await sluice("check", model)).code).toBe(0);
  for (const args of [["eval"], ["gates"], ["ablate", "--batches", "2"]]) {
    const { code, out, err } = await interruptible([args[0], model, "--data", text, ...args.slice(1)], AbortSignal.abort());
    expect([code, out, err], args[0]).toEqual([3, "", "interrupted\n"]);
  }
  expect((await interruptible(["sample", model], AbortSignal.abort())).code).toBe(3);
});

test("gates over positions: no mean to hold them at, everything else", async () => {
  const model = at("attention.safetensors");
  const trained = await sluice("train", "attention", "--data", text, ...small, "--steps", "3", "--out", model);
  expect(trained.code).toBe(0);
  expect(trained.out).toContain("sluice sample");
  const data = ["--data", text, "--batch", "2", "--window", "16"];
  const { out } = await sluice("ablate", model, ...data);
  expect(out).toMatch(/a ≡ mean +attention +–/);
  const ablation = JSON.parse((await sluice("ablate", model, ...data, "--gate", "h.a", "--json")).out);
  expect(ablation.rows.map((row: { label: string }) => row.label)).toEqual(["a ≡ 1", "a ≡ 0", "a frozen"]);
  expect(ablation.rows.every((row: { metric: number }) => row.metric > 0)).toBe(true);
  // Weights of attention over the positions of a step have the sum 1, and there are 16.
  const [gate] = JSON.parse((await sluice("gates", model, ...data, "--json")).out).gates;
  expect(gate.name).toBe("a");
  expect(gate.mean).toBeCloseTo(1 / 16, 6);
});

test("a gate that is an expression has its whole text as a name", async () => {
  const model = at("swiglu.safetensors");
  await sluice("train", "swiglu-ffn", "--task", "flag", "--hidden", "6", "--steps", "2", "--quiet", "--out", model);
  expect((await sluice("gates", model)).out).toContain("silu(W·x)");
  const { rows } = JSON.parse((await sluice("ablate", model, "--gate", "silu(W·x)", "--batches", "1", "--json")).out);
  expect(rows.map((row: { label: string }) => row.label)[1]).toBe("silu(W·x) ≡ 0");
  expect((await sluice("ablate", model, "--gate", "x)")).code).toBe(2);
});

test("an interrupted run goes on bit for bit", async () => {
  const args = ["train", "gru", "--data", text, ...small, "--checkpoint-every", "10"];
  await sluice(...args, "--steps", "400", "--out", at("whole.safetensors"));
  const interruption = new AbortController();
  const timer = setInterval(() => existsSync(at("cut.checkpoint.safetensors")) && interruption.abort(), 1);
  const { code, out } = await interruptible([...args, "--steps", "400", "--out", at("cut.safetensors")], interruption.signal);
  clearInterval(timer);
  expect(code).toBe(3);
  expect(out).toContain(`sluice train --resume ${at("cut.checkpoint.safetensors")}`);
  expect((await sluice("train", "--resume", at("cut.checkpoint.safetensors"))).code).toBe(0);
  expect(readFileSync(at("cut.safetensors"))).toEqual(readFileSync(at("whole.safetensors")));
  const over = await sluice("train", "--resume", at("whole.checkpoint.safetensors"));
  expect([over.code, over.out]).toEqual([0, expect.stringContaining("this run was finished at step 400 of 400")]);
  expect(over.out).not.toContain("NaN");
  expect(await sluice("train", "lstm", "--resume", at("whole.checkpoint.safetensors"))).toMatchObject({
    code: 2,
    err: expect.stringContaining("a checkpoint of gru, not of lstm"),
  });
});

test("a table is forecast in its own unit, beside what it has to beat", async () => {
  const rows = Array.from({ length: 400 }, (_, i) => `${i},${(20 + 5 * Math.sin(i / 5)).toFixed(3)}`);
  const table = file("waves.csv", `step,level\n${rows.join("\n")}\n`);
  const model = at("table.safetensors");
  expect(
    (
      await sluice(
        "train",
        "gru",
        "--data",
        table,
        "--target",
        "level",
        "--columns",
        "level",
        "--hidden",
        "8",
        "--steps",
        "200",
        "--window",
        "32",
        "--quiet",
        "--out",
        model,
      )
    ).code,
  ).toBe(0);
  const { out } = await sluice("eval", model, "--data", table);
  expect(out).toMatch(/rmse 0\.\d+/);
  expect(out).toMatch(/repeating the last value 0\.\d+, linear model of the last \d+ values/);
  const forecast = JSON.parse((await sluice("predict", model, "--data", table, "--rows", "3", "--json")).out);
  expect(forecast.from).toBe(401);
  expect(Math.abs(forecast.forecast[0] - (20 + 5 * Math.sin(400 / 5)))).toBeLessThan(1);
  expect((await sluice("sample", model)).err).toContain("cannot write text");
});

test("how a table is written is kept with the model", async () => {
  const level = (i: number): string => (i % 20 === 7 ? "" : (1020 + 5 * Math.sin(i / 5)).toFixed(2).replace(".", ",").replace("1", "1."));
  const table = file("european.csv", `step;level\n${Array.from({ length: 200 }, (_, i) => `${i};${level(i)}`).join("\n")}\n`);
  const model = at("european.safetensors");
  const begin = ["train", "gru", "--data", table, "--hidden", "4", "--steps", "5", "--window", "16", "--quiet", "--out", model];
  expect((await sluice(...begin)).err).toMatch(/E422.*--missing/);
  expect((await sluice(...begin, "--missing", "last", "--thousands", ".")).err).toContain("cannot be the decimal sign and separate thousands");
  expect((await sluice(...begin, "--missing", "interpolate", "--decimal", ",")).code).toBe(0);
  expect((await sluice("eval", model, "--data", table)).code).toBe(0);
  const { forecast } = JSON.parse((await sluice("predict", model, "--data", table, "--json")).out);
  expect(Math.abs(forecast[0] - 1020)).toBeLessThan(20);
  expect((await sluice("eval", model, "--data", table, "--target", "step")).code).toBe(2);
});

test("sequences with classes", async () => {
  const lines = Array.from({ length: 60 }, (_, i) =>
    JSON.stringify({ x: Array.from({ length: 4 + (i % 5) }, (_, t) => [i % 2 === 0 ? t : -t, 1.5]), y: i % 2 === 0 ? "up" : "down" }),
  );
  const path = file("walks.jsonl", `${lines.join("\n")}\n`);
  const model = at("walks.safetensors");
  const { code, out } = await sluice("train", "lstm", "--data", path, "--hidden", "6", "--steps", "150", "--batch", "8", "--json", "--out", model);
  expect(code).toBe(0);
  expect(JSON.parse(out).metrics.accuracy).toBe(1);
  const said = JSON.parse((await sluice("predict", model, "--data", path, "--json")).out);
  expect(said.every((row: { said: string; wanted: string }) => row.said === row.wanted && ["up", "down"].includes(row.said))).toBe(true);
  expect(said.map((row: { sequence: number }) => row.sequence)).toEqual(lines.map((_, i) => i + 1));
  const fresh = file(
    "fresh.jsonl",
    '{"x": [[0, 1.5], [1, 1.5], [2, 1.5], [3, 1.5]]}\n\n{"x": [[0, 1.5], [-1, 1.5], [-2, 1.5], [-3, 1.5]], "y": "up"}\n',
  );
  expect(JSON.parse((await sluice("predict", model, "--data", fresh, "--json")).out)).toEqual([
    { sequence: 1, steps: 4, said: "up" },
    { sequence: 3, steps: 4, said: "down", wanted: "up" },
  ]);
});

test("compare trains several cells on one task", async () => {
  const { runs } = JSON.parse(
    (await sluice("compare", "lstm", "tanh_rnn", "--task", "flag", "--hidden", "6", "--steps", "20", "--seeds", "2", "--json")).out,
  );
  expect(runs.map((run: { subject: string; seed: number }) => [run.subject, run.seed])).toEqual([
    ["lstm", 1],
    ["tanh_rnn", 1],
    ["lstm", 2],
    ["tanh_rnn", 2],
  ]);
});

test("new begins from a mechanism and overwrites nothing", async () => {
  expect((await sluice("new", at("my-cell"), "--from", "gru")).code).toBe(0);
  expect(readFileSync(at("my-cell/my-cell.gate"), "utf8")).toContain("\nmy_cell(x) → h\n");
  expect((await sluice("check", at("my-cell/my-cell.gate"))).code).toBe(0);
  const again = await sluice("new", at("my-cell"));
  expect([again.code, again.err]).toEqual([1, expect.stringContaining("not empty")]);
});

test("bad input gets a message with the cure and the right exit code", async () => {
  const cases: [string[], number, RegExp][] = [
    [["train", "lstm", "--data", at("nothing.txt")], 4, /there is no file/],
    [["train", "lstm", "--data", file("empty.txt", "")], 1, /is empty/],
    [["train", "lstm", "--data", file("short.txt", "abc"), "--window", "50"], 1, /a window of 50 needs 51/],
    [["train", "lstm", "--data", file("latin.txt", Uint8Array.of(104, 233, 108))], 1, /not UTF-8.*iconv/],
    [["train", "lstm", "--data", file("broken.txt.gz", Uint8Array.of(31, 139, 8, 0, 1, 2, 3))], 1, /not a whole gzip file/],
    [["train", "lstm", "--data", file("holes.csv", "a,b\n1,2\n3,\n4,5\n"), "--target", "b"], 1, /holes\.csv/],
    [["train", "lstm", "--data", file("columns.csv", "a,b\n1,2\n3,4\n"), "--target", "c"], 1, /no column c; its columns are a, b/],
    [["train", "lstm", "--data", file("nan.jsonl", '{"x": [[NaN]], "y": 1}\n')], 1, /nan\.jsonl/],
    [["train", "lstm", "--data", file("picture.png", "x")], 2, /cannot be told from its ending/],
    [["train", "lstm", "--task", "flga"], 1, /there is no task flga/],
    [["train", "lstmm", "--task", "flag"], 1, /did you mean lstm/],
    [["train", "lstm", "--task", "flag", "--out", join(text, "model.safetensors")], 4, /could not be written.*--out/],
    [["train", "lstm", "--task", "flag", "--size", "Q=3"], 1, /Q is not a size/],
    [["train", "linear_scan", "--task", "flag"], 1, /write a block with a loss/],
    [["train", "--resume", text], 1, /cannot be resumed/],
    [["eval", "lstm", "--data", text], 1, /needs a trained model/],
    [["eval", text, "--data", text], 1, /small\.txt/],
  ];
  for (const [args, code, message] of cases) {
    const result = await sluice(...args);
    expect(result.err, args.join(" ")).toMatch(message);
    expect(result.code, args.join(" ")).toBe(code);
    const json = JSON.parse((await sluice(...args, "--json")).out || '{"error":{"message":""}}');
    if (code !== 2) expect(json.error.message, args.join(" ")).toMatch(message);
  }
});

test("LaTeX is equations too: formatted, checked, trained; what was not understood is told", async () => {
  const paper = file("paper.tex", "$$z_t = \\sigma(W x_t + U h_{t-1}), \\qquad h_t = (1 - z_t) \\odot h_{t-1} + z_t \\tanh(V x_t)$$\n");
  const formatted = await sluice("format", paper);
  expect(formatted.code).toBe(0);
  expect(formatted.out).toBe("z = σ(W·x[t] + U·h[t-1])\nh = (1 - z)∘h[t-1] + z*tanh(V·x[t])\n");
  expect(formatted.err).toContain("W003  two vectors side by side");
  expect((await sluice("check", paper)).out).toContain("1 gate (z update)");
  expect((await sluice("format", paper, "--write")).err).toContain("sluice format");
  const trained = await sluice("train", paper, "--task", "flag", "--steps", "3", "--hidden", "4", "--quiet", "--out", at("paper.safetensors"));
  expect([trained.code, trained.err]).toEqual([0, ""]);

  const odd = file("odd.tex", "$$h_t = \\tanh(W x_t)$$ $$c_t = \\begin{cases} 1 \\end{cases}$$");
  const checked = await sluice("check", odd, "--json");
  expect(checked.code).toBe(1);
  expect(JSON.parse(checked.out)[0]).toMatchObject({ ok: false, latex: { notes: [{ code: "W002", span: { line: 1 } }] } });
  expect((await sluice("explain", odd)).err).toContain("1 place of");
});

test("wrong use is JSON where JSON was asked for", async () => {
  for (const args of [["train", "lstm", "--bogus"], ["train", "lstm", "--steps", "x"], ["tarin"]]) {
    const { code, out } = await sluice(...args, "--json");
    expect(code).toBe(2);
    expect(JSON.parse(out).error.code).toBe("E490");
  }
});
