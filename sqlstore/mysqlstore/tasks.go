package mysqlstore

import (
	"context"
	"time"

	"github.com/assessplan/assessplan"
)

const taskColumns = `
	id, org_id, plan_id, enrollment_id, testee_id, scale_code, seq,
	cast(planned_date AS CHAR), planned_time, zone, ` + at + `planned_at), ` + at + `open_until), ` + at + `fill_until), ` + at + `due_at), revision,
	status, held, ` + at + `next_attempt_at), attempts, last_error, ` + at + `open_at), ` + at + `expire_at), entry_serial, token_hash,
	` + at + `ended_at), end_reason, ` + at + `submitted_at), assessment_id, late, ` + at + `created_at), version`

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

// findTasks is collect for tasks, which it remembers if the query locks them.
func (t *transaction) findTasks(ctx context.Context, doing, query string, args ...any) ([]assessplan.TaskState, error) {
	found, err := collect(ctx, t, doing, taskRow, query, args...)
	if !t.readOnly {
		for i := range found {
			t.tasks[found[i].ID] = found[i]
		}
	}
	return found, err
}

// by the primary key
const (
	findTask = `SELECT` + taskColumns + `
FROM assessplan_tasks
WHERE id = ? AND (? IS NULL OR org_id = ?)`
	lockTask = findTask + exclusive
)

func (t *transaction) FindTask(ctx context.Context, org assessplan.OrgID, id assessplan.TaskID) (assessplan.TaskState, error) {
	found, err := t.findTasks(ctx, "find a task", t.locked(findTask, lockTask), id[:], []byte(org), []byte(org))
	return only(found, err, "task "+id.String())
}

func (t *transaction) FindTaskInAnyOrg(ctx context.Context, id assessplan.TaskID) (assessplan.TaskState, error) {
	found, err := t.findTasks(ctx, "find a task", t.locked(findTask, lockTask), id[:], nil, nil)
	return only(found, err, "task "+id.String())
}

// inScope narrows a query to a scope. The queries walk an index that is in the order of the answer and pass over what is out
// of scope, so that what a narrow scope costs grows with what is due outside it, never with what is not due.
const inScope = `
  AND (? IS NULL OR org_id = ?)
  AND (? IS NULL OR plan_id = ?)
  AND (? IS NULL OR find_in_set(hex(testee_id), ?))`

func scope(s assessplan.Scope) []any {
	org, plan, testees := text(s.Org), key(s.Plan), list(s.Testees)
	return []any{org, org, plan, plan, testees, testees}
}

// The cursor is written out, and not as (due_key, id) > (?, ?), so that the server goes to its place in the index, also
// among many that are due at one instant.
const (
	findPendingTasks = `SELECT` + taskColumns + `
FROM assessplan_tasks FORCE INDEX (assessplan_tasks_due)
WHERE due_key <= ?
  AND (due_key = ? AND id > ? OR due_key > ?)` + inScope + `
ORDER BY due_key, id
LIMIT ?`
	claimPendingTasks = findPendingTasks + claiming

	findMissedTasks = `SELECT` + taskColumns + `
FROM assessplan_tasks FORCE INDEX (assessplan_tasks_missed)
WHERE missed_key <= ?
  AND (missed_key = ? AND id > ? OR missed_key > ?)` + inScope + `
ORDER BY missed_key, id
LIMIT ?`
	claimMissedTasks = findMissedTasks + claiming

	findExpiredTasks = `SELECT` + taskColumns + `
FROM assessplan_tasks FORCE INDEX (assessplan_tasks_expiring)
WHERE expiring_key <= ?
  AND (expiring_key = ? AND id > ? OR expiring_key > ?)` + inScope + `
ORDER BY expiring_key, id
LIMIT ?`
	claimExpiredTasks = findExpiredTasks + claiming
)

func (t *transaction) FindPendingTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	return t.findDue(ctx, "find pending tasks", t.locked(findPendingTasks, claimPendingTasks), q)
}

func (t *transaction) FindOverdueTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	query := t.locked(findExpiredTasks, claimExpiredTasks)
	if q.Cause == assessplan.WindowMissed {
		query = t.locked(findMissedTasks, claimMissedTasks)
	}
	return t.findDue(ctx, "find overdue tasks", query, q)
}

