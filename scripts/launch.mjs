/**
 * How the scripts start other programs: always by path through this Node, never through a shell, so that they behave alike on every system.
 *
 * In: a tool of node_modules and its arguments. Out: exit status and, if asked, output. Never exits the process itself.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Folder of package.json. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Path of the script behind a command of node_modules ("vitest" → node_modules/vitest/vitest.mjs). */
export function toolPath(packageName, command = packageName) {
  const folder = join(root, "node_modules", packageName);
  const bin = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).bin;
  return join(folder, typeof bin === "string" ? bin : bin[command]);
}

/** Runs a Node script; `capture` keeps what it prints instead of passing it on. */
export function runNode(script, args = [], { capture = false, env = {} } = {}) {
  const result = spawnSync(process.execPath, [script, ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: capture ? ["ignore", "pipe", "pipe"] : "inherit",
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  return { status: result.status ?? 1, output: `${result.stdout ?? ""}${result.stderr ?? ""}`, stdout: result.stdout ?? "" };
}

/** Runs npm: the one that started us if there is one, else the one beside this Node, else the one on the path. */
export function runNpm(args, { capture = false } = {}) {
  const beside = [
    join(dirname(process.execPath), "../lib/node_modules/npm/bin/npm-cli.js"),
    join(dirname(process.execPath), "node_modules/npm/bin/npm-cli.js"),
  ];
  const script = [process.env.npm_execpath, ...beside].find((path) => path && /npm-cli\.[cm]?js$/.test(path) && existsSync(path));
  if (script) return runNode(script, args, { capture });
  const result = spawnSync("npm", args, {
    cwd: root,
    stdio: capture ? ["ignore", "pipe", "pipe"] : "inherit",
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  return { status: result.status ?? 1, output: `${result.stdout ?? ""}${result.stderr ?? ""}`, stdout: result.stdout ?? "" };
}
