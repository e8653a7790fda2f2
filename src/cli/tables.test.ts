/** Tables of several documents and tables as JSON on the command line; what does not fit a model is refused with what does. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { runCommandLine } from "./program.ts";
import { createTerminal } from "./terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-tables-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);
const file = (name: string, text: string): string => {
  writeFileSync(at(name), text);
  return at(name);
};

async function sluice(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  const streams = { out: { write: (text: string) => (out += text), columns: 100 }, err: { write: (text: string) => (err += text) }, environment: {} };
  const code = await runCommandLine(args, { terminal: (options) => createTerminal(options, streams), complain: (text) => void (err += text) });
  return { code, out, err };
}

/** Six patients, whose days begin anew. */
const rows = Array.from({ length: 6 }, (_, patient) =>
  Array.from({ length: 40 + patient }, (_, day) => ({ day, patient: `p${patient}`, pulse: 60 + 10 * Math.sin(day / 3 + patient) })),
).flat();
const csv = (chosen: typeof rows): string => `day,patient,pulse\n${chosen.map((row) => Object.values(row).join(",")).join("\n")}\n`;
const data = file("pulse.csv", csv(rows));
const small = ["--steps", "8", "--hidden", "4", "--window", "8", "--quiet"];
const model = at("pulse.safetensors");

test("a table with a column of documents: trained, measured, forecast for each, from CSV and from JSON", async () => {
  const trained = await sluice("train", "gru", "--data", data, "--document", "patient", "--columns", "pulse", ...small, "--out", model);
  expect(trained).toMatchObject({ code: 0 });
  const evaluated = await sluice("eval", model, "--data", data);
  expect(evaluated.out).toMatch(/rmse of others: repeating the last value [\d.]+\n/);

  const all = await sluice("predict", model, "--data", data, "--json");
  const forecasts = JSON.parse(all.out) as { patient: string; from: number; forecast: number[] }[];
  expect(forecasts.map(({ patient, from }) => [patient, from])).toEqual(Array.from({ length: 6 }, (_, k) => [`p${k}`, 41 + k]));
  // Each is what the patient alone would have had.
  for (const { patient, forecast } of forecasts) {
    const alone = file("alone.csv", csv(rows.filter((row) => row.patient === patient)));
    expect(JSON.parse((await sluice("predict", model, "--data", alone, "--json")).out)[0].forecast).toEqual(forecast);
  }
  for (const [name, text] of [
    ["pulse.json", JSON.stringify(rows)],
    ["pulse.jsonl", rows.map((row) => JSON.stringify(row)).join("\n")],
  ])
    expect(await sluice("predict", model, "--data", file(name, text), "--json")).toEqual(all);
  const { out } = await sluice("predict", model, "--data", data, "--all");
  const [head, first] = out.split("\n");
  expect([head, first]).toEqual(["patient,row,pulse,forecast", expect.stringMatching(/^p0,2,63\.27195,[\d.]+$/)]);
  expect(out.trim().split("\n")).toHaveLength(1 + rows.length);
});

test("what does not fit a model of a table is refused with what does", async () => {
  const says = async (...args: string[]): Promise<string> => {
    const { code, err } = await sluice(...args);
    return `${code} ${err.replaceAll(folder, "").split("\n")[0]}`;
  };
  const text = file("some.txt", "no table");
  const lines = file("some.jsonl", '{"x": [[1]], "y": 1}');
  expect([
    await says("predict", model, "--data", text),
    await says("eval", model, "--data", text),
    await says("predict", model, "--data", lines),
    await says("predict", model, "--data", data, "--columns", "day,pulse"),
    await says("eval", model, "--data", data, "--columns", "day"),
    await says("eval", model, "--data", data, "--columns", "pulse", "--document", "day"),
    await says("predict", model, "--data", data, "--prompt", "x"),
    await says("train", "gru", "--data", data, "--document", "pateint"),
    await says("train", "gru", "--data", text, "--document", "patient"),
  ]).toMatchInlineSnapshot(`
    [
      "1 error E486  this model was trained on a table (pulse; target pulse), but /some.txt holds a text; give a table (.csv, .tsv, or .json and .jsonl with records)",
      "1 error E486  this model was trained on a table (pulse; target pulse), but /some.txt holds a text; give a table (.csv, .tsv, or .json and .jsonl with records)",
      "1 error E486  this model was trained on a table (pulse; target pulse), but /some.jsonl holds sequences; give a table (.csv, .tsv, or .json and .jsonl with records)",
      "2 error E490  this model was trained with --columns pulse, which cannot be changed now; leave out --columns",
      "2 error E490  this model was trained with --columns pulse, which cannot be changed now; leave out --columns",
      "2 error E490  this model was trained with --document patient, which cannot be changed now; leave out --document",
      "2 error E490  --prompt is for a model of a text, but this one was trained on a table (pulse; target pulse); leave it out",
      "1 error E421  pulse.csv has no column pateint; did you mean patient? its columns are day, patient, pulse",
      "2 error E490  --document is an option of a table, but the data are a text; leave it out",
    ]
  `);
});

test("a model that looks at all steps at once writes too, and sees its window only", async () => {
  const text = file("cat.txt", "the cat sat on the mat and the dog sat on the log. ".repeat(60));
  const attention = at("attention.safetensors");
  await sluice("train", "attention", "--data", text, ...small, "--batch", "4", "--out", attention);
  const write = async (prompt: string): Promise<string> => {
    const { code, out } = await sluice("sample", attention, "--prompt", prompt, "--length", "30", "--temperature", "0", "--quiet");
    expect(code).toBe(0);
    expect(out.startsWith(prompt)).toBe(true);
    return out.slice(prompt.length);
  };
  // What lies further back than the eight symbols of a training window changes nothing; what does not, may.
  const last = "on the m";
  expect(await write(`the cat sat ${last}`)).toBe(await write(`dog. dog. dog. ${last}`));
  const said = await sluice("sample", attention, "--prompt", last, "--length", "5");
  expect(said.err).toContain("the last 8 symbols");
  const { next } = JSON.parse((await sluice("predict", attention, "--prompt", last, "--json")).out);
  expect(next[0].symbol).toBe((await write(last))[0]);

  const ahead = file(
    "ahead.gate",
    "m(token) → y\n  e = E[token]\n  h = tanh(W·e + U·h[t+1])\n  y = V·h\n  loss = cross_entropy(y, token[t+1])\n  where h ∈ ℝ^4, e ∈ ℝ^3",
  );
  const reader = at("ahead.safetensors");
  expect(await sluice("train", ahead, "--data", text, "--steps", "3", "--window", "8", "--quiet", "--out", reader)).toMatchObject({ code: 0 });
  const refused = await sluice("sample", reader);
  expect([refused.code, refused.err]).toEqual([1, expect.stringMatching(/E460 {2}m cannot write: what it says at a step depends on later steps/)]);
});
