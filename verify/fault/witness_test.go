package fault_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

// site is the nth call of a method of the store in the story.
type site struct {
	call plantest.Call
	n    int
	way  string // how the library came to it: the functions that were under way, innermost first
}

// place is the function of the library in which the call stands, whatever command or pass came to it.
func (s site) place() string {
	functions := strings.Split(s.way, arrow)
	return strings.Join(functions[:min(2, len(functions))], arrow)
}

const arrow = " < "

// witness stands in front of a store and notes how the library comes to each call.
type witness struct {
	assessplan.Store
	mu    sync.Mutex
	count map[plantest.Call]int
	sites []site
}

func (w *witness) note(call plantest.Call) {
	var counters [64]uintptr
	way := []string{string(call)}
	frames := runtime.CallersFrames(counters[:runtime.Callers(3, counters[:])])
	for frame, more := frames.Next(); more; frame, more = frames.Next() {
		if name, ours := strings.CutPrefix(frame.Function, "github.com/assessplan/assessplan."); ours {
			way = append(way, name)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count[call]++
	w.sites = append(w.sites, site{call: call, n: w.count[call], way: strings.Join(way, arrow)})
}

func (w *witness) View(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	w.note(plantest.View)
	return w.Store.View(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		return fn(ctx, &watched{Repositories: r, witness: w})
	})
}

func (w *witness) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	w.note(plantest.Update)
	return w.Store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		return fn(ctx, &watched{Repositories: r, witness: w})
	})
}

// watched notes every call that the story makes; a method that is missing here is not one of them.
type watched struct {
	assessplan.Repositories
	witness *witness
}

func (w *watched) FindPlan(ctx context.Context, org assessplan.OrgID, id assessplan.PlanID, lock assessplan.LockMode) (assessplan.PlanState, error) {
	w.witness.note(plantest.FindPlan)
	return w.Repositories.FindPlan(ctx, org, id, lock)
}

func (w *watched) FindPlanByRef(ctx context.Context, org assessplan.OrgID, ref assessplan.ExternalRef) (assessplan.PlanState, error) {
	w.witness.note(plantest.FindPlanByRef)
	return w.Repositories.FindPlanByRef(ctx, org, ref)
}

func (w *watched) FindPlansWithWork(ctx context.Context, q assessplan.PlanWorkQuery) ([]assessplan.PlanState, error) {
	w.witness.note(plantest.FindPlansWithWork)
	return w.Repositories.FindPlansWithWork(ctx, q)
}

func (w *watched) SavePlan(ctx context.Context, change assessplan.PlanChange) error {
	w.witness.note(plantest.SavePlan)
	return w.Repositories.SavePlan(ctx, change)
}

func (w *watched) FindEnrollment(ctx context.Context, org assessplan.OrgID, id assessplan.EnrollmentID, lock assessplan.LockMode) (assessplan.EnrollmentState, error) {
	w.witness.note(plantest.FindEnrollment)
	return w.Repositories.FindEnrollment(ctx, org, id, lock)
}

func (w *watched) FindRounds(ctx context.Context, org assessplan.OrgID, plan assessplan.PlanID, testee assessplan.TesteeID) ([]assessplan.EnrollmentState, error) {
	w.witness.note(plantest.FindRounds)
	return w.Repositories.FindRounds(ctx, org, plan, testee)
}

func (w *watched) FindEndedEnrollments(ctx context.Context, q assessplan.EndedQuery) ([]assessplan.EnrollmentState, error) {
	w.witness.note(plantest.FindEndedEnrollments)
	return w.Repositories.FindEndedEnrollments(ctx, q)
}

func (w *watched) ListEnrollments(ctx context.Context, q assessplan.EnrollmentQuery) ([]assessplan.EnrollmentState, error) {
	w.witness.note(plantest.ListEnrollments)
	return w.Repositories.ListEnrollments(ctx, q)
}

func (w *watched) SaveEnrollments(ctx context.Context, changes []assessplan.EnrollmentChange) error {
	w.witness.note(plantest.SaveEnrollments)
	return w.Repositories.SaveEnrollments(ctx, changes)
}

func (w *watched) EraseTestee(ctx context.Context, e assessplan.Erasure) error {
	w.witness.note(plantest.EraseTestee)
	return w.Repositories.EraseTestee(ctx, e)
}

func (w *watched) FindTask(ctx context.Context, org assessplan.OrgID, id assessplan.TaskID) (assessplan.TaskState, error) {
	w.witness.note(plantest.FindTask)
	return w.Repositories.FindTask(ctx, org, id)
}

func (w *watched) FindTaskInAnyOrg(ctx context.Context, id assessplan.TaskID) (assessplan.TaskState, error) {
	w.witness.note(plantest.FindTaskInAnyOrg)
	return w.Repositories.FindTaskInAnyOrg(ctx, id)
}

func (w *watched) FindPendingTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	w.witness.note(plantest.FindPendingTasks)
	return w.Repositories.FindPendingTasks(ctx, q)
}

func (w *watched) FindOverdueTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	w.witness.note(plantest.FindOverdueTasks)
	return w.Repositories.FindOverdueTasks(ctx, q)
}

func (w *watched) OldestDue(ctx context.Context, q assessplan.DueQuery) (time.Time, error) {
	w.witness.note(plantest.OldestDue)
	return w.Repositories.OldestDue(ctx, q)
}

func (w *watched) ListTasks(ctx context.Context, q assessplan.TaskQuery) ([]assessplan.TaskState, error) {
	w.witness.note(plantest.ListTasks)
	return w.Repositories.ListTasks(ctx, q)
}

func (w *watched) SaveTasks(ctx context.Context, changes []assessplan.TaskChange) error {
	w.witness.note(plantest.SaveTasks)
	return w.Repositories.SaveTasks(ctx, changes)
}

func (w *watched) HoldTasks(ctx context.Context, q assessplan.HoldQuery) (int, error) {
	w.witness.note(plantest.HoldTasks)
	return w.Repositories.HoldTasks(ctx, q)
}

func (w *watched) ClaimEvents(ctx context.Context, q assessplan.ClaimQuery) ([]assessplan.OutboxEvent, error) {
	w.witness.note(plantest.ClaimEvents)
	return w.Repositories.ClaimEvents(ctx, q)
}

func (w *watched) SettleEvents(ctx context.Context, settlements []assessplan.Settlement) (int, error) {
	w.witness.note(plantest.SettleEvents)
	return w.Repositories.SettleEvents(ctx, settlements)
}

func (w *watched) OutboxStats(ctx context.Context, now time.Time) (assessplan.OutboxStats, error) {
	w.witness.note(plantest.OutboxStats)
	return w.Repositories.OutboxStats(ctx, now)
}
