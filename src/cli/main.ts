/** Entry of the `sluice` command. A closed pipe (`sluice explain … | head`) is a quiet end, not an error. */
import { runCommandLine } from "./program.ts";

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});
process.exitCode = await runCommandLine(process.argv.slice(2));
