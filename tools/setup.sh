# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Sourced by the commands in tools/. Sets greyhound_root and gives:
#
#   greyhound_setup SECTION...        install what is missing from these sections of tools/packages.txt
#   greyhound_configure PRESET [ARG]  run cmake for build/PRESET when it is not configured, or when ARGs are given
#   greyhound_build PRESET [TARGET]   build, quietly; ninja's output is shown when it fails
#   greyhound_nearest WORD CHOICE...  print the choice with the smallest edit distance to WORD
#
# Set-up costs one dpkg-query when nothing is missing. When something is, it says so in one line, runs
# apt-get (through sudo when not root), and where it cannot it names the packages and the command to run.
# A section written as "peers?" is optional: what cannot be installed is named, and the caller goes on.
# GREYHOUND_SETUP=skip trusts that everything is there; GREYHOUND_JOBS=N bounds the build's parallelism.
# All messages go to stderr, so that a command's own output stays clean.

greyhound_root="$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)"
greyhound_jobs="${GREYHOUND_JOBS:-$(nproc)}"

greyhound_packages() {
  local wanted="$1" section="" line
  while read -r line; do
    case "$line" in
      '' | '#'*) ;;
      '['*']') section="${line:1:-1}" ;;
      *) if [[ "$section" == "$wanted" ]]; then echo "$line"; fi ;;
    esac
  done <"$greyhound_root/tools/packages.txt"
}

# Prints those of its arguments that are not installed packages. dpkg-query fails when it does not know one.
greyhound_missing() {
  local installed package
  installed=" $({ dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true; } |
    awk '$2 == "installed" { printf "%s ", $1 }') "
  for package in "$@"; do
    if [[ "$installed" != *" $package "* ]]; then echo "$package"; fi
  done
}

# Installs its arguments. On failure prints why, as the end of a sentence, and returns 1.
greyhound_install() {
  local -a root=()
  local log
  if ! command -v apt-get >/dev/null; then
    echo "this machine has no apt-get"
    return 1
  fi
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      echo "this is not root and there is no sudo"
      return 1
    fi
    root=(sudo)
    if [[ ! -t 0 ]]; then root=(sudo -n); fi
    if ! "${root[@]}" true 2>/dev/null; then
      echo "sudo did not give root"
      return 1
    fi
  fi
  log="$(mktemp)"
  local -a apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120)
  if ! { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null; then
    tail -n 15 "$log" >&2
    rm -f "$log"
    echo "apt-get failed"
    return 1
  fi
  rm -f "$log"
}

# Those of its arguments that cannot be installed even by themselves; why, to stderr.
greyhound_install_each() {
  local package
  for package in "$@"; do
    if ! greyhound_install "$package" >/dev/null; then echo "$package"; fi
  done
}

greyhound_setup() {
  if [[ "${GREYHOUND_SETUP:-}" == skip ]]; then return 0; fi
  local section optional reason package
  local -a packages missing absent
  for section in "$@"; do
    optional=0
    if [[ "$section" == *'?' ]]; then
      optional=1
      section="${section%\?}"
    fi
    mapfile -t packages < <(greyhound_packages "$section")
    if ! command -v dpkg-query >/dev/null; then
      missing=("${packages[@]}")
      reason="this is not a Debian machine"
    else
      mapfile -t missing < <(greyhound_missing "${packages[@]}")
      if ((optional)); then
        # A command of the package's name will do: NodeSource's nodejs, say, has npm and conflicts with Debian's.
        absent=("${missing[@]}")
        missing=()
        for package in "${absent[@]}"; do
          if ! command -v "$package" >/dev/null; then missing+=("$package"); fi
        done
      fi
      if ((${#missing[@]} == 0)); then continue; fi
      echo "greyhound: installing ${missing[*]}" >&2
      if reason="$(greyhound_install "${missing[@]}")"; then continue; fi
      if ((optional && ${#missing[@]} > 1)); then
        mapfile -t missing < <(greyhound_install_each "${missing[@]}")
        if ((${#missing[@]} == 0)); then continue; fi
      fi
    fi
    echo "greyhound: ${section} packages missing: ${missing[*]} ($reason)." >&2
    if ((optional)); then continue; fi
    echo "greyhound: as root run  apt-get update && apt-get install -y ${missing[*]}" >&2
    echo "greyhound: or set GREYHOUND_SETUP=skip if they are there under other names." >&2
    exit 1
  done
}

# The stamp holds the source path, because CMake refuses a build folder that was moved with its tree.
greyhound_configure() {
  local preset="$1"
  shift
  local build="$greyhound_root/build/$preset" log fresh=()
  local stamp="$build/.greyhound-configured"
  if [[ $# -eq 0 && -e "$build/build.ninja" && -e "$stamp" && ! "$greyhound_root/CMakePresets.json" -nt "$stamp" &&
    "$(<"$stamp")" == "$greyhound_root" ]]; then
    return 0
  fi
  if [[ -e "$stamp" && "$(<"$stamp")" != "$greyhound_root" ]]; then fresh=(--fresh); fi
  mkdir -p "$build"
  log="$build/.greyhound-configure.log"
  if ! (cd "$greyhound_root" && cmake "${fresh[@]}" --preset "$preset" "$@") >"$log" 2>&1; then
    cat "$log" >&2
    echo "greyhound: configuring build/$preset failed" >&2
    return 1
  fi
  echo "$greyhound_root" >"$stamp"
}

# On a terminal one line follows ninja's progress; without one nothing is printed unless the build fails.
greyhound_build() {
  local preset="$1"
  shift
  local build="$greyhound_root/build/$preset" log line status=0 show=0 shown=0
  log="$build/.greyhound-build.log"
  if [[ -t 2 ]]; then show=1; fi
  ninja -C "$build" -j "$greyhound_jobs" "$@" 2>&1 | tee "$log" | while IFS= read -r line; do
    if ((show)) && [[ "$line" == '['*/*']'* ]]; then
      printf '\r\033[Kgreyhound: building %s %s' "$preset" "${line%%]*}]" >&2
      shown=1
    fi
    if ((shown)) && [[ "$line" == ninja:* ]]; then printf '\r\033[K' >&2; fi
  done || status=$?
  if ((show)); then printf '\r\033[K' >&2; fi
  if ((status)); then
    grep -v '^\[[0-9]*/[0-9]*\] \(Building\|Linking\|Re-checking\)' "$log" >&2 || true
    echo "greyhound: building build/$preset failed" >&2
    return 1
  fi
}

greyhound_nearest() {
  local word="$1" best="" best_distance=1000 choice
  shift
  for choice in "$@"; do
    local -a previous=() current=()
    local i j cost least
    for ((j = 0; j <= ${#choice}; j++)); do previous[j]=$j; done
    for ((i = 1; i <= ${#word}; i++)); do
      current=("$i")
      for ((j = 1; j <= ${#choice}; j++)); do
        cost=1
        if [[ "${word:i-1:1}" == "${choice:j-1:1}" ]]; then cost=0; fi
        least=$((previous[j - 1] + cost))
        if ((previous[j] + 1 < least)); then least=$((previous[j] + 1)); fi
        if ((current[j - 1] + 1 < least)); then least=$((current[j - 1] + 1)); fi
        current[j]=$least
      done
      previous=("${current[@]}")
    done
    if ((previous[${#choice}] < best_distance)); then
      best_distance=${previous[${#choice}]}
      best="$choice"
    fi
  done
  echo "$best"
}
