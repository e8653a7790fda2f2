/**
 * The trajectories in a browser: the library's own bundles in a page that is isolated from other origins, training in workers over shared memory.
 *
 * In: the repository's root. Out: the hashes of each model from one and from two threads, and the browser's version. Needs Chromium (`CHROMIUM`
 * names another one than /usr/bin/chromium). It reaches nothing but its own server on this machine.
 */
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { DATASET, hashesOf, MODELS, SETTINGS, type Trajectory, TRAJECTORIES, type TrajectoryName } from "./trajectory.ts";

/** Path of the browser; it may not exist. */
export const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

const PAGE = '<!doctype html><script type="module">import * as sluice from "./index.js"; globalThis.sluice = sluice;</script>';
const FLAGS = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export interface BrowserTrajectories {
  readonly version: string;
  /** True if the page may share memory between workers; false makes two threads impossible. */
  readonly isolated: boolean;
  readonly models: Readonly<Record<TrajectoryName, { readonly one: Trajectory; readonly two: Trajectory }>>;
}

/** Trains every model in a page, on one and on two threads. */
export async function chromiumTrajectories(root: string): Promise<BrowserTrajectories> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-trajectories-"));
  const server = await serve(root, folder);
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  try {
    const tab = await browser.newPage();
    await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await tab.waitForFunction(() => "sluice" in globalThis);
    const run = async (name: TrajectoryName, threads: number): Promise<Trajectory> => {
      const { losses, parameters } = await tab.evaluate(
        async ({ text, dataset, settings }) => {
          const { sluice } = globalThis as unknown as { sluice: typeof import("../../src/index.ts") };
          const model = await sluice.trainInWorker(sluice.compile(text), dataset, settings);
          return { losses: [...model.result.losses], parameters: [...model.parameters] };
        },
        { text: MODELS[name], dataset: DATASET, settings: { ...SETTINGS, threads } },
      );
      return hashesOf(losses, parameters);
    };
    const models = {} as Record<TrajectoryName, { one: Trajectory; two: Trajectory }>;
    for (const name of TRAJECTORIES) models[name] = { one: await run(name, 1), two: await run(name, 2) };
    return { version: browser.version(), isolated: await tab.evaluate(() => globalThis.crossOriginIsolated), models };
  } finally {
    await browser.close();
    server.close();
    await rm(folder, { recursive: true });
  }
}

/** The library and its worker as a page loads them, from a server with the headers that shared memory asks for. */
async function serve(root: string, folder: string): Promise<Server> {
  for (const name of ["index", "worker"]) {
    await build({
      entryPoints: [join(root, `src/${name}.ts`)],
      outfile: join(folder, `${name}.js`),
      bundle: true,
      format: "esm",
      platform: "neutral",
      target: "es2023",
      external: ["node:*", "stream"],
      mainFields: ["module", "main"],
      define: { SLUICE_VERSION: '"bench"' },
    });
  }
  const server = createServer(async (request, response) => {
    const path = request.url === "/" ? undefined : join(folder, request.url!.slice(1));
    if (path !== undefined && !existsSync(path)) return response.writeHead(404).end();
    response.setHeader("cross-origin-opener-policy", "same-origin").setHeader("cross-origin-embedder-policy", "require-corp");
    response.setHeader("content-type", path === undefined ? "text/html" : "text/javascript");
    response.end(path === undefined ? PAGE : await readFile(path));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
