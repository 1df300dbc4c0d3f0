package alerts_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/alerts"
	"github.com/assessplan/assessplan/plantest"
)

var (
	planA = assessplan.PlanIDFromUint64(1)
	planB = assessplan.PlanIDFromUint64(2)

	everything = assessplan.Scope{}
	inA        = assessplan.InOrg("a")
	inPlanA    = assessplan.InPlan("a", planA)
)

func failingAndLate(c *alerts.Config) {
	c.Failing, c.OldestDue, c.Calm, c.Repeat = time.Millisecond, time.Minute, -1, -1
}

// TestWhatIsWrongInAScopeEndsWithAPassOverTheSameOrMore takes runs that fail, and tasks that are due for long.
func TestWhatIsWrongInAScopeEndsWithAPassOverTheSameOrMore(t *testing.T) {
	for name, test := range map[string]struct {
		wrong, well assessplan.Scope
		ends        bool
	}{
		"the same org":             {inA, inA, true},
		"everything, by an org":    {everything, inA, false},
		"an org, by everything":    {inA, everything, true},
		"an org, by another":       {inA, assessplan.InOrg("b"), false},
		"an org, by a plan of it":  {inA, inPlanA, false},
		"a plan, by its org":       {inPlanA, inA, true},
		"a plan, by everything":    {inPlanA, everything, true},
		"a plan, by the same":      {inPlanA, inPlanA, true},
		"a plan, by another":       {inPlanA, assessplan.InPlan("a", planB), false},
		"a plan, by another's org": {inPlanA, assessplan.InOrg("b"), false},
		"a plan, by testees of it": {inPlanA, assessplan.ForTestees("a", planA, "T001"), false},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOperator(t, silent(failingAndLate))
			late := o.ago(time.Hour)
			late.Scope = test.wrong
			o.scheduled(late, assessplan.ErrUnavailable)
			o.expired(assessplan.ExpireReport{Scope: test.wrong}, assessplan.ErrUnavailable)
			o.clock.Add(time.Millisecond)
			told := o.told()
			require.Len(t, told, 3)
			for _, alert := range told {
				require.Equal(t, test.wrong.Org, alert.Org)
			}
			o.scheduled(assessplan.ScheduleReport{Scope: test.well}, nil)
			o.expired(assessplan.ExpireReport{Scope: test.well}, nil)
			require.Equal(t, test.ends, len(o.told()) == 3)
			require.Equal(t, !test.ends, len(o.watch.Standing()) == 3)
		})
	}
}

func TestFailuresInManyScopesAreOneAlert(t *testing.T) {
	o := newOperator(t, silent(failingAndLate))
	for i := range 50 {
		late := o.ago(time.Hour + time.Duration(i)*time.Minute)
		late.Scope = assessplan.InOrg(assessplan.OrgID(fmt.Sprintf("org-%02d", i)))
		o.scheduled(late, assessplan.ErrUnavailable)
	}
	o.clock.Add(time.Second)
	require.Equal(t, []alerts.Kind{alerts.OldestDue, alerts.ScheduleFailing}, o.kinds())
	standing := o.watch.Standing()
	require.Equal(t, (time.Hour + 49*time.Minute).Seconds(), standing[0].Value, "the oldest of all")
	require.Empty(t, standing[0].Org)
	require.Contains(t, standing[1].Text, "50 scopes")
	require.Empty(t, standing[1].Org)
	o.scheduled(assessplan.ScheduleReport{}, nil)
	require.Len(t, of(alerts.OldestDue, o.told()), 1)
	require.Empty(t, o.watch.Standing())
}

func TestPassThatNamesTesteesIsItsCallersBusiness(t *testing.T) {
	o := newOperator(t, silent(failingAndLate, func(c *alerts.Config) { c.FailureRatio = 0 }))
	late := o.ago(time.Hour)
	late.Scope = assessplan.ForTestees("a", planA, "T001")
	o.scheduled(late, assessplan.ErrUnavailable)
	o.expired(assessplan.ExpireReport{Scope: late.Scope}, assessplan.ErrUnavailable)
	o.clock.Add(time.Hour)
	o.nothing("its caller has the error and the report")
	late.Failed = 20
	o.scheduled(late, nil)
	require.Equal(t, []alerts.Kind{alerts.FailureRatio}, o.kinds(), "a task that fails is one, whoever asked for it")
}

