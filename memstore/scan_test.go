package memstore_test

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

const scanned = 8_000

// TestScansMatchANaiveSort pages through thousands of tasks, stored and changed in random order, and expects what filtering
// and sorting a plain slice gives.
func TestScansMatchANaiveSort(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	store := memstore.New()
	states := randomTasks(rnd)
	storeInTwoSteps(t, rnd, store, states)
	end := noon.Add(300 * time.Minute)

	pending := func(s assessplan.TaskState) time.Time {
		if s.Status != assessplan.Pending || s.Held {
			return time.Time{}
		}
		return s.NextAttemptAt
	}
	over := func(s assessplan.TaskState) time.Time {
		if s.Status != assessplan.Opened {
			return time.Time{}
		}
		return s.ExpireAt
	}
	missed := func(s assessplan.TaskState) time.Time {
		if s.Status != assessplan.Pending || s.Held {
			return time.Time{}
		}
		return s.OpenUntil
	}
	scopes := map[string]assessplan.Scope{
		"everything":   {},
		"an org":       assessplan.InOrg("org-1"),
		"a plan":       assessplan.InPlan("org-1", assessplan.PlanIDFromUint64(1)),
		"some testees": assessplan.ForTestees("org-1", assessplan.PlanIDFromUint64(1), "testee-1", "testee-2", "nobody"),
		"nobody":       assessplan.ForTestees("org-1", assessplan.PlanIDFromUint64(1), "nobody"),
		"no such org":  assessplan.InOrg("org-9"),
	}
	for name, scope := range scopes {
		for _, limit := range []int{1 + rnd.IntN(40) + 20, 511, 512, scanned} {
			q := assessplan.DueQuery{Before: end, Scope: scope, Limit: limit}
			late := q
			late.Cause = assessplan.WindowMissed
			t.Run(fmt.Sprintf("%s by %d", name, limit), func(t *testing.T) {
				requireDue(t, naiveDue(states, q, pending), store, q, assessplan.Repositories.FindPendingTasks, pending)
				requireDue(t, naiveDue(states, q, over), store, q, assessplan.Repositories.FindOverdueTasks, over)
				requireDue(t, naiveDue(states, late, missed), store, late, assessplan.Repositories.FindOverdueTasks, missed)
			})
		}
	}
	t.Run("lists", func(t *testing.T) { requireLists(t, store, states) })
}

func randomTasks(rnd *rand.Rand) []assessplan.TaskState {
	minute := func() time.Time { return noon.Add(time.Duration(rnd.IntN(600)) * time.Minute) } // many ties
	states := make([]assessplan.TaskState, scanned)
	for i := range states {
		state := aTask(1)
		binary.BigEndian.PutUint64(state.ID[:], rnd.Uint64())
		binary.BigEndian.PutUint64(state.ID[8:], rnd.Uint64())
		testee := rnd.IntN(40)
		state.Org, state.Plan = assessplan.OrgID(fmt.Sprint("org-", testee%2)), assessplan.PlanIDFromUint64(uint64(testee%3))
		state.Enrollment, state.Seq = assessplan.EnrollmentIDFromUint64(uint64(testee)), i+1
		state.Testee = assessplan.TesteeID(fmt.Sprint("testee-", testee))
		state.PlannedAt, state.NextAttemptAt, state.OpenUntil, state.ExpireAt = minute(), minute(), minute(), minute()
		state.Status, state.Held = pick(rnd, assessplan.Pending, assessplan.Pending, assessplan.Opened), rnd.IntN(5) == 0
		states[i] = state
	}
	return states
}

// storeInTwoSteps stores other times first, so that every index has to move what it holds.
func storeInTwoSteps(t *testing.T, rnd *rand.Rand, store *memstore.Store, states []assessplan.TaskState) {
	t.Helper()
	inserts := make([]assessplan.TaskChange, len(states))
	updates := make([]assessplan.TaskChange, len(states))
	for i := range states {
		at := noon.Add(time.Duration(rnd.IntN(600)) * time.Minute)
		inserts[i].State, updates[i] = states[i], assessplan.TaskChange{State: states[i], Was: 1}
		inserts[i].State.NextAttemptAt, inserts[i].State.OpenUntil, inserts[i].State.ExpireAt = at, at, at
		inserts[i].State.Status = pick(rnd, assessplan.Pending, assessplan.Opened, assessplan.Canceled)
		states[i].Version = 2
	}
	rnd.Shuffle(len(updates), func(i, j int) { updates[i], updates[j] = updates[j], updates[i] })
	for _, changes := range [][]assessplan.TaskChange{inserts, updates} {
		for batch := range slices.Chunk(changes, 700) {
			update(t, store, func(ctx context.Context, r assessplan.Repositories) error { return r.SaveTasks(ctx, batch) })
		}
	}
}

func naiveDue(states []assessplan.TaskState, q assessplan.DueQuery, at func(assessplan.TaskState) time.Time) (due []assessplan.TaskState) {
	for _, s := range states {
		inScope := (q.Scope.Org == "" || q.Scope.Org == s.Org) && (q.Scope.Plan.IsZero() || q.Scope.Plan == s.Plan) &&
			(q.Scope.Testees == nil || slices.Contains(q.Scope.Testees, s.Testee))
		if when := at(s); inScope && !when.IsZero() && !when.After(q.Before) {
			due = append(due, s)
		}
	}
	slices.SortFunc(due, func(a, b assessplan.TaskState) int { return cmp.Or(at(a).Compare(at(b)), a.ID.Compare(b.ID)) })
	return due
}

