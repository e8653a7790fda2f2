/**
 * Runs before every test file: in tests each pass of the compiler is verified by itself, not only the result of its phase.
 */
import { verifyEveryPass } from "../src/ir/tensor/verify.ts";

verifyEveryPass(true);
