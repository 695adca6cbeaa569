#!/usr/bin/env bash
# Installs what building and running need and this machine lacks; with --tests also what the tests need, with
# --bench what the benchmarks measure beside or count with.
# As root or with a password-less sudo it installs by apt-get, otherwise it says what to install.
# When all is there it does nothing, at once.
set -euo pipefail
cd "$(dirname "$0")/.."

oldest_swift=6.2
oldest_postgres=13
log=.build/setup.log
venv=.build/venv
drivers=(psycopg2 psycopg asyncpg)

say() { printf 'setup: %s\n' "$*" >&2; }
fail() {
  printf 'error: %s\n' "$1" >&2
  if [ $# -gt 1 ]; then printf '  hint: %s\n' "${@:2}" >&2; fi
  exit 1
}

# --- Swift: never installed by us, only asked for -------------------------------------------------------------

check_swift() {
  local swift version stamp=.build/swift-checked
  swift=$(command -v swift) || fail "no Swift toolchain: 'swift' is not in PATH" \
    "Swift $oldest_swift or later is needed; install it from https://www.swift.org/install/linux"
  # Asking swift takes a third of a second, so its answer is kept as long as the program is the same.
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$swift" ] && [ ! "$swift" -nt "$stamp" ]; then return; fi
  version=$("$swift" --version 2>/dev/null | sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' | head -n 1)
  [ -n "$version" ] || fail "'$swift --version' does not tell a version" \
    "Swift $oldest_swift or later is needed; install it from https://www.swift.org/install/linux"
  if [ "$(printf '%s\n%s\n' "$oldest_swift" "$version" | sort -V | head -n 1)" != "$oldest_swift" ]; then
    fail "Swift $version is too old: $oldest_swift or later is needed" \
      "install it from https://www.swift.org/install/linux"
  fi
  mkdir -p .build
  printf '%s\n' "$swift" > "$stamp"
}

# --- What is there --------------------------------------------------------------------------------------------

has_library() { command -v pkg-config >/dev/null && pkg-config --exists "$1"; }

# A folder with a whole server in it, of a version that serves.
has_server() {
  local folder number
  for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin; do
    number=${folder%/bin} number=${number##*/} number=${number#pgsql-}
    if [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ] && [ "${number%%.*}" -ge $oldest_postgres ] 2>/dev/null
    then return; fi
  done
  command -v initdb >/dev/null && command -v postgres >/dev/null || return 1
  number=$(postgres --version 2>/dev/null | sed -n 's/^[^0-9]*\([0-9][0-9]*\).*/\1/p')
  [ "${number:-0}" -ge $oldest_postgres ]
}

# Whether a Python has all three drivers: found, not loaded, which is five times as fast.
has_drivers() {
  [ -x "$1" ] && "$1" -c 'import importlib.util as i, sys
sys.exit(any(i.find_spec(name) is None for name in sys.argv[1:]))' "${drivers[@]}" 2>/dev/null
}

any_drivers() { has_drivers /usr/bin/python3 || has_drivers $venv/bin/python; }

# --- Installing -----------------------------------------------------------------------------------------------

root=()
may_install() {
  command -v apt-get >/dev/null || return 1
  if [ "$(id -u)" -eq 0 ]; then return; fi
  command -v sudo >/dev/null && sudo -n true 2>/dev/null || return 1
  root=(sudo -n)
}

apt() {
  mkdir -p .build
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "$@" </dev/null >>$log 2>&1
}

update_lists() {
  if [ -n "${lists_are_new:-}" ]; then return; fi
  lists_are_new=yes
  # A list that is a little old is often good enough; if not, the installation says so.
  apt update || say "apt-get update did not succeed (see $log)"
}

install_packages() {
  apt install --yes --no-install-recommends "$@" && return
  tail -n 15 $log >&2
  fail "apt-get could not install: $*" "the whole log is $log"
}

# The server's package would start a cluster of its own on port 5432. postgresql-common asks its configuration
# first; what we write there is taken out again, so that the machine's later clusters are as its owner wants.
install_server() {
  local common=/etc/postgresql-common line='create_main_cluster = false # dbtool setup'
  install_packages postgresql-common
  if grep -qs '^include_dir' $common/createcluster.conf; then
    cluster_file=$common/createcluster.d/dbtool-setup.conf
    "${root[@]}" mkdir -p $common/createcluster.d
  else
    cluster_file=$common/createcluster.conf
  fi
  cluster_line=$line
  trap allow_clusters EXIT
  printf '%s\n' "$line" | "${root[@]}" tee -a "$cluster_file" >/dev/null
  install_packages postgresql postgresql-client
  allow_clusters
  trap - EXIT
}

allow_clusters() {
  case $cluster_file in
    */createcluster.d/*) "${root[@]}" rm -f "$cluster_file" ;;
    *) "${root[@]}" sed -i "\|^$cluster_line\$|d" "$cluster_file" ;;
  esac
}

# The package would start one on port 6432, which is nobody's here.
install_pgbouncer() {
  local manages=
  if [ -d /run/systemd/system ]; then manages=yes; fi
  if [ -n "$manages" ]; then "${root[@]}" systemctl --quiet mask pgbouncer.service >>$log 2>&1; fi
  install_packages pgbouncer
  if [ -n "$manages" ]; then
    "${root[@]}" systemctl --quiet unmask pgbouncer.service >>$log 2>&1
    "${root[@]}" systemctl --quiet disable pgbouncer.service >>$log 2>&1
  fi
}

# Debian's packages when it has all three, else PyPI's in a folder of this checkout.
install_drivers() {
  local packages=(python3-psycopg2 python3-psycopg python3-asyncpg) package
  if may_install; then
    say "installing PostgreSQL drivers for Python, for the tests (log: $log)"
    update_lists
    if apt-cache policy "${packages[@]}" 2>/dev/null | grep -c 'Candidate: [0-9]' | grep -qx ${#packages[@]}; then
      install_packages "${packages[@]}"
      if has_drivers /usr/bin/python3; then return; fi
    fi
    if ! [ -x /usr/bin/python3 ] || ! /usr/bin/python3 -c 'import ensurepip' 2>/dev/null; then
      install_packages python3 python3-venv
    fi
  else
    say "installing PostgreSQL drivers for Python, for the tests, into $venv"
  fi
  local hint="install python3-psycopg2, python3-psycopg and python3-asyncpg, or python3-venv and access to PyPI"
  mkdir -p .build
  python3 -m venv --clear $venv >>$log 2>&1 \
    && $venv/bin/pip install --quiet psycopg2-binary 'psycopg[binary]' asyncpg </dev/null >>$log 2>&1 \
    && has_drivers $venv/bin/python \
    || fail "the PostgreSQL drivers for Python that the tests use cannot be installed (see $log)" "$hint"
}

# --- What to do -----------------------------------------------------------------------------------------------

wants_tests= wants_bench=
case ${1:-} in
  '') ;;
  --tests) wants_tests=yes ;;
  --bench) wants_bench=yes ;;
  *) fail "setup.sh takes --tests, --bench or nothing" ;;
esac

check_swift

missing=()
command -v pkg-config >/dev/null || missing+=(pkg-config)
has_library libpq || missing+=(libpq-dev)
has_library openssl || missing+=(libssl-dev)
server_is_missing=
has_server || server_is_missing=yes
if [ -n "$wants_tests" ]; then
  command -v psql >/dev/null || missing+=(postgresql-client)
  command -v openssl >/dev/null || missing+=(openssl)
fi

if [ ${#missing[@]} -gt 0 ] || [ -n "$server_is_missing" ]; then
  names=("${missing[@]}" ${server_is_missing:+postgresql})
  may_install || fail "this machine lacks: ${names[*]}" \
    "as root: apt-get install ${names[*]}    (elsewhere: libpq and OpenSSL for developers, a PostgreSQL server from $oldest_postgres on)"
  say "installing ${names[*]} by apt-get${root[0]:+ with sudo} (log: $log)"
  update_lists
  if [ ${#missing[@]} -gt 0 ]; then install_packages "${missing[@]}"; fi
  if [ -n "$server_is_missing" ]; then
    install_server
    has_server || fail "this distribution's PostgreSQL is older than $oldest_postgres" \
      "take one from https://www.postgresql.org/download/linux/"
  fi
fi

if [ -n "$wants_tests" ] && ! any_drivers; then install_drivers; fi

# The benchmarks say what they leave out where one of these is not there.
if [ -n "$wants_bench" ]; then
  tools=()
  command -v strace >/dev/null || tools+=(strace)
  command -v valgrind >/dev/null || tools+=(valgrind)
  command -v objcopy >/dev/null || tools+=(binutils)
  command -v openssl >/dev/null || tools+=(openssl)
  if [ ${#tools[@]} -gt 0 ] && may_install; then
    say "installing ${tools[*]}, for the benchmarks (log: $log)"
    update_lists
    install_packages "${tools[@]}"
  elif [ ${#tools[@]} -gt 0 ]; then
    say "the benchmarks will do without: ${tools[*]}"
  fi
fi

# The tests and benchmarks that go through pgbouncer are left out, with a word, where there is none.
if [ -n "$wants_tests$wants_bench" ] && ! [ -x /usr/sbin/pgbouncer ] && ! command -v pgbouncer >/dev/null && may_install; then
  say "installing pgbouncer, for tests and benchmarks (log: $log)"
  update_lists
  install_pgbouncer
fi
