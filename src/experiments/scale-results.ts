/**
 * # Calculations about scale
 *
 * `fisherlab bench scale` measures a few constants and keeps them in `data/results/scale.json`;
 * `docs/scale.md` derives from them what 10⁸ images and 10¹⁰ parameters would take. The arithmetic
 * is in this file, and the page has only numbers computed here:
 *
 * - an image takes `c` processor seconds, so N images take `N·c / 3600` core hours;
 * - a table has J numbers of 4 bytes per image, so N images take `4·J·N` bytes;
 * - a model of P parameters needs `6·MAC` operations per image (MAC multiply-adds in each of three
 *   passes), or `6·MAC / P` per parameter, a ratio that is assumed to be the same for larger models
 *   of the same kind;
 * - the time on a graphics card is calculated, not measured: its float32 rate times an assumed
 *   share of it.
 */
import { existsSync } from 'node:fs';
import * as v from 'valibot';
import { writeJson } from '../backend/index';
import { markdownTable } from './markdown-table';
import { readResultsFile, SCALE } from './results-file';

/** The least, median and largest of several runs. */
export interface Spread {
  readonly least: number;
  readonly median: number;
  readonly largest: number;
  readonly runs: number;
}

/** Some images of a long run. */
export interface Stretch {
  readonly images: number;
  readonly ms_per_image: number;
  /** Processor time of all cores, which other processes on the machine affect least. */
  readonly cpu_ms_per_image: number;
}

export interface ModelCost {
  readonly model: string;
  readonly parameters: number;
  readonly tensors: number;
  readonly cpu_ms_per_image: number;
  /** Operations of a pass, as counted by `fisherlab bench`. */
  readonly operations_per_image: number;
  readonly peak_mb: number;
}

export interface MergeCost {
  readonly shards: number;
  readonly columns: number;
  readonly rows: number;
  readonly gigabytes: number;
  readonly seconds: number;
  readonly peak_mb: number;
}

export interface ScaleResults {
  readonly machine: {
    readonly processor: string;
    readonly cores: number;
    readonly node: string;
    readonly backend: string;
    /** How many other processes wanted a core in the minute before; 0 on an idle machine. */
    readonly load: number;
  };
  /** One process over many images. */
  readonly long: {
    readonly model: string;
    readonly images: number;
    readonly first: Stretch;
    readonly last: Stretch;
    /** The largest memory after the first thousand images, minus the memory at that point. */
    readonly growth_mb: number;
    readonly peak_mb: number;
  };
  /** Seconds from the start of a process to its end, minus the share of its images. */
  readonly start: { readonly wall: Spread; readonly cpu: Spread };
  readonly merge: readonly MergeCost[];
  /** The time of one process with two cores divided by that of two shards with one core each. */
  readonly shards: { readonly images: number; readonly wall: Spread; readonly cpu: Spread };
  readonly models: readonly ModelCost[];
}

/** How a {@link Spread} is stored. */
export const SPREAD = v.object({
  least: v.number(),
  median: v.number(),
  largest: v.number(),
  runs: v.number(),
});

const stretch = v.object({
  images: v.number(),
  ms_per_image: v.number(),
  cpu_ms_per_image: v.number(),
});

/** The schema of the file. */
export const SCALE_PARTS = v.object({
  machine: v.exactOptional(
    v.object({
      processor: v.string(),
      cores: v.number(),
      node: v.string(),
      backend: v.string(),
      load: v.number(),
    }),
  ),
  long: v.exactOptional(
    v.object({
      model: v.string(),
      images: v.number(),
      first: stretch,
      last: stretch,
      growth_mb: v.number(),
      peak_mb: v.number(),
    }),
  ),
  start: v.exactOptional(v.object({ wall: SPREAD, cpu: SPREAD })),
  merge: v.exactOptional(
    v.array(
      v.object({
        shards: v.number(),
        columns: v.number(),
        rows: v.number(),
        gigabytes: v.number(),
        seconds: v.number(),
        peak_mb: v.number(),
      }),
    ),
  ),
  shards: v.exactOptional(v.object({ images: v.number(), wall: SPREAD, cpu: SPREAD })),
  models: v.exactOptional(
    v.array(
      v.object({
        model: v.string(),
        parameters: v.number(),
        tensors: v.number(),
        cpu_ms_per_image: v.number(),
        operations_per_image: v.number(),
        peak_mb: v.number(),
      }),
    ),
  ),
});

/** Stores new measurements together with earlier ones of other parts. */
export function keepScale(part: Partial<ScaleResults>): Promise<void> {
  const kept = existsSync(SCALE) ? shippedScale() : {};
  return writeJson(SCALE, { ...kept, ...part });
}

/**
 * The stored measurements; parts may be missing.
 * @throws {FisherlabError} if there is no such file, or it is damaged
 */
export function shippedScale(): Partial<ScaleResults> {
  return readResultsFile(SCALE, SCALE_PARTS, 'fisherlab bench scale');
}

const IMAGES = 1e8;
const PARAMETERS = 1e10;
/**
 * Float32 operations per second of an H100 SXM without its matrix units (67 · 10¹², NVIDIA's data
 * sheet), and the share of it that is assumed.
 */
const CARD = 67e12;
const SHARE_OF_CARD = 0.3;

