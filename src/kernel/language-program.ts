/**
 * # The program that the language service sees
 *
 * The program consists of the files of the clone as they are on disk, the executed cells and the
 * cell being written as modules in the notebook's folder (`language-cells.ts`), and a file that
 * declares what the kernel adds to every cell. The compiler options are lenient, because the types
 * of a cell are only advice: null is not checked, and untyped parameters are allowed.
 *
 * The service is fast because nothing is read twice. Packages do not change while a kernel runs, so
 * their texts, paths and resolutions are cached. For files of the clone, the modification time is
 * checked once per request. The link `notebooks/src` is resolved, so that no file is in the program
 * twice. Each call of the service, of which there are several per request, would check every file
 * again unless it is told that the project has not changed. So each request is one version of the
 * project. The cell gets a new version only if its text is new, or if an import was not found.
 */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { cellModules, importsOfAll } from './language-cells';

/** A program about one cell. Positions are UTF-16 offsets in `file`; the cell begins at `start`. */
export interface CellProgram {
  readonly service: ts.LanguageService;
  readonly file: string;
  readonly start: number;
}

export interface Program {
  /** The program about a cell, after the cells executed before it. */
  about(code: string, cells: readonly string[]): CellProgram;
}

/** What the kernel adds to every cell. */
const GLOBALS = `
/** Asks for a line of text below the cell; a password is not shown. */
declare function input(prompt?: string, options?: { password?: boolean }): Promise<string>;
/** Takes away what the cell has shown; with wait, only once something new is shown. */
declare function clearOutput(options?: { wait?: boolean }): void;
`;

/** Types of the browser, which some packages include although cells run in Node. */
const BROWSER = /[\\/]typescript[\\/]lib[\\/]lib\.(dom|webworker|scripthost)[^\\/]*$/;

/**
 * @param root the clone
 * @param folder the folder of the notebook, which `./` in a cell refers to
 * @param texts further files of the program, by absolute path
 */
export function createProgram(
  root: string,
  folder: string,
  texts: ReadonlyMap<string, string>,
): Program {
  const file = path.join(folder, '.cell.ts');
  const fixed = new Map([[path.join(folder, '.globals.d.ts'), GLOBALS], ...texts]);
  const virtual = new Map(fixed);
  let questions = 0;
  let version = 0;
  let lacking = false; // whether an import of the cell found nothing
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts'],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Node10,
    paths: { fisherlab: ['./src/index.ts'] },
    types: ['node'],
    noImplicitAny: true, // so that `const rows = []` has the type of what is put into it
    esModuleInterop: true,
    resolveJsonModule: true,
    allowJs: true,
    skipLibCheck: true,
    noEmit: true,
  };
  const disk = diskFiles();
  const realpath = (name: string) => (virtual.has(name) ? name : disk.realpath(name));
  const resolutions = ts.createModuleResolutionCache(root, (name) => name, options);
  // According to its types only a compiler host has this cache, but the service uses it too.
  // Without it, every request would read every package.json again.
  const host: ts.LanguageServiceHost & Pick<ts.CompilerHost, 'getModuleResolutionCache'> = {
    getProjectVersion: () => String(questions),
    useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
    getCompilationSettings: () => options,
    getScriptFileNames: () => [...fixed.keys(), file],
    getScriptVersion: (name) => {
      if (name === file) return String(version);
      return virtual.has(name) ? '' : disk.version(name);
    },
    getScriptSnapshot: (name) => {
      const text = virtual.get(name);
      return text === undefined ? disk.snapshot(name) : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: (given) => ts.getDefaultLibFilePath(given),
    fileExists: (name) => virtual.has(name) || ts.sys.fileExists(name),
    readFile: (name) => virtual.get(name) ?? ts.sys.readFile(name),
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
    readDirectory: ts.sys.readDirectory,
    realpath,
    getModuleResolutionCache: () => resolutions,
    resolveModuleNameLiterals: (literals, from, redirected, given) =>
      literals.map(({ text }) => {
        const kept = ts.resolveModuleName(text, from, given, host, resolutions, redirected);
        // A missing file may have been written since.
        const found = kept.resolvedModule ? kept : ts.resolveModuleName(text, from, given, host);
        if (found.resolvedModule === undefined) {
          lacking ||= from === file;
          return found;
        }
        const resolvedFileName = realpath(found.resolvedModule.resolvedFileName);
        return { resolvedModule: { ...found.resolvedModule, resolvedFileName } };
      }),
  };
  const service = ts.createLanguageService(host, ts.createDocumentRegistry());
  return {
    about(code, cells) {
      const modules = cellModules(cells);
      const before = virtual.get(file);
      virtual.clear();
      for (const [name, text] of fixed) virtual.set(name, text);
      for (const [name, text] of modules.texts) virtual.set(path.join(folder, `${name}.ts`), text);
      const above = `${importsOfAll(code, modules.visible)}\n`;
      virtual.set(file, above + code);
      if (above + code !== before || lacking) version++;
      lacking = false;
      questions++;
      disk.look();
      return { service, file, start: above.length };
    },
  };
}

/**
 * Files on disk. Those of packages are read once, others again when they have changed. `look` has
 * to be called for their changes to be seen.
 */
function diskFiles() {
  const snapshots = new Map<
    string,
    { version: string; snapshot: ts.IScriptSnapshot | undefined }
  >();
  const paths = new Map<string, string>();
  const versions = new Map<string, string>();
  const version = (name: string): string => {
    if (name.includes('/node_modules/')) return '';
    const known = versions.get(name);
    if (known !== undefined) return known;
    const found = statSync(name, { throwIfNoEntry: false });
    const now = found === undefined ? 'gone' : `${found.mtimeMs} ${found.size}`;
    versions.set(name, now);
    return now;
  };
  const read = (name: string): ts.IScriptSnapshot | undefined => {
    if (BROWSER.test(name)) return ts.ScriptSnapshot.fromString('');
    try {
      return ts.ScriptSnapshot.fromString(readFileSync(name, 'utf8'));
    } catch {
      return undefined; // the service also asks for files that do not exist
    }
  };
  return {
    look: () => versions.clear(),
    version,
    snapshot(name: string): ts.IScriptSnapshot | undefined {
      const now = version(name);
      const before = snapshots.get(name);
      if (before?.version === now) return before.snapshot;
      const snapshot = read(name);
      snapshots.set(name, { version: now, snapshot });
      return snapshot;
    },
    realpath(name: string): string {
      const before = paths.get(name);
      if (before !== undefined) return before;
      try {
        const real = realpathSync(name);
        paths.set(name, real);
        return real;
      } catch {
        return name; // gone since it was found
      }
    },
  };
}
