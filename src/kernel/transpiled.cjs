/**
 * # Transpiling TypeScript, with a cache
 *
 * esbuild removes the types from one file at a time. The results are kept in the per-user cache
 * (`src/backend/setup/cache.mjs` says where that is), one file for each source file, so that a year
 * of edits takes no more space than the first day. The last line of a result has a key made from
 * the content, esbuild's version and the options. If the key differs, the file is transpiled again.
 * If the cache cannot be written, this only costs time.
 */
'use strict';

const { createHash } = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { version } = require('esbuild/package.json');

/** @type {import('esbuild').TransformOptions} */
const OPTIONS = {
  loader: 'ts',
  format: 'cjs',
  target: 'node20',
  sourcemap: 'inline',
  sourcesContent: false,
  // `import()` becomes `require`, so that dynamic imports go through the hook too.
  supported: { 'dynamic-import': false },
  tsconfigRaw: { compilerOptions: { target: 'ES2022', strict: true } },
};

const OPTIONS_KEY = `${version} ${JSON.stringify(OPTIONS)}`;

/** Handles that a thread and a process with three pipes take, and some to spare. */
const HANDLES = 20;

/** Whether esbuild's process was started; it serves all files. */
let started = false;

/** @type {string | undefined} */
let found;

/**
 * The folder of the results in the per-user cache: `$XDG_CACHE_HOME/fisherlab`, otherwise
 * `~/.cache/fisherlab`, otherwise `.cache/fisherlab` in the clone.
 *
 * @returns {string}
 */
function folder() {
  if (found !== undefined) return found;
  const xdg = process.env.XDG_CACHE_HOME;
  const home = process.env.HOME || os.homedir();
  const user = xdg !== undefined && path.isAbsolute(xdg) ? xdg : path.join(home, '.cache');
  const own = path.join(fs.realpathSync(__dirname), '..', '..', '.cache', 'fisherlab');
  found = path.join(
    path.isAbsolute(user) && writable(user) ? path.join(user, 'fisherlab') : own,
    'transpiled',
  );
  return found;
}

/**
 * @param {string} candidate a folder that need not exist yet
 * @returns {boolean}
 */
function writable(candidate) {
  try {
    fs.mkdirSync(path.join(candidate, 'fisherlab'), { recursive: true });
    fs.accessSync(path.join(candidate, 'fisherlab'), fs.constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** @param {string} file */
const placeOf = (file) =>
  path.join(folder(), `${createHash('sha256').update(file).digest('hex').slice(0, 20)}.js`);

/**
 * @param {string} file the path of the source
 * @param {string} key
 * @returns {string | null} the result for exactly this content, if it is in the cache
 */
function read(file, key) {
  try {
    const text = fs.readFileSync(placeOf(file), 'utf8');
    const end = text.lastIndexOf('\n');
    return text.slice(end + 1) === `//${key}` ? text.slice(0, end) : null;
  } catch {
    return null;
  }
}

/**
 * @param {string} file
 * @param {string} key
 * @param {string} code
 */
function write(file, key, code) {
  const place = placeOf(file);
  const beside = `${place}.${process.pid}-${require('node:worker_threads').threadId}.part`;
  try {
    fs.mkdirSync(folder(), { recursive: true });
    fs.writeFileSync(beside, `${code}\n//${key}`);
    fs.renameSync(beside, place);
  } catch {
    fs.rmSync(beside, { force: true }); // a full or read-only disk: the next start transpiles again
  }
}

/**
 * esbuild runs as a process of its own, for which this one waits. With too few file handles that
 * process does not start, and the wait would never end. So as many as it takes are opened first.
 *
 * @throws {Error} where they are not to be had
 */
function assertHandles() {
  /** @type {number[]} */
  const opened = [];
  try {
    while (opened.length < HANDLES) opened.push(fs.openSync(__filename, 'r'));
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EMFILE') throw error;
    const few = new Error('too few file handles to read TypeScript; allow more, say ulimit -n 256');
    few.name = 'FisherlabError';
    throw few;
  } finally {
    for (const handle of opened) fs.closeSync(handle);
  }
}

/**
 * @param {string} file
 * @param {string} source
 * @returns {string} JavaScript with its source map in the last line
 * @throws {SyntaxError}
 */
function make(file, source) {
  if (!started) assertHandles();
  started = true;
  try {
    const options = {
      ...OPTIONS,
      sourcefile: path.basename(file),
      logLevel: /** @type {const} */ ('silent'),
    };
    return require('esbuild').transformSync(source, options).code.trimEnd();
  } catch (error) {
    const first = /** @type {import('esbuild').TransformFailure} */ (error).errors?.[0];
    if (first === undefined) throw error;
    const { line = 1, column = 0 } = first.location ?? {};
    throw new SyntaxError(`${file}:${line}:${column + 1}: ${first.text}`);
  }
}

module.exports = { OPTIONS_KEY, folder, make, read, write };
