/**
 * Every test of kernels with every kind of kernels: `node scripts/kinds.mjs [--runs N] [--from N] [arguments of vitest…]`.
 *
 * The fixtures, the mechanisms, matrix states, attention and random programs (test/numerics) run once for each kind that this Node's engine has:
 * deterministic and fused, tiles of 4 and 6 rows, one thread and two; what the fuzzers of the language do (src/phases) runs once. `--runs` random
 * programs, from number `--from`. Start it with another Node to ask another engine; one without fused multiply-add says which kinds it skips. Exit
 * status 1 if anything fails.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { root, runNode, toolPath } from "./launch.mjs";

const args = process.argv.slice(2);
const option = (name, usual) => {
  const at = args.indexOf(name);
  return at < 0 ? usual : args.splice(at, 2)[1];
};
const runs = option("--runs", "160");
const from = option("--from", "0");
const folder = mkdtempSync(join(tmpdir(), "sluice-kinds-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** What the kernels' own file says of this engine. */
async function kinds() {
  const outfile = join(folder, "kernels.mjs");
  await build({
    entryPoints: [join(root, "scripts/fixtures/kernels.ts")],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    logLevel: "error",
  });
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  const { EVERY_KIND, kindRefused } = await import(outfile);
  return EVERY_KIND.map((kind) => ({ kind, refused: kindRefused(kind) }));
}

/** Runs vitest on some paths and counts. */
function tests(paths, kernels) {
  const report = join(folder, "report.json");
  const env = { SLUICE_KERNELS: kernels, SLUICE_FUZZ_RUNS: runs, SLUICE_FUZZ_FROM: from };
  const { status, output } = runNode(toolPath("vitest"), ["run", ...paths, "--reporter=json", `--outputFile=${report}`, ...args], {
    capture: true,
    env,
  });
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, "utf8"));
  const failures = testResults.flatMap(({ name, message, assertionResults }) => [
    ...(message ? [`${name}: ${message}`] : []),
    ...assertionResults.filter((test) => test.status === "failed").map((test) => `${test.fullName}\n${test.failureMessages.join("\n")}`),
  ]);
  return { status, output, passed: numPassedTests, failed: numFailedTests, failures };
}

let good = true;
function show(name, paths, kernels) {
  const started = performance.now();
  const { status, output, passed, failed, failures } = tests(paths, kernels);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`${name.padEnd(32)}${String(passed).padStart(6)} passed${String(failed).padStart(6)} failed${seconds.padStart(6)} s`);
  if (status === 0) return;
  good = false;
  console.log(failures.length > 0 ? failures.join("\n\n") : output);
}

console.log(`Node ${process.version}, V8 ${process.versions.v8}`);
for (const { kind, refused } of await kinds()) {
  const name = kind || "deterministic, one thread";
  if (refused === undefined) show(name, ["test/numerics"], kind);
  else console.log(`${name.padEnd(32)}skipped: ${refused}`);
}
show("fuzzers of the language", ["src/phases/1-parse/fuzz.test.ts", "src/phases/2-infer/fuzz.test.ts"], "");
process.exitCode = good ? 0 : 1;
