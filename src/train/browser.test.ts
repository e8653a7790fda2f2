/** The package in a browser tab: trains in a worker there, with the bits that Node gives. Skipped where there is no Chromium. */
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildLibrary } from "../../scripts/library.mjs";
import { compile } from "../model/compiled.ts";
import type { StartEvent } from "./events.ts";
import { train } from "./loop.ts";
import { findTask } from "./tasks/list.ts";

const page = '<!doctype html><script type="module">import * as sluice from "./index.js"; globalThis.sluice = sluice;</script>';
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const text = `
cell(x) → h
  i = σ(Wxi·x + Whi·h[t-1] + wci∘c[t-1] + bi)
  f = σ(Wxf·x + Whf·h[t-1] + wcf∘c[t-1] + bf)
  c = f∘c[t-1] + i∘tanh(Wxc·x + Whc·h[t-1] + bc)
  o = σ(Wxo·x + Who·h[t-1] + wco∘c + bo)
  h = o∘tanh(c)

recall(x, y) → p
  h = dropout(cell(x), 0.1)
  p = W·h + b
  loss = cross_entropy(p, y)
`;
const dataset = { kind: "task", name: "flag-recall", settings: { batch: 16, seed: 3 } } as const;
const settings = { sizes: { H: 12 }, steps: 200, seed: 2024, validateEvery: 100, learningRate: 0.01 };

let folder: string;
let server: Server;
/** Whether the page is isolated from other origins, so that threads may share memory. */
let isolated = true;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-page-"));
  await buildLibrary(folder, { version: "test" });
  server = createServer(async (request, response) => {
    const path = request.url === "/" ? undefined : join(folder, request.url!.slice(1));
    if (path !== undefined && !existsSync(path)) return response.writeHead(404).end();
    if (isolated) response.setHeader("cross-origin-opener-policy", "same-origin").setHeader("cross-origin-embedder-policy", "require-corp");
    response.setHeader("content-type", path === undefined ? "text/html" : "text/javascript");
    response.end(path === undefined ? page : await readFile(path));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

const FLAGS = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** Trains in a worker of a page, on this many threads. */
async function trainInPage(threads: number, steps = settings.steps) {
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  try {
    const tab = await browser.newPage();
    const errors: string[] = [];
    tab.on("pageerror", (error) => errors.push(String(error)));
    await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await tab.waitForFunction(() => "sluice" in globalThis);
    const away = await tab.evaluate(
      async ({ text, dataset, settings }) => {
        const { sluice } = globalThis as unknown as { sluice: typeof import("../index.ts") };
        let steps = 0;
        let start: StartEvent | undefined;
        const model = await sluice.trainInWorker(sluice.compile(text), dataset, {
          ...settings,
          onStep: () => void steps++,
          onEvent: (event) => void (event.kind === "start" && (start = event)),
        });
        return {
          start,
          steps,
          losses: [...model.result.losses],
          parameters: [...model.parameters],
          gates: Object.keys(model.gates(new Float32Array(48))),
        };
      },
      { text, dataset, settings: { ...settings, steps, threads } },
    );
    return { ...away, errors };
  } finally {
    await browser.close();
  }
}

for (const threads of [1, 2]) {
  test.skipIf(!existsSync(executablePath))(`a page trains in a worker with the losses of Node, bit for bit, on ${threads} threads`, async () => {
    const here = await train(compile(text), findTask(dataset.name).dataset(dataset.settings), settings);
    const away = await trainInPage(threads);
    expect(away.errors).toEqual([]);
    expect(away.steps).toBe(200);
    expect(away.start!.threads).toBe(threads);
    expect(Float32Array.from(away.losses)).toEqual(here.result.losses);
    expect(Float32Array.from(away.parameters)).toEqual(here.parameters);
    expect(away.gates).toEqual(["i", "f", "o"]);
  });
}

test.skipIf(!existsSync(executablePath))("a page that is not isolated trains on one thread, with the same bits, and says why", async () => {
  isolated = false;
  try {
    const here = await train(compile(text), findTask(dataset.name).dataset(dataset.settings), { ...settings, steps: 10 });
    const away = await trainInPage(2, 10);
    expect(away.errors).toEqual([]);
    expect(away.start).toMatchObject({
      threads: 1,
      remark: expect.stringMatching(/^one thread instead of 2, .*Cross-Origin-Opener-Policy: same-origin/),
    });
    expect(Float32Array.from(away.losses)).toEqual(here.result.losses);
  } finally {
    isolated = true;
  }
});
