package assessplan_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

func TestPassOpensWhatIsDueOldestFirstPageByPage(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.config.PageSize = 2 })
	f.rounds(f.plan(daily(3)), 3)
	f.at("2026-03-03 09:00:00")

	report := f.open()

	require.Equal(t, 6, report.Opened)
	require.Len(t, report.Tasks, 6)
	require.True(t, slices.IsSortedFunc(report.Tasks, func(a, b assessplan.OpenedTask) int {
		if byTime := a.Task.PlannedAt.Compare(b.Task.PlannedAt); byTime != 0 {
			return byTime
		}
		return a.Task.ID.Compare(b.Task.ID)
	}))
	require.Equal(t, map[assessplan.TaskStatus]int{assessplan.Opened: 6, assessplan.Pending: 3}, f.statuses())
	require.GreaterOrEqual(t, report.Pages, 3)
	require.Zero(t, report.Failed+report.Missed+report.Skipped+report.Retries)
	require.False(t, report.More)
	require.Zero(t, report.OldestDueAt)
	require.Equal(t, f.clock.Now(), report.StartedAt)
	require.Equal(t, 6, types(f.events())[assessplan.TypeTaskOpened])
}

func TestPassReportsTasksAsTheyAreStored(t *testing.T) {
	f := newFixture(t)
	f.oneTask()

	opened := f.open().Tasks[0]

	require.Equal(t, f.task(opened.Task.ID), opened.Task)
	require.Equal(t, opened.Task.ExpireAt, opened.Entry.ExpireAt())
	token, url := opened.Entry.Reveal()
	require.Equal(t, assessplan.HashToken(token), opened.Task.TokenHash)
	require.Contains(t, url, token)
}

func TestPassOpensFromTheVeryInstantThatWasPlanned(t *testing.T) {
	f := newFixture(t)
	task := f.oneTask()

	f.clock.Set(task.PlannedAt.Add(-time.Microsecond))
	require.Zero(t, f.open().Opened)

	f.clock.Set(task.PlannedAt)
	require.Equal(t, 1, f.open().Opened)
	require.Equal(t, task.PlannedAt, f.task(task.ID).OpenAt)
}

func TestBeforeOnlySelects(t *testing.T) {
	f := newFixture(t)
	f.rounds(f.plan(daily(3)), 1)
	f.at("2026-03-04 10:00:00")

	report, err := f.scheduler.SchedulePendingTasks(f.ctx, instant(t, "2026-03-03 09:00:00"))

	require.NoError(t, err)
	require.Equal(t, 2, report.Opened, "that of the very instant is among them")
	require.Equal(t, f.clock.Now(), report.Tasks[0].Task.OpenAt, "the clock says when, not before")
	require.False(t, report.More)
	require.Zero(t, report.OldestDueAt, "the third was not asked for")
}

func TestBeforeMayNotLieInTheFuture(t *testing.T) {
	passes := map[string]func(f *fixture, before time.Time) (found int, err error){
		"opening": func(f *fixture, before time.Time) (int, error) {
			report, err := f.scheduler.SchedulePendingTasks(f.ctx, before)
			if err != nil {
				require.Nil(f.t, report)
				return 0, err
			}
			return report.Opened + report.Failed, nil
		},
		"expiry": func(f *fixture, before time.Time) (int, error) {
			report, err := f.scheduler.ExpireOverdueTasks(f.ctx, before)
			if err != nil {
				require.Nil(f.t, report)
				return 0, err
			}
			return report.Missed + report.Failed, nil
		},
	}
	for name, pass := range passes {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			spec := daily(1)
			spec.OpenWindow = assessplan.Elapsed(time.Second)
			f.rounds(f.plan(spec), 1)
			f.at("2026-03-02 08:59:30")

			_, err := pass(f, f.clock.Now().Add(time.Minute+time.Microsecond))
			require.ErrorIs(t, err, assessplan.ErrBeforeInFuture)
			require.Equal(t, assessplan.KindInvalid, assessplan.KindOf(err))

			found, err := pass(f, f.clock.Now().Add(time.Minute))
			require.NoError(t, err)
			require.Zero(t, found, "a minute is skew between clocks, and brings nothing forward")
		})
	}
}

func TestScopeNarrowsAPass(t *testing.T) {
	f := newFixture(t)
	first, second := f.plan(daily(1)), f.plan(daily(1))
	elsewhere := daily(1)
	elsewhere.Org = foreign
	f.rounds(first, 3)
	f.rounds(second, 2)
	f.rounds(f.plan(elsewhere), 1)
	f.at("2026-03-02 09:00:00")

	require.Equal(t, 0, f.open(assessplan.InPlan(foreign, first.ID)).Opened)
	require.Equal(t, 2, f.open(assessplan.ForTestees(clinic, first.ID, "a", "c", "nobody", "c")).Opened)
	require.Equal(t, 1, f.open(assessplan.InPlan(clinic, first.ID)).Opened)
	require.Equal(t, 2, f.open(assessplan.InOrg(clinic)).Opened)
	require.Equal(t, 1, f.open().Opened)
}

