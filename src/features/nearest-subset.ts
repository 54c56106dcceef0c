/**
 * # Those of a set that look most like another set
 *
 * The nine pixel statistics (`pixel-statistics.ts`) tell most sets apart. Images of another set
 * that have nearly the same nine numbers as familiar ones are strangers that they cannot tell, by
 * choice and not by alteration: for each familiar image in turn the nearest that is not taken yet,
 * in the Euclidean distance of the nine numbers standardised over the familiar set,
 *
 *     i(k) = argmin_{i not taken} Σ_j ((t_j(y_i) − t_j(x_k))/σ_j)².
 *
 * This is nearest-neighbour matching without replacement (Rubin, *Matching to remove bias in
 * observational studies*, Biometrics 29, 1973). How well it does is seen in what the statistics
 * still detect.
 */
import { type Images, picked } from '../data/index';
import { type Column, point, squaredDistance, standardiseBy } from '../detectors/index';
import { FisherlabError } from '../errors';
import { pixelTable } from './pixel-statistics';

/**
 * One image of `others` for each of `familiar`, in that order.
 * @throws {FisherlabError} if there are fewer others than familiar images
 */
export function nearestSubset(others: Images, familiar: Images): Images {
  if (others.count < familiar.count)
    throw new FisherlabError(
      `'${others.name}' has ${others.count} images, too few to match ${familiar.count}`,
      'give more of them or fewer familiar ones',
    );
  const own = pixelTable(familiar, 1).columns;
  // Of grey images colour is the same for all, and tells nothing.
  const telling = own.flatMap(({ values }, j) => (values.some((v) => v !== values[0]) ? [j] : []));
  const standardise = standardiseBy(telling.map((j) => own[j] as Column));
  const pointsOf = (columns: readonly Column[]) =>
    standardise(telling.map((j) => columns[j] as Column));
  const [known, given] = [pointsOf(own), pointsOf(pixelTable(others, 1).columns)];
  const taken = new Uint8Array(others.count);
  const chosen = Array.from({ length: familiar.count }, (_, k) => {
    let [best, nearest] = [-1, Infinity];
    for (let i = 0; i < others.count; i++) {
      if (taken[i] === 1) continue;
      const distance = squaredDistance(point(known, k), point(given, i), nearest);
      if (distance < nearest) [best, nearest] = [i, distance];
    }
    taken[best] = 1;
    return best;
  });
  return { ...picked(others, chosen), name: `${others.name}, nearest` };
}
