/**
 * What the documents say is so: generated pages are fresh, links lead somewhere, commands and options exist, and the code in README and lessons runs.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, expect, test } from "vitest";
import { generatedPages } from "../scripts/pages.ts";
import { createProgram } from "../src/cli/program.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const write = process.env.SLUICE_GOLDEN === "write";
const read = (path: string): string => readFileSync(join(root, path), "utf8");

const documents = [
  ...["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"],
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name.replaceAll("\\", "/")}`)
    .sort(),
];
const executed = documents.filter((path) => path === "README.md" || path.startsWith("docs/lessons/"));

/** Fenced blocks of a language, with the line each begins on. */
function blocks(path: string, language: string): { line: number; text: string }[] {
  return [...read(path).matchAll(/^```(\w*)\n([\s\S]*?)^```/gm)]
    .filter((match) => match[1] === language)
    .map((match) => ({ line: read(path).slice(0, match.index).split("\n").length, text: match[2] }));
}

for (const [path, text] of Object.entries(generatedPages(root, read("docs/language.md")))) {
  test(`${path} is what the source says (npm run golden rewrites it)`, () => {
    if (write) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    expect(existsSync(join(root, path)) ? read(path) : "").toBe(text);
  });
}

test("links between documents lead to files", () => {
  const broken = documents.flatMap((path) =>
    [...read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)/g)]
      .filter(([, target]) => !existsSync(join(root, dirname(path), target)))
      .map(([, target]) => `${path}: ${target}`),
  );
  expect(broken).toEqual([]);
});

test("commands and options in the documents exist", () => {
  const program = createProgram({ exit: () => undefined });
  const wrong: string[] = [];
  let seen = 0;
  for (const path of documents) {
    for (const [, line] of read(path).matchAll(/^(?: {2,}|\$ |npx )?(?:npx )?sluice (.+)$/gm)) {
      const words = line.split(/\s+#|\s{3,}/)[0].split(/\s+/);
      const command = program.commands.find((each) => each.name() === words[0]);
      if (words[0].startsWith("-") || /^[A-Z(|·]/.test(words[0])) continue;
      seen++;
      if (command === undefined) {
        wrong.push(`${path}: there is no command ${words[0]}`);
        continue;
      }
      const known = new Set(["--help", ...command.options.flatMap((option) => [option.long, option.short])]);
      for (const word of words) if (/^--[a-z]/.test(word) && !known.has(word)) wrong.push(`${path}: ${words[0]} has no option ${word}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(seen).toBeGreaterThan(10);
});

test("npm scripts in the documents exist", () => {
  const scripts = Object.keys(JSON.parse(read("package.json")).scripts);
  const wrong = documents.flatMap((path) =>
    [...read(path).matchAll(/npm run ([a-z-]+)/g)].filter(([, name]) => !scripts.includes(name)).map(([, name]) => `${path}: npm run ${name}`),
  );
  expect(wrong).toEqual([]);
});

const cache = join(root, "node_modules/.cache");
mkdirSync(cache, { recursive: true });
const folder = mkdtempSync(join(cache, "docs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

for (const path of executed) {
  for (const { line, text } of blocks(path, "ts")) {
    test(`the code at ${path}:${line} runs`, async () => {
      const outfile = join(folder, `${path.replaceAll(/\W/g, "-")}-${line}.mjs`);
      await build({
        stdin: { contents: text, resolveDir: root, loader: "ts" },
        outfile,
        bundle: true,
        format: "esm",
        platform: "node",
        target: "es2023",
        alias: { sluice: join(root, "src/index.ts") },
        logLevel: "silent",
      });
      const { status, stdout, stderr } = spawnSync(process.execPath, [outfile], { cwd: folder, encoding: "utf8" });
      expect(stderr).toBe("");
      expect(status).toBe(0);
      expect(stdout).not.toMatch(/NaN|undefined/);
    });
  }
}
