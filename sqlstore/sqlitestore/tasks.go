package sqlitestore

import (
	"context"
	"time"

	"github.com/assessplan/assessplan"
)

const taskColumns = `
	id, org_id, plan_id, enrollment_id, testee_id, scale_code, seq,
	planned_date, planned_time, zone, planned_at, open_until, fill_until, due_at, revision,
	status, held, next_attempt_at, attempts, last_error, open_at, expire_at, entry_serial, token_hash,
	ended_at, end_reason, submitted_at, assessment_id, late, created_at, version`

func taskRow(t *assessplan.TaskState) []any {
	return []any{
		(*idColumn)(&t.ID), (*textColumn)(&t.Org), (*idColumn)(&t.Plan), (*idColumn)(&t.Enrollment), (*textColumn)(&t.Testee),
		(*textColumn)(&t.Scale), (*intColumn)(&t.Seq),
		(*dateColumn)(&t.Date), (*intColumn)(&t.Time), (*textColumn)(&t.Zone), (*instantColumn)(&t.PlannedAt),
		(*instantColumn)(&t.OpenUntil), (*instantColumn)(&t.FillUntil), (*instantColumn)(&t.DueAt), (*intColumn)(&t.Revision),
		(*textColumn)(&t.Status), (*boolColumn)(&t.Held), (*instantColumn)(&t.NextAttemptAt), (*intColumn)(&t.Attempts), (*textColumn)(&t.LastError),
		(*instantColumn)(&t.OpenAt), (*instantColumn)(&t.ExpireAt), (*intColumn)(&t.EntrySerial), (*hashColumn)(&t.TokenHash),
		(*instantColumn)(&t.EndedAt), (*textColumn)(&t.EndReason), (*instantColumn)(&t.SubmittedAt), (*textColumn)(&t.AssessmentID), (*boolColumn)(&t.Late),
		(*instantColumn)(&t.CreatedAt), (*versionColumn)(&t.Version),
	}
}

// by the primary key
const findTask = `SELECT` + taskColumns + `
FROM assessplan_tasks
WHERE id = ?1 AND (?2 IS NULL OR org_id = ?2)`

func (t *transaction) FindTask(ctx context.Context, org assessplan.OrgID, id assessplan.TaskID) (assessplan.TaskState, error) {
	found, err := collect(ctx, t, "find a task", taskRow, findTask, id[:], string(org))
	return only(found, err, "task "+id.String())
}

func (t *transaction) FindTaskInAnyOrg(ctx context.Context, id assessplan.TaskID) (assessplan.TaskState, error) {
	found, err := collect(ctx, t, "find a task", taskRow, findTask, id[:], nil)
	return only(found, err, "task "+id.String())
}

// inScope narrows a query to a scope, whose values are its first three arguments. The queries walk an index that is in the
// order of the answer and pass over what is out of scope, so that what a narrow scope costs grows with what is due outside
// it, never with what is not due.
const inScope = `
  AND (?1 IS NULL OR org_id = ?1)
  AND (?2 IS NULL OR plan_id = ?2)
  AND (?3 IS NULL OR testee_id IN (SELECT value FROM json_each(?3)))`

func scope(s assessplan.Scope) []any { return []any{text(s.Org), key(s.Plan), list(s.Testees)} }

const findPendingTasks = `SELECT` + taskColumns + `
FROM assessplan_tasks INDEXED BY assessplan_tasks_due
WHERE status = 'pending' AND held = 0
  AND next_attempt_at <= ?4
  AND (next_attempt_at, id) > (?5, ?6)` + inScope + `
ORDER BY next_attempt_at, id
LIMIT ?7`

func (t *transaction) FindPendingTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	return t.findDue(ctx, "find pending tasks", findPendingTasks, q)
}

// That there is an open_until follows from the comparison. To say so would be worse than needless: of an analyzed table
// SQLite would then walk the index from its beginning rather than from the cursor.
const findMissedTasks = `SELECT` + taskColumns + `
FROM assessplan_tasks INDEXED BY assessplan_tasks_missed
WHERE status = 'pending' AND held = 0
  AND open_until <= ?4
  AND (open_until, id) > (?5, ?6)` + inScope + `
ORDER BY open_until, id
LIMIT ?7`

const findExpiredTasks = `SELECT` + taskColumns + `
FROM assessplan_tasks INDEXED BY assessplan_tasks_expiring
WHERE status = 'opened'
  AND expire_at <= ?4
  AND (expire_at, id) > (?5, ?6)` + inScope + `
ORDER BY expire_at, id
LIMIT ?7`

