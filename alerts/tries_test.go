package alerts_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/alerts"
)

func ratioOf(ratio float64) alerts.Config {
	return silent(func(c *alerts.Config) { c.FailureRatio, c.MinTasks, c.Calm, c.Repeat = ratio, 20, -1, -1 })
}

func (o *operator) tried(opened, failed int) {
	o.scheduled(assessplan.ScheduleReport{Opened: opened, Failed: failed}, nil)
}

func TestSmallPassesAreJudgedTogether(t *testing.T) {
	o := newOperator(t, ratioOf(0.5))
	for range 9 {
		o.tried(1, 1)
		o.clock.Add(time.Minute)
	}
	o.tried(1, 0)
	o.nothing("there are too few")
	o.tried(0, 1)
	alert := o.only()
	require.Equal(t, 0.5, alert.Value)
	require.Contains(t, alert.Text, "10 of 20 tasks")
	for range 19 {
		o.tried(1, 0)
		o.nothing("there are too few to say that it is over")
	}
	o.tried(1, 0)
	require.Equal(t, alerts.Recovered, o.only().State)
}

func TestTriesOfAnHourAgoAreForgotten(t *testing.T) {
	o := newOperator(t, ratioOf(0.5))
	o.tried(0, 10)
	o.clock.Add(time.Hour)
	o.tried(0, 10)
	o.nothing("there were too few in an hour")
	o.clock.Add(time.Hour - 1)
	o.tried(0, 10)
	require.Equal(t, alerts.Raised, o.only().State)
}

func TestHourBeginsWithItsFirstTask(t *testing.T) {
	o := newOperator(t, ratioOf(0.5))
	o.tried(0, 0)
	o.clock.Add(time.Hour - time.Minute)
	o.tried(0, 10)
	o.clock.Add(2 * time.Minute)
	o.tried(0, 10)
	require.Equal(t, alerts.Raised, o.only().State)
}

func TestHourWithFewTasksCanEndAnAlertButNotBeginOne(t *testing.T) {
	o := newOperator(t, ratioOf(0.5))
	o.tried(0, 20)
	require.Equal(t, alerts.Raised, o.only().State)
	o.tried(0, 1)
	o.clock.Add(time.Hour)
	o.nothing("they still fail")
	require.Len(t, o.watch.Standing(), 1)
	o.tried(1, 0)
	o.clock.Add(time.Hour)
	require.Equal(t, alerts.Recovered, o.only().State)
	o.tried(0, 19)
	o.clock.Add(time.Hour)
	o.nothing("there are too few")
}

func TestIdleHourEndsAFailureRatio(t *testing.T) {
	o := newOperator(t, ratioOf(0.5))
	o.tried(0, 20)
	require.Equal(t, alerts.Raised, o.only().State)
	o.clock.Add(time.Hour - 1)
	o.tried(0, 0)
	o.nothing("the hour is not over")
	o.clock.Add(1)
	require.Equal(t, alerts.Recovered, o.only().State)
}

func TestShareIsExact(t *testing.T) {
	for _, ratio := range []float64{0.07, 0.1, 0.3, 1} {
		o := newOperator(t, ratioOf(ratio))
		failed := int(ratio*100 + 0.5)
		o.tried(100-failed+1, failed-1)
		o.nothing("a task fewer")
		o.tried(100-failed, failed)
		require.Equal(t, ratio, o.only().Value)
	}
}

func TestMissedTasksAreTasksThatDidNotFail(t *testing.T) {
	o := newOperator(t, ratioOf(0.5))
	o.scheduled(assessplan.ScheduleReport{Missed: 11, Failed: 9}, nil)
	o.nothing("9 of 20")
	o.scheduled(assessplan.ScheduleReport{Missed: 10, Failed: 10}, nil)
	require.Equal(t, 0.5, o.only().Value)
}
