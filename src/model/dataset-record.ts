/**
 * What a model file keeps about the data that it was trained on, so that the file alone can be used on new data. Plain JSON.
 */

export type DatasetRecord =
  | {
      readonly kind: "text";
      readonly unit: "character" | "word";
      readonly vocabulary: readonly string[];
      /** What stands between two documents of the text. */
      readonly separator?: string;
    }
  | {
      readonly kind: "table";
      /** Components of the input "x", in order: a column of numbers as (value - mean) / deviation, or 1 where a column is `category`, else 0. */
      readonly columns: readonly { readonly name: string; readonly mean: number; readonly deviation: number; readonly category?: string }[];
      readonly target: string;
      /** Rows with one value of this column are a document: a sequence of their own. */
      readonly document?: string;
      /** "y" is the standardised target this many rows ahead (default 1). */
      readonly horizon?: number;
      /** How its files are read, where that was said: empty cells, the decimal sign, the separator of thousands. */
      readonly missing?: "drop" | "interpolate" | "last";
      readonly decimal?: "." | ",";
      readonly thousands?: string;
    }
  | { readonly kind: "sequences"; readonly inputs: Readonly<Record<string, unknown>> }
  | { readonly kind: "task"; readonly name: string; readonly options: Readonly<Record<string, number>> };
