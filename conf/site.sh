#!/usr/bin/env bash
# Builds the site of docs/ into .cache/site (or the folder that is given), a warning being an error.
#   bash conf/setup.sh site && bash conf/site.sh [FOLDER]
# Then open .cache/site/index.html: it needs no server.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-.cache/site}
PATH=$PWD/${VENV:-.venv}/bin:$PATH # pages show what the commands print
exec python -m sphinx -b html -c docs --fail-on-warning --keep-going --quiet \
    -d .cache/site-doctrees . "$out"
