package sqlitestore

import (
	"context"
	"fmt"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/internal/verdict"
)

const enrollmentColumns = `
	id, org_id, plan_id, testee_id, round, start, zone, reconsented, status, planned,
	paused_at, shifted_days, ended_at, end_reason, end_note, closable_from, created_at, version`

func enrollmentRow(e *assessplan.EnrollmentState) []any {
	return []any{
		(*idColumn)(&e.ID), (*textColumn)(&e.Org), (*idColumn)(&e.Plan), (*textColumn)(&e.Testee), (*intColumn)(&e.Round),
		(*dateColumn)(&e.Start), (*textColumn)(&e.Zone), (*boolColumn)(&e.Reconsented), (*textColumn)(&e.Status), (*intColumn)(&e.Planned),
		(*instantColumn)(&e.PausedAt), (*intColumn)(&e.ShiftedDays), (*instantColumn)(&e.EndedAt), (*textColumn)(&e.Termination.Reason), (*textColumn)(&e.Termination.Note),
		(*instantColumn)(&e.ClosableFrom), (*instantColumn)(&e.CreatedAt), (*versionColumn)(&e.Version),
	}
}

// by the primary key
const findEnrollment = `SELECT` + enrollmentColumns + `
FROM assessplan_enrollments
WHERE id = ?1 AND org_id = ?2`

func (t *transaction) FindEnrollment(ctx context.Context, org assessplan.OrgID, id assessplan.EnrollmentID, _ assessplan.LockMode) (assessplan.EnrollmentState, error) {
	found, err := collect(ctx, t, "find an enrollment", enrollmentRow, findEnrollment, id[:], string(org))
	return only(found, err, "enrollment "+id.String())
}

const findRounds = `SELECT` + enrollmentColumns + `
FROM assessplan_enrollments INDEXED BY assessplan_enrollments_testee
WHERE org_id = ?1 AND testee_id = ?2
  AND (?3 IS NULL OR plan_id = ?3)
ORDER BY plan_id, round`

func (t *transaction) FindRounds(ctx context.Context, org assessplan.OrgID, plan assessplan.PlanID, testee assessplan.TesteeID) ([]assessplan.EnrollmentState, error) {
	return collect(ctx, t, "find the rounds of a testee", enrollmentRow, findRounds, string(org), string(testee), key(plan))
}

// The tasks are looked at from the last one down, which is the one that is open longest, so that a round that has not ended
// costs one task, not all.
const findEndedEnrollments = `SELECT` + enrollmentColumns + `
FROM assessplan_enrollments AS e INDEXED BY assessplan_enrollments_closable
WHERE status IN ('active', 'paused')
  AND closable_from <= ?4
  AND (closable_from, id) > (?5, ?6)` + inScope + `
  AND (SELECT 1
       FROM assessplan_tasks INDEXED BY assessplan_tasks_round
       WHERE enrollment_id = e.id AND status IN ('pending', 'opened')
       ORDER BY seq DESC
       LIMIT 1) IS NULL
ORDER BY closable_from, id
LIMIT ?7`

func (t *transaction) FindEndedEnrollments(ctx context.Context, q assessplan.EndedQuery) ([]assessplan.EnrollmentState, error) {
	before := q.Before
	if before.IsZero() {
		before = endOfTime
	}
	return collect(ctx, t, "find ended enrollments", enrollmentRow, findEndedEnrollments, append(scope(q.Scope),
		before.UnixMicro(), q.After.ClosableFrom.UnixMicro(), q.After.ID[:], q.Limit)...)
}

// endOfTime is after every instant that can be stored.
var endOfTime = time.Date(10000, time.January, 1, 0, 0, 0, 0, time.UTC)

// The index of the primary key, which is in the order of the answer. Rounds of other orgs are passed over.
const listEnrollmentsOfOrg = `SELECT` + enrollmentColumns + `
FROM assessplan_enrollments INDEXED BY sqlite_autoindex_assessplan_enrollments_1
WHERE org_id = ?1` + listedEnrollments