type find func(assessplan.Repositories, context.Context, assessplan.DueQuery) ([]assessplan.TaskState, error)

// requireDue pages through a query with its cursor.
func requireDue(t *testing.T, want []assessplan.TaskState, store *memstore.Store, q assessplan.DueQuery, find find, at func(assessplan.TaskState) time.Time) {
	t.Helper()
	var got []assessplan.TaskState
	for {
		var page []assessplan.TaskState
		view(t, store, func(ctx context.Context, r assessplan.Repositories) (err error) {
			page, err = find(r, ctx, q)
			return err
		})
		if len(page) == 0 {
			break
		}
		require.LessOrEqual(t, len(page), q.Limit)
		last := page[len(page)-1]
		q.After = assessplan.DueCursor{At: at(last), ID: last.ID}
		got = append(got, page...)
	}
	require.Equal(t, idsOf(want), idsOf(got))
	require.Equal(t, want, got)
}

func idsOf(states []assessplan.TaskState) []string {
	ids := make([]string, len(states))
	for i := range states {
		ids[i] = states[i].ID.String()
	}
	return ids
}

func requireLists(t *testing.T, store *memstore.Store, states []assessplan.TaskState) {
	t.Helper()
	one := states[7]
	queries := map[string]assessplan.TaskQuery{
		"of an org":              {Org: one.Org},
		"of a plan":              {Org: one.Org, Plan: one.Plan},
		"of a round":             {Org: one.Org, Enrollment: one.Enrollment},
		"of a testee":            {Org: one.Org, Testee: one.Testee},
		"of a plan and a testee": {Org: one.Org, Plan: one.Plan, Testee: one.Testee},
		"opened, of a plan":      {Org: one.Org, Plan: one.Plan, Status: []assessplan.TaskStatus{assessplan.Opened, assessplan.Expired}},
		"of an hour":             {Org: one.Org, PlannedFrom: noon.Add(time.Hour), PlannedBefore: noon.Add(2 * time.Hour)},
		"of another org's plan":  {Org: "org-9", Plan: one.Plan},
		"of no such status":      {Org: one.Org, Status: []assessplan.TaskStatus{"no_such"}},
	}
	for name, q := range queries {
		want := naiveList(states, q)
		for _, q.Limit = range []int{17, 1000} {
			q.After = assessplan.TaskID{}
			var got []assessplan.TaskState
			for more := true; more; {
				var page []assessplan.TaskState
				view(t, store, func(ctx context.Context, r assessplan.Repositories) (err error) {
					page, err = r.ListTasks(ctx, q)
					return err
				})
				if more = len(page) > 0; more {
					q.After = page[len(page)-1].ID
				}
				got = append(got, page...)
			}
			require.Equal(t, idsOf(want), idsOf(got), "%s by %d", name, q.Limit)
		}
	}
}

func naiveList(states []assessplan.TaskState, q assessplan.TaskQuery) (list []assessplan.TaskState) {
	for _, s := range states {
		if q.Org == s.Org && (q.Plan.IsZero() || q.Plan == s.Plan) && (q.Enrollment.IsZero() || q.Enrollment == s.Enrollment) &&
			(q.Testee == "" || q.Testee == s.Testee) && (q.Status == nil || slices.Contains(q.Status, s.Status)) &&
			!s.PlannedAt.Before(q.PlannedFrom) && (q.PlannedBefore.IsZero() || s.PlannedAt.Before(q.PlannedBefore)) {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b assessplan.TaskState) int { return a.ID.Compare(b.ID) })
	return list
}

// TestOldestDue looks behind failed attempts and behind other scopes.
func TestOldestDue(t *testing.T) {
	store := memstore.New()
	failed, later, held, foreign := aTask(1), aTask(2), aTask(3), aTask(4)
	failed.NextAttemptAt = noon.Add(time.Hour)
	later.PlannedAt, later.NextAttemptAt = noon.Add(time.Minute), noon.Add(time.Minute)
	held.PlannedAt, held.NextAttemptAt, held.Held = noon.Add(-time.Hour), noon.Add(-time.Hour), true
	foreign.Org, foreign.PlannedAt, foreign.NextAttemptAt = "elsewhere", noon.Add(-2*time.Minute), noon.Add(-2*time.Minute)
	saveTasks(t, store, failed, later, held, foreign)

	for name, row := range map[string]struct {
		before time.Time
		scope  assessplan.Scope
		want   time.Time
	}{
		"of all orgs":                  {noon.Add(time.Hour), assessplan.Scope{}, foreign.PlannedAt},
		"of an org: one that failed":   {noon.Add(time.Hour), assessplan.InOrg(clinic), noon},
		"before that, there is none":   {noon.Add(-time.Second), assessplan.InOrg(clinic), time.Time{}},
		"an unknown org has none":      {noon.Add(time.Hour), assessplan.InOrg("nowhere"), time.Time{}},
		"before everything it is none": {noon.Add(-24 * time.Hour), assessplan.Scope{}, time.Time{}},
	} {
		view(t, store, func(ctx context.Context, r assessplan.Repositories) error {
			got, err := r.OldestDue(ctx, assessplan.DueQuery{Before: row.before, Scope: row.scope})
			require.Equal(t, row.want, got, name)
			return err
		})
	}
}
