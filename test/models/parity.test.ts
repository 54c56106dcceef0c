import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startBackend } from '../../src/backend/start';
import { compareWithReference } from '../../src/models/parity';

const golden = (name: string) => path.join(__dirname, '../golden', name);

describe("parity with the paper's code", () => {
  before(() => startBackend());

  for (const [name, tensors] of [
    ['vae-paper.json', 48],
    ['diffusion-paper.json', 276],
    ['glow-small.json', 177],
    ['glow-paper.json', 1353],
  ] as const) {
    it(`${name}: ${tensors} tensors, the objective and every squared norm within the tolerances`, () => {
      const result = compareWithReference(golden(name));
      assert.equal(result.tensors, tensors);
      assert.ok(result.ok, JSON.stringify(result));
    });
  }

  it('notices one number changed by a thousandth, and says which architecture a file does not match', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-parity-'));
    try {
      const file = JSON.parse(readFileSync(golden('vae-paper.json'), 'utf8'));
      const copy = path.join(folder, 'changed.json');
      file.tensors[7].squaredNorm[2] *= 1.001;
      writeFileSync(copy, JSON.stringify(file));
      const result = compareWithReference(copy);
      assert.ok(!result.ok && result.worst > 9e-4 && result.worst < 1.1e-3, JSON.stringify(result));
      file.tensors[7].name = 'another';
      writeFileSync(copy, JSON.stringify(file));
      assert.throws(
        () => compareWithReference(copy),
        /at 7 it has 'encoder.conv_backbone.1.1.bias \[64\]', the file 'another \[64\]'/,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
