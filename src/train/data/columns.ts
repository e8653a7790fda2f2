/**
 * From a table's columns to complete arrays of numbers: which columns, in which row order, with what in the empty cells.
 *
 * In: a table and the names a person gave. Out: one float64 array for each component of the input. Every refusal names row, column and cure.
 * With a column of documents (a patient, a ticker) the rows of each are put together, in the order in which documents first come, and are apart from those of
 * all others: times may begin anew, and nothing is filled over a border.
 */
import { SluiceError } from "../../support/diagnostic.ts";
import { listNames, quoteCell } from "./checks.ts";
import { nearestWord } from "../../support/text.ts";
import { explainWrong, type CategoryColumn, type Column, type NumberColumn, type Table } from "./csv.ts";
import { firstDescent } from "./dates.ts";

/**
 * "error": an empty cell is a mistake. "drop": its row is left out. "interpolate": a straight line between the nearest known rows (at the ends, and for
 * categories, the nearest known value before, else after). "last": the known value before (at the start, after).
 */
export type MissingPolicy = "error" | "drop" | "interpolate" | "last";

export const MISSING_POLICIES: readonly MissingPolicy[] = ["error", "drop", "interpolate", "last"];

/** A category column gives one component for each category; more than this are refused. */
export const COLUMN_LIMIT = 50;

/** A component of the input: a column of numbers, or whether a column is this category. */
export interface Component {
  readonly name: string;
  readonly column: NumberColumn | CategoryColumn;
  readonly category?: string;
}

export interface ChosenColumns {
  readonly components: readonly Component[];
  /** Place of the target among the components. */
  readonly targetAt: number;
}

export interface ColumnChoice {
  readonly target?: string;
  readonly inputs?: readonly string[];
  /** Components of a model already trained, whose categories stay as they were. */
  readonly categories?: readonly { readonly name: string; readonly category?: string }[];
  /** Column of documents; not read unless named. */
  readonly document?: string;
}

/** @throws SluiceError E421 (no such column), E423 (a column of another kind than is needed) */
export function chooseColumns(table: Table, { target, inputs, categories, document }: ColumnChoice, notes: string[]): ChosenColumns {
  const numbers = table.columns.filter(({ name, kind }) => kind === "number" && name !== document).map(({ name }) => name);
  if (numbers.length === 0 && target === undefined) {
    const kinds = table.columns.map(({ name, kind }) => `${name} (${kind})`).join(", ");
    throw new SluiceError("E423", `${table.file} has no column of numbers: ${kinds}; check the delimiter and the decimal sign`);
  }
  const targetName = target ?? numbers[numbers.length - 1];
  if (target === undefined && numbers.length > 1) notes.push(`the target is ${targetName}, the last column of numbers`);
  const targetColumn = findColumn(table, targetName);
  if (targetColumn.kind !== "number") {
    const cure = numbers.length > 0 ? `choose one of ${listNames(numbers)}` : "check the delimiter and the decimal sign";
    throw new SluiceError("E423", `${table.file}: column ${targetName} holds ${KINDS[targetColumn.kind]}, but a target has to be numbers; ${cure}`);
  }
  const wanted = inputs ?? numbers;
  // The target's own past is what a forecast mostly rests on, so it is always read.
  const names = wanted.includes(targetName) ? wanted : [...wanted, targetName];
  const left = table.columns
    .filter(({ name, kind }) => kind === "category" && inputs === undefined && name !== targetName && name !== document)
    .map(({ name }) => name);
  if (left.length > 0) notes.push(`columns of categories are not read unless named: ${listNames(left)}`);
  const components = names.flatMap((name) => componentsOf(table, name, categories));
  return { components, targetAt: components.findIndex(({ name }) => name === targetName) };
}

/** Rows in the order in which they are used. */
export interface RowOrder {
  readonly order: Int32Array;
  /** Of each row of the table: which document it belongs to; absent: all are one. */
  readonly documentOf?: Int32Array;
  /** What the file calls each document. */
  readonly names?: readonly string[];
}

/**
 * The order of rows: those of a document together, ascending in time.
 * @throws SluiceError E426 (rows that do not ascend), E422 (a time or document that is missing), E421, E423
 */
export function orderRows(
  table: Table,
  options: { readonly time?: string; readonly sort?: boolean; readonly document?: string },
  notes: string[],
): RowOrder {
  if (options.document === undefined)
    return {
      order: inTime(
        table,
        options,
        notes,
        Int32Array.from({ length: table.rows }, (_, row) => row),
      ),
    };
  const { documentOf, names } = documentsOf(table, options.document);
  const rowsOf: number[][] = names.map(() => []);
  documentOf.forEach((document, row) => rowsOf[document].push(row));
  const order = Int32Array.from(rowsOf.flatMap((rows) => [...inTime(table, options, notes, Int32Array.from(rows))]));
  return { order, documentOf, names };
}

