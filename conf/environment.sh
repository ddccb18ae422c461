#!/usr/bin/env bash
# Makes the environment that a part of the full tests runs in, .venvs/NAME, and prints its Python.
#   conf/environment.sh client                               pyspark-client and the wheel, without pyspark
#   conf/environment.sh typing                               mypy and pyright, and the wheel
#   conf/environment.sh spark-VERSION | spark-newest         that release of pyspark
#   conf/environment.sh python3.10 | python3.12 | python3.13
#   conf/environment.sh peers                                Hyperopt and Optuna
#   conf/environment.sh ray | hpsklearn                      programs on top of Hyperopt, without Hyperopt
#   conf/environment.sh hyperopt-sklearn | flaml             peers of HyperoptEstimator, for a benchmark
#   conf/environment.sh sklearn-VERSION                      that release of scikit-learn
#   conf/environment.sh boosting                             XGBoost, LightGBM and CatBoost
#   conf/environment.sh templates                            Keras on JAX, PyTorch and XGBoost
#   conf/environment.sh mlflow | mlflow-VERSION              the newest MLflow, or that release, with Spark
#   conf/environment.sh site                                 what builds the site, and Playwright to search it
#   conf/environment.sh pages                                Playwright and axe, for the Chromium that is here
#   conf/environment.sh hyperopt-0.2.7                       that Hyperopt, for tests/compat/pickles/make.py
#   PYTHON=...   another Python than setup.sh would take, in an environment beside the other
# Exits with 3 where this machine has no such Python.
set -euo pipefail
cd "$(dirname "$0")/.."
name=$1
export VENV=.venvs/$name${PYTHON:+-$(basename "$PYTHON")}

# Installs the wheel, as a user gets it: an editable install would not show a file that is missing.
as_wheel() {
    rm -rf "$VENV/wheel"
    "$VENV/bin/python" -m pip wheel --quiet --no-deps -w "$VENV/wheel" .
    "$VENV/bin/python" -m pip uninstall --quiet --yes sparktune
    "$VENV/bin/python" -m pip install --quiet "$(echo "$VENV"/wheel/sparktune-*.whl)$1"
}

named_python() {
    local root
    if "$1" -c '' 2>/dev/null; then
        printf '%s\n' "$1"
        return
    fi
    for root in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"${1#python}".*/bin; do
        if [ -x "$root/$1" ]; then
            printf '%s\n' "$root/$1"
            return
        fi
    done
    printf 'environment: no %s on this machine\n' "$1" >&2
    exit 3
}

{
    case $name in
    client)
        bash conf/setup.sh test
        as_wheel "[client]"
        ;;
    typing)
        bash conf/setup.sh test mypy "pyright[nodejs]"
        as_wheel ""
        ;;
    spark-newest) bash conf/setup.sh connect,test --upgrade pyspark ;;
    spark-3.*) bash conf/setup.sh spark,test "pyspark==${name#spark-}" ;;
    spark-*) bash conf/setup.sh connect,test "pyspark==${name#spark-}" ;;
    python3.*)
        PYTHON=$(named_python "$name") || exit $?
        export PYTHON
        bash conf/setup.sh test
        ;;
    peers) bash conf/setup.sh test,peers ;;
    ray) bash conf/setup.sh test "ray[tune]==2.60.0" ;;
    hpsklearn)
        # the newest scikit-learn that has all parameters which hyperopt-sklearn sets
        bash conf/setup.sh test "scikit-learn==1.8.0"
        "$VENV/bin/python" -m pip install --quiet --no-deps \
            "hyperopt-sklearn==1.1.1" "xgboost==2.1.4" "lightgbm==4.6.0"
        ;;
    hyperopt-sklearn)
        # as it pins them, but for Hyperopt: 0.2.7 calls numpy in a way that numpy 2 refuses
        bash conf/setup.sh test "setuptools<81" "hyperopt-sklearn==1.1.1"
        "$VENV/bin/python" -m pip install --quiet --no-deps "hyperopt==0.3.0"
        ;;
    flaml)
        bash conf/setup.sh test "flaml==2.7.0" "lightgbm>=4.5" "scikit-learn<1.8"
        "$VENV/bin/python" -m pip install --quiet --no-deps "xgboost==2.1.4"
        ;;
    sklearn-*)
        # it calls SciPy by arguments that later releases warn of
        bash conf/setup.sh test "scikit-learn==${name#sklearn-}.*" "numpy<2" "scipy<1.15"
        ;;
    boosting)
        # xgboost-cpu is xgboost without what it brings for GPUs
        bash conf/setup.sh test --upgrade xgboost-cpu lightgbm catboost
        ;;
    templates)
        # torch first and by itself: a range of another package would bring its build for GPUs
        bash conf/setup.sh spark,notebook,test "torch==2.13.0"
        "$VENV/bin/python" -m pip install --quiet --upgrade keras "jax[cpu]" xgboost-cpu
        ;;
    mlflow) bash conf/setup.sh connect,notebook,test --upgrade mlflow ;;
    mlflow-*)
        # it imports names that SQLAlchemy 2.1 no longer has
        bash conf/setup.sh connect,notebook,test "mlflow==${name#mlflow-}.*" "sqlalchemy<2.1"
        ;;
    site) bash conf/setup.sh site,test playwright ;;
    pages) bash conf/setup.sh test playwright axe-playwright-python ;;
    hyperopt-0.2.7)
        PYTHON=$(named_python python3.10) || exit $?
        export PYTHON
        bash conf/setup.sh test "hyperopt==0.2.7" "numpy<2" "networkx<3" "setuptools<81"
        ;;
    *)
        printf 'environment: unknown name %s\n' "$name" >&2
        exit 2
        ;;
    esac
} >&2
printf '%s\n' "$PWD/$VENV/bin/python"
