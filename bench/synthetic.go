package main

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/assessplan/assessplan"
)

// synthetic is a store that keeps nothing: it makes up as many due tasks as it is told and forgets what is saved. What a
// pass over it costs, in time and memory, is the library's own share.
type synthetic struct {
	assessplan.Repositories // the methods that a pass does not call
	due                     int
	given                   int
	sample                  assessplan.TaskState
}

func newSynthetic(due int, now time.Time) *synthetic {
	at := now.Add(-time.Hour).UTC().Truncate(time.Second)
	return &synthetic{due: due, sample: assessplan.TaskState{
		Org: "clinic-a", Plan: assessplan.PlanIDFromUint64(1), Enrollment: assessplan.EnrollmentIDFromUint64(1),
		Testee: "testee-000001", Scale: "PHQ-8", Seq: 1, Date: assessplan.DateOf(at, time.UTC), Time: assessplan.ClockTime(9, 30),
		Zone: "Europe/Berlin", PlannedAt: at, NextAttemptAt: at, Revision: 1, Status: assessplan.Pending, CreatedAt: at, Version: 1,
	}}
}

func (s *synthetic) View(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	return fn(ctx, s)
}

func (s *synthetic) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	return fn(ctx, s)
}

func (s *synthetic) FindPendingTasks(_ context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	page := make([]assessplan.TaskState, min(q.Limit, s.due-s.given))
	for i := range page {
		s.given++
		page[i] = s.sample
		page[i].ID = assessplan.TaskIDFromUint64(uint64(s.given))
		binary.BigEndian.PutUint32(page[i].Enrollment[12:], uint32(s.given/10))
	}
	return page, nil
}

func (s *synthetic) OldestDue(context.Context, assessplan.DueQuery) (time.Time, error) {
	return time.Time{}, nil
}

func (s *synthetic) SaveTasks(context.Context, []assessplan.TaskChange) error { return nil }