/** Documents in the order in which they first come. */
function documentsOf(table: Table, name: string): { documentOf: Int32Array; names: readonly string[] } {
  const column = findColumn(table, name);
  if (column.kind === "empty") throw new SluiceError("E423", `${table.file}: column ${name} is empty, so it tells no documents apart; name another`);
  const numbers = new Map<number, number>();
  const documentOf = Int32Array.from(column.values, (value, row) => {
    if (column.kind === "category" ? value === -1 : Number.isNaN(value))
      throw new SluiceError("E422", `${place(table, row, name)} does not say which document the row belongs to; fill it in, or leave the row out`);
    if (!numbers.has(value)) numbers.set(value, numbers.size);
    return numbers.get(value)!;
  });
  const text = (value: number): string =>
    column.kind === "category" ? column.categories[value] : column.kind === "time" ? new Date(value).toISOString() : String(value);
  return { documentOf, names: [...numbers.keys()].map(text) };
}

/** These rows ascending in time. */
function inTime(
  table: Table,
  { time, sort = false }: { readonly time?: string; readonly sort?: boolean },
  notes: string[],
  order: Int32Array,
): Int32Array {
  const column = time === undefined ? table.columns.find(({ kind }) => kind === "time") : findColumn(table, time);
  if (column === undefined) return order;
  if (column.kind !== "time" && column.kind !== "number") {
    throw new SluiceError(
      "E423",
      `${table.file}: column ${column.name} holds ${KINDS[column.kind]}, but a column of times is needed; write dates as 2024-12-31`,
    );
  }
  const times = Float64Array.from(order, (row) => column.values[row]);
  const unknown = times.findIndex(Number.isNaN);
  if (unknown !== -1) {
    // Without a wish to go by it, a hole in a column of times hinders nothing.
    if (time === undefined && !sort) return order;
    throw new SluiceError("E422", `${place(table, order[unknown], column.name)} has no time; fill it in, or leave the row out of the file`);
  }
  const descent = firstDescent(times);
  if (descent === -1) return order;
  if (sort) {
    const said = `rows were sorted by ${column.name}`;
    if (!notes.includes(said)) notes.push(said);
    return order.sort((a, b) => column.values[a] - column.values[b] || a - b);
  }
  const problem = `${place(table, order[descent], column.name)} is earlier than a row before it, but the parts have to follow each other in time`;
  const anew = "name the column of documents (document, --document) if times begin anew in each";
  throw new SluiceError("E426", `${problem}; sort the file by ${column.name}, use the option sort, or ${anew}`);
}

