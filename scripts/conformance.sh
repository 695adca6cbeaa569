#!/usr/bin/env bash
# Runs Conformance/run.py with the drivers that this machine can have: as root missing packages are installed first,
# otherwise they are named. A driver that stays away is reported as not run.
set -euo pipefail
cd "$(dirname "$0")/.."

build=$PWD/.build/conformance
log=$build/setup.log
packages=(golang-go golang-github-jackc-pgx-v4-dev golang-github-lib-pq-dev libpostgresql-jdbc-java default-jdk-headless
  libdbd-pg-perl ruby-pg php-pgsql php-cli postgresql-client postgresql-contrib gcc libpq-dev python3-venv)
mkdir -p "$build"

missing=()
for package in "${packages[@]}"; do
  # What a program of that package would be called says more than the package: it may have come another way.
  case $package in
    default-jdk-headless) command -v javac >/dev/null && continue ;;
    golang-go) command -v go >/dev/null && continue ;;
    gcc) command -v gcc >/dev/null && continue ;;
    php-cli) command -v php >/dev/null && continue ;;
    postgresql-client) command -v psql >/dev/null && continue ;;
  esac
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "conformance: installing ${missing[*]} (log: $log)" >&2
    apt-get update >>"$log" 2>&1 || true
    for package in "${missing[@]}"; do
      DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$package" </dev/null >>"$log" 2>&1 ||
        echo "conformance: $package cannot be installed" >&2
    done
  else
    echo "conformance: not installed: ${missing[*]}" >&2
    echo "  hint: as root: apt-get install ${missing[*]}" >&2
  fi
fi

# Node's driver is unpacked rather than installed, so that it also serves a Node that is not Debian's.
if ! NODE_PATH=/usr/share/nodejs:$build/node/usr/share/nodejs node -e 'require("pg"); require("pg-cursor")' 2>/dev/null && command -v apt-get >/dev/null; then
  mkdir -p "$build/node/packages"
  (cd "$build/node/packages" && apt-get download node-pg node-split2 node-xtend node-readable-stream >>"$log" 2>&1 &&
    for file in *.deb; do dpkg-deb -x "$file" "$build/node"; done) || echo "conformance: node-pg cannot be fetched (log: $log)" >&2
fi

if ! "$build/venv/bin/python" -c 'import psycopg2, psycopg, asyncpg, pg8000, sqlalchemy, django' 2>/dev/null; then
  python3 -m venv "$build/venv" >>"$log" 2>&1 &&
    "$build/venv/bin/pip" install --quiet psycopg2-binary 'psycopg[binary]' asyncpg pg8000 sqlalchemy django </dev/null >>"$log" 2>&1 ||
    echo "conformance: Python's drivers cannot be installed (log: $log)" >&2
fi

exec python3 Conformance/run.py "$@"
