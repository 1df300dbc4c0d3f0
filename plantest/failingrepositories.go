package plantest

import (
	"context"
	"time"

	"github.com/assessplan/assessplan"
)

// Call names a method of [assessplan.Store] or [assessplan.Repositories].
type Call string

// The calls that a [FailingStore] can fail.
const (
	View   Call = "View"
	Update Call = "Update"

	FindPlan          Call = "FindPlan"
	FindPlanByRef     Call = "FindPlanByRef"
	FindPlansWithWork Call = "FindPlansWithWork"
	ListPlans         Call = "ListPlans"
	SavePlan          Call = "SavePlan"

	FindEnrollment       Call = "FindEnrollment"
	FindRounds           Call = "FindRounds"
	FindEndedEnrollments Call = "FindEndedEnrollments"
	ListEnrollments      Call = "ListEnrollments"
	SaveEnrollments      Call = "SaveEnrollments"
	EraseTestee          Call = "EraseTestee"

	FindTask         Call = "FindTask"
	FindTaskInAnyOrg Call = "FindTaskInAnyOrg"
	FindPendingTasks Call = "FindPendingTasks"
	FindOverdueTasks Call = "FindOverdueTasks"
	OldestDue        Call = "OldestDue"
	ListTasks        Call = "ListTasks"
	SaveTasks        Call = "SaveTasks"
	HoldTasks        Call = "HoldTasks"

	ClaimEvents      Call = "ClaimEvents"
	SettleEvents     Call = "SettleEvents"
	ListParkedEvents Call = "ListParkedEvents"
	OutboxStats      Call = "OutboxStats"
)

// failingRepositories forwards what it is not told to fail. It belongs to one run of one transaction.
type failingRepositories struct {
	assessplan.Repositories
	store   *FailingStore
	refused error // the write that failed by order
}

func (r *failingRepositories) write(ctx context.Context, call Call) error {
	err := r.store.step(ctx, call)
	if err != nil {
		r.refused = err
	}
	return err
}

// asked makes a read, unless it was ordered to fail.
func asked[T any](ctx context.Context, r *failingRepositories, call Call, read func() (T, error)) (T, error) {
	if err := r.store.step(ctx, call); err != nil {
		var none T
		return none, err
	}
	return read()
}

// changed makes a write that answers something, unless it was ordered to fail.
func changed[T any](ctx context.Context, r *failingRepositories, call Call, write func() (T, error)) (T, error) {
	if err := r.write(ctx, call); err != nil {
		var none T
		return none, err
	}
	return write()
}

func (r *failingRepositories) FindPlan(ctx context.Context, org assessplan.OrgID, id assessplan.PlanID, lock assessplan.LockMode) (assessplan.PlanState, error) {
	return asked(ctx, r, FindPlan, func() (assessplan.PlanState, error) { return r.Repositories.FindPlan(ctx, org, id, lock) })
}

func (r *failingRepositories) FindPlanByRef(ctx context.Context, org assessplan.OrgID, ref assessplan.ExternalRef) (assessplan.PlanState, error) {
	return asked(ctx, r, FindPlanByRef, func() (assessplan.PlanState, error) { return r.Repositories.FindPlanByRef(ctx, org, ref) })
}

func (r *failingRepositories) FindPlansWithWork(ctx context.Context, q assessplan.PlanWorkQuery) ([]assessplan.PlanState, error) {
	return asked(ctx, r, FindPlansWithWork, func() ([]assessplan.PlanState, error) { return r.Repositories.FindPlansWithWork(ctx, q) })
}

func (r *failingRepositories) ListPlans(ctx context.Context, q assessplan.PlanQuery) ([]assessplan.PlanState, error) {
	return asked(ctx, r, ListPlans, func() ([]assessplan.PlanState, error) { return r.Repositories.ListPlans(ctx, q) })
}

func (r *failingRepositories) SavePlan(ctx context.Context, change assessplan.PlanChange) error {
	if err := r.write(ctx, SavePlan); err != nil {
		return err
	}
	return r.Repositories.SavePlan(ctx, change)
}

func (r *failingRepositories) FindEnrollment(ctx context.Context, org assessplan.OrgID, id assessplan.EnrollmentID, lock assessplan.LockMode) (assessplan.EnrollmentState, error) {
	return asked(ctx, r, FindEnrollment, func() (assessplan.EnrollmentState, error) { return r.Repositories.FindEnrollment(ctx, org, id, lock) })
}

func (r *failingRepositories) FindRounds(ctx context.Context, org assessplan.OrgID, plan assessplan.PlanID, testee assessplan.TesteeID) ([]assessplan.EnrollmentState, error) {
	return asked(ctx, r, FindRounds, func() ([]assessplan.EnrollmentState, error) { return r.Repositories.FindRounds(ctx, org, plan, testee) })
}

