#!/bin/sh
# Has a server run a pass to its end: calls the route for as long as the answer says "more": true.
#
#   ASSESSPLAN_URL=https://plans.example.org/api/v1 trigger.sh schedule|expire HEADER_FILE [BEFORE]
#
# HEADER_FILE holds the line "Authorization: Bearer TOKEN" and is closed to other users. BEFORE (by default now) is RFC 3339, or
# 2006-01-02 15:04:05 in the server's zone. Needs a POSIX shell and curl 7.55 or later.
#
# A call without an answer, or with 408, 429 or 5xx, is made again. That is safe: a pass that runs twice, even at once, does
# each thing once. curl's --retry is not used: to a pipe it writes the answers of all tries, and answers are not left in files.
#
# Ends with 0 when nothing is left, with 1 where another run may help, with 2 where it will not: wrong arguments, or a refusal.

set -u
export LC_ALL=C

seconds=${ASSESSPLAN_SECONDS:-900} # for all of it
rounds=${ASSESSPLAN_ROUNDS:-500}
tries=${ASSESSPLAN_TRIES:-4}      # of a call
timeout=${ASSESSPLAN_TIMEOUT:-60} # seconds for a call, above the server's limit for a pass (25 s)
url=${ASSESSPLAN_URL:-}
newline='
'

say() { printf 'assessplan %s: %s\n' "$pass" "$*"; }

give_up() {
	code=$1
	shift
	say "$*" >&2
	exit "$code"
}

check_settings() {
	case $pass in
	schedule | expire) ;;
	*) give_up 2 'want: ASSESSPLAN_URL=https://HOST/api/v1 trigger.sh schedule|expire HEADER_FILE [BEFORE]' ;;
	esac
	case $url in
	*[@?#]*) give_up 2 'ASSESSPLAN_URL must have no user info, query or fragment' ;;
	http://?* | https://?*) ;;
	*) give_up 2 'ASSESSPLAN_URL must be an http or https URL, such as https://plans.example.org/api/v1' ;;
	esac
	case $before in *[!0-9A-Za-z:.+\ -]*) give_up 2 'BEFORE must be RFC 3339, or 2006-01-02 15:04:05' ;; esac
	for limit in "$seconds" "$rounds" "$tries" "$timeout"; do
		case $limit in '' | 0* | *[!0-9]*) give_up 2 'the ASSESSPLAN_ limits must be whole numbers from 1' ;; esac
	done
	command -v curl >/dev/null || give_up 2 'curl is not installed'
}

check_header() {
	[ -f "$header" ] && [ -r "$header" ] || give_up 2 "cannot read the header file '$header'"
	[ -z "$(find -L "$header" -prune \( -perm -004 -o -perm -002 \) 2>/dev/null)" ] ||
		give_up 2 "every user can read or write '$header': chmod 600"
	grep -qi '^authorization: bearer [^ ]' "$header" || give_up 2 "'$header' has no line \"Authorization: Bearer TOKEN\""
}

# measure finds the seconds that are left: more than those that are needed.
measure() {
	left=$((deadline - $(date +%s)))
	[ "$left" -gt "$1" ] || give_up 1 "not done in $seconds s${reason:+, latest: $reason}; the next run goes on"
}

rest() {
	measure "$1"
	sleep "$1"
}

call() {
	measure 0
	[ "$left" -lt "$timeout" ] || left=$timeout
	body=$(curl --disable --silent --show-error --globoff --proto '=http,https' --connect-timeout 10 --max-time "$left" \
		--header "@$header" --header 'Content-Type: application/json' --data '{}' --write-out '\n%{http_code}' "$url")
	failed=$?
	status=${body##*"$newline"}
	body=${body%"$newline"*}
}

# field prints a text of the problem (RFC 9457) that was answered, without what it says of single fields.
field() {
	printf '%s' "$body" | tr -cd ' -~' |
		sed -En 's/"errors" *:.*//; s/.*"'"$1"'" *: *"(([^"\\]|\\.)*)".*/\1/p' | cut -c 1-300
}

# call_again calls until there is an answer that is no passing failure.
call_again() {
	try=1
	pause=1
	while :; do
		call
		code=$(field code)
		detail=$(field detail)
		reason="HTTP $status${code:+, $code}${detail:+: $detail}"
		case $failed:$status in
		0:200) return ;;
		0:408 | 0:429 | 0:5??) ;;
		0:*) give_up 2 "$reason" ;;
		*) reason="no answer (curl ended with $failed)" ;;
		esac
		[ "$try" -lt "$tries" ] || give_up 1 "$reason, in $try tries"
		rest "$pause"
		try=$((try + 1))
		pause=$((pause * 3))
	done
}

# counts prints what was done: "opened 3, missed 0, failed 0".
counts() {
	printf '%s' "$body" | tr ',{}' '\n\n\n' | sed -n 's/^"\([a-z]*\)_count":\([0-9]*\)$/, \1 \2/p' | tr -d '\n' | cut -c 3-
}

pass=${1:-}
header=${2:-}
before=${3:-}
check_settings
check_header
url=${url%/}/plans/tasks/$pass
[ -z "$before" ] || url="$url?before=$(printf '%s' "$before" | sed 's/+/%2B/g; s/ /%20/g')"
deadline=$(($(date +%s) + seconds))
reason=

round=1
while :; do
	call_again
	reason=
	# No JSON text has a quote inside that no backslash goes before: this finds the key alone.
	body=$(printf '%s' "$body" | tr -d '[:space:]')
	case $body in
	\{*'"more":true'*\}) ;;
	\{*'"more":false'*\})
		say "$(counts)"
		exit 0
		;;
	*) give_up 1 'the answer is not that of a pass; is ASSESSPLAN_URL right?' ;;
	esac
	say "$(counts), more to come"
	[ "$round" -lt "$rounds" ] || give_up 1 "not done in $rounds rounds; the next run goes on"
	round=$((round + 1))
	rest 1 # what another run holds at the moment is "more" as well
done
