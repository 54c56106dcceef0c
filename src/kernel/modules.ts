/**
 * # Edits of the source, seen by the next cell
 *
 * Before a cell runs, every loaded file of the clone is looked at (time and size, then content).
 * Files that changed, and all files that import them, directly or not, are forgotten; the next
 * `require` loads them anew. Values stay what they are: a model made by the old class keeps it.
 *
 * A changed file that is no TypeScript changes nothing: it is named with line and column, and the
 * old module stays. `node_modules` and the kernel itself are never loaded anew.
 */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { loader } from './hook';

/** What was found changed. */
export interface Renewal {
  /** Files of the clone, relative to it, that changed. */
  readonly changed: readonly string[];
  /** Modules that are loaded anew, by file: the changed ones and those that import them. */
  readonly renewed: ReadonlySet<string>;
  /** Why changed files keep their old module. */
  readonly broken: readonly string[];
  /** Puts the old modules back, for where a new one cannot be loaded. */
  restore(): void;
}

/** Forgets the modules whose files changed since they were loaded. */
export function renewModules(): Renewal {
  const changed: string[] = [];
  const broken: string[] = [];
  for (const [file, before] of loader.loaded) {
    if (require.cache[file] === undefined) continue;
    const stat = statSync(file, { throwIfNoEntry: false });
    // A file that is gone keeps its module.
    if (stat === undefined || (stat.mtimeMs === before.time && stat.size === before.size)) continue;
    const now = loader.look(file);
    loader.loaded.set(file, now);
    if (now.content === before.content) continue; // touched only
    try {
      if (file.endsWith('.ts')) loader.transpile(file, readFileSync(file, 'utf8'));
      changed.push(file);
    } catch (error) {
      const where = (error as Error).message.replace(loader.root + path.sep, '');
      broken.push(`${where}; the old module stays`);
    }
  }
  const renewed = changed.length === 0 ? new Set<string>() : withImporters(changed);
  const old = new Map([...renewed].map((file) => [file, require.cache[file]]));
  for (const file of renewed) delete require.cache[file];
  for (const module of Object.values(require.cache)) {
    if (module !== undefined && renewed.size > 0)
      module.children = module.children.filter((child) => !renewed.has(child.filename));
  }
  return {
    changed: changed.map((file) => path.relative(loader.root, file)),
    renewed,
    broken,
    restore: () => {
      for (const [file, module] of old) if (module !== undefined) require.cache[file] = module;
    },
  };
}

/** The files and all that import them. */
function withImporters(files: readonly string[]): Set<string> {
  const importers = new Map<string, string[]>();
  for (const module of Object.values(require.cache)) {
    for (const child of module?.children ?? []) {
      const of = importers.get(child.filename) ?? [];
      importers.set(child.filename, of);
      if (module !== undefined && loader.loaded.has(module.filename)) of.push(module.filename);
    }
  }
  const found = new Set(files);
  for (const file of found) for (const importer of importers.get(file) ?? []) found.add(importer);
  return found;
}

/** One line that says what is new and what is not. */
export function renewalLine({ changed, renewed }: Renewal): string {
  const names =
    changed.length > 3 ? [...changed.slice(0, 3), `${changed.length - 3} more`] : changed;
  const others = renewed.size - changed.length;
  const and =
    others === 0
      ? ''
      : ` and ${others} ${others === 1 ? 'file that imports' : 'files that import'} it`;
  return `renewed: ${names.join(', ')}${and}; variables, models and tensors are kept as they are`;
}
