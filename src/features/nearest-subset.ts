/**
 * # Those of a set that look most like another set
 *
 * The nine pixel statistics (`pixel-statistics.ts`) tell most sets apart. Images of another set that
 * have nearly the same nine numbers as familiar ones are strangers that they cannot tell, by choice
 * and not by alteration: for each familiar image in turn the nearest that is not taken yet, in the
 * Euclidean distance of the nine numbers standardised over the familiar set,
 *
 *     i(k) = argmin_{i not taken} Σ_j ((t_j(y_i) − t_j(x_k))/σ_j)².
 *
 * This is nearest-neighbour matching without replacement (Rubin, *Matching to remove bias in
 * observational studies*, Biometrics 29, 1973). How well it does is seen in what the statistics
 * still detect.
 */
import { type Images, picked } from '../data/index';
import { FisherlabError } from '../errors';
import { unbiasedStd } from '../numerics/index';
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
  const known = pixelTable(familiar, 1).columns;
  const columns = pixelTable(others, 1).columns.map(({ values }, j) => {
    const own = known[j]?.values as Float64Array;
    const scale = own.length < 2 ? 1 : unbiasedStd(own) || 1; // grey images have one colourfulness
    return { own, values, scale };
  });
  const taken = new Uint8Array(others.count);
  const chosen = Array.from({ length: familiar.count }, (_, k) => {
    let [best, nearest] = [-1, Infinity];
    for (let i = 0; i < others.count; i++) {
      if (taken[i] === 1) continue;
      const distance = columns.reduce(
        (sum, { own, values, scale }) =>
          sum + (((values[i] as number) - (own[k] as number)) / scale) ** 2,
        0,
      );
      if (distance < nearest) [best, nearest] = [i, distance];
    }
    taken[best] = 1;
    return best;
  });
  return { ...picked(others, chosen), name: `${others.name}, nearest` };
}
