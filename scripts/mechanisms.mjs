/**
 * Writes src/mechanisms/texts.ts from the .gate files beside it: name of each mechanism → its text. `--check` writes nothing and fails if the
 * file is stale.
 *
 * A mechanism's name is its file's name with `_` for `-`, and the header of the file's last block must say the same.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./launch.mjs";

const folder = join(root, "src/mechanisms");
const target = join(folder, "texts.ts");
const names = readdirSync(folder)
  .filter((name) => name.endsWith(".gate"))
  .sort();

const entries = names.map((file) => {
  const text = readFileSync(join(folder, file), "utf8");
  const name = file.slice(0, -".gate".length).replaceAll("-", "_");
  const headers = [...text.matchAll(/^(\w+)\(.*\) (?:→|->)/gm)].map((match) => match[1]);
  if (headers.at(-1) !== name) throw new Error(`${file}: the last block is called ${headers.at(-1)}, not ${name}`);
  const literal = text.replaceAll("\\", "\\\\").replaceAll("`", "\\`").replaceAll("${", "\\${");
  return `  ${name}: \`${literal}\`,\n`;
});

const generated = `/**
 * The standard mechanisms: name → equations. Made by scripts/mechanisms.mjs from the .gate files of this folder; edit those.
 */
export const MECHANISM_TEXTS = {
${entries.join("")}} as const satisfies Readonly<Record<string, string>>;
`;

if (process.argv.includes("--check")) {
  let present = "";
  try {
    present = readFileSync(target, "utf8");
  } catch {}
  if (present !== generated) {
    console.error("src/mechanisms/texts.ts is stale: run `node scripts/mechanisms.mjs`");
    process.exit(1);
  }
} else {
  writeFileSync(target, generated);
}
