#!/usr/bin/env bash
# Installs a git hook that runs ruff and mypy before each commit; `conf/hooks.sh remove` takes it away.
set -euo pipefail
cd "$(dirname "$0")/.."
hook=$(git rev-parse --git-path hooks)/pre-commit
mark='# of sparktune, by conf/hooks.sh'
if [ -e "$hook" ] && ! grep -qF "$mark" "$hook"; then
    printf 'hooks: %s is not ours; move it away first\n' "$hook" >&2
    exit 1
fi
case ${1:-install} in
remove) rm -f "$hook" ;;
install)
    mkdir -p "$(dirname "$hook")"
    cat >"$hook" <<END
#!/usr/bin/env bash
$mark
set -euo pipefail
python=\${VENV:-.venv}/bin/python
\$python -m ruff check .
\$python -m ruff format --check .
\$python -m mypy
END
    chmod +x "$hook"
    ;;
*)
    printf 'hooks: %s is none of install, remove\n' "$1" >&2
    exit 2
    ;;
esac
