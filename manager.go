package assessplan

import (
	"context"
	"time"
)

// Manager carries out the commands on plans, rounds and single tasks, and answers queries. Every command and query takes
// the org: a record of another org is [ErrNotFound]. It is safe for concurrent use.
type Manager struct {
	core *core
}

// Using returns a Manager on another store, usually one on a transaction of the host's (an adapter's WithTx): what it does
// is then stored or rolled back with everything else in that transaction. Config.Logger is told when a command returns, before
// the host commits or rolls back; the Observer is not told which tasks were stored; and nobody is nudged by the host's commit: a
// relay finds the events when it polls, or when the host calls [Relay.Nudge].
func (m *Manager) Using(store Store) *Manager {
	c := *m.core
	c.store = store
	return &Manager{core: &c}
}

// MaxListLimit is the most records that a page of a list has; a query without a limit, or with a greater one, gets it.
const MaxListLimit = 1000

// PlanPage is a page of plans.
type PlanPage struct {
	Plans []PlanState
	Next  PlanID // PlanQuery.After of the next page; zero if there is none
}

// EnrollmentPage is a page of rounds.
type EnrollmentPage struct {
	Enrollments []EnrollmentState
	Next        EnrollmentID // EnrollmentQuery.After of the next page; zero if there is none
}

// TaskPage is a page of tasks.
type TaskPage struct {
	Tasks []TaskState
	Next  TaskID // TaskQuery.After of the next page; zero if there is none
}

// GetPlan returns a plan.
func (m *Manager) GetPlan(ctx context.Context, org OrgID, id PlanID) (PlanState, error) {
	return view(ctx, m.core, org, func(ctx context.Context, r Repositories) (PlanState, error) {
		return r.FindPlan(ctx, org, id, LockNone)
	})
}

// GetPlanByRef returns the plan with an external ref.
func (m *Manager) GetPlanByRef(ctx context.Context, org OrgID, ref ExternalRef) (PlanState, error) {
	return view(ctx, m.core, org, func(ctx context.Context, r Repositories) (PlanState, error) {
		return r.FindPlanByRef(ctx, org, ref)
	})
}

// ListPlans returns a page of an org's plans, ordered by ID.
func (m *Manager) ListPlans(ctx context.Context, q PlanQuery) (PlanPage, error) {
	limit := oneMore(&q.Limit)
	plans, err := view(ctx, m.core, q.Org, func(ctx context.Context, r Repositories) ([]PlanState, error) {
		return r.ListPlans(ctx, q)
	})
	plans, last := cutPage(plans, limit)
	return PlanPage{Plans: plans, Next: last.ID}, err
}

// GetEnrollment returns a round.
func (m *Manager) GetEnrollment(ctx context.Context, org OrgID, id EnrollmentID) (EnrollmentState, error) {
	return view(ctx, m.core, org, func(ctx context.Context, r Repositories) (EnrollmentState, error) {
		return r.FindEnrollment(ctx, org, id, LockNone)
	})
}

// ListEnrollments returns a page of an org's rounds, ordered by ID. A testee that can be none is [ErrInvalid].
func (m *Manager) ListEnrollments(ctx context.Context, q EnrollmentQuery) (EnrollmentPage, error) {
	if err := checkFilter(q.Testee); err != nil {
		return EnrollmentPage{}, err
	}
	limit := oneMore(&q.Limit)
	rounds, err := view(ctx, m.core, q.Org, func(ctx context.Context, r Repositories) ([]EnrollmentState, error) {
		return r.ListEnrollments(ctx, q)
	})
	rounds, last := cutPage(rounds, limit)
	return EnrollmentPage{Enrollments: rounds, Next: last.ID}, err
}

// GetTask returns a task.
func (m *Manager) GetTask(ctx context.Context, org OrgID, id TaskID) (TaskState, error) {
	return view(ctx, m.core, org, func(ctx context.Context, r Repositories) (TaskState, error) {
		return r.FindTask(ctx, org, id)
	})
}

// ListTasks returns a page of an org's tasks, ordered by ID. A testee that can be none is [ErrInvalid].
func (m *Manager) ListTasks(ctx context.Context, q TaskQuery) (TaskPage, error) {
	if err := checkFilter(q.Testee); err != nil {
		return TaskPage{}, err
	}
	limit := oneMore(&q.Limit)
	q.PlannedFrom, q.PlannedBefore = q.PlannedFrom.UTC(), q.PlannedBefore.UTC()
	tasks, err := view(ctx, m.core, q.Org, func(ctx context.Context, r Repositories) ([]TaskState, error) {
		return r.ListTasks(ctx, q)
	})
	tasks, last := cutPage(tasks, limit)
	return TaskPage{Tasks: tasks, Next: last.ID}, err
}

// checkFilter judges the testee that a list is narrowed to. Empty is everybody.
func checkFilter(testee TesteeID) error {
	f := faults{}
	if testee != "" {
		checkReference(&f, "testee_id", testee)
	}
	return f.Err()
}

// findPlan returns a plan that a command builds on: a stored plan is judged before it is believed.
func findPlan(ctx context.Context, r Repositories, org OrgID, id PlanID, lock LockMode) (PlanState, error) {
	state, err := r.FindPlan(ctx, org, id, lock)
	if err != nil {
		return PlanState{}, err
	}
	_, err = RestorePlan(state)
	return state, err
}

// oneMore settles how many records a page has, and asks the store for one more, which tells whether there is another page.
func oneMore(asked *int) (limit int) {
	limit = min(*asked, MaxListLimit)
	if limit < 1 {
		limit = MaxListLimit
	}
	*asked = limit + 1
	return limit
}

// cutPage cuts a page to its limit and returns its last record, if another page follows.
func cutPage[T any](found []T, limit int) (page []T, last T) {
	if len(found) > limit {
		return found[:limit], found[limit-1]
	}
	return found, last
}

// view reads in one transaction, for one org.
func view[T any](ctx context.Context, c *core, org OrgID, read func(ctx context.Context, r Repositories) (T, error)) (T, error) {
	var found T
	f := faults{}
	checkReference(&f, "org_id", org)
	if err := f.Err(); err != nil {
		return found, err
	}
	err := c.store.View(ctx, func(ctx context.Context, r Repositories) (err error) {
		found, err = read(ctx, r)
		return err
	})
	return found, err
}

// update changes something in one transaction, for one org, and returns what it is then.
func update[T any](ctx context.Context, c *core, org OrgID, change func(ctx context.Context, r Repositories, now time.Time) (T, error)) (T, error) {
	var changed T
	f := faults{}
	checkReference(&f, "org_id", org)
	if err := f.Err(); err != nil {
		return changed, err
	}
	err := c.store.Update(ctx, func(ctx context.Context, r Repositories) (err error) {
		changed, err = change(ctx, r, c.now())
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return changed, nil
}
