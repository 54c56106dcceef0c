/**
 * # The numbers behind the paper's figures
 *
 * We may not redistribute the images of CelebA, SVHN and Tiny-ImageNet, but we may redistribute
 * numbers computed from them. Notebooks draw the figures that need these sets from stored tables,
 * which `fisherlab experiment figure-tables` wrote on a machine that has the sets. For each colour
 * model they hold the log-likelihood and the squared norms f_j of four layers, for the first images
 * of its own test set and of four others, at B = 1 and B = 5. For the models of CIFAR-10 they also
 * hold the norms of *all* layers on CIFAR-10 and SVHN. If you have the sets, `recomputed` computes
 * a few rows again to compare.
 *
 * A table has the rows of all sets, one set after another. The column `set` is the position of a
 * row's set in `figureSets(model)`; the model's own set is 0. Numbers are float32.
 *
 * The key of a table contains the checksum of the weights, as in the model's card. So a retrained
 * model has no tables until the command makes new ones, and no figure can show the old weights.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { inCheckout } from '../backend/index';
import { dataset } from '../data/index';
import type { Column, FeatureTable, NamedTable } from '../detectors/index';
import { FisherlabError } from '../errors';
import { extractTables, readTable, tablePath, writeTable } from '../features/index';
import { disposeModel, type LoadedModel, loadModel } from '../models/index';
import { shippedCards } from './model-cards';

/** The number of images of each set, the seed of the noise, and the batch sizes. */
export const FIGURE_TABLES = { images: 250, seed: 1, batchSizes: [1, 5] } as const;

const SETS = ['cifar10', 'svhn', 'celeba', 'gtsrb', 'tinyimagenet32'];
/** The training sets of the models. */
const INSIDE = ['cifar10', 'svhn', 'celeba', 'gtsrb'];

/**
 * Four layers of each family, from input to output. The first two also have a figure of their own.
 */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  glow: [
    'flow.layers.2.block.2.conv.weight',
    'flow.layers.26.block.2.conv.weight',
    'flow.layers.8.actnorm.logs',
    'flow.layers.15.block.0.conv.weight',
  ],
  diffusion: [
    'downs.0.0.block2.proj.weight',
    'mid_block1.block2.proj.weight',
    'ups.1.1.block1.proj.weight',
    'final_conv.weight',
  ],
  vae: [
    'encoder.conv_backbone.1.0.weight',
    'decoder.conv_backbone.2.0.weight',
    'decoder.decoder_input.weight',
    'decoder.final_layer.3.weight',
  ],
};

/** Names of the models that have tables, family by family. */
export function figureModels(): string[] {
  return Object.keys(LAYERS).flatMap((family) => INSIDE.map((set) => `${family}-${set}`));
}

/** The checksums of the shipped weights, by model. */
const shippedChecksums = (): Readonly<Record<string, string>> =>
  Object.fromEntries(shippedCards().map(({ model, checksum }) => [model, checksum]));

/** The models of `figureModels` that lack a table or whose tables belong to other weights. */
export function withoutFigureTables(checksums = shippedChecksums()): string[] {
  return figureModels().filter((model) =>
    kindsOf(model).some(
      (kind) => !existsSync(tablePath(...placeOf(model, kind, checksums[model] ?? ''))),
    ),
  );
}

/** The sets of a model's tables, its own first. */
export function figureSets(model: string): string[] {
  const own = model.slice(model.indexOf('-') + 1);
  return [own, ...SETS.filter((set) => set !== own)];
}

/** The layers whose norms are in the tables of a model; the first two are drawn as in the paper. */
export function figureLayers(model: string): readonly string[] {
  const layers = LAYERS[model.slice(0, model.indexOf('-'))];
  if (layers === undefined)
    throw new FisherlabError(
      `model '${model}' has no tables for figures`,
      `choose one of ${figureModels().join(', ')}`,
    );
  return layers;
}

/** The kinds of tables of a model: one per batch size, and one of all layers. */
const kindsOf = (model: string) => [
  ...FIGURE_TABLES.batchSizes.map((B) => `B${B}`),
  ...(figureSets(model)[0] === 'cifar10' ? ['layers'] : []),
];

/** The folder of a table, and what the table was made from. */
const placeOf = (model: string, kind: string, checksum: string) =>
  [
    inCheckout('data', 'results', 'tables', `${model}-${kind}`),
    { model, checksum, kind, images: FIGURE_TABLES.images, seed: FIGURE_TABLES.seed },
  ] as const;

/**
 * The stored tables of a model at batch size B, one per set, its own first.
 * @throws {FisherlabError} if the model has none, or only tables of other weights
 */
