package storetest

import (
	"context"
	"time"

	"github.com/assessplan/assessplan"
)

var _ assessplan.Repositories = (*writer)(nil)

// everything is a limit that no check reaches.
const everything = 1_000_000

// outboxLock stands for the whole outbox.
var outboxLock = [16]byte{15: 255}

func (t *writer) FindPlan(ctx context.Context, org assessplan.OrgID, id assessplan.PlanID, lock assessplan.LockMode) (found assessplan.PlanState, err error) {
	if err := t.lock(ctx, id, lock); err != nil {
		return found, err
	}
	return ask(ctx, t, func(ctx context.Context, r assessplan.Repositories) (assessplan.PlanState, error) {
		return r.FindPlan(ctx, org, id, lock)
	})
}

func (t *writer) FindPlanByRef(ctx context.Context, org assessplan.OrgID, ref assessplan.ExternalRef) (assessplan.PlanState, error) {
	return ask(ctx, t, func(ctx context.Context, r assessplan.Repositories) (assessplan.PlanState, error) {
		return r.FindPlanByRef(ctx, org, ref)
	})
}

func (t *writer) FindPlansWithWork(ctx context.Context, q assessplan.PlanWorkQuery) ([]assessplan.PlanState, error) {
	return ask(ctx, t, func(ctx context.Context, r assessplan.Repositories) ([]assessplan.PlanState, error) {
		return r.FindPlansWithWork(ctx, q)
	})
}

func (t *writer) ListPlans(ctx context.Context, q assessplan.PlanQuery) ([]assessplan.PlanState, error) {
	return ask(ctx, t, func(ctx context.Context, r assessplan.Repositories) ([]assessplan.PlanState, error) {
		return r.ListPlans(ctx, q)
	})
}

func (t *writer) SavePlan(ctx context.Context, change assessplan.PlanChange) error {
	if err := t.lock(ctx, change.State.ID, assessplan.LockExclusive); err != nil {
		t.note(err)
		return err
	}
	_, err := tell(ctx, t, func(ctx context.Context, r assessplan.Repositories) (any, error) { return nil, r.SavePlan(ctx, change) })
	return err
}

func (t *writer) FindEnrollment(ctx context.Context, org assessplan.OrgID, id assessplan.EnrollmentID, lock assessplan.LockMode) (found assessplan.EnrollmentState, err error) {
	if err := t.lock(ctx, id, lock); err != nil {
		return found, err
	}
	return ask(ctx, t, func(ctx context.Context, r assessplan.Repositories) (assessplan.EnrollmentState, error) {
		return r.FindEnrollment(ctx, org, id, lock)
	})
}

func (t *writer) FindRounds(ctx context.Context, org assessplan.OrgID, plan assessplan.PlanID, who assessplan.TesteeID) ([]assessplan.EnrollmentState, error) {
	find := func(ctx context.Context, r assessplan.Repositories) ([]assessplan.EnrollmentState, error) {
		return r.FindRounds(ctx, org, plan, who)
	}
	found, err := ask(ctx, t, find)
	if err != nil {
		return nil, err
	}
	for _, round := range found {
		if err := t.lock(ctx, round.ID, assessplan.LockExclusive); err != nil {
			return nil, err
		}
	}
	return ask(ctx, t, find)
}

func (t *writer) FindEndedEnrollments(ctx context.Context, q assessplan.EndedQuery) ([]assessplan.EnrollmentState, error) {
	limit := q.Limit
	q.Limit = everything
	return claim(ctx, t, limit, func(e assessplan.EnrollmentState) [16]byte { return e.ID }, func() ([]assessplan.EnrollmentState, error) {
		return ask(ctx, t, func(ctx context.Context, r assessplan.Repositories) ([]assessplan.EnrollmentState, error) {
			return r.FindEndedEnrollments(ctx, q)
		})
	})
}

func (t *writer) ListEnrollments(ctx context.Context, q assessplan.EnrollmentQuery) ([]assessplan.EnrollmentState, error) {
	return ask(ctx, t, func(ctx context.Context, r assessplan.Repositories) ([]assessplan.EnrollmentState, error) {
		return r.ListEnrollments(ctx, q)
	})
}

