#!/usr/bin/env bash
# A Slurm cluster of two nodes on one machine, for testing the scripts in this folder: Debian's
# slurmctld, two slurmd and munge, as root, in a separate folder. It listens on 127.0.0.1 only.
#
#     deploy/slurm/cluster.sh start FOLDER     then: export SLURM_CONF=FOLDER/slurm.conf
#     deploy/slurm/cluster.sh stop FOLDER
#
# Needs: apt install slurm-wlm munge
set -euo pipefail

command=${1:?start or stop}
folder=$(realpath -m "${2:?a folder}")
ports=${FISHERLAB_SLURM_PORTS:-16817}

start_node() { # NAME: starts a node, also after it was killed
  /usr/sbin/slurmd -N "$1" -f "$folder/slurm.conf" -L "$folder/log/slurmd-$1.log"
}

case $command in
  start)
    mkdir -p "$folder"/{log,state,run} "$folder"/spool-{a,b}
    chmod 700 "$folder/run"
    [ -f "$folder/run/munge.key" ] || /usr/sbin/mungekey --create --keyfile "$folder/run/munge.key"
    cat > "$folder/slurm.conf" <<CONF
ClusterName=trial
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/run/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmctldParameters=enable_configless
CommunicationParameters=NoAddrCache
ReturnToService=2
SlurmdTimeout=10
MinJobAge=300
KillWait=3
SlurmctldPort=$ports
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmdPidFile=$folder/run/slurmd-%n.pid
SlurmdSpoolDir=$folder/spool-%n
StateSaveLocation=$folder/state
NodeName=a NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=$((ports + 1)) CPUs=1 RealMemory=3072 State=UNKNOWN
NodeName=b NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=$((ports + 2)) CPUs=1 RealMemory=3072 State=UNKNOWN
PartitionName=all Nodes=a,b Default=YES MaxTime=INFINITE State=UP
CONF
    /usr/sbin/munged --force --key-file="$folder/run/munge.key" --socket="$folder/run/munge.socket" \
      --pid-file="$folder/run/munged.pid" --log-file="$folder/log/munged.log" \
      --seed-file="$folder/run/munge.seed"
    /usr/sbin/slurmctld -f "$folder/slurm.conf" -L "$folder/log/slurmctld.log"
    start_node a
    start_node b
    export SLURM_CONF="$folder/slurm.conf"
    for _ in $(seq 60); do
      [ "$(sinfo --noheader --format=%T 2> /dev/null)" = idle ] && exit 0
      sleep 1
    done
    echo "the nodes did not come up; see $folder/log" >&2
    exit 1
    ;;
  restart-node) start_node "${3:?a or b}" ;;
  stop)
    for pid in "$folder"/run/{slurmd-a,slurmd-b,slurmctld,munged}.pid; do
      [ -f "$pid" ] && kill "$(cat "$pid")" 2> /dev/null || true
    done
    ;;
  *)
    echo "'$command' is unknown: use start, restart-node or stop" >&2
    exit 2
    ;;
esac
