# Sourced by every script: stops at the first error, works in the root of the repository, and sees the same Go everywhere.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export HOME=~ # some runners leave it unset, and Go keeps its caches there
export PATH="$PATH:/usr/local/go/bin"
export GOWORK="$PWD/go.work"
export GOFLAGS=-buildvcs=false # a clone that another user owns is refused otherwise

in_ci() { [ "${CI:-}" = true ]; }

# modules prints the directory of each module of go.work.
modules() { go list -m -f '{{.Dir}}'; }

# in_each_module runs a command in every module, and fails at the end if it failed in one.
in_each_module() {
	local dir failed=0
	for dir in $(modules); do
		(cd "$dir" && "$@") || { echo "failed in $dir" >&2 && failed=1; }
	done
	return "$failed"
}

can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

# install installs packages of Debian's in a subshell. Debian starts a server that it installs, unless policy-rc.d forbids it;
# ours forbids that for as long as this script lives.
install() (
	policy=/usr/sbin/policy-rc.d
	if [ ! -e "$policy" ]; then
		trap 'rm -f "$policy"' EXIT
		printf '#!/bin/sh\nkill -0 %d 2>/dev/null && exit 101\nexit 0\n' $$ >"$policy"
		chmod +x "$policy"
	fi
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
)
