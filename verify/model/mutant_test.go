package model_test

import (
	"context"
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

// mutant is a world in which one rule is broken.
type mutant struct {
	name  string
	alter func(r assessplan.Repositories) assessplan.Repositories // of each transaction
	store func(assessplan.Store) assessplan.Store                 // in place of alter
	skew  time.Duration                                           // of the second service's clock
}

func (m mutant) setting() setting {
	return setting{skewed: m.skew, newStore: func(*rapid.T) assessplan.Store {
		switch {
		case m.store != nil:
			return m.store(memstore.New())
		case m.alter != nil:
			return altered{memstore.New(), m.alter}
		}
		return memstore.New()
	}}
}

// altered is a store whose transactions see other Repositories.
type altered struct {
	assessplan.Store
	alter func(r assessplan.Repositories) assessplan.Repositories
}

func (s altered) View(ctx context.Context, fn func(context.Context, assessplan.Repositories) error) error {
	return s.Store.View(ctx, func(ctx context.Context, r assessplan.Repositories) error { return fn(ctx, s.alter(r)) })
}

func (s altered) Update(ctx context.Context, fn func(context.Context, assessplan.Repositories) error) error {
	return s.Store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error { return fn(ctx, s.alter(r)) })
}

// TestEveryMutantIsCaught shows that the check can fail: each broken rule is found within the runs that CI has.
func TestEveryMutantIsCaught(t *testing.T) {
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			said := caught(t, m, budget{checks: 400, steps: 80, seed: 7})
			require.Regexp(t, command, said)
			requireDiscreet(t, said)
			t.Log(firstLine(said))
		})
	}
}

// requireDiscreet: what is said of a failure names no person and holds no link.
func requireDiscreet(t *testing.T, said string) {
	t.Helper()
	for _, testee := range testees {
		require.NotContains(t, said, string(testee))
	}
	require.NotContains(t, said, "fill.example.org")
	require.NotContains(t, said, "token=")
}

// command is what somebody who reads a failure copies, as one line.
var command = regexp.MustCompile(`(?m)^\tgo test ` + regexp.QuoteMeta(importPath) +
	` -count=1 -run '\^TestEveryMutantIsCaught\$/\^[\w-]+\$' -rapid\.checks=1 -rapid\.steps=80 -rapid\.seed=(\d+)$`)

// TestTheCommandOfAFailureRepeatsIt runs what the command of a failure says, and meets the same failure in the first run.
func TestTheCommandOfAFailureRepeatsIt(t *testing.T) {
	m := mutants()[0]
	said := caught(t, m, budget{checks: 400, steps: 80, seed: 7})
	seed := 0
	_, err := fmt.Sscan(hintedSeed(said), &seed)
	require.NoError(t, err)

	again := caught(t, m, budget{checks: 1, steps: 80, seed: seed})

	require.Contains(t, again, "after 0 tests")
	require.Equal(t, ruleOf(said), ruleOf(again))
}

func hintedSeed(said string) string {
	_, seed, _ := strings.Cut(said, "-rapid.seed=")
	seed, _, _ = strings.Cut(seed, "\n")
	return seed
}

func firstLine(said string) string {
	line, _, _ := strings.Cut(said, "\n")
	return line
}

func ruleOf(said string) string {
	_, rule, _ := strings.Cut(firstLine(said), "tests: ")
	return rule
}

// caught runs the check on a mutant and returns what it says.
func caught(t *testing.T, m mutant, b budget) string {
	t.Helper()
	b.set(t)
	setFlag(t, "rapid.shrinktime", "0s") // what matters is that it is found
	heard := &listener{T: t}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		rapid.Check(repeatable{heard}, history(m.setting()))
	}()
	<-finished
	require.True(t, heard.failed, "a store that %s passes for a good one", m.name)
	return heard.said.String()
}

// listener is a test that is meant to fail: it keeps what is said.
type listener struct {
	*testing.T
	failed bool
	said   strings.Builder
}

func (l *listener) Logf(format string, args ...any) { fmt.Fprintf(&l.said, format+"\n", args...) }
func (l *listener) Errorf(format string, args ...any) {
	l.failed = true
	l.Logf(format, args...)
}
func (l *listener) Fatalf(format string, args ...any) {
	l.Errorf(format, args...)
	l.FailNow()
}
func (l *listener) FailNow() {
	l.failed = true
	runtime.Goexit()
}
func (l *listener) Failed() bool { return l.failed }