func (t *writer) SaveEnrollments(ctx context.Context, changes []assessplan.EnrollmentChange) error {
	changes = append([]assessplan.EnrollmentChange(nil), changes...)
	for _, change := range changes {
		if err := t.lock(ctx, change.State.ID, assessplan.LockExclusive); err != nil {
			t.note(err)
			return err
		}
	}
	_, err := tell(ctx, t, func(ctx context.Context, r assessplan.Repositories) (any, error) {
		if t.store.flaws.versionsIgnored {
			blindRounds(ctx, r, changes)
		}
		return nil, r.SaveEnrollments(ctx, changes)
	})
	return err
}

func (t *writer) EraseTestee(ctx context.Context, e assessplan.Erasure) error {
	if t.store.flaws.erasesEventsAsRead {
		return t.eraseEventsAsRead(ctx, e)
	}
	_, err := tell(ctx, t, func(ctx context.Context, r assessplan.Repositories) (any, error) { return nil, r.EraseTestee(ctx, e) })
	return err
}

// eraseEventsAsRead waits for the tasks of the testee, and gives back the events that were stored meanwhile.
func (t *writer) eraseEventsAsRead(ctx context.Context, e assessplan.Erasure) error {
	claim := func(ctx context.Context, r assessplan.Repositories) ([]assessplan.OutboxEvent, error) {
		return r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: minutes(everything), Lease: time.Second, Limit: everything})
	}
	seen, err := ask(ctx, t, claim)
	if err != nil {
		return err
	}
	tasks, err := t.ListTasks(ctx, assessplan.TaskQuery{Org: e.Org, Testee: e.Testee, Limit: everything})
	for _, task := range tasks {
		if err == nil {
			err = t.lock(ctx, task.ID, assessplan.LockExclusive)
		}
	}
	if err != nil {
		t.note(err)
		return err
	}
	_, err = tell(ctx, t, func(ctx context.Context, r assessplan.Repositories) (any, error) {
		now, err := claim(ctx, r)
		if err != nil {
			return nil, err
		}
		erasure := e
		for _, event := range now[len(seen):] {
			erasure.Events = append(erasure.Events, event.Event)
		}
		return nil, r.EraseTestee(ctx, erasure)
	})
	return err
}

func (t *writer) FindTask(ctx context.Context, org assessplan.OrgID, id assessplan.TaskID) (found assessplan.TaskState, err error) {
	if err := t.lockTask(ctx, id); err != nil {
		return found, err
	}
	return ask(ctx, t, func(ctx context.Context, r assessplan.Repositories) (assessplan.TaskState, error) {
		return r.FindTask(ctx, org, id)
	})
}

func (t *writer) FindTaskInAnyOrg(ctx context.Context, id assessplan.TaskID) (found assessplan.TaskState, err error) {
	if err := t.lockTask(ctx, id); err != nil {
		return found, err
	}
	return ask(ctx, t, func(ctx context.Context, r assessplan.Repositories) (assessplan.TaskState, error) {
		return r.FindTaskInAnyOrg(ctx, id)
	})
}

func (t *writer) lockTask(ctx context.Context, id assessplan.TaskID) error {
	if t.store.flaws.findsUnlocked {
		return nil
	}
	return t.lock(ctx, id, assessplan.LockExclusive)
}

func (t *writer) FindPendingTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	return t.claimTasks(ctx, q, assessplan.Repositories.FindPendingTasks)
}

func (t *writer) FindOverdueTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	return t.claimTasks(ctx, q, assessplan.Repositories.FindOverdueTasks)
}

func (t *writer) claimTasks(ctx context.Context, q assessplan.DueQuery,
	find func(assessplan.Repositories, context.Context, assessplan.DueQuery) ([]assessplan.TaskState, error)) ([]assessplan.TaskState, error) {
	limit := q.Limit
	q.Limit = everything
	return claim(ctx, t, limit, func(t assessplan.TaskState) [16]byte { return t.ID }, func() ([]assessplan.TaskState, error) {
		return ask(ctx, t, func(ctx context.Context, r assessplan.Repositories) ([]assessplan.TaskState, error) {
			return find(r, ctx, q)
		})
	})
}

