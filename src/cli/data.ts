/**
 * # `fisherlab data`: list, download, describe
 *
 * What the data room does, with words for people: progress goes to stderr, what was asked for to
 * stdout. Files are imported one by one and not through the room's door, so that TensorFlow.js is
 * not loaded for a list.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { FisherlabError, writeBeside } from '../backend/index';
import {
  cacheFolder,
  contactSheet,
  DATA_SETS,
  dataSet,
  dataset,
  descriptionText,
  download,
  find,
  npyShape,
  SPLITS,
  type Step,
} from '../data/index';

/** Adds `data list`, `data download` and `data describe` to the program. */
export function register(program: Command): void {
  const data = program
    .command('data')
    .description('data sets: which there are, official downloads, what they look like');
  data
    .command('list')
    .description('every known data set, and which copy of it is on this machine')
    .action(list);
  data
    .command('download')
    .description('fetch official data sets, verify and convert them')
    .argument('<name...>', `one or more of ${DATA_SETS.join(', ')}`)
    .option('--from <file...>', 'official files that you have (needed for CelebA and ImageNet32)')
    .option('--agree', 'you agree to the terms of the owners who ask for it')
    .action(downloadAll);
  data
    .command('describe')
    .description('counts, channel means and a contact sheet')
    .argument('<name>', `one of ${DATA_SETS.join(', ')}`)
    .option('--split <split>', SPLITS.join(' or '), 'test')
    .option('--limit <images>', 'only the first so many', Number)
    .option('--sheet <file>', 'where the contact sheet goes (a PNG)')
    .action(describeOne);
}

async function list(): Promise<void> {
  const width = Math.max(...DATA_SETS.map((name) => name.length));
  for (const name of DATA_SETS) {
    const here: string[] = [];
    for (const split of SPLITS) {
      const found = find(name, split);
      if (found === null) continue;
      const [count = 0] = await npyShape(
        found.images,
        `${split} images of '${name}' (${found.images})`,
      );
      here.push(`${split} ${count.toLocaleString('en-US')} (${found.place})`);
    }
    const { title, licence } = dataSet(name);
    console.log(
      `${name.padEnd(width)}  ${title}\n${''.padEnd(width)}  ${here.join(', ') || 'not on this machine'}\n${''.padEnd(width)}  ${licence}`,
    );
  }
}

async function downloadAll(
  names: string[],
  { from, agree }: { from?: string[]; agree?: boolean },
): Promise<void> {
  if (from !== undefined && names.length !== 1)
    throw new FisherlabError(
      '--from goes with one data set',
      'name the one that the files belong to',
    );
  for (const name of names) dataSet(name); // an unknown name stops all before anything is fetched
  for (const name of names) {
    const { licence, cite, agreement } = dataSet(name);
    const termsShown = existsSync(path.join(cacheFolder(), name, 'TERMS.txt'));
    if (!termsShown) console.error(`${name}: ${licence}\n${''.padEnd(name.length)}  cite ${cite}`);
    if (agreement !== undefined && from !== undefined && !termsShown && agree !== true)
      await askAgreement(name);
    const bar = progress(name);
    const done = await download(name, {
      ...(from === undefined ? {} : { from }),
      onStep: bar.step,
    }).finally(bar.end);
    for (const { split, count } of done) {
      console.log(
        `${name} ${split}: ${typeof count === 'number' ? `${count.toLocaleString('en-US')} images` : count}`,
      );
    }
  }
}

async function askAgreement(name: string): Promise<void> {
  const mend = 'answer yes, or give --agree, if you do';
  if (!process.stdin.isTTY)
    throw new FisherlabError(`the owner of '${name}' wants your agreement to these terms`, mend);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal
    .question('Do you agree to these terms? [yes/no] ')
    .finally(() => terminal.close());
  if (!/^y(es)?$/i.test(answer.trim()))
    throw new FisherlabError(`'${name}' was not touched: you do not agree to its terms`, mend);
}

/** A line that is rewritten on a terminal; elsewhere a line for each tenth. */
function progress(name: string): { step: (step: Step) => void; end: () => void } {
  const terminal = process.stderr.isTTY === true;
  let last = '';
  const show = (line: string, key: string) => {
    if (terminal) process.stderr.write(`\r\x1b[K${line}`);
    else if (key !== last) process.stderr.write(`${line}\n`);
    last = key;
  };
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  return {
    step: (step) => {
      if (step.kind === 'wait')
        show(`${name}: waiting for ${step.holder}, which downloads it too`, 'wait');
      else if (step.kind === 'convert')
        show(`${name}: converting ${step.split}, ${step.count} images`, `convert ${step.split}`);
      else if (step.announced === undefined)
        show(`${name}: ${step.file} ${megabytes(step.received)}`, step.file);
      else {
        const share = step.received / step.announced;
        const bar = '█'.repeat(Math.round(20 * share)).padEnd(20, '░');
        const line = `${name}: ${step.file} ${bar} ${Math.floor(100 * share)} % of ${megabytes(step.announced)}`;
        show(line, `${step.file} ${Math.floor(10 * share)}`);
      }
    },
    end: () => {
      if (terminal && last !== '') process.stderr.write('\r\x1b[K');
    },
  };
}

async function describeOne(
  name: string,
  { split, limit, sheet }: { split: string; limit?: number; sheet?: string },
): Promise<void> {
  const set = await dataset(name, split, limit === undefined ? {} : { limit });
  console.log(descriptionText(set));
  const file = sheet ?? path.join('out', `${name}-${split}.png`);
  await writeBeside(file, await contactSheet(set));
  console.log(`sheet    ${file}`);
}
