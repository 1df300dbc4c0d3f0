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
	planned := plantest.Observed[*assessplan.TasksStored](recorder)
	require.Len(t, recorder.Observations(), len(planned))

	now.Add(time.Hour)
	scheduled, err := service.Scheduler.SchedulePendingTasks(t.Context(), time.Time{})
	require.NoError(t, err)
	expired, err := service.Scheduler.ExpireOverdueTasks(t.Context(), time.Time{})
	require.NoError(t, err)

	stored := plantest.Observed[*assessplan.TasksStored](recorder)[len(planned):]
	require.Len(t, stored, 1)
	require.Equal(t, []assessplan.Observation{
		stored[0],
		&assessplan.TaskFailed{Failure: scheduled.Failures[0], Page: assessplan.TracedOpenPage},
		&assessplan.ScheduleFinished{Report: scheduled},
		&assessplan.ExpireFinished{Report: expired},
	}, recorder.Observations()[len(planned):])
	require.Equal(t, []*assessplan.ExpireFinished{{Report: expired}}, plantest.Observed[*assessplan.ExpireFinished](recorder))
}