func (t *transaction) findDue(ctx context.Context, doing, query string, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	after := stamp(q.After.At)
	args := append([]any{stamp(q.Before), after, q.After.ID[:], after}, append(scope(q.Scope), q.Limit)...)
	return t.findTasks(ctx, doing, query, args...)
}

// A task of which no attempt failed is due when it was planned, so that the first of them in the order of attempts is the
// earliest planned; the others are few and have an index of their own. If one of those comes first in the former order,
// nothing behind it was planned earlier but others of its kind.
const oldestDue = `SELECT min(earliest)
FROM (
  (SELECT ` + at + `planned_at) AS earliest
   FROM assessplan_tasks FORCE INDEX (assessplan_tasks_due)
   WHERE due_key <= ?` + inScope + `
   ORDER BY due_key, id
   LIMIT 1)
  UNION ALL
  (SELECT ` + at + `planned_at) AS earliest
   FROM assessplan_tasks FORCE INDEX (assessplan_tasks_deferred)
   WHERE deferred_key <= ?` + inScope + `
   ORDER BY deferred_key
   LIMIT 1)) AS oldest`

func (t *transaction) OldestDue(ctx context.Context, q assessplan.DueQuery) (time.Time, error) {
	half := append([]any{stamp(q.Before)}, scope(q.Scope)...)
	earliest, err := collect(ctx, t, "find the oldest task that is due", instantRow, oldestDue, append(half, half...)...)
	if err != nil {
		return time.Time{}, err
	}
	return earliest[0], nil
}

func instantRow(at *time.Time) []any { return []any{(*instantColumn)(at)} }

// The index of the primary key, which is in the order of the answer. Tasks of other orgs are passed over.
const listTasksOfOrg = `SELECT` + taskColumns + `
FROM assessplan_tasks FORCE INDEX (PRIMARY)
WHERE org_id = ?` + listedTasks

const listTasksOfPlan = `SELECT` + taskColumns + `
FROM assessplan_tasks FORCE INDEX (assessplan_tasks_plan)
WHERE plan_id = ? AND org_id = ?` + listedTasks

// Sorted, since few: one testee's.
const listTasksOfTestee = `SELECT` + taskColumns + `
FROM (SELECT id AS enrollment
      FROM assessplan_enrollments FORCE INDEX (assessplan_enrollments_testee)
      WHERE testee_id = ? AND org_id = ?) AS e
STRAIGHT_JOIN assessplan_tasks FORCE INDEX (assessplan_tasks_round) ON enrollment_id = enrollment
WHERE org_id = ?` + listedTasks

// Sorted, since few: one round's.
const listTasksOfEnrollment = `SELECT` + taskColumns + `
FROM assessplan_tasks FORCE INDEX (assessplan_tasks_round)
WHERE enrollment_id = ? AND org_id = ?` + listedTasks

const listedTasks = `
  AND (? IS NULL OR plan_id = ?)
  AND (? IS NULL OR testee_id = ?)
  AND (? IS NULL OR find_in_set(hex(status), ?))
  AND (? IS NULL OR planned_at >= ?)
  AND (? IS NULL OR planned_at < ?)
  AND id > ?
ORDER BY id
LIMIT ?`

func (t *transaction) ListTasks(ctx context.Context, q assessplan.TaskQuery) ([]assessplan.TaskState, error) {
	org := []byte(q.Org)
	query, args := listTasksOfOrg, []any{org}
	switch {
	case !q.Enrollment.IsZero():
		query, args = listTasksOfEnrollment, []any{q.Enrollment[:], org}
	case q.Testee != "":
		query, args = listTasksOfTestee, []any{[]byte(q.Testee), org, org}
	case !q.Plan.IsZero():
		query, args = listTasksOfPlan, []any{q.Plan[:], org}
	}
	if t.hosted && !q.Enrollment.IsZero() {
		query += shared // whether a round has ended must not be read of an older state than its lock
	}
	plan, testee, statuses := key(q.Plan), text(q.Testee), list(q.Status)
	from, before := moment(q.PlannedFrom), moment(q.PlannedBefore)
	return collect(ctx, t, "list tasks", taskRow, query,
		append(args, plan, plan, testee, testee, statuses, statuses, from, from, before, before, q.After[:], q.Limit)...)
}
