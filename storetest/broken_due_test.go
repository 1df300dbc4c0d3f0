package storetest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/assessplan/assessplan"
)

// finds is Repositories with another FindPendingTasks.
type finds struct {
	assessplan.Repositories
	find func(ctx context.Context, r assessplan.Repositories, q assessplan.DueQuery) ([]assessplan.TaskState, error)
}

func (r finds) FindPendingTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	return r.find(ctx, r.Repositories, q)
}

func finding(find func(ctx context.Context, r assessplan.Repositories, q assessplan.DueQuery) ([]assessplan.TaskState, error)) func() assessplan.Store {
	return with(func(r assessplan.Repositories) assessplan.Repositories { return finds{r, find} })
}

var dueMutants = []mutant{
	{"forgets the ID in a cursor", []string{"DueTasks/Order", "Volume/Order"},
		finding(func(ctx context.Context, r assessplan.Repositories, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
			q.After.At, q.After.ID = q.After.At.Add(time.Microsecond), assessplan.TaskID{}
			return r.FindPendingTasks(ctx, q)
		})},
	{"begins a page with the task of the cursor", []string{"DueTasks/Order", "Times/OrderOverAllYears", "Times/BoundariesAtMicroseconds", "Volume/Order"},
		finding(func(ctx context.Context, r assessplan.Repositories, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
			if last := &q.After.ID[15]; *last > 0 {
				*last--
			}
			return r.FindPendingTasks(ctx, q)
		})},
	{"orders by ID", []string{
		"DueTasks/Conditions", "DueTasks/Order", "DueTasks/Backoff", "Times/OrderOverAllYears",
		"Volume/Order",
	}, finding(func(ctx context.Context, r assessplan.Repositories, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
		found, err := r.FindPendingTasks(ctx, q)
		slices.SortFunc(found, func(a, b assessplan.TaskState) int { return a.ID.Compare(b.ID) })
		return found, err
	})},
	{"orders by the planned time", []string{"DueTasks/Order", "DueTasks/Backoff"},
		finding(func(ctx context.Context, r assessplan.Repositories, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
			found, err := r.FindPendingTasks(ctx, q)
			slices.SortStableFunc(found, func(a, b assessplan.TaskState) int {
				return cmp.Or(a.PlannedAt.Compare(b.PlannedAt), a.ID.Compare(b.ID))
			})
			return found, err
		})},
	{"leaves out what ends at this very instant", []string{
		"OverdueTasks/EntryOver", "OverdueTasks/WindowMissed", "OverdueTasks/EntryOverOrder",
		"OverdueTasks/WindowMissedOrder", "Claims/OneWinnerOverdue", "Claims/ReturnsWhatIsStored",
		"Holds/HeldIsNotDue",
	}, with(func(r assessplan.Repositories) assessplan.Repositories { return endsLater{r} })},
	{"takes Now for Before", []string{"DueTasks/NowSelectsNothing"},
		finding(func(ctx context.Context, r assessplan.Repositories, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
			if q.Now.Before(q.Before) && !q.Now.IsZero() {
				q.Before = q.Now
			}
			return r.FindPendingTasks(ctx, q)
		})},
	{"returns held tasks", []string{"Locks/HoldWaits", "DueTasks/Conditions", "Holds/HeldIsNotDue"},
		finding(func(ctx context.Context, r assessplan.Repositories, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
			found, err := r.FindPendingTasks(ctx, q)
			all, _ := r.ListTasks(ctx, assessplan.TaskQuery{Org: clinic, Status: []assessplan.TaskStatus{assessplan.Pending}, Limit: 20})
			for _, task := range all {
				if task.Held && !task.NextAttemptAt.After(q.Before) {
					found = append(found, task)
				}
			}
			return found, err
		})},
	{"scopes to one testee only", []string{"DueTasks/Scope", "Volume/ManyTestees"},
		finding(func(ctx context.Context, r assessplan.Repositories, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
			if len(q.Scope.Testees) > 1 {
				q.Scope.Testees = q.Scope.Testees[:1]
			}
			return r.FindPendingTasks(ctx, q)
		})},
	{"tells the oldest attempt instead of the oldest plan", []string{"DueTasks/Backoff", "DueTasks/OldestDue"},
		with(func(r assessplan.Repositories) assessplan.Repositories { return oldestAttempt{r} })},
	{"takes a missed window for an entry that is over", []string{
		"OverdueTasks/WindowMissed", "OverdueTasks/WindowMissedOrder", "OverdueTasks/Scope",
		"Claims/OneWinnerOverdue", "Holds/HeldIsNotDue", "Isolation/Passes",
	}, with(func(r assessplan.Repositories) assessplan.Repositories { return oneCause{r} })},
}

type oldestAttempt struct{ assessplan.Repositories }

func (r oldestAttempt) OldestDue(ctx context.Context, q assessplan.DueQuery) (time.Time, error) {
	q.Limit = 1
	found, err := r.FindPendingTasks(ctx, q)
	if err != nil || len(found) == 0 {
		return time.Time{}, err
	}
	return found[0].PlannedAt, nil
}

type endsLater struct{ assessplan.Repositories }

func (r endsLater) FindOverdueTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	q.Before = q.Before.Add(-time.Microsecond)
	return r.Repositories.FindOverdueTasks(ctx, q)
}

type oneCause struct{ assessplan.Repositories }

func (r oneCause) FindOverdueTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	q.Cause = assessplan.EntryOver
	return r.Repositories.FindOverdueTasks(ctx, q)
}
