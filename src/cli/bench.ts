/**
 * # `fisherlab bench`: how long things take
 *
 *     fisherlab bench                                  the table: every model and batch size
 *     fisherlab bench features glow --K 32 --json      one line of JSON
 *     fisherlab bench features glow --images 10000     linear in images, memory constant
 *     fisherlab bench scale                            shards, merging, many images
 *     fisherlab bench start-up                         what one waits for at first
 *     fisherlab bench kernel --repeats 5 --keep        waiting times in a notebook
 *     fisherlab bench peers --python FILE              next to PyTorch, run by run
 *     fisherlab bench faults --keep                    which faults it survives (`faults.ts`)
 *
 * `cost.ts` says what is measured and how. Each row of the table is measured in its own process.
 * The kinds `estimate` and `spectra` are not part of the table.
 */
import { Argument, type Command, Option } from 'commander';
import type { models } from '../index';
import { type Cost, IMAGE, KINDS, type Kind, measureCost, SEED } from './cost';
import { measureKernel } from './kernel-cost';
import { lab } from './lab';
import { FAMILY, wholeNumber } from './options';
import { answerOf } from './own-process';
import { comparePeers } from './peers';
import { measureScale } from './scale';
import { measureStartUp, startUpWorker } from './start-up';

const PRESETS = ['paper', 'small'] as const satisfies readonly models.PresetName[];

interface Flags {
  preset: models.PresetName;
  K?: number;
  hidden?: number;
  images?: number;
  batch?: number;
  B: number;
  repeats: number;
  python?: string;
  json?: boolean;
  seed: number;
  keep?: boolean;
  only?: string;
  worker?: string;
}

/** Adds `bench` to the program. */
export function register(program: Command): void {
  program
    .command('bench')
    .description('measure the cost of features, training steps and Fisher-information samples')
    .addArgument(
      new Argument('[kind]', 'what to measure').choices([
        ...KINDS,
        'kernel',
        'scale',
        'start-up',
        'peers',
        'faults',
      ]),
    )
    .addArgument(new Argument('[model]', FAMILY))
    .addOption(new Option('--preset <name>', 'size of the model').choices(PRESETS).default('small'))
    .option('--K <n>', 'Glow: steps per level', wholeNumber())
    .option('--hidden <n>', 'Glow: channels of the coupling networks', wholeNumber())
    .option('--images <n>', 'total number of images', wholeNumber())
    .option('--batch <n>', 'images per pass (default: chosen by model and memory)', wholeNumber())
    .option('--B <n>', 'images per batch of a feature', wholeNumber(), 1)
    .option(
      '--repeats <n>',
      'timed passes; the best one counts, of kernel the median',
      wholeNumber(),
      2,
    )
    .option('--python <file>', 'peers: a Python interpreter with torch')
    .option('--json', 'print one line of JSON')
    .option('--seed <n>', 'faults: the seed of the campaign', wholeNumber(0), 1)
    .option('--keep', 'faults, kernel: keep the table and write it into environment.md')
    .option('--only <text>', 'faults: only parts with this text in their name; scale: one part')
    .addOption(
      new Option('--worker <json>', 'faults, start-up: one part, in this process').hideHelp(),
    )
    .action(bench);
}

/** Runs the fault campaign, or one part of it. */
function faults({ worker, seed, keep = false, only }: Flags): Promise<void> {
  const campaign: typeof import('./faults') = require('./faults');
  return worker === undefined
    ? campaign.faultCampaign(seed, keep, only)
    : campaign.faultWorker(worker);
}

/** Pairs of runs with PyTorch, kept in `data/results`; environment.md is filled from them. */
async function peersCost(family: string | undefined, { preset, python }: Flags): Promise<void> {
  const { experiments, FisherlabError } = lab();
  if (python === undefined || family === undefined)
    throw new FisherlabError(
      'there is nothing to compare with',
      'give a family, and --python with an interpreter that has torch',
    );
  for await (const row of comparePeers(family, preset, python, console.log))
    await experiments.keepSpeed(row);
  await experiments.fillPages();
}

