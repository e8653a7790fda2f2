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
    explanation:
      "Complex numbers and packed 4- and 6-bit floats are kept in a file but not computed with; indices have to be 32-bit integers. Convert the tensor.",
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
    explanation:
      "The numbers of a column are written with commas. Say whether these are decimal commas (decimal `,`) or separate thousands (thousands `,`).",
  },
  E425: {
    title: "Row with too many or too few cells",
    explanation: "Every row has to have as many cells as the first. A comma inside a value needs quotes around the value, or another delimiter.",
  },
  E426: {
    title: "Rows out of order",
    explanation:
      "Training, validation and test follow each other in time, so the rows have to ascend in time. Sort the file, or ask for it with `sort`.",
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
    title: "Line or record is not JSON",
    explanation:
      'Every line of the file, or every item of its list, has to be one JSON object, such as `{"x": [[0.1, 0.2], [0.3, 0.4]], "y": 1}` or a row of a table, `{"day": 3, "load": 2.5}`.',
  },
  E431: {
    title: "Field missing or of another kind",
    explanation:
      "All lines have to have the same fields of the same kinds: a list of lists of numbers, a list of numbers, a number, or a text as a class.",
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
  E450: {
    title: "Size out of range",
    explanation: "A size is a whole number of at least 1. Sizes that follow from others (such as D / 2) have to come out whole too.",
  },
  E451: {
    title: "Sizes contradict each other",
    explanation: "What the data give and what the equations or the caller say of a size differ. The message names both; change one of them.",
  },
  E452: {
    title: "No such size",
    explanation: "The message lists the sizes of the network.",
  },
  E453: {
    title: "Size without a value",
    explanation: "A size that neither the text nor the data fix has to be given when a model is made: `{ H: 128 }`, or a number if only one is free.",
  },
  E455: {
    title: "Array of another shape",
    explanation:
      "An input is `[steps, features]` for one sequence or `[steps, batch, features]` for several; an index input has no feature axis. The message says what was expected and what was found.",
  },
  E456: {
    title: "Input missing or unknown",
    explanation:
      "A run needs every input that the wanted values depend on, by its name in the equations. Lengths and resets are no inputs but options: `run({ x }, { lengths, reset })`.",
  },
  E457: {
    title: "Number that cannot be used",
    explanation: "Inputs, states and weights have to be finite; an index has to be a whole number below the number of its values.",
  },
  E458: {
    title: "No such value",
    explanation: "Only names that the equations define can be asked for, recorded or held fixed. The message lists them.",
  },
  E459: {
    title: "Weights do not fit",
    explanation: "A weight is replaced by as many numbers as it has. The message says how many, and which weights there are.",
  },
  E460: {
    title: "Stream cannot know the future",
    explanation: "A stream computes each step when it arrives, so values that read later steps are refused. Run whole sequences instead.",
  },
  E461: {
    title: "State unknown or without a first value",
    explanation: "A state that begins with an input or an expression needs its first value from the caller, `initial: { h: … }`.",
  },
  E462: {
    title: "Option or argument not understood",
    explanation: "There is no such option, or a value is of another kind than it can be. The message lists what there is.",
  },
  E463: {
    title: "Data and network do not fit",
    explanation: "Training needs a block that defines `loss`, and data that give every input which the loss depends on.",
  },
  E464: {
    title: "Value not finite during training",
    explanation:
      "A NaN or an infinity appeared; the run stopped before it reached the parameters. The message names the equation, step, time and unit where it began. A lower learning rate or a smaller `clip` usually cures it.",
  },
  E465: {
    title: "Checkpoint of another run",
    explanation: "A run goes on bit for bit only with the equations, sizes, optimizer and seed that it began with. Give the same, or begin anew.",
  },
  E466: {
    title: "Files need Node",
    explanation: "A page in a browser has no files. Use the bytes of a model (`toBytes`, `loadModel`) instead.",
  },
  E467: {
    title: "File could not be written",
    explanation: "The system refused, for the reason in the message. Files are written whole or not at all, so an older file is untouched.",
  },
  E468: {
    title: "File could not be read",
    explanation: "The system refused, for the reason in the message.",
  },
  E469: {
    title: "Not a model of Sluice",
    explanation: "A model file holds its equations and sizes beside its weights. Weights alone have to be imported together with their equations.",
  },
  E470: {
    title: "Weights and equations of a file disagree",
    explanation: "A weight is missing, has another shape than the equations in the file say, or is not finite. The file is damaged or was changed.",
  },
  E471: {
    title: "Engine without WebAssembly SIMD",
    explanation: "Kernels need the SIMD instructions that every current engine has. Update it, or use the interpreter device, which is slow.",
  },
  E472: {
    title: "Not enough memory",
    explanation: "The planned memory of a program could not be had. Use a smaller batch, fewer steps per batch or smaller sizes.",
  },
  E473: {
    title: "No workers",
    explanation: "The platform has no workers, or the worker's script was run by itself. Train on the thread itself with `train`.",
  },
  E474: {
    title: "Worker failed",
    explanation: "The worker ended with an error of its own, which the message holds.",
  },
  E475: {
    title: "No threads",
    explanation:
      "There are 1 to 64 threads. A thread that was stopped from outside, or failed, takes the others with it: begin anew, from a checkpoint if there is one; new threads are started. (A page without cross-origin isolation is no error: it trains on one thread, with the same bits, and the start event says so.)",
  },
  E476: {
    title: "No attention between these values",
    explanation:
      "The equivalent attention goes from a value that is written (not part of a recurrence, such as `v`) to one that is read from it (such as `o` or the output). The message lists what can be chosen.",
  },
  E477: {
    title: "Not in the export",
    explanation:
      "An exported model holds the programs that it was exported with and no compiler. The message says which option of `sluice export` adds what is missing.",
  },
  E478: {
    title: "More memory than allowed",
    explanation:
      "A bound on memory (`memoryMiB`, `--memory`) is kept by storing less for the gradients and computing it again, then by training in segments of time. The message says what the smallest way needs. Networks that look at all steps at once (attention), or learn their first states, cannot go in segments.",
  },
  E481: {
    title: "Empty file",
    explanation: "The file is there but holds nothing. Check that it was written completely.",
  },
  E482: {
    title: "Damaged gzip file",
    explanation: "A file whose name ends in `.gz` could not be unpacked. Copy or download it again.",
  },
  E483: {
    title: "Not UTF-8 text",
    explanation: "Texts are read as UTF-8. Convert the file, for example with `iconv -f latin1 -t utf-8`.",
  },
  E485: {
    title: "Neither a file nor a mechanism",
    explanation: "The command line reads a file of equations, a model file or the name of a standard mechanism. The message lists the mechanisms.",
  },
  E486: {
    title: "Not for this command",
    explanation:
      "The model, or the data, are of a kind that the command cannot use: equations where a trained model is needed, a table for a model of text. The message says what fits.",
  },
  E487: {
    title: "Folder in use",
    explanation: "`sluice new` never overwrites, and `sluice export` overwrites only an earlier export. Choose another name, or empty the folder.",
  },
  E488: {
    title: "No standard model around this cell",
    explanation:
      "A cell that reads one vector is made a whole model by itself. One with several inputs, or for unusual data, needs a block with a loss around it, written by you.",
  },
  E490: {
    title: "Wrong use of the command line",
    explanation: "An argument or option is missing or impossible. `sluice COMMAND --help` explains them, with examples.",
  },
} as const satisfies Record<string, CatalogueEntry>;
