package race_test

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
)

var _ assessplan.Repositories = (*writer)(nil)

// everything is a limit that no race reaches.
const everything = 1_000_000

// outboxLock stands for the whole outbox.
var outboxLock = [16]byte{15: 255}

func (w *writer) FindPlan(ctx context.Context, org assessplan.OrgID, id assessplan.PlanID, lock assessplan.LockMode) (found assessplan.PlanState, err error) {
	if !w.store.flaws.plansUnlocked {
		err = w.lock(ctx, id, lock)
	}
	if err != nil {
		return found, err
	}
	return ask(ctx, w, func(ctx context.Context, r assessplan.Repositories) (assessplan.PlanState, error) {
		return r.FindPlan(ctx, org, id, lock)
	})
}

func (w *writer) FindPlanByRef(ctx context.Context, org assessplan.OrgID, ref assessplan.ExternalRef) (assessplan.PlanState, error) {
	return ask(ctx, w, func(ctx context.Context, r assessplan.Repositories) (assessplan.PlanState, error) {
		return r.FindPlanByRef(ctx, org, ref)
	})
}

func (w *writer) FindPlansWithWork(ctx context.Context, q assessplan.PlanWorkQuery) ([]assessplan.PlanState, error) {
	return ask(ctx, w, func(ctx context.Context, r assessplan.Repositories) ([]assessplan.PlanState, error) {
		return r.FindPlansWithWork(ctx, q)
	})
}

func (w *writer) ListPlans(ctx context.Context, q assessplan.PlanQuery) ([]assessplan.PlanState, error) {
	return ask(ctx, w, func(ctx context.Context, r assessplan.Repositories) ([]assessplan.PlanState, error) {
		return r.ListPlans(ctx, q)
	})
}

func (w *writer) SavePlan(ctx context.Context, change assessplan.PlanChange) error {
	if err := w.lockAll(ctx, change.State.ID); err != nil {
		return err
	}
	change.Events = slices.Clone(change.Events)
	_, err := tell(ctx, w, func(ctx context.Context, r assessplan.Repositories) (any, error) {
		if w.store.flaws.versionsIgnored && change.Was > 0 {
			stored, err := r.FindPlan(ctx, change.State.Org, change.State.ID, assessplan.LockNone)
			if err != nil {
				return nil, err
			}
			change.Was = stored.Version
			change.Events = renumbered(change.Events, stored.Version)
		}
		return nil, r.SavePlan(ctx, change)
	})
	return err
}

func (w *writer) FindEnrollment(ctx context.Context, org assessplan.OrgID, id assessplan.EnrollmentID, lock assessplan.LockMode) (found assessplan.EnrollmentState, err error) {
	if !w.store.flaws.roundsUnlocked {
		err = w.lock(ctx, id, lock)
	}
	if err != nil {
		return found, err
	}
	return ask(ctx, w, func(ctx context.Context, r assessplan.Repositories) (assessplan.EnrollmentState, error) {
		return r.FindEnrollment(ctx, org, id, lock)
	})
}

func (w *writer) FindRounds(ctx context.Context, org assessplan.OrgID, plan assessplan.PlanID, who assessplan.TesteeID) ([]assessplan.EnrollmentState, error) {
	find := func(ctx context.Context, r assessplan.Repositories) ([]assessplan.EnrollmentState, error) {
		return r.FindRounds(ctx, org, plan, who)
	}
	found, err := ask(ctx, w, find)
	if err != nil || w.store.flaws.roundsUnlocked {
		return found, err
	}
	for _, round := range found {
		if err := w.lock(ctx, round.ID, assessplan.LockExclusive); err != nil {
			return nil, err
		}
	}
	return ask(ctx, w, find)
}

func (w *writer) FindEndedEnrollments(ctx context.Context, q assessplan.EndedQuery) ([]assessplan.EnrollmentState, error) {
	limit := q.Limit
	q.Limit = everything
	return claim(ctx, w, limit, func(e assessplan.EnrollmentState) [16]byte { return e.ID },
		func(ctx context.Context, r assessplan.Repositories) ([]assessplan.EnrollmentState, error) {
			return r.FindEndedEnrollments(ctx, q)
		})
}

func (w *writer) ListEnrollments(ctx context.Context, q assessplan.EnrollmentQuery) ([]assessplan.EnrollmentState, error) {
	return ask(ctx, w, func(ctx context.Context, r assessplan.Repositories) ([]assessplan.EnrollmentState, error) {
		return r.ListEnrollments(ctx, q)
	})
}

