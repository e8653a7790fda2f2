/**
 * Small drawings made of characters: sparklines, bars, gate rows, tables, numbers for people.
 *
 * In: numbers and texts. Out: strings without colors and without line ends. Everything exists in Unicode and in ASCII. Never asks how wide the
 * terminal is: callers pass the room they have.
 */

export interface DrawOptions {
  /** Only characters of ASCII. */
  readonly ascii?: boolean;
}

const LEVELS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const ASCII_LEVELS = ["_", ".", ":", "-", "=", "+", "*", "#"];
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** One of eight heights for a value in [low, high]; a blank for what is not a number. */
export function level(value: number, low = 0, high = 1, options: DrawOptions = {}): string {
  if (!Number.isFinite(value)) return options.ascii ? "!" : "×";
  const fraction = high > low ? (value - low) / (high - low) : 0.5;
  const marks = options.ascii ? ASCII_LEVELS : LEVELS;
  return marks[Math.max(0, Math.min(7, Math.floor(fraction * 8)))];
}

/** A row of heights. Longer series are shortened to `width` by means of equal stretches; low and high default to the series' own. */
export function sparkline(values: ArrayLike<number>, options: DrawOptions & { width?: number; low?: number; high?: number } = {}): string {
  const series = resample(values, options.width ?? values.length);
  const finite = series.filter(Number.isFinite);
  const low = options.low ?? Math.min(...finite);
  const high = options.high ?? Math.max(...finite);
  return series.map((value) => level(value, low, high, options)).join("");
}

/** The series in `width` points, each the mean of its stretch; unchanged if it is not longer. */
export function resample(values: ArrayLike<number>, width: number): number[] {
  const count = values.length;
  if (count <= width) return Array.from(values);
  return Array.from({ length: width }, (_, i) => {
    const from = Math.floor((i * count) / width);
    const to = Math.max(from + 1, Math.floor(((i + 1) * count) / width));
    let sum = 0;
    for (let j = from; j < to; j++) sum += values[j];
    return sum / (to - from);
  });
}

/** A horizontal bar of `fraction` (0 to 1) of `width` characters, to an eighth of a character. */
export function bar(fraction: number, width: number, options: DrawOptions = {}): string {
  const clamped = Number.isFinite(fraction) ? Math.max(0, Math.min(1, fraction)) : 0;
  if (options.ascii) return "#".repeat(Math.round(clamped * width));
  const eighths = Math.round(clamped * width * 8);
  return "█".repeat(eighths >> 3) + EIGHTHS[eighths & 7];
}

/** A gate over time, one character each time step, separated so that they stand under the symbols of the input. */
export function gateRow(values: ArrayLike<number>, range: readonly [number, number] = [0, 1], options: DrawOptions & { gap?: string } = {}): string {
  return Array.from(values, (value) => level(value, range[0], range[1], options)).join(options.gap ?? " ");
}

/** Number of columns a text takes: marks that combine with the letter before them take none, wide East Asian letters two. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if ((code >= 0x300 && code <= 0x36f) || (code >= 0x20d0 && code <= 0x20ff) || code === 0x200b || (code >= 0xfe00 && code <= 0xfe0f)) continue;
    width +=
      (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) || (code >= 0xac00 && code <= 0xd7a3) || code >= 0x1f300 ? 2 : 1;
  }
  return width;
}

/** The text with blanks after (or before) it up to a width. */
export function pad(text: string, width: number, side: "left" | "right" = "right"): string {
  const blanks = " ".repeat(Math.max(0, width - textWidth(text)));
  return side === "right" ? text + blanks : blanks + text;
}

/** The text, or its beginning and an ellipsis if it is wider than `width`. */
export function shorten(text: string, width: number, options: DrawOptions = {}): string {
  if (textWidth(text) <= width) return text;
  const mark = options.ascii ? "..." : "…";
  if (width <= mark.length) return mark.slice(0, Math.max(0, width));
  let kept = "";
  for (const character of text) {
    if (textWidth(kept + character) > width - textWidth(mark)) break;
    kept += character;
  }
  return kept.trimEnd() + mark;
}

/** Lines of at most `width` columns, broken at blanks; the lines after the first begin with `indent`. */
export function wrap(text: string, width: number, indent = ""): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter(Boolean)) {
    if (line !== "" && textWidth(line) + 1 + textWidth(word) > width) {
      lines.push(line);
      line = indent + word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" && lines.length > 0 ? lines : [...lines, line];
}

/** Lines of a table: columns as wide as their widest cell, separated by two blanks. `right`: columns that are set flush right. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = [], gap = "  "): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) => Math.max(0, ...rows.map((row) => textWidth(row[i] ?? ""))));
  return rows.map((row) =>
    row
      .map((cell, i) => pad(cell, widths[i], right.includes(i) ? "left" : "right"))
      .join(gap)
      .trimEnd(),
  );
}

/** 1366 → "1 366". */
export function grouped(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+(?!\d))/g, " ");
}

/** A number with about `digits` significant digits, without a tail of zeros, for reading, not for reading back. */
export function figure(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(Math.max(0, digits - 1)).replace("e+", "e");
  return value.toFixed(Math.max(0, digits - 1 - Math.floor(Math.log10(size))));
}

/** 12345 → "12.1 KB". */
export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  if (count < 1024 * 1024) return `${(count / 1024).toFixed(1)} KB`;
  if (count < 1024 ** 3) return `${(count / 1024 ** 2).toFixed(1)} MB`;
  return `${(count / 1024 ** 3).toFixed(1)} GB`;
}

/** Seconds for people: "0.8 s", "2 min 05 s", "1 h 03 min". */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 99.5) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
}

/** A count with its noun: "1 gate", "3 gates". */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${grouped(count)} ${count === 1 ? noun : plural}`;
}
