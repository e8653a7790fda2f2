/**
 * A table as typed columns of numbers, times or categories, by name: CSV, or records of JSON (a list of objects, or an object on each line).
 *
 * In: the text of the file. Out: columns; what could not be read as the column's kind stays known by row, and is an error only where the column is used.
 * Found by looking: the delimiter, whether the first row holds names, the kind of each column. Rows are numbered as in the file, the
 * first is row 1. Never drops, sorts or fills anything.
 */
import { SluiceError } from "../../support/diagnostic.ts";
import { checkOptions, type OptionNames, requireKind } from "../../support/options.ts";
import { quoteCell } from "./checks.ts";
import { guessDelimiter, readCells } from "./csv-cells.ts";
import { readDates } from "./dates.ts";
import { isJsonTable, readJsonRecords } from "./json-records.ts";

export interface TableReading {
  /** The name that messages show; default "the table". */
  readonly file?: string;
  readonly delimiter?: string;
  readonly header?: boolean;
  /**
   * With ",", points in numbers separate thousands. Default ".", or "," in a file whose delimiter is ";" and that has numbers with commas and none with a
   * point.
   */
  readonly decimal?: "." | ",";
  /** A separator of thousands to leave out. */
  readonly thousands?: string;
}

export interface Table {
  readonly file: string;
  readonly columns: readonly Column[];
  readonly rows: number;
  /** Row of the file (from 1) that each row of the table was. */
  readonly fileRows: Int32Array;
  readonly delimiter: string;
  readonly header: boolean;
  /** How numbers were said to be written. */
  readonly said?: Pick<TableReading, "decimal" | "thousands">;
  readonly notes: readonly string[];
}

export type Column = NumberColumn | TimeColumn | CategoryColumn | { readonly name: string; readonly kind: "empty" };

export interface NumberColumn {
  readonly name: string;
  readonly kind: "number";
  /** NaN where the cell is missing or wrong. */
  readonly values: Float64Array;
  /** Cells that hold something else than a finite number, by row of the table; absent ones are missing, if NaN. */
  readonly wrong: ReadonlyMap<number, string>;
}

export interface TimeColumn {
  readonly name: string;
  readonly kind: "time";
  /** Milliseconds since 1970, UTC; NaN where missing. */
  readonly values: Float64Array;
}

export interface CategoryColumn {
  readonly name: string;
  readonly kind: "category";
  /** In the order of their code units. */
  readonly categories: readonly string[];
  /** -1 where missing. */
  readonly values: Int32Array;
}

const MISSING = new Set(["", "na", "n/a", "nan", "null", "none", "?", "-", "."]);
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INFINITE = /^[+-]?inf(?:inity)?$/i;
/** A number with commas: decimal, or between thousands. */
const COMMA_NUMBER = /^[+-]?(?:\d+,\d+|\d{1,3}(?:[.]\d{3})+,\d+|\d{1,3}(?:,\d{3})+(?:\.\d+)?)$/;

const DECIMAL_COMMA = /^[+-]?(?:\d+|\d{1,3}(?:[.]\d{3})+),\d+$/;
const POINT_NUMBER = /^[+-]?(?:\d[\d,]*)?\.\d+(?:[eE][+-]?\d+)?$/;

const READING_OPTIONS: OptionNames<TableReading> = { file: true, delimiter: true, header: true, decimal: true, thousands: true };

/** @throws SluiceError E420 (empty), E425 (a row with another number of cells, a quote never closed), E430 (not JSON), E462 */
export function readTable(text: string, given: TableReading = {}): Table {
  checkOptions("readTable", given, READING_OPTIONS);
  requireKind(typeof text === "string", "a table", "the text of a file", text);
  const { file = "the table", decimal, thousands } = given;
  const notes: string[] = [];
  const { names, body, reading, delimiter, header } = isJsonTable(text) ? jsonCells(text, file, given) : csvCells(text, file, given, notes);
  return {
    file,
    columns: names.map((name, k) =>
      readColumn(
        name,
        body.map(({ cells }) => cells[k].trim()),
        reading,
      ),
    ),
    rows: body.length,
    fileRows: Int32Array.from(body, ({ row }) => row),
    delimiter,
    header,
    said: { ...(decimal && { decimal }), ...(thousands && { thousands }) },
    notes,
  };
}

/** Rows of a file as texts, and how their numbers are written. */
interface Cells extends Pick<Table, "delimiter" | "header"> {
  readonly names: readonly string[];
  readonly body: readonly { readonly cells: readonly string[]; readonly row: number }[];
  readonly reading: TableReading;
}

function csvCells(text: string, file: string, given: TableReading, notes: string[]): Cells {
  const content = text.replace(/^\uFEFF/, "");
  const delimiter = given.delimiter || guessDelimiter(content);
  const { rows, broken } = readCells(content, delimiter);
  if (broken !== undefined) {
    const place = `${file}, row ${broken}`;
    throw new SluiceError("E425", `${place}: a quotation mark is opened and never closed, or has text after it; write a mark inside a value twice`);
  }
  const lines = rows.flatMap((cells, index) => (cells.length === 1 && cells[0].trim() === "" ? [] : [{ cells, row: index + 1 }]));
  if (lines.length === 0) throw new SluiceError("E420", `${file} is empty; it needs a row of column names and rows of numbers`);
  const byComma = given.decimal === undefined && delimiter === ";" && hasDecimalCommas(lines);
  const reading: TableReading = byComma ? { ...given, decimal: "," } : given;
  if (byComma) notes.push("numbers are read with a decimal comma: the delimiter is “;”, and none has a point");
  const header = reading.header ?? looksLikeNames(lines[0].cells, reading);
  const body = header ? lines.slice(1) : lines;
  if (body.length === 0) {
    throw new SluiceError("E420", `${file} has column names (${lines[0].cells.map(quoteCell).join(", ")}) but no rows below them; add rows`);
  }
  const width = lines[0].cells.length;
  for (const { cells, row } of lines) checkWidth(cells, row, width, file, delimiter);
  const names = header ? uniqueNames(lines[0].cells, notes) : lines[0].cells.map((_, k) => `column ${k + 1}`);
  return { names, body, reading, delimiter, header };
}

