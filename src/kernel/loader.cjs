/**
 * # Loading TypeScript
 *
 * Lets `require` read `.ts` files. Each file is transpiled separately (its types are removed, not
 * checked) in about two milliseconds, only once for each content, and the result is kept in the
 * per-user cache. The command line and the kernel start through this file.
 *
 * - `fisherlab` means this clone's `src/index.ts` for every file in the clone, and for a notebook
 *   in the user's own folder, unless a package of that name is installed there.
 * - Stack traces have the lines of the TypeScript files. The kernel adds the positions of its cells
 *   to the same table.
 * - A file that cannot be transpiled gives a `SyntaxError` with file, line and column.
 *
 * This file is plain JavaScript, because TypeScript can be loaded only after it has run.
 */
'use strict';

const { createHash } = require('node:crypto');
const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const transpiled = require('./transpiled.cjs');

/**
 * @typedef {string} Place a position in a stack trace: `file:line:column`
 * @typedef {(line: number, column: number) => Place | undefined} Locate
 */

/** The parts of Node's module loader that have no types. @type {any} */
const internals = Module;

const root = path.resolve(fs.realpathSync(__dirname), '..', '..');

/**
 * Maps positions in compiled code to the source, by file or name of the script.
 * @type {Map<string, Locate>}
 */
const places = new Map();

/**
 * The state of the project's files when they were loaded.
 * @type {Map<string, { time: number, size: number, content: string }>}
 */
const loaded = new Map();

/**
 * Modules that replace others: the kernel's displays replace those of tslab.
 * @type {Map<string, string>}
 */
const standIns = new Map();

/**
 * @param {string} file
 * @returns {boolean} whether the file is in this clone
 */
const inClone = (file) => file === root || file.startsWith(root + path.sep);

/**
 * The current state of a file.
 *
 * @param {string} file
 */
function look(file) {
  const { mtimeMs: time, size } = fs.statSync(file);
  const content = createHash('sha256').update(fs.readFileSync(file)).digest('hex');
  return { time, size, content };
}

/**
 * Records the state of a file of the project when it is loaded. Packages do not change, and the
 * kernel itself is not reloaded.
 *
 * @param {string} file
 */
function note(file) {
  const ours = inClone(file) && !file.includes(`${path.sep}node_modules${path.sep}`);
  if (ours && path.dirname(file) !== __dirname) loaded.set(file, look(file));
}

/**
 * Reads TypeScript as CommonJS.
 *
 * @param {string} file
 * @param {string} source
 * @returns {string} JavaScript that ends with its source map
 * @throws {SyntaxError} naming file, line and column
 */
function transpile(file, source) {
  const key = createHash('sha256').update(`${transpiled.OPTIONS_KEY}\n${source}`).digest('hex');
  const kept = transpiled.read(file, key);
  if (kept !== null) return kept;
  const code = transpiled.make(file, source);
  transpiled.write(file, key, code);
  return code;
}

/**
 * A function from positions in the JavaScript to positions in the TypeScript. The source map is
 * read when the first stack trace is needed.
 *
 * @param {string} file
 * @param {string} code
 * @returns {Locate}
 */
function locator(file, code) {
  /** @type {Module.SourceMap | undefined} */
  let map;
  return (line, column) => {
    map ??= new Module.SourceMap(
      JSON.parse(Buffer.from(code.slice(code.lastIndexOf(',') + 1), 'base64').toString()),
    );
    const entry = map.findEntry(line - 1, column - 1);
    if (!('originalLine' in entry)) return undefined;
    return `${file}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  };
}

/**
 * One line of a stack trace, with positions of the source.
 *
 * @param {NodeJS.CallSite} site
 * @returns {string}
 */
function frame(site) {
  const script = site.getFileName() || site.getScriptNameOrSourceURL?.();
  const locate = script ? places.get(script) : undefined;
  const [line, column] = [site.getLineNumber(), site.getColumnNumber()];
  if (!script || !locate || line === null || column === null) return String(site);
  const place = locate(line, column);
  if (place === undefined) return String(site);
  return String(site).replace(`${script}:${line}:${column}`, place);
}

/** Installs the hook; a second call does nothing. */
function install() {
  if (internals._extensions['.ts'] !== undefined) return;
  internals._extensions['.ts'] = (/** @type {any} */ module, /** @type {string} */ file) => {
    note(file);
    const code = transpile(file, fs.readFileSync(file, 'utf8'));
    places.set(file, locator(file, code));
    module._compile(code, file);
  };
  for (const ending of ['.js', '.json']) {
    const load = internals._extensions[ending];
    internals._extensions[ending] = (/** @type {any} */ module, /** @type {string} */ file) => {
      note(file);
      load(module, file);
    };
  }
  const resolve = internals._resolveFilename;
  internals._resolveFilename = function (
    /** @type {string} */ request,
    /** @type {any} */ parent,
    /** @type {unknown[]} */ ...rest
  ) {
    const standIn = standIns.get(request);
    if (standIn !== undefined) return standIn;
    const front = path.join(root, 'src', 'index.ts');
    if (request !== 'fisherlab') return resolve.call(this, request, parent, ...rest);
    if (inClone(fs.realpathSync(path.dirname(parent?.filename ?? front)))) return front;
    try {
      return resolve.call(this, request, parent, ...rest); // installed where the file lies
    } catch {
      return front;
    }
  };
  Error.prepareStackTrace = (error, sites) => {
    let head;
    try {
      head = Error.prototype.toString.call(error);
    } catch {
      head = '<error>';
    }
    return [head, ...sites.map((site) => `    at ${frame(site)}`)].join('\n');
  };
  quietAboutEsm();
  // Node's own cache of compiled code; versions before 22 have none.
  internals.enableCompileCache?.(path.join(transpiled.folder(), 'compiled'));
}

/** Node 20 warns whenever CommonJS loads a package that is an ES module; here that is intended. */
function quietAboutEsm() {
  const warn = process.emitWarning;
  process.emitWarning = (/** @type {any} */ warning, /** @type {any[]} */ ...rest) => {
    const text = typeof warning === 'string' ? warning : warning?.message;
    if (/ES Module .* using require\(\)|Support for loading ES Module/.test(text ?? '')) return;
    Reflect.apply(warn, process, [warning, ...rest]);
  };
}

module.exports = { install, inClone, loaded, look, places, root, standIns, transpile };
