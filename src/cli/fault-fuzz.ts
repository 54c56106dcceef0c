/**
 * # Damaged files, by the hundred
 *
 * Files of a format are damaged one after another (`fault-damage.ts`) and read by the public
 * function for that format, many in one process. A file counts as *refused* if a `FisherlabError`
 * says why, and as *read* if the damage hit nothing that can be checked, such as a pixel. Anything
 * else is a finding: another error, an unhandled rejection, a reader that takes longer than ten
 * seconds, a crash of the process.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { damaged } from './fault-damage';
import { type Format, formats } from './fault-formats';
import { lab } from './lab';

/** How some damaged files of one format were handled. */
export interface Fuzzed {
  readonly files: number;
  readonly refused: number;
  readonly read: number;
  /** A line for each file that was neither read nor refused, with its number. */
  readonly findings: readonly string[];
  /** Peak memory of the process, in megabytes. */
  readonly megabytes: number;
}

/** The longest time a reader may take, in milliseconds. */
const PATIENCE = 10_000;

/** Damages and reads `files` files of a format, in this process. */
export async function fuzz(name: string, files: number, seed: number): Promise<Fuzzed> {
  const format = formats().find((one) => one.name === name) as Format;
  const folder = await mkdtemp(path.join(tmpdir(), 'fisherlab-faults-'));
  const unwaited: unknown[] = [];
  const note = (error: unknown) => unwaited.push(error);
  const cache = process.env.XDG_CACHE_HOME; // some formats are read as files of the cache
  process.on('unhandledRejection', note).on('uncaughtException', note);
  const [findings, counts] = [[] as string[], { refused: 0, read: 0 }];
  try {
    await lab().startBackend();
    const sample = await format.sample(folder);
    const file = path.join(folder, 'damaged', `file.${format.ending}`);
    await lab().backend.makeFolder(path.dirname(file));
    await writeFile(file, sample);
    await format.read(file); // an intact file must not be refused
    for (let k = 0; k < files; k++) {
      await writeFile(file, damaged(sample, lab().random.deriveSeed(seed, k)));
      const outcome = await outcomeOf(() => format.read(file));
      await new Promise(setImmediate); // let unhandled rejections surface
      const [late] = unwaited.splice(0);
      if (late !== undefined) findings.push(`${name} ${k}: not waited for: ${late}`);
      else if (outcome === 'refused' || outcome === 'read') counts[outcome]++;
      else findings.push(`${name} ${k}: ${outcome}`);
    }
  } finally {
    if (cache === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = cache;
    process.off('unhandledRejection', note).off('uncaughtException', note);
    await rm(folder, { recursive: true, force: true });
  }
  const megabytes = Math.round(process.resourceUsage().maxRSS / 1000);
  return { files, ...counts, findings, megabytes };
}

async function outcomeOf(read: () => Promise<unknown>): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, PATIENCE, 'it is still being read after ten seconds');
  });
  const outcome = read().then(
    () => 'read',
    (error: unknown) =>
      error instanceof lab().FisherlabError ? 'refused' : String((error as Error).stack ?? error),
  );
  try {
    return await Promise.race([outcome, late]);
  } finally {
    clearTimeout(timer);
  }
}
