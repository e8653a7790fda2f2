/**
 * Rows of a table as an exported model reads them, and its forecasts in the unit of the table. In: rows as objects. Out: standardised arrays.
 */
import { SluiceError } from "../../support/diagnostic.ts";
import type { NamedArray } from "../arrays.ts";
import type { DatasetRecord } from "../dataset-record.ts";

type TableRecord = Extract<DatasetRecord, { readonly kind: "table" }>;

/** (value - mean) / deviation of each column, or 1 where a column is the category, else 0: [rows, columns]. @throws SluiceError E421, E423 */
export function encodeRows({ columns }: TableRecord, rows: readonly Readonly<Record<string, number | string>>[]): NamedArray {
  const data = new Float32Array(rows.length * columns.length);
  for (const [t, row] of rows.entries()) {
    for (const [k, { name, mean, deviation, category }] of columns.entries()) {
      const value = row[name];
      if (value === undefined)
        throw new SluiceError("E421", `row ${t} has no column ${name}; it needs ${[...new Set(columns.map((column) => column.name))].join(", ")}`);
      if (category === undefined && !Number.isFinite(value))
        throw new SluiceError("E423", `row ${t} has ${name} = ${value}; it must be a finite number`);
      const number = category === undefined ? Number(value) : value === category ? 1 : 0;
      data[t * columns.length + k] = (number - mean) / deviation;
    }
  }
  return { data, shape: [rows.length, columns.length] };
}

/** Standardised values of the target in its unit. */
export function decodeTarget({ columns, target }: TableRecord, values: ArrayLike<number>): Float64Array {
  const { mean, deviation } = columns.find(({ name }) => name === target)!;
  return Float64Array.from(values, (value) => value * deviation + mean);
}
