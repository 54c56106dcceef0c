/**
 * The formats that hold pictures. PNGs stand in for JPEGs (the decoder goes by content), so that
 * the pixels are known exactly.
 */
import assert from 'node:assert/strict';
import sharp from 'sharp';
import { dataset } from '../../../src/data/index';
import { bytes, obtain, ownFolder, png, servers, tarGz, zip } from '../help';

const flat = (size: number, ...colour: number[]) =>
  Uint8Array.from(
    { length: size * size * colour.length },
    (_, i) => colour[i % colour.length] as number,
  );
const image = (images: Uint8Array | undefined, n: number, channels: number) =>
  (images ?? new Uint8Array()).subarray(n * 1024 * channels, (n + 1) * 1024 * channels);
const ppm = (width: number, height: number, pixels: Uint8Array) =>
  Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), pixels]);

describe('formats that hold pictures', () => {
  const folder = ownFolder();
  const serve = servers();

  it('GTSRB takes training classes from the folders and test classes from the table, whole images resized', async () => {
    const classes = [0, 7, 14, 42];
    const train = zip(
      Object.fromEntries(
        classes.map((c) => [
          `GTSRB/Final_Training/Images/${String(c).padStart(5, '0')}/00000_00000.ppm`,
          ppm(20, 25, new Uint8Array(1500).fill(c)),
        ]),
      ),
    );
    const pixels = bytes(3072);
    const images = zip({
      'GTSRB/Final_Test/Images/00001.ppm': ppm(32, 32, pixels),
      'GTSRB/Final_Test/Images/00000.ppm': ppm(1, 1, Buffer.from([1, 2, 3])),
    });
    const table =
      'Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\r\n00000.ppm;53;54;6;5;48;49;16\r\n00001.ppm;42;45;5;5;36;40;1\r\n';
    const test = {
      'images.zip': images,
      'gt.zip': zip({ 'GT-final_test.csv': Buffer.from(table) }),
    };
    const [a, b] = await obtain('gtsrb', { train: { 'train.zip': train }, test }, serve, folder());
    assert.deepEqual(
      [...(a?.labels ?? [])].sort((x, y) => x - y),
      classes,
    );
    a?.labels?.forEach((label, n) => {
      assert.ok(
        image(a.images, n, 3).every((value) => value === label),
        'an image has the colour of its class',
      );
    });
    assert.deepEqual([...(b?.labels ?? [])], [16, 1]);
    assert.deepEqual(image(b?.images, 0, 3), flat(32, 1, 2, 3));
    assert.deepEqual(image(b?.images, 1, 3), new Uint8Array(pixels));
  });

  it('a class of GTSRB that is not a number, or does not fit in a byte, is refused', async () => {
    const one = ppm(1, 1, Buffer.from([1, 2, 3]));
    for (const [name, said] of [
      ['00300', 'a label is 300'],
      ['00043', 'a label is 43, and there are the classes 0 to 42'],
    ] as const)
      await assert.rejects(
        obtain(
          'gtsrb',
          { train: { 't.zip': zip({ [`GTSRB/${name}/1.ppm`]: one }) } },
          serve,
          folder(),
        ),
        new RegExp(said),
      );
    const table = 'Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n0.ppm;1;1;0;0;0;0\n';
    const test = {
      'images.zip': zip({ 'GTSRB/0.ppm': one }),
      'gt.zip': zip({ 'GT-final_test.csv': Buffer.from(table) }),
    };
    await assert.rejects(obtain('gtsrb', { test }, serve, folder()), /a label is NaN/);
  });

  it('CelebA is split by number and cropped to the box of the paper: checked by the corners of a colour ramp', async () => {
    const ramp = await png(
      Uint8Array.from(
        { length: 178 * 218 * 3 },
        (_, i) => [Math.floor(i / 3) % 178, Math.floor(i / 3 / 178), 9][i % 3] as number,
      ),
      178,
      218,
      3,
    );
    const archive = zip({
      'img_align_celeba/000001.jpg': ramp,
      'img_align_celeba/162771.jpg': Buffer.from('a validation image: never opened'),
      'img_align_celeba/202599.jpg': ramp,
      '__MACOSX/img_align_celeba/._000001.jpg': Buffer.from('not a picture'),
    });
    const [train, test] = await obtain(
      'celeba',
      { train: { 'celeba.zip': archive }, test: { 'celeba.zip': archive } },
      serve,
      folder(),
    );
    assert.deepEqual([train?.count, test?.count, train?.labels], [1, 1, undefined]);
    // A symmetric filter keeps a ramp: output pixel i is the ramp at the centre of its 148/32 input
    // pixels.
    for (let y = 1; y < 31; y++) {
      for (let x = 1; x < 31; x++) {
        const [red, green, blue] = image(train?.images, 0, 3).subarray(
          (32 * y + x) * 3,
        ) as unknown as [number, number, number];
        assert.ok(Math.abs(red - (15 + ((x + 0.5) * 148) / 32 - 0.5)) <= 1, `x ${x}: ${red}`);
        assert.ok(Math.abs(green - (40 + ((y + 0.5) * 148) / 32 - 0.5)) <= 1, `y ${y}: ${green}`);
        assert.equal(blue, 9);
      }
    }
  });

  it('CelebA is smoothed before it is reduced: a fine pattern becomes grey', async () => {
    const pattern = Uint8Array.from(
      { length: 178 * 218 * 3 },
      (_, i) => (((Math.floor(i / 3) % 178) + Math.floor(i / 3 / 178)) % 2) * 255,
    );
    const archive = zip({ '000001.jpg': await png(pattern, 178, 218, 3) });
    const [train] = await obtain('celeba', { train: { 'celeba.zip': archive } }, serve, folder());
    assert.ok(train?.images.every((value) => Math.abs(value - 127.5) < 12));
  });

  it('Tiny-ImageNet averages 2x2 pixels, numbers the classes in sorted order, and makes grey pictures coloured', async () => {
    const fine = Uint8Array.from(
      { length: 64 * 64 * 3 },
      (_, i) =>
        [10, 20, 30, 60][(Math.floor(i / 3) % 2) + 2 * (Math.floor(i / 3 / 64) % 2)] as number,
    );
    const archive = zip({
      'tiny-imagenet-200/wnids.txt': Buffer.from('n09\nn02\nn05\n'),
      'tiny-imagenet-200/train/n09/images/n09_0.JPEG': await png(fine, 64, 64, 3),
      'tiny-imagenet-200/train/n02/images/n02_0.JPEG': await png(flat(64, 77), 64, 64, 1),
      'tiny-imagenet-200/val/images/val_0.JPEG': await png(flat(64, 1, 2, 3), 64, 64, 3),
      'tiny-imagenet-200/val/val_annotations.txt': Buffer.from('val_0.JPEG\tn05\t0\t0\t62\t62\n'),
    });
    const [train, test] = await obtain(
      'tinyimagenet32',
      { train: { 't.zip': archive }, test: { 't.zip': archive } },
      serve,
      folder(),
    );
    assert.deepEqual([...(train?.labels ?? [])].sort(), [0, 2]);
    assert.deepEqual(image(train?.images, train?.labels?.indexOf(2) ?? 0, 3), flat(32, 30, 30, 30));
    assert.deepEqual(image(train?.images, train?.labels?.indexOf(0) ?? 0, 3), flat(32, 77, 77, 77));
    assert.deepEqual(image(test?.images, 0, 3), flat(32, 1, 2, 3));
    assert.deepEqual([...(test?.labels ?? [])], [1]);
  });

  it('a real JPEG is decoded to what it was made from, within what JPEG loses', async () => {
    const jpeg = await sharp(flat(64, 200, 100, 50), {
      raw: { width: 64, height: 64, channels: 3 },
    })
      .jpeg({ quality: 95 })
      .toBuffer();
    const archive = zip({
      'tiny-imagenet-200/wnids.txt': Buffer.from('n01'),
      'tiny-imagenet-200/train/n01/images/n01_0.JPEG': jpeg,
    });
    const [train] = await obtain(
      'tinyimagenet32',
      { train: { 't.zip': archive } },
      serve,
      folder(),
    );
    assert.ok(
      train?.images.every((value, i) => Math.abs(value - ([200, 100, 50][i % 3] as number)) <= 3),
    );
  });

  it('Omniglot is inverted and averaged to 28x28, its alphabets counted in sorted order', async () => {
    const stroke = new Uint8Array(105 * 105).fill(255);
    stroke.fill(0, 0, 105 * 15); // the upper 15 rows are 4 of the 28
    const archive = zip({
      'images_background/Latin/character01/0709_01.png': await png(stroke, 105, 105, 1),
      'images_background/Greek/character02/0309_01.png': await png(flat(105, 255), 105, 105, 1),
      'images_background/Latin/character01/0709_02.png': await png(flat(105, 0), 105, 105, 1),
    });
    const [set] = await obtain(
      'omniglot',
      { test: { 'images_background.zip': archive } },
      serve,
      folder(),
    );
    assert.deepEqual([...(set?.labels ?? [])].sort(), [0, 1, 1]);
    const sums = Array.from(
      { length: 3 },
      (_, n) => image(set?.images, n, 1).reduce((a, b) => a + b, 0) / 255,
    );
    assert.deepEqual(
      sums.sort((a, b) => a - b),
      [0, 4 * 28, 28 * 28],
    );
    const latin = Array.from({ length: 3 }, (_, n) => image(set?.images, n, 1)).find(
      (one) => one[2 * 32 + 2] === 255 && one[6 * 32 + 2] === 0,
    );
    assert.ok(
      latin !== undefined && latin[5 * 32 + 29] === 255,
      'the stroke is at the top, white on black',
    );
  });

  it('notMNIST leaves its broken files out, but not many', async () => {
    const letters = 'ABCDEFGHIJ'.split('');
    const good = Object.fromEntries(
      await Promise.all(
        Array.from(
          { length: 120 },
          async (_, n) =>
            [
              `notMNIST_small/${letters[n % 10]}/${n}.png`,
              await png(flat(28, n), 28, 28, 1),
            ] as const,
        ),
      ),
    );
    const archive = tarGz({ ...good, 'notMNIST_small/A/broken.png': Buffer.alloc(0) });
    const [set] = await obtain('notmnist', { test: { 'n.tar.gz': archive } }, serve, folder());
    assert.equal(set?.count, 120);
    set?.labels?.forEach((label, n) => {
      assert.equal((image(set.images, n, 1)[16 * 32 + 16] as number) % 10, label);
    });
    const bad = tarGz({
      'notMNIST_small/A/1.png': await png(flat(28, 1), 28, 28, 1),
      'notMNIST_small/B/broken.png': Buffer.from('x'),
    });
    process.env.XDG_CACHE_HOME = `${folder()}/other`;
    await assert.rejects(
      obtain('notmnist', { test: { 'n.tar.gz': bad } }, serve, folder()),
      /1 of its 2 pictures are broken/,
    );
  });

  it('a damaged picture stops the conversion, names itself and leaves no set behind', async () => {
    const cut = (await png(bytes(64 * 64 * 3), 64, 64, 3)).subarray(0, 5000);
    const archive = zip({
      'tiny-imagenet-200/wnids.txt': Buffer.from('n01'),
      'tiny-imagenet-200/train/n01/images/n01_7.JPEG': cut,
    });
    await assert.rejects(
      obtain('tinyimagenet32', { train: { 't.zip': archive } }, serve, folder()),
      /n01_7\.JPEG/,
    );
    await assert.rejects(dataset('tinyimagenet32', 'train'), /not on this machine/);
  });
});
