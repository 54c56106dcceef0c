#!/usr/bin/env bash
# The Snakefile beside this script, tried for real: two processes at a time make eight shards, one of
# them is killed, then Snakemake with all that runs below it; the same command goes on, merges, and
# the files are compared, byte by byte, with what a single process makes.
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

# Snakemake in a group of processes of its own, whose number is then in $run.
snakemake_runs() { # LOG
  mkdir -p "$folder/work"
  setsid snakemake --snakefile "$root/deploy/snakemake/Snakefile" --directory "$folder/work" --cores 2 \
    --rerun-incomplete --config model=$model data=$data to="$folder/shards" shards=8 > "$1" 2>&1 &
  run=$!
}

# A process that makes a shard, once there is a part of it.
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
say "Snakemake was killed with all that it ran, when $done of 8 shards were done"
[ "$done" -lt 8 ] || { echo "it should have been in mid-work" >&2; exit 1; }
grep -q 'Trying to restart job' "$folder/first.log" || { echo "no job was started again" >&2; exit 1; }

cd "$folder/work"
snakemake --snakefile "$root/deploy/snakemake/Snakefile" --unlock \
  --cores 2 --config model=$model data=$data to="$folder/shards" shards=8 > "$folder/unlock.log" 2>&1
cd "$root"
snakemake_runs "$folder/second.log"
wait "$run"
say "the same command went on and merged"
for file in "$folder"/single/*.parquet; do cmp "$file" "$folder/shards/$(basename "$file")"; done
[ ! -e "$folder/shards/parts" ] || { echo "parts were left behind" >&2; exit 1; }
say "the merged files are those of the single process, byte for byte"
