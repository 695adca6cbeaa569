#!/usr/bin/env bash
# Builds Fuzz/Targets with libFuzzer, coverage of the pure targets included, and runs each for some seconds.
# What is found stays in .build/fuzz/TARGET-crash-…; the corpus grows in .build/fuzz/corpus.
#   scripts/fuzz.sh [--seconds 60] [TARGET…]
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=60
if [ "${1:-}" = --seconds ]; then seconds=$2 && shift 2; fi
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for file in Fuzz/Targets/*.swift; do targets+=("$(basename "$file" .swift)"); done
fi

build=$PWD/.build/fuzz
mkdir -p "$build"
flags=(-swift-version 6 -package-name dbtool -sanitize=fuzzer -parse-as-library -wmo -O -I "$build"
  -enable-upcoming-feature ExistentialAny -enable-upcoming-feature InternalImportsByDefault
  -enable-upcoming-feature MemberImportVisibility)
objects=()
for module in SQLText PostgresWire PoolCore; do
  echo "building $module" >&2
  find "Sources/$module" -name '*.swift' -print0 | xargs -0 swiftc "${flags[@]}" -module-name "$module" \
    -emit-module -emit-module-path "$build/$module.swiftmodule" -emit-object -o "$build/$module.o"
  objects+=("$build/$module.o")
done

for target in "${targets[@]}"; do
  # What the tests know already: all messages, and the model of clients and servers.
  case $target in
    messages) support=(Tests/PostgresWireTests/Support/AllMessages.swift Tests/PostgresWireTests/Support/Bytes.swift) ;;
    sessions)
      support=(Tests/PoolCoreTests/Support/DifferentialRun.swift Tests/PoolCoreTests/Support/ModelPool.swift
        Tests/PoolCoreTests/Support/ModelServer.swift) ;;
    *) support=() ;;
  esac
  echo "building $target" >&2
  swiftc "${flags[@]}" -module-name "fuzz_$target" "Fuzz/Targets/$target.swift" ${support[@]+"${support[@]}"} \
    "${objects[@]}" -o "$build/$target"
  mkdir -p "$build/corpus/$target"
  words=()
  [ -f "Fuzz/$target.dict" ] && words=("-dict=Fuzz/$target.dict")
  seeds=()
  [ -d "Fuzz/Seeds/$target" ] && seeds=("Fuzz/Seeds/$target")
  echo "running $target for $seconds s" >&2
  "$build/$target" "$build/corpus/$target" ${seeds[@]+"${seeds[@]}"} ${words[@]+"${words[@]}"} \
    -max_total_time="$seconds" -max_len=4096 -len_control=20 -rss_limit_mb=2048 -timeout=20 -print_final_stats=1 \
    -artifact_prefix="$build/$target-" 2>"$build/$target.log" || {
    echo "error: $target has found something" >&2
    tail -40 "$build/$target.log" >&2
    exit 1
  }
  grep -E 'cov:' "$build/$target.log" | tail -1
done
