import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from '../../src/cli/main';
import { disposeModel, loadModel, modelTensors } from '../../src/models/checkpoint';
import { readSafetensors, writeSafetensors } from '../../src/models/safetensors';

/** Runs the command line in this process; its lines. */
async function fisherlab(...words: string[]): Promise<string[]> {
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: string) => void lines.push(line);
  try {
    await run(['node', 'fisherlab', ...words]);
  } finally {
    console.log = log;
  }
  return lines;
}

describe('fisherlab import and export', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-import-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const plain = () => path.join(folder, 'plain.safetensors');
  const as = ['--model', 'glow', '--preset', 'small', '--data', 'fashion_mnist'];

  it('write a shipped model as a plain state dictionary and read it back bit for bit', async () => {
    const lines = await fisherlab('export', 'glow-fashion_mnist', '--out', plain());
    // 345 and, for 24 steps, p and sign_s, and prior_h
    assert.match(lines[0] as string, /^394 tensors are in .*plain\.safetensors$/);
    assert.deepEqual({ ...readSafetensors(plain()).metadata }, { format: 'pt' });
    const back = path.join(folder, 'new', 'back.safetensors');
    const said = await fisherlab('import', plain(), ...as, '--out', back);
    assert.equal(said[0], 'left out: 1 tensors (prior_h)');
    assert.match(said[1] as string, /^345 tensors of .* are now .*back\.safetensors$/);
    assert.match(
      said[2] as string,
      /^check: \d\.\d{4} bits\/dim on the first 10 test images of fashion_mnist$/,
    );
    const [one, other] = [loadModel('glow-fashion_mnist'), loadModel(back)];
    assert.deepEqual(modelTensors(other.model), modelTensors(one.model));
    assert.equal(other.header.training.importedFrom, 'plain.safetensors');
    const bits = Number(/\d\.\d{4}/.exec(said[2] as string)?.[0]);
    assert.ok(
      Math.abs(bits - (one.header.test as number)) < 0.5,
      `${bits} bits/dim, ${one.header.test} on the whole test set`,
    );
    for (const { model } of [one, other]) disposeModel(model);
  });

  it('say what is wrong with a file, and write nothing then', async () => {
    const out = path.join(folder, 'none.safetensors');
    const pt = path.join(folder, 'glow.pt');
    writeFileSync(pt, Buffer.from('PK\u0003\u0004 and so on', 'latin1'));
    const wrong: [string[], RegExp][] = [
      [
        [pt, ...as],
        /is a PyTorch file, which only Python reads; convert it there by these lines: .*torch\.load\("glow\.pt"/,
      ],
      [[path.join(folder, 'nothing'), ...as], /nothing' cannot be read; check the path/],
      [
        [plain(), ...as, '--config', '{"hidden": 32}'],
        /does not fit this glow model: .*block\.0\.conv\.weight is \[64, 2, 3, 3\], not \[32/,
      ],
      [[plain(), ...as, '--config', 'K=3'], /--config is 'K=3'; give a JSON object/],
      [
        [plain(), '--model', 'gan', '--data', 'mnist'],
        /model family 'gan' is not known; choose one of glow/,
      ],
      [
        [plain(), ...as, '--config', '{"imageShape": [64, 64, 1]}'],
        /takes images of 64x64x1, and fashion_mnist has 32x32x1; choose the data set/,
      ],
      [[plain(), '--model', 'vae', '--data', 'minst'], /data set 'minst' is not known/],
    ];
    for (const [words, says] of wrong)
      await assert.rejects(fisherlab('import', ...words, '--out', out), says);
    writeFileSync(plain(), readFileSync(plain()).subarray(0, -1));
    await assert.rejects(
      fisherlab('import', plain(), ...as, '--out', out),
      /plain\.safetensors' is damaged/,
    );
    assert.ok(!existsSync(out));
  });

  it('accept the weights of a wrapped network, and one of two prefixes', async () => {
    await fisherlab('export', 'glow-fashion_mnist', '--out', plain());
    const { tensors } = readSafetensors(plain());
    const twice = ['a.module.', 'b.'].flatMap((prefix) =>
      [...tensors.values()].map((t) => ({ ...t, name: prefix + t.name })),
    );
    const wrapped = path.join(folder, 'wrapped.safetensors');
    await writeSafetensors(wrapped, twice, {});
    const out = path.join(folder, 'unwrapped.safetensors');
    await assert.rejects(
      fisherlab('import', wrapped, ...as, '--out', out),
      /under 'a\.module\.' and 'b\.'; choose one with --prefix/,
    );
    const said = await fisherlab('import', wrapped, ...as, '--prefix', 'b.', '--out', out);
    assert.deepEqual(said.slice(0, 2), [
      "taken: the tensors under 'b.'",
      'left out: 395 tensors (a.module.flow.layers.1.actnorm.bias, a.module.flow.layers.1.actnorm.logs, a.module.flow.layers.1.invconv.lower, …)',
    ]);
  });
});