func (t *transaction) FindOverdueTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	query := findExpiredTasks
	if q.Cause == assessplan.WindowMissed {
		query = findMissedTasks
	}
	return t.findDue(ctx, "find overdue tasks", query, q)
}

// findDue claims nothing: who updates is alone.
func (t *transaction) findDue(ctx context.Context, doing, query string, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	return collect(ctx, t, doing, taskRow, query, append(scope(q.Scope),
		q.Before.UnixMicro(), q.After.At.UnixMicro(), q.After.ID[:], q.Limit)...)
}

// A task of which no attempt failed is due when it was planned, so that the first of them in the order of attempts is the
// earliest planned; the others are few and have an index of their own. If one of those comes first in the former order,
// nothing behind it was planned earlier but others of its kind.
const oldestDue = `SELECT min(planned_at)
FROM (
  SELECT planned_at FROM (
    SELECT planned_at
    FROM assessplan_tasks INDEXED BY assessplan_tasks_due
    WHERE status = 'pending' AND held = 0
      AND next_attempt_at <= ?4` + inScope + `
    ORDER BY next_attempt_at, id
    LIMIT 1)
  UNION ALL
  SELECT planned_at FROM (
    SELECT planned_at
    FROM assessplan_tasks INDEXED BY assessplan_tasks_deferred
    WHERE status = 'pending' AND held = 0 AND attempts > 0
      AND planned_at <= ?4` + inScope + `
    ORDER BY planned_at
    LIMIT 1))`

func (t *transaction) OldestDue(ctx context.Context, q assessplan.DueQuery) (time.Time, error) {
	earliest, err := collect(ctx, t, "find the oldest task that is due", instantRow, oldestDue, append(scope(q.Scope), q.Before.UnixMicro())...)
	if err != nil {
		return time.Time{}, err
	}
	return earliest[0], nil
}

func instantRow(at *time.Time) []any { return []any{(*instantColumn)(at)} }

// The index of the primary key, which is in the order of the answer. Tasks of other orgs are passed over.
const listTasksOfOrg = `SELECT` + taskColumns + `
FROM assessplan_tasks INDEXED BY sqlite_autoindex_assessplan_tasks_1
WHERE org_id = ?1` + listedTasks

const listTasksOfPlan = `SELECT` + taskColumns + `
FROM assessplan_tasks INDEXED BY assessplan_tasks_plan
WHERE plan_id = ?2 AND org_id = ?1` + listedTasks

// Sorted, since few: one testee's.
const listTasksOfTestee = `SELECT` + taskColumns + `
FROM assessplan_tasks INDEXED BY assessplan_tasks_round
WHERE enrollment_id IN (SELECT id
                        FROM assessplan_enrollments INDEXED BY assessplan_enrollments_testee
                        WHERE org_id = ?1 AND testee_id = ?4)
  AND org_id = ?1` + listedTasks

// Sorted, since few: one round's.
const listTasksOfEnrollment = `SELECT` + taskColumns + `
FROM assessplan_tasks INDEXED BY assessplan_tasks_round
WHERE enrollment_id = ?3 AND org_id = ?1` + listedTasks

const listedTasks = `
  AND (?2 IS NULL OR plan_id = ?2)
  AND (?3 IS NULL OR enrollment_id = ?3)
  AND (?4 IS NULL OR testee_id = ?4)
  AND (?5 IS NULL OR status IN (SELECT value FROM json_each(?5)))
  AND (?6 IS NULL OR planned_at >= ?6)
  AND (?7 IS NULL OR planned_at < ?7)
  AND id > ?8
ORDER BY id
LIMIT ?9`

func (t *transaction) ListTasks(ctx context.Context, q assessplan.TaskQuery) ([]assessplan.TaskState, error) {
	query := listTasksOfOrg
	switch {
	case !q.Enrollment.IsZero():
		query = listTasksOfEnrollment
	case q.Testee != "":
		query = listTasksOfTestee
	case !q.Plan.IsZero():
		query = listTasksOfPlan
	}
	return collect(ctx, t, "list tasks", taskRow, query, string(q.Org), key(q.Plan), key(q.Enrollment), text(q.Testee),
		list(q.Status), instant(q.PlannedFrom), instant(q.PlannedBefore), q.After[:], q.Limit)
}
