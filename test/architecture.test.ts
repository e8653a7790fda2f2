/**
 * The house rules that a machine can hold, read from the files as text: tiers, order of the languages, blind siblings, cycles, file sizes,
 * no platform in the core, contract comments, names, no dependencies. A rule that is broken names every file that breaks it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Tier of each folder (or file) of src/. A file imports from its own folder and from lower tiers only. */
const TIERS: Readonly<Record<string, number>> = {
  support: 0,
  ir: 1,
  phases: 2,
  "compile.ts": 3,
  runtime: 4,
  mechanisms: 5,
  formats: 5,
  model: 6,
  train: 7,
  inspect: 8,
  cli: 9,
  // The public faces: they re-export, nobody imports them.
  "index.ts": 10,
  "worker.ts": 10,
  "inference.ts": 10,
};

/** Languages may know each other only downwards in this order. */
const LANGUAGES = ["syntax", "network", "tensor", "loop", "program"];

/** Packages that a bundle may hold, and the folders that may import them. */
const BUNDLED: Readonly<Record<string, readonly string[]>> = { commander: ["cli"] };

const LINES_LIMIT = 500;
/** Tables and generated files: long by nature, read by looking up. */
const LONG_FILES = new Set(["src/mechanisms/texts.ts"]);

const PLATFORM = [
  "document",
  "window",
  "self",
  "globalThis",
  "process",
  "WebAssembly",
  "Buffer",
  "console",
  "performance",
  "TextEncoder",
  "TextDecoder",
  "fetch",
  "setTimeout",
  "Worker",
  "navigator",
  "require",
];
const FORBIDDEN_NAMES = ["util", "utils", "helper", "helpers", "manager", "data", "info", "misc", "common"];

interface SourceFile {
  /** Path from the root with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** Text without comments and string contents. */
  readonly code: string;
  readonly imports: readonly { readonly target: string; readonly dynamic: boolean; readonly typeOnly: boolean }[];
}

function stripped(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/g, (match) =>
    match.startsWith("/") ? " " : '""',
  );
}

