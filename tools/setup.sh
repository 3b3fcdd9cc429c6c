#!/bin/sh
# Makes .venv with what a lock file names, once for each content of it. Usage: tools/setup.sh requirements.lock
# Every failure ends in one sentence that says what to do.
set -eu
cd "$(dirname "$0")/.."
lock=$1
stamp=.venv/installed-$(basename "$lock")

say() { printf '%s\n' "$*" >&2; }
stop() { say "$*"; exit 1; }

[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] ||
    stop "Confide's packages are locked for Linux on x86-64, and this is $(uname -s) on $(uname -m). Use such a machine, or a container of one."

if [ -x .venv/bin/python ] && [ -f "$stamp" ] && cmp -s "$lock" "$stamp"; then exit 0; fi
if [ -x .venv/bin/python ] && [ "$lock" = requirements.lock ] && cmp -s requirements-dev.lock .venv/installed-requirements-dev.lock; then exit 0; fi

is_311() { "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; }

if ! { [ -x .venv/bin/python ] && is_311 .venv/bin/python; }; then
    rm -rf .venv
    python=
    for name in ${PYTHON:-} python3.11 python3 python; do
        if command -v "$name" >/dev/null 2>&1 && is_311 "$name"; then python=$name; break; fi
    done
    if [ -n "$python" ]; then
        say "Making a virtual environment with $($python --version)."
        "$python" -m venv .venv || stop "Python has no venv module. Install it ('apt-get install python3.11-venv' on Debian and Ubuntu) and run make again."
    else
        say "No Python 3.11 here; letting uv bring one."
        command -v python3 >/dev/null 2>&1 || stop "There is no Python. Install Python 3.11 and run make again."
        rm -rf build/uv && python3 -m venv build/uv && build/uv/bin/pip install --quiet 'uv>=0.5' && build/uv/bin/uv venv --quiet --seed --python 3.11 .venv ||
            stop "uv could not bring a Python 3.11. Install Python 3.11 and run make again."
    fi
fi

say "Installing the packages of $lock (0.5 to 1.5 GB; one to three minutes)."
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python --require-hashes -r "$lock" ||
    stop "The packages could not be installed; the lines above say why. Check the network and the disk's free space, then run make again."
cp "$lock" "$stamp"
