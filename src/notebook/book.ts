/**
 * # One book of notebooks, modules and pages
 *
 * The sources of a Sphinx site are written to a separate folder: the stored notebooks with their
 * outputs, the pages of `docs`, and a page for every module of `src` with prose next to code
 * (`literate.ts`). Sphinx, myst-nb and sphinx-book-theme make the site; TypeDoc makes the pages of
 * the interface. The site includes formulas, search and fonts, so it opens from a file without a
 * network.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inCheckout } from '../backend/index';
import { FisherlabError } from '../errors';
import { modulePage } from './literate';

export interface BookOptions {
  /** Folder of the site; the sources are written to `source` beside it. */
  readonly out: string;
  /** Called with each step before it begins. */
  readonly step?: (what: string) => void;
}

/**
 * Makes the book and returns its first page.
 * @throws {FisherlabError} if Sphinx is not installed, or a page has a mistake
 */
export async function makeBook({ out, step = () => {} }: BookOptions): Promise<string> {
  const source = path.join(path.dirname(path.resolve(out)), 'source');
  step('writing the sources');
  rmSync(source, { recursive: true, force: true });
  layOut(source);
  step('making the pages (Sphinx)');
  await run('sphinx-build', ['-q', '-b', 'html', source, path.resolve(out)]);
  step('making the pages of the interface (TypeDoc)');
  const typedoc = path.join(
    path.dirname(require.resolve('typedoc/package.json')),
    'bin',
    'typedoc',
  );
  await run(process.execPath, [
    typedoc,
    '--logLevel',
    'Error',
    '--entryPoints',
    inCheckout('src', 'index.ts'),
    '--tsconfig',
    inCheckout('tsconfig.build.json'),
    '--readme',
    'none',
    '--name',
    'fisherlab',
    '--disableSources',
    '--out',
    path.join(path.resolve(out), 'api'),
  ]);
  return path.join(path.resolve(out), 'index.html');
}

/**
 * Copies pages and notebooks, and writes a page for every module and a list of modules for each
 * room.
 */
function layOut(source: string): void {
  cpSync(inCheckout('docs'), source, { recursive: true });
  for (const file of readdirSync(source).filter((name) => name.endsWith('.md')))
    write(path.join(source, file), inBook(readFileSync(path.join(source, file), 'utf8')));
  const notebooks = readdirSync(inCheckout('notebooks')).filter((file) => file.endsWith('.ipynb'));
  mkdirSync(path.join(source, 'notebooks'), { recursive: true });
  for (const file of notebooks)
    cpSync(inCheckout('notebooks', file), path.join(source, 'notebooks', file));
  for (const file of ['CONTRIBUTING.md', 'CHANGELOG.md', 'environment.md'])
    cpSync(inCheckout(file), path.join(source, file.toLowerCase()));

  const rooms = readdirSync(inCheckout('src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  for (const room of rooms) {
    const files = readdirSync(inCheckout('src', room), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(ts|mjs|cjs|js)$/.test(file))
      .sort((a, b) => Number(b === 'index.ts') - Number(a === 'index.ts') || a.localeCompare(b));
    const pages = files.map((file) => {
      const page = path.join('modules', room, file.replaceAll(path.sep, '-').replace(/\.\w+$/, ''));
      write(path.join(source, `${page}.md`), modulePage(`src/${room}/${file}`, text(room, file)));
      return `/${page}`;
    });
    write(
      path.join(source, 'modules', `${room}.md`),
      `# \`${room}\`\n\n\`\`\`{toctree}\n:maxdepth: 1\n\n${pages.join('\n')}\n\`\`\`\n`,
    );
  }
  const contents = rooms.map((room) => `/modules/${room}`).join('\n');
  write(
    path.join(source, 'modules.md'),
    `# Modules\n\nEvery file of \`src\`, prose beside code.\n\n\`\`\`{toctree}\n:maxdepth: 1\n\n${contents}\n\`\`\`\n`,
  );
}

/**
 * Changes the links of a page from folders of the checkout to those of the book. Tests have no
 * page, only a name.
 */
function inBook(page: string): string {
  return page
    .replace(/\]\(\.\.\/src\/(\w+)\/([\w/-]+)\.ts\)/g, (_, room: string, file: string) => {
      return `](modules/${room}/${file.replaceAll('/', '-')}.md)`;
    })
    .replace(/\[([\w/-]+)\]\(\.\.\/test\/[\w/.-]+\)/g, '`test/$1`')
    .replaceAll('](../notebooks/', '](notebooks/');
}

const text = (room: string, file: string) => readFileSync(inCheckout('src', room, file), 'utf8');

function write(file: string, content: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
}

/** Runs a program to its end; if it fails, the end of its output is the error. */
function run(program: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => {
        said = (said + bytes.toString()).slice(-4000);
      });
    child.on('error', () =>
      reject(
        new FisherlabError(
          `'${path.basename(program)}' is not installed`,
          'run npm run book, which installs it if there is a Python',
        ),
      ),
    );
    child.on('close', (status) => {
      if (status === 0 && !/WARNING|ERROR/.test(said)) return resolve();
      const words = said.trim().split('\n').slice(-12).join('\n');
      reject(
        new FisherlabError(`the book has a mistake:\n${words}`, 'correct the page that it names'),
      );
    });
  });
}
