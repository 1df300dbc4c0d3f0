package pgstore

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/assessplan/assessplan"
)

const taskColumns = `
	id, testee_id, planned_date, planned_time, planned_at, open_until, fill_until, due_at, revision,
	status, held, next_attempt_at, attempts, last_error, open_at, expire_at, entry_serial, token_hash,
	ended_at, end_reason, submitted_at, assessment_id, late,
	org_id, plan_id, enrollment_id, scale_code, seq, zone, created_at, version`

func taskRow(t *assessplan.TaskState) []any {
	return append(taskFields(t), (*versionColumn)(&t.Version))
}

// taskFields are all but the version.
func taskFields(t *assessplan.TaskState) []any {
	return []any{
		(*idColumn)(&t.ID), (*textColumn)(&t.Testee), (*dateColumn)(&t.Date), (*intColumn)(&t.Time), (*instantColumn)(&t.PlannedAt),
		(*instantColumn)(&t.OpenUntil), (*instantColumn)(&t.FillUntil), (*instantColumn)(&t.DueAt), (*intColumn)(&t.Revision),
		(*textColumn)(&t.Status), (*boolColumn)(&t.Held), (*instantColumn)(&t.NextAttemptAt), (*intColumn)(&t.Attempts), (*textColumn)(&t.LastError),
		(*instantColumn)(&t.OpenAt), (*instantColumn)(&t.ExpireAt), (*intColumn)(&t.EntrySerial), (*hashColumn)(&t.TokenHash),
		(*instantColumn)(&t.EndedAt), (*textColumn)(&t.EndReason), (*instantColumn)(&t.SubmittedAt), (*textColumn)(&t.AssessmentID), (*boolColumn)(&t.Late),
		(*textColumn)(&t.Org), (*idColumn)(&t.Plan), (*idColumn)(&t.Enrollment), (*textColumn)(&t.Scale), (*intColumn)(&t.Seq), (*textColumn)(&t.Zone),
		(*instantColumn)(&t.CreatedAt),
	}
}

// by the primary key
const findTask = `SELECT` + taskColumns + `
FROM assessplan_tasks
WHERE id = $1 AND ($2::text IS NULL OR org_id = $2)`

func (t *transaction) FindTask(ctx context.Context, org assessplan.OrgID, id assessplan.TaskID) (assessplan.TaskState, error) {
	return t.findTask(ctx, id, string(org))
}

func (t *transaction) FindTaskInAnyOrg(ctx context.Context, id assessplan.TaskID) (assessplan.TaskState, error) {
	return t.findTask(ctx, id, nil)
}

func (t *transaction) findTask(ctx context.Context, id assessplan.TaskID, org any) (assessplan.TaskState, error) {
	found, err := collect(ctx, t, "find a task", taskRow, findTask+t.locking(assessplan.LockExclusive), key(id), org)
	t.remember(found)
	return only(found, err, "task "+id.String())
}

// inScope narrows a query to a scope, whose values are its first three arguments. The queries walk an index that is in the
// order of the answer and pass over what is out of scope, so that what a narrow scope costs grows with what is due outside
// it, never with what is not due.
const inScope = `
  AND ($1::text IS NULL OR org_id = $1) IS TRUE
  AND ($2::uuid IS NULL OR plan_id = $2) IS TRUE
  AND ($3::text[] IS NULL OR testee_id = ANY ($3)) IS TRUE`

func scope(s assessplan.Scope) []any {
	return []any{optional(s.Org), optionalID(s.Plan), anyOf(s.Testees)}
}

// by assessplan_tasks_due
const findPendingTasks = `SELECT` + taskColumns + `
FROM assessplan_tasks
WHERE status = 'pending' AND NOT held
  AND next_attempt_at <= $4
  AND (next_attempt_at, id) > ($5, $6)` + inScope + `
ORDER BY next_attempt_at, id
LIMIT $7`

func (t *transaction) FindPendingTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	return t.findDue(ctx, "find pending tasks", findPendingTasks, q, nextAttempt)
}

// by assessplan_tasks_missed
const findMissedTasks = `SELECT` + taskColumns + `
FROM assessplan_tasks
WHERE status = 'pending' AND NOT held AND open_until IS NOT NULL
  AND open_until <= $4
  AND (open_until, id) > ($5, $6)` + inScope + `
ORDER BY open_until, id
LIMIT $7`

// by assessplan_tasks_expiring
const findExpiredTasks = `SELECT` + taskColumns + `
FROM assessplan_tasks
WHERE status = 'opened'
  AND expire_at <= $4
  AND (expire_at, id) > ($5, $6)` + inScope + `
ORDER BY expire_at, id
LIMIT $7`

func (t *transaction) FindOverdueTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	if q.Cause == assessplan.WindowMissed {
		return t.findDue(ctx, "find overdue tasks", findMissedTasks, q, openUntil)
	}
	return t.findDue(ctx, "find overdue tasks", findExpiredTasks, q, expireAt)
}

func nextAttempt(t *assessplan.TaskState) time.Time { return t.NextAttemptAt }
func openUntil(t *assessplan.TaskState) time.Time   { return t.OpenUntil }
func expireAt(t *assessplan.TaskState) time.Time    { return t.ExpireAt }

