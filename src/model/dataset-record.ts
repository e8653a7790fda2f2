/**
 * What a model file keeps about the data that it was trained on, so that the file alone can be used on new data. Plain JSON.
 */

export type DatasetRecord =
  | { readonly kind: "text"; readonly unit: "character" | "word"; readonly vocabulary: readonly string[] }
  | {
      readonly kind: "table";
      readonly columns: readonly { readonly name: string; readonly mean: number; readonly deviation: number }[];
      readonly target: string;
    }
  | { readonly kind: "sequences"; readonly inputs: Readonly<Record<string, unknown>> }
  | { readonly kind: "task"; readonly name: string; readonly options: Readonly<Record<string, number>> };
