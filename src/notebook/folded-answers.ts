/**
 * # Running the folded answers
 *
 * A notebook ends with exercises, each with a folded answer, and answers that are code must work.
 * The TypeScript in all `<details>` becomes further cells after the last one, in the order of the
 * text, so that a test can run them after the notebook.
 */
import { type Cell, type Ipynb, joined } from './ipynb';

/** A notebook with the code of its folded answers as further cells. */
export function withAnswers(notebook: Ipynb): Ipynb {
  const answers = notebook.cells
    .filter(({ cell_type: kind }) => kind === 'markdown')
    .flatMap(({ source }) => [...joined(source).matchAll(/<details>([\s\S]*?)<\/details>/g)])
    .flatMap(([, inside = '']) => [...inside.matchAll(/^( *)```ts\n([\s\S]*?)^ *```/gm)])
    .map(([, indent = '', code = '']) => code.replace(new RegExp(`^${indent}`, 'gm'), ''));
  const cells = answers.map(
    (source): Cell => ({
      cell_type: 'code',
      metadata: {},
      source,
      execution_count: null,
      outputs: [],
    }),
  );
  return { ...notebook, cells: [...notebook.cells, ...cells] };
}
