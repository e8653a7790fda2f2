/**
 * The one command before a commit, and what CI runs: format, lint, types, tests (unit, architecture, golden, numerics, docs), package.
 *
 * `node scripts/check.mjs [--tests-from REPORT.json]`. With `--tests-from` the counts of a test run that has just been made are read instead
 * of running the tests again. The last line is `N passed, N failed`: every test and every other check counts as one. Exit code 1 on a failure.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { root, runNode, runNpm, toolPath } from "./launch.mjs";

/** Upper bounds of what is shipped; raising one is a decision to record. */
const LIMITS = { libraryGzippedBytes: 230 * 1024, packageBytes: 3 * 1024 * 1024 };

const args = process.argv.slice(2);
const reportAt = args.indexOf("--tests-from");
let passed = 0;
let failed = 0;

function check(name, run) {
  const started = performance.now();
  const { status, output } = run();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (status === 0) passed++;
  else failed++;
  console.log(`${status === 0 ? "ok    " : "FAILED"}  ${name.padEnd(9)} ${seconds.padStart(6)} s`);
  if (status !== 0) console.log(output.trim().replace(/^/gm, "        "));
}

/** Counts of a JSON report by vitest; a test file that could not be loaded counts as one failure. */
function testCounts(path) {
  if (!existsSync(path)) return { passed: 0, failed: 1 };
  const report = JSON.parse(readFileSync(path, "utf8"));
  const unloaded = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.every((test) => test.status !== "failed"));
  for (const file of unloaded) console.log(`        ${file.name}: ${file.message}`);
  return { passed: report.numPassedTests, failed: report.numFailedTests + unloaded.length };
}

function packageCheck() {
  const built = runNode(join(root, "scripts/build.mjs"), [], { capture: true });
  if (built.status !== 0) return built;
  const problems = [];
  const library = gzipSync(readFileSync(join(root, "dist/index.js")), { level: 9 }).length;
  if (library > LIMITS.libraryGzippedBytes) problems.push(`dist/index.js is ${library} bytes gzipped, more than ${LIMITS.libraryGzippedBytes}`);
  if (/\bimport\b[^"'()]*["']node:/.test(readFileSync(join(root, "dist/index.js"), "utf8"))) {
    problems.push("dist/index.js imports a node: module statically, so it would not load in a browser");
  }
  const packed = runNpm(["pack", "--dry-run", "--json", "--ignore-scripts", "--workspaces=false"], { capture: true });
  if (packed.status !== 0) return packed;
  const [{ unpackedSize, files }] = JSON.parse(packed.stdout);
  if (unpackedSize > LIMITS.packageBytes) problems.push(`the package is ${unpackedSize} bytes, more than ${LIMITS.packageBytes}`);
  for (const needed of [
    "LICENSE",
    "README.md",
    "CHANGELOG.md",
    "THIRD-PARTY-NOTICES.md",
    "dist/index.js",
    "dist/worker.js",
    "dist/cli/main.js",
    "dist/cli/command-line.js",
    "dist/types/index.d.ts",
  ]) {
    if (!files.some((file) => file.path === needed)) problems.push(`the package lacks ${needed}`);
  }
  const main = join(root, "dist/cli/main.js");
  if (existsSync(main) && process.platform !== "win32" && (statSync(main).mode & 0o111) === 0) problems.push("dist/cli/main.js is not executable");
  return { status: problems.length === 0 ? 0 : 1, output: problems.join("\n") };
}

if (runNode(join(root, "scripts/setup.mjs")).status !== 0) process.exit(1);

check("format", () => runNode(toolPath("@biomejs/biome", "biome"), ["format", "--max-diagnostics=40"], { capture: true }));
check("lint", () => runNode(toolPath("oxlint"), ["--deny-warnings", "src", "test", "scripts", "bench"], { capture: true }));
check("core", () => runNode(toolPath("typescript", "tsc"), ["-p", "tsconfig.core.json"], { capture: true }));
check("types", () => runNode(toolPath("typescript", "tsc"), ["-p", "tsconfig.json"], { capture: true }));
check("package", packageCheck);

if (reportAt !== -1) {
  const counts = testCounts(resolve(root, args[reportAt + 1]));
  passed += counts.passed;
  failed += counts.failed;
} else {
  const folder = mkdtempSync(join(tmpdir(), "sluice-check-"));
  const report = join(folder, "tests.json");
  const { status } = runNode(join(root, "scripts/test.mjs"), ["--report", report]);
  const counts = testCounts(report);
  passed += counts.passed;
  failed += counts.failed + (status !== 0 && counts.failed === 0 ? 1 : 0);
  rmSync(folder, { recursive: true, force: true });
}

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