/** Columns are the fields of all records, in the order in which they come; a field that is absent or null is missing. */
function jsonCells(text: string, file: string, reading: TableReading): Cells {
  const records = readJsonRecords(text, file);
  const names = [...new Set(records.flatMap(({ values }) => Object.keys(values)))];
  const cell = (value: unknown, place: string): string => {
    if (typeof value === "object" && value !== null)
      throw new SluiceError("E431", `${place} is ${Array.isArray(value) ? "a list" : "an object"}; the rows of a table hold numbers and texts only`);
    // Numbers of JSON have a point; a text may be written as was said.
    return typeof value === "number" ? String(value).replace(".", reading.decimal ?? ".") : String(value ?? "");
  };
  const body = records.map(({ values, number, unit }) => ({
    cells: names.map((name) => cell(Object.hasOwn(values, name) ? values[name] : null, `${file}, ${unit} ${number}: field ${name}`)),
    row: number,
  }));
  return { names, body, reading, delimiter: ",", header: true };
}

/** True if numbers have commas and none has a point that could be the decimal sign. */
function hasDecimalCommas(lines: readonly { readonly cells: readonly string[] }[]): boolean {
  const some = (pattern: RegExp): boolean => lines.some(({ cells }) => cells.some((cell) => pattern.test(cell.trim())));
  return some(DECIMAL_COMMA) && !some(POINT_NUMBER);
}

/** Why a cell of a column of numbers is none: it has commas, is infinite (or too large for a double), or is some other text. */
export function explainWrong(text: string): "commas" | "infinite" | "text" {
  if (COMMA_NUMBER.test(text)) return "commas";
  return INFINITE.test(text) || NUMBER.test(text) ? "infinite" : "text";
}

/** The kinds of a table's columns in one line: "Date (time), Temp (number)". */
export function describeColumns(table: Table): string {
  return table.columns.map(({ name, kind }) => `${name} (${kind})`).join(", ");
}

function looksLikeNames(cells: readonly string[], reading: TableReading): boolean {
  const trimmed = cells.map((cell) => cell.trim());
  const isValue = (cell: string) =>
    parseNumber(cell, reading) !== undefined || COMMA_NUMBER.test(cell) || INFINITE.test(cell) || readDates([cell]) !== undefined;
  return !trimmed.some(isValue) && trimmed.some((cell) => !MISSING.has(cell.toLowerCase()));
}

function checkWidth(cells: readonly string[], row: number, width: number, file: string, delimiter: string): void {
  if (cells.length === width) return;
  // A delimiter at the end of a line makes an empty cell too many.
  if (cells.length > width && cells.slice(width).every((cell) => cell.trim() === "")) return;
  const shown = delimiter === "\t" ? "tab" : `“${delimiter}”`;
  const cure =
    cells.length > width
      ? `put values that contain ${shown} in quotation marks, or name the delimiter; decimal commas need another delimiter than the comma`
      : "fill in the missing cells (an empty cell between two delimiters counts)";
  throw new SluiceError(
    "E425",
    `${file}, row ${row} has ${cells.length} ${cells.length === 1 ? "cell" : "cells"}, but the first row has ${width} (delimiter ${shown}); ${cure}`,
  );
}

function uniqueNames(cells: readonly string[], notes: string[]): string[] {
  const names: string[] = [];
  cells.forEach((cell, k) => {
    const wanted = cell.trim() || `column ${k + 1}`;
    let name = wanted;
    for (let n = 2; names.includes(name); n++) name = `${wanted} ${n}`;
    if (name !== wanted) notes.push(`two columns are named ${wanted}; the later one is called ${name}`);
    names.push(name);
  });
  return names;
}

function readColumn(name: string, cells: readonly string[], reading: TableReading): Column {
  const known = cells.filter((cell) => !MISSING.has(cell.toLowerCase()));
  if (known.length === 0) return { name, kind: "empty" };
  const numeric = known.filter((cell) => parseNumber(cell, reading) !== undefined || COMMA_NUMBER.test(cell) || INFINITE.test(cell)).length;
  // A column of numbers may hold a few other cells: they are mistakes to be told, not categories.
  if (2 * numeric >= known.length) {
    const wrong = new Map<number, string>();
    const values = Float64Array.from(cells, (cell, row) => {
      if (MISSING.has(cell.toLowerCase())) return Number.NaN;
      const value = parseNumber(cell, reading);
      if (value === undefined || !Number.isFinite(value)) wrong.set(row, cell);
      return wrong.has(row) ? Number.NaN : value!;
    });
    return { name, kind: "number", values, wrong };
  }
  const times = readDates(cells.map((cell) => (MISSING.has(cell.toLowerCase()) ? undefined : cell)));
  if (times) return { name, kind: "time", values: times };
  const categories = [...new Set(known)].sort();
  const codes = new Map(categories.map((category, code) => [category, code]));
  return { name, kind: "category", categories, values: Int32Array.from(cells, (cell) => codes.get(cell) ?? -1) };
}

function parseNumber(cell: string, { decimal = ".", thousands }: TableReading): number | undefined {
  let text = cell;
  if (thousands) text = text.replaceAll(thousands, "");
  if (decimal === ",") text = text.replaceAll(".", "").replace(",", ".");
  return NUMBER.test(text) ? Number(text) : undefined;
}
