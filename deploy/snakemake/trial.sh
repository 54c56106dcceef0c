#!/usr/bin/env bash
# Tests the Snakefile in this folder: two processes at a time make eight shards. One of them is
# killed, then Snakemake with all its child processes. The same command resumes and merges, and the
# files are compared, byte by byte, with those of a single process.
#
#     deploy/snakemake/trial.sh        from anywhere; needs: pip install snakemake
set -euo pipefail

cd "$(dirname "$0")/../.."
root=$PWD
folder=$(mktemp -d)
model=glow-fashion_mnist data=fashion_mnist

leave() {
  status=$?
  [ "$status" -eq 0 ] || tail -n 40 "$folder"/*.log >&2 || true
  [ -z "${run:-}" ] || kill -KILL -- "-$run" 2> /dev/null || true
  rm -rf "$folder"
  exit "$status"
}
trap leave EXIT

say() { printf '%(%H:%M:%S)T %s\n' -1 "$*"; }

# Starts Snakemake in its own process group, whose number is then in $run.
snakemake_runs() { # LOG
  mkdir -p "$folder/work"
  setsid snakemake --snakefile "$root/deploy/snakemake/Snakefile" --directory "$folder/work" --cores 2 \
    --rerun-incomplete --config model=$model data=$data to="$folder/shards" shards=8 > "$1" 2>&1 &
  run=$!
}

# Waits for the first part of a shard, and prints the process that makes the shard.
at_work() {
  local pid
  for _ in $(seq 1200); do
    if [ -n "$(find "$folder/shards/parts" -name '*.B5.parquet' 2> /dev/null)" ]; then
      pid=$(pgrep --pgroup "$run" --full 'bin/fisherlab.js features' --newest) && { echo "$pid"; return; }
    fi
    sleep 0.05
  done
  echo "no shard is being made" >&2
  return 1
}

say "a single process"
node bin/fisherlab.js features --model $model --in $data --to "$folder/single" > "$folder/single.log"

snakemake_runs "$folder/first.log"
kill -KILL "$(at_work)"
say "a process was killed: Snakemake starts it again"
for _ in $(seq 1200); do
  [ "$(find "$folder/shards/done" -type f 2> /dev/null | wc -l)" -lt 3 ] || break
  sleep 0.1
done
kill -KILL -- "-$run"
wait "$run" 2> /dev/null || true
done=$(find "$folder/shards/done" -type f | wc -l)
say "Snakemake and its processes were killed when $done of 8 shards were done"
[ "$done" -lt 8 ] || { echo "Snakemake was killed too late: all shards were done" >&2; exit 1; }
grep -q 'Trying to restart job' "$folder/first.log" || { echo "no job was started again" >&2; exit 1; }

cd "$folder/work"
snakemake --snakefile "$root/deploy/snakemake/Snakefile" --unlock \
  --cores 2 --config model=$model data=$data to="$folder/shards" shards=8 > "$folder/unlock.log" 2>&1
cd "$root"
snakemake_runs "$folder/second.log"
wait "$run"
say "the same command resumed and merged"
for file in "$folder"/single/*.parquet; do cmp "$file" "$folder/shards/$(basename "$file")"; done
[ ! -e "$folder/shards/parts" ] || { echo "parts were left behind" >&2; exit 1; }
say "the merged files equal those of the single process, byte for byte"
