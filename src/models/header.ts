/**
 * # The header of a checkpoint
 *
 * Beside the weights a file holds, as JSON: the architecture, its preset, the data set, how the
 * model was trained and for how many steps, and its losses. Facts about a model are always taken
 * from here, never from the name of its file. Files come from anywhere, so the JSON is checked
 * against a schema; keys that this version does not know are kept.
 */
import * as v from 'valibot';
import { checkedJson } from '../checked-json';
import { type ModelConfig, PRESETS, type PresetName } from './family';

/** One evaluation in a training. Losses are in the header's `unit`. */
export interface CurvePoint {
  readonly step: number;
  /** Mean loss over the steps since the last point, and on the held-out images. */
  readonly training: number;
  readonly validation: number;
  /** Of held-out images, or an upper bound on it; left out in files from before it was measured. */
  readonly bitsPerDim?: number;
}

export interface CheckpointHeader {
  readonly config: ModelConfig;
  /**
   * The preset that `config` is of; left out where it is of none, and in files from before it was
   * written down.
   */
  readonly preset?: PresetName;
  /** The data set it was trained on, the number of training images, and the held-out ones. */
  readonly data: {
    readonly name: string;
    readonly images: number;
    readonly validation: number;
    /** How arrays among images of one's own were read, where that was said. */
    readonly reading?: { readonly layout?: string; readonly values?: string };
  };
  readonly training: Readonly<Record<string, number | string | boolean>>;
  /** Optimiser steps so far. */
  readonly step: number;
  /** What the losses below are in: bits/dim, or what the family trains on. */
  readonly unit: string;
  /** Mean loss on the held-out images; null where it was not measured. */
  readonly validation: number | null;
  /** Mean loss on the test images, where measured. */
  readonly test?: number;
  /** Of held-out images at this step, as in the curve. */
  readonly bitsPerDim?: number;
  readonly curve: readonly CurvePoint[];
  /** The commit of the program that trained it. */
  readonly commit: string;
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** The points of a training curve. */
export const CURVE = v.array(
  v.looseObject({
    step: count,
    training: v.number(),
    validation: v.number(),
    bitsPerDim: v.optional(v.number()),
  }),
);

const HEADER: v.GenericSchema<unknown, CheckpointHeader> = v.looseObject({
  // What its entries may be only the family knows: `createModel` looks at them.
  config: v.pipe(
    v.looseObject({ family: v.string() }),
    v.transform((config) => config as unknown as ModelConfig),
  ),
  preset: v.optional(v.picklist(PRESETS)),
  data: v.looseObject({
    name: v.string(),
    images: count,
    validation: count,
    reading: v.optional(
      v.object({ layout: v.optional(v.string()), values: v.optional(v.string()) }),
    ),
  }),
  training: v.record(v.string(), v.union([v.number(), v.string(), v.boolean()])),
  step: count,
  unit: v.string(),
  validation: v.nullable(v.number()),
  test: v.optional(v.number()),
  bitsPerDim: v.optional(v.number()),
  curve: CURVE,
  commit: v.string(),
});

/**
 * @param file for the error
 * @throws {FisherlabError} if the text is no description of a model, naming the place in it
 */
export function parseHeader(text: string, file: string): CheckpointHeader {
  return checkedJson(text, HEADER, {
    what: `the description of the model in '${file}'`,
    howToFix: 'restore the file from where it came from',
  });
}

/**
 * Whether it is a background model: trained on images of which some pixels were replaced by noise
 * (Ren et al. 2019, arXiv 1906.02845), to be compared with, without tables of its own.
 */
export function isBackground({ training }: Pick<CheckpointHeader, 'training'>): boolean {
  return Number(training.mutate ?? 0) > 0;
}
