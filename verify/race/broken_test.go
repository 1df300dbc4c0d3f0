package race_test

import (
	"cmp"
	"context"
	"slices"
	"testing"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
	"github.com/assessplan/assessplan/verify/internal/database"
)

// What the races notice in a crowd they also notice in an adapter for a real server.
func TestBrokenAdaptersAreNoticed(t *testing.T) {
	for _, kind := range database.Kinds {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			db := kind.New(t)
			sound := handles(t, db)
			for _, race := range races {
				for _, flaws := range race.noticed {
					if flaws.refusalsPassed {
						continue // no server can be talked into that
					}
					t.Run(race.name+"/"+flaws.String(), func(t *testing.T) {
						noticed(t, race, func() []assessplan.Store {
							db.Clear(t)
							return broken(sound, flaws)
						})
					})
				}
			}
		})
	}
}

// brokenAdapter is an adapter in which something was forgotten.
type brokenAdapter struct {
	assessplan.Store
	flaws flaws
}

func broken(sound []assessplan.Store, flaws flaws) (all []assessplan.Store) {
	for _, store := range sound {
		all = append(all, brokenAdapter{store, flaws})
	}
	return all
}

func (s brokenAdapter) Update(ctx context.Context, fn transaction) error {
	var first error
	return s.Store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		if s.flaws.conflictsFinal && first != nil {
			return first
		}
		first = fn(ctx, brokenRepositories{r, s})
		return first
	})
}

// committed reads what is committed, in a transaction of its own, so that nothing is locked.
func committed[R any](s brokenAdapter, read func(ctx context.Context, r assessplan.Repositories) (R, error)) (result R, err error) {
	err = s.View(context.Background(), func(ctx context.Context, r assessplan.Repositories) (err error) {
		result, err = read(ctx, r)
		return err
	})
	return result, err
}

// brokenRepositories is a transaction of a brokenAdapter. It has its own of every method that locks or compares.
type brokenRepositories struct {
	assessplan.Repositories
	store brokenAdapter
}

func (r brokenRepositories) FindPlan(ctx context.Context, org assessplan.OrgID, id assessplan.PlanID, lock assessplan.LockMode) (assessplan.PlanState, error) {
	if r.store.flaws.plansUnlocked {
		lock = assessplan.LockNone
	}
	return r.Repositories.FindPlan(ctx, org, id, lock)
}

func (r brokenRepositories) SavePlan(ctx context.Context, change assessplan.PlanChange) error {
	if r.store.flaws.versionsIgnored && change.Was > 0 {
		stored, err := r.Repositories.FindPlan(ctx, change.State.Org, change.State.ID, assessplan.LockExclusive)
		if err != nil {
			return err
		}
		change.Was, change.Events = stored.Version, renumbered(change.Events, stored.Version)
	}
	return r.Repositories.SavePlan(ctx, change)
}

func (r brokenRepositories) FindEnrollment(ctx context.Context, org assessplan.OrgID, id assessplan.EnrollmentID, lock assessplan.LockMode) (assessplan.EnrollmentState, error) {
	if r.store.flaws.roundsUnlocked {
		lock = assessplan.LockNone
	}
	return r.Repositories.FindEnrollment(ctx, org, id, lock)
}

func (r brokenRepositories) FindRounds(ctx context.Context, org assessplan.OrgID, plan assessplan.PlanID, who assessplan.TesteeID) ([]assessplan.EnrollmentState, error) {
	if !r.store.flaws.roundsUnlocked {
		return r.Repositories.FindRounds(ctx, org, plan, who)
	}
	found, err := r.ListEnrollments(ctx, assessplan.EnrollmentQuery{Org: org, Plan: plan, Testee: who, Limit: everything})
	slices.SortFunc(found, func(a, b assessplan.EnrollmentState) int {
		return cmp.Or(a.Plan.Compare(b.Plan), cmp.Compare(a.Round, b.Round))
	})
	return found, err
}