/** The generated parts of `docs/scale.md`. */
export function scaleParts(results: Partial<ScaleResults>): Record<string, string> {
  return { measured: measured(results), calculated: calculated(results.models ?? []) };
}

/** The text shown where nothing was measured. */
const NOTHING = 'not measured yet';

function measured({ machine, long, start, merge, shards }: Partial<ScaleResults>): string {
  const on =
    machine === undefined
      ? NOTHING
      : `${machine.cores} cores (${machine.processor}), Node ${machine.node}, backend ${machine.backend}, with a load of ${machine.load.toFixed(1)} from other processes at the start`;
  const columns = ['', 'measured', 'goal'];
  const rows = [
    ...longRows(long),
    [
      'time of a shard besides its images: start, model, graph, end',
      start === undefined
        ? NOTHING
        : `${within(start.wall, 1)} s, ${within(start.cpu, 1)} s of processor time`,
      '4 s',
    ],
    mergeRow(merge),
    [
      'two shards with one core each, compared with one process with both',
      shards === undefined
        ? NOTHING
        : `${within(shards.wall, 2)} × as fast, ${within(shards.cpu, 2)} × by processor time (${count(shards.images)} images)`,
      '1.0',
    ],
  ];
  return `On ${on}; medians (least to largest):\n\n${markdownTable(columns, rows)}`;
}

function longRows(long: ScaleResults['long'] | undefined): string[][] {
  const [what, memory] = [
    'speed of the last images, compared with the first',
    'growth of memory after the first thousand images',
  ];
  if (long === undefined)
    return [
      [what, NOTHING, '0.95 to 1.05'],
      [memory, NOTHING, '50 MB'],
    ];
  const { first, last, growth_mb, peak_mb, images, model } = long;
  const ratio = (key: 'ms_per_image' | 'cpu_ms_per_image') => (first[key] / last[key]).toFixed(2);
  return [
    [
      `the last ${count(last.images)} of ${count(images)} images compared with the first, ${model}`,
      `${ratio('cpu_ms_per_image')} × as many per processor second, ${ratio('ms_per_image')} × per second`,
      '0.95 to 1.05',
    ],
    [memory, `${signed(growth_mb)} MB, with a peak of ${count(peak_mb)} MB`, '50 MB'],
  ];
}

function mergeRow(merge: ScaleResults['merge'] | undefined): string[] {
  const [fewer, whole] = [merge?.[0], merge?.at(-1)];
  if (fewer === undefined || whole === undefined) return ['merge', NOTHING, '2,000 MB'];
  return [
    `merge of ${whole.shards} shards, ${count(whole.columns)} columns, ${count(whole.rows)} rows (${whole.gigabytes.toFixed(1)} GB)`,
    `${count(whole.peak_mb)} MB in ${Math.round(whole.seconds)} s; with ${count(fewer.rows)} rows ${count(fewer.peak_mb)} MB`,
    '2,000 MB',
  ];
}

function calculated(models: ScaleResults['models']): string {
  const rows = models.flatMap((model) => {
    const perParameter = model.operations_per_image / model.parameters;
    const cpu = model.cpu_ms_per_image / 1000;
    const larger = PARAMETERS / model.parameters;
    const card = (operations: number) => operations / (CARD * SHARE_OF_CARD);
    return [
      [
        model.model,
        power(model.parameters),
        count(model.tensors),
        count(Math.round(perParameter)),
        count(round2(model.cpu_ms_per_image)),
        hours(IMAGES * cpu),
        hours(IMAGES * card(model.operations_per_image)),
        bytes(4 * model.tensors * IMAGES),
      ],
      [
        'a model of the same kind',
        power(PARAMETERS),
        `${count(model.tensors)} (assumed)`,
        'the same',
        count(round2(model.cpu_ms_per_image * larger)),
        hours(IMAGES * cpu * larger),
        hours(IMAGES * card(perParameter * PARAMETERS)),
        bytes(4 * model.tensors * IMAGES),
      ],
    ];
  });
  return markdownTable(
    [
      'model',
      'parameters',
      'J',
      'operations per parameter and image',
      'CPU ms per image',
      'core hours, 10⁸ images',
      'card hours, calculated',
      'table, B = 1',
    ],
    rows,
  );
}

const count = (value: number) => value.toLocaleString('en');
/** A spread in words: its middle, and from where to where. */
export const within = ({ least, median, largest }: Spread, digits: number) =>
  `${median.toFixed(digits)} (${least.toFixed(digits)} to ${largest.toFixed(digits)})`;
const signed = (value: number) => (value < 0 ? `−${-value}` : `${value}`);
const round2 = (value: number) => Number(value.toPrecision(2));
const hours = (seconds: number) => count(round2(seconds / 3600));
const bytes = (value: number) => `${count(round2(value / 1e9))} GB`;

function power(value: number): string {
  const exponent = Math.floor(Math.log10(value));
  const digits = '⁰¹²³⁴⁵⁶⁷⁸⁹';
  const raised = [...String(exponent)].map((digit) => digits[Number(digit)]).join('');
  const mantissa = (value / 10 ** exponent).toFixed(1);
  return mantissa === '1.0' ? `10${raised}` : `${mantissa} · 10${raised}`;
}
