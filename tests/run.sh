#!/usr/bin/env bash
# Format, lint, types, tests: makes what it needs, then runs them all. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."

# Debian and Ubuntu packages that the tests hear, see, boot and compile things with.
packages=(mosquitto libportaudio2 libasound2-plugins pulseaudio pulseaudio-utils tmux fonts-dejavu-core
  gcc libc6-dev libasound2-dev libzmq3-dev libjansson-dev jq systemd dbus libpam-systemd)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if ((${#missing[@]})); then
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    DEBIAN_FRONTEND=noninteractive apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
  else
    echo "Some tests will be skipped; to run them: sudo apt-get install ${missing[*]}" >&2
  fi
fi

python=${PYTHON:-python3}
[[ -x .venv/bin/python ]] || "$python" -m venv .venv
.venv/bin/python -m pip install --quiet --editable '.[dev]'
# The tests start hundreds of processes: none shall compile our modules anew, even where PYTHONDONTWRITEBYTECODE is set.
.venv/bin/python -m compileall -q daemon clients

.venv/bin/ruff format --check .
.venv/bin/ruff check .
.venv/bin/mypy
.venv/bin/pytest "$@"
