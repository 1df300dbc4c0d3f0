package main

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/assessplan/assessplan"
)

// records are what a synthetic store makes up.
type records int

const (
	nothing records = iota
	pendingTasks
	openedTasks
	missedTasks
	endedRounds
	tasksOfPlan
)

// synthetic is a store that keeps nothing but one plan: it makes up as many records as it is told and forgets what is saved.
// What a pass over it costs, in time and memory, is the library's own share.
type synthetic struct {
	assessplan.Repositories // the methods that no pass calls
	makes                   records
	tasks, rounds           int // that are left
	task                    assessplan.TaskState
	round                   assessplan.EnrollmentState
	plan                    assessplan.PlanState
}

// syntheticBed is a bed on a store that makes up what the work meets.
func (w *work) syntheticBed(ctx context.Context, tasks int) (*bed, error) {
	b, err := newBed(newSynthetic(w.meets, tasks, w.at), w.config)
	if err != nil {
		return nil, err
	}
	err = b.begin(ctx, w.cohort, tasks)
	b.clock.now = w.at
	return b, err
}

func newSynthetic(makes records, tasks int, now time.Time) *synthetic {
	at := now.AddDate(0, 0, -10).UTC().Truncate(time.Second)
	s := &synthetic{makes: makes, tasks: tasks, rounds: tasks / perRound, task: assessplan.TaskState{
		Org: org, Plan: assessplan.PlanIDFromUint64(1), Enrollment: assessplan.EnrollmentIDFromUint64(1),
		Testee: "testee-000001", Scale: "PHQ-8", Seq: 1, Date: assessplan.DateOf(at, time.UTC), Time: assessplan.ClockTime(9, 30),
		Zone: "Europe/Berlin", PlannedAt: at, NextAttemptAt: at, Revision: 1, Status: assessplan.Pending, CreatedAt: at, Version: 1,
	}, round: assessplan.EnrollmentState{
		Org: org, Plan: assessplan.PlanIDFromUint64(1), Testee: "testee-000001", Round: 1, Start: assessplan.DateOf(at, time.UTC),
		Zone: "Europe/Berlin", Status: assessplan.EnrollmentStatusActive, Planned: perRound, ClosableFrom: at, CreatedAt: at, Version: 1,
	}}
	switch makes {
	case openedTasks:
		s.task.Status, s.task.NextAttemptAt = assessplan.Opened, time.Time{}
		s.task.OpenAt, s.task.ExpireAt = at, at.AddDate(0, 0, 7)
		s.task.EntrySerial, s.task.TokenHash = 1, assessplan.HashToken("a token that nobody has")
	case missedTasks:
		s.task.OpenUntil = at.AddDate(0, 0, 3)
	case tasksOfPlan:
		s.round.ClosableFrom = now.AddDate(1, 0, 0)
	}
	return s
}

func (s *synthetic) View(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	return fn(ctx, s)
}

func (s *synthetic) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	return fn(ctx, s)
}

// someTasks makes up a page of tasks, if they are what is made up.
func (s *synthetic) someTasks(makes records, limit int) []assessplan.TaskState {
	if s.makes != makes {
		return nil
	}
	page := make([]assessplan.TaskState, min(limit, s.tasks))
	for i := range page {
		page[i] = s.task
		page[i].ID = assessplan.TaskIDFromUint64(uint64(s.tasks))
		binary.BigEndian.PutUint32(page[i].Enrollment[12:], uint32(s.tasks/perRound))
		s.tasks--
	}
	return page
}

func (s *synthetic) someRounds(makes records, limit int) []assessplan.EnrollmentState {
	if s.makes != makes {
		return nil
	}
	page := make([]assessplan.EnrollmentState, min(limit, s.rounds))
	for i := range page {
		page[i] = s.round
		page[i].ID = assessplan.EnrollmentIDFromUint64(uint64(s.rounds))
		s.rounds--
	}
	return page
}

func (s *synthetic) FindPendingTasks(_ context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	return s.someTasks(pendingTasks, q.Limit), nil
}

func (s *synthetic) FindOverdueTasks(_ context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	if q.Cause == assessplan.WindowMissed {
		return s.someTasks(missedTasks, q.Limit), nil
	}
	return s.someTasks(openedTasks, q.Limit), nil
}

func (s *synthetic) ListTasks(_ context.Context, q assessplan.TaskQuery) ([]assessplan.TaskState, error) {
	return s.someTasks(tasksOfPlan, q.Limit), nil
}

func (s *synthetic) FindEndedEnrollments(_ context.Context, q assessplan.EndedQuery) ([]assessplan.EnrollmentState, error) {
	return s.someRounds(endedRounds, q.Limit), nil
}

func (s *synthetic) ListEnrollments(_ context.Context, q assessplan.EnrollmentQuery) ([]assessplan.EnrollmentState, error) {
	return s.someRounds(tasksOfPlan, q.Limit), nil
}

func (s *synthetic) OldestDue(context.Context, assessplan.DueQuery) (time.Time, error) {
	return time.Time{}, nil
}

func (s *synthetic) FindPlan(context.Context, assessplan.OrgID, assessplan.PlanID, assessplan.LockMode) (assessplan.PlanState, error) {
	return s.plan, nil
}

func (s *synthetic) SavePlan(_ context.Context, change assessplan.PlanChange) error {
	s.plan = change.State
	s.plan.Version = change.Was + 1
	return nil
}

func (s *synthetic) FindPlansWithWork(context.Context, assessplan.PlanWorkQuery) ([]assessplan.PlanState, error) {
	return nil, nil
}

func (s *synthetic) FindRounds(context.Context, assessplan.OrgID, assessplan.PlanID, assessplan.TesteeID) ([]assessplan.EnrollmentState, error) {
	return nil, nil
}

func (s *synthetic) HoldTasks(context.Context, assessplan.HoldQuery) (int, error) { return 0, nil }

func (s *synthetic) SaveTasks(context.Context, []assessplan.TaskChange) error { return nil }

func (s *synthetic) SaveEnrollments(context.Context, []assessplan.EnrollmentChange) error { return nil }
