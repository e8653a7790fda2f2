/**
 * The command line as a function: arguments in, exit code out.
 *
 * Wrong use (an unknown command or option, an argument too few) ends in exit code 2 with commander's message and its suggestion.
 */
import { Command, CommanderError } from "commander";
import { SluiceError } from "../support/diagnostic.ts";
import { type CommandDefinition, createCommand, type Session } from "./command.ts";
import { ablate } from "./commands/ablate.ts";
import { check } from "./commands/check.ts";
import { compare } from "./commands/compare.ts";
import { demo } from "./commands/demo.ts";
import { doctor } from "./commands/doctor.ts";
import { evaluate } from "./commands/eval.ts";
import { exportCommand } from "./commands/export.ts";
import { explainCommand } from "./commands/explain.ts";
import { format } from "./commands/format.ts";
import { gates } from "./commands/gates.ts";
import { newCommand } from "./commands/new.ts";
import { predict } from "./commands/predict.ts";
import { reproduce } from "./commands/reproduce.ts";
import { sample } from "./commands/sample.ts";
import { trainCommand } from "./commands/train.ts";
import { EXIT } from "./exit-code.ts";
import { createTerminal } from "./terminal.ts";
import { VERSION } from "./version.ts";

const EXIT_CODES = `
Exit codes: 0 done · 1 the equations, the model or the input have errors · 2 wrong use · 3 interrupted, what was trained is kept ·
            4 a file could not be read or written · 70 a bug in Sluice`;

/** The whole command line as a commander program; `session` receives the exit code of the command that runs. */
export function createProgram(session: Session): Command {
  const program = new Command("sluice")
    .description("Gated neural networks from their equations: write them, train them, watch the gates.")
    .version(VERSION, "-v, --version", "print the version")
    .helpOption("-h, --help", "show this")
    .helpCommand("help [command]", "explain a command")
    .showHelpAfterError("(sluice --help shows what there is)")
    .showSuggestionAfterError()
    .addHelpText("after", EXIT_CODES)
    .exitOverride();
  const add = <O extends object>(definition: CommandDefinition<O>): void => {
    const command = createCommand(definition, session).exitOverride().showSuggestionAfterError().helpOption("-h, --help", "explain this command");
    command.showHelpAfterError(`(sluice ${definition.name} --help explains this command)`);
    program.addCommand(command);
  };
  add(demo);
  add(check);
  add(format);
  add(explainCommand);
  add(newCommand);
  add(trainCommand);
  add(evaluate);
  add(sample);
  add(predict);
  add(gates);
  add(ablate);
  add(exportCommand);
  add(compare);
  add(reproduce);
  add(doctor);
  return program;
}

/** Streams and interruption of another process than this one: a test's. */
export interface Surroundings {
  readonly terminal?: Session["terminal"];
  /** Takes what is said about wrong use, and help. */
  readonly complain?: (text: string) => void;
  /** In the place of Ctrl-C. */
  readonly signal?: AbortSignal;
}

/** Runs one command line. `args` are without the program's name. */
export async function runCommandLine(args: readonly string[], surroundings: Surroundings = {}): Promise<number> {
  let code: number = EXIT.ok;
  const complain = surroundings.complain ?? ((text: string) => void process.stderr.write(text));
  const program = createProgram({
    ...surroundings,
    exit(value) {
      code = value;
    },
  });
  const output = { writeErr: complain, ...(surroundings.complain && { writeOut: surroundings.complain }) };
  for (const command of [program, ...program.commands]) command.configureOutput(output);
  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    const isWrongUse = error instanceof SluiceError || (error instanceof CommanderError && error.exitCode !== 0);
    // An option's value that could not be read: commander lets the parser's own error pass.
    if (error instanceof SluiceError) complain(`error ${error.code}  ${error.message}\n`);
    else if (!(error instanceof CommanderError)) throw error;
    if (isWrongUse && args.includes("--json")) {
      const message = error.message.replace(/^error: /, "");
      const terminal = surroundings.terminal?.({ json: true, quiet: false }) ?? createTerminal({ json: true, quiet: false });
      terminal.print(JSON.stringify({ error: { code: error instanceof SluiceError ? error.code : "E490", message, diagnostics: [] } }, undefined, 2));
    }
    return isWrongUse ? EXIT.usage : EXIT.ok;
  }
  return code;
}
