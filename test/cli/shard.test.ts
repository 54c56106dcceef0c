import assert from 'node:assert/strict';
import { shard } from '../../src/cli/shard';

describe('the share of a process', () => {
  it('is i of n, from 0 on', () => {
    assert.deepEqual(shard.parse('3/64'), { index: 3, count: 64 });
    for (const text of ['64/64', '-1/4', '1', '1/0', '1.5/4', 'a/b'])
      assert.throws(() => shard.parse(text), /Give i\/n with i from 0 to n − 1/);
  });

  it('comes from Slurm or Kubernetes, if they also say how many shards there are', () => {
    assert.equal(shard.ofEnvironment({}), undefined);
    const slurm = (id: number, least: number, most: number, count: number) =>
      shard.ofEnvironment({
        SLURM_ARRAY_TASK_ID: `${id}`,
        SLURM_ARRAY_TASK_MIN: `${least}`,
        SLURM_ARRAY_TASK_MAX: `${most}`,
        SLURM_ARRAY_TASK_COUNT: `${count}`,
      });
    assert.deepEqual(slurm(5, 0, 7, 8), { index: 5, count: 8 });
    assert.throws(() => slurm(3, 3, 7, 2), /task 3 of a Slurm array from 3 to 7 with 2 tasks/);
    assert.throws(() => slurm(0, 0, 7, 2), /does not name a share; submit with --array=0-/);
    assert.deepEqual(shard.ofEnvironment({ JOB_COMPLETION_INDEX: '2', JOB_COMPLETIONS: '4' }), {
      index: 2,
      count: 4,
    });
    assert.throws(
      () => shard.ofEnvironment({ JOB_COMPLETION_INDEX: '2' }),
      /JOB_COMPLETIONS is not set; set it to the Job's completions/,
    );
  });
});
