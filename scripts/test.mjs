/**
 * Runs the tests: `node scripts/test.mjs [--report FILE] [arguments of vitest…]`.
 *
 * `--report FILE` also writes vitest's JSON report there, for `check.mjs --tests-from FILE`.
 */
import { root, runNode, toolPath } from "./launch.mjs";
import { resolve } from "node:path";

const args = process.argv.slice(2);
const at = args.indexOf("--report");
const report = at === -1 ? undefined : resolve(root, args.splice(at, 2)[1]);
const reporters = report ? ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`] : [];
process.exit(runNode(toolPath("vitest"), ["run", ...reporters, ...args]).status);
