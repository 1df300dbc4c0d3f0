package model_test

import (
	"bytes"
	"reflect"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/assessplan/assessplan"
)

// check holds the whole store against the model, after every step.
func (w *world) check(t *rapid.T) {
	w.model.now = w.clock.at
	plans, rounds, tasks := w.listAll(t)
	must(t, len(plans) == len(w.model.plans), "%d plans are stored; want %d", len(plans), len(w.model.plans))
	must(t, len(rounds) == len(w.model.rounds), "%d rounds are stored; want %d", len(rounds), len(w.model.rounds))
	must(t, len(tasks) == len(w.model.tasks), "%d tasks are stored; want %d", len(tasks), len(w.model.tasks))
	for _, p := range w.model.plans {
		stored, known := plans[p.id]
		must(t, known, "plan %s is not listed", p.id)
		checkPlan(t, p, stored)
	}
	for _, task := range w.model.tasks {
		stored, known := tasks[task.id]
		must(t, known, "task %s is not listed", task.id)
		learn(t, task, stored)
		checkTask(t, task, stored)
		w.checkHistory(t, stored)
	}
	for _, r := range w.model.rounds {
		stored, known := rounds[r.id]
		must(t, known, "round %s is not listed", r.id)
		checkRound(t, r, stored)
		w.checkSums(t, r, tasks)
	}
	must(t, w.relay.fault == "", "delivery: %s", w.relay.fault)
}

// listAll lists everything of every org, page by page, and sees that the lists are in order and of their org.
func (w *world) listAll(t *rapid.T) (plans map[assessplan.PlanID]assessplan.PlanState, rounds map[assessplan.EnrollmentID]assessplan.EnrollmentState, tasks map[assessplan.TaskID]assessplan.TaskState) {
	plans, rounds, tasks = map[assessplan.PlanID]assessplan.PlanState{}, map[assessplan.EnrollmentID]assessplan.EnrollmentState{}, map[assessplan.TaskID]assessplan.TaskState{}
	manager := w.services[0].Manager
	for _, org := range orgs {
		for q, more := (assessplan.PlanQuery{Org: org, Limit: 50}), true; more; {
			page, err := manager.ListPlans(w.ctx, q)
			must(t, err == nil, "list plans: %v", err)
			for _, state := range page.Plans {
				checkListed(t, org, state.Org, q.After[:], state.ID[:])
				q.After, plans[state.ID] = state.ID, state
			}
			more = !page.Next.IsZero()
		}
		for q, more := (assessplan.EnrollmentQuery{Org: org, Limit: 50}), true; more; {
			page, err := manager.ListEnrollments(w.ctx, q)
			must(t, err == nil, "list rounds: %v", err)
			for _, state := range page.Enrollments {
				checkListed(t, org, state.Org, q.After[:], state.ID[:])
				q.After, rounds[state.ID] = state.ID, state
			}
			more = !page.Next.IsZero()
		}
		for q, more := (assessplan.TaskQuery{Org: org, Limit: 50}), true; more; {
			page, err := manager.ListTasks(w.ctx, q)
			must(t, err == nil, "list tasks: %v", err)
			for _, state := range page.Tasks {
				checkListed(t, org, state.Org, q.After[:], state.ID[:])
				q.After, tasks[state.ID] = state.ID, state
			}
			more = !page.Next.IsZero()
		}
	}
	return plans, rounds, tasks
}

func checkListed(t *rapid.T, asked, org assessplan.OrgID, after, id []byte) {
	must(t, org == asked, "the list of org %q has a record of org %q", asked, org)
	must(t, bytes.Compare(after, id) < 0, "the list of org %q is not in the order of its IDs", asked)
}

// field is one thing that the store and the model say of a record.
type field struct {
	name      string
	got, want any
}

func checkFields(t *rapid.T, record string, fields []field) {
	for _, f := range fields {
		same := f.got == f.want
		if got, is := f.got.(time.Time); is {
			same = got.Equal(f.want.(time.Time))
		}
		must(t, same, "%s: %s is %v; want %v", record, f.name, f.got, f.want)
	}
}

func checkPlan(t *rapid.T, p *plan, s assessplan.PlanState) {
	_, err := assessplan.RestorePlan(s)
	must(t, err == nil, "plan %s cannot be: %v", s.ID, err)
	checkFields(t, "plan "+s.ID.String(), []field{
		{"org", s.Org, p.spec.Org}, {"status", s.Status, p.status}, {"paused at", s.PausedAt, p.pausedAt},
		{"ended at", s.EndedAt, p.endedAt}, {"finish", s.Finish, p.finish}, {"work", s.Work.Kind, assessplan.WorkNone},
	})
}

