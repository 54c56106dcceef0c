/**
 * # Damaged files, by the hundred
 *
 * A format's files are damaged one after the other (`fault-damage.ts`) and read by the public
 * function for it, many in one process, which a crash would end. A file is *refused* where a
 * `FisherlabError` says why, *read* where the damage hit nothing that is checked (a pixel), and
 * anything else is a finding: another error, a rejection that nobody waits for, a reader that does
 * not come back within ten seconds, the end of the process.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { damaged } from './fault-damage';
import { type Format, formats } from './fault-formats';
import { lab } from './lab';

/** What became of some damaged files of one format. */
export interface Fuzzed {
  readonly files: number;
  readonly refused: number;
  readonly read: number;
  /** A line for each file that was neither, with its number. */
  readonly findings: readonly string[];
  /** Peak memory of the process, in megabytes. */
  readonly megabytes: number;
}

/** The longest that a reader may take, in milliseconds. */
const PATIENCE = 10_000;

/** Damages and reads `files` files of a format, in this process. */
export async function fuzz(name: string, files: number, seed: number): Promise<Fuzzed> {
  const format = formats().find((one) => one.name === name) as Format;
  const folder = await mkdtemp(path.join(tmpdir(), 'fisherlab-faults-'));
  const unwaited: unknown[] = [];
  const note = (error: unknown) => unwaited.push(error);
  process.on('unhandledRejection', note).on('uncaughtException', note);
  const [findings, counts] = [[] as string[], { refused: 0, read: 0 }];
  try {
    await lab().startBackend();
    const sample = await format.sample(folder);
    const file = path.join(folder, 'damaged', `file.${format.ending}`);
    await lab().backend.makeFolder(path.dirname(file));
    await writeFile(file, sample);
    await format.read(file); // a sound one is not refused
    for (let k = 0; k < files; k++) {
      await writeFile(file, damaged(sample, lab().random.deriveSeed(seed, k)));
      const outcome = await outcomeOf(() => format.read(file));
      await new Promise(setImmediate); // what nobody waits for shows itself
      const [late] = unwaited.splice(0);
      if (late !== undefined) findings.push(`${name} ${k}: not waited for: ${late}`);
      else if (outcome === 'refused' || outcome === 'read') counts[outcome]++;
      else findings.push(`${name} ${k}: ${outcome}`);
    }
  } finally {
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
