package race_test

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// referee writes down what went wrong in a race, and counts what was seen. Contestants may tell it at once.
type referee struct {
	mu     sync.Mutex
	faults []string
	seen   map[string]int
}

// wrong says how a rule was broken; the race goes on.
func (r *referee) wrong(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}

// want checks one value.
func want[V comparable](r *referee, what string, got, want V) {
	if got != want {
		r.wrong("%s: got %v, want %v", what, got, want)
	}
}

// must ends the race if something failed that nothing can make fail.
func (r *referee) must(err error) {
	if err != nil {
		r.wrong("in passing: %v", err)
		runtime.Goexit()
	}
}

// only checks that a call succeeded or failed with one of the errors that it may have, and returns whether it succeeded.
func (r *referee) only(what string, err error, allowed ...error) (ok bool) {
	if err != nil && !slices.ContainsFunc(allowed, func(target error) bool { return errors.Is(err, target) }) {
		r.wrong("%s: %v", what, err)
	}
	return err == nil
}

// saw counts something.
func (r *referee) saw(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[what]++
}

// verdict is what went wrong, shortened.
func (r *referee) verdict() string {
	const most = 10
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.faults) == 0 {
		return ""
	}
	shown := r.faults[:min(most, len(r.faults))]
	return fmt.Sprintf("%d faults:\n%s", len(r.faults), strings.Join(shown, "\n"))
}

// counts is what was seen, a line each.
func (r *referee) counts() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var lines []string
	for _, what := range slices.Sorted(maps.Keys(r.seen)) {
		lines = append(lines, fmt.Sprintf("%7d %s", r.seen[what], what))
	}
	return strings.Join(lines, "\n")
}
