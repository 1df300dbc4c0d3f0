package watermillpub_test

import (
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
)

// What must never be seen outside of a message.
const (
	secretHost   = "https://secret.example.org/fill"
	secretTestee = assessplan.TesteeID("secret-testee")
)

// host is a service on a store in memory, at a clock that is moved by hand.
type host struct {
	*assessplan.Service
	t     testing.TB
	clock *clock.Mock
	seen  *plantest.Recorder
}

func newHost(t testing.TB, publisher assessplan.EventPublisher, adjust ...func(*assessplan.Config)) *host {
	t.Helper()
	entries, err := assessplan.NewURLEntryGenerator(secretHost, nil)
	require.NoError(t, err)
	h := &host{t: t, clock: plantest.NewClock(), seen: &plantest.Recorder{}}
	config := &assessplan.Config{Clock: h.clock, Publisher: publisher, Observer: h.seen, EntryInEvents: assessplan.EntryAlways}
	for _, a := range adjust {
		a(config)
	}
	h.Service, err = assessplan.New(memstore.New(), entries, config)
	require.NoError(t, err)
	return h
}

func (h *host) must(_ any, err error) {
	h.t.Helper()
	require.NoError(h.t, err)
}

// begin makes a plan of so many tasks, a day apart, and a round in it.
func (h *host) begin(org assessplan.OrgID, tasks int) (assessplan.PlanState, []assessplan.TaskState) {
	h.t.Helper()
	plan, err := h.Manager.CreatePlan(h.t.Context(), plantest.PlanSpec(func(s *assessplan.PlanSpec) {
		s.Org, s.Schedule, s.Windows = org, assessplan.EveryDays(1, tasks, assessplan.ClockTime(9, 0)), assessplan.Windows{}
	}))
	require.NoError(h.t, err)
	return plan, h.enroll(plan, secretTestee)
}

func (h *host) enroll(plan assessplan.PlanState, testee assessplan.TesteeID) []assessplan.TaskState {
	h.t.Helper()
	enrolled, err := h.Manager.Enroll(h.t.Context(), plantest.EnrollSpec(plan.ID, func(s *assessplan.EnrollSpec) {
		s.Org, s.Testee = plan.Org, testee
	}))
	require.NoError(h.t, err)
	page, err := h.Manager.ListTasks(h.t.Context(), assessplan.TaskQuery{Org: plan.Org, Enrollment: enrolled.Enrollment.ID})
	require.NoError(h.t, err)
	return page.Tasks
}

func (h *host) open() {
	h.t.Helper()
	h.must(h.Scheduler.SchedulePendingTasks(h.t.Context(), time.Time{}))
}

func (h *host) relay() *assessplan.RelayReport {
	h.t.Helper()
	report, err := h.Relay.RelayEvents(h.t.Context())
	require.NoError(h.t, err)
	return report
}

// history returns events of every type, of an org.
func history(t testing.TB, org assessplan.OrgID) []assessplan.Event {
	t.Helper()
	kept := &plantest.Publisher{}
	h := newHost(t, kept)
	ctx, m := t.Context(), h.Manager
	plan, tasks := h.begin(org, 5)
	round := tasks[0].Enrollment
	h.clock.Set(tasks[3].PlannedAt)
	h.open()
	h.must(m.ReissueEntry(ctx, org, tasks[0].ID))
	h.must(m.CompleteTask(ctx, org, tasks[0].ID, assessplan.Submission{AssessmentID: "a1"}))
	h.must(m.ExpireTask(ctx, org, tasks[1].ID))
	h.must(m.CancelTask(ctx, org, tasks[2].ID, ""))
	h.must(m.RescheduleTask(ctx, org, tasks[3].ID, assessplan.CivilDate{Year: 2026, Month: 4, Day: 1}, assessplan.ClockTime(2, 30)))
	h.must(m.PauseEnrollment(ctx, org, round))
	h.must(m.ResumeEnrollment(ctx, org, round, assessplan.KeepDates))
	h.must(m.PausePlan(ctx, org, plan.ID))
	h.must(m.ResumePlan(ctx, org, plan.ID, assessplan.KeepDates))
	h.must(m.CancelTask(ctx, org, tasks[3].ID, assessplan.Other))
	h.must(m.CancelTask(ctx, org, tasks[4].ID, "moved_abroad"))
	h.clock.Set(h.clock.Now().AddDate(0, 2, 0))
	h.must(h.Scheduler.ExpireOverdueTasks(ctx, time.Time{})) // closes the round
	h.must(m.RescheduleTask(ctx, org, tasks[4].ID, assessplan.CivilDate{Year: 2026, Month: 12, Day: 1}, assessplan.ClockTime(10, 0)))
	h.must(m.TerminateEnrollment(ctx, org, round, assessplan.Termination{Reason: assessplan.Lost}))
	h.must(m.FinishPlan(ctx, org, plan.ID, assessplan.LetOpenedRunOut))
	canceled, _ := h.begin(org, 1)
	h.must(m.CancelPlan(ctx, org, canceled.ID))
	h.relay()
	h.must(m.EraseTestee(ctx, org, secretTestee))
	h.relay()
	return kept.Events()
}
