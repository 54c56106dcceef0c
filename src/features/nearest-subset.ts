/**
 * # The images of a set that look most like another set
 *
 * The nine pixel statistics t_1 … t_9 (`pixel-statistics.ts`) tell most sets apart. This file picks
 * out of another set the images whose statistics are nearly those of familiar images, so that the
 * statistics no longer help, without altering any image. For each familiar image x_k in turn it
 * takes the nearest image y_i that is not yet taken. The distance is Euclidean, with each statistic
 * divided by its standard deviation σ_j over the familiar set:
 *
 *     i(k) = argmin_{i not taken} Σ_j ((t_j(y_i) − t_j(x_k))/σ_j)².
 *
 * This is nearest-neighbour matching without replacement (Rubin, *Matching to remove bias in
 * observational studies*, Biometrics 29, 1973). How well the matching works can be seen from how
 * much the statistics still detect.
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
  // All grey images have the same colourfulness, so it is left out.
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
