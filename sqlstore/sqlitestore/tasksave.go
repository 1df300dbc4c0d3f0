package sqlitestore

import (
	"context"
	"fmt"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/internal/verdict"
)

const insertTask = `INSERT INTO assessplan_tasks (
	testee_id, planned_date, planned_time, planned_at, open_until, fill_until, due_at, revision,
	status, held, next_attempt_at, attempts, last_error, open_at, expire_at, entry_serial, token_hash,
	ended_at, end_reason, submitted_at, assessment_id, late, version, id,
	org_id, plan_id, enrollment_id, scale_code, seq, zone, created_at)
VALUES (
	?, ?, ?, ?, ?, ?, ?, ?,
	?, ?, ?, ?, ?, ?, ?, ?, ?,
	?, ?, ?, ?, ?, ?, ?,
	?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING`

// by the primary key; the last argument is the version before
const updateTask = `UPDATE assessplan_tasks
SET testee_id = ?, planned_date = ?, planned_time = ?, planned_at = ?, open_until = ?, fill_until = ?, due_at = ?, revision = ?,
    status = ?, held = ?, next_attempt_at = ?, attempts = ?, last_error = ?, open_at = ?, expire_at = ?, entry_serial = ?, token_hash = ?,
    ended_at = ?, end_reason = ?, submitted_at = ?, assessment_id = ?, late = ?, version = ?
WHERE id = ? AND version = ?`

// Whether another task of the org has the assessment.
const assessmentTaken = `SELECT 1
FROM assessplan_tasks INDEXED BY assessplan_tasks_assessment
WHERE org_id = ?1 AND assessment_id = ?2 AND id <> ?3`

func (t *transaction) SaveTasks(ctx context.Context, changes []assessplan.TaskChange) error {
	return t.write(func() error {
		v := verdict.Verdict{}
		values := make([]any, 0, 31)
		for i := range changes {
			values = appendTask(values[:0], &changes[i])
			if err := t.saveTask(ctx, &changes[i], values, &v); err != nil {
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

func (t *transaction) saveTask(ctx context.Context, change *assessplan.TaskChange, values []any, v *verdict.Verdict) error {
	const doing = "save a task"
	s := &change.State
	if s.AssessmentID != "" {
		taken, err := t.exists(ctx, doing, assessmentTaken, string(s.Org), string(s.AssessmentID), s.ID[:])
		if err != nil {
			return err
		}
		if taken {
			v.Refuse(fmt.Errorf("sqlitestore: task %s: %w", s.ID, assessplan.ErrAssessmentTaken))
			return t.checkVersion(ctx, change, v)
		}
	}
	query := insertTask
	if change.Was > 0 {
		query = updateTask
	}
	stored, err := t.execBrief(ctx, doing, query, values...)
	switch {
	case err != nil:
		return err
	case stored == 0 && change.Was > 0:
		v.Moved.TaskIDs = append(v.Moved.TaskIDs, s.ID)
	case stored == 0:
		v.Refuse(fmt.Errorf("sqlitestore: task %s: %w: its round has another of its number, or the ID exists", s.ID, assessplan.ErrConflict))
	}
	return nil
}

// by the primary key
const taskHasVersion = `SELECT 1
FROM assessplan_tasks
WHERE id = ?1 AND version = ?2`

// checkVersion is for a change that is not stored anyway.
func (t *transaction) checkVersion(ctx context.Context, change *assessplan.TaskChange, v *verdict.Verdict) error {
	if change.Was == 0 {
		return nil
	}
	current, err := t.exists(ctx, "save a task", taskHasVersion, change.State.ID[:], change.Was)
	if err == nil && !current {
		v.Moved.TaskIDs = append(v.Moved.TaskIDs, change.State.ID)
	}
	return err
}

// appendTask appends the arguments of insertTask or of updateTask, which begin alike.
func appendTask(values []any, change *assessplan.TaskChange) []any {
	s := &change.State
	var hash any
	if !s.TokenHash.IsZero() {
		hash = s.TokenHash[:]
	}
	values = append(values,
		string(s.Testee), s.Date.String(), int64(s.Time), s.PlannedAt.UnixMicro(), instant(s.OpenUntil), instant(s.FillUntil), instant(s.DueAt), int64(s.Revision),
		string(s.Status), s.Held, instant(s.NextAttemptAt), int64(s.Attempts), text(s.LastError),
		instant(s.OpenAt), instant(s.ExpireAt), int64(s.EntrySerial), hash,
		instant(s.EndedAt), text(s.EndReason), instant(s.SubmittedAt), text(s.AssessmentID), s.Late, change.Was+1, s.ID[:])
	if change.Was > 0 {
		return append(values, change.Was)
	}
	return append(values, string(s.Org), s.Plan[:], s.Enrollment[:], string(s.Scale), int64(s.Seq), s.Zone, instant(s.CreatedAt))
}

const holdTasksOfPlan = `UPDATE assessplan_tasks INDEXED BY assessplan_tasks_plan
SET held = 1, version = version + 1
WHERE plan_id = ?1 AND org_id = ?2 AND status = 'pending' AND held = 0`

const releaseTasksOfPlan = `UPDATE assessplan_tasks INDEXED BY assessplan_tasks_plan
SET held = 0, version = version + 1
WHERE plan_id = ?1 AND org_id = ?2 AND status = 'pending' AND held = 1
  AND enrollment_id IN (SELECT id
                        FROM assessplan_enrollments INDEXED BY assessplan_enrollments_plan
                        WHERE plan_id = ?1 AND status = 'active')`

const holdTasksOfEnrollment = `UPDATE assessplan_tasks INDEXED BY assessplan_tasks_round
SET held = ?4, version = version + 1
WHERE enrollment_id = ?3 AND plan_id = ?1 AND org_id = ?2 AND status = 'pending' AND held <> ?4`

func (t *transaction) HoldTasks(ctx context.Context, q assessplan.HoldQuery) (int, error) {
	query, values := holdTasksOfPlan, []any{q.Plan[:], string(q.Org)}
	switch {
	case !q.Enrollment.IsZero():
		query, values = holdTasksOfEnrollment, append(values, q.Enrollment[:], q.Held)
	case !q.Held:
		query = releaseTasksOfPlan
	}
	changed := 0
	err := t.write(func() (err error) {
		changed, err = t.exec(ctx, "hold tasks", query, values...)
		return err
	})
	return changed, err
}