func (r brokenRepositories) FindEndedEnrollments(ctx context.Context, q assessplan.EndedQuery) ([]assessplan.EnrollmentState, error) {
	if !r.store.flaws.claimsShared {
		return r.Repositories.FindEndedEnrollments(ctx, q)
	}
	return committed(r.store, func(ctx context.Context, r assessplan.Repositories) ([]assessplan.EnrollmentState, error) {
		return r.FindEndedEnrollments(ctx, q)
	})
}

func (r brokenRepositories) SaveEnrollments(ctx context.Context, changes []assessplan.EnrollmentChange) error {
	if r.store.flaws.versionsIgnored {
		changes = slices.Clone(changes)
		blindRounds(ctx, r.Repositories, changes)
	}
	return r.Repositories.SaveEnrollments(ctx, changes)
}

func (r brokenRepositories) EraseTestee(ctx context.Context, e assessplan.Erasure) error {
	if r.store.flaws.erasureForgets {
		return forgetfulErasure(ctx, r.Repositories, e)
	}
	return r.Repositories.EraseTestee(ctx, e)
}

func (r brokenRepositories) FindTask(ctx context.Context, org assessplan.OrgID, id assessplan.TaskID) (assessplan.TaskState, error) {
	if !r.store.flaws.tasksUnlocked {
		return r.Repositories.FindTask(ctx, org, id)
	}
	return committed(r.store, func(ctx context.Context, r assessplan.Repositories) (assessplan.TaskState, error) {
		return r.FindTask(ctx, org, id)
	})
}

func (r brokenRepositories) FindTaskInAnyOrg(ctx context.Context, id assessplan.TaskID) (assessplan.TaskState, error) {
	if !r.store.flaws.tasksUnlocked {
		return r.Repositories.FindTaskInAnyOrg(ctx, id)
	}
	return committed(r.store, func(ctx context.Context, r assessplan.Repositories) (assessplan.TaskState, error) {
		return r.FindTaskInAnyOrg(ctx, id)
	})
}

func (r brokenRepositories) FindPendingTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	if !r.store.flaws.claimsShared {
		return r.Repositories.FindPendingTasks(ctx, q)
	}
	return committed(r.store, func(ctx context.Context, r assessplan.Repositories) ([]assessplan.TaskState, error) {
		return r.FindPendingTasks(ctx, q)
	})
}

func (r brokenRepositories) FindOverdueTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	if !r.store.flaws.claimsShared {
		return r.Repositories.FindOverdueTasks(ctx, q)
	}
	return committed(r.store, func(ctx context.Context, r assessplan.Repositories) ([]assessplan.TaskState, error) {
		return r.FindOverdueTasks(ctx, q)
	})
}

func (r brokenRepositories) SaveTasks(ctx context.Context, changes []assessplan.TaskChange) error {
	if r.store.flaws.versionsIgnored {
		changes = slices.Clone(changes)
		blindTasks(ctx, r.Repositories, changes)
	}
	return r.Repositories.SaveTasks(ctx, changes)
}

// HoldTasks with a flaw does not wait: it leaves out what others hold.
func (r brokenRepositories) HoldTasks(ctx context.Context, q assessplan.HoldQuery) (int, error) {
	if !r.store.flaws.holdsUnlocked || !q.Held {
		return r.Repositories.HoldTasks(ctx, q)
	}
	far := plantest.Morning().AddDate(1000, 0, 0)
	free, err := r.Repositories.FindPendingTasks(ctx, assessplan.DueQuery{Before: far, Now: far, Limit: everything, Scope: assessplan.InPlan(q.Org, q.Plan)})
	if err != nil {
		return 0, err
	}
	var changes []assessplan.TaskChange
	for _, task := range free {
		if q.Enrollment.IsZero() || task.Enrollment == q.Enrollment {
			task.Held = true
			changes = append(changes, assessplan.TaskChange{State: task, Was: task.Version})
		}
	}
	return len(changes), r.Repositories.SaveTasks(ctx, changes)
}
