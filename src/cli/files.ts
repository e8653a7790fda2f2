/**
 * Files of the command line: reading and writing with messages that say what to do.
 *
 * In: paths. Out: texts and bytes, or a SluiceError (E467, E468, E481 … E483) that names the file and the cure. Writes are whole or not at all.
 */
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { writeFileAtomically } from "../runtime/platform.ts";
import { SluiceError } from "../support/diagnostic.ts";
import { nearestWord } from "../support/text.ts";

const LARGEST_UNPACKED_BYTES = 2 ** 31 - 1;

/** Bytes of a file; `.gz` is unpacked. @throws SluiceError E468 (not there, not readable), E481 (empty), E482 (damaged gzip) */
export function readBytes(path: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new SluiceError("E468", readProblem(path, error), [], { cause: error });
  }
  if (bytes.length === 0) throw new SluiceError("E481", `${path} is empty`);
  if (!path.endsWith(".gz")) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: LARGEST_UNPACKED_BYTES });
  } catch (error) {
    throw new SluiceError("E482", `${path} is not a whole gzip file (${messageOf(error)}); copy or download it again`, [], { cause: error });
  }
}

/** Text of a UTF-8 file; `.gz` is unpacked, a byte-order mark is left out. @throws SluiceError E468, E481, E482, E483 (not UTF-8) */
export function readText(path: string): string {
  const bytes = readBytes(path);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new SluiceError("E483", `${path} is not UTF-8 text; convert it (for example: iconv -f latin1 -t utf-8) and run again`, [], {
      cause: error,
    });
  }
}

/** Writes a file whole or not at all, with the folder it is to be in. @throws SluiceError E467 */
export async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  try {
    ensureFolder(dirname(path));
    await writeFileAtomically(path, content);
  } catch (error) {
    throw new SluiceError("E467", writeProblem(path, error instanceof SluiceError ? error.cause : error), [], { cause: error });
  }
}

/** Writes a file where it belongs, else in the system's folder for temporary files: what took hours is kept. Returns where. @throws SluiceError E467 */
export async function writeSomewhere(path: string, content: Uint8Array): Promise<string> {
  try {
    await writeWhole(path, content);
    return path;
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    const elsewhere = join(tmpdir(), basename(path));
    await writeWhole(elsewhere, content);
    return elsewhere;
  }
}

/** Finds out before hours of work whether a file can be written; leaves nothing behind. @throws SluiceError E467 */
export function checkWritable(path: string): void {
  try {
    if (existsSync(path) && statSync(path).isDirectory()) throw Object.assign(new Error("is a folder"), { code: "EISDIR" });
    ensureFolder(dirname(path));
    const beside = join(dirname(path), `.${basename(path)}.${process.pid}.part`);
    closeSync(openSync(beside, "w"));
    rmSync(beside, { force: true });
  } catch (error) {
    throw new SluiceError("E467", writeProblem(path, error), [], { cause: error });
  }
}

/** Makes a folder and those above it. Node's own recursive form never ends on a file system that refuses folders (/proc). */
function ensureFolder(path: string): void {
  if (existsSync(path)) return;
  ensureFolder(dirname(path));
  mkdirSync(path);
}

function readProblem(path: string, error: unknown): string {
  switch (codeOf(error)) {
    case "ENOENT": {
      const folder = dirname(path);
      if (!existsSync(folder)) return `there is no folder ${folder}`;
      const near = nearestWord(basename(path), readdirSync(folder));
      return `there is no file ${path}${near === undefined ? "" : `; did you mean ${join(folder, near)}?`}`;
    }
    case "EISDIR":
      return `${path} is a folder; name a file in it`;
    case "EACCES":
    case "EPERM":
      return `${path} may not be read by this user; change its permissions or copy it`;
    default:
      return `${path} could not be read: ${messageOf(error)}`;
  }
}

function writeProblem(path: string, error: unknown): string {
  switch (codeOf(error)) {
    case "ENOSPC":
    case "EDQUOT":
      return `${path} could not be written: the disk is full; free some room, or name another place with --out`;
    case "EACCES":
    case "EPERM":
    case "EROFS":
    case "ENOENT":
      return `${path} could not be written: this user may not write in ${dirname(path)}; name another place with --out`;
    case "EISDIR":
      return `${path} is a folder; name a file in it with --out`;
    case "ENOTDIR":
    case "EEXIST":
      return `${path} could not be written: part of its path is a file; name another place with --out`;
    default:
      return `${path} could not be written: ${messageOf(error)}`;
  }
}

function codeOf(error: unknown): string | undefined {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
