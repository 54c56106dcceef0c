/**
 * # The language of cells
 *
 * Completion, inspection and remarks for a notebook's cells, by the project's own TypeScript. The
 * service sees the clone's files as they are on the disk, the executed cells as modules that later
 * cells import from (`language-cells.ts`), and the cell that is being written.
 *
 * All of it is synchronous and knows nothing of threads or of Jupyter; the kernel runs it on a
 * worker, where a slow answer holds nothing up.
 */
import { realpathSync } from 'node:fs';
import { type Completion, complete } from './language-completion';
import { type Inspection, inspect } from './language-inspection';
import { listsFile } from './language-names';
import { createProgram } from './language-program';
import { type Remark, remarks } from './language-remarks';

/**
 * Answers about a cell. `cells` are the sources that were executed so far, in order, the same cell
 * as often as it was executed. Offsets count UTF-16 units.
 */
export interface Language {
  complete(code: string, cursor: number, cells: readonly string[]): Completion;
  inspect(code: string, cursor: number, detail: number, cells: readonly string[]): Inspection;
  remarks(code: string, cells: readonly string[]): Remark[];
  /** Reads what was executed, so that the next answer is as quick as any other. */
  read(cells: readonly string[]): void;
}

/** Where a notebook lives. */
export interface LanguagePlace {
  /** The clone: `fisherlab` means its `src`. */
  readonly root: string;
  /** The notebook's folder: what `./` means in a cell. */
  readonly folder: string;
}

/** A cell that touches every answer, so that the first one that is asked for is already warm. */
const FIRST =
  "import { models } from 'fisherlab';\nconst { model } = models.loadModel('');\nmodel.";

/**
 * Makes the language of a notebook. It takes a second or two, in which the clone's types are read:
 * the first answer then comes as fast as any other.
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
