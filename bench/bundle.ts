/**
 * A module of the bench as a file that any Node runs, for the modes that start processes of their own.
 *
 * In: a name for its folder under node_modules/.cache, and the module, by path or as text that stands in this folder. Out: the path of the bundle, an ES module.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

/** Bundles a module with what it imports; packages stay outside. */
export async function bundle(name: string, module: { readonly entry: string } | { readonly text: string }): Promise<string> {
  const here = join(process.cwd(), "bench");
  const folder = join(process.cwd(), "node_modules/.cache", name);
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, "main.mjs");
  await build({
    ...("entry" in module ? { entryPoints: [join(here, module.entry)] } : { stdin: { contents: module.text, resolveDir: here } }),
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "es2023",
    packages: "external",
    define: { SLUICE_VERSION: '"bench"' },
    logLevel: "warning",
  });
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  return outfile;
}
