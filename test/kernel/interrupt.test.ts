import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fakeMnist } from '../training/fixtures/set';
import { KernelClient } from './client';

/** Interrupts a cell that has run for a while, and says how it ended. */
async function interruptedIn(kernel: KernelClient, code: string, after = 400): Promise<string> {
  const cell = kernel.start(code);
  await sleep(after);
  await kernel.request('control', 'interrupt_request');
  const { reply, outputs } = await cell.outcome;
  const errors = outputs.filter(({ type }) => type === 'error');
  return `${reply.status} ${errors.map(({ content }) => content.ename)}`;
}

const valueIn = async (kernel: KernelClient, code: string): Promise<string> =>
  (await kernel.execute(code)).result?.data['text/plain'];

describe('an interrupt', function () {
  this.timeout(120000);
  let kernel: KernelClient;
  before(async () => {
    kernel = await KernelClient.start();
    await kernel.execute(
      "import { startBackend, tf } from './src/backend/index';\nawait startBackend();\nconst kept = tf.ones([4, 4]);\nlet n = 0;",
    );
  });
  after(() => kernel.stop());

  const interrupted = (code: string) => interruptedIn(kernel, code);
  const value = (code: string) => valueIn(kernel, code);

  const endless: [what: string, code: string][] = [
    ['a loop', 'while (true) {}'],
    ['a loop after an await', 'await new Promise((r) => setTimeout(r, 20));\nwhile (true) {}'],
    ['a loop of promises that are settled', 'for (;;) await null;'],
    [
      'a loop in a timer',
      'setInterval(() => { while (true) {} }, 10);\nawait new Promise(() => {});',
    ],
    [
      'a loop where a file has been read',
      "import fs from 'node:fs';\nfs.readFile('../package.json', () => { while (true) {} });\nawait new Promise(() => {});",
    ],
    [
      'a loop where another process has ended',
      "import { exec } from 'node:child_process';\nexec('exit', () => { while (true) {} });\nawait new Promise(() => {});",
    ],
    [
      'a loop where a connection comes in',
      "import net from 'node:net';\nconst server = net.createServer(() => { while (true) {} });\nserver.listen(0, '127.0.0.1', () => net.connect(server.address().port));\nawait new Promise(() => {});",
    ],
    [
      'a loop where a message arrives',
      'const { port1, port2 } = new MessageChannel();\nport1.onmessage = () => { while (true) {} };\nport2.postMessage(1);\nawait new Promise(() => {});',
    ],
    ['a wait for what never comes', 'await new Promise(() => {});'],
    ['a wait for a line of text', "await input('?');"],
    [
      'a loop that catches what it can',
      'for (;;) { try { await new Promise((r) => setTimeout(r, 5)); } catch {} }',
    ],
    ['a loop within scopes of tensors', 'tf.tidy(() => { for (;;) tf.tidy(() => kept.add(1)); });'],
    [
      'a loop within scopes after an await',
      'await null;\ntf.tidy(() => { for (;;) { const a = kept.add(1); tf.tidy(() => a.matMul(kept)); } });',
    ],
    ['a loop of tensors outside of scopes', 'for (;;) kept.add(1);'],
  ];
  for (const [what, code] of endless) {
    it(`ends ${what}, keeps variables, and leaves no scope and no tensor`, async () => {
      assert.equal(await interrupted(code), 'error Interrupted');
      assert.equal(
        await value(
          '[kept.dataSync()[0], tf.memory().numTensors, tf.engine().state.scopeStack.length]',
        ),
        '[ 1, 1, 0 ]',
      );
    });
  }

  it('really ends a loop that waits: its counter stands still', async () => {
    await interrupted('n = 0;\nfor (;;) { await new Promise((r) => setTimeout(r, 5)); n++; }');
    const before = await value('n');
    await sleep(200);
    assert.notEqual(before, '0');
    assert.equal(await value('n'), before);
  });

  it('stops the timers of the cell, and its background work at the next tensor', async () => {
    await interrupted(
      'n = 0;\nasync function pass() { for (;;) { await new Promise((r) => setImmediate(r)); tf.tidy(() => kept.add(1)); n++; } }\nawait pass();',
    );
    const before = await value('n');
    await sleep(100);
    assert.equal(await value('n'), before);
  });

  it('lets a cell that catches it set no more timers', async () => {
    await interrupted(
      'for (;;) { try { await new Promise((r) => setTimeout(r, 1e6)); } catch {} }',
    );
    const timers = "process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length";
    assert.ok(Number(await value(timers)) < 10);
  });

  it('is an AbortSignal for the program', async () => {
    await interrupted(
      "let heard = '';\n__fisherlabKernel.signal.addEventListener('abort', () => { heard = __fisherlabKernel.signal.reason.name; });\nawait new Promise(() => {});",
    );
    assert.equal(await value('heard'), "'Interrupted'");
  });

  it('does nothing to an idle kernel', async () => {
    await kernel.request('control', 'interrupt_request');
    assert.equal(await value('1 + 1'), '2');
  });
});