func (r *failingRepositories) FindEndedEnrollments(ctx context.Context, q assessplan.EndedQuery) ([]assessplan.EnrollmentState, error) {
	return asked(ctx, r, FindEndedEnrollments, func() ([]assessplan.EnrollmentState, error) { return r.Repositories.FindEndedEnrollments(ctx, q) })
}

func (r *failingRepositories) ListEnrollments(ctx context.Context, q assessplan.EnrollmentQuery) ([]assessplan.EnrollmentState, error) {
	return asked(ctx, r, ListEnrollments, func() ([]assessplan.EnrollmentState, error) { return r.Repositories.ListEnrollments(ctx, q) })
}

func (r *failingRepositories) SaveEnrollments(ctx context.Context, changes []assessplan.EnrollmentChange) error {
	if err := r.write(ctx, SaveEnrollments); err != nil {
		return err
	}
	return r.Repositories.SaveEnrollments(ctx, changes)
}

func (r *failingRepositories) EraseTestee(ctx context.Context, e assessplan.Erasure) error {
	if err := r.write(ctx, EraseTestee); err != nil {
		return err
	}
	return r.Repositories.EraseTestee(ctx, e)
}

func (r *failingRepositories) FindTask(ctx context.Context, org assessplan.OrgID, id assessplan.TaskID) (assessplan.TaskState, error) {
	return asked(ctx, r, FindTask, func() (assessplan.TaskState, error) { return r.Repositories.FindTask(ctx, org, id) })
}

func (r *failingRepositories) FindTaskInAnyOrg(ctx context.Context, id assessplan.TaskID) (assessplan.TaskState, error) {
	return asked(ctx, r, FindTaskInAnyOrg, func() (assessplan.TaskState, error) { return r.Repositories.FindTaskInAnyOrg(ctx, id) })
}

func (r *failingRepositories) FindPendingTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	return asked(ctx, r, FindPendingTasks, func() ([]assessplan.TaskState, error) { return r.Repositories.FindPendingTasks(ctx, q) })
}

func (r *failingRepositories) FindOverdueTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	return asked(ctx, r, FindOverdueTasks, func() ([]assessplan.TaskState, error) { return r.Repositories.FindOverdueTasks(ctx, q) })
}

func (r *failingRepositories) OldestDue(ctx context.Context, q assessplan.DueQuery) (time.Time, error) {
	return asked(ctx, r, OldestDue, func() (time.Time, error) { return r.Repositories.OldestDue(ctx, q) })
}

func (r *failingRepositories) ListTasks(ctx context.Context, q assessplan.TaskQuery) ([]assessplan.TaskState, error) {
	return asked(ctx, r, ListTasks, func() ([]assessplan.TaskState, error) { return r.Repositories.ListTasks(ctx, q) })
}

func (r *failingRepositories) SaveTasks(ctx context.Context, changes []assessplan.TaskChange) error {
	if err := r.write(ctx, SaveTasks); err != nil {
		return err
	}
	return r.Repositories.SaveTasks(ctx, changes)
}

func (r *failingRepositories) HoldTasks(ctx context.Context, q assessplan.HoldQuery) (int, error) {
	return changed(ctx, r, HoldTasks, func() (int, error) { return r.Repositories.HoldTasks(ctx, q) })
}

func (r *failingRepositories) ClaimEvents(ctx context.Context, q assessplan.ClaimQuery) ([]assessplan.OutboxEvent, error) {
	return changed(ctx, r, ClaimEvents, func() ([]assessplan.OutboxEvent, error) { return r.Repositories.ClaimEvents(ctx, q) })
}

func (r *failingRepositories) SettleEvents(ctx context.Context, settlements []assessplan.Settlement) (int, error) {
	return changed(ctx, r, SettleEvents, func() (int, error) { return r.Repositories.SettleEvents(ctx, settlements) })
}

func (r *failingRepositories) ListParkedEvents(ctx context.Context, q assessplan.ParkedQuery) ([]assessplan.OutboxEvent, error) {
	return asked(ctx, r, ListParkedEvents, func() ([]assessplan.OutboxEvent, error) { return r.Repositories.ListParkedEvents(ctx, q) })
}

func (r *failingRepositories) OutboxStats(ctx context.Context, now time.Time) (assessplan.OutboxStats, error) {
	return asked(ctx, r, OutboxStats, func() (assessplan.OutboxStats, error) { return r.Repositories.OutboxStats(ctx, now) })
}
