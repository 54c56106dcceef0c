/**
 * # The native TensorFlow library
 *
 * `@tensorflow/tfjs-node-gpu` would download TensorFlow 2.9 of 2022 when it is installed. Its code
 * works with today's TensorFlow too, and the official Python package (a *wheel*, which is a zip
 * archive) holds all that is needed: the C library and its headers. `pip` downloads it, so that a
 * user's own pip settings (mirror, certificates, proxy) count; no Python code of it is ever run.
 *
 * Of the 1.2 GB the wheel unpacks to, two libraries (850 MB, most of it the kernels of every
 * operation) and the few headers that `g++ -M` names for the addon's sources are kept.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { folderBytes, isWhole, needSpace, publish, writableCache } from './cache.mjs';
import { withLock } from './lock.mjs';
import { findProgram, mustRun, Obstacle } from './shell.mjs';
import { step } from './step.mjs';

export const TENSORFLOW_VERSION = '2.21.0';

/**
 * The wheels, by `process.platform-process.arch`. All Python versions' wheels hold the same
 * library; the one for 3.11 is taken whatever Python is there. On ARM the plain package is the one
 * without CUDA.
 *
 * @type {Record<string, { package: string, platform: string, bytes: number, sha256: string }>}
 */
const WHEELS = {
  'linux-x64': {
    package: 'tensorflow-cpu',
    platform: 'manylinux_2_27_x86_64',
    bytes: 273_829_956,
    sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
  },
  'linux-arm64': {
    package: 'tensorflow',
    platform: 'manylinux_2_27_aarch64',
    bytes: 281_828_020,
    sha256: '4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c',
  },
};

/** What is kept of the wheel: shell patterns, and about how much that is. */
const KEPT = [
  'tensorflow/libtensorflow_cc.so.2',
  'tensorflow/libtensorflow_framework.so.2',
  'tensorflow/include/tensorflow/c/*.h',
  'tensorflow/include/tensorflow/core/platform/ctstring*.h',
  'tensorflow/include/tsl/platform/ctstring*.h',
  'tensorflow/include/xla/tsl/c/tsl_status.h',
];
const KEPT_BYTES = 850e6;

const UNPACK = `
import fnmatch, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for name in wheel.namelist():
        if any(fnmatch.fnmatch(name, pattern) for pattern in sys.argv[3:]):
            wheel.extract(name, sys.argv[2])
`;

/**
 * The wheel for a machine.
 *
 * @param {string} platform as `process.platform`
 * @param {string} arch as `process.arch`
 * @param {boolean} glibc whether the C library is glibc
 * @throws {Obstacle} where there is none
 */
export function wheelFor(platform, arch, glibc) {
  const wheel = WHEELS[`${platform}-${arch}`];
  if (wheel === undefined)
    throw new Obstacle(
      `native TensorFlow is not set up on ${platform}-${arch}`,
      'use Linux on x64 or arm64 for it',
    );
  if (!glibc)
    throw new Obstacle(
      'native TensorFlow needs glibc',
      'use a Linux distribution with glibc for it',
    );
  return wheel;
}

/** @returns {boolean} */
function hasGlibc() {
  // otherwise the report looks names up in the network
  Object.assign(process.report, { excludeNetwork: true });
  const report = /** @type {{ header?: { glibcVersionRuntime?: string } }} */ (
    process.report.getReport()
  );
  return report.header?.glibcVersionRuntime !== undefined;
}

/**
 * The library's place in a cache folder.
 *
 * @param {string} cache
 */
export function libraryFolder(cache) {
  return path.join(cache, `tensorflow-${TENSORFLOW_VERSION}-${process.platform}-${process.arch}`);
}

/**
 * A TensorFlow of the user's own, one for CUDA say, in place of the one that set-up would download.
 *
 * @param {string | undefined} folder the environment variable `FISHERLAB_TENSORFLOW`: the folder
 *   that the Python package `tensorflow` lies in
 * @returns {string | null} null where the variable is not set
 * @throws {Obstacle} where that folder holds no TensorFlow
 */
