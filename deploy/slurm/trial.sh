#!/usr/bin/env bash
# Tests the scripts in this folder: a cluster of two nodes on this machine (cluster.sh) makes eight
# shards, while two tasks are killed and one node dies with everything that runs on it. Then the
# shards are merged and compared, byte by byte, with the files of a single process.
#
#     deploy/slurm/trial.sh        as root, from anywhere; needs: apt install slurm-wlm munge
set -euo pipefail

cd "$(dirname "$0")/../.."
cluster=deploy/slurm/cluster.sh
folder=$(mktemp -d)
export SLURM_CONF=$folder/cluster/slurm.conf
export MODEL=glow-fashion_mnist IN=fashion_mnist TO=$folder/shards

leave() {
  status=$?
  [ "$status" -eq 0 ] || tail -n 20 "$folder"/*.out "$folder"/cluster/log/slurm*.log >&2 || true
  [ -z "${job:-}" ] || scancel "$job" 2> /dev/null || true
  "$cluster" stop "$folder/cluster"
  rm -rf "$folder"
  exit "$status"
}
trap leave EXIT

say() { printf '%(%H:%M:%S)T %s\n' -1 "$*"; }

# Prints the processes of the job that have NAME=VALUE in their environment.
processes() {
  for environment in /proc/[0-9]*/environ; do
    if grep -qzx "SLURM_ARRAY_JOB_ID=$job" "$environment" 2> /dev/null &&
      grep -qzx "$1" "$environment" 2> /dev/null; then
      basename "$(dirname "$environment")"
    fi
  done
}

# Waits until the program of a task runs: the only process of the task that is called node.
program_of() { # TASK
  for _ in $(seq 600); do
    for pid in $(processes "SLURM_ARRAY_TASK_ID=$1"); do
      [ "$(cat "/proc/$pid/comm" 2> /dev/null)" != node ] || { echo "$pid"; return; }
    done
    sleep 0.1
  done
  echo "task $1 did not run" >&2
  return 1
}

# Waits until a task has finished a part but not its shard, and pauses it there,
# so that the next step finds it in this state on a fast machine too.
at_work() { # TASK: its process
  local first=$(($1 * parts / 8 * 240)) pid
  pid=$(program_of "$1")
  for _ in $(seq 1200); do
    if [ -n "$(ls "$TO"/parts/*/"$first".B5.parquet 2> /dev/null)" ]; then
      kill -STOP "$pid"
      echo "$pid"
      return
    fi
    sleep 0.05
  done
  echo "task $1 finished no part" >&2
  return 1
}

say "a single process"
node bin/fisherlab.js features --model "$MODEL" --in "$IN" --to "$folder/single" > "$folder/single.out"
images=$(grep -o '[0-9]* of [0-9]* in' "$folder/single.out" | cut -d ' ' -f 3)
parts=$(((images + 239) / 240)) # of 240 images each; their number depends on the sets on this machine

say "a cluster of two nodes"
"$cluster" start "$folder/cluster"
job=$(sbatch --parsable --array=0-7 --output="$folder/task-%a.out" deploy/slurm/features.sbatch)

task=$(at_work 0)
kill -TERM "$task"
kill -CONT "$task"
say "task 0 was told to end: it keeps its parts and requeues itself"

task=$(at_work 2)
kill -KILL "$task"
say "task 2 was killed"
for _ in $(seq 100); do
  ! scontrol requeue "${job}_2" 2> /dev/null || break
  sleep 0.1
done

at_work 4 > /dev/null
dying=$(squeue --noheader --array --job="${job}_4" --format=%N)
daemons=$(cat "$folder/cluster/run/slurmd-$dying.pid")
for pid in $(processes "SLURMD_NODENAME=$dying"); do # the processes that watch tasks die with the node
  parent=$(awk '/^PPid/ { print $2 }' "/proc/$pid/status" 2> /dev/null) || continue
  [ "$(cat "/proc/$parent/comm")" != slurmstepd ] || daemons="$daemons $parent"
done
kill -KILL $daemons $(processes "SLURMD_NODENAME=$dying") 2> /dev/null || true
say "node $dying is dead, with task 4"
sleep 12 # longer than SlurmdTimeout
"$cluster" restart-node "$folder/cluster" "$dying"
say "node $dying is back"

for _ in $(seq 600); do
  [ -n "$(squeue --noheader --job="$job" 2> /dev/null)" ] || break
  sleep 0.5
done
restarts=$(scontrol show job "$job" | grep -o 'Restarts=[1-9][0-9]*' | wc -l)
say "the queue is empty; $restarts tasks ran more than once"
[ "$restarts" -ge 3 ] || { echo "three tasks should have run more than once" >&2; exit 1; }

node bin/fisherlab.js merge "$TO"
for file in "$folder"/single/*.parquet; do cmp "$file" "$TO/$(basename "$file")"; done
[ ! -e "$TO/parts" ] || { echo "parts were left behind" >&2; exit 1; }
say "the merged files equal those of the single process, byte for byte"
