package storetest

import (
	"context"
	"time"

	"github.com/assessplan/assessplan"
)

// method is a method of the repositories with a call of it that succeeds in the little world, and changes it if the
// method writes.
type method struct {
	name string
	call func(ctx context.Context, r assessplan.Repositories, w *littleWorld) error
}

// littleWorld has one record of each kind: a plan, a round, a pending task, an event that is leased and one that is ready.
type littleWorld struct {
	plan   assessplan.PlanState
	round  assessplan.EnrollmentState
	task   assessplan.TaskState
	leased assessplan.OutboxEvent
	next   assessplan.Event // another, which writes store
}

func (k *kit) littleWorld() *littleWorld {
	k.t.Helper()
	plan, round := k.world()
	w := &littleWorld{plan: plan, round: round}
	w.task = k.addTask(newTask(round, 1, 1, start), k.event(clinic, taskID(1), testee))
	w.leased = k.claimed(start, 1, 1)[0]
	k.addTask(newTask(round, 2, 2, start.AddDate(0, 0, 7)), k.event(clinic, taskID(2), testee))
	w.next = k.event(clinic, taskID(1), testee)
	return w
}

// picture is what a View shows of a little world.
type picture struct {
	Plan   assessplan.PlanState
	Round  assessplan.EnrollmentState
	Task   assessplan.TaskState
	Tasks  int
	Outbox assessplan.OutboxStats
}

func (k *kit) look(w *littleWorld) (p picture) {
	k.t.Helper()
	p.Plan, p.Round, p.Task = k.plan(clinic, w.plan.ID), k.round(clinic, w.round.ID), k.task(clinic, w.task.ID)
	p.Tasks = len(k.tasks(assessplan.TaskQuery{Org: clinic, Limit: 100}))
	p.Outbox = k.outboxStats()
	return p
}

// untouched checks that nothing of the little world changed.
func (k *kit) untouched(after string, w *littleWorld, before picture) {
	k.t.Helper()
	sameState(k, "the store after "+after, k.look(w), before)
}

// writes are the methods that write.
var writes = []method{
	{"SavePlan", func(ctx context.Context, r assessplan.Repositories, w *littleWorld) error {
		changed := w.plan
		changed.Status, changed.PausedAt = assessplan.PlanStatusPaused, start
		return r.SavePlan(ctx, assessplan.PlanChange{State: changed, Was: w.plan.Version, Events: []assessplan.Event{w.next}})
	}},
	{"SaveEnrollments", func(ctx context.Context, r assessplan.Repositories, w *littleWorld) error {
		change := assessplan.EnrollmentChange{State: paused(w.round), Was: w.round.Version, Events: []assessplan.Event{w.next}}
		return r.SaveEnrollments(ctx, []assessplan.EnrollmentChange{change})
	}},
	{"EraseTestee", func(ctx context.Context, r assessplan.Repositories, w *littleWorld) error {
		return r.EraseTestee(ctx, assessplan.Erasure{Org: clinic, Testee: testee, Pseudonym: "nobody", Events: []assessplan.Event{w.next}})
	}},
	{"SaveTasks", func(ctx context.Context, r assessplan.Repositories, w *littleWorld) error {
		change := assessplan.TaskChange{State: opened(w.task), Was: w.task.Version, Events: []assessplan.Event{w.next}}
		return r.SaveTasks(ctx, []assessplan.TaskChange{change})
	}},
	{"HoldTasks", func(ctx context.Context, r assessplan.Repositories, w *littleWorld) error {
		_, err := r.HoldTasks(ctx, assessplan.HoldQuery{Org: clinic, Plan: w.plan.ID, Held: true})
		return err
	}},
	{"ClaimEvents", func(ctx context.Context, r assessplan.Repositories, _ *littleWorld) error {
		_, err := r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: start, Lease: time.Minute, Limit: 10})
		return err
	}},
	{"SettleEvents", func(ctx context.Context, r assessplan.Repositories, w *littleWorld) error {
		_, err := r.SettleEvents(ctx, []assessplan.Settlement{{ID: w.leased.ID, Attempts: w.leased.Attempts, Outcome: assessplan.Delete}})
		return err
	}},
}

