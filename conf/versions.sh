#!/usr/bin/env bash
# Runs the Spark tests on the releases of Spark that Databricks runs and on the newest, each in an
# environment of its own; after `bash conf/setup.sh dev`. Classic sessions on all, Connect from 4.0 on.
#   conf/versions.sh [PART ...]    every part, or those named (bash conf/test.sh parts); ends with a table
#   PYTHON=python3.12 ...          on another Python
set -euo pipefail
exec bash "$(dirname "$0")/test.sh" versions "$@"
