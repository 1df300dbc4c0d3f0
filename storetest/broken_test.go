package storetest

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/stretchr/testify/require"
)

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

// mutant is a store that breaks one rule, and the checks that notice.
type mutant struct {
	name     string
	noticed  []string // "Area/Check", in the order of the suite
	newStore func() assessplan.Store
}

// with makes a mutant of a memstore whose Repositories are altered.
func with(alter func(r assessplan.Repositories) assessplan.Repositories) func() assessplan.Store {
	return func() assessplan.Store { return altered{memstore.New(), alter} }
}

// TestEveryBrokenRuleIsNoticed runs the suite against stores that each break one rule: the checks that are about the rule
// must fail, say so in its words, and no other check may fail.
func TestEveryBrokenRuleIsNoticed(t *testing.T) {
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			requireNoticed(t, m, Features{OneWriter: true}, pace{patience: 3 * time.Second, standstill: time.Millisecond})
		})
	}
}

func requireNoticed(t *testing.T, m mutant, features Features, pace pace) {
	t.Helper()
	var noticed []string
	big := slices.ContainsFunc(m.noticed, func(check string) bool { return strings.HasPrefix(check, volumeArea.name) })
	for _, area := range areas {
		if area.name == volumeArea.name && !big {
			continue // the rules of smaller checks again, over thousands of records
		}
		for _, check := range area.checks {
			if check.needs.missing(features) {
				continue
			}
			failures := watch(t, check, m.newStore(), pace)
			for _, failure := range failures {
				require.Contains(t, failure, "rule: "+check.rule+": ")
			}
			if len(failures) > 0 {
				noticed = append(noticed, area.name+"/"+check.name)
				t.Log(area.name + "/" + check.name + ": " + failures[0])
			}
		}
	}
	require.Equal(t, m.noticed, noticed)
}

// watch runs a check in a goroutine, which the check may end, and returns what it says.
func watch(t *testing.T, c check, store assessplan.Store, pace pace) []string {
	w := &watched{ctx: t.Context(), stop: runtime.Goexit}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.run(w, store, pace)
	}()
	<-done
	return w.failures
}

func mutants() []mutant {
	return slices.Concat(transactionMutants, planMutants, roundMutants, taskMutants, listMutants, dueMutants, holdMutants, eventMutants, erasureMutants)
}
