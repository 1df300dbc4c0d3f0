package assessplan_test

import (
	"bytes"
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

const (
	clinic  assessplan.OrgID = "clinic"
	foreign assessplan.OrgID = "another clinic"
	site                     = "https://assess.example.org/fill"
)

// monday is when every fixture begins.
var monday = time.Date(2026, time.March, 2, 8, 0, 0, 0, time.UTC)

func date(day string) assessplan.CivilDate {
	parsed, err := assessplan.ParseCivilDate(day)
	if err != nil {
		panic(err)
	}
	return parsed
}

// fixture is a service on a store in memory, on Monday 2 March 2026 at 08:00 UTC.
type fixture struct {
	*assessplan.Manager
	t         testing.TB
	ctx       context.Context
	clock     *clock.Mock
	memory    *memstore.Store
	store     *bentStore
	scheduler *assessplan.Scheduler
	relay     *assessplan.Relay
}

// setup is what a test may want otherwise.
type setup struct {
	entries assessplan.EntryGenerator
	config  assessplan.Config
}

func newFixture(t testing.TB, adjust ...func(*setup)) *fixture {
	t.Helper()
	f := &fixture{t: t, ctx: t.Context(), clock: clock.NewMock(), memory: memstore.New()}
	f.clock.Set(monday)
	f.store = &bentStore{Store: f.memory}
	var ids atomic.Uint64
	s := setup{entries: signedEntries(t)}
	s.config.Clock = f.clock
	s.config.NewID = func() uuid.UUID { return uuid.UUID(assessplan.TaskIDFromUint64(ids.Add(1))) } // ordered as they are made
	for _, adjust := range adjust {
		adjust(&s)
	}
	service, err := assessplan.New(f.store, s.entries, &s.config)
	require.NoError(t, err)
	f.Manager, f.scheduler, f.relay = service.Manager, service.Scheduler, service.Relay
	return f
}

func signedEntries(t testing.TB) *assessplan.SignedEntryGenerator {
	t.Helper()
	key := assessplan.SigningKey{ID: "k1", Secret: bytes.Repeat([]byte{7}, 32)}
	entries, err := assessplan.NewSignedEntryGenerator(site, []assessplan.SigningKey{key}, nil)
	require.NoError(t, err)
	return entries
}

func urlEntries(t *testing.T) *assessplan.URLEntryGenerator {
	t.Helper()
	entries, err := assessplan.NewURLEntryGenerator(site, nil)
	require.NoError(t, err)
	return entries
}

// at moves the clock to a wall clock time of UTC.
func (f *fixture) at(wall string) {
	f.t.Helper()
	f.clock.Set(instant(f.t, wall))
}

func instant(t testing.TB, wall string) time.Time {
	t.Helper()
	at, err := assessplan.ParseBefore(wall, time.UTC)
	require.NoError(t, err)
	return at
}

// daily is a plan of a task a day at 09:00 UTC.
func daily(days int) assessplan.PlanSpec {
	return assessplan.PlanSpec{Org: clinic, Scale: "PHQ-8", Zone: "UTC",
		Schedule: assessplan.EveryDays(1, days, assessplan.ClockTime(9, 0))}
}

func (f *fixture) plan(spec assessplan.PlanSpec) assessplan.PlanState {
	f.t.Helper()
	plan, err := f.CreatePlan(f.ctx, spec)
	require.NoError(f.t, err)
	return plan
}

func fromToday(plan assessplan.PlanState, testee assessplan.TesteeID) assessplan.EnrollSpec {
	return assessplan.EnrollSpec{Org: plan.Org, Plan: plan.ID, Testee: testee, Start: date("2026-03-02")}
}

// round enrolls a testee from 2 March.
func (f *fixture) round(plan assessplan.PlanState, testee assessplan.TesteeID) assessplan.EnrollmentState {
	f.t.Helper()
	enrolled, err := f.Enroll(f.ctx, fromToday(plan, testee))
	require.NoError(f.t, err)
	return enrolled.Enrollment
}

// rounds enrolls testees from 2 March, whose names are letters from "a".
func (f *fixture) rounds(plan assessplan.PlanState, count int) {
	f.t.Helper()
	for i := range count {
		f.round(plan, assessplan.TesteeID(rune('a'+i)))
	}
}

// tasksOf returns the tasks of a round by their number.
func (f *fixture) tasksOf(round assessplan.EnrollmentState) []assessplan.TaskState {
	f.t.Helper()
	return f.tasks(assessplan.TaskQuery{Org: round.Org, Enrollment: round.ID})
}

func (f *fixture) tasks(q assessplan.TaskQuery) []assessplan.TaskState {
	f.t.Helper()
	page, err := f.ListTasks(f.ctx, q)
	require.NoError(f.t, err)
	return page.Tasks
}

func (f *fixture) task(id assessplan.TaskID) assessplan.TaskState {
	f.t.Helper()
	task, err := f.GetTask(f.ctx, clinic, id)
	require.NoError(f.t, err)
	return task
}

// oneTask is a fresh fixture's only task, planned for 2 March at 09:00, which it is now.
func (f *fixture) oneTask() assessplan.TaskState {
	f.t.Helper()
	task := f.tasksOf(f.round(f.plan(daily(1)), "a"))[0]
	f.clock.Set(task.PlannedAt)
	return task
}

// openedTask is oneTask, opened.
func (f *fixture) openedTask() assessplan.OpenedTask {
	f.t.Helper()
	opened, err := f.OpenTask(f.ctx, clinic, f.oneTask().ID)
	require.NoError(f.t, err)
	return opened
}

func (f *fixture) open(scope ...assessplan.Scope) *assessplan.ScheduleReport {
	f.t.Helper()
	report, err := f.scheduler.SchedulePendingTasks(f.ctx, time.Time{}, scope...)
	require.NoError(f.t, err)
	return report
}

func (f *fixture) expire(scope ...assessplan.Scope) *assessplan.ExpireReport {
	f.t.Helper()
	report, err := f.scheduler.ExpireOverdueTasks(f.ctx, time.Time{}, scope...)
	require.NoError(f.t, err)
	return report
}

// statuses counts the clinic's tasks.
func (f *fixture) statuses() map[assessplan.TaskStatus]int {
	f.t.Helper()
	count := map[assessplan.TaskStatus]int{}
	for _, task := range f.tasks(assessplan.TaskQuery{Org: clinic}) {
		count[task.Status]++
	}
	return count
}

// events takes all events out of the outbox, in the order of their subjects.
func (f *fixture) events() []assessplan.Event {
	f.t.Helper()
	var all []assessplan.Event
	for {
		var claimed []assessplan.OutboxEvent
		err := f.memory.Update(f.ctx, func(ctx context.Context, r assessplan.Repositories) (err error) {
			claimed, err = r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: f.clock.Now(), Lease: time.Minute, Limit: 10_000})
			if err != nil {
				return err
			}
			var settled []assessplan.Settlement
			for _, event := range claimed {
				settled = append(settled, assessplan.Settlement{ID: event.ID, Attempts: event.Attempts, Outcome: assessplan.Delete})
			}
			_, err = r.SettleEvents(ctx, settled)
			return err
		})
		require.NoError(f.t, err)
		if len(claimed) == 0 {
			return all
		}
		for _, event := range claimed {
			all = append(all, event.Event)
		}
	}
}

// facts takes all events out of the outbox and returns what those of one kind say.
func facts[F assessplan.Fact](f *fixture) []F {
	f.t.Helper()
	var found []F
	for _, event := range f.events() {
		_, fact, err := assessplan.DecodeEvent(event.Data)
		require.NoError(f.t, err)
		if fact, ok := fact.(F); ok {
			found = append(found, fact)
		}
	}
	return found
}

// types counts events by their type.
func types(events []assessplan.Event) map[assessplan.EventType]int {
	count := map[assessplan.EventType]int{}
	for _, event := range events {
		count[event.Type]++
	}
	return count
}
