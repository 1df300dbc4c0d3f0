package crash_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

func TestAPassOnAFullDiskStopsAndGoesOnWhenThereIsRoom(t *testing.T) {
	d := newSmallDisk(t)
	d.limit(40)
	stored := d.holds().outbox.Pending

	report, err := d.open()
	requireFull(t, err)
	require.True(t, report.More)
	require.Zero(t, report.Failed, "no task is to blame")
	require.Positive(t, report.Opened)
	require.Less(t, report.Opened, d.tasks)
	full := d.holds()
	require.Equal(t, stored+report.Opened, full.outbox.Pending, "each task that was opened has its event, and no other")
	opened := 0
	for i := range full.tasks {
		if full.tasks[i].Status == assessplan.Opened {
			opened++
		}
	}
	require.Equal(t, report.Opened, opened)

	again, err := d.open()
	requireFull(t, err)
	require.Zero(t, again.Opened)
	d.requireUntouched(full)

	d.limit(plenty)
	rest, err := d.open()
	require.NoError(t, err)
	require.Equal(t, d.tasks, report.Opened+rest.Opened)
	d.clock.Add(8 * 24 * time.Hour)
	d.limit(0)
	expired, err := d.Scheduler.ExpireOverdueTasks(t.Context(), time.Time{})
	requireFull(t, err)
	require.True(t, expired.More)
	require.Zero(t, expired.Failed)
	require.Equal(t, stored+d.tasks+expired.Expired, d.holds().outbox.Pending)
	d.requireBalanceInTheEnd()
}

func TestACommandOnAFullDiskDoesAllOrNothing(t *testing.T) {
	d := newSmallDisk(t)
	_, err := d.open()
	require.NoError(t, err)
	d.limit(0)
	opened := d.holds().tasks

	full := d.holds()
	requireFull(t, d.enroll(99))
	d.requireUntouched(full)
	for i, command := range []func(id assessplan.TaskID) error{
		func(id assessplan.TaskID) error {
			_, err := d.Manager.CompleteTask(t.Context(), clinic, id, assessplan.Submission{AssessmentID: assessplan.AssessmentID("sheet-" + id.String())})
			return err
		},
		func(id assessplan.TaskID) error {
			_, err := d.Manager.CancelTask(t.Context(), clinic, id, "holiday")
			return err
		},
		func(id assessplan.TaskID) error {
			_, err := d.Manager.ReissueEntry(t.Context(), clinic, id)
			return err
		},
	} {
		refused := d.untilRefused(opened[i*100:i*100+100], command)
		d.limit(plenty)
		require.NoError(t, command(refused))
		d.limit(0)
	}
	d.limit(plenty)
	require.NoError(t, d.enroll(99))
	d.requireBalanceInTheEnd()
}

// untilRefused repeats a command until what is free in the file's pages is used up.
func (d *smallDisk) untilRefused(tasks []assessplan.TaskState, command func(assessplan.TaskID) error) assessplan.TaskID {
	d.t.Helper()
	for i := range tasks {
		before := d.holds()
		err := command(tasks[i].ID)
		if err != nil {
			requireFull(d.t, err)
			d.requireUntouched(before)
			return tasks[i].ID
		}
	}
	require.Fail(d.t, "the disk was never full")
	return assessplan.TaskID{}
}

// TestWithoutAGuardAFullDiskLeavesHalves shows that the comparison can fail.
func TestWithoutAGuardAFullDiskLeavesHalves(t *testing.T) {
	d := newSmallDiskWithout(t, splitCommit)
	_, err := d.open()
	require.NoError(t, err)
	d.limit(0)
	var before *books
	for i, tasks := 0, d.holds().tasks; err == nil && i < len(tasks); i++ {
		before = d.holds()
		_, err = d.Manager.CancelTask(t.Context(), clinic, tasks[i].ID, "holiday")
	}
	requireFull(t, err)
	require.False(t, reflect.DeepEqual(before, d.holds()))
}

// TestAPlanThatIsCanceledOnAFullDiskIsFinishedLater: the command is many transactions, of which the first ones may fit.
func TestAPlanThatIsCanceledOnAFullDiskIsFinishedLater(t *testing.T) {
	d := newSmallDisk(t)
	d.limit(40)
	_, err := d.Manager.CancelPlan(t.Context(), clinic, d.plan)
	requireFull(t, err)
	report, err := d.Scheduler.ExpireOverdueTasks(t.Context(), time.Time{})
	requireFull(t, err)
	require.True(t, report.More)

	d.limit(plenty)
	_, err = d.Scheduler.ExpireOverdueTasks(t.Context(), time.Time{})
	require.NoError(t, err)
	_, err = d.Relay.RelayEvents(t.Context())
	require.NoError(t, err)
	told := map[uuid.UUID]int{}
	for _, event := range d.publisher.Events(assessplan.TypeTaskCanceled) {
		told[event.Subject]++
	}
	for _, task := range d.holds().tasks {
		require.Equal(t, assessplan.Canceled, task.Status, "task %s", task.ID)
		require.Equal(t, 1, told[uuid.UUID(task.ID)], "task %s", task.ID)
	}
}

// TestARelayOnAFullDiskLosesNothing has a broker that refuses most events: to note that needs room.
func TestARelayOnAFullDiskLosesNothing(t *testing.T) {
	d := newSmallDisk(t)
	_, err := d.open()
	require.NoError(t, err)
	d.limit(0)
	d.publisher.refuses = true
	before := d.holds().outbox

	_, err = d.Relay.RelayEvents(t.Context())
	requireFull(t, err)
	require.NotEmpty(t, d.publisher.Events())
	require.Equal(t, before, d.holds().outbox, "also what the broker took is there still, and will be delivered again")

	d.limit(plenty)
	d.publisher.refuses = false
	d.clock.Add(time.Hour) // the lease
	d.requireBalanceInTheEnd()
}

// TestARelayMakesRoomOnAFullDisk: to delete an event needs none.
func TestARelayMakesRoomOnAFullDisk(t *testing.T) {
	d := newSmallDisk(t)
	d.limit(40)
	_, err := d.open()
	requireFull(t, err)
	_, err = d.Relay.RelayEvents(t.Context())
	require.NoError(t, err)
	report, err := d.open()
	requireFull(t, err)
	require.Positive(t, report.Opened)
	d.requireBalanceInTheEnd()
}