// checkState compares what is stored with what the model makes of it, in one comparison while both are the same.
func checkState[S comparable](t *rapid.T, record string, got, want S) {
	if got == want {
		return
	}
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		got, want := g.Field(i).Interface(), w.Field(i).Interface()
		switch name := g.Type().Field(i).Name; {
		case got == want:
		case name == "Testee" || name == "TokenHash": // never printed
			t.Fatalf("%s: %s is not what it should be", record, name)
		default:
			t.Fatalf("%s: %s is %v; want %v", record, name, got, want)
		}
	}
}

func checkRound(t *rapid.T, m *round, stored assessplan.EnrollmentState) {
	_, err := assessplan.RestoreEnrollment(stored)
	must(t, err == nil, "round %s cannot be: %v", stored.ID, err)
	want := assessplan.EnrollmentState{ID: m.id, Org: m.plan.spec.Org, Plan: m.plan.id, Testee: m.testee, Round: m.number,
		Start: m.start, Zone: m.zone.String(), Reconsented: m.reconsented, Status: m.status, Planned: m.planned,
		PausedAt: m.pausedAt.UTC(), ShiftedDays: m.shifted, EndedAt: m.endedAt.UTC()}
	want.Termination.Reason = m.reason
	// A note, a hint, and what is the store's own.
	want.Termination.Note, want.ClosableFrom = stored.Termination.Note, stored.ClosableFrom
	want.CreatedAt, want.Version = stored.CreatedAt, stored.Version
	checkState(t, "round "+m.id.String(), stored, want)
}

func checkTask(t *rapid.T, m *task, stored assessplan.TaskState) {
	p := m.round.plan
	want := assessplan.TaskState{ID: m.id, Org: p.spec.Org, Plan: p.id, Enrollment: m.round.id, Testee: m.round.testee,
		Scale: p.spec.Scale, Seq: m.seq, Date: m.date, Time: m.time, Zone: m.round.zone.String(), PlannedAt: m.plannedAt.UTC(),
		OpenUntil: m.openUntil.UTC(), FillUntil: m.fillUntil.UTC(), DueAt: m.dueAt.UTC(), Revision: m.revision, Status: m.status,
		Held: m.held(), NextAttemptAt: m.nextAttemptAt.UTC(), Attempts: m.attempts, LastError: m.lastError, OpenAt: m.openAt.UTC(),
		ExpireAt: m.expireAt.UTC(), EntrySerial: m.serial, EndedAt: m.endedAt.UTC(), EndReason: m.reason,
		SubmittedAt: m.handedIn.UTC(), AssessmentID: m.assessment, Late: m.late, CreatedAt: stored.CreatedAt, Version: stored.Version}
	switch {
	case m.token != "":
		want.TokenHash = assessplan.HashToken(m.token)
	case !m.openAt.IsZero():
		want.TokenHash = stored.TokenHash // of an imported task whose link nobody has
	}
	checkState(t, "task "+m.id.String(), stored, want)
}

// learn takes from the store what the model does not compute: the instants of a task that was just planned. They must be
// what its date, time and windows say, as far as that is known without a calendar of rules.
func learn(t *rapid.T, m *task, s assessplan.TaskState) {
	if !m.replanned {
		return
	}
	m.replanned = false
	if m.imported {
		m.date, m.time = s.Date, s.Time
	}
	want := expectedWindows(m.round.plan.spec.Windows, m.date, m.time, m.round.zone)
	if m.imported && m.status != assessplan.Pending {
		want.openUntil, want.fillUntil = never, never // it was opened under the rules of before
	}
	ok := near(s.PlannedAt, want.plannedAt, m.time) && near(s.OpenUntil, want.openUntil, m.time) &&
		near(s.FillUntil, want.fillUntil, m.time) && near(s.DueAt, want.dueAt, m.time)
	must(t, ok, "task %s: it is %s; by its date and time about: %s", s.ID,
		windows{s.PlannedAt, s.OpenUntil, s.FillUntil, s.DueAt}, want)
	must(t, !m.imported || s.PlannedAt.Equal(m.plannedAt), "task %s: imported with another instant", s.ID)
	m.plannedAt, m.openUntil, m.fillUntil, m.dueAt = s.PlannedAt, s.OpenUntil, s.FillUntil, s.DueAt
	m.round.latest = latest(m.round.latest, s.PlannedAt)
	if m.status == assessplan.Pending {
		m.nextAttemptAt = m.plannedAt
	}
	if m.imported && m.status == assessplan.Completed {
		m.late = !m.dueAt.IsZero() && m.handedIn.After(m.dueAt)
	}
}

// owed is what was to be told, by subject.
func (w *world) owed() map[uuid.UUID][]event {
	owed := map[uuid.UUID][]event{}
	for _, p := range w.model.plans {
		owed[uuid.UUID(p.id)] = p.owed
	}
	for _, r := range w.model.rounds {
		owed[uuid.UUID(r.id)] = r.owed
	}
	for _, t := range w.model.tasks {
		owed[uuid.UUID(t.id)] = t.owed
	}
	for pseudonym, events := range w.model.erased {
		owed[pseudonym] = events
	}
	return owed
}
