/**
 * Rewrites the golden files: every phase's output of every sample in test/golden/, the drawn error reports in test/errors/ and the generated
 * pages of docs/. Afterwards, read the diff: a change of behaviour is a change there.
 */
import { runNode, toolPath } from "./launch.mjs";

const args = process.argv.slice(2);
const where = args.length > 0 ? args : ["test/golden", "test/errors", "test/docs.test.ts", "src/ir", "src/phases", "src/support"];
process.exit(runNode(toolPath("vitest"), ["run", ...where], { env: { SLUICE_GOLDEN: "write" } }).status);