func TestNoPassCountsWhatTheHostsTriggerRuns(t *testing.T) {
	const most = 10 * time.Minute
	for name, test := range map[string]struct {
		byOrg  bool
		scope  assessplan.Scope
		counts bool
	}{
		"no scope":               {false, everything, true},
		"no scope, by org":       {true, everything, true},
		"an org":                 {false, inA, false},
		"an org, by org":         {true, inA, true},
		"a plan":                 {false, inPlanA, false},
		"a plan, by org":         {true, inPlanA, false},
		"some testees":           {false, assessplan.ForTestees("a", planA, "T001"), false},
		"some testees, by org":   {true, assessplan.ForTestees("a", planA, "T001"), false},
		"another org, by org":    {true, assessplan.InOrg("b"), true},
		"another's plan, by org": {true, assessplan.InPlan("b", planB), false},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOperator(t, silent(func(c *alerts.Config) { c.NoPass, c.ByOrg = most, test.byOrg }))
			o.clock.Add(most / 2)
			o.scheduled(assessplan.ScheduleReport{Scope: test.scope}, nil)
			o.expired(assessplan.ExpireReport{Scope: test.scope}, errors.New("a pass that breaks is one"))
			o.clock.Add(most / 2)
			told := o.told()
			if test.counts {
				require.Empty(t, told)
				o.clock.Add(most / 2)
				require.Len(t, o.told(), 2)
				return
			}
			require.Len(t, told, 2)
			require.Contains(t, told[0].Text, "narrowed", "it tells why the pass does not count")
		})
	}
}

func TestPassesAreMissedFromTheBeginning(t *testing.T) {
	o := newOperator(t, silent(func(c *alerts.Config) { c.NoPass = 10 * time.Minute }))
	began := o.clock.Now()
	o.clock.Add(10 * time.Minute)
	told := o.told()
	require.Len(t, told, 2)
	require.Equal(t, alerts.NoSchedulePass, told[0].Kind)
	require.Equal(t, alerts.NoExpirePass, told[1].Kind)
	require.Equal(t, began, told[0].Since)
	require.NotContains(t, told[0].Text, "narrowed")
}

// TestPassThatWasCutShortSaysLittle asks a real service for the reports.
func TestPassThatWasCutShortSaysLittle(t *testing.T) {
	s := newServed(t, silent(failingAndLate, func(c *alerts.Config) { c.NoPass = 10 * time.Minute }))
	s.clock.Add(2 * time.Hour) // the first task has been due for an hour
	s.store.Fail(plantest.FindPendingTasks, 1, nil)
	s.store.Fail(plantest.FindPlansWithWork, 1, nil)
	s.passes(s.ctx)
	s.clock.Add(time.Second)
	require.Subset(t, s.kinds(), []alerts.Kind{alerts.ScheduleFailing, alerts.ExpireFailing, alerts.OldestDue})

	ended, cancel := context.WithCancel(s.ctx)
	cancel()
	for range 10 {
		s.clock.Add(time.Minute)
		s.passes(ended)
	}
	require.Equal(t, []alerts.Kind{alerts.NoSchedulePass, alerts.NoExpirePass}, s.kinds())
	require.Len(t, s.watch.Standing(), 5, "nothing ended")
	require.Contains(t, s.watch.Standing()[3].Text, "context of 10 ended")

	s.passes(s.ctx)
	require.Len(t, s.told(), 5)
	require.Empty(t, s.watch.Standing())
	s.clock.Add(10 * time.Minute)
	require.NotContains(t, s.told()[0].Text, "context", "that was another time")
}

func TestPassThatCouldNotLookWhatIsLeftEndsNothing(t *testing.T) {
	s := newServed(t, silent(failingAndLate))
	s.clock.Add(2 * time.Hour)
	s.entries.Otherwise(plantest.Fail(nil))
	s.passes(s.ctx)
	require.Equal(t, []alerts.Kind{alerts.OldestDue}, s.kinds())
	s.entries.Otherwise(nil)
	s.clock.Add(time.Hour)
	s.store.Fail(plantest.OldestDue, 1, nil)
	s.passes(s.ctx)
	s.nothing("nobody knows what is due")
	s.passes(s.ctx)
	require.Equal(t, alerts.Recovered, s.only().State)
}

func TestTaskThatWasDueWhenAPassEndedGrowsNoOlderByItself(t *testing.T) {
	o := newOperator(t, silent(func(c *alerts.Config) { c.OldestDue = 15 * time.Minute }))
	o.scheduled(o.ago(14*time.Minute), nil)
	o.clock.Add(time.Hour)
	o.nothing("another process may have opened it since")
}

func TestFailingCountsFromTheFirstFailureInARow(t *testing.T) {
	o := newOperator(t, silent(func(c *alerts.Config) { c.Failing = 3 * time.Minute }))
	fails := func() { o.scheduled(assessplan.ScheduleReport{}, assessplan.ErrGeneratorStuck) }
	fails()
	o.clock.Add(2 * time.Minute)
	fails()
	o.scheduled(assessplan.ScheduleReport{}, nil)
	o.clock.Add(time.Minute)
	first := o.clock.Now()
	fails()
	o.clock.Add(2 * time.Minute)
	fails()
	o.nothing("a pass did well in between")
	o.clock.Add(time.Minute)
	alert := o.only()
	require.Equal(t, first, alert.Since)
	require.Contains(t, alert.Text, "2 times in a row")
	require.Contains(t, alert.Text, "entry generator hang")
}
