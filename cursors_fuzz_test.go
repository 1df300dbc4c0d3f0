package assessplan_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// FuzzListCursors begins lists anywhere, and walks to their ends.
func FuzzListCursors(f *testing.F) {
	f.Add(uint8(0), []byte{}, 0, uint8(0), int64(0), int64(0))
	f.Add(uint8(5), []byte{1}, 2, uint8(1), int64(1772442000000000), int64(1772528400000001))
	f.Add(uint8(20), []byte{}, -1, uint8(2), int64(-1), int64(1))
	f.Add(uint8(40), []byte{255, 255}, 1, uint8(3), int64(1)<<62, int64(-1)<<62)
	f.Add(uint8(255), []byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), 1<<40, uint8(4), int64(0), int64(0))
	f.Add(uint8(255), []byte{1}, 7, uint8(5), int64(0), int64(1772528400000000))
	f.Add(uint8(30), []byte{}, 1, uint8(10), int64(0), int64(0))
	all := newArchive(f)
	f.Fuzz(func(t *testing.T, near uint8, change []byte, limit int, choice uint8, from, before int64) {
		a, id := all.within(t), all.id(near, change)
		a.walkPlans(assessplan.PlanQuery{Org: orgOf(choice), After: id, Limit: limit})
		a.walkRounds(assessplan.EnrollmentQuery{Org: orgOf(choice), Plan: a.planOf(choice), Testee: testeeOf(choice), After: id, Limit: limit})
		q := assessplan.TaskQuery{Org: orgOf(choice), Plan: a.planOf(choice), Testee: testeeOf(choice), After: id, Limit: limit}
		if from != 0 {
			q.PlannedFrom = time.UnixMicro(from % farthest)
		}
		if before != 0 {
			q.PlannedBefore = time.UnixMicro(before % farthest)
		}
		if choice&8 != 0 {
			q.Status = []assessplan.TaskStatus{assessplan.Opened, "no status"}
		}
		a.walkTasks(q)
		a.walkParked(assessplan.ParkedQuery{After: from, Limit: limit})
	})
}

// farthest is some 140,000 years in microseconds: instants beyond it do not fit a store's integers.
const farthest = int64(1) << 62

func orgOf(choice uint8) assessplan.OrgID { return []assessplan.OrgID{clinic, foreign}[choice&1] }

// planOf chooses any plan, one of the org's own, or one of another org.
func (a *archive) planOf(choice uint8) assessplan.PlanID {
	if choice&2 == 0 {
		return assessplan.PlanID{}
	}
	return a.plans[int(choice>>4)%len(a.plans)].ID
}

func testeeOf(choice uint8) assessplan.TesteeID {
	if choice&4 == 0 {
		return ""
	}
	return assessplan.TesteeID(rune('a' + choice>>4%4))
}

func (a *archive) walkPlans(q assessplan.PlanQuery) {
	want := namesOf(a.plans, func(plan assessplan.PlanState) (assessplan.PlanID, bool) {
		return plan.ID, plan.Org == q.Org && plan.ID.Compare(q.After) > 0
	})
	requireWalk(a.t, want, assessplan.PlanID.Compare, q.Limit, func() ([]assessplan.PlanID, bool) {
		page, err := a.ListPlans(a.ctx, q)
		require.NoError(a.t, err)
		q.After = page.Next
		return namesOf(page.Plans, func(plan assessplan.PlanState) (assessplan.PlanID, bool) { return plan.ID, true }), !page.Next.IsZero()
	})
}

func (a *archive) walkRounds(q assessplan.EnrollmentQuery) {
	want := namesOf(a.rounds, func(round assessplan.EnrollmentState) (assessplan.EnrollmentID, bool) {
		return round.ID, round.Org == q.Org && round.ID.Compare(q.After) > 0 &&
			(q.Plan.IsZero() || q.Plan == round.Plan) && (q.Testee == "" || q.Testee == round.Testee)
	})
	requireWalk(a.t, want, assessplan.EnrollmentID.Compare, q.Limit, func() ([]assessplan.EnrollmentID, bool) {
		page, err := a.ListEnrollments(a.ctx, q)
		require.NoError(a.t, err)
		q.After = page.Next
		return namesOf(page.Enrollments, func(round assessplan.EnrollmentState) (assessplan.EnrollmentID, bool) { return round.ID, true }), !page.Next.IsZero()
	})
}

func (a *archive) walkTasks(q assessplan.TaskQuery) {
	want := namesOf(a.tasks, func(task assessplan.TaskState) (assessplan.TaskID, bool) {
		return task.ID, task.Org == q.Org && task.ID.Compare(q.After) > 0 &&
			(q.Plan.IsZero() || q.Plan == task.Plan) && (q.Testee == "" || q.Testee == task.Testee) &&
			(len(q.Status) == 0 || slices.Contains(q.Status, task.Status)) &&
			!task.PlannedAt.Before(q.PlannedFrom) && (q.PlannedBefore.IsZero() || task.PlannedAt.Before(q.PlannedBefore))
	})
	requireWalk(a.t, want, assessplan.TaskID.Compare, q.Limit, func() ([]assessplan.TaskID, bool) {
		page, err := a.ListTasks(a.ctx, q)
		require.NoError(a.t, err)
		q.After = page.Next
		return namesOf(page.Tasks, func(task assessplan.TaskState) (assessplan.TaskID, bool) { return task.ID, true }), !page.Next.IsZero()
	})
}

func (a *archive) walkParked(q assessplan.ParkedQuery) {
	position := func(event assessplan.OutboxEvent) (int64, bool) { return event.Position, true }
	want := namesOf(a.parked, func(event assessplan.OutboxEvent) (int64, bool) { return event.Position, event.Position > q.After })
	requireWalk(a.t, want, cmp.Compare[int64], q.Limit, func() ([]int64, bool) {
		page, err := a.relay.ListParkedEvents(a.ctx, q)
		require.NoError(a.t, err)
		q.After = page.Next
		return namesOf(page.Events, position), page.Next != 0
	})
}

// requireWalk goes from page to page, and wants all of some names, each once and in order, on full pages that end.
func requireWalk[K any](t testing.TB, want []K, compare func(a, b K) int, limit int, next func() (page []K, more bool)) {
	t.Helper()
	slices.SortFunc(want, compare)
	if limit < 1 || limit > assessplan.MaxListLimit {
		limit = assessplan.MaxListLimit
	}
	got := []K{}
	for more := true; more; {
		var page []K
		page, more = next()
		got = append(got, page...)
		require.LessOrEqual(t, len(got), len(want), "a walk that does not end, or that meets what it should not")
		require.LessOrEqual(t, len(page), limit)
		if more {
			require.Len(t, page, limit, "only the last page is not full")
		}
	}
	require.Equal(t, want, got)
}