func (w *writer) SaveEnrollments(ctx context.Context, changes []assessplan.EnrollmentChange) error {
	changes = slices.Clone(changes)
	for _, change := range changes {
		if err := w.lockAll(ctx, change.State.ID); err != nil {
			return err
		}
	}
	_, err := tell(ctx, w, func(ctx context.Context, r assessplan.Repositories) (any, error) {
		if w.store.flaws.versionsIgnored {
			blindRounds(ctx, r, changes)
		}
		return nil, r.SaveEnrollments(ctx, changes)
	})
	return err
}

func (w *writer) EraseTestee(ctx context.Context, e assessplan.Erasure) error {
	if err := w.lockTestee(ctx, e); err != nil {
		return err
	}
	seen := -1
	_, err := tell(ctx, w, func(ctx context.Context, r assessplan.Repositories) (any, error) {
		rounds, err := r.ListEnrollments(ctx, assessplan.EnrollmentQuery{Org: e.Org, Testee: e.Testee, Limit: everything})
		if err != nil || seen >= 0 && len(rounds) != seen {
			return nil, cmp.Or(err, errSerialization) // a round that came meanwhile is not one that the statement saw
		}
		seen = len(rounds)
		return nil, w.eraseTestee(ctx, r, e)
	})
	return err
}

func (w *writer) eraseTestee(ctx context.Context, r assessplan.Repositories, e assessplan.Erasure) error {
	if w.store.flaws.erasureForgets {
		return forgetfulErasure(ctx, r, e)
	}
	return r.EraseTestee(ctx, e)
}

// forgetfulErasure leaves events that name the testee.
func forgetfulErasure(ctx context.Context, r assessplan.Repositories, e assessplan.Erasure) error {
	kept, err := eventsAbout(ctx, r, e.Testee)
	if err != nil {
		return err
	}
	e.Events = slices.Concat(kept, e.Events)
	return r.EraseTestee(ctx, e)
}

// eventsAbout returns events that name a testee.
func eventsAbout(ctx context.Context, r assessplan.Repositories, who assessplan.TesteeID) ([]assessplan.Event, error) {
	far := time.Date(9000, time.January, 1, 0, 0, 0, 0, time.UTC)
	claimed, err := r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: far, Lease: time.Second, Limit: everything})
	var about []assessplan.Event
	for _, event := range claimed {
		if bytes.Contains(event.Data, []byte(who)) {
			about = append(about, event.Event)
		}
	}
	return about, err
}

// lockTestee locks the rows that an erasure writes.
func (w *writer) lockTestee(ctx context.Context, e assessplan.Erasure) error {
	rounds, err := w.ListEnrollments(ctx, assessplan.EnrollmentQuery{Org: e.Org, Testee: e.Testee, Limit: everything})
	for _, round := range rounds {
		if err == nil {
			err = w.lockAll(ctx, round.ID)
		}
	}
	if err != nil {
		return err
	}
	return w.lockTasks(ctx, assessplan.TaskQuery{Org: e.Org, Testee: e.Testee, Limit: everything})
}

func (w *writer) lockTasks(ctx context.Context, q assessplan.TaskQuery) error {
	tasks, err := w.ListTasks(ctx, q)
	for _, task := range tasks {
		if err == nil {
			err = w.lockAll(ctx, task.ID)
		}
	}
	return err
}

func (w *writer) FindTask(ctx context.Context, org assessplan.OrgID, id assessplan.TaskID) (found assessplan.TaskState, err error) {
	if err := w.lockTask(ctx, id); err != nil {
		return found, err
	}
	return ask(ctx, w, func(ctx context.Context, r assessplan.Repositories) (assessplan.TaskState, error) {
		return r.FindTask(ctx, org, id)
	})
}

func (w *writer) FindTaskInAnyOrg(ctx context.Context, id assessplan.TaskID) (found assessplan.TaskState, err error) {
	if err := w.lockTask(ctx, id); err != nil {
		return found, err
	}
	return ask(ctx, w, func(ctx context.Context, r assessplan.Repositories) (assessplan.TaskState, error) {
		return r.FindTaskInAnyOrg(ctx, id)
	})
}

func (w *writer) lockTask(ctx context.Context, id assessplan.TaskID) error {
	if w.store.flaws.tasksUnlocked {
		return nil
	}
	return w.lock(ctx, id, assessplan.LockExclusive)
}

func (w *writer) FindPendingTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	return w.claimTasks(ctx, q, assessplan.Repositories.FindPendingTasks)
}

func (w *writer) FindOverdueTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	return w.claimTasks(ctx, q, assessplan.Repositories.FindOverdueTasks)
}

