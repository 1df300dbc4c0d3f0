package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/assessplan/assessplan"
)

// world stores a plan of the clinic and a round of the first testee in it.
func (k *kit) world() (assessplan.PlanState, assessplan.EnrollmentState) {
	k.t.Helper()
	plan := newPlan(clinic, 1)
	plan.ExternalRef = "plan-1"
	plan = k.addPlan(plan)
	return plan, k.addRound(newRound(plan, 1, testee))
}

// roundOf stores plan n of an org and round n of a testee in it, and returns the round.
func (k *kit) roundOf(org assessplan.OrgID, n uint32, who assessplan.TesteeID) assessplan.EnrollmentState {
	k.t.Helper()
	return k.addRound(newRound(k.addPlan(newPlan(org, n)), n, who))
}

// The add methods store new records and return them with the version that they then have.

func (k *kit) addPlan(plan assessplan.PlanState, events ...assessplan.Event) assessplan.PlanState {
	k.t.Helper()
	k.update("save a new plan", func(ctx context.Context, r assessplan.Repositories) error {
		return r.SavePlan(ctx, assessplan.PlanChange{State: plan, Events: events})
	})
	plan.Version = 1
	return plan
}

func (k *kit) addRound(round assessplan.EnrollmentState, events ...assessplan.Event) assessplan.EnrollmentState {
	k.t.Helper()
	k.update("save a new round", func(ctx context.Context, r assessplan.Repositories) error {
		return r.SaveEnrollments(ctx, []assessplan.EnrollmentChange{{State: round, Events: events}})
	})
	round.Version = 1
	return round
}

func (k *kit) addTasks(tasks ...assessplan.TaskState) []assessplan.TaskState {
	k.t.Helper()
	k.update("save new tasks", func(ctx context.Context, r assessplan.Repositories) error {
		return r.SaveTasks(ctx, taskChanges(tasks))
	})
	tasks = slices.Clone(tasks)
	for i := range tasks {
		tasks[i].Version = 1
	}
	return tasks
}

func (k *kit) addTask(task assessplan.TaskState, events ...assessplan.Event) assessplan.TaskState {
	k.t.Helper()
	k.update("save a new task", func(ctx context.Context, r assessplan.Repositories) error {
		return r.SaveTasks(ctx, []assessplan.TaskChange{{State: task, Events: events}})
	})
	task.Version = 1
	return task
}

// put stores what was read at its version, and returns it with the next.
func (k *kit) put(task assessplan.TaskState, events ...assessplan.Event) assessplan.TaskState {
	k.t.Helper()
	k.update("save a task that was read", func(ctx context.Context, r assessplan.Repositories) error {
		return r.SaveTasks(ctx, []assessplan.TaskChange{{State: task, Was: task.Version, Events: events}})
	})
	task.Version++
	return task
}

func (k *kit) putRound(round assessplan.EnrollmentState, events ...assessplan.Event) assessplan.EnrollmentState {
	k.t.Helper()
	k.update("save a round that was read", func(ctx context.Context, r assessplan.Repositories) error {
		return r.SaveEnrollments(ctx, []assessplan.EnrollmentChange{{State: round, Was: round.Version, Events: events}})
	})
	round.Version++
	return round
}

// taskChanges stores each task over the version that it has; 0 inserts it.
func taskChanges(tasks []assessplan.TaskState) []assessplan.TaskChange {
	changes := make([]assessplan.TaskChange, len(tasks))
	for i, task := range tasks {
		changes[i] = assessplan.TaskChange{State: task, Was: task.Version}
	}
	return changes
}

// The readers below look in a View; those whose method locks in Update look there too.

// findTwice finds in a View and in an Update, where stores often run another query, and checks that both find the same.
func findTwice[R comparable](k *kit, what string, find func(ctx context.Context, r assessplan.Repositories) ([]R, error)) (inView []R) {
	k.t.Helper()
	var inUpdate []R
	k.view("find "+what, func(ctx context.Context, r assessplan.Repositories) (err error) {
		inView, err = find(ctx, r)
		return err
	})
	k.update("find "+what+" in Update", func(ctx context.Context, r assessplan.Repositories) (err error) {
		inUpdate, err = find(ctx, r)
		return err
	})
	if !slices.Equal(inView, inUpdate) {
		k.failf("%s: got %d in View and %d in Update, or others, want the same", what, len(inView), len(inUpdate))
	}
	return inView
}

