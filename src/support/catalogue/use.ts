/**
 * Catalogue of what is wrong with data and use: E4xx. Reported by the model, training, formats and the command line.
 */
import type { CatalogueEntry } from "./entry.ts";

export const USE = {
  E401: {
    title: "Not a safetensors file, or cut short",
    explanation:
      "The file is empty, shorter than its own header says, or another kind of file. Check the path; if it is the right one, fetch or save the file again.",
  },
  E402: {
    title: "Header of a safetensors file broken",
    explanation: "The header has to be a JSON object with one entry for each tensor, none twice. The file is damaged: fetch or save it again.",
  },
  E403: {
    title: "Entry of a tensor broken",
    explanation:
      "Each tensor needs a dtype that the format knows, a shape of whole numbers and two data_offsets. Fetch or save the file again; convert a type that is not known to F32.",
  },
  E404: {
    title: "Tensors and bytes disagree",
    explanation:
      "The shapes of a safetensors file have to fill its data exactly: no bytes missing, left over or shared. The file is damaged or was not written completely.",
  },
  E405: {
    title: "Tensor cannot be written",
    explanation: "Names of tensors are unique, `__metadata__` is reserved, and a shape needs as many values as it says.",
  },
  E406: {
    title: "Type of a tensor cannot be used",
    explanation: "Complex numbers and packed 4- and 6-bit floats are kept in a file but not computed with; indices have to be 32-bit integers. Convert the tensor.",
  },
  E407: {
    title: "Option out of range",
    explanation: "The option has to be a number of the kind and range that the message says.",
  },
  E410: {
    title: "Text too short",
    explanation:
      "Training reads windows of a fixed length, several side by side. Give a longer text, a shorter window or a smaller batch; the message says which would do.",
  },
  E411: {
    title: "Symbol not in the vocabulary",
    explanation: "The vocabulary comes from the training text. Leave the symbol out, or train on a text that has it.",
  },
  E412: {
    title: "No sequences",
    explanation: "A part of the data is empty. Give it at least one sequence, or leave the part out.",
  },
  E420: {
    title: "Table empty",
    explanation: "A table needs a row of column names (or numbers from the first row on) and rows below it.",
  },
  E421: {
    title: "No such column",
    explanation: "The columns are named by the first row of the file. Use one of those the message lists.",
  },
  E422: {
    title: "Value missing",
    explanation:
      "A cell that is needed is empty. Fill it in, or say what to do with such cells: missing `drop` leaves the row out, `interpolate` draws a line between its neighbours, `last` repeats the value before.",
  },
  E423: {
    title: "Not a number",
    explanation: "A cell of a column of numbers holds something else. Correct it, or leave the column out of the inputs.",
  },
  E424: {
    title: "Numbers with commas",
    explanation: "The numbers of a column are written with commas. Say whether these are decimal commas (decimal `,`) or separate thousands (thousands `,`).",
  },
  E425: {
    title: "Row with too many or too few cells",
    explanation: "Every row has to have as many cells as the first. A comma inside a value needs quotes around the value, or another delimiter.",
  },
  E426: {
    title: "Rows out of order",
    explanation: "Training, validation and test follow each other in time, so the rows have to ascend in time. Sort the file, or ask for it with `sort`.",
  },
  E427: {
    title: "Value not finite",
    explanation: "The data hold NaN or an infinity, which would turn every weight into NaN. Correct the value, or treat it as missing.",
  },
  E428: {
    title: "Too few rows",
    explanation: "A part of the table is shorter than the window and horizon need. Give more rows, a shorter window or other shares.",
  },
  E430: {
    title: "Line is not JSON",
    explanation: "Every line of the file has to be one JSON object, such as `{\"x\": [[0.1, 0.2], [0.3, 0.4]], \"y\": 1}`.",
  },
  E431: {
    title: "Field missing or of another kind",
    explanation: "All lines have to have the same fields of the same kinds: a list of lists of numbers, a list of numbers, a number, or a text as a class.",
  },
  E432: {
    title: "Sizes differ",
    explanation: "All steps of a field have the same number of components, and the fields of one line have the same number of steps.",
  },
  E433: {
    title: "Piano roll malformed",
    explanation: "A piano roll has `splits` of pieces, a piece is a list of time steps, a time step a list of the note numbers that sound.",
  },
  E434: {
    title: "Labelled sequences malformed",
    explanation: "The file has `features`, `classes` and `splits`; each item has `x`, a list of frames, and `y`, a class from 0 to classes - 1.",
  },
  E440: {
    title: "No such option of a task",
    explanation: "The message lists the options that the task has.",
  },
  E441: {
    title: "No such task",
    explanation: "The message lists the built-in tasks.",
  },
} as const satisfies Record<string, CatalogueEntry>;
