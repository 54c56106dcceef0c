/**
 * # Schemas of the result files
 *
 * Results are written by one command and read by many, perhaps years later, after somebody has cut,
 * merged or edited them. So each kind of file has a schema that is checked on reading. A missing
 * number gives an error with its path in the file, instead of a `NaN` in a table. The compiler
 * checks each schema against the type that its reader returns.
 */
import * as v from 'valibot';

const estimate = v.object({ value: v.number(), low: v.number(), high: v.number() });

const margin = v.object({
  ...estimate.entries,
  p: v.number(),
  verdict: v.picklist(['win', 'draw', 'loss']),
});

const place = {
  model: v.string(),
  in: v.string(),
  out: v.string(),
  batchSize: v.number(),
  method: v.string(),
};

const counts = { inCount: v.number(), outCount: v.number() };

const row = v.object({ ...place, ...counts, auroc: estimate, aupr: estimate, fpr95: estimate });

const protocol = v.picklist(['halves', 'held-out']);

const tally = { wins: v.number(), draws: v.number(), losses: v.number() };

/** Results of one model (`paper-tables.ts`). */
export const MODEL_RESULTS = v.object({
  model: v.string(),
  family: v.string(),
  in: v.string(),
  protocol,
  checksum: v.string(),
  backend: v.string(),
  seed: v.number(),
  limit: v.nullable(v.number()),
  sets: v.array(v.object({ name: v.string(), images: v.number(), source: v.string() })),
  missingSets: v.array(v.string()),
  fitImages: v.number(),
  diagonalFisherFrom: v.nullable(v.string()),
  rows: v.array(row),
  comparisons: v.array(
    v.object({
      batchSize: v.number(),
      reference: v.string(),
      methods: v.array(
        v.object({
          candidate: v.string(),
          pairs: v.array(
            v.object({
              ...margin.entries,
              in: v.string(),
              out: v.string(),
              model: v.exactOptional(v.string()),
              candidate: v.number(),
              reference: v.number(),
            }),
          ),
          ...tally,
          mean: margin,
          resampled: v.array(v.number()),
        }),
      ),
    }),
  ),
  without: v.array(v.object({ method: v.string(), batchSize: v.number(), why: v.string() })),
  seconds: v.number(),
});

/** Tables of families (`summary.ts`). */
export const SUMMARY = v.object({
  families: v.array(
    v.object({
      family: v.string(),
      kind: v.picklist(['colour', 'grey']),
      protocol,
      batchSize: v.number(),
      sets: v.array(v.string()),
      models: v.array(v.string()),
      methods: v.array(
        v.object({
          method: v.string(),
          auroc: v.array(v.array(v.nullable(v.number()))),
          mean: v.number(),
          quartiles: v.tuple([v.number(), v.number(), v.number()]),
          meanAupr: v.number(),
          meanFpr95: v.number(),
          pairs: v.number(),
          against: v.exactOptional(v.object({ ...tally, mean: estimate })),
        }),
      ),
    }),
  ),
  missing: v.array(v.string()),
});

/** Cards of models (`model-cards.ts`). */
export const CARDS = v.array(
  v.object({
    model: v.string(),
    checksum: v.string(),
    tensors: v.number(),
    parameters: v.number(),
    steps: v.number(),
    images: v.number(),
    test: v.nullable(v.number()),
    unit: v.string(),
    bitsPerDim: v.number(),
    how: v.string(),
    literature: v.nullable(v.string()),
  }),
);

const points = v.array(
  v.object({
    out: v.string(),
    batchSize: v.number(),
    method: v.string(),
    x: v.number(),
    auroc: estimate,
  }),
);

/** Ablations of one model (`ablations.ts`). */
export const ABLATIONS = v.object({
  model: v.string(),
  in: v.string(),
  seed: v.number(),
  sets: v.array(v.object({ name: v.string(), images: v.number() })),
  layers: points,
  batchSizes: points,
  fitSizes: points,
  noiseDraws: points,
  timesteps: points,
});

/** The ladder of model sizes (`ladder.ts`). */
export const LADDER_RESULTS = v.object({
  data: v.string(),
  seed: v.number(),
  images: v.number(),
  rungs: v.array(
    v.object({
      K: v.number(),
      hidden: v.number(),
      steps: v.number(),
      parameters: v.number(),
      bitsPerDim: v.number(),
      checksum: v.string(),
    }),
  ),
  sizes: points,
  lengths: points,
});

/** The baseline without a model (`pixel-baseline.ts`). */
export const BASELINE = v.object({ seed: v.number(), rows: v.array(row) });

/** The first experiment (`first-experiment.ts`). */
export const FIRST = v.object({
  backend: v.string(),
  seconds: v.number(),
  rows: v.array(
    v.object({
      ...place,
      ...counts,
      auroc: v.number(),
      low: v.number(),
      high: v.number(),
      aupr: estimate,
      fpr95: estimate,
    }),
  ),
});

const looks = v.array(
  v.object({
    candidate: v.string(),
    chosenFrom: v.number(),
    date: v.string(),
    pairs: v.array(v.string()),
  }),
);

const against = {
  candidate: v.string(),
  batchSize: v.number(),
  auroc: v.number(),
  paper: v.number(),
};

const outcome = {
  rows: v.array(
    v.object({
      ...margin.entries,
      ...against,
      model: v.string(),
      in: v.string(),
      out: v.string(),
    }),
  ),
  means: v.array(v.object({ ...margin.entries, ...against, worst: v.number() })),
  tried: v.number(),
  models: v.record(v.string(), v.string()),
};

/** A round of choosing, with its report (`rounds.ts`). */
export const ROUND = v.object({
  images: v.number(),
  seed: v.number(),
  development: v.object(outcome),
  reporting: v.object({ ...outcome, candidate: v.string(), chosenFrom: v.number(), looks }),
  goal: v.record(
    v.string(),
    v.object({
      gain: v.boolean(),
      surelyAbove: v.boolean(),
      nowhereBelow: v.boolean(),
      reached: v.boolean(),
    }),
  ),
  missing: v.string(),
});

/** The record of looks (`looks.ts`). */
export const LOOKS_RECORD = looks;

const measured = {
  family: v.string(),
  view: v.picklist(['one noise', 'own noise', 'own noise, order of files']),
  kind: v.picklist(['choosing', 'reporting', 'controlled']),
  batchSize: v.number(),
  method: v.string(),
  auroc: estimate,
  abovePixels: estimate,
};

/** The study of pixel statistics (`beyond-study.ts`). */
export const BEYOND = v.object({
  seed: v.number(),
  order: v.number(),
  rows: v.array(v.object({ ...measured, model: v.string(), in: v.string(), out: v.string() })),
  means: v.array(v.object({ ...measured, pairs: v.number() })),
  explained: v.array(
    v.object({
      family: v.string(),
      batchSize: v.number(),
      method: v.string(),
      share: v.number(),
    }),
  ),
});
