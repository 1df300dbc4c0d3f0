package mysqlstore

import (
	"context"
	"fmt"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/internal/verdict"
)

const insertEnrollment = `INSERT INTO assessplan_enrollments (
	testee_id, round, start, zone, reconsented, status, planned, paused_at, shifted_days, ended_at, end_reason, end_note,
	closable_from, created_at, version, id, org_id, plan_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// by the primary key
const updateEnrollment = `UPDATE assessplan_enrollments FORCE INDEX (PRIMARY)
SET testee_id = ?, round = ?, start = ?, zone = ?, reconsented = ?, status = ?, planned = ?,
    paused_at = ?, shifted_days = ?, ended_at = ?, end_reason = ?, end_note = ?,
    closable_from = ?, created_at = ?, version = ?
WHERE id = ? AND org_id = ? AND plan_id = ? AND version = ?`

func (t *transaction) SaveEnrollments(ctx context.Context, changes []assessplan.EnrollmentChange) error {
	return t.write(func() error {
		v := verdict.Verdict{}
		for i := range changes {
			if err := t.saveEnrollment(ctx, &changes[i], &v); err != nil {
				return err
			}
		}
		if err := v.Err(); err != nil {
			return err
		}
		return addAll(ctx, t, changes, func(c *assessplan.EnrollmentChange) []assessplan.Event { return c.Events })
	})
}

func (t *transaction) saveEnrollment(ctx context.Context, change *assessplan.EnrollmentChange, v *verdict.Verdict) error {
	query := insertEnrollment
	if change.Was > 0 {
		query = updateEnrollment
	}
	values, err := enrollmentValues(change)
	if err != nil {
		return err
	}
	stored, index, err := t.execUnique(ctx, "save an enrollment", query, values...)
	switch {
	case err != nil:
		return err
	case index != "":
		v.Refuse(enrollmentConflict(change.State.ID, index))
	case stored == 0:
		v.Moved.EnrollmentIDs = append(v.Moved.EnrollmentIDs, change.State.ID)
	}
	return nil
}

func enrollmentConflict(id assessplan.EnrollmentID, index string) error {
	return fmt.Errorf("mysqlstore: enrollment %s: %w: the testee has another of its number, of its start or running, or the ID exists (index %s)", id, assessplan.ErrConflict, index)
}

func enrollmentValues(change *assessplan.EnrollmentChange) ([]any, error) {
	e := &change.State
	r := row{table: "assessplan_enrollments", key: e.ID, values: make([]any, 0, 19)}
	r.text("testee_id", string(e.Testee), mostReference)
	r.number(int64(e.Round))
	r.date("start", e.Start)
	r.text("zone", e.Zone, mostZone)
	r.flag(e.Reconsented)
	r.text("status", string(e.Status), mostStatus)
	r.number(int64(e.Planned))
	r.moment("paused_at", e.PausedAt)
	r.number(int64(e.ShiftedDays))
	r.moment("ended_at", e.EndedAt)
	r.optional("end_reason", string(e.Termination.Reason), mostCode)
	r.optional("end_note", e.Termination.Note, mostNote)
	r.instant("closable_from", e.ClosableFrom)
	r.moment("created_at", e.CreatedAt)
	r.number(change.Was + 1)
	r.add(e.ID[:])
	r.text("org_id", string(e.Org), mostReference)
	r.add(e.Plan[:])
	if change.Was > 0 {
		r.number(change.Was)
	}
	return r.values, r.fault
}
