/**
 * The pages of docs/ that are made from the source: errors, mechanisms, the languages between the phases, and the tables inside language.md.
 *
 * In: the tables of the source. Out: the text of each page by its path. Never writes: test/docs.test.ts compares, `npm run golden` rewrites.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { OPERATORS } from "../src/ir/syntax/operators.ts";
import { MECHANISMS } from "../src/mechanisms/index.ts";
import { FUNCTION_ALIASES, FUNCTIONS } from "../src/phases/2-infer/functions.ts";
import { CATALOGUE, type CatalogueEntry } from "../src/support/catalogue.ts";

const GENERATED = "<!-- Generated from the source by `npm run golden`; do not edit. -->";

/** Every generated page: path from the root → text. `language` is the present text of docs/language.md. */
export function generatedPages(root: string, language: string): Record<string, string> {
  return {
    "docs/errors.md": errorsPage(),
    "docs/mechanisms.md": mechanismsPage(),
    ...Object.fromEntries(["syntax", "network", "tensor", "loop", "program"].map((name) => [`docs/ir/${name}.md`, irPage(root, name)])),
    "docs/language.md": filledTables(language, { operators: operatorsTable(), functions: functionsTable() }),
  };
}

function errorsPage(): string {
  const groups: readonly (readonly [string, string])[] = [
    ["E0", "Syntax"],
    ["E1", "Names"],
    ["E2", "Shapes"],
    ["E3", "Time"],
    ["E4", "Data and use"],
    ["W", "Warnings"],
  ];
  const entries = Object.entries(CATALOGUE as Readonly<Record<string, CatalogueEntry>>).sort(([a], [b]) => (a < b ? -1 : 1));
  const parts = groups.map(([prefix, title]) => {
    const own = entries.filter(([code]) => code.startsWith(prefix));
    return own.length === 0
      ? ""
      : `## ${title}\n\n${own.map(([code, entry]) => `### ${code} ${escaped(entry.title)}\n\n${escaped(entry.explanation)}`).join("\n\n")}\n`;
  });
  return `${GENERATED}\n\n# Errors\n\nEvery message has a code. Here is what each means and how it is cured.\n\n${parts.filter(Boolean).join("\n")}`;
}

function mechanismsPage(): string {
  const sections = Object.entries(MECHANISMS)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, text]) => `## ${name}\n\n\`\`\`\n${text.trimEnd()}\n\`\`\``);
  return `${GENERATED}\n\n# Mechanisms\n\nThe standard mechanisms, as equations with their citation. Each may be copied as a beginning\n(\`sluice new my-cell --from gru\`) and, unless its output has an index of its own (\`h[j]\`), called by its name in any text. One that reads one vector and\ngives one is trained by its name (\`sluice train gru …\`); around the others a block with a loss is written first.\n\n${sections.join("\n\n")}\n`;
}

function irPage(root: string, name: string): string {
  const source = readFileSync(join(root, "src/ir", name, "node.ts"), "utf8");
  const end = source.indexOf("*/");
  const contract = source
    .slice(source.indexOf("/**") + 3, end)
    .split("\n")
    .map((line) => line.replace(/^ \* ?/, ""))
    .join("\n")
    .trim();
  const body = source
    .slice(end + 2)
    .replace(/^import[^;]*;\n/gm, "")
    .trim();
  return `${GENERATED}\n\n# The ${name} language\n\n${contract}\n\n\`\`\`ts\n${body}\n\`\`\`\n`;
}

function operatorsTable(): string {
  const rows = [...OPERATORS]
    .sort((a, b) => b.precedence - a.precedence)
    .map((entry) => `| ${entry.precedence} | \`${entry.unicode}\` | \`${entry.ascii}\` | ${entry.associativity} | ${entry.meaning} |`);
  return ["| binds | Unicode | ASCII | groups to the | meaning |", "|---|---|---|---|---|", ...rows].join("\n");
}

function functionsTable(): string {
  const aliases = new Map<string, string[]>();
  for (const [alias, name] of Object.entries(FUNCTION_ALIASES)) aliases.set(name, [...(aliases.get(name) ?? []), alias]);
  const rows = Object.entries(FUNCTIONS).map(([name, entry]) => {
    const options = Object.entries(entry.options ?? {}).map(([option, value]) => (value === undefined ? option : `${option} = ${value}`));
    const also = aliases.get(name)?.map((alias) => `\`${alias}\``) ?? [];
    return `| \`${name}\` | ${escaped(entry.meaning)} | ${options.map((option) => `\`${option}\``).join(", ")} | ${also.join(", ")} |`;
  });
  return ["| function | meaning | options | also |", "|---|---|---|---|", ...rows].join("\n");
}

/** Pipes would end a cell of a table. */
function escaped(text: string): string {
  return text.replaceAll("|", "\\|");
}

/** Replaces what stands between `<!-- NAME -->` and `<!-- end -->`. */
function filledTables(text: string, tables: Readonly<Record<string, string>>): string {
  return Object.entries(tables).reduce((page, [name, table]) => {
    const pattern = new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*?(\\n<!-- end -->)`);
    return page.replace(pattern, (_, before: string, after: string) => `${before}${table}${after}`);
  }, text);
}
