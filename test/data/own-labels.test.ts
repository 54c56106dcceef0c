import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { ownLabels } from '../../src/data/index';
import { ownFolder } from './help';

const NAMES = ['photos/cats/7.png', 'photos/dogs/7.png', 'photos/8.png', 'scan.npy[3]'];

describe('classes from a CSV file', () => {
  const folder = ownFolder();
  const labels = (text: string, others: string[] = []) => {
    const file = path.join(folder(), 'labels.csv');
    writeFileSync(file, text);
    return ownLabels(file, NAMES, others);
  };

  it('mean an image by the end of its path, the longest one first', async () => {
    assert.deepEqual(
      await labels('image,class\n7.png,some\ncats/7.png,"a cat, asleep"\nscan.npy[3],scan\n'),
      ['a cat, asleep', 'some', '', 'scan'],
    );
  });

  it('may come with a byte order mark, other columns and line ends of other systems', async () => {
    const text = '\ufeffn,image,class\r\n1,photos/8.png,x\r\n\r\n';
    assert.deepEqual(await labels(text), ['', '', 'x', '']);
  });

  it('may mention images that were left out, but no others', async () => {
    const text = 'image,class\n9.png,x\n';
    assert.deepEqual(await labels(text, ['photos/9.png']), ['', '', '', '']);
    await assert.rejects(labels(text), /names '9\.png', which is not among the images/);
  });

  it('are refused if they cannot be read', async () => {
    await assert.rejects(labels('file,kind\n7.png,x\n'), /has no columns 'image' and 'class'/);
    await assert.rejects(labels('image,class\n8.png,x\n8.png,y\n'), /names '8\.png' twice/);
    await assert.rejects(labels('image,class\n8.png\n'), /cannot be read as CSV/);
    await assert.rejects(ownLabels(path.join(folder(), 'no.csv'), []), /no\.csv' cannot be read/);
  });
});
