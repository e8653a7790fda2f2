/**
 * `sluice new NAME`: a folder with equations of one's own to begin with, and what to do with them.
 *
 * The cell is a copy of a standard mechanism, to be changed; nothing that exists is overwritten.
 */
import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { SluiceError } from "../../support/diagnostic.ts";
import { type CommandDefinition, usageError } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { writeWhole } from "../files.ts";
import { compileText, mechanismText, readSource } from "../subject.ts";

interface NewOptions {
  readonly from: string;
}

export const newCommand: CommandDefinition<NewOptions> = {
  name: "new",
  arguments: "<name>",
  summary: "begin with equations of your own, from a copy of a mechanism",
  examples: ["sluice new my-cell", "sluice new my-cell --from gru"],
  options(command) {
    command.option("--from <mechanism>", "the mechanism to begin with", "peephole_lstm");
  },
  async run({ terminal, json, emit }, [path], options) {
    const name = basename(path);
    if (!/^[A-Za-z][\w-]*$/.test(name)) throw usageError(`a name begins with a letter and holds letters, digits, - and _; “${name}” does not`);
    if (mechanismText(options.from) === undefined) readSource(options.from); // throws with the names that exist
    if (existsSync(path) && readdirSync(path).length > 0) {
      throw new SluiceError("E487", `${path} exists and is not empty; choose another name, or empty it`);
    }
    const original = mechanismText(options.from) ?? readSource(options.from).text;
    const block = name.replaceAll("-", "_");
    const text = renamed(original, block);
    const compiled = compileText({ name: `${name}.gate`, text });
    const file = join(path, `${name}.gate`);
    await writeWhole(file, text);
    await writeWhole(join(path, "README.md"), instructions(name, options.from));
    if (json) emit({ folder: path, files: [file, join(path, "README.md")], ok: compiled.ok });
    else {
      terminal.print(`${file}  a copy of ${options.from}: change an equation, then`);
      terminal.print();
      terminal.print(`  sluice check ${file}`);
      terminal.print(`  sluice explain ${file}`);
      terminal.print(`  sluice train ${file} --task flag`);
      terminal.print(`  sluice compare ${file} ${options.from} --task flag`);
    }
    return EXIT.ok;
  },
};

/** The text with its last block renamed. */
function renamed(text: string, name: string): string {
  const headers = [...text.matchAll(/^([A-Za-z_]\w*)(?=\s*\()/gm)];
  const last = headers.at(-1);
  return last === undefined ? text : text.slice(0, last.index) + name + text.slice(last.index + last[0].length);
}

function instructions(name: string, from: string): string {
  return `# ${name}

\`${name}.gate\` holds the equations, to begin with those of \`${from}\`. Change them; everything else follows from them.

    sluice check ${name}.gate                     what is wrong, with the place and a cure
    sluice explain ${name}.gate                   gates and their roles, sizes with reasons, weights, cost
    sluice train ${name}.gate --task flag         a task that needs gates, in seconds
    sluice train ${name}.gate --data FILE.txt     a text, by characters; FILE.csv forecasts a table, FILE.jsonl reads sequences
    sluice compare ${name}.gate ${from} --task flag
`;
}
