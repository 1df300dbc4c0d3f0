package plantest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
)

// newService makes a service at plantest.Morning.
func newService(t *testing.T, store assessplan.Store, entries assessplan.EntryGenerator, config assessplan.Config) *assessplan.Service {
	t.Helper()
	if config.Clock == nil {
		config.Clock = plantest.NewClock()
	}
	service, err := assessplan.New(store, entries, &config)
	require.NoError(t, err)
	return service
}

// enroll makes the plan of the fixtures and a round in it for each testee.
func enroll(t *testing.T, manager *assessplan.Manager, testees ...assessplan.TesteeID) assessplan.PlanState {
	t.Helper()
	plan, err := manager.CreatePlan(t.Context(), plantest.PlanSpec())
	require.NoError(t, err)
	for _, testee := range testees {
		spec := plantest.EnrollSpec(plan.ID, func(s *assessplan.EnrollSpec) { s.Testee = testee })
		_, err := manager.Enroll(t.Context(), spec)
		require.NoError(t, err)
	}
	return plan
}

func TestFixturesAreValid(t *testing.T) {
	require.NoError(t, plantest.PlanSpec().Validate())
	require.NoError(t, plantest.EnrollSpec(assessplan.PlanIDFromUint64(1)).Validate())
	_, err := assessplan.RestoreTask(plantest.PendingTask())
	require.NoError(t, err)
	require.Equal(t, plantest.Today(), assessplan.DateOf(plantest.Morning(), time.UTC))
	require.Equal(t, plantest.Morning(), plantest.NewClock().Now())
}

func TestTweaksAreAppliedInTheirOrder(t *testing.T) {
	spec := plantest.PlanSpec(
		func(s *assessplan.PlanSpec) { s.Scale = "GAD-7" },
		func(s *assessplan.PlanSpec) { s.Scale += "-short" },
	)
	require.Equal(t, assessplan.ScaleCode("GAD-7-short"), spec.Scale)
	require.Equal(t, plantest.Scale, plantest.PlanSpec().Scale, "a tweak changes its own fixture only")
}

func TestPendingTaskIsTheFirstOfTheFixturesPlan(t *testing.T) {
	service := newService(t, memstore.New(), &plantest.Generator{}, assessplan.Config{})
	planned, err := service.Manager.Preview(t.Context(), assessplan.PreviewSpec{PlanSpec: plantest.PlanSpec(), Start: plantest.Today()})
	require.NoError(t, err)
	task := plantest.PendingTask()
	require.Equal(t, planned[0].PlannedAt, task.PlannedAt)
	require.Equal(t, planned[0].Date, task.Date)
	require.Equal(t, planned[0].Time, task.Time)
	require.Equal(t, planned[0].Zone, task.Zone)
	require.Equal(t, time.Hour, task.PlannedAt.Sub(plantest.Morning()))
}
