package model_test

import (
	"flag"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const importPath = "github.com/assessplan/assessplan/verify/model"

// history is one run of a world.
func history(s setting) func(*rapid.T) {
	return func(t *rapid.T) {
		w := newWorld(t, s)
		w.firstPlans(t)
		t.Repeat(map[string]func(*rapid.T){"": w.check, "step": w.step})
		w.finish(t)
	}
}

// budget is how much of CI's time a check may take; what stands on the command line goes before it.
type budget struct {
	checks int
	steps  int // of a run, on average
	seed   int // 0: another one each time
}

// check runs histories, and fails t with the command that repeats the failure.
func check(t *testing.T, s setting, b budget) {
	t.Helper()
	b.set(t)
	rapid.Check(repeatable{t}, history(s))
}

// ordered are the flags that stood on the command line, before a budget set others.
var ordered = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { names[f.Name] = true })
	return names
})

// set makes rapid keep to the budget until the test ends.
func (b budget) set(t *testing.T) {
	t.Helper()
	ordered := ordered()
	for name, value := range map[string]any{"rapid.checks": b.checks, "rapid.steps": b.steps, "rapid.seed": b.seed,
		"rapid.nofailfile": true} { // the seed is enough, and leaves nothing in the tree
		if !ordered[name] {
			setFlag(t, name, fmt.Sprint(value))
		}
	}
}

func setFlag(t *testing.T, name, value string) {
	t.Helper()
	before := flag.Lookup(name).Value.String()
	require.NoError(t, flag.Set(name, value))
	t.Cleanup(func() { require.NoError(t, flag.Set(name, before)) })
}

// repeatable is a test that says how to repeat its failure as one command.
type repeatable struct{ rapid.TB }

// Errorf implements [rapid.TB].
func (r repeatable) Errorf(format string, args ...any) {
	r.Helper()
	r.TB.Errorf("%s", asCommand(fmt.Sprintf(format, args...)))
}

// hint is what rapid says of a failure.
var hint = regexp.MustCompile(`To (?:try to )?reproduce, specify -run="([^"]*)" (?:.*-rapid\.seed=(\d+)\)?)`)

// asCommand makes a command of rapid's hint.
func asCommand(message string) string {
	return hint.ReplaceAllStringFunc(message, func(found string) string {
		parts := hint.FindStringSubmatch(found)
		name := strings.ReplaceAll(parts[1], "/", "$/^")
		return fmt.Sprintf("To repeat it:\n\tgo test %s -count=1 -run '^%s$' -rapid.checks=1 -rapid.steps=%s -rapid.seed=%s\n",
			importPath, name, flag.Lookup("rapid.steps").Value, parts[2])
	})
}
