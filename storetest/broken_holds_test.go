package storetest

import (
	"context"
	"sync"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

// holdsOtherwise is Repositories with another HoldTasks.
type holdsOtherwise struct {
	assessplan.Repositories
	hold func(ctx context.Context, r assessplan.Repositories, q assessplan.HoldQuery) (int, error)
}

func (r holdsOtherwise) HoldTasks(ctx context.Context, q assessplan.HoldQuery) (int, error) {
	return r.hold(ctx, r.Repositories, q)
}

func holdingOtherwise(hold func(ctx context.Context, r assessplan.Repositories, q assessplan.HoldQuery) (int, error)) func() assessplan.Store {
	return with(func(r assessplan.Repositories) assessplan.Repositories { return holdsOtherwise{r, hold} })
}

var holdMutants = []mutant{
	{"counts no held tasks", []string{
		"Locks/HoldWaits", "Holds/WholePlan", "Holds/OneRound", "Holds/ReleaseOfAPlan",
		"Holds/CountsAndVersions", "Holds/HeldIsNotDue",
	}, holdingOtherwise(func(ctx context.Context, r assessplan.Repositories, q assessplan.HoldQuery) (int, error) {
		_, err := r.HoldTasks(ctx, q)
		return 0, err
	})},
	{"holds the whole plan for one round", []string{"Holds/OneRound"},
		holdingOtherwise(func(ctx context.Context, r assessplan.Repositories, q assessplan.HoldQuery) (int, error) {
			q.Enrollment = assessplan.EnrollmentID{}
			return r.HoldTasks(ctx, q)
		})},
	{"releases paused rounds too", []string{"Holds/ReleaseOfAPlan"},
		holdingOtherwise(func(ctx context.Context, r assessplan.Repositories, q assessplan.HoldQuery) (int, error) {
			if q.Held || !q.Enrollment.IsZero() {
				return r.HoldTasks(ctx, q)
			}
			all, err := r.ListEnrollments(ctx, assessplan.EnrollmentQuery{Org: q.Org, Plan: q.Plan, Limit: 100})
			sum := 0
			for _, round := range all {
				q.Enrollment = round.ID
				count, err := r.HoldTasks(ctx, q)
				if err != nil {
					return sum, err
				}
				sum += count
			}
			return sum, err
		})},
	{"holds a plan of whatever org", []string{"Isolation/Writes"},
		holdingOtherwise(func(ctx context.Context, r assessplan.Repositories, q assessplan.HoldQuery) (int, error) {
			for _, org := range orgs() {
				if _, err := r.FindPlan(ctx, org, q.Plan, assessplan.LockNone); err == nil {
					q.Org = org
				}
			}
			return r.HoldTasks(ctx, q)
		})},
	{"holds without a version", []string{"Holds/CountsAndVersions"}, unversionedHolds},
}

// unversionedHolds shows a task that was held or released at the version that it had before.
func unversionedHolds() assessplan.Store {
	raised := &sync.Map{} // from a task to the version that it got by that
	return altered{memstore.New(), func(r assessplan.Repositories) assessplan.Repositories {
		hide := func(t assessplan.TaskState) assessplan.TaskState {
			if version, ok := raised.Load(t.ID); ok && version == t.Version {
				t.Version--
			}
			return t
		}
		hold := func(ctx context.Context, _ assessplan.Repositories, q assessplan.HoldQuery) (int, error) {
			all := assessplan.TaskQuery{Org: q.Org, Limit: 100}
			before, err := r.ListTasks(ctx, all)
			if err != nil {
				return 0, err
			}
			count, err := r.HoldTasks(ctx, q)
			after, _ := r.ListTasks(ctx, all)
			for i := range after {
				if after[i].Version > before[i].Version {
					raised.Store(after[i].ID, after[i].Version)
				}
			}
			return count, err
		}
		return holdsOtherwise{translated{r, unchanged, hide}, hold}
	}}
}
