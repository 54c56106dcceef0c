/**
 * # All notebooks of a folder
 *
 * Finds the notebooks, runs them one after another (each uses all cores), and writes the executed
 * notebook and its page for each. If one fails, the others still run, so a single run reports
 * everything that is wrong.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { makeFolder, writeBeside } from '../backend/index';
import { FisherlabError } from '../errors';
import { notebookText } from './ipynb';
import { type NotebookRun, type RunOptions, runNotebook } from './run';

export interface PublishOptions extends RunOptions {
  /** Folder for the executed notebooks and pages. */
  readonly out: string;
  /**
   * Stores the outputs of successful runs in the notebooks themselves, so that code hosts show
   * them.
   */
  readonly write?: boolean;
  readonly onRun?: (run: NotebookRun, page: string) => void;
}

/**
 * The notebooks of a folder by their names: `01`, `likelihood` and `01-likelihood-failure` all name
 * the same. Without names, all notebooks in order.
 */
export function findNotebooks(folder: string, names: readonly string[] = []): string[] {
  const all = readdirSync(folder)
    .filter((file) => file.endsWith('.ipynb') && !file.startsWith('.'))
    .sort()
    .map((file) => path.basename(file, '.ipynb'));
  const chosen =
    names.length === 0
      ? all
      : names.flatMap((name) => matching(all, path.basename(name, '.ipynb')));
  return [...new Set(chosen)].map((name) => path.join(folder, `${name}.ipynb`));
}

function matching(all: readonly string[], name: string): string[] {
  const found = all.includes(name) ? [name] : all.filter((one) => one.includes(name));
  if (found.length === 0)
    throw new FisherlabError(`notebook '${name}' is not known`, `choose one of ${all.join(', ')}`);
  return found;
}

/**
 * Runs notebooks and writes `<name>.ipynb` and `<name>.html` for each. Returns all runs, successful
 * or not.
 */
export async function publishNotebooks(
  files: readonly string[],
  options: PublishOptions,
): Promise<NotebookRun[]> {
  await makeFolder(options.out);
  // loaded late, because it loads Markdown and KaTeX
  const { notebookHtml } = require('./html') as typeof import('./html');
  const runs: NotebookRun[] = [];
  for (const file of files) {
    const run = await runNotebook(file, options);
    const page = path.join(options.out, `${run.name}.html`);
    await writeBeside(path.join(options.out, `${run.name}.ipynb`), notebookText(run.executed));
    await writeBeside(page, notebookHtml(run.name, run.executed, run.seconds, besides(file)));
    if (options.write && run.problem === undefined)
      await writeBeside(file, notebookText(run.executed));
    options.onRun?.(run, page);
    runs.push(run);
  }
  return runs;
}

/** Names of all notebooks in the folder of one. */
const besides = (file: string): string[] =>
  findNotebooks(path.dirname(file)).map((one) => path.basename(one, '.ipynb'));
