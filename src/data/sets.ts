/**
 * # The catalogue: all data sets, their owners and their official addresses
 *
 * The paper's five sets are SVHN, CelebA, GTSRB, CIFAR-10 and ImageNet32. The catalogue also has
 * CIFAR-100, Tiny-ImageNet averaged down to 32x32 (it *stands in for ImageNet32* if that is
 * missing) and the grey sets. Checksums are md5, because that is what the owners and the public
 * loaders publish. They protect against damage and mix-ups, not against an attacker.
 *
 * A set whose owner demands agreement (`agreement`) is never downloaded for the user: they fetch
 * the file under the owner's terms and hand it over with `--from FILE`.
 */
import { assertKnown } from '../errors';

export const SPLITS = ['train', 'test'] as const;
export type Split = (typeof SPLITS)[number];

/** The format of the official files; each has its converter in `./formats`. */
export type Format =
  | 'cifar'
  | 'idx'
  | 'idx-zip'
  | 'svhn'
  | 'gtsrb'
  | 'celeba'
  | 'tinyimagenet'
  | 'imagenet32'
  | 'omniglot'
  | 'notmnist';

/**
 * One official file. `md5` is in hexadecimal; if the owner publishes none, only `bytes` can be
 * checked.
 */
export interface OfficialFile {
  readonly url: string;
  readonly md5?: string;
  readonly bytes?: number;
}

export interface DataSet {
  readonly title: string;
  readonly channels: 1 | 3;
  readonly format: Format;
  /** The owner and the terms, in one line. */
  readonly licence: string;
  readonly cite: string;
  /** The classes, or why there are no labels. */
  readonly labels: string;
  /** The number of classes, if there are labels; labels are 0 … classes − 1. */
  readonly classes?: number;
  /** The page where the user gets the file, if the owner asks for an agreement first. */
  readonly agreement?: string;
  /** The files of each split, in the order the converter expects. */
  readonly files: Partial<Record<Split, readonly OfficialFile[]>>;
}

const idx = (
  base: string,
  splits: Record<Split, readonly [images: string, labels: string]>,
): DataSet['files'] => ({
  train: [
    { url: `${base}train-images-idx3-ubyte.gz`, md5: splits.train[0] },
    { url: `${base}train-labels-idx1-ubyte.gz`, md5: splits.train[1] },
  ],
  test: [
    { url: `${base}t10k-images-idx3-ubyte.gz`, md5: splits.test[0] },
    { url: `${base}t10k-labels-idx1-ubyte.gz`, md5: splits.test[1] },
  ],
});

const both = (file: OfficialFile): DataSet['files'] => ({ train: [file], test: [file] });

const GTSRB = 'https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/';