func (t *writer) OldestDue(ctx context.Context, q assessplan.DueQuery) (time.Time, error) {
	return ask(ctx, t, func(ctx context.Context, r assessplan.Repositories) (time.Time, error) { return r.OldestDue(ctx, q) })
}

func (t *writer) ListTasks(ctx context.Context, q assessplan.TaskQuery) ([]assessplan.TaskState, error) {
	return ask(ctx, t, func(ctx context.Context, r assessplan.Repositories) ([]assessplan.TaskState, error) {
		return r.ListTasks(ctx, q)
	})
}

func (t *writer) SaveTasks(ctx context.Context, changes []assessplan.TaskChange) error {
	changes = append([]assessplan.TaskChange(nil), changes...)
	for _, change := range changes {
		if err := t.lock(ctx, change.State.ID, assessplan.LockExclusive); err != nil {
			t.note(err)
			return err
		}
	}
	_, err := tell(ctx, t, func(ctx context.Context, r assessplan.Repositories) (any, error) {
		if t.store.flaws.versionsIgnored {
			blindTasks(ctx, r, changes)
		}
		return nil, r.SaveTasks(ctx, changes)
	})
	return err
}

// blindRounds makes changes to whatever version is stored.
func blindRounds(ctx context.Context, r assessplan.Repositories, changes []assessplan.EnrollmentChange) {
	for i := range changes {
		if stored, err := r.FindEnrollment(ctx, changes[i].State.Org, changes[i].State.ID, assessplan.LockNone); err == nil {
			changes[i].Was = stored.Version
		}
	}
}

// blindTasks makes changes to whatever version is stored, with events of that version.
func blindTasks(ctx context.Context, r assessplan.Repositories, changes []assessplan.TaskChange) {
	for i := range changes {
		stored, err := r.FindTask(ctx, changes[i].State.Org, changes[i].State.ID)
		if err == nil && len(changes[i].Events) > 0 {
			changes[i].Events = []assessplan.Event{eventOf(stored)}
		}
		changes[i].Was = stored.Version
	}
}

func (t *writer) HoldTasks(ctx context.Context, q assessplan.HoldQuery) (int, error) {
	all, err := t.ListTasks(ctx, assessplan.TaskQuery{Org: q.Org, Plan: q.Plan, Enrollment: q.Enrollment, Limit: everything})
	for _, task := range all {
		if err == nil && !t.store.flaws.holdsUnlocked {
			err = t.lock(ctx, task.ID, assessplan.LockExclusive)
		}
	}
	if err != nil {
		t.note(err)
		return 0, err
	}
	return tell(ctx, t, func(ctx context.Context, r assessplan.Repositories) (int, error) { return r.HoldTasks(ctx, q) })
}

func (t *writer) ClaimEvents(ctx context.Context, q assessplan.ClaimQuery) ([]assessplan.OutboxEvent, error) {
	if !t.store.flaws.outboxUnlocked && !t.store.table.tryLock(t, outboxLock) {
		return nil, ctx.Err()
	}
	return tell(ctx, t, func(ctx context.Context, r assessplan.Repositories) ([]assessplan.OutboxEvent, error) {
		return r.ClaimEvents(ctx, q)
	})
}

func (t *writer) SettleEvents(ctx context.Context, settlements []assessplan.Settlement) (int, error) {
	if err := t.lock(ctx, outboxLock, assessplan.LockExclusive); err != nil {
		t.note(err)
		return 0, err
	}
	return tell(ctx, t, func(ctx context.Context, r assessplan.Repositories) (int, error) {
		return r.SettleEvents(ctx, settlements)
	})
}

func (t *writer) ListParkedEvents(ctx context.Context, q assessplan.ParkedQuery) ([]assessplan.OutboxEvent, error) {
	return ask(ctx, t, func(ctx context.Context, r assessplan.Repositories) ([]assessplan.OutboxEvent, error) {
		return r.ListParkedEvents(ctx, q)
	})
}

func (t *writer) OutboxStats(ctx context.Context, now time.Time) (assessplan.OutboxStats, error) {
	return ask(ctx, t, func(ctx context.Context, r assessplan.Repositories) (assessplan.OutboxStats, error) {
		return r.OutboxStats(ctx, now)
	})
}
