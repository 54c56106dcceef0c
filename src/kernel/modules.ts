/**
 * # Reloading edited source files
 *
 * Before a cell runs, every loaded file of the clone is checked (time and size, then content).
 * Changed files, and all files that import them directly or indirectly, are removed from the module
 * cache, and the next `require` loads them again. Existing values do not change: a model made by
 * the old class keeps that class.
 *
 * If a changed file is not valid TypeScript, it is reported with line and column, and the old
 * module is kept. `node_modules` and the kernel itself are never reloaded.
 */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { loader } from './hook';

/** The changes that were found. */
export interface Renewal {
  /** The changed files, relative to the clone. */
  readonly changed: readonly string[];
  /** Files of the modules to load again: the changed ones and those that import them. */
  readonly renewed: ReadonlySet<string>;
  /** Messages about changed files that keep their old module. */
  readonly broken: readonly string[];
  /** Puts the old modules back, in case a new one cannot be loaded. */
  restore(): void;
}

/** Removes modules from the cache whose files changed since they were loaded. */
export function renewModules(): Renewal {
  const changed: string[] = [];
  const broken: string[] = [];
  for (const [file, before] of loader.loaded) {
    if (require.cache[file] === undefined) continue;
    const stat = statSync(file, { throwIfNoEntry: false });
    // A deleted file keeps its module.
    if (stat === undefined || (stat.mtimeMs === before.time && stat.size === before.size)) continue;
    const now = loader.look(file);
    loader.loaded.set(file, now);
    if (now.content === before.content) continue; // only the time changed
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

/** A line that says what was reloaded and what was not. */
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
