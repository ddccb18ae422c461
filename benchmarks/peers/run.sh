#!/usr/bin/env bash
# Runs one contender of quality.py in its peer's environment (environment.sh), on one half of a suite.
#   benchmarks/peers/run.sh hebo | optuna | optuna-group | optuna-gp | smac | hyperopt | random \
#       | auto | sparktune [--suite training] [--half test] [--seeds 5] [--jobs 1] [...]
# Runs are kept in benchmarks/peers/runs/SUITE-HALF-CONTENDER.jsonl.gz, or where --out says, and those that
# are there already are not repeated. No tables: quality.py prints them of such files with --read.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
contender=$1
shift
case $contender in
hebo | smac | hyperopt) peer=$contender ;;
optuna | optuna-group | optuna-gp) peer=optuna ;;
random | auto | sparktune) peer=hyperopt ;; # any has all that these need
*)
    printf 'run: unknown contender %s\n' "$contender" >&2
    exit 2
    ;;
esac

suite=functions half=dev last=
for word in "$@"; do
    case $last in
    --suite) suite=$word ;;
    --half) half=$word ;;
    esac
    last=$word
done

python=$(bash "$root/benchmarks/peers/environment.sh" "$peer")
export PYTHONPATH=$root
exec "$python" "$root/benchmarks/quality.py" --quiet --contenders "$contender" \
    --out "$root/benchmarks/peers/runs/$suite-$half-$contender.jsonl.gz" "$@"
