/**
 * # Which share of the work this process does
 *
 * `3/64` is the fourth of 64 shards, counted from 0. Schedulers number their tasks in environment
 * variables:
 *
 * - Slurm, for an array: `SLURM_ARRAY_TASK_ID` of `SLURM_ARRAY_TASK_COUNT`;
 * - Kubernetes, for an Indexed Job: `JOB_COMPLETION_INDEX` of `JOB_COMPLETIONS`; the manifest sets
 *   the latter.
 *
 * A Slurm array `3,7` has two tasks with the numbers 3 and 7, which do not say how many shards
 * there are. Then the user has to give `--shard`.
 */
import { InvalidArgumentError } from 'commander';
import type { features } from '../index';
import { lab } from './lab';

/** Parses a share i/n. */
function parse(text: string): features.Shard {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text)?.map(Number) ?? [];
  if (index === undefined || count === undefined || index >= count)
    throw new InvalidArgumentError('Give i/n with i from 0 to n − 1, such as 3/64.');
  return { index, count };
}

/**
 * The share that a scheduler gave this process; undefined without a scheduler.
 * @throws {FisherlabError} if the number of shards does not follow from its variables
 */
function ofEnvironment(environment: NodeJS.ProcessEnv): features.Shard | undefined {
  const {
    SLURM_ARRAY_TASK_ID: id,
    SLURM_ARRAY_TASK_COUNT: tasks,
    SLURM_ARRAY_TASK_MIN: least = '0',
    SLURM_ARRAY_TASK_MAX: most,
    JOB_COMPLETION_INDEX: completion,
    JOB_COMPLETIONS: completions,
  } = environment;
  if (id !== undefined && tasks !== undefined) {
    if (least !== '0' || (most !== undefined && Number(most) + 1 !== Number(tasks)))
      throw new (lab().FisherlabError)(
        `task ${id} of a Slurm array from ${least} to ${most} with ${tasks} tasks does not name a share`,
        'submit with --array=0-(n−1), or give --shard i/n',
      );
    return { index: Number(id), count: Number(tasks) };
  }
  if (completion === undefined) return undefined;
  if (completions === undefined)
    throw new (lab().FisherlabError)(
      `JOB_COMPLETION_INDEX is ${completion}, and JOB_COMPLETIONS is not set`,
      "set it to the Job's completions, as deploy/kubernetes/features.yaml does",
    );
  return { index: Number(completion), count: Number(completions) };
}

export const shard = { parse, ofEnvironment };
