/**
 * # Pairs for choosing, pairs for reporting
 *
 * Who tries thirty detectors on a pair of data sets and reports the best of them on the *same* pair
 * reports luck along with merit. So each pair has one purpose, by a rule that was fixed before
 * anything was tried:
 *
 * - **Colour models: by the set they were trained on.** Models of SVHN and GTSRB are for choosing;
 *   models of CIFAR-10, CelebA and ImageNet32 (or Tiny-ImageNet 32 in its stead) for reporting:
 *   other models, whatever their family, and other fit sets.
 * - **Grey models: by the other set**, for they are all of Fashion-MNIST. KMNIST and Omniglot are
 *   for choosing, all others (MNIST, EMNIST letters, notMNIST) for reporting. This is the weaker
 *   separation: model and fit set are shared, and a lucky fit is lucky twice.
 *
 * The types carry the purpose: what chooses takes `PairSet<'choosing'>` only, what reports
 * `PairSet<'reporting'>` only; and as notebooks are not type-checked strictly, both look at the
 * names too.
 */
import { FisherlabError } from '../errors';
import { shippedModels } from '../models/index';
import { setsFor } from './sets-to-try';
import { FAMILIES } from './summary';

export type Purpose = 'choosing' | 'reporting';

/** A model with its own test set, and others to tell from it, all for one purpose. */
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

/** The model whose data ship with the program: every reader can ask it. */
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

/** To look at as often as one likes. */
export const DEVELOPMENT_PAIRS: readonly PairSet<'choosing'>[] = pairsFor([GREY_GLOW], 'choosing');

/** To look at once for each choice that was made: `report` in `trial.ts`. */
export const REPORTING_PAIRS: readonly PairSet<'reporting'>[] = pairsFor([GREY_GLOW], 'reporting');

/** Sets whose models take part in the round of all families, and the families. */
const FAMILY_SETS = [...COLOUR_CHOOSING, 'cifar10', 'celeba', 'tinyimagenet32', 'fashion_mnist'];

/** Names of the models of all families that take part, shipped or not. */
export function familyModels(): string[] {
  return FAMILIES.flatMap((family) => FAMILY_SETS.map((set) => `${family}-${set}`));
}

/**
 * The pairs for a purpose of all of them that are shipped, with the sets that are on this machine.
 */
export function familyPairs<P extends Purpose>(purpose: P): PairSet<P>[] {
  const shipped = shippedModels();
  const experiments = familyModels()
    .filter((model) => shipped.includes(model))
    .flatMap((model): Experiment[] => {
      const [own, ...out] = setsFor(model.slice(model.indexOf('-') + 1)).sets;
      return own === undefined ? [] : [{ model, in: own, out }];
    });
  return pairsFor(experiments, purpose);
}

/** @throws {FisherlabError} naming the first pair that is for something else than `purpose` */
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
