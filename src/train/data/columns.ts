/**
 * From a table's columns to complete arrays of numbers: which columns, in which row order, with what in the empty cells.
 *
 * In: a table and the names a person gave. Out: one float64 array for each component of the input. Every refusal names row, column and cure.
 */
import { SluiceError } from "../../support/diagnostic.ts";
import { listNames, nearestName, quoteCell } from "./checks.ts";
import { explainWrong, type CategoryColumn, type Column, type NumberColumn, type Table } from "./csv.ts";
import { firstDescent } from "./dates.ts";

/**
 * "error": an empty cell is a mistake. "drop": its row is left out. "interpolate": a straight line between the nearest known rows (at the ends, and for
 * categories, the nearest known value before, else after). "last": the known value before (at the start, after).
 */
export type MissingPolicy = "error" | "drop" | "interpolate" | "last";

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
}

/** @throws SluiceError E421 (no such column), E423 (a column of another kind than is needed) */
export function chooseColumns(table: Table, { target, inputs, categories }: ColumnChoice, notes: string[]): ChosenColumns {
  const numbers = table.columns.filter(({ kind }) => kind === "number").map(({ name }) => name);
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
  const left = table.columns.filter(({ name, kind }) => kind === "category" && inputs === undefined && name !== targetName).map(({ name }) => name);
  if (left.length > 0) notes.push(`columns of categories are not read unless named: ${listNames(left)}`);
  const components = names.flatMap((name) => componentsOf(table, name, categories));
  return { components, targetAt: components.findIndex(({ name }) => name === targetName) };
}

/**
 * The order of rows, ascending in time.
 * @throws SluiceError E426 (rows that do not ascend), E422 (a time that is missing), E421, E423
 */
export function orderRows(table: Table, { time, sort = false }: { readonly time?: string; readonly sort?: boolean }, notes: string[]): Int32Array {
  const order = Int32Array.from({ length: table.rows }, (_, row) => row);
  const column = time === undefined ? table.columns.find(({ kind }) => kind === "time") : findColumn(table, time);
  if (column === undefined) return order;
  if (column.kind !== "time" && column.kind !== "number") {
    throw new SluiceError(
      "E423",
      `${table.file}: column ${column.name} holds ${KINDS[column.kind]}, but a column of times is needed; write dates as 2024-12-31`,
    );
  }
  const times = column.values;
  const unknown = times.findIndex(Number.isNaN);
  if (unknown !== -1) {
    // Without a wish to go by it, a hole in a column of times hinders nothing.
    if (time === undefined && !sort) return order;
    throw new SluiceError("E422", `${place(table, unknown, column.name)} has no time; fill it in, or leave the row out of the file`);
  }
  if (sort) {
    const sorted = order.sort((a, b) => times[a] - times[b] || a - b);
    if (firstDescent(times) !== -1) notes.push(`rows were sorted by ${column.name}`);
    return sorted;
  }
  const descent = firstDescent(times);
  if (descent !== -1) {
    const problem = `${place(table, descent, column.name)} is earlier than a row before it, but the parts have to follow each other in time`;
    throw new SluiceError("E426", `${problem}; sort the file by ${column.name}, or use the option sort`);
  }
  return order;
}

/**
 * Values of every component in the rows that are used, complete and finite.
 * @throws SluiceError E422 (an empty cell), E423 (not a number), E424 (numbers with commas), E427 (infinite)
 */
export function usedRows(
  table: Table,
  { components, targetAt }: ChosenColumns,
  order: Int32Array,
  missing: MissingPolicy,
  notes: string[],
): { readonly values: readonly Float64Array[]; readonly targetAt: number } {
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
  let filled = 0;
  const values = components.map((component) => {
    const result = Float64Array.from(rows, (row) => (isMissing(component, row) ? Number.NaN : valueOf(component, row)));
    filled += fillGaps(result, missing === "interpolate" && component.category === undefined ? "line" : "last");
    return result;
  });
  if (rows.length === 0) throw new SluiceError("E428", `${table.file} has no row without an empty cell; use missing interpolate or last`);
  if (filled > 0) notes.push(`${filled} empty cells were filled (${missing})`);
  return { values, targetAt };
}

const KINDS = { number: "numbers", time: "times", category: "texts", empty: "nothing" } as const;

function findColumn(table: Table, name: string): Column {
  const column = table.columns.find((candidate) => candidate.name === name);
  if (column) return column;
  const names = table.columns.map((candidate) => candidate.name);
  const near = nearestName(name, names);
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