func TestReportSaysWhatItsPassWasNarrowedTo(t *testing.T) {
	f := newFixture(t)
	plan := f.plan(daily(1))
	require.Zero(t, f.open().Scope)
	require.Zero(t, f.expire().Scope)
	for _, scope := range []assessplan.Scope{assessplan.InOrg(clinic), assessplan.InPlan(clinic, plan.ID), assessplan.ForTestees(clinic, plan.ID, "a")} {
		require.Equal(t, scope, f.open(scope).Scope)
		require.Equal(t, scope, f.expire(scope).Scope)
	}
}

func TestScopeThatSaysTooLittleOrTooMuchIsRefused(t *testing.T) {
	plan := assessplan.PlanIDFromUint64(1)
	many := make([]assessplan.TesteeID, assessplan.MaxScopeTestees+1)
	for i := range many {
		many[i] = "a"
	}
	for name, scopes := range map[string][]assessplan.Scope{
		"zero":                       {{}},
		"two":                        {assessplan.InOrg(clinic), assessplan.InOrg(foreign)},
		"zero beside another":        {assessplan.InOrg(clinic), {}},
		"no org":                     {assessplan.InOrg("")},
		"org too long":               {assessplan.InOrg(assessplan.OrgID(strings.Repeat("x", 129)))},
		"plan without org":           {assessplan.InPlan("", plan)},
		"plan that is zero":          {assessplan.InPlan(clinic, assessplan.PlanID{})},
		"testees without plan":       {assessplan.ForTestees(clinic, assessplan.PlanID{}, "a")},
		"nobody":                     {assessplan.ForTestees(clinic, plan)},
		"nobody in a list":           {assessplan.ForTestees(clinic, plan, []assessplan.TesteeID{}...)},
		"a testee without a name":    {assessplan.ForTestees(clinic, plan, "a", "")},
		"more testees than are read": {assessplan.ForTestees(clinic, plan, many...)},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.oneTask()
			opening, err := f.scheduler.SchedulePendingTasks(f.ctx, time.Time{}, scopes...)
			require.ErrorIs(t, err, assessplan.ErrInvalid)
			require.Nil(t, opening)
			expiry, err := f.scheduler.ExpireOverdueTasks(f.ctx, time.Time{}, scopes...)
			require.ErrorIs(t, err, assessplan.ErrInvalid)
			require.Nil(t, expiry)
		})
	}
}

func TestMaxTasksEndsAPassEarly(t *testing.T) {
	for _, test := range []struct {
		most   int
		opened []int
		more   []bool
	}{
		{2, []int{2, 2, 1}, []bool{true, true, false}},
		{5, []int{5}, []bool{false}},
		{6, []int{5}, []bool{false}},
		{-1, []int{5}, []bool{false}},
	} {
		t.Run(fmt.Sprint(test.most), func(t *testing.T) {
			f := newFixture(t, func(s *setup) { s.config.MaxTasks, s.config.PageSize = test.most, 2 })
			f.rounds(f.plan(daily(1)), 5)
			f.at("2026-03-02 09:00:00")
			for i := range test.opened {
				report := f.open()
				require.Equal(t, test.opened[i], report.Opened)
				require.Equal(t, test.more[i], report.More)
				require.Equal(t, test.more[i], !report.OldestDueAt.IsZero())
			}
		})
	}
}

func TestAtMostLimitsTheCallsOfThatSchedulerOnly(t *testing.T) {
	for name, test := range map[string]struct{ configured, asked, opened int }{
		"less than the service's limit":  {4, 2, 2},
		"more than the service's limit":  {4, 5, 4},
		"without a limit of the service": {0, 3, 3},
		"no limit asked for":             {4, 0, 4},
		"less than none":                 {0, -1, 6},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(s *setup) { s.config.MaxTasks = test.configured })
			f.rounds(f.plan(daily(3)), 3)
			f.at("2026-03-03 09:00:00")

			report, err := f.scheduler.AtMost(test.asked).SchedulePendingTasks(t.Context(), time.Time{})

			require.NoError(t, err)
			require.Equal(t, test.opened, report.Opened)
			require.Equal(t, test.opened < 6, report.More)
			rest := 6 - test.opened
			if test.configured > 0 {
				rest = min(rest, test.configured)
			}
			require.Equal(t, rest, f.open().Opened)
		})
	}
}

func TestTasksThatFailDoNotUseUpMaxTasks(t *testing.T) {
	f := newFixture(t, func(s *setup) {
		s.config.MaxTasks, s.config.PageSize = 1, 1
		s.entries = poisoned(s.entries, "a", panics)
	})
	f.rounds(f.plan(daily(1)), 3)
	f.at("2026-03-02 09:00:00")

	report := f.open()

	require.Equal(t, 1, report.Opened)
	require.Equal(t, 1, report.Failed)
	require.True(t, report.More)
}

