package storetest

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/assessplan/assessplan"
)

// What most checks use. The instant has microseconds, so that a store that loses them is seen everywhere.
const (
	clinic = assessplan.OrgID("clinic")
	testee = assessplan.TesteeID("testee-1")
	second = assessplan.TesteeID("testee-2")
)

var start = time.Date(2026, time.March, 2, 9, 0, 0, 123456000, time.UTC)

// minutes is an instant so long after start.
func minutes(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }

// number makes an ID whose byte order is the order of n, up to the highest bit.
func number(kind byte, n uint32) (id [16]byte) {
	binary.BigEndian.PutUint32(id[:4], n)
	id[6], id[8], id[15] = 0x80, 0x80, kind // UUIDv8, RFC 9562 section 5.8
	return id
}

func planID(n uint32) assessplan.PlanID             { return number(1, n) }
func enrollmentID(n uint32) assessplan.EnrollmentID { return number(2, n) }
func taskID(n uint32) assessplan.TaskID             { return number(3, n) }

// What the checks do to a record that they make.
type (
	roundChange = func(assessplan.EnrollmentState) assessplan.EnrollmentState
	taskChange  = func(assessplan.TaskState) assessplan.TaskState
)

// scattered numbers make IDs that a store can sort wrongly: as signed integers, from the other end, or as they came.
var scattered = []uint32{0x80000000, 3, 0xfffffffe, 1, 0x7fffffff, 2, 0x01000000, 0x00010001}

func ascending[ID any](id func(uint32) ID, numbers []uint32) []ID {
	ids := make([]ID, len(numbers))
	for i, n := range slices.Sorted(slices.Values(numbers)) {
		ids[i] = id(n)
	}
	return ids
}

func odd(numbers []uint32) []uint32 {
	return slices.DeleteFunc(slices.Clone(numbers), func(n uint32) bool { return n%2 == 0 })
}

func even(numbers []uint32) []uint32 {
	return slices.DeleteFunc(slices.Clone(numbers), func(n uint32) bool { return n%2 == 1 })
}

func newPlan(org assessplan.OrgID, n uint32) assessplan.PlanState {
	return assessplan.PlanState{
		ID: planID(n),
		PlanSpec: assessplan.PlanSpec{
			Org: org, Scale: "PHQ-8", Zone: "Europe/Berlin",
			Schedule: assessplan.EveryWeeks(1, 4, assessplan.ClockTime(9, 0)),
			Windows:  assessplan.Windows{OpenWindow: assessplan.CalendarDays(3)},
		},
		Status: assessplan.PlanStatusActive, CreatedAt: start,
	}
}

// newRound makes the first round of a testee in a plan.
func newRound(plan assessplan.PlanState, n uint32, who assessplan.TesteeID) assessplan.EnrollmentState {
	return assessplan.EnrollmentState{
		ID: enrollmentID(n), Org: plan.Org, Plan: plan.ID, Testee: who, Round: 1, Start: dateOf(start), Zone: plan.Zone,
		Status: assessplan.EnrollmentStatusActive, Planned: 4, ClosableFrom: start, CreatedAt: start,
	}
}

// newTask makes a pending task of a round, with every window.
func newTask(round assessplan.EnrollmentState, n uint32, seq int, plannedAt time.Time) assessplan.TaskState {
	return assessplan.TaskState{
		ID: taskID(n), Org: round.Org, Plan: round.Plan, Enrollment: round.ID, Testee: round.Testee, Scale: "PHQ-8", Seq: seq,
		Date: dateOf(plannedAt), Time: assessplan.ClockTime(plannedAt.Hour(), plannedAt.Minute()), Zone: round.Zone,
		PlannedAt: plannedAt, OpenUntil: plannedAt.AddDate(0, 0, 3), FillUntil: plannedAt.AddDate(0, 0, 7),
		DueAt: plannedAt.AddDate(0, 0, 1), Revision: 1,
		Status: assessplan.Pending, NextAttemptAt: plannedAt, CreatedAt: start,
	}
}

// newTasks makes pending tasks with consecutive IDs and numbers in the round, all planned for the same instant.
func newTasks(round assessplan.EnrollmentState, first uint32, count int, plannedAt time.Time) []assessplan.TaskState {
	tasks := make([]assessplan.TaskState, count)
	for i := range tasks {
		tasks[i] = newTask(round, first+uint32(i), i+1, plannedAt)
	}
	return tasks
}

