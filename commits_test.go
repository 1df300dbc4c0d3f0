package assessplan_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
)

// observed is a fixture that records what it is told.
func observed(t *testing.T, adjust ...func(*setup)) (*fixture, *plantest.Recorder) {
	t.Helper()
	seen := &plantest.Recorder{}
	first := func(s *setup) { s.config.Observer = seen }
	return newFixture(t, append([]func(*setup){first}, adjust...)...), seen
}

// did checks that a command was carried out.
func (f *fixture) did(err error) {
	f.t.Helper()
	require.NoError(f.t, err)
}

// news counts the events of tasks that were told, each of which is in the outbox as well.
func news(f *fixture, seen *plantest.Recorder) map[assessplan.EventType]int {
	f.t.Helper()
	var told, stored []assessplan.Event
	for _, o := range plantest.Observed[*assessplan.TasksStored](seen) {
		for _, change := range o.Changes {
			require.Equal(f.t, change.Was, change.State.Version)
			told = append(told, change.Events...)
		}
	}
	for _, event := range f.events() {
		if _, err := f.GetTask(f.ctx, event.Org, assessplan.TaskID(event.Subject)); err == nil {
			stored = append(stored, event)
		}
	}
	require.ElementsMatch(f.t, stored, told)
	return types(told)
}

func TestObserverIsToldOfTasksThatPassesAndCommandsStored(t *testing.T) {
	f, seen := observed(t, func(s *setup) { s.config.PageSize = 2 })
	spec := daily(1)
	spec.Windows.FillWindow = assessplan.CalendarDays(1)
	plan := f.plan(spec)
	f.rounds(plan, 6)
	f.at("2026-03-02 09:00:00")
	require.Equal(t, 6, f.open().Opened)
	tasks := f.tasks(assessplan.TaskQuery{Org: clinic})
	f.did(second(f.CancelTask(f.ctx, clinic, tasks[0].ID, "")))
	f.did(second(f.CompleteTask(f.ctx, clinic, tasks[1].ID, assessplan.Submission{AssessmentID: "s1"})))
	f.did(second(f.ReissueEntry(f.ctx, clinic, tasks[2].ID)))
	f.did(second(f.RescheduleTask(f.ctx, clinic, tasks[3].ID, date("2026-03-20"), assessplan.ClockTime(9, 0))))
	f.at("2026-03-04 09:00:00")
	require.Equal(t, 3, f.expire().Expired)
	f.did(second(f.FinishPlan(f.ctx, clinic, plan.ID, "")))

	require.Equal(t, map[assessplan.EventType]int{assessplan.TypeTaskOpened: 6, assessplan.TypeTaskCanceled: 2, assessplan.TypeTaskCompleted: 1,
		assessplan.TypeTaskEntryReissued: 1, assessplan.TypeTaskRescheduled: 1, assessplan.TypeTaskExpired: 3}, news(f, seen))
}

func TestObserverIsToldOfAllThatATransactionStored(t *testing.T) {
	f, seen := observed(t)
	for range 3 {
		f.round(f.plan(daily(2)), "a") // so that one transaction ends three rounds, one by one
	}
	before := len(plantest.Observed[*assessplan.TasksStored](seen))
	f.did(second(f.EraseTestee(f.ctx, clinic, "a")))
	told := plantest.Observed[*assessplan.TasksStored](seen)[before:]
	require.Len(t, told, 1)
	require.Len(t, told[0].Changes, 6)
	require.Equal(t, map[assessplan.EventType]int{assessplan.TypeTaskCanceled: 6}, news(f, seen))
}

func TestObserverIsNotToldOfWhatWasRolledBack(t *testing.T) {
	open := func(f *fixture) { _, _ = f.scheduler.SchedulePendingTasks(f.ctx, f.clock.Now()) }
	for name, test := range map[string]struct {
		bend    func(f *fixture)
		act     func(f *fixture)
		commits int
		opened  int
	}{
		"nothing":              {func(*fixture) {}, open, 1, 3},
		"a page":               {func(f *fixture) { f.store.saveTasks = failing(1, errors.New("no")) }, open, 3, 3},
		"a page and a task":    {func(f *fixture) { f.store.saveTasks = failing(2, errors.New("no")) }, open, 2, 2},
		"a store that is gone": {func(f *fixture) { f.store.saveTasks = failing(1, assessplan.ErrUnavailable) }, open, 0, 0},
		"what came after the tasks": {
			func(f *fixture) {
				f.store.savePlan = func(change assessplan.PlanChange) error {
					if change.State.Work.Kind == assessplan.WorkCloseRounds { // after a page of tasks
						return assessplan.ErrUnavailable
					}
					return nil
				}
			},
			func(f *fixture) { _, _ = f.FinishPlan(f.ctx, clinic, f.onlyPlan(), "") }, 0, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, seen := observed(t)
			f.rounds(f.plan(daily(1)), 3)
			f.at("2026-03-02 09:00:00")
			before := len(plantest.Observed[*assessplan.TasksStored](seen))
			test.bend(f)
			test.act(f)
			require.Len(t, plantest.Observed[*assessplan.TasksStored](seen)[before:], test.commits)
			require.Equal(t, test.opened, news(f, seen)[assessplan.TypeTaskOpened])
		})
	}
}

// twice runs everything twice, as a store does that meets a deadlock at the commit.
type twice struct{ assessplan.Store }

func (s twice) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	deadlock := errors.New("deadlock")
	err := s.Store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		if err := fn(ctx, r); err != nil {
			return err
		}
		return deadlock
	})
	if !errors.Is(err, deadlock) {
		return err
	}
	return s.Store.Update(ctx, fn)
}

func TestObserverIsToldOfTheLastRunOnly(t *testing.T) {
	f, seen := observed(t)
	f.store.Store = twice{f.memory}
	f.rounds(f.plan(daily(1)), 3)
	f.at("2026-03-02 09:00:00")
	before := len(plantest.Observed[*assessplan.TasksStored](seen))
	require.Equal(t, 2, f.open().Retries, "of two pages")
	require.Len(t, plantest.Observed[*assessplan.TasksStored](seen)[before:], 1)
	require.Equal(t, 3, news(f, seen)[assessplan.TypeTaskOpened])
}

// failing saves, and then fails so many times.
func failing(times int, err error) func(changes []assessplan.TaskChange, save saving) error {
	return func(changes []assessplan.TaskChange, save saving) error {
		if saved := save(changes); saved != nil || times == 0 {
			return saved
		}
		times--
		return err
	}
}

func TestObserverIsNotToldOfAHostsTransaction(t *testing.T) {
	f, seen := observed(t)
	other := f.Using(memstore.New())
	plan, err := other.CreatePlan(context.Background(), daily(1))
	require.NoError(t, err)
	f.did(second(other.Enroll(context.Background(), fromToday(plan, "a"))))
	require.Empty(t, seen.Observations())
}
