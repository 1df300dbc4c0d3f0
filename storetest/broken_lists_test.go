package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/assessplan/assessplan"
)

// listsOtherwise is Repositories with another ListTasks.
type listsOtherwise struct {
	assessplan.Repositories
	list func(ctx context.Context, r assessplan.Repositories, q assessplan.TaskQuery) ([]assessplan.TaskState, error)
}

func (r listsOtherwise) ListTasks(ctx context.Context, q assessplan.TaskQuery) ([]assessplan.TaskState, error) {
	return r.list(ctx, r.Repositories, q)
}

func listing(list func(ctx context.Context, r assessplan.Repositories, q assessplan.TaskQuery) ([]assessplan.TaskState, error)) func() assessplan.Store {
	return with(func(r assessplan.Repositories) assessplan.Repositories { return listsOtherwise{r, list} })
}

var listMutants = []mutant{
	{"lists tasks in the order of their times", []string{"TaskLists/Order"},
		listing(func(ctx context.Context, r assessplan.Repositories, q assessplan.TaskQuery) ([]assessplan.TaskState, error) {
			found, err := r.ListTasks(ctx, q)
			slices.SortStableFunc(found, func(a, b assessplan.TaskState) int { return a.PlannedAt.Compare(b.PlannedAt) })
			return found, err
		})},
	{"lists tasks of the first status only", []string{"TaskLists/Filters"},
		listing(func(ctx context.Context, r assessplan.Repositories, q assessplan.TaskQuery) ([]assessplan.TaskState, error) {
			q.Status = q.Status[:min(len(q.Status), 1)]
			return r.ListTasks(ctx, q)
		})},
	{"lists tasks of one plan of a testee", []string{"TaskLists/Filters"},
		listing(func(ctx context.Context, r assessplan.Repositories, q assessplan.TaskQuery) ([]assessplan.TaskState, error) {
			found, err := r.ListTasks(ctx, q)
			if q.Testee != "" {
				found = slices.DeleteFunc(found, func(t assessplan.TaskState) bool { return t.Plan != found[0].Plan })
			}
			return found, err
		})},
	{"lists tasks up to PlannedBefore", []string{"TaskLists/PlannedRange", "Times/BoundariesAtMicroseconds"},
		listing(func(ctx context.Context, r assessplan.Repositories, q assessplan.TaskQuery) ([]assessplan.TaskState, error) {
			if !q.PlannedBefore.IsZero() {
				q.PlannedBefore = q.PlannedBefore.Add(time.Microsecond)
			}
			return r.ListTasks(ctx, q)
		})},
}
