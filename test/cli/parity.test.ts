import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from '../../src/cli/main';

const golden = path.join(__dirname, '../golden');

/** The lines that `fisherlab parity` prints, and how it ends. */
async function parity(directory: string): Promise<{ lines: string[]; error: string | null }> {
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: string) => lines.push(line);
  try {
    await run(['node', 'fisherlab', 'parity', directory]);
    return { lines, error: null };
  } catch (error) {
    return { lines, error: (error as Error).message };
  } finally {
    console.log = log;
  }
}

describe('fisherlab parity', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-parity-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const put = (name: string, change?: (file: Record<string, unknown>) => void) => {
    if (change === undefined) return cpSync(path.join(golden, name), path.join(folder, name));
    const file = JSON.parse(readFileSync(path.join(golden, name), 'utf8'));
    change(file);
    writeFileSync(path.join(folder, name), JSON.stringify(file));
  };

  it('prints a line per file and skips other JSON', async () => {
    put('glow-small.json');
    put('detector.json');
    writeFileSync(path.join(folder, 'notes.json'), '{"of": "somebody"}');
    const { lines, error } = await parity(folder);
    assert.equal(error, null);
    assert.equal(lines.length, 2);
    assert.match(lines[0] as string, /^detector\.json scores=250 worst=\S+ auroc=\S+ ok$/);
    assert.match(
      lines[1] as string,
      /^glow-small\.json tensors=177 objective=\d\.\de-\d+ p99=\d\.\de-\d+ worst=\d\.\de-\d+ ok$/,
    );
  });

  it('fails on a number a thousandth off, on a damaged file and on another architecture, and still compares the rest', async () => {
    put('detector.json', (file) => {
      (file.scoreId as number[])[3] = 1.001 * ((file.scoreId as number[])[3] as number);
    });
    put('vae-paper.json', (file) => {
      file.objective = (file.objective as number[]).map((value) => 1.001 * value);
    });
    put('glow-small.json', (file) => {
      file.K = 3;
    });
    writeFileSync(path.join(folder, 'diffusion-cut.json'), '{"model": "diffu');
    const { lines, error } = await parity(folder);
    assert.match(error as string, /^4 of 4 reference files do not agree/);
    const [detector, cut, glow, vae] = lines as [string, string, string, string];
    assert.match(detector, /worst=1\.0e-3 .* beyond the tolerances$/);
    assert.match(cut, /diffusion-cut\.json cannot be read: .*; it is damaged/);
    assert.match(glow, /the model has 135 tensors, the file 177/);
    assert.match(vae, /objective=1\.0e-3 .* beyond the tolerances$/);
  });

  it('says so if there is no directory, or nothing in it', async () => {
    assert.match(
      (await parity(path.join(folder, 'none'))).error as string,
      /none' is not a directory/,
    );
    assert.match(
      (await parity(folder)).error as string,
      /holds no reference files; they are JSON with a key 'model'/,
    );
  });
});
