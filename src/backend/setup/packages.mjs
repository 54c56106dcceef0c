/**
 * # The npm packages
 *
 * npm writes what it has installed to `node_modules/.package-lock.json`, as the last thing it does.
 * Where that file agrees with `package-lock.json` and every package's folder is there, nothing is
 * to do; else `npm ci` makes it so.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { withLock } from './lock.mjs';
import { findProgram, mustRun } from './shell.mjs';
import { step } from './step.mjs';

/**
 * @typedef {{ version?: string, integrity?: string, optional?: boolean }} LockedPackage
 * @typedef {{ packages?: Record<string, LockedPackage> }} PackageLock
 */

/**
 * Compares what should be installed with what is.
 *
 * @param {PackageLock} wanted `package-lock.json`
 * @param {PackageLock} installed `node_modules/.package-lock.json`
 * @returns {string | null} the first difference in words, or null. Optional packages (builds for
 *   other systems) may be missing.
 */
export function packageDifference(wanted, installed) {
  const want = wanted.packages ?? {};
  const have = installed.packages ?? {};
  for (const [place, { version, integrity, optional }] of Object.entries(want)) {
    if (place === '') continue; // the project itself
    const there = have[place];
    if (there === undefined) {
      if (optional !== true) return `${place} is missing`;
    } else if (there.version !== version || there.integrity !== integrity) {
      return `${place} is ${there.version}, not ${version}`;
    }
  }
  const extra = Object.keys(have).find((place) => want[place] === undefined);
  return extra === undefined ? null : `${extra} should not be there`;
}

/**
 * @param {string} file
 * @returns {PackageLock}
 */
const readLock = (file) => JSON.parse(readFileSync(file, 'utf8'));

/**
 * @param {string} root the clone
 * @returns {string | null} why `npm ci` has to run, or null where it has not
 */
export function packagesProblem(root) {
  const modules = path.join(root, 'node_modules');
  if (!existsSync(path.join(modules, '.package-lock.json'))) return 'nothing is installed';
  try {
    const installed = readLock(path.join(modules, '.package-lock.json'));
    const lost = Object.keys(installed.packages ?? {}).find(
      (place) => !existsSync(path.join(root, place, 'package.json')),
    );
    return lost === undefined
      ? packageDifference(readLock(path.join(root, 'package-lock.json')), installed)
      : `${lost} is missing`;
  } catch (error) {
    return String(error);
  }
}

/**
 * Installs the npm packages where they differ from `package-lock.json`.
 *
 * @param {string} root the clone
 * @param {(line: string) => void} say
 * @throws {import('./shell.mjs').Obstacle} where npm fails
 */
export async function installPackages(root, say) {
  if (packagesProblem(root) === null) return;
  await withLock(
    path.join(root, '.cache', 'packages.lock'),
    async (enlist) => {
      if (packagesProblem(root) === null) return; // another set-up did it meanwhile
      const places = Object.entries(readLock(path.join(root, 'package-lock.json')).packages ?? {})
        .filter(([place, { optional }]) => place !== '' && optional !== true)
        .map(([place]) => path.join(root, place, 'package.json'));
      // npm tells its scripts where it lies; that one is the user's choice.
      const own = process.env.npm_execpath;
      const [program, ...first] = own?.endsWith('.js')
        ? [process.execPath, own]
        : [findProgram('npm') ?? 'npm'];
      await step(
        'npm packages',
        () =>
          mustRun(
            /** @type {string} */ (program),
            [
              ...first,
              'ci',
              '--include=dev',
              '--include=optional',
              '--ignore-scripts',
              '--no-audit',
              '--no-fund',
            ],
            {
              cwd: root,
              started: enlist,
              problem: 'the npm packages cannot be installed',
              fix: 'see that the npm registry can be reached and the folder written',
            },
          ),
        { fraction: () => places.filter((place) => existsSync(place)).length / places.length },
      );
    },
    {
      waiting: (pid) =>
        say(`another set-up (process ${pid}) installs the npm packages: waiting for it`),
    },
  );
}