describe("an interrupt of the program's own work", function () {
  this.timeout(300000);
  let kernel: KernelClient;
  let folder: string;
  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-interrupt-'));
    fakeMnist(folder);
    kernel = await KernelClient.start(undefined, { FISHERLAB_DATA: folder });
    const { reply } = await kernel.execute(
      `import { data, experiments, features, fisher, models, startBackend, tf, training } from 'fisherlab';
import { tinyRun } from ${JSON.stringify(path.join(__dirname, '../training/fixtures/set'))};
await startBackend();
const folder = ${JSON.stringify(folder)};
const loaded = models.loadModel('glow-fashion_mnist');
const set = await data.dataset('kmnist', 'test');`,
    );
    assert.equal(reply.status, 'ok', reply.evalue);
  });
  after(async () => {
    await kernel.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const passes: [what: string, code: string][] = [
    ['features', 'await features.extractTables(loaded.model, set, { batchSizes: [1], seed: 1 });'],
    [
      'Fisher draws',
      'await fisher.estimateFisher(loaded.model, fisher.samplesOf(loaded.model, 1, 8192));',
    ],
    ['an experiment', "await experiments.recomputed(loaded, 'kmnist', 2000);"],
    ['a training', "await training.run(folder + '/run', tinyRun(1e6), false, { progress() {} });"],
  ];
  for (const [what, code] of passes)
    it(`ends ${what} halfway, and leaves no tensor and no scope`, async () => {
      const state = '[tf.memory().numTensors, tf.engine().state.scopeStack.length]';
      const before = await valueIn(kernel, state);
      assert.equal(await interruptedIn(kernel, code, 3000), 'error Interrupted');
      // Work that was cut off between two of its own clean-ups leaves tensors that nothing refers
      // to. The kernel frees them once there are some more than the last time it looked.
      for (let tries = 0; tries < 20 && (await valueIn(kernel, state)) !== before; tries++)
        await kernel.execute('for (let k = 0; k < 150; k++) tf.ones([1]);');
      assert.equal(await valueIn(kernel, state), before);
    });
});

describe('memory', function () {
  this.timeout(300000);
  let kernel: KernelClient;
  before(async () => {
    kernel = await KernelClient.start();
    await kernel.execute(
      "import { models, startBackend, tf } from 'fisherlab';\nawait startBackend();",
    );
  });
  after(() => kernel.stop());

  const LOAD = "const loaded = models.loadModel('glow-fashion_mnist');\ntf.memory().numTensors";
  const tensors = async (code: string) =>
    Number((await kernel.execute(code)).result?.data['text/plain']);

  it('of a model whose cell is run again is freed', async () => {
    const first = await tensors(LOAD);
    for (let i = 0; i < 3; i++) assert.equal(await tensors(LOAD), first);
  });

  it('of a model that another name holds is kept, and the cell says so', async () => {
    const before = await tensors('const other = loaded;\ntf.memory().numTensors');
    const { stdout, result } = await kernel.execute(LOAD);
    assert.match(stdout, new RegExp(`the earlier loaded is kept with ${before} tensors`));
    assert.equal(Number(result?.data['text/plain']), 2 * before);
  });

  it('stays constant if a pass is run again and again without freeing its tensors', async () => {
    const pass =
      'const images = tf.ones([32, 28, 28, 1]);\nconst sums = images.sum([1, 2, 3]);\ntf.memory().numTensors';
    const first = await tensors(pass);
    const counts: number[] = [];
    for (let i = 0; i < 150; i++) counts.push(await tensors(pass));
    // Two a run; looked after once there are a hundred more than the last time.
    assert.ok(Math.max(...counts) <= first + 110, `${Math.max(...counts)} from ${first}`);
  });
});