function readSources(folder: string): SourceFile[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => /\.(ts|mjs)$/.test(name) && !name.includes("node_modules"))
    .map((name) => {
      const path = `${folder}/${name.replaceAll("\\", "/")}`;
      const text = readFileSync(join(root, path), "utf8");
      const bare = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/[^\n]*/gm, " ");
      const imports = [
        ...[...bare.matchAll(/(?:^|[;\n])\s*(import|export)\s+(type\s+)?(?:[\w$*{][^;"'`]*?\sfrom\s*)?["']([^"']+)["']/g)].map((match) => ({
          target: match[3],
          dynamic: false,
          typeOnly: match[2] !== undefined,
        })),
        ...[...bare.matchAll(/\bimport\(\s*["']([^"']+)["']/g)].map((match) => ({ target: match[1], dynamic: true, typeOnly: false })),
      ];
      return { path, text, code: stripped(text), imports };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

const everything = ["src", "test", "scripts", "bench"].flatMap(readSources);
const sources = everything.filter((file) => file.path.startsWith("src/") && !file.path.endsWith(".test.ts"));

/** Path from src/ of what an import names, if it is a file of src/. */
function resolved(file: SourceFile, target: string): string | undefined {
  if (!target.startsWith(".")) return undefined;
  const path = normalize(join(dirname(file.path), target)).replaceAll("\\", "/");
  return path.startsWith("src/") ? path.slice("src/".length) : undefined;
}

const inSource = (file: SourceFile): string => file.path.slice("src/".length);
const place = (path: string): string => path.split("/")[0];
/** The folder in which files may know each other: a phase, a language, else the folder under src/. */
const home = (path: string): string => (/^(ir|phases)\//.test(path) ? path.split("/").slice(0, 2).join("/") : place(path));

function violations(rule: (file: SourceFile, report: (what: string) => void) => void): string[] {
  const found: string[] = [];
  for (const file of sources) rule(file, (what) => found.push(`${file.path}: ${what}`));
  return found;
}

test("there are sources to judge, and their imports are seen", () => {
  expect(sources.length).toBeGreaterThan(20);
  expect(sources.flatMap((file) => file.imports).length).toBeGreaterThan(20);
});

test("every folder of src has a tier", () => {
  expect([...new Set(sources.map((file) => place(inSource(file))))].filter((name) => !(name in TIERS))).toEqual([]);
});

test("a file imports from its own folder and from lower tiers", () => {
  const found = violations((file, report) => {
    const from = inSource(file);
    for (const { target } of file.imports) {
      const to = resolved(file, target);
      if (to === undefined || home(to) === home(from)) continue;
      if (place(to) === "ir" && place(from) === "ir") continue; // judged by the order of the languages
      if (TIERS[place(to)] >= TIERS[place(from)]) report(`imports ${to}`);
    }
  });
  expect(found).toEqual([]);
});

test("phases do not know each other", () => {
  const found = violations((file, report) => {
    if (!inSource(file).startsWith("phases/")) return;
    for (const { target } of file.imports) {
      const to = resolved(file, target);
      if (to?.startsWith("phases/") && home(to) !== home(inSource(file))) report(`imports ${to}`);
    }
  });
  expect(found).toEqual([]);
});

test("languages know each other only downwards: syntax < network < tensor < loop < program", () => {
  const found = violations((file, report) => {
    if (!inSource(file).startsWith("ir/")) return;
    const own = LANGUAGES.indexOf(inSource(file).split("/")[1]);
    if (own === -1) report("is in no language");
    for (const { target } of file.imports) {
      const to = resolved(file, target);
      if (to?.startsWith("ir/") && LANGUAGES.indexOf(to.split("/")[1]) > own) report(`imports ${to}`);
    }
  });
  expect(found).toEqual([]);
});

test("no cycles between files", () => {
  const edges = new Map(
    sources.map((file) => [inSource(file), file.imports.filter((entry) => !entry.typeOnly).flatMap((entry) => resolved(file, entry.target) ?? [])]),
  );
  const state = new Map<string, "open" | "done">();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === "done") return;
    if (state.get(path) === "open") {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(" → "));
      return;
    }
    state.set(path, "open");
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    state.set(path, "done");
  };
  for (const path of edges.keys()) visit(path, []);
  expect(cycles).toEqual([]);
});

test("imports name files that exist, with their ending", () => {
  const paths = new Set(everything.map((file) => file.path));
  const found = violations((file, report) => {
    for (const { target } of file.imports) {
      const to = resolved(file, target);
      if (to !== undefined && !paths.has(`src/${to}`)) report(`imports ${target}, which is not there`);
    }
  });
  expect(found).toEqual([]);
});

test("only the command line touches Node statically; packages only where they are bundled", () => {
  const found = violations((file, report) => {
    const where = place(inSource(file));
    for (const { target, dynamic } of file.imports) {
      if (target.startsWith(".")) continue;
      if (target.startsWith("node:")) {
        if (where !== "cli" && !dynamic) report(`imports ${target} statically`);
        if (TIERS[where] < TIERS.runtime) report(`imports ${target}`);
      } else if (!BUNDLED[target]?.includes(where)) report(`imports the package ${target}`);
    }
  });
  expect(found).toEqual([]);
});

test("the core names nothing of a platform", () => {
  const found = violations((file, report) => {
    if (TIERS[place(inSource(file))] > TIERS["compile.ts"]) return;
    for (const name of PLATFORM) {
      const used = new RegExp(`(?<![.\\w$])${name}(?![\\w$]|\\??:)`).test(file.code);
      const own = new RegExp(`\\b(?:interface|type|const|let|function|class)\\s+${name}\\b|\\{[^{}]*\\b${name}\\b[^{}]*\\}\\s*from\\b`).test(
        file.code,
      );
      const parameter = new RegExp(`[(,]\\s*${name}\\s*[:,)]|\\{[^{}()]*\\b${name}\\b[^{}()]*\\}\\s*(?:=|:)`).test(file.code);
      if (used && !own && !parameter) report(`names ${name}`);
    }
  });
  expect(found).toEqual([]);
});

test(`no file is longer than ${LINES_LIMIT} lines, but for tables and generated ones`, () => {
  const found = everything
    .filter((file) => !LONG_FILES.has(file.path) && file.text.split("\n").length - 1 > LINES_LIMIT)
    .map((file) => `${file.path}: ${file.text.split("\n").length - 1} lines`);
  expect(found).toEqual([]);
});

test("every file opens with its contract", () => {
  const found = everything.filter((file) => !file.path.endsWith(".test.ts") && !/^(#![^\n]*\n)?\/\*\*/.test(file.text)).map((file) => file.path);
  expect(found).toEqual([]);
});

test("names say what a file holds", () => {
  const found = everything.flatMap((file) => {
    const name = file.path
      .split("/")
      .at(-1)!
      .replace(/(\.test)?\.(ts|mjs)$/, "");
    const wrong = name.split(/[.-]/).filter((word) => FORBIDDEN_NAMES.includes(word));
    return [
      ...(wrong.length > 0 ? [`${file.path}: ${wrong.join(", ")}`] : []),
      ...(/^[a-z0-9.-]+$/.test(name) ? [] : [`${file.path}: not kebab-case`]),
    ];
  });
  expect(found).toEqual([]);
});

test("no enum, no default export, no inheritance but of errors", () => {
  const found = violations((file, report) => {
    if (/\benum\s+\w/.test(file.code)) report("has an enum");
    if (/\bexport\s+default\b/.test(file.code)) report("has a default export");
    for (const [, base] of file.code.matchAll(/\bclass\s+\w+(?:<[^>]*>)?\s+extends\s+(\w+)/g)) if (base !== "Error") report(`inherits from ${base}`);
  });
  expect(found).toEqual([]);
});

test("the package depends on nothing and runs nothing when it is installed", () => {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(manifest.dependencies ?? {}).toEqual({});
  expect(manifest.peerDependencies ?? {}).toEqual({});
  for (const script of ["preinstall", "install", "postinstall", "prepare"]) expect(manifest.scripts).not.toHaveProperty(script);
});

test("nothing imports the public faces, the command line or the studio", () => {
  const found = violations((file, report) => {
    for (const { target } of file.imports) {
      const to = resolved(file, target);
      if (to === "index.ts" || to === "worker.ts" || to === "inference.ts" || (to?.startsWith("cli/") && place(inSource(file)) !== "cli"))
        report(`imports ${to}`);
      if (relative("src", join(dirname(file.path), target)).startsWith("../studio")) report(`imports ${target}`);
    }
  });
  expect(found).toEqual([]);
});
