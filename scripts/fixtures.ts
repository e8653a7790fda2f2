/**
 * `npm run fixtures -- DIR [--group G] [--device interpreter|wasm|both] [--kernels KIND]… [--finite-differences] [--json]`
 *
 * Runs every case of a folder in the golden-fixture format from equations: outputs, traces and all gradients, by the interpreter in float64 and by
 * the compiled kernels in float32, within the fixtures' own tolerances. Prints a table. Exit status 1 if any case fails; a case that cannot be
 * expressed is a failure. KIND says how kernels are made and run: "fused rows=6 threads=2" (see fixtures/kernels.ts); "every" is each kind that this engine has.
 */
import { existsSync } from "node:fs";
import { findCases, readCase } from "./fixtures/case.ts";
import { EVERY_KIND, kernelsNamed, kindRefused } from "./fixtures/kernels.ts";
import { type Check, runCase, type Verdict } from "./fixtures/run.ts";

interface Options {
  readonly folder: string;
  readonly groups: readonly string[];
  readonly checks: readonly Check[];
  /** Kinds of kernels, one run of the cases for each. */
  readonly kinds: readonly string[];
  readonly json: boolean;
}

const USAGE = "usage: npm run fixtures -- DIR [--group G]… [--device interpreter|wasm|both] [--kernels KIND|every]… [--finite-differences] [--json]";

function optionsOf(args: readonly string[]): Options | string {
  let folder: string | undefined;
  const groups: string[] = [];
  const kinds: string[] = [];
  let device = "both";
  let finiteDifferences = false;
  let json = false;
  for (let i = 0; i < args.length; i++) {
    const argument = args[i];
    if (argument === "--json") json = true;
    else if (argument === "--finite-differences") finiteDifferences = true;
    else if (argument === "--group" && args[i + 1] !== undefined) groups.push(args[++i]);
    else if (argument === "--device" && ["interpreter", "wasm", "both"].includes(args[i + 1])) device = args[++i];
    else if (argument === "--kernels" && args[i + 1] !== undefined) kinds.push(...(args[++i] === "every" ? EVERY_KIND : [args[i]]));
    else if (!argument.startsWith("-") && folder === undefined) folder = argument;
    else return `unexpected ${argument}`;
  }
  if (folder === undefined) return "no folder given";
  if (!existsSync(folder)) return `there is no folder ${folder}`;
  const devices: Check[] = device === "both" ? ["interpreter", "wasm"] : [device as Check];
  return { folder, groups, checks: finiteDifferences ? [...devices, "differences"] : devices, kinds: kinds.length > 0 ? kinds : [""], json };
}

function row(verdict: Verdict): string {
  const place = `${verdict.group}/${verdict.name}`.padEnd(52);
  const check = verdict.check.padEnd(12);
  if (verdict.worst === undefined) return `${place}${check}${"".padStart(10)}  FAIL  ${verdict.reason?.split("\n").join("\n      ")}`;
  const ratio = (verdict.worst.ratio < 1e4 ? verdict.worst.ratio.toFixed(3) : verdict.worst.ratio.toExponential(1)).padStart(10);
  const detail = verdict.passed
    ? verdict.worst.tensor
    : `${verdict.worst.tensor}: got ${verdict.worst.got}, want ${verdict.worst.want}${verdict.onlyCommonForm ? " (within the bound of the textbook form)" : ""}`;
  return `${place}${check}${ratio}  ${verdict.passed ? "ok  " : "FAIL"}  ${detail}`;
}

async function main(args: readonly string[]): Promise<number> {
  const options = optionsOf(args);
  if (typeof options === "string") {
    console.error(`${options}\n${USAGE}`);
    return 2;
  }
  const places = findCases(options.folder).filter(({ group }) => options.groups.length === 0 || options.groups.includes(group));
  const verdicts: Verdict[] = [];
  if (!options.json) console.log(`${"case".padEnd(52)}${"device".padEnd(12)}${"error/tol".padStart(10)}  verdict, worst tensor`);
  for (const [n, kind] of options.kinds.entries()) {
    const refused = kindRefused(kind);
    if (!options.json && options.kinds.length > 1)
      console.log(`\nkernels: ${kind || "deterministic, one thread"}${refused === undefined ? "" : `: skipped, ${refused}`}`);
    if (refused !== undefined && options.kinds.length > 1) continue;
    const kernels = await kernelsNamed(kind).catch((error: Error) => error);
    if (kernels instanceof Error) {
      console.error(`${kernels.message}\n${USAGE}`);
      return 2;
    }
    // What does not run kernels is the same for every kind.
    const checks = n === 0 ? options.checks : options.checks.filter((check) => check === "wasm");
    for (const { group, path } of places) {
      for (const verdict of runCase(readCase(group, path), checks, kernels)) {
        verdicts.push(verdict);
        if (!options.json) console.log(row(verdict));
      }
    }
  }
  const cases = new Map<string, boolean>();
  for (const { group, name, passed } of verdicts) cases.set(`${group}/${name}`, (cases.get(`${group}/${name}`) ?? true) && passed);
  const good = [...cases.values()].filter(Boolean).length;
  if (options.json)
    console.log(JSON.stringify({ cases: cases.size, passed: good, verdicts }, (_, value) => (value === Infinity ? "Infinity" : value), 1));
  else console.log(`\n${good} of ${cases.size} cases pass (${verdicts.filter(({ passed }) => passed).length} of ${verdicts.length} checks)`);
  if (cases.size === 0) console.error("no case found");
  return cases.size > 0 && good === cases.size ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
