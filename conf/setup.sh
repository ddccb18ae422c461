#!/usr/bin/env bash
# Sets up .venv with sparktune and the extras named as first argument ("spark,sklearn,pandas" by default):
# finds a Python and a Java, installs what is missing where that can be done, else says what to do.
# With "dev" also PostgreSQL's programs, which the tests of stores start servers of their own with.
#   conf/setup.sh [EXTRAS [REQUIREMENT ...]]   requirements: further ones, as pip takes them
#   PYTHON=...   the Python to use (3.10 or newer)
#   VENV=...     the folder of the environment (.venv by default)
set -euo pipefail
cd "$(dirname "$0")/.."
extras=${1:-spark,sklearn,pandas}
shift || true
venv=${VENV:-.venv}

say() { printf 'setup: %s\n' "$*" >&2; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

apt_install() {
    command -v apt-get >/dev/null || return 1
    [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null || return 1
    say "installing $*"
    as_root apt-get update -qq >&2 || true
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

java_version() {
    "${JAVA_HOME:+$JAVA_HOME/bin/}java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1
}

python=${PYTHON:-}
if [ -z "$python" ]; then
    for candidate in python3 python3.11 python3.12 python3.13 python3.10; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
            python=$candidate
            break
        fi
    done
fi
if [ -z "$python" ]; then
    say "needs Python 3.10 or newer; set PYTHON=/path/to/python3.11"
    exit 1
fi

version=$(java_version || true)
if [ "${version:-0}" -lt 17 ]; then
    apt_install openjdk-17-jre-headless || apt_install default-jre-headless || {
        say "Spark needs Java 17, and this machine has ${version:-none}: install it" \
            "(apt-get install openjdk-17-jre-headless as root, or see https://adoptium.net)" \
            "or set JAVA_HOME"
        exit 1
    }
fi

has_postgres() {
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null
}

install_postgres() {
    local conf=/etc/postgresql-common/createcluster.conf
    [ -e "$conf" ] || apt_install postgresql-common || return 1
    # no server of the system's: it would begin at once, and with each start of the machine
    as_root sed -i 's/^#* *create_main_cluster.*/create_main_cluster = false/' "$conf" || return 1
    apt_install postgresql
}

if [ "$extras" = dev ] && ! has_postgres; then
    install_postgres || say "there is no PostgreSQL here, and tests that need it are skipped:" \
        "install it (apt-get install postgresql as root)"
fi

if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    if ! "$python" -m venv "$venv" >/dev/null 2>&1; then
        minor=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        apt_install "python$minor-venv" || {
            say "$python has no venv module; on Debian or Ubuntu: apt-get install python$minor-venv"
            exit 1
        }
        "$python" -m venv --clear "$venv"
    fi
fi
say "installing sparktune[$extras] into $venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -e ".[$extras]" "$@"
