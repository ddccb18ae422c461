#!/usr/bin/env bash
# Builds the wheel and the sdist into .cache/dist, installs each into an environment of its own, and runs
# the unit tests of the sdist with it, in a folder that has nothing of the package beside the tests.
#   bash conf/release.sh            after bash conf/setup.sh dev; takes some 10 minutes
# Exits with 1 where the wheel has over a megabyte.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$PWD/${VENV:-.venv}/bin/python
dist=$PWD/.cache/dist
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

rm -rf "$dist"
"$python" -m venv "$work/build"
"$work/build/bin/python" -m pip install --quiet build
"$work/build/bin/python" -m build --outdir "$dist" . >"$work/build.log" 2>&1 || {
    cat "$work/build.log" >&2
    exit 1
}
wheel=$(echo "$dist"/sparktune-*.whl)
sdist=$(echo "$dist"/sparktune-*.tar.gz)
size=$(stat -c %s "$wheel")
printf 'release: %s, %d bytes\nrelease: %s, %d bytes\n' \
    "$(basename "$wheel")" "$size" "$(basename "$sdist")" "$(stat -c %s "$sdist")"
if [ "$size" -gt 1000000 ]; then
    printf 'release: a wheel has at most 1000000 bytes\n' >&2
    exit 1
fi

for file in "$wheel" "$sdist"; do
    rm -rf "$work/venv" "$work/tree"
    mkdir "$work/tree"
    tar -xzf "$sdist" -C "$work/tree" --strip-components 1
    rm -r "$work/tree/sparktune"
    "$python" -m venv "$work/venv"
    "$work/venv/bin/python" -m pip install --quiet "$file[test]"
    printf 'release: tests/unit with %s\n' "$(basename "$file")"
    (cd "$work/tree" && "$work/venv/bin/python" -m pytest tests/unit -n 2 -q -p no:cacheprovider)
done