func TestReportLimitBoundsTheListsOnly(t *testing.T) {
	for limit, listed := range map[int]int{2: 2, -1: 0} {
		f := newFixture(t, func(s *setup) { s.config.ReportLimit = limit })
		f.rounds(f.plan(daily(2)), 3)
		f.at("2026-03-02 09:00:00")
		report := f.open()
		require.Equal(t, 3, report.Opened)
		require.Len(t, report.Tasks, listed)

		f.at("2026-03-03 09:00:00")
		f.store.task = func(task *assessplan.TaskState) { task.Seq = 0 }
		report = f.open()
		require.Equal(t, 3, report.Failed)
		require.Len(t, report.Failures, listed)
	}
}

func TestPassPicksUpWhatAppearsBehindItsCursor(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.config.PageSize = 2 })
	plan := f.plan(daily(2))
	f.rounds(plan, 4)
	f.at("2026-03-03 09:00:00")
	var once sync.Once
	f.store.afterUpdate = func() {
		once.Do(func() {
			spec := fromToday(plan, "late")
			spec.Past = assessplan.Open
			_, err := f.Using(f.memory).Enroll(f.ctx, spec)
			require.NoError(t, err)
		})
	}

	require.Equal(t, 10, f.open().Opened)
}

func TestRunningAPassAtOnceOpensEachTaskOnce(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.config.PageSize = 7 })
	plan := f.plan(daily(20))
	f.rounds(plan, 10)
	f.at("2026-03-11 09:00:00")
	f.events()

	opened := make([]*assessplan.ScheduleReport, 8)
	var all sync.WaitGroup
	for i := range opened {
		all.Go(func() { opened[i], _ = f.scheduler.SchedulePendingTasks(f.ctx, time.Time{}) })
	}
	all.Wait()

	seen := map[assessplan.TaskID]bool{}
	for _, report := range opened {
		require.Zero(t, report.Failed)
		for _, task := range report.Tasks {
			require.False(t, seen[task.Task.ID], "opened twice")
			seen[task.Task.ID] = true
			token, _ := task.Entry.Reveal()
			require.Equal(t, assessplan.HashToken(token), f.task(task.Task.ID).TokenHash, "the token that was told is the one that counts")
		}
	}
	require.Len(t, seen, 100)
	require.Equal(t, map[assessplan.EventType]int{assessplan.TypeTaskOpened: 100}, types(f.events()))
	require.Zero(t, f.open().Opened)
	require.Empty(t, f.events())
}

func TestObserverIsToldOfRunsAndFailures(t *testing.T) {
	seen := &observer{}
	f := newFixture(t, func(s *setup) { s.config.Observer = seen })
	f.oneTask()
	f.store.task = func(task *assessplan.TaskState) { task.Seq = 0 }
	seen.told = nil

	opening, expiry := f.open(), f.expire()

	require.Equal(t, []assessplan.Observation{
		&assessplan.TaskFailed{Failure: opening.Failures[0], Page: assessplan.TracedOpenPage},
		&assessplan.ScheduleFinished{Report: opening},
		&assessplan.ExpireFinished{Report: expiry},
	}, seen.told)
}

// TestObserverIsToldInWhichPageSomethingFailed lets every write of tasks, or of rounds, fail.
func TestObserverIsToldInWhichPageSomethingFailed(t *testing.T) {
	refuseTasks := func(f *fixture) {
		f.store.saveTasks = func([]assessplan.TaskChange, saving) error { return errDisk }
	}
	for page, work := range map[assessplan.WorkTraced]func(f *fixture, plan assessplan.PlanID){
		assessplan.TracedOpenPage: func(f *fixture, _ assessplan.PlanID) {
			refuseTasks(f)
			f.open()
		},
		assessplan.TracedExpirePage: func(f *fixture, _ assessplan.PlanID) {
			f.open()
			f.at("2026-03-12 09:00:00")
			refuseTasks(f)
			f.expire()
		},
		assessplan.TracedClosePage: func(f *fixture, _ assessplan.PlanID) {
			f.open()
			f.at("2026-03-12 09:00:00")
			f.store.saveRounds = func([]assessplan.EnrollmentChange) error { return errDisk }
			f.expire()
		},
		assessplan.TracedPlanPage: func(f *fixture, plan assessplan.PlanID) {
			refuseTasks(f)
			_, err := f.CancelPlan(f.ctx, clinic, plan)
			require.Error(f.t, err)
			f.expire()
		},
	} {
		t.Run(string(page), func(t *testing.T) {
			seen := &plantest.Recorder{}
			f := newFixture(t, func(s *setup) { s.config.Observer = seen })
			work(f, f.oneTask().Plan)
			told := plantest.Observed[*assessplan.TaskFailed](seen)
			require.NotEmpty(t, told)
			for _, failed := range told {
				require.Equal(t, page, failed.Page)
			}
		})
	}
}

type observer struct{ told []assessplan.Observation }

func (o *observer) Observe(_ context.Context, told assessplan.Observation) {
	o.told = append(o.told, told)
}
