package race_test

import (
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
)

// checkRound compares a round with what was told of it, and with its tasks and its plan.
func (b *books) checkRound(round assessplan.EnrollmentState) {
	erased := round.Termination.Reason == assessplan.ByErasure
	status := assessplan.EnrollmentStatus("")
	for i, event := range b.take(uuid.UUID(round.ID), round.Version) {
		from, to := roundStep(event.fact)
		if !slices.Contains(from, status) && (i > 0 || !erased) { // an erasure takes back what was told before
			b.wrong("%s is told of a round that was %q", event, status)
		}
		status = to
		if created, is := event.fact.(*assessplan.EnrollmentCreated); is {
			want(b.referee, fmt.Sprintf("tasks that %s tells of", event), created.Planned, round.Planned)
		}
	}
	if status != "" || !erased {
		want(b.referee, "status of round "+round.ID.String()+", against what was told", round.Status, status)
	}
	plan, known := b.plans[round.Plan]
	if !known {
		b.wrong("round %s is of plan %s, which is not stored", round.ID, round.Plan)
	}
	tasks := b.tasks[round.ID]
	want(b.referee, "tasks of round "+round.ID.String(), len(tasks), round.Planned)
	for _, task := range tasks {
		b.checkFits(task, round, plan)
		b.checkTask(task, erased)
	}
	if erased {
		want(b.referee, "erasures told of round "+round.ID.String(), b.erased[round.Testee], 1)
	}
}

func roundStep(fact assessplan.Fact) (from []assessplan.EnrollmentStatus, to assessplan.EnrollmentStatus) {
	const active, paused, closed, terminated = assessplan.EnrollmentStatusActive, assessplan.EnrollmentStatusPaused,
		assessplan.EnrollmentStatusClosed, assessplan.EnrollmentStatusTerminated
	type list = []assessplan.EnrollmentStatus
	switch fact.(type) {
	case *assessplan.EnrollmentCreated:
		return list{""}, active
	case *assessplan.EnrollmentPaused:
		return list{active}, paused
	case *assessplan.EnrollmentResumed:
		return list{paused}, active
	case *assessplan.EnrollmentClosed:
		return list{active, paused}, closed
	case *assessplan.EnrollmentReopened:
		return list{closed}, active
	case *assessplan.EnrollmentTerminated:
		return list{active, paused, closed}, terminated
	}
	return nil, ""
}

// checkFits compares a task with its round and its plan.
func (b *books) checkFits(task assessplan.TaskState, round assessplan.EnrollmentState, plan assessplan.PlanState) {
	if task.Testee != round.Testee || task.Plan != round.Plan || task.Org != round.Org {
		b.wrong("task %s is of another testee or plan than its round", task.ID)
	}
	if task.Status != assessplan.Pending {
		return
	}
	held := plan.Status != assessplan.PlanStatusActive || plan.Work.Kind == assessplan.WorkShift || round.Status == assessplan.EnrollmentStatusPaused
	if task.Held != held || !round.Status.Running() {
		b.wrong("task %s is pending, held %t, in a round that is %s of a plan that is %s", task.ID, task.Held, round.Status, plan.Status)
	}
}

// account is what is known of a task from what was told of it.
type account struct {
	status           assessplan.TaskStatus
	serial, revision int
	versions         []int64 // that were told, each once
}

// checkTask compares a task with what was told of it.
func (b *books) checkTask(task assessplan.TaskState, erased bool) {
	acc := account{status: assessplan.Pending, revision: 1, versions: []int64{1}}
	events := b.take(uuid.UUID(task.ID), task.Version)
	if erased { // which takes back what was told before
		acc = account{status: task.Status, serial: task.EntrySerial, revision: task.Revision}
		if len(events) > 0 {
			acc.status = previously(events[0].fact)
		}
	}
	for _, event := range events {
		b.saw(fmt.Sprintf("%s from %s", event.Type, acc.status))
		if erased && event.Type == assessplan.TypeTaskCompleted {
			b.wrong("%s is told after an erasure", event)
		}
		if !acc.enter(event.fact) {
			b.wrong("%s is told of a task that was %s", event, acc.status)
		}
		if !slices.Contains(acc.versions, event.Version) {
			acc.versions = append(acc.versions, event.Version)
		}
	}
	want(b.referee, fmt.Sprintf("status of task %s, against what was told", task.ID), task.Status, acc.status)
	want(b.referee, fmt.Sprintf("entries of task %s, against what was told", task.ID), task.EntrySerial, acc.serial)
	want(b.referee, fmt.Sprintf("plannings of task %s, against what was told", task.ID), task.Revision, acc.revision)
	if !b.loose && !erased {
		want(b.referee, fmt.Sprintf("version of task %s, against what was told", task.ID), task.Version, int64(len(acc.versions)))
	}
}

// enter takes an account to where a fact leads, and reports whether it can.
func (c *account) enter(fact assessplan.Fact) bool {
	from := c.status
	switch fact := fact.(type) {
	case *assessplan.TaskOpened:
		c.status, c.serial = assessplan.Opened, c.serial+1
		return from == assessplan.Pending && fact.EntrySerial == c.serial && fact.Revision == c.revision
	case *assessplan.TaskEntryReissued:
		c.serial++
		return from == assessplan.Opened && fact.EntrySerial == c.serial
	case *assessplan.TaskCompleted:
		c.status = assessplan.Completed
		return from != assessplan.Pending && from != assessplan.Completed && fact.PreviousStatus == from
	case *assessplan.TaskExpired:
		c.status = assessplan.Expired
		return !from.Ended() && fact.PreviousStatus == from
	case *assessplan.TaskCanceled:
		c.status = assessplan.Canceled
		return !from.Ended() && fact.PreviousStatus == from
	case *assessplan.TaskRescheduled:
		c.status, c.revision = assessplan.Pending, c.revision+1
		return from != assessplan.Completed && fact.PreviousStatus == from && fact.Revision == c.revision
	}
	return false
}

// previously is the status before a fact, as the fact itself says.
func previously(fact assessplan.Fact) assessplan.TaskStatus {
	switch fact := fact.(type) {
	case *assessplan.TaskCompleted:
		return fact.PreviousStatus
	case *assessplan.TaskExpired:
		return fact.PreviousStatus
	case *assessplan.TaskCanceled:
		return fact.PreviousStatus
	}
	return ""
}