func dateOf(t time.Time) assessplan.CivilDate { return assessplan.DateOf(t, time.UTC) }

// held is a pending task whose plan or round is paused.
func held(t assessplan.TaskState) assessplan.TaskState {
	t.Held = true
	return t
}

// failed is a pending task that could not be opened.
func failed(t assessplan.TaskState, attempts int, next time.Time) assessplan.TaskState {
	t.Attempts, t.NextAttemptAt, t.LastError = attempts, next, assessplan.FailureTimeout
	return t
}

// opened is the task a minute after it was planned, with an entry of five days.
func opened(t assessplan.TaskState) assessplan.TaskState {
	t.Status, t.Held = assessplan.Opened, false
	t.NextAttemptAt, t.Attempts, t.LastError = time.Time{}, 0, ""
	t.OpenAt, t.ExpireAt = t.PlannedAt.Add(time.Minute), t.PlannedAt.AddDate(0, 0, 5)
	t.EntrySerial++
	t.TokenHash = assessplan.HashToken(fmt.Sprintf("storetest-%s-%d", t.ID, t.EntrySerial))
	return t
}

// completed is the task two days after it was planned, a day late.
func completed(t assessplan.TaskState, assessment assessplan.AssessmentID) assessplan.TaskState {
	t = opened(t)
	t.Status, t.AssessmentID = assessplan.Completed, assessment
	t.SubmittedAt, t.EndedAt = t.PlannedAt.AddDate(0, 0, 2), t.PlannedAt.AddDate(0, 0, 2).Add(time.Second)
	t.Late = !t.DueAt.IsZero()
	return t
}

// missed is the task that nobody opened in its window.
func missed(t assessplan.TaskState) assessplan.TaskState {
	t.Status, t.NextAttemptAt = assessplan.Expired, time.Time{}
	t.EndedAt, t.EndReason = t.PlannedAt.AddDate(0, 0, 4), assessplan.MissedWindow
	return t
}

// timedOut is the task that was opened and not filled in.
func timedOut(t assessplan.TaskState) assessplan.TaskState {
	t = opened(t)
	t.Status, t.EndedAt, t.EndReason = assessplan.Expired, t.ExpireAt.Add(time.Second), assessplan.EntryTimeout
	return t
}

// canceled is the task that is no longer owed, before it was opened.
func canceled(t assessplan.TaskState) assessplan.TaskState {
	t.Status, t.Held, t.NextAttemptAt = assessplan.Canceled, false, time.Time{}
	t.EndedAt, t.EndReason = t.PlannedAt.Add(time.Hour), assessplan.Requested
	return t
}

// closed is the round whose tasks have all ended.
func closed(e assessplan.EnrollmentState) assessplan.EnrollmentState {
	e.Status, e.PausedAt, e.EndedAt = assessplan.EnrollmentStatusClosed, time.Time{}, e.CreatedAt.AddDate(0, 1, 0)
	return e
}

// paused is the round during a pause.
func paused(e assessplan.EnrollmentState) assessplan.EnrollmentState {
	e.Status, e.PausedAt = assessplan.EnrollmentStatusPaused, e.CreatedAt.AddDate(0, 0, 1)
	return e
}

// terminated is the round that the testee left.
func terminated(e assessplan.EnrollmentState) assessplan.EnrollmentState {
	e = closed(e)
	e.Status = assessplan.EnrollmentStatusTerminated
	e.Termination = assessplan.Termination{Reason: assessplan.Other, Note: "moved to another country; données à vérifier"}
	return e
}

// event makes an event about a subject, with an ID of its own. Its Data names the testee, as that of real events does.
func (k *kit) event(org assessplan.OrgID, subject [16]byte, who assessplan.TesteeID) assessplan.Event {
	k.events++
	id := assessplan.EventID(number(9, k.events))
	name, _ := json.Marshal(who) // a string is always JSON
	data := fmt.Sprintf(`{"specversion":"1.0","id":%q,"data":{"testee_id":%s}}`, id, name)
	return assessplan.Event{ID: id, Type: assessplan.TypeTaskOpened, Org: org, Subject: subject, Version: 1,
		Time: minutes(int(k.events)), Data: []byte(data)}
}
