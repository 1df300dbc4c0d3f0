package assessplan_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// archive is a store of two orgs, with everything that is in it as a list: what cursors and filters are checked against.
type archive struct {
	*fixture
	plans  []assessplan.PlanState
	rounds []assessplan.EnrollmentState
	tasks  []assessplan.TaskState
	parked []assessplan.OutboxEvent
}

// newArchive is in the third of three days: tasks that are opened, that are due and whose window was missed, in rounds that
// run and some that have ended unnoticed.
func newArchive(tb testing.TB) *archive {
	tb.Helper()
	f := newFixture(tb)
	for _, org := range []assessplan.OrgID{clinic, foreign, clinic, foreign} {
		spec := daily(3)
		spec.Org, spec.Windows = org, assessplan.Windows{OpenWindow: assessplan.CalendarDays(1)}
		f.rounds(f.plan(spec), 3)
	}
	f.at("2026-03-02 09:00:00")
	f.open()
	f.at("2026-03-04 10:00:00")
	a := &archive{fixture: f}
	for _, org := range []assessplan.OrgID{clinic, foreign} {
		plans, err := f.ListPlans(f.ctx, assessplan.PlanQuery{Org: org})
		require.NoError(tb, err)
		rounds, err := f.ListEnrollments(f.ctx, assessplan.EnrollmentQuery{Org: org})
		require.NoError(tb, err)
		for _, task := range f.tasksOf(rounds.Enrollments[0]) {
			_, err := f.CancelTask(f.ctx, org, task.ID, "")
			require.NoError(tb, err)
		}
		a.plans = append(a.plans, plans.Plans...)
		a.rounds = append(a.rounds, rounds.Enrollments...)
		a.tasks = append(a.tasks, f.tasks(assessplan.TaskQuery{Org: org})...)
	}
	a.parkAll()
	return a
}

// parkAll parks one event of each subject.
func (a *archive) parkAll() {
	a.t.Helper()
	err := a.memory.Update(a.ctx, func(ctx context.Context, r assessplan.Repositories) error {
		claimed, err := r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: a.clock.Now(), Lease: time.Minute, Limit: 1000})
		require.NoError(a.t, err)
		var settlements []assessplan.Settlement
		for _, event := range claimed {
			settlements = append(settlements, assessplan.Settlement{ID: event.ID, Attempts: event.Attempts, Outcome: assessplan.Park})
		}
		_, err = r.SettleEvents(ctx, settlements)
		require.NoError(a.t, err)
		a.parked, err = r.ListParkedEvents(ctx, assessplan.ParkedQuery{Limit: 1000})
		return err
	})
	require.NoError(a.t, err)
	require.Greater(a.t, len(a.parked), 20)
}

// id is 16 bytes that are, or are close to, an ID in the archive; far from all of them if it has none of that number.
func (a *archive) id(near uint8, change []byte) (id [16]byte) {
	ids := [][16]byte{{}}
	for _, plan := range a.plans {
		ids = append(ids, plan.ID)
	}
	for _, round := range a.rounds {
		ids = append(ids, round.ID)
	}
	for _, task := range a.tasks {
		ids = append(ids, task.ID)
	}
	if int(near) < len(ids) {
		id = ids[near]
	}
	for i, b := range change[:min(16, len(change))] {
		id[15-i] ^= b
	}
	return id
}

// within is an archive for one run of a fuzz target.
func (a *archive) within(t *testing.T) *archive {
	f := *a.fixture
	f.t, f.ctx = t, t.Context()
	return &archive{fixture: &f, plans: a.plans, rounds: a.rounds, tasks: a.tasks, parked: a.parked}
}

// namesOf are the names of some records.
func namesOf[S, K any](records []S, key func(S) (K, bool)) []K {
	found := []K{}
	for _, record := range records {
		if k, wanted := key(record); wanted {
			found = append(found, k)
		}
	}
	return found
}
