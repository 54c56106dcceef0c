import assert from 'node:assert/strict';
import { Command } from 'commander';
import { register } from '../../src/cli/bench';

/** Runs a command line in this process. */
async function run(...words: string[]): Promise<void> {
  const program = new Command().exitOverride();
  register(program);
  await program.parseAsync(['node', 'fisherlab', 'bench', ...words]);
}

describe('fisherlab bench', () => {
  it('peers needs a family and a Python interpreter with torch', async () => {
    await assert.rejects(
      run('peers', 'vae'),
      /nothing to compare with; give a family, and --python/,
    );
    await assert.rejects(
      run('peers', 'vae', '--python', '/nowhere/python'),
      /'\/nowhere\/python' has no torch \(.*ENOENT\); name an interpreter that has it/,
    );
  });

  it('scale lists its parts if one is unknown', async () => {
    await assert.rejects(
      run('scale', '--only', 'half'),
      /has no part 'half'; choose one of start, shards, merge, models, long/,
    );
  });
});
