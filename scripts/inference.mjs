/**
 * The runtime of exported models: src/inference.ts as one small script that defines `sluice`. `sluice export` puts it into the module that it writes.
 */
import { build } from "esbuild";
import { root } from "./launch.mjs";

/** The text of the script; `folder` is that of package.json, where this file is bundled into another. */
export async function inferenceText(folder = root) {
  const { outputFiles } = await build({
    absWorkingDir: folder,
    entryPoints: ["src/inference.ts"],
    bundle: true,
    write: false,
    format: "iife",
    globalName: "sluice",
    platform: "neutral",
    target: "es2022",
    charset: "utf8",
    minify: true,
    legalComments: "none",
    logLevel: "error",
  });
  return outputFiles[0].text;
}
