/**
 * The one place that knows the terminal: colors, width, the line that moves.
 *
 * In: the process's streams and environment. Out: functions that write. Colors only on a terminal that takes them (NO_COLOR, FORCE_COLOR and
 * TERM=dumb are obeyed); nothing moves when the stream is no terminal; Unicode drawings become ASCII where the locale or the terminal cannot show
 * them. Results go to stdout, progress and remarks to stderr.
 */
import { shorten } from "../inspect/draw.ts";

export interface Terminal {
  /** Columns to draw in; never below 20. */
  readonly width: number;
  /** True if drawings must be of ASCII. */
  readonly ascii: boolean;
  readonly color: boolean;
  /** True if a line may be rewritten in place. */
  readonly animated: boolean;
  /** Writes lines to stdout. */
  print(text?: string): void;
  /** Writes a line to stderr, above the moving line. */
  remark(text: string): void;
  /** Writes lines to stderr whatever was asked: what went wrong. */
  complain(text: string): void;
  /** Replaces the moving line; a no-op when nothing moves. */
  progress(text: string): void;
  /** Removes the moving line. */
  settle(): void;
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

export interface TerminalOptions {
  /** Only JSON may reach stdout: no colors, no moving line. */
  readonly json?: boolean;
  readonly quiet?: boolean;
}

interface Streams {
  readonly out: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
  readonly err: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The terminal of this process, or of the streams given. */
export function createTerminal(
  options: TerminalOptions = {},
  streams: Streams = { out: process.stdout, err: process.stderr, environment: process.env },
): Terminal {
  const { out, err, environment } = streams;
  const dumb = environment.TERM === "dumb";
  const forced = environment.FORCE_COLOR !== undefined && environment.FORCE_COLOR !== "0";
  const color = !options.json && (forced || (Boolean(out.isTTY) && !dumb && !environment.NO_COLOR && environment.FORCE_COLOR !== "0"));
  const animated = !options.json && !options.quiet && Boolean(err.isTTY) && !dumb && environment.CI === undefined;
  const locale = environment.LC_ALL || environment.LC_CTYPE || environment.LANG;
  const ascii = environment.SLUICE_ASCII === "1" || environment.TERM === "linux" || locale === "C" || locale === "POSIX";
  const stated = Number(environment.COLUMNS);
  const columns = out.columns ?? (Number.isInteger(stated) && stated > 0 ? stated : 100);
  const width = Math.max(20, columns);
  const painted = (open: number, close: number) => (text: string) => (color ? `\u001b[${open}m${text}\u001b[${close}m` : text);
  let moving = false;
  const settle = (): void => {
    if (moving) err.write("\r\u001b[2K");
    moving = false;
  };
  return {
    width,
    ascii,
    color,
    animated,
    print(text = "") {
      settle();
      out.write(`${ascii ? plain(text) : text}\n`);
    },
    remark(text) {
      settle();
      if (!options.quiet) err.write(`${ascii ? plain(text) : text}\n`);
    },
    complain(text) {
      settle();
      err.write(`${ascii ? plain(text) : text}\n`);
    },
    progress(text) {
      if (!animated) return;
      err.write(`\r\u001b[2K${shorten(ascii ? plain(text) : text, (err.columns ?? width) - 1, { ascii })}`);
      moving = true;
    },
    settle,
    bold: painted(1, 22),
    dim: painted(2, 22),
    red: painted(31, 39),
    green: painted(32, 39),
    yellow: painted(33, 39),
    cyan: painted(36, 39),
  };
}

const PLAIN: Readonly<Record<string, string>> = {
  "→": "->",
  "≡": "=",
  "…": "...",
  "“": '"',
  "”": '"',
  "’": "'",
  "–": "-",
  "×": "x",
  "≤": "<=",
  "≥": ">=",
  "±": "+-",
  "│": "|",
  "├": "|",
  "└": "`",
  "─": "-",
  "┬": "-",
  µ: "u",
};

/** The words of a message in ASCII; names and equations of the author are left as they are. */
function plain(text: string): string {
  return text.replace(/[→≡…“”’–×≤≥±│├└─┬µ]/g, (mark) => PLAIN[mark] ?? mark);
}
