package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/assessplan/assessplan"
)

// What the host's rows do not say, since its code did.
const zone = "Asia/Shanghai"

var (
	timeOfDay = assessplan.ClockTime(9, 0)
	windows   = assessplan.Windows{OpenWindow: assessplan.CalendarDays(3)}
)

// imported counts what an import did.
type imported struct {
	plans, rounds, tasks int
	refused              []error // rounds that stay as they are, each with what is wrong with it
}

// importAll takes up the running plans and the rounds in them. It can be interrupted, and run again: what was taken up is
// left alone.
func (h *host) importAll(ctx context.Context) (imported, error) {
	var sum imported
	var plans []AssessmentPlan
	if err := h.db.WithContext(ctx).Where("status = 'active'").Find(&plans).Error; err != nil {
		return sum, err
	}
	for _, plan := range plans {
		if err := h.importPlan(ctx, plan); err != nil {
			return sum, fmt.Errorf("plan %d: %w", plan.ID, err)
		}
		sum.plans++
		if err := h.importRounds(ctx, plan, &sum); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// importPlan stores a plan under the ID that is made from its key, without an event: nobody is told of what is years old.
func (h *host) importPlan(ctx context.Context, row AssessmentPlan) error {
	state := assessplan.PlanState{
		ID: assessplan.PlanIDFromUint64(row.ID),
		PlanSpec: assessplan.PlanSpec{
			Org: assessplan.OrgID(row.OrgID), Scale: assessplan.ScaleCode(row.ScaleCode), Zone: zone, Windows: windows,
			Schedule: assessplan.Schedule{
				Type: assessplan.ScheduleType(row.ScheduleType), Every: row.TriggerInterval, Count: row.TotalTimes,
				Times: []assessplan.TimeOfDay{timeOfDay},
			},
		},
		Status: assessplan.PlanStatusActive, CreatedAt: row.CreatedAt.UTC(),
	}
	if err := state.Validate(); err != nil {
		return err
	}
	return h.store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		_, err := r.FindPlan(ctx, state.Org, state.ID, assessplan.LockNone)
		if !errors.Is(err, assessplan.ErrNotFound) {
			return err // nil: it was imported before
		}
		return r.SavePlan(ctx, assessplan.PlanChange{State: state})
	})
}

// importRounds takes up what the testees of a plan owe: the host had no rounds, so a testee's tasks in a plan are one.
func (h *host) importRounds(ctx context.Context, plan AssessmentPlan, sum *imported) error {
	var rows []AssessmentTask // of a large plan: testee by testee
	err := h.db.WithContext(ctx).Where("plan_id = ? AND version = 0", plan.ID).Order("testee_id, seq").Find(&rows).Error
	for first := 0; err == nil && first < len(rows); {
		end := first + 1
		for end < len(rows) && rows[end].TesteeID == rows[first].TesteeID {
			end++
		}
		var refused error
		refused, err = h.importRound(ctx, rows[first:end])
		if refused != nil {
			sum.refused = append(sum.refused, fmt.Errorf("tasks %d to %d: %w", rows[first].ID, rows[end-1].ID, refused))
		} else {
			sum.rounds, sum.tasks = sum.rounds+1, sum.tasks+end-first
		}
		first = end
	}
	return err
}

// importRound takes up one testee's tasks. The library judges every row, and refuses what it could not have come to.
func (h *host) importRound(ctx context.Context, rows []AssessmentTask) (refused, err error) {
	shanghai, err := time.LoadLocation(zone)
	if err != nil {
		return nil, err
	}
	round := assessplan.RoundImport{EnrollSpec: assessplan.EnrollSpec{
		Org: assessplan.OrgID(rows[0].OrgID), Plan: assessplan.PlanIDFromUint64(rows[0].PlanID),
		Testee: assessplan.TesteeID(rows[0].TesteeID), Start: assessplan.DateOf(rows[0].PlannedAt, shanghai),
	}}
	for _, row := range rows {
		round.Tasks = append(round.Tasks, row.toImport())
	}
	_, err = h.service.Manager.ImportRound(ctx, round)
	if errors.Is(err, assessplan.ErrInvalid) {
		return err, nil
	}
	return nil, err
}

func (t *AssessmentTask) toImport() assessplan.TaskImport {
	task := assessplan.TaskImport{
		ID: assessplan.TaskIDFromUint64(t.ID), Seq: t.Seq, PlannedAt: t.PlannedAt, Status: assessplan.TaskStatus(t.Status),
		OpenAt: orZero(t.OpenAt), ExpireAt: orZero(t.ExpireAt), AssessmentID: assessplan.AssessmentID(orZero(t.AssessmentID)),
		CreatedAt: t.CreatedAt,
	}
	switch task.Status {
	case assessplan.Opened:
		task.Token = orZero(t.EntryToken) // so that the link that the testee has goes on to work
	case assessplan.Completed:
		task.EndedAt = orZero(t.CompletedAt)
	case assessplan.Expired, assessplan.Canceled:
		task.EndedAt = t.UpdatedAt // the host kept no better time
	}
	return task
}

func orZero[T any](p *T) (value T) {
	if p != nil {
		value = *p
	}
	return value
}
