package plantest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
)

func TestRecorderKeepsWhatItIsTold(t *testing.T) {
	now, generator, recorder := plantest.NewClock(), &plantest.Generator{}, &plantest.Recorder{}
	generator.OnCall(1, plantest.Fail(nil))
	service := newService(t, memstore.New(), generator, assessplan.Config{Clock: now, Observer: recorder})
	enroll(t, service.Manager, "anna", "bert")
	require.Empty(t, recorder.Observations())

	now.Add(time.Hour)
	scheduled, err := service.Scheduler.SchedulePendingTasks(t.Context(), time.Time{})
	require.NoError(t, err)
	expired, err := service.Scheduler.ExpireOverdueTasks(t.Context(), time.Time{})
	require.NoError(t, err)

	require.Equal(t, []assessplan.Observation{
		&assessplan.TaskFailed{Failure: scheduled.Failures[0]},
		&assessplan.ScheduleFinished{Report: scheduled},
		&assessplan.ExpireFinished{Report: expired},
	}, recorder.Observations())
	require.Equal(t, []*assessplan.ExpireFinished{{Report: expired}}, plantest.Observed[*assessplan.ExpireFinished](recorder))
}
