/**
 * Makes node_modules answer to package-lock.json; does nothing (in a few milliseconds) when it already does.
 *
 * In: package-lock.json and npm's record of what is installed. Out: an installed node_modules, or a clear message and exit code 1.
 * Compares contents, not times: a fresh checkout changes the times of files, not their meaning.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root, runNpm } from "./launch.mjs";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 20)) {
  console.error(
    `Sluice needs Node 20.20 or newer; this is ${process.version}. Install a current Node from https://nodejs.org and run the command again.`,
  );
  process.exit(1);
}

/** Packages of the lock file that are not installed in that version (those for other platforms do not count). */
function missingPackages() {
  const record = join(root, "node_modules/.package-lock.json");
  if (!existsSync(record)) return ["everything"];
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const installed = JSON.parse(readFileSync(record, "utf8")).packages;
  return Object.entries(wanted)
    .filter(([path, entry]) => path.startsWith("node_modules/") && !entry.link && !entry.optional)
    .filter(([path, entry]) => installed[path]?.version !== entry.version || !existsSync(join(root, path)))
    .map(([path]) => path);
}

if (missingPackages().length > 0) {
  console.error("installing the development packages (npm ci) …");
  const { status, output } = runNpm(["ci", "--no-audit", "--no-fund", "--loglevel=error"], { capture: true });
  if (status !== 0) {
    console.error(output.trim());
    console.error("\nnpm ci failed: check the network (or the registry that npm is set to) and run the command again.");
    process.exit(1);
  }
}
