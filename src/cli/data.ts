/**
 * # `fisherlab data`: list, download, describe
 *
 * The data room on the command line. Progress goes to stderr, results go to stdout.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import type { data } from '../index';
import { stoppableAnywhere } from './interruption';
import { lab } from './lab';
import { wholeNumber } from './options';

/** Adds `data list`, `data download` and `data describe` to the program. */
export function register(program: Command): void {
  const room = program.command('data').description('list, download and look at data sets');
  room
    .command('list')
    .description('list all known data sets, and the copies on this machine')
    .action(list);
  room
    .command('download')
    .description('download official data sets, verify and convert them')
    .argument('<name...>', 'one or more names from fisherlab data list')
    .option(
      '--from <file...>',
      'official files you already have (needed for CelebA and ImageNet32)',
    )
    .option('--agree', 'agree to the terms of owners who ask for it')
    .action((names: string[], options: DownloadFlags) =>
      stoppableAnywhere(
        'stopped; downloaded parts are kept: run the same command again to resume',
        () => downloadAll(names, options),
      ),
    );
  room
    .command('describe')
    .description('show counts and channel means, and make a contact sheet')
    .argument('<name>', 'a name from fisherlab data list')
    .option('--split <split>', 'test or train', 'test')
    .option('--limit <images>', 'only the first images', wholeNumber())
    .option('--sheet <file>', 'the PNG file to write the contact sheet to')
    .action(describeOne);
}

interface DownloadFlags {
  from?: string[];
  agree?: boolean;
}

async function list(): Promise<void> {
  const { DATA_SETS, dataSet, find, npyShape, SPLITS } = lab().data;
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

async function downloadAll(names: string[], { from, agree }: DownloadFlags): Promise<void> {
  const { data, FisherlabError } = lab();
  const { cacheFolder, dataSet, download } = data;
  if (from !== undefined && names.length !== 1)
    throw new FisherlabError(
      '--from works with one data set only',
      'name the data set the files belong to',
    );
  for (const name of names) dataSet(name); // fail on an unknown name before anything is downloaded
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
  const { FisherlabError } = lab();
  const remedy = 'answer yes, or give --agree, if you do';
  if (!process.stdin.isTTY)
    throw new FisherlabError(`the owner of '${name}' asks you to agree to these terms`, remedy);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal
    .question('Do you agree to these terms? [yes/no] ')
    .finally(() => terminal.close());
  if (!/^y(es)?$/i.test(answer.trim()))
    throw new FisherlabError(
      `'${name}' was not downloaded: you did not agree to its terms`,
      remedy,
    );
}

/** On a terminal, one line that is rewritten; elsewhere, a line for each tenth. */
function progress(name: string): { step: (step: data.Step) => void; end: () => void } {
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
        show(`${name}: waiting for ${step.holder}, which is downloading it too`, 'wait');
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
  const { backend, data } = lab();
  const set = await data.dataset(name, split, limit === undefined ? {} : { limit });
  console.log(data.descriptionText(set));
  const file = sheet ?? path.join('out', `${name}-${split}.png`);
  await backend.writeBeside(file, await data.contactSheet(set));
  console.log(`sheet    ${file}`);
}
