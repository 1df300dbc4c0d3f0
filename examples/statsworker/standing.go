package main

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
)

// key is what the tasks are counted by.
type key struct {
	org   assessplan.OrgID
	plan  string // its ID
	scale assessplan.ScaleCode
	week  string // ISO 8601, such as 2026-W10: the week that the task is planned for
}

// counters are tasks that have come up: opened, missed or canceled. What still waits for its time is none of them.
type counters struct {
	planned   int // all of them, in the week for which they are planned
	opened    int // could be filled in at some time, whatever came after
	completed int
	late      int // of the completed: after their due time
	missed    int // of the expired: never opened
	expired   int
	canceled  int
}

// standing is where one event leaves a task: every event of a task says all of it.
type standing struct {
	key
	counters // each 0 or 1; all 0 where the task waits

	// place orders the events of a task. Its version alone does not: a task whose plan had ended is canceled and completed in
	// one store, of one version. But nothing comes after a completion.
	place int64
}

// standingOf returns where an event leaves its task; of says whether it is about a task at all.
func standingOf(event assessplan.Event, fact assessplan.Fact, zone *time.Location) (s standing, of bool, err error) {
	var task assessplan.TaskRef
	switch fact := fact.(type) {
	case *assessplan.TaskOpened:
		task, s.counters = fact.TaskRef, counters{planned: 1, opened: 1}
	case *assessplan.TaskEntryReissued:
		task, s.counters = fact.TaskRef, counters{planned: 1, opened: 1}
	case *assessplan.TaskCompleted:
		task, s.counters = fact.TaskRef, counters{planned: 1, opened: 1, completed: 1, late: one(fact.Late)}
		s.place = 1
	case *assessplan.TaskExpired:
		missed := one(fact.PreviousStatus == assessplan.Pending)
		task, s.counters = fact.TaskRef, counters{planned: 1, opened: 1 - missed, missed: missed, expired: 1}
	case *assessplan.TaskCanceled:
		task, s.counters = fact.TaskRef, counters{planned: 1, opened: one(fact.PreviousStatus == assessplan.Opened), canceled: 1}
	case *assessplan.TaskRescheduled:
		task = fact.TaskRef
	default:
		return standing{}, false, nil
	}
	s.key = key{org: task.OrgID, plan: task.PlanID.String(), scale: task.ScaleCode, week: weekOf(task.PlannedAt, zone)}
	s.place += 2 * event.Version
	return s, true, checkTask(event, task)
}

// checkTask refuses what is an event by its form, but none that the library makes.
func checkTask(event assessplan.Event, task assessplan.TaskRef) error {
	if uuid.UUID(task.TaskID) != event.Subject || task.TaskID.IsZero() || task.OrgID != event.Org || task.PlanID.IsZero() ||
		task.ScaleCode == "" || task.PlannedAt.IsZero() || event.Version < 1 {
		return fmt.Errorf("%w: what it says of its task is incomplete, or is not what its attributes say", assessplan.ErrInvalid)
	}
	return nil
}

// weekOf names the week of an instant in a zone.
func weekOf(at time.Time, zone *time.Location) string {
	year, week := at.In(zone).ISOWeek()
	return fmt.Sprintf("%04d-W%02d", year, week)
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// plus adds to each counter.
func (c counters) plus(d counters) counters {
	return counters{
		planned: c.planned + d.planned, opened: c.opened + d.opened, completed: c.completed + d.completed, late: c.late + d.late,
		missed: c.missed + d.missed, expired: c.expired + d.expired, canceled: c.canceled + d.canceled,
	}
}

// minus subtracts from each counter.
func (c counters) minus(d counters) counters {
	return c.plus(counters{
		planned: -d.planned, opened: -d.opened, completed: -d.completed, late: -d.late,
		missed: -d.missed, expired: -d.expired, canceled: -d.canceled,
	})
}
