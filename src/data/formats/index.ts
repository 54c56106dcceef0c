/**
 * # The official formats
 *
 * Each format has one converter. What they share is in `portion.ts`; archives are read by `zip.ts`
 * and `tar-archive.ts`.
 */
import type { Format } from '../sets';
import { celeba } from './celeba';
import { cifar } from './cifar';
import { gtsrb } from './gtsrb';
import { emnist, idx } from './idx';
import { imagenet32 } from './imagenet32';
import { notmnist } from './notmnist';
import { omniglot } from './omniglot';
import type { Converter } from './portion';
import { svhn } from './svhn';
import { tinyimagenet } from './tinyimagenet';

export const CONVERTERS: Record<Format, Converter> = {
  cifar,
  idx,
  'idx-zip': emnist,
  svhn,
  gtsrb,
  celeba,
  tinyimagenet,
  imagenet32,
  omniglot,
  notmnist,
};
