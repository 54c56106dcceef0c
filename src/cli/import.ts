/**
 * # `fisherlab import`: weights that were trained elsewhere
 *
 *     fisherlab import weights.safetensors --model glow --data cifar10 --out mine.safetensors
 *
 * reads a PyTorch state dictionary in the safetensors format and writes a checkpoint that every
 * command accepts. It prints which tensors were left out or filled in (`src/models/state-dict.ts`
 * has the rules). As a check of the units, it also prints the loss on the first test images of the
 * data set, if that set is on this machine.
 *
 * PyTorch's own `.pt` files are programs for Python's unpickler, so they must be converted in
 * Python, with the lines that the error message shows. A trainer's checkpoint may hold several
 * networks; `--prefix` chooses one.
 *
 * Data sets have 32x32 pixels, so no command could use a model of another size, and it is refused
 * here. (In a program, `createModel` and `setStateDict` accept it.)
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { FisherlabError } from '../errors';
import type { models, data as room } from '../index';
import { lab } from './lab';
import { arrayOptions, FAMILY, readingOf } from './options';

interface Options {
  model: string;
  data: string;
  preset: models.PresetName;
  out: string;
  config?: string;
  prefix?: string;
  layout?: room.Layout;
  values?: room.Values;
}

const PRESETS = ['paper', 'small'] as const satisfies readonly models.PresetName[];

/** How many images the check uses. */
const CHECKED = 10;

/** Adds `import` to the program. */
export function register(program: Command): void {
  program
    .command('import')
    .description('make a checkpoint from weights trained with PyTorch')
    .argument('<file>', 'a state dictionary in the safetensors format')
    .requiredOption('--model <family>', FAMILY)
    .requiredOption('--data <set|folder>', 'the data set it was trained on, or a folder of images')
    .addOption(arrayOptions.layout())
    .addOption(arrayOptions.values())
    .addOption(
      new Option('--preset <name>', 'the size of the model').choices(PRESETS).default('paper'),
    )
    .option(
      '--config <json>',
      'what differs from the preset, for example \'{"K": 16, "hidden": 256}\'',
    )
    .option('--prefix <text>', 'the prefix of the names in the file (default: found automatically)')
    .requiredOption('--out <file>', 'the checkpoint to write')
    .action(importCommand);
}

async function importCommand(file: string, options: Options): Promise<void> {
  const { data, models, startBackend } = lab();
  const { createModel, disposeModel, preset, readSafetensors, saveCheckpoint, setStateDict } =
    models;
  const set = data.setOrPath(options.data);
  const { tensors } = readSafetensors(file);
  const reading = readingOf(options);
  const images: models.ImageShape = [32, 32, await data.channelsOf(set, reading)];
  const config = {
    ...preset(options.model, options.preset, images, 0),
    ...differing(options.config),
  };
  if (String(config.imageShape) !== String(images))
    throw new FisherlabError(
      `the model takes images of ${config.imageShape.join('x')}, and ${set} has ${images.join('x')}`,
      'choose the data set it was trained on; for other sizes use setStateDict in a program',
    );
  await startBackend();
  const model = createModel(config);
  try {
    const report = setStateDict(model, tensors, file, options.prefix);
    for (const line of describe(report)) console.log(line);
    await saveCheckpoint(options.out, model, {
      config,
      ...(options.config === undefined ? { preset: options.preset } : {}),
      data: {
        name: set,
        images: 0,
        validation: 0,
        ...(reading === undefined ? {} : { reading }),
      },
      training: {
        importedFrom: path.basename(file),
        sha256: createHash('sha256').update(readFileSync(file)).digest('hex'),
      },
      unit: model.loss.unit,
      step: 0,
      validation: null,
      curve: [],
      commit: 'imported',
    });
    console.log(`${model.layers.length} tensors of ${file} are now ${options.out}`);
    console.log(await check(model, set, reading));
  } finally {
    disposeModel(model);
  }
}

function differing(json: string | undefined): Partial<models.ModelConfig> {
  if (json === undefined) return {};
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // reported below
  }
  const { FisherlabError } = lab();
  throw new FisherlabError(
    `--config is '${json}'`,
    'give a JSON object, for example \'{"K": 16}\'',
  );
}

/** The decisions, one per line. */
function describe({ prefix, leftOut, missing }: models.StateDictReport): string[] {
  const some = (names: readonly string[]) =>
    names.slice(0, 3).join(', ') + (names.length > 3 ? ', …' : '');
  return [
    ...(prefix === '' ? [] : [`taken: the tensors under '${prefix}'`]),
    ...(leftOut.length === 0 ? [] : [`left out: ${leftOut.length} tensors (${some(leftOut)})`]),
    ...(missing.length === 0 ? [] : [`start at 0: ${missing.length} counters (${some(missing)})`]),
  ];
}

async function check(
  model: models.TapedModel,
  name: string,
  reading: room.ArrayReading | undefined,
): Promise<string> {
  const { data: sets, FisherlabError, training } = lab();
  try {
    const data = await sets.imageSet(name, 'test', { limit: CHECKED, reading });
    if (String(data.shape) !== String(model.imageShape))
      return `no check: ${name} has images of another shape`;
    const indices = Array.from({ length: data.count }, (_, k) => k);
    return `check: ${training.evaluate(model, data, indices, 1).toFixed(4)} ${model.loss.unit} on the first ${data.count} test images of ${name}`;
  } catch (error) {
    if (error instanceof FisherlabError) return `no check: ${error.message}`;
    throw error;
  }
}
