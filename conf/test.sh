#!/usr/bin/env bash
# Runs the tests in parts, after `bash conf/setup.sh dev`.
#   conf/test.sh                   the gate: lint, types, and the quick tests, up to the first failure
#   conf/test.sh full [PART ...]   every part, or those named, failed ones too; ends with a table
#   conf/test.sh versions [PART ...]   the Spark tests on several releases; see versions.sh
#   conf/test.sh parts             the names of the parts and what they run
set -euo pipefail
cd "$(dirname "$0")/.."
exec "${VENV:-.venv}/bin/python" conf/parts.py "$@"