// both runs a transaction that only reads in a View and in an Update.
func (k *kit) both(doing string, fn transaction) {
	k.t.Helper()
	k.view(doing+" in View", fn)
	k.update(doing+" in Update", fn)
}

func (k *kit) task(org assessplan.OrgID, id assessplan.TaskID) (found assessplan.TaskState) {
	k.t.Helper()
	k.view("find a task", func(ctx context.Context, r assessplan.Repositories) (err error) {
		found, err = r.FindTask(ctx, org, id)
		return err
	})
	return found
}

func (k *kit) plan(org assessplan.OrgID, id assessplan.PlanID) (found assessplan.PlanState) {
	k.t.Helper()
	k.view("find a plan", func(ctx context.Context, r assessplan.Repositories) (err error) {
		found, err = r.FindPlan(ctx, org, id, assessplan.LockNone)
		return err
	})
	return found
}

func (k *kit) round(org assessplan.OrgID, id assessplan.EnrollmentID) (found assessplan.EnrollmentState) {
	k.t.Helper()
	k.view("find a round", func(ctx context.Context, r assessplan.Repositories) (err error) {
		found, err = r.FindEnrollment(ctx, org, id, assessplan.LockNone)
		return err
	})
	return found
}

func (k *kit) tasks(q assessplan.TaskQuery) (found []assessplan.TaskState) {
	k.t.Helper()
	k.view("list tasks", func(ctx context.Context, r assessplan.Repositories) (err error) {
		found, err = r.ListTasks(ctx, q)
		return err
	})
	return found
}

func (k *kit) pending(q assessplan.DueQuery) []assessplan.TaskState {
	k.t.Helper()
	return findTwice(k, "pending tasks", func(ctx context.Context, r assessplan.Repositories) ([]assessplan.TaskState, error) {
		return r.FindPendingTasks(ctx, q)
	})
}

func (k *kit) overdue(q assessplan.DueQuery) []assessplan.TaskState {
	k.t.Helper()
	return findTwice(k, "overdue tasks", func(ctx context.Context, r assessplan.Repositories) ([]assessplan.TaskState, error) {
		return r.FindOverdueTasks(ctx, q)
	})
}

func (k *kit) oldestDue(q assessplan.DueQuery) (oldest time.Time) {
	k.t.Helper()
	k.view("look for the oldest task that is due", func(ctx context.Context, r assessplan.Repositories) (err error) {
		oldest, err = r.OldestDue(ctx, q)
		return err
	})
	return oldest
}

func (k *kit) ended(q assessplan.EndedQuery) []assessplan.EnrollmentState {
	k.t.Helper()
	return findTwice(k, "ended rounds", func(ctx context.Context, r assessplan.Repositories) ([]assessplan.EnrollmentState, error) {
		return r.FindEndedEnrollments(ctx, q)
	})
}

func (k *kit) rounds(org assessplan.OrgID, plan assessplan.PlanID, who assessplan.TesteeID) []assessplan.EnrollmentState {
	k.t.Helper()
	return findTwice(k, "rounds of a testee", func(ctx context.Context, r assessplan.Repositories) ([]assessplan.EnrollmentState, error) {
		return r.FindRounds(ctx, org, plan, who)
	})
}

func (k *kit) outboxStats() (stats assessplan.OutboxStats) {
	k.t.Helper()
	k.view("count the outbox", func(ctx context.Context, r assessplan.Repositories) (err error) {
		stats, err = r.OutboxStats(ctx, start)
		return err
	})
	return stats
}

// due selects up to 100 tasks of all orgs that are due at an instant.
func due(before time.Time) assessplan.DueQuery {
	return assessplan.DueQuery{Before: before, Now: before, Limit: 100}
}

func taskIDs(tasks []assessplan.TaskState) []assessplan.TaskID {
	ids := make([]assessplan.TaskID, len(tasks))
	for i, task := range tasks {
		ids[i] = task.ID
	}
	return ids
}

func roundIDs(rounds []assessplan.EnrollmentState) []assessplan.EnrollmentID {
	ids := make([]assessplan.EnrollmentID, len(rounds))
	for i, round := range rounds {
		ids[i] = round.ID
	}
	return ids
}

func planIDs(plans []assessplan.PlanState) []assessplan.PlanID {
	ids := make([]assessplan.PlanID, len(plans))
	for i, plan := range plans {
		ids[i] = plan.ID
	}
	return ids
}
