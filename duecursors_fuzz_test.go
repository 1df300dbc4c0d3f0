package assessplan_test

import (
	"cmp"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// FuzzDueCursors begins the queries of the passes anywhere.
func FuzzDueCursors(f *testing.F) {
	nine := monday.Add(time.Hour).UnixMicro()
	const day = int64(24 * time.Hour / time.Microsecond)
	f.Add(nine+2*day, int64(0), uint8(0), []byte{}, 100, uint8(0))
	f.Add(nine+2*day, nine+day, uint8(20), []byte{}, 3, uint8(1))
	f.Add(nine+9*day, nine+7*day, uint8(21), []byte{1}, 5, uint8(2))
	f.Add(nine, nine, uint8(0), []byte{}, 0, uint8(3))
	f.Add(int64(1)<<62, int64(-1)<<62, uint8(255), []byte{255}, -1, uint8(36))
	f.Add(nine+2*day, nine+2*day, uint8(5), []byte{}, 10, uint8(53))
	f.Add(nine+3*day, nine-day, uint8(6), []byte{2}, 1<<40, uint8(70))
	all := newArchive(f)
	f.Fuzz(func(t *testing.T, before, at int64, near uint8, change []byte, limit int, choice uint8) {
		a := all.within(t)
		q := assessplan.DueQuery{Before: time.UnixMicro(before % farthest), Limit: limit, Scope: a.scopeOf(choice)}
		q.After.ID = all.id(near, change)
		if at != 0 {
			q.After.At = time.UnixMicro(at % farthest)
		}
		a.checkDue(q)
		a.checkEnded(assessplan.EndedQuery{Before: q.Before, After: assessplan.EndedCursor{ClosableFrom: q.After.At, ID: assessplan.EnrollmentID(q.After.ID)},
			Limit: limit, Scope: q.Scope})
	})
}

// scopeOf chooses all orgs, an org, a plan of it or of another, and people of such a plan.
func (a *archive) scopeOf(choice uint8) assessplan.Scope {
	org, plan := orgOf(choice>>1), a.plans[int(choice>>4)%len(a.plans)].ID
	switch choice % 4 {
	case 1:
		return assessplan.InOrg(org)
	case 2:
		return assessplan.InPlan(org, plan)
	case 3:
		return assessplan.ForTestees(org, plan, "a", "c", "nobody")
	}
	return assessplan.Scope{}
}

func inScope(scope assessplan.Scope, org assessplan.OrgID, plan assessplan.PlanID, testee assessplan.TesteeID) bool {
	return (scope.Org == "" || scope.Org == org) && (scope.Plan.IsZero() || scope.Plan == plan) &&
		(len(scope.Testees) == 0 || slices.Contains(scope.Testees, testee))
}

// checkDue asks the three queries for due tasks.
func (a *archive) checkDue(q assessplan.DueQuery) {
	for name, query := range map[string]struct {
		cause assessplan.OverdueCause
		find  func(assessplan.Repositories, context.Context, assessplan.DueQuery) ([]assessplan.TaskState, error)
		at    func(task assessplan.TaskState) time.Time // zero: it is not of this kind
	}{
		"pending": {0, assessplan.Repositories.FindPendingTasks, func(task assessplan.TaskState) time.Time { return task.NextAttemptAt }},
		"entry over": {assessplan.EntryOver, assessplan.Repositories.FindOverdueTasks, func(task assessplan.TaskState) time.Time {
			if task.Status != assessplan.Opened {
				return time.Time{}
			}
			return task.ExpireAt
		}},
		"window missed": {assessplan.WindowMissed, assessplan.Repositories.FindOverdueTasks, func(task assessplan.TaskState) time.Time {
			if task.Status != assessplan.Pending {
				return time.Time{}
			}
			return task.OpenUntil
		}},
	} {
		q.Cause = query.cause
		want := firstPlaces(a.tasks, q.Before, place[assessplan.TaskID]{q.After.At, q.After.ID}, q.Limit,
			func(task assessplan.TaskState) (place[assessplan.TaskID], bool) {
				return place[assessplan.TaskID]{query.at(task), task.ID}, inScope(q.Scope, task.Org, task.Plan, task.Testee)
			})
		var found []assessplan.TaskState
		require.NoError(a.t, a.memory.View(a.ctx, func(ctx context.Context, r assessplan.Repositories) (err error) {
			found, err = query.find(r, ctx, q)
			return err
		}))
		require.Equal(a.t, want, namesOf(found, func(task assessplan.TaskState) (assessplan.TaskID, bool) { return task.ID, true }), name)
	}
}

// checkEnded asks for rounds that may be closed.
func (a *archive) checkEnded(q assessplan.EndedQuery) {
	live := map[assessplan.EnrollmentID]bool{}
	for _, task := range a.tasks {
		live[task.Enrollment] = live[task.Enrollment] || !task.Status.Ended()
	}
	want := firstPlaces(a.rounds, q.Before, place[assessplan.EnrollmentID]{q.After.ClosableFrom, q.After.ID}, q.Limit,
		func(round assessplan.EnrollmentState) (place[assessplan.EnrollmentID], bool) {
			return place[assessplan.EnrollmentID]{round.ClosableFrom, round.ID}, !live[round.ID] && inScope(q.Scope, round.Org, round.Plan, round.Testee)
		})
	var found []assessplan.EnrollmentState
	require.NoError(a.t, a.memory.View(a.ctx, func(ctx context.Context, r assessplan.Repositories) (err error) {
		found, err = r.FindEndedEnrollments(ctx, q)
		return err
	}))
	require.Equal(a.t, want, namesOf(found, func(round assessplan.EnrollmentState) (assessplan.EnrollmentID, bool) { return round.ID, true }))
}

// place is where a record stands in the order of a due query.
type place[ID interface{ Compare(ID) int }] struct {
	at time.Time
	id ID
}

func (p place[ID]) compare(other place[ID]) int {
	return cmp.Or(p.at.Compare(other.at), p.id.Compare(other.id))
}

// firstPlaces are the records that stand after a cursor, not after an instant, in their order.
func firstPlaces[S any, ID interface{ Compare(ID) int }](records []S, before time.Time, after place[ID], limit int, of func(S) (place[ID], bool)) []ID {
	places := namesOf(records, func(record S) (place[ID], bool) {
		p, wanted := of(record)
		return p, wanted && !p.at.IsZero() && !p.at.After(before) && p.compare(after) > 0
	})
	slices.SortFunc(places, place[ID].compare)
	places = places[:min(len(places), max(0, limit))]
	return namesOf(places, func(p place[ID]) (ID, bool) { return p.id, true })
}
