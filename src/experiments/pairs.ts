/**
 * # Pairs for choosing, pairs for reporting
 *
 * If you try thirty detectors on a pair of data sets and report the best one on the *same* pair,
 * the result includes luck. So each pair has only one purpose, by a rule that was fixed before
 * anything was tried:
 *
 * - **Colour models: by the set they were trained on.** Models of SVHN and GTSRB are for choosing;
 *   models of CIFAR-10, CelebA and ImageNet32 (or Tiny-ImageNet 32 instead) are for reporting. So
 *   the reporting pairs have other models, of whatever family, and other fit sets.
 * - **Grey models: by the other set**, because all of them are trained on Fashion-MNIST. KMNIST and
 *   Omniglot are for choosing, all others (MNIST, EMNIST letters, notMNIST) for reporting. This
 *   separation is weaker: the model and the fit set are shared, so a lucky fit helps in both.
 *
 * The purpose is part of the types: functions that choose accept only `PairSet<'choosing'>`,
 * functions that report only `PairSet<'reporting'>`. Because notebooks are not type-checked
 * strictly, both also check the names at run time.
 */
import { FisherlabError } from '../errors';
import { PAPER_FAMILIES, shippedModels } from '../models/index';
import { setsFor } from './sets-to-try';

export type Purpose = 'choosing' | 'reporting';

/** A model, its own test set, and other sets to tell from it, all for one purpose. */
export interface PairSet<P extends Purpose> {
  readonly purpose: P;
  /** A shipped model, or the path of a checkpoint. */
  readonly model: string;
  /** The set the model was trained on; its test set is in distribution. */
  readonly in: string;
  readonly out: readonly string[];
}

const COLOUR_CHOOSING: ReadonlySet<string> = new Set(['svhn', 'gtsrb']);
const COLOUR_REPORTING: ReadonlySet<string> = new Set([
  'cifar10',
  'celeba',
  'imagenet32',
  'tinyimagenet32',
]);
const GREY_CHOOSING: ReadonlySet<string> = new Set(['kmnist', 'omniglot']);

/** What the pair `inside` → `outside` is for, whatever the model. */
export function purposeOf(inside: string, outside: string): Purpose {
  if (COLOUR_CHOOSING.has(inside)) return 'choosing';
  if (COLOUR_REPORTING.has(inside)) return 'reporting';
  return GREY_CHOOSING.has(outside) ? 'choosing' : 'reporting';
}

/** A model, its own set, and all the sets it is asked about. */
interface Experiment {
  readonly model: string;
  readonly in: string;
  readonly out: readonly string[];
}

/** The model whose data ship with the program, so that every reader can try it. */
const GREY_GLOW: Experiment = {
  model: 'glow-fashion_mnist',
  in: 'fashion_mnist',
  out: ['mnist', 'kmnist', 'emnist_letters', 'omniglot'],
};

function pairsFor<P extends Purpose>(experiments: readonly Experiment[], purpose: P): PairSet<P>[] {
  return experiments
    .map(({ model, in: inside, out }) => ({
      purpose,
      model,
      in: inside,
      out: out.filter((outside) => purposeOf(inside, outside) === purpose),
    }))
    .filter(({ out }) => out.length > 0);
}

/** Pairs you may look at as often as you like. */
export const DEVELOPMENT_PAIRS: readonly PairSet<'choosing'>[] = pairsFor([GREY_GLOW], 'choosing');

/** Pairs to look at once for each choice: `report` in `trial.ts`. */
export const REPORTING_PAIRS: readonly PairSet<'reporting'>[] = pairsFor([GREY_GLOW], 'reporting');

/** Sets whose models take part in the round of all families, and the families. */
const FAMILY_SETS = [...COLOUR_CHOOSING, 'cifar10', 'celeba', 'tinyimagenet32', 'fashion_mnist'];

const FAMILY_MODELS = PAPER_FAMILIES.flatMap((family) =>
  FAMILY_SETS.map((set) => ({ model: `${family}-${set}`, set })),
);

/** Names of the models of all families that take part, shipped or not. */
export function familyModels(): string[] {
  return FAMILY_MODELS.map(({ model }) => model);
}

/** All pairs of shipped models for a purpose, with the sets that are on this machine. */
export function familyPairs<P extends Purpose>(purpose: P): PairSet<P>[] {
  const shipped = shippedModels();
  const experiments = FAMILY_MODELS.filter(({ model }) => shipped.includes(model)).flatMap(
    ({ model, set }): Experiment[] => {
      const [own, ...out] = setsFor(set).sets;
      return own === undefined ? [] : [{ model, in: own, out }];
    },
  );
  return pairsFor(experiments, purpose);
}

/** @throws {FisherlabError} if a pair is not for `purpose`, naming the first one */
export function assertPurpose(pairs: readonly PairSet<Purpose>[], purpose: Purpose): void {
  for (const { in: inside, out } of pairs) {
    const wrong = out.find((outside) => purposeOf(inside, outside) !== purpose);
    if (wrong === undefined) continue;
    throw new FisherlabError(
      `the pair ${inside} → ${wrong} is for ${purposeOf(inside, wrong)}, not for ${purpose}`,
      purpose === 'choosing'
        ? 'choose on DEVELOPMENT_PAIRS, then report the one you chose'
        : 'report on REPORTING_PAIRS: the development pairs have been used up by choosing',
    );
  }
}