/** Rows of one document among those that are used. */
export interface DocumentRows {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

export interface UsedRows {
  readonly values: readonly Float64Array[];
  readonly targetAt: number;
  /** Absent for a table that is one. */
  readonly documents?: readonly DocumentRows[];
}

/**
 * Values of every component in the rows that are used, complete and finite.
 * @throws SluiceError E422 (an empty cell), E423 (not a number), E424 (numbers with commas), E427 (infinite)
 */
export function usedRows(
  table: Table,
  { components, targetAt }: ChosenColumns,
  { order, documentOf, names }: RowOrder,
  missing: MissingPolicy,
  notes: string[],
): UsedRows {
  for (const { column } of components) checkCells(table, column);
  const isMissing = ({ column }: Component, row: number) => (column.kind === "number" ? Number.isNaN(column.values[row]) : column.values[row] === -1);
  let rows = order;
  if (missing === "error") {
    for (const component of components) {
      const holes = order.filter((row) => isMissing(component, row)).sort();
      if (holes.length === 0) continue;
      const more = holes.length > 1 ? `, as are ${holes.length - 1} more of the column` : "";
      const cure = "fill it in, or choose what to do with such cells: missing (on the command line --missing) drop, interpolate or last";
      throw new SluiceError("E422", `${place(table, holes[0], component.name)} is empty or NaN${more}; ${cure}`);
    }
  } else if (missing === "drop") {
    rows = order.filter((row) => !components.some((component) => isMissing(component, row)));
    if (rows.length < order.length) notes.push(`${order.length - rows.length} of ${order.length} rows with empty cells were left out`);
  }
  const documents = documentOf && names && cutDocuments(rows, documentOf, names);
  let filled = 0;
  const values = components.map((component) => {
    const result = Float64Array.from(rows, (row) => (isMissing(component, row) ? Number.NaN : valueOf(component, row)));
    for (const { name, start, end } of documents ?? [{ name: table.file, start: 0, end: rows.length }]) {
      filled += fillGaps(result.subarray(start, end), missing === "interpolate" && component.category === undefined ? "line" : "last");
      if (documents && Number.isNaN(result[start]))
        throw new SluiceError("E422", `${table.file}: all of ${name} has no value in column ${component.name}; use missing drop, or leave it out`);
    }
    return result;
  });
  if (rows.length === 0) throw new SluiceError("E428", `${table.file} has no row without an empty cell; use missing interpolate or last`);
  if (filled > 0) notes.push(`${filled} empty cells were filled (${missing})`);
  return { values, targetAt, documents };
}

function cutDocuments(rows: Int32Array, documentOf: Int32Array, names: readonly string[]): DocumentRows[] {
  const documents: DocumentRows[] = [];
  for (let start = 0, end = 0; start < rows.length; start = end) {
    while (end < rows.length && documentOf[rows[end]] === documentOf[rows[start]]) end++;
    documents.push({ name: names[documentOf[rows[start]]], start, end });
  }
  return documents;
}

const KINDS = { number: "numbers", time: "times", category: "texts", empty: "nothing" } as const;

function findColumn(table: Table, name: string): Column {
  const column = table.columns.find((candidate) => candidate.name === name);
  if (column) return column;
  const names = table.columns.map((candidate) => candidate.name);
  const near = nearestWord(name, names);
  const hint = near ? `did you mean ${near}? ` : "";
  throw new SluiceError("E421", `${table.file} has no column ${name}; ${hint}its columns are ${listNames(names)}`);
}

function componentsOf(table: Table, name: string, trained: ColumnChoice["categories"]): Component[] {
  const column = findColumn(table, name);
  if (column.kind === "number") return [{ name, column }];
  if (column.kind !== "category") {
    const cure = column.kind === "time" ? "times give the order of the rows and are not read" : "leave it out";
    throw new SluiceError("E423", `${table.file}: column ${name} holds ${KINDS[column.kind]}, which cannot be an input; ${cure}`);
  }
  const categories = trained
    ? trained.flatMap((entry) => (entry.name === name && entry.category !== undefined ? [entry.category] : []))
    : column.categories;
  if (categories.length > COLUMN_LIMIT) {
    const cure = `leave it out, or join categories; at most ${COLUMN_LIMIT} are possible`;
    throw new SluiceError("E423", `${table.file}: column ${name} has ${categories.length} different texts, too many for categories; ${cure}`);
  }
  return categories.map((category) => ({ name, column, category }));
}

function checkCells(table: Table, column: NumberColumn | CategoryColumn): void {
  if (column.kind !== "number") return;
  for (const [row, text] of column.wrong) {
    const where = `${place(table, row, column.name)} holds ${quoteCell(text)}`;
    const why = explainWrong(text);
    if (why === "commas") {
      const cure = "choose decimal “,” (--decimal ,) if the comma is the decimal sign, or thousands “,” (--thousands ,) if it separates thousands";
      throw new SluiceError("E424", `${where}, a number with a comma; ${cure}`);
    }
    if (why === "infinite") {
      throw new SluiceError("E427", `${where}, which is not a finite number; correct it, or empty the cell and choose a policy for missing values`);
    }
    throw new SluiceError("E423", `${where}, which is not a number; correct it, or leave column ${column.name} out`);
  }
}

function place(table: Table, row: number, column: string): string {
  return `${table.file}, row ${table.fileRows[row]}: column ${column}`;
}

function valueOf({ column, category }: Component, row: number): number {
  if (column.kind === "number") return column.values[row];
  return column.categories[column.values[row]] === category ? 1 : 0;
}

/** Fills NaN in place; returns how many there were. All NaN stays so. */
function fillGaps(values: Float64Array, how: "line" | "last"): number {
  let filled = 0;
  let before = -1;
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) continue;
    for (let gap = before + 1; gap < i; gap++) {
      if (before === -1) values[gap] = values[i];
      else values[gap] = how === "line" ? values[before] + ((values[i] - values[before]) * (gap - before)) / (i - before) : values[before];
      filled++;
    }
    before = i;
  }
  for (let gap = before + 1; before !== -1 && gap < values.length; gap++) {
    values[gap] = values[before];
    filled++;
  }
  return filled;
}
