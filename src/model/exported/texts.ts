/**
 * The text files of an export: the module with the runtime in it, its types, a manifest, a page that runs it, instructions.
 *
 * In: a description and the runtime's own text. Out: file contents by name. Every name in them comes from the equations.
 */
import { typesText } from "./declarations.ts";
import { readmeText } from "./instructions.ts";
import { pageText } from "./page.ts";
import { type ExportTexts, filesOf, isText } from "./words.ts";

/** Contents of the text files by name. */
export function exportTexts(texts: ExportTexts): ReadonlyMap<string, string> {
  return new Map([
    ["model.js", moduleText(texts)],
    ["model.d.ts", typesText(texts)],
    ["package.json", manifestText(texts)],
    ["README.md", readmeText(texts)],
    ["example.html", pageText(texts)],
  ]);
}

function moduleText({ description, runtime, version, record }: ExportTexts): string {
  // Addresses stay literal, so that bundlers find the files.
  const files = filesOf(description).map((file) => `  ${JSON.stringify(file)}: new URL(${JSON.stringify(`./${file}`)}, import.meta.url),`);
  const parts = [
    `/* ${description.network.name}, exported by Sluice ${version}: inference without the compiler. Types in model.d.ts, use in README.md. */`,
    runtime.trim(),
    `const description = ${JSON.stringify(description)};`,
    `const files = {\n${files.join("\n")}\n};`,
    "export const load = (options) => sluice.loadExported(description, files, options);",
  ];
  if (record !== undefined) parts.push(`export const record = ${JSON.stringify(record)};`);
  if (isText(record)) {
    parts.push("export const encode = (text) => sluice.encodeText(record, text);");
    parts.push("export const decode = (indices) => sluice.decodeText(record, indices);");
  }
  if (record?.kind === "table") {
    parts.push("export const encode = (rows) => sluice.encodeRows(record, rows);");
    parts.push("export const decode = (values) => sluice.decodeTarget(record, values);");
  }
  return `${parts.join("\n")}\n`;
}

function manifestText({ description }: ExportTexts): string {
  const name =
    description.network.name
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]+/g, "-")
      .replaceAll(/^-+|-+$/g, "") || "model";
  const manifest = {
    name,
    version: "1.0.0",
    private: true,
    type: "module",
    exports: { ".": { types: "./model.d.ts", default: "./model.js" } },
    sideEffects: false,
  };
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}