func (w *writer) claimTasks(ctx context.Context, q assessplan.DueQuery,
	find func(assessplan.Repositories, context.Context, assessplan.DueQuery) ([]assessplan.TaskState, error)) ([]assessplan.TaskState, error) {
	limit := q.Limit
	q.Limit = everything
	return claim(ctx, w, limit, func(t assessplan.TaskState) [16]byte { return t.ID },
		func(ctx context.Context, r assessplan.Repositories) ([]assessplan.TaskState, error) {
			return find(r, ctx, q)
		})
}

func (w *writer) OldestDue(ctx context.Context, q assessplan.DueQuery) (time.Time, error) {
	return ask(ctx, w, func(ctx context.Context, r assessplan.Repositories) (time.Time, error) { return r.OldestDue(ctx, q) })
}

func (w *writer) ListTasks(ctx context.Context, q assessplan.TaskQuery) ([]assessplan.TaskState, error) {
	return ask(ctx, w, func(ctx context.Context, r assessplan.Repositories) ([]assessplan.TaskState, error) {
		return r.ListTasks(ctx, q)
	})
}

func (w *writer) SaveTasks(ctx context.Context, changes []assessplan.TaskChange) error {
	changes = slices.Clone(changes)
	for _, change := range changes {
		if err := w.lockAll(ctx, change.State.ID); err != nil {
			return err
		}
	}
	_, err := tell(ctx, w, func(ctx context.Context, r assessplan.Repositories) (any, error) {
		if w.store.flaws.versionsIgnored {
			blindTasks(ctx, r, changes)
		}
		return nil, r.SaveTasks(ctx, changes)
	})
	return err
}

// blindRounds makes changes to whatever version is stored.
func blindRounds(ctx context.Context, r assessplan.Repositories, changes []assessplan.EnrollmentChange) {
	for i := range changes {
		change := &changes[i]
		if stored, err := r.FindEnrollment(ctx, change.State.Org, change.State.ID, assessplan.LockNone); err == nil {
			change.Was, change.Events = stored.Version, renumbered(change.Events, stored.Version)
		}
	}
}

// blindTasks makes changes to whatever version is stored.
func blindTasks(ctx context.Context, r assessplan.Repositories, changes []assessplan.TaskChange) {
	for i := range changes {
		change := &changes[i]
		if stored, err := r.FindTask(ctx, change.State.Org, change.State.ID); err == nil {
			change.Was, change.Events = stored.Version, renumbered(change.Events, stored.Version)
		}
	}
}

// renumbered are events of the version after the stored one, so that no ID stands in the way of a second one.
func renumbered(events []assessplan.Event, stored int64) []assessplan.Event {
	events = slices.Clone(events)
	for i := range events {
		if events[i].Version != stored+1 {
			events[i].Version, events[i].ID = stored+1, assessplan.EventID(uuid.New())
		}
	}
	return events
}

func (w *writer) HoldTasks(ctx context.Context, q assessplan.HoldQuery) (int, error) {
	if !w.store.flaws.holdsUnlocked {
		err := w.lockTasks(ctx, assessplan.TaskQuery{Org: q.Org, Plan: q.Plan, Enrollment: q.Enrollment,
			Status: []assessplan.TaskStatus{assessplan.Pending}, Limit: everything})
		if err != nil {
			w.note(err)
			return 0, err
		}
	}
	return tell(ctx, w, func(ctx context.Context, r assessplan.Repositories) (int, error) { return r.HoldTasks(ctx, q) })
}

func (w *writer) ClaimEvents(ctx context.Context, q assessplan.ClaimQuery) ([]assessplan.OutboxEvent, error) {
	if !w.store.locks.tryLock(w, outboxLock) {
		return nil, ctx.Err()
	}
	return tell(ctx, w, func(ctx context.Context, r assessplan.Repositories) ([]assessplan.OutboxEvent, error) {
		return r.ClaimEvents(ctx, q)
	})
}

func (w *writer) SettleEvents(ctx context.Context, settlements []assessplan.Settlement) (int, error) {
	if err := w.lockAll(ctx, outboxLock); err != nil {
		return 0, err
	}
	return tell(ctx, w, func(ctx context.Context, r assessplan.Repositories) (int, error) {
		return r.SettleEvents(ctx, settlements)
	})
}

func (w *writer) ListParkedEvents(ctx context.Context, q assessplan.ParkedQuery) ([]assessplan.OutboxEvent, error) {
	return ask(ctx, w, func(ctx context.Context, r assessplan.Repositories) ([]assessplan.OutboxEvent, error) {
		return r.ListParkedEvents(ctx, q)
	})
}

func (w *writer) OutboxStats(ctx context.Context, now time.Time) (assessplan.OutboxStats, error) {
	return ask(ctx, w, func(ctx context.Context, r assessplan.Repositories) (assessplan.OutboxStats, error) {
		return r.OutboxStats(ctx, now)
	})
}