async function bench(
  kind: Kind | 'kernel' | 'scale' | 'start-up' | 'peers' | 'faults' | undefined,
  family: string | undefined,
  flags: Flags,
): Promise<void> {
  if (kind === 'kernel') return measureKernel(flags.repeats, flags.keep === true, console.log);
  if (kind === 'scale') return measureScale(flags.only, flags.images ?? 50_000, console.log);
  if (kind === 'start-up')
    return flags.worker === undefined ? measureStartUp(console.log) : startUpWorker(flags.worker);
  if (kind === 'peers') return peersCost(family, flags);
  if (kind === 'faults') return faults(flags);
  if (kind !== undefined && family !== undefined) {
    const config = configOf(family, flags);
    const result = await measureCost({ ...flags, kind, config, name: nameOf(config, flags) });
    console.log(flags.json === true ? JSON.stringify(result) : [HEADER, row(result)].join('\n'));
    return;
  }
  console.log(HEADER);
  for (const rest of tableRows(kind, family)) {
    const result = await inItsOwnProcess(rest);
    if (result !== null) console.log(row(result));
  }
}

/** The preset with the given sizes; sizes that the family does not have are refused. */
function configOf(family: string, { preset, K, hidden }: Flags): models.ModelConfig {
  return {
    ...lab().models.preset(family, preset, IMAGE, SEED),
    ...(K === undefined ? {} : { K }),
    ...(hidden === undefined ? {} : { hidden }),
  };
}

function nameOf(config: models.ModelConfig, { preset }: Flags): string {
  const { family, K, hidden } = config;
  return K === undefined ? `${family} ${preset}` : `${family} K=${K} h=${hidden}`;
}

/** Arguments of every row of the table. */
function tableRows(kind: Kind | undefined, family: string | undefined): string[][] {
  const models = [
    ['glow', '--K', '8', '--hidden', '64'],
    ['glow', '--K', '32', '--hidden', '512'],
    ['diffusion', '--preset', 'paper'],
    ['vae', '--preset', 'paper'],
  ].filter(([name]) => family === undefined || name === family);
  const kinds = [['features', '--B', '1'], ['features', '--B', '5'], ['training'], ['fim']].filter(
    ([name]) => kind === undefined || name === kind,
  );
  return models.flatMap(([name = '', ...size]) =>
    kinds.flatMap(([what = '', ...more]) =>
      // Five divides 15, 30 and 125, so all batches are full.
      [1, 16, 32, 128]
        .filter((batch) => batch > 1 || !more.includes('5'))
        .map((batch) => [
          what,
          name,
          ...size,
          ...more,
          '--batch',
          `${more.includes('5') ? batch - (batch % 5) : batch}`,
        ]),
    ),
  );
}

/**
 * Peak memory is measured per process, so each row gets its own. Returns null, and prints a line,
 * if the process fails.
 */
async function inItsOwnProcess(rest: readonly string[]): Promise<Cost | null> {
  try {
    return (await answerOf(['bench', ...rest, '--json'])) as Cost;
  } catch (error) {
    console.log((error as Error).message);
    return null;
  }
}

const HEADER =
  'what      model              B  batch  images  tensors  ms/image  CPU ms/image   GF/s  share  peak MB';

function row(result: Cost): string {
  const {
    kind,
    model,
    B,
    batch,
    images,
    tensors,
    ms_per_image,
    cpu_ms_per_image,
    gflops,
    share,
    peak_mb,
  } = result;
  const cells: [string | number, number][] = [
    [B, 3],
    [batch, 7],
    [images, 8],
    [tensors, 9],
    [ms_per_image, 10],
    [cpu_ms_per_image, 14],
    [Math.round(gflops), 7],
    [`${Math.round(100 * share)} %`, 7],
    [peak_mb, 9],
  ];
  return (
    kind.padEnd(10) +
    model.padEnd(17) +
    cells.map(([cell, width]) => String(cell).padStart(width)).join('')
  );
}