// findDue claims. A row that somebody changed between the query's snapshot and the lock is judged and returned as it is now,
// but in its former place, so that the order is made again.
func (t *transaction) findDue(ctx context.Context, doing, query string, q assessplan.DueQuery, at func(*assessplan.TaskState) time.Time) ([]assessplan.TaskState, error) {
	due, err := collectPage(ctx, t, doing, q.Limit, taskRow, query+t.claim(), append(scope(q.Scope), q.Before, q.After.At, key(q.After.ID), q.Limit)...)
	if !inOrder(due, at) {
		slices.SortFunc(due, func(a, b assessplan.TaskState) int { return compare(&a, &b, at) })
	}
	t.remember(due)
	return due, err
}

func inOrder(due []assessplan.TaskState, at func(*assessplan.TaskState) time.Time) bool {
	for i := 1; i < len(due); i++ {
		if compare(&due[i-1], &due[i], at) > 0 {
			return false
		}
	}
	return true
}

func compare(a, b *assessplan.TaskState, at func(*assessplan.TaskState) time.Time) int {
	if order := at(a).Compare(at(b)); order != 0 {
		return order
	}
	return bytes.Compare(a.ID[:], b.ID[:])
}

// A task of which no attempt failed is due when it was planned, so that the first of them in the order of attempts is the
// earliest planned (by assessplan_tasks_due); the others are few and have an index of their own
// (assessplan_tasks_deferred). If one of those comes first in the former order, nothing behind it was planned earlier but
// others of its kind.
const oldestDue = `SELECT min(planned_at)
FROM (
  (SELECT planned_at
   FROM assessplan_tasks
   WHERE status = 'pending' AND NOT held
     AND next_attempt_at <= $4` + inScope + `
   ORDER BY next_attempt_at, id
   LIMIT 1)
  UNION ALL
  (SELECT planned_at
   FROM assessplan_tasks
   WHERE status = 'pending' AND NOT held AND attempts > 0
     AND planned_at <= $4` + inScope + `
   ORDER BY planned_at
   LIMIT 1)) AS candidates`

func (t *transaction) OldestDue(ctx context.Context, q assessplan.DueQuery) (time.Time, error) {
	earliest, err := collect(ctx, t, "find the oldest task that is due", instantRow, oldestDue, append(scope(q.Scope), q.Before)...)
	if err != nil {
		return time.Time{}, err
	}
	return earliest[0], nil
}

func instantRow(at *time.Time) []any { return []any{(*instantColumn)(at)} }

// By the primary key, which is in the order of the answer. Tasks of other orgs are passed over.
const listTasksOfOrg = `SELECT` + taskColumns + `
FROM assessplan_tasks
WHERE org_id = $1` + listedTasks + `
ORDER BY id
LIMIT $9`

// By assessplan_tasks_plan. Were the plan compared by =, the order would be that of the primary key too, and the planner
// might walk all tasks for those of one plan.
const listTasksOfPlan = `SELECT` + taskColumns + `
FROM assessplan_tasks
WHERE plan_id BETWEEN $2 AND $2 AND org_id = $1` + listedTasks + `
ORDER BY plan_id, id
LIMIT $9`

// Sorted, since few: one testee's. By assessplan_enrollments_testee and assessplan_tasks_round. OFFSET 0 keeps the planner from
// walking all tasks in the order of the answer instead, to do without the sort.
const listTasksOfTestee = `SELECT` + taskColumns + `
FROM (SELECT *
      FROM assessplan_tasks
      WHERE enrollment_id = ANY (ARRAY(SELECT id
                                       FROM assessplan_enrollments
                                       WHERE org_id = $1 AND testee_id = $4))
      OFFSET 0) AS of_testee
WHERE org_id = $1` + listedTasks + `
ORDER BY id
LIMIT $9`

// Sorted, since few: one round's. By assessplan_tasks_round; see listTasksOfTestee.
const listTasksOfEnrollment = `SELECT` + taskColumns + `
FROM (SELECT *
      FROM assessplan_tasks
      WHERE enrollment_id = $3
      OFFSET 0) AS of_round
WHERE org_id = $1` + listedTasks + `
ORDER BY id
LIMIT $9`

const listedTasks = `
  AND ($2::uuid IS NULL OR plan_id = $2) IS TRUE
  AND ($3::uuid IS NULL OR enrollment_id = $3) IS TRUE
  AND ($4::text IS NULL OR testee_id = $4) IS TRUE
  AND ($5::text[] IS NULL OR status = ANY ($5))
  AND ($6::timestamptz IS NULL OR planned_at >= $6)
  AND ($7::timestamptz IS NULL OR planned_at < $7)
  AND id > $8`

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
	found, err := collect(ctx, t, "list tasks", taskRow, query, string(q.Org), optionalID(q.Plan), optionalID(q.Enrollment), optional(q.Testee),
		anyOf(q.Status), optionalInstant(q.PlannedFrom), optionalInstant(q.PlannedBefore), key(q.After), q.Limit)
	t.remember(found)
	return found, err
}
