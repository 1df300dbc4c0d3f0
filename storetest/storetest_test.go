package storetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/stretchr/testify/require"
)

func TestMemstore(t *testing.T) {
	Run(t, func(*testing.T) assessplan.Store { return memstore.New() }, Features{OneWriter: true})
}

// What the checks store must be what a history of commands can have produced: adapters may have constraints of their own.
func TestFixturesAreValidStates(t *testing.T) {
	plan := newPlan(clinic, 1)
	round := newRound(plan, 1, testee)
	for _, plan := range everyPlan() {
		_, err := assessplan.RestorePlan(plan)
		require.NoError(t, err)
	}
	for _, round := range append(everyRound(plan), paused(round), laterRound(round, 2, 2), closed(round)) {
		_, err := assessplan.RestoreEnrollment(round)
		require.NoError(t, err)
	}
	task := newTask(round, 1, 1, start)
	for _, task := range append(everyTask(round), task, bareTask(round, 1, instants[0]), bareTask(round, 1, instants[len(instants)-1])) {
		_, err := assessplan.RestoreTask(task)
		require.NoError(t, err)
	}
}

// Whatever a check stores is watched here: no check may lean on a state that the domain refuses.
func TestChecksStoreValidStates(t *testing.T) {
	for _, area := range areas {
		for _, check := range area.checks {
			if !check.needs.missing(Features{OneWriter: true}) {
				check.run(t, altered{memstore.New(), func(r assessplan.Repositories) assessplan.Repositories { return judging{r, t} }}, usual)
			}
		}
	}
}

// judging fails the test if a state that is stored cannot be restored.
type judging struct {
	assessplan.Repositories
	t *testing.T
}

func (r judging) SavePlan(ctx context.Context, change assessplan.PlanChange) error {
	_, err := assessplan.RestorePlan(change.State)
	require.NoError(r.t, err)
	return r.Repositories.SavePlan(ctx, change)
}

func (r judging) SaveEnrollments(ctx context.Context, changes []assessplan.EnrollmentChange) error {
	for _, change := range changes {
		_, err := assessplan.RestoreEnrollment(change.State)
		require.NoError(r.t, err)
	}
	return r.Repositories.SaveEnrollments(ctx, changes)
}

func (r judging) SaveTasks(ctx context.Context, changes []assessplan.TaskChange) error {
	for _, change := range changes {
		_, err := assessplan.RestoreTask(change.State)
		require.NoError(r.t, err)
	}
	return r.Repositories.SaveTasks(ctx, changes)
}

func TestRulesAreSentencesOfTheirOwn(t *testing.T) {
	names, rules := map[string]bool{}, map[string]bool{}
	for _, area := range areas {
		for _, check := range area.checks {
			name := area.name + "/" + check.name
			require.False(t, names[name], "two checks are named %s", name)
			require.False(t, rules[check.rule], "two checks have the rule %q", check.rule)
			require.NotEmpty(t, check.rule, name)
			require.False(t, strings.HasSuffix(check.rule, "."), name)
			names[name], rules[check.rule] = true, true
		}
	}
}

// A check that no broken store fails might look at nothing.
func TestEveryCheckNoticesSomething(t *testing.T) {
	noticed := map[string]bool{}
	note := func(names []string) {
		for _, name := range names {
			noticed[name] = true
		}
	}
	note(wholeOutbox)
	for _, m := range mutants() {
		note(m.noticed)
	}
	for _, m := range flawed {
		note(m.noticed)
	}
	for _, area := range areas {
		for _, check := range area.checks {
			require.True(t, noticed[area.name+"/"+check.name], "no broken store is noticed by %s/%s", area.name, check.name)
		}
	}
}

// watched stands in for a test and keeps what a check says.
type watched struct {
	ctx      context.Context
	mu       sync.Mutex
	failures []string
	stop     func()
}

func (w *watched) Helper()                  {}
func (w *watched) Context() context.Context { return w.ctx }
func (w *watched) FailNow()                 { w.stop() }
func (w *watched) Errorf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failures = append(w.failures, sentence(format, args...))
}

// sentence is what a check says.
func sentence(format string, args ...any) string { return fmt.Sprintf(format, args...) }