export function figureTables(model: string, batchSize: number): Promise<NamedTable[]> {
  return stored(model, `B${batchSize}`);
}

/**
 * The stored tables of a CIFAR-10 model with all its layers at B = 1, first of CIFAR-10, then of
 * SVHN.
 * @throws {FisherlabError} if the model has none, or only tables of other weights
 */
export function layerTables(model: string): Promise<NamedTable[]> {
  return stored(model, 'layers');
}

async function stored(model: string, kind: string): Promise<NamedTable[]> {
  const table = await readTable(...placeOf(model, kind, shippedChecksums()[model] ?? ''));
  if (table === undefined)
    throw new FisherlabError(
      `data/results/tables has no table '${model}-${kind}' for the shipped weights`,
      'restore it, or write it with fisherlab experiment figure-tables',
    );
  const [place, ...columns] = table.columns;
  return figureSets(model).flatMap((name, s) => {
    const rows = [...(place?.values ?? [])].flatMap((at, row) => (at === s ? [row] : []));
    if (rows.length === 0) return [];
    const own = columns.map((column) => ({
      ...column,
      values: Float64Array.from(rows, (row) => column.values[row] as number),
    }));
    return [{ name, table: { rows: rows.length, batchSize: table.batchSize, columns: own } }];
  });
}

/**
 * Computes the tables of some models and writes them to `data/results/tables`; about ten minutes
 * for all of them on two cores.
 * @throws {FisherlabError} if one of the sets is not on this machine
 */
export async function writeFigureTables(
  models: readonly string[],
  progress: (step: string, images: number, total: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  for (const name of models) {
    const loaded = loadModel(name);
    try {
      await writeTables(loaded, progress, signal);
    } finally {
      disposeModel(loaded.model);
    }
  }
}

async function writeTables(
  loaded: LoadedModel,
  progress: (step: string, images: number, total: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const { images: limit, seed, batchSizes } = FIGURE_TABLES;
  const sets = figureSets(loaded.name);
  const layers = figureLayers(loaded.name);
  const bySet: FeatureTable[][] = [];
  for (const name of sets) {
    const data = await dataset(name, 'test', { limit });
    bySet.push(
      await extractTables(loaded.model, data, {
        batchSizes,
        seed,
        progress: (done) => progress(`${loaded.name}: ${name}`, done, data.count),
        ...(signal === undefined ? {} : { signal }),
      }),
    );
  }
  const write = async (
    kind: string,
    tables: readonly FeatureTable[],
    keep: (c: Column) => boolean,
  ) => {
    const [folder, key] = placeOf(loaded.name, kind, loaded.checksum);
    await writeTable(folder, key, below(tables, keep));
    for (const file of readdirSync(folder).map((name) => path.join(folder, name)))
      if (file !== tablePath(folder, key)) rmSync(file); // a table of older weights
  };
  for (const [b, B] of batchSizes.entries())
    await write(
      `B${B}`,
      bySet.map((tables) => tables[b] as FeatureTable),
      ({ layer }) => layer === undefined || layers.includes(layer),
    );
  if (kindsOf(loaded.name).includes('layers'))
    await write(
      'layers',
      bySet.slice(0, 2).map((tables) => tables[0] as FeatureTable),
      () => true,
    );
}

/**
 * Stacks tables, with the position of the set as first column and the chosen columns as float32.
 */
function below(tables: readonly FeatureTable[], keep: (column: Column) => boolean): FeatureTable {
  const [first] = tables as readonly [FeatureTable, ...FeatureTable[]];
  const place = Float64Array.from(tables.flatMap(({ rows }, s) => new Array<number>(rows).fill(s)));
  const columns = first.columns.flatMap((column, j) =>
    keep(column)
      ? [
          {
            ...column,
            values: Float64Array.from(
              tables.flatMap((table) => [...(table.columns[j] as Column).values].map(Math.fround)),
            ),
          },
        ]
      : [],
  );
  return {
    rows: place.length,
    batchSize: first.batchSize,
    columns: [{ feature: 'set', values: place }, ...columns],
  };
}

/**
 * Computes the first rows of a stored table again from the images on this machine, at B = 1, with
 * the columns of the stored table. They agree only if the images are the official test set.
 */
export async function recomputed(
  loaded: LoadedModel,
  set: string,
  images: number,
): Promise<FeatureTable> {
  const data = await dataset(set, 'test', { limit: images });
  const { seed } = FIGURE_TABLES;
  const [table] = (await extractTables(loaded.model, data, { batchSizes: [1], seed })) as [
    FeatureTable,
  ];
  const layers = figureLayers(loaded.name);
  const columns = table.columns.filter(
    ({ layer }) => layer === undefined || layers.includes(layer),
  );
  return { ...table, columns };
}