export function givenLibrary(folder) {
  if (folder === undefined || folder === '') return null;
  const absolute = path.resolve(folder);
  for (const needed of [
    'libtensorflow_cc.so.2',
    'libtensorflow_framework.so.2',
    'include/tensorflow/c/c_api.h',
  ]) {
    if (existsSync(path.join(absolute, 'tensorflow', needed))) continue;
    throw new Obstacle(
      `FISHERLAB_TENSORFLOW names ${folder}, which has no tensorflow/${needed}`,
      "name the folder that Python's package tensorflow lies in",
    );
  }
  return absolute;
}

/**
 * The folder with the native library, downloaded where no cache folder has it.
 *
 * @param {string[]} caches the folders that may hold it, best first
 * @param {() => void} prerequisite throws where the library would be of no use
 * @param {(line: string) => void} say
 * @returns {Promise<string>} it holds `tensorflow/libtensorflow_*.so.2` and `tensorflow/include`
 * @throws {Obstacle}
 */
export async function nativeLibrary(caches, prerequisite, say) {
  const ready = caches.map(libraryFolder).find(isWhole);
  if (ready !== undefined) return ready;

  const wheel = wheelFor(process.platform, process.arch, hasGlibc());
  prerequisite();
  const python = findProgram('python3');
  if (python === null)
    throw new Obstacle(
      'python3 was not found',
      'install python3 with pip (Debian, Ubuntu: apt install python3-pip)',
    );
  await mustRun(python, ['-m', 'pip', '--version'], {
    problem: 'python3 has no pip',
    fix: 'install it (Debian, Ubuntu: apt install python3-pip)',
  });
  const cache = writableCache(caches);
  const folder = libraryFolder(cache);
  await withLock(
    `${folder}.lock`,
    async (enlist) => {
      if (isWhole(folder)) return; // another set-up did it meanwhile
      // pip holds the wheel twice for a moment
      needSpace(cache, Math.ceil((KEPT_BYTES + 2 * wheel.bytes) / 1e6));
      await publish(folder, async (part) => {
        const file = await download(python, wheel, part, enlist);
        await step('native TensorFlow, unpacking', () => unpack(python, file, part, enlist), {
          fraction: () => (folderBytes(part) - wheel.bytes) / KEPT_BYTES,
        });
        rmSync(file);
      });
    },
    {
      waiting: (pid) =>
        say(`another set-up (process ${pid}) installs native TensorFlow: waiting for it`),
    },
  );
  return folder;
}

/**
 * @param {string} python
 * @param {(typeof WHEELS)[string]} wheel
 * @param {string} part the folder to download into; pip's own temporary files go there too, so that
 *   nothing is left elsewhere
 * @param {(pid: number) => void} started
 * @returns {Promise<string>} the wheel's file, with the right checksum
 */
async function download(python, wheel, part, started) {
  const args = [
    '-m',
    'pip',
    'download',
    '--no-deps',
    '--only-binary=:all:',
    '--no-cache-dir',
    '--disable-pip-version-check',
    '--retries',
    '2',
  ];
  args.push(
    '--python-version',
    '3.11',
    '--implementation',
    'cp',
    '--platform',
    wheel.platform,
    '--dest',
    part,
  );
  args.push(`${wheel.package}==${TENSORFLOW_VERSION}`);
  const fix = 'see that pip can reach its package index';
  await step(
    `native TensorFlow, downloading ${Math.round(wheel.bytes / 1e6)} MB`,
    () =>
      mustRun(python, args, {
        started,
        env: { ...process.env, TMPDIR: part },
        problem: `pip cannot download ${wheel.package} ${TENSORFLOW_VERSION}`,
        fix,
      }),
    { fraction: () => folderBytes(part) / wheel.bytes },
  );
  const name = readdirSync(part).find((each) => each.endsWith('.whl'));
  if (name === undefined) throw new Obstacle(`pip downloaded no wheel of ${wheel.package}`, fix);
  const file = path.join(part, name);
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  if (hash.digest('hex') !== wheel.sha256)
    throw new Obstacle(`${name} is not the published file (its SHA-256 differs)`, fix);
  return file;
}

/**
 * @param {string} python
 * @param {string} file the wheel
 * @param {string} part the folder to unpack into
 * @param {(pid: number) => void} started
 */
async function unpack(python, file, part, started) {
  await mustRun(python, ['-c', UNPACK, file, part, ...KEPT], {
    started,
    problem: 'the TensorFlow wheel cannot be unpacked',
    fix: 'make room in the cache folder or set XDG_CACHE_HOME',
  });
}
