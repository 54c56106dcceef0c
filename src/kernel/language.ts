/**
 * # The language of cells
 *
 * Completion, inspection and remarks for the cells of a notebook, by the project's own TypeScript.
 * The service sees the files of the clone as they are on disk, the executed cells as modules that
 * later cells import from (`language-cells.ts`), and the cell being written.
 *
 * It is synchronous and independent of threads and Jupyter. The kernel runs it on a worker thread,
 * where a slow answer delays nothing else.
 */
import { realpathSync } from 'node:fs';
import { type Completion, complete } from './language-completion';
import { type Inspection, inspect } from './language-inspection';
import { listsFile } from './language-names';
import { createProgram } from './language-program';
import { type Remark, remarks } from './language-remarks';

/**
 * Answers about a cell. `cells` are the sources executed so far, in order; a cell executed twice
 * occurs twice. Offsets count UTF-16 units.
 */
export interface Language {
  complete(code: string, cursor: number, cells: readonly string[]): Completion;
  inspect(code: string, cursor: number, detail: number, cells: readonly string[]): Inspection;
  remarks(code: string, cells: readonly string[]): Remark[];
  /** Reads the executed cells, so that the next answer is as fast as any other. */
  read(cells: readonly string[]): void;
}

/** The folders of a notebook. */
export interface LanguagePlace {
  /** The clone; importing `fisherlab` means its `src`. */
  readonly root: string;
  /** The folder of the notebook, which `./` in a cell refers to. */
  readonly folder: string;
}

/** A cell that exercises every kind of answer, so that the first real request is already fast. */
const FIRST =
  "import { models } from 'fisherlab';\nconst { model } = models.loadModel('');\nmodel.";

/**
 * Makes the language service of a notebook. This takes a second or two to read the types of the
 * clone; then the first answer is as fast as any other.
 */
export function createLanguage({ root, folder }: LanguagePlace): Language {
  const clone = realpathSync(root);
  const program = createProgram(clone, folder, new Map([listsFile(clone, folder)]));
  const language: Language = {
    complete: (code, cursor, cells) => complete(clone, program.about(code, cells), code, cursor),
    inspect: (code, cursor, detail, cells) =>
      inspect(clone, program.about(code, cells), code, cursor, detail),
    remarks: (code, cells) => remarks(program.about(code, cells)),
    read: (cells) => void program.about('', cells).service.getProgram(),
  };
  language.complete(FIRST, FIRST.length, []);
  language.remarks(FIRST.replace(/\.$/, ';'), []);
  return language;
}
