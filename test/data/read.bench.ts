/**
 * How long reading 50,000 colour images takes and how far memory grows, in the form that a download
 * leaves in the cache (CIFAR-10's training set has as many). Not a test:
 * `npx tsx test/data/read.bench.ts`.
 *
 * Measured on two busy cores (load 12), Node 20, images repeated from CIFAR-10: 0.27 to 0.80 s,
 * memory 1.2 to 1.3 times the array's 154 MB.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cacheFolder, dataset } from '../../src/data/index';
import { writeSplit } from '../../src/data/split-writer';

async function* portions() {
  const { images } = await dataset('cifar10', 'test', { limit: 1000 });
  for (let k = 0; k < 50; k++) yield { images, labels: new Uint8Array(1000) };
}

async function measure(): Promise<void> {
  await writeSplit(path.join(cacheFolder(), 'cifar10'), 'train', [32, 32, 3], portions());
  const before = process.memoryUsage.rss();
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 2);
  const start = performance.now();
  const { count, images } = await dataset('cifar10', 'train');
  const seconds = (performance.now() - start) / 1000;
  clearInterval(watch);
  most = Math.max(most, process.memoryUsage.rss());
  console.log(
    `${count} images in ${seconds.toFixed(2)} s, memory grew by ${((most - before) / images.length).toFixed(2)} times the array`,
  );
}

const folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-bench-'));
process.env.XDG_CACHE_HOME = folder;
delete process.env.FISHERLAB_DATA;
void measure().finally(() => rmSync(folder, { recursive: true, force: true }));