const CATALOGUE = {
  svhn: {
    title: 'Street View House Numbers, cropped digits',
    channels: 3,
    format: 'svhn',
    licence: 'non-commercial use only (Stanford, ufldl.stanford.edu/housenumbers)',
    cite: 'Netzer et al., Reading Digits in Natural Images with Unsupervised Feature Learning, 2011',
    labels: 'the digit, 0..9',
    classes: 10,
    files: {
      train: [
        {
          url: 'http://ufldl.stanford.edu/housenumbers/train_32x32.mat',
          md5: 'e26dedcc434d2e4c54c9b2d4a06d8373',
        },
      ],
      test: [
        {
          url: 'http://ufldl.stanford.edu/housenumbers/test_32x32.mat',
          md5: 'eb5a983be6a315427106f1b164d9cef3',
        },
      ],
    },
  },
  celeba: {
    title: 'CelebA, aligned faces, box (15,40)-(163,188) resized to 32x32',
    channels: 3,
    format: 'celeba',
    licence:
      'MMLAB/CUHK agreement: non-commercial research only, no part may be copied further, published or distributed',
    cite: 'Liu et al., Deep Learning Face Attributes in the Wild, ICCV 2015',
    labels: 'none',
    agreement: 'https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html (img_align_celeba.zip)',
    files: both({ url: 'img_align_celeba.zip', md5: '00d2c5bc6d35e252742224ab0c1e8fcb' }),
  },
  gtsrb: {
    title: 'German Traffic Sign Recognition Benchmark, whole images resized to 32x32',
    channels: 3,
    format: 'gtsrb',
    licence:
      'freely available for research (Institut für Neuroinformatik, Ruhr-Universität Bochum)',
    cite: 'Stallkamp et al., Man vs. computer: Benchmarking machine learning algorithms for traffic sign recognition, 2012',
    labels: 'the sign, 0..42',
    classes: 43,
    // All 39,209 training images. GTSRB-Training_fixed.zip, which some loaders use, belongs to the
    // earlier competition and has fewer.
    files: {
      train: [
        { url: `${GTSRB}GTSRB_Final_Training_Images.zip`, md5: 'f33fd80ac59bff73c82d25ab499e03a3' },
      ],
      test: [
        { url: `${GTSRB}GTSRB_Final_Test_Images.zip`, md5: 'c7e4e6327067d32654124b0fe9e82185' },
        { url: `${GTSRB}GTSRB_Final_Test_GT.zip`, md5: 'fe31e9c9270bbcd7b84b7f21a9d9d9e5' },
      ],
    },
  },
  cifar10: {
    title: 'CIFAR-10',
    channels: 3,
    format: 'cifar',
    licence: 'no formal licence, free for research (A. Krizhevsky, University of Toronto)',
    cite: 'Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009',
    labels: 'airplane automobile bird cat deer dog frog horse ship truck, 0..9',
    classes: 10,
    files: both({
      url: 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
      md5: 'c32a1d4ab5d03f1284b67883e8d87530',
    }),
  },
  imagenet32: {
    title: 'ImageNet downsampled to 32x32; test is the validation set',
    channels: 3,
    format: 'imagenet32',
    licence: 'ImageNet terms: non-commercial research and education only, no publication of images',
    cite: 'Chrabaszcz et al., A Downsampled Variant of ImageNet as an Alternative to the CIFAR datasets, 2017',
    labels: 'left out: 1000 classes do not fit in one byte',
    agreement:
      'https://image-net.org/download-images (Imagenet32_train_npz.zip, Imagenet32_val_npz.zip)',
    files: {
      train: [{ url: 'Imagenet32_train_npz.zip', md5: '3e3d1b7ddb901d59d1fbcba69b3676fa' }],
      test: [{ url: 'Imagenet32_val_npz.zip', md5: '0300f7a8c5de0c82fb6fc6092b4858ed' }],
    },
  },
  tinyimagenet32: {
    title:
      'Tiny-ImageNet-200 averaged 2x2 to 32x32, stands in for ImageNet32; test is the validation set',
    channels: 3,
    format: 'tinyimagenet',
    licence: 'ImageNet terms: non-commercial research and education only, no publication of images',
    cite: 'Le and Yang, Tiny ImageNet Visual Recognition Challenge, 2015',
    labels: 'index of the WordNet id in sorted order, 0..199',
    classes: 200,
    files: both({
      url: 'http://cs231n.stanford.edu/tiny-imagenet-200.zip',
      md5: '90528d7ca1a48142e341f4ef8d21d0de',
    }),
  },
  cifar100: {
    title: 'CIFAR-100',
    channels: 3,
    format: 'cifar',
    licence: 'no formal licence, free for research (A. Krizhevsky, University of Toronto)',
    cite: 'Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009',
    labels: 'the fine class in alphabetical order, 0..99',
    classes: 100,
    files: both({
      url: 'https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz',
      md5: '03b5dce01913d631647c71ecec9e9cb8',
    }),
  },
  mnist: {
    title: 'MNIST, handwritten digits',
    channels: 1,
    format: 'idx',
    licence: 'CC BY-SA 3.0 (Y. LeCun, C. Cortes)',
    cite: 'LeCun et al., Gradient-based learning applied to document recognition, 1998',
    labels: 'the digit, 0..9',
    classes: 10,
    files: idx('https://ossci-datasets.s3.amazonaws.com/mnist/', {
      train: ['f68b3c2dcbeaaa9fbdd348bbdeb94873', 'd53e105ee54ea40749a09fcbcd1e9432'],
      test: ['9fb629c4189551a2d022fa330f9573f3', 'ec29112dd5afa0611ce80d1b7f02629c'],
    }),
  },
  fashion_mnist: {
    title: 'Fashion-MNIST, clothes',
    channels: 1,
    format: 'idx',
    licence: 'MIT (Zalando SE)',
    cite: 'Xiao et al., Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms, 2017',
    labels: 'T-shirt trouser pullover dress coat sandal shirt sneaker bag ankle-boot, 0..9',
    classes: 10,
    files: idx('http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/', {
      train: ['8d4fb7e6c68d591d4c3dfef9ec88bf0d', '25c81989df183df01b3e8a0aad5dffbe'],
      test: ['bef4ecab320f06d8554ea6380940ec79', 'bb300cfdad3c16e7a12a480ee83cd310'],
    }),
  },
  kmnist: {
    title: 'Kuzushiji-MNIST, cursive Japanese',
    channels: 1,
    format: 'idx',
    licence: 'CC BY-SA 4.0 (CODH, "KMNIST Dataset", adapted from "Kuzushiji Dataset")',
    cite: 'Clanuwat et al., Deep Learning for Classical Japanese Literature, 2018',
    labels: 'o ki su tsu na ha ma ya re wo, 0..9',
    classes: 10,
    files: idx('http://codh.rois.ac.jp/kmnist/dataset/kmnist/', {
      train: ['bdb82020997e1d708af4cf47b453dcf7', 'e144d726b3acfaa3e44228e80efcd344'],
      test: ['5c965bf0a639b31b8f53240b1b52f4d7', '7320c461ea6c1c855c0b718fb2a4b134'],
    }),
  },
  emnist_letters: {
    title: 'EMNIST letters, upper and lower case merged',
    channels: 1,
    format: 'idx-zip',
    licence: 'NIST, work of the US government, free use',
    cite: 'Cohen et al., EMNIST: an extension of MNIST to handwritten letters, 2017',
    labels: 'A..Z as 0..25',
    classes: 26,
    files: both({
      url: 'https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip',
      md5: '58c8d27c78d21e728a6bc7b3cc06412e',
    }),
  },
  omniglot: {
    title:
      'Omniglot, characters averaged to 28x28, white on black; train is the background, test the evaluation set',
    channels: 1,
    format: 'omniglot',
    licence: 'MIT (B. Lake)',
    cite: 'Lake et al., Human-level concept learning through probabilistic program induction, Science 2015',
    labels: 'the alphabet, in sorted order',
    classes: 30,
    files: {
      train: [
        {
          url: 'https://raw.githubusercontent.com/brendenlake/omniglot/master/python/images_background.zip',
          md5: '68d2efa1b9178cc56df9314c21c6e718',
        },
      ],
      test: [
        {
          url: 'https://raw.githubusercontent.com/brendenlake/omniglot/master/python/images_evaluation.zip',
          md5: '6b91aef0f799c5bb55b94e3f2daec811',
        },
      ],
    },
  },
  notmnist: {
    title: 'notMNIST (small), the letters A..J in many typefaces',
    channels: 1,
    format: 'notmnist',
    licence: 'none stated by the author (Y. Bulatov, 2011)',
    cite: 'Bulatov, notMNIST dataset, 2011',
    labels: 'A..J as 0..9',
    classes: 10,
    files: {
      test: [
        { url: 'http://yaroslavvb.com/upload/notMNIST/notMNIST_small.tar.gz', bytes: 8458043 },
      ],
    },
  },
} as const satisfies Record<string, DataSet>;

export type DataSetName = keyof typeof CATALOGUE;

export const DATA_SETS = Object.keys(CATALOGUE) as DataSetName[];

/**
 * The catalogue entry of a set.
 * @throws {FisherlabError} if the name is unknown; the message lists the known ones
 */
export function dataSet(name: string): DataSet {
  assertKnown('data set', name, DATA_SETS);
  return CATALOGUE[name];
}
