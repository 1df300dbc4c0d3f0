package model_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/assessplan/assessplan"
)

// These checks do not need the model: they hold of any history at all.

// lawful is every move of a task that a step may make; those that stand still are lawful too.
var lawful = map[assessplan.TaskStatus][]assessplan.TaskStatus{
	assessplan.Pending:   {assessplan.Opened, assessplan.Expired, assessplan.Canceled},
	assessplan.Opened:    {assessplan.Completed, assessplan.Expired, assessplan.Canceled, assessplan.Pending},
	assessplan.Expired:   {assessplan.Completed, assessplan.Pending},
	assessplan.Canceled:  {assessplan.Completed, assessplan.Pending},
	assessplan.Completed: {},
}

// checkHistory compares a task with what it was a step before.
func (w *world) checkHistory(t *rapid.T, now assessplan.TaskState) {
	was, known := w.seen[uuid.UUID(now.ID)]
	if known && was == now {
		return
	}
	w.seen[uuid.UUID(now.ID)] = now
	_, err := assessplan.RestoreTask(now)
	must(t, err == nil, "task %s cannot be: %v", now.ID, err)
	if !known {
		must(t, now.Version == 1, "task %s is new and of version %d", now.ID, now.Version)
		return
	}
	w.old = append(w.old, was)
	must(t, now.Version > was.Version, "task %s was changed without another version", now.ID)
	moved := was.Status != now.Status
	must(t, !moved || slices.Contains(lawful[was.Status], now.Status), "task %s went from %s to %s", now.ID, was.Status, now.Status)
	must(t, now.Revision == was.Revision || now.Status == assessplan.Pending, "task %s was planned anew and is %s", now.ID, now.Status)
	must(t, now.EntrySerial >= was.EntrySerial, "task %s has an entry of an earlier serial", now.ID)
	if was.Status == assessplan.Pending && now.Status == assessplan.Opened {
		must(t, !was.Held, "task %s was opened while held", now.ID)
		must(t, !now.OpenAt.Before(now.PlannedAt), "task %s was opened before it was due", now.ID)
		must(t, now.OpenUntil.IsZero() || now.OpenAt.Before(now.OpenUntil), "task %s was opened after its window", now.ID)
		must(t, now.EntrySerial == was.EntrySerial+1, "task %s was opened with serial %d after %d", now.ID, now.EntrySerial, was.EntrySerial)
	}
}

// checkSums counts a round's tasks, and its testee's rounds.
func (w *world) checkSums(t *rapid.T, r *round, tasks map[assessplan.TaskID]assessplan.TaskState) {
	sum, live := 0, 0
	for _, task := range tasks {
		if task.Enrollment != r.id {
			continue
		}
		sum++
		if !task.Status.Ended() {
			live++
		}
	}
	must(t, sum == r.planned, "round %s has %d tasks; planned were %d", r.id, sum, r.planned)
	must(t, live == 0 || r.running(), "round %s is %s with %d tasks that have not ended", r.id, r.status, live)
	running := 0
	for _, other := range w.model.roundsOf(r.plan, r.testee) {
		if other.running() {
			running++
		}
	}
	must(t, running <= 1, "the testee of round %s has %d running rounds in one plan", r.id, running)
}

// checkTokens: a token works exactly while its task is opened and unexpired, and only the newest.
func (w *world) checkTokens(t *rapid.T, m *task) {
	w.resolve(t, m, m.token)
	for _, token := range m.dead {
		w.resolve(t, m, token)
	}
}

func (w *world) resolve(t *rapid.T, m *task, token string) {
	want := w.model.resolve(m, token)
	state, err := w.services[0].Manager.ResolveEntry(w.ctx, m.id, token)
	must(t, errors.Is(err, want), "task %s (%s, entry until %v): the newest token (%v) is answered with %v; want %v", m.id, m.status,
		m.expireAt.Format(time.RFC3339Nano), token == m.token, err, want)
	must(t, err != nil || state.ID == m.id, "the entry of task %s leads to task %s", m.id, state.ID)
	w.coverage.note("resolve", string(m.status), answer(want))
}

// checkAlien: to another org no record is there.
func (w *world) checkAlien(t *rapid.T) {
	manager := w.services[0].Manager
	for _, p := range w.model.plans {
		_, err := manager.GetPlan(w.ctx, otherOrg(p.spec.Org), p.id)
		must(t, errors.Is(err, assessplan.ErrNotFound), "plan %s is shown to another org: %v", p.id, err)
	}
	for _, r := range w.model.rounds {
		_, err := manager.GetEnrollment(w.ctx, otherOrg(r.plan.spec.Org), r.id)
		must(t, errors.Is(err, assessplan.ErrNotFound), "round %s is shown to another org: %v", r.id, err)
	}
	for _, m := range w.model.tasks {
		other := otherOrg(m.round.plan.spec.Org)
		_, err := manager.GetTask(w.ctx, other, m.id)
		must(t, errors.Is(err, assessplan.ErrNotFound), "task %s is shown to another org: %v", m.id, err)
		page, err := manager.ListTasks(w.ctx, assessplan.TaskQuery{Org: other, Enrollment: m.round.id})
		must(t, err == nil && len(page.Tasks) == 0, "tasks of round %s are listed for another org", m.round.id)
	}
}

func otherOrg(org assessplan.OrgID) assessplan.OrgID {
	if org == orgs[0] {
		return orgs[1]
	}
	return orgs[0]
}

// finish is what is looked at once, at the end of a run.
func (w *world) finish(t *rapid.T) {
	for _, m := range w.model.tasks {
		w.checkTokens(t, m)
	}
	w.checkAlien(t)
	w.relay.broken = 0
	w.clock.at = w.clock.at.Add(100 * 24 * time.Hour) // every lease is over, however often the clock went back
	err := drain(w.ctx, w.store, w.relay, w.clock.at, 100, 1000)
	must(t, err == nil, "drain: %v", err)
	must(t, w.relay.fault == "", "delivery: %s", w.relay.fault)
	w.checkTold(t)
	must(t, w.left(t) == assessplan.OutboxStats{}, "the outbox is not empty: %+v", w.left(t))
}

func (w *world) left(t *rapid.T) (stats assessplan.OutboxStats) {
	err := w.store.View(w.ctx, func(ctx context.Context, r assessplan.Repositories) (err error) {
		stats, err = r.OutboxStats(ctx, w.clock.at)
		return err
	})
	must(t, err == nil, "outbox stats: %v", err)
	return stats
}

// checkTold: one event for each change, in order, and nothing else.
func (w *world) checkTold(t *rapid.T) {
	owed := w.owed()
	for subject, events := range owed {
		must(t, slices.Equal(w.relay.told[subject], events), "%s: told was %v; want %v", subject, w.relay.told[subject], events)
	}
	for subject := range w.relay.told {
		_, known := owed[subject]
		must(t, known, "%s: told was %v of something unknown", subject, w.relay.told[subject])
	}
}