const listEnrollmentsOfPlan = `SELECT` + enrollmentColumns + `
FROM assessplan_enrollments INDEXED BY assessplan_enrollments_plan
WHERE plan_id = ?2 AND org_id = ?1` + listedEnrollments

// Sorted, since few: one testee's.
const listEnrollmentsOfTestee = `SELECT` + enrollmentColumns + `
FROM assessplan_enrollments INDEXED BY assessplan_enrollments_testee
WHERE org_id = ?1 AND testee_id = ?3` + listedEnrollments

const listedEnrollments = `
  AND (?2 IS NULL OR plan_id = ?2)
  AND (?3 IS NULL OR testee_id = ?3)
  AND (?4 IS NULL OR status IN (SELECT value FROM json_each(?4)))
  AND id > ?5
ORDER BY id
LIMIT ?6`

func (t *transaction) ListEnrollments(ctx context.Context, q assessplan.EnrollmentQuery) ([]assessplan.EnrollmentState, error) {
	query := listEnrollmentsOfOrg
	switch {
	case q.Testee != "":
		query = listEnrollmentsOfTestee
	case !q.Plan.IsZero():
		query = listEnrollmentsOfPlan
	}
	return collect(ctx, t, "list enrollments", enrollmentRow, query, string(q.Org), key(q.Plan), text(q.Testee), list(q.Status), q.After[:], q.Limit)
}

const insertEnrollment = `INSERT INTO assessplan_enrollments (` + enrollmentColumns + `)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
ON CONFLICT DO NOTHING`

// by the primary key
const updateEnrollment = `UPDATE assessplan_enrollments
SET testee_id = ?4, round = ?5, start = ?6, zone = ?7, reconsented = ?8, status = ?9, planned = ?10,
    paused_at = ?11, shifted_days = ?12, ended_at = ?13, end_reason = ?14, end_note = ?15,
    closable_from = ?16, created_at = ?17, version = ?18
WHERE id = ?1 AND org_id = ?2 AND plan_id = ?3 AND version = ?18 - 1`

// Whether the testee has another round that this one cannot stand beside.
const roundTaken = `SELECT 1
FROM assessplan_enrollments INDEXED BY assessplan_enrollments_round
WHERE plan_id = ?1 AND testee_id = ?2 AND id <> ?3
  AND (round = ?4 OR start = ?5 OR ?6 AND status IN ('active', 'paused'))`

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
		for i := range changes {
			if err := t.addEvents(ctx, changes[i].Events); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *transaction) saveEnrollment(ctx context.Context, change *assessplan.EnrollmentChange, v *verdict.Verdict) error {
	const doing = "save an enrollment"
	query := insertEnrollment
	if change.Was > 0 {
		query = updateEnrollment
		e := &change.State
		taken, err := t.exists(ctx, doing, roundTaken, e.Plan[:], string(e.Testee), e.ID[:], e.Round, e.Start.String(), e.Status.Running())
		if err != nil {
			return err
		}
		if taken {
			v.Refuse(enrollmentConflict(e.ID))
			return nil
		}
	}
	stored, err := t.exec(ctx, doing, query, enrollmentValues(change)...)
	switch {
	case err != nil:
		return err
	case stored == 0 && change.Was > 0:
		v.Moved.EnrollmentIDs = append(v.Moved.EnrollmentIDs, change.State.ID)
	case stored == 0:
		v.Refuse(enrollmentConflict(change.State.ID))
	}
	return nil
}

func enrollmentConflict(id assessplan.EnrollmentID) error {
	return fmt.Errorf("sqlitestore: enrollment %s: %w: the testee has another of its number, of its start or running, or the ID exists", id, assessplan.ErrConflict)
}

func enrollmentValues(change *assessplan.EnrollmentChange) []any {
	e := &change.State
	return []any{
		e.ID[:], string(e.Org), e.Plan[:], string(e.Testee), e.Round, e.Start.String(), e.Zone, e.Reconsented, string(e.Status), e.Planned,
		instant(e.PausedAt), e.ShiftedDays, instant(e.EndedAt), text(e.Termination.Reason), text(e.Termination.Note),
		e.ClosableFrom.UnixMicro(), instant(e.CreatedAt), change.Was + 1,
	}
}