// reads are the methods that only read.
var reads = []method{
	{"FindPlan", func(ctx context.Context, r assessplan.Repositories, w *littleWorld) error {
		_, err := r.FindPlan(ctx, clinic, w.plan.ID, assessplan.LockNone)
		return err
	}},
	{"FindPlanByRef", func(ctx context.Context, r assessplan.Repositories, w *littleWorld) error {
		_, err := r.FindPlanByRef(ctx, clinic, w.plan.ExternalRef)
		return err
	}},
	{"FindPlansWithWork", func(ctx context.Context, r assessplan.Repositories, _ *littleWorld) error {
		_, err := r.FindPlansWithWork(ctx, assessplan.PlanWorkQuery{Limit: 1})
		return err
	}},
	{"ListPlans", func(ctx context.Context, r assessplan.Repositories, _ *littleWorld) error {
		_, err := r.ListPlans(ctx, assessplan.PlanQuery{Org: clinic, Limit: 1})
		return err
	}},
	{"FindEnrollment", func(ctx context.Context, r assessplan.Repositories, w *littleWorld) error {
		_, err := r.FindEnrollment(ctx, clinic, w.round.ID, assessplan.LockNone)
		return err
	}},
	{"FindRounds", func(ctx context.Context, r assessplan.Repositories, w *littleWorld) error {
		_, err := r.FindRounds(ctx, clinic, w.plan.ID, testee)
		return err
	}},
	{"FindEndedEnrollments", func(ctx context.Context, r assessplan.Repositories, _ *littleWorld) error {
		_, err := r.FindEndedEnrollments(ctx, assessplan.EndedQuery{Limit: 1})
		return err
	}},
	{"ListEnrollments", func(ctx context.Context, r assessplan.Repositories, _ *littleWorld) error {
		_, err := r.ListEnrollments(ctx, assessplan.EnrollmentQuery{Org: clinic, Limit: 1})
		return err
	}},
	{"FindTask", func(ctx context.Context, r assessplan.Repositories, w *littleWorld) error {
		_, err := r.FindTask(ctx, clinic, w.task.ID)
		return err
	}},
	{"FindTaskInAnyOrg", func(ctx context.Context, r assessplan.Repositories, w *littleWorld) error {
		_, err := r.FindTaskInAnyOrg(ctx, w.task.ID)
		return err
	}},
	{"FindPendingTasks", func(ctx context.Context, r assessplan.Repositories, _ *littleWorld) error {
		_, err := r.FindPendingTasks(ctx, due(start))
		return err
	}},
	{"FindOverdueTasks", func(ctx context.Context, r assessplan.Repositories, _ *littleWorld) error {
		_, err := r.FindOverdueTasks(ctx, due(start))
		return err
	}},
	{"OldestDue", func(ctx context.Context, r assessplan.Repositories, _ *littleWorld) error {
		_, err := r.OldestDue(ctx, due(start))
		return err
	}},
	{"ListTasks", func(ctx context.Context, r assessplan.Repositories, _ *littleWorld) error {
		_, err := r.ListTasks(ctx, assessplan.TaskQuery{Org: clinic, Limit: 1})
		return err
	}},
	{"ListParkedEvents", func(ctx context.Context, r assessplan.Repositories, _ *littleWorld) error {
		_, err := r.ListParkedEvents(ctx, assessplan.ParkedQuery{Limit: 1})
		return err
	}},
	{"OutboxStats", func(ctx context.Context, r assessplan.Repositories, _ *littleWorld) error {
		_, err := r.OutboxStats(ctx, start)
		return err
	}},
}
