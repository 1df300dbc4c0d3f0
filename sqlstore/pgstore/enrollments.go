package pgstore

import (
	"context"
	"time"

	"github.com/assessplan/assessplan"
)

const enrollmentColumns = `
	id, testee_id, round, start, zone, reconsented, status, planned,
	paused_at, shifted_days, ended_at, end_reason, end_note, closable_from, org_id, plan_id, created_at, version`

func enrollmentRow(e *assessplan.EnrollmentState) []any {
	return append(enrollmentFields(e), (*versionColumn)(&e.Version))
}

// enrollmentFields are all but the version.
func enrollmentFields(e *assessplan.EnrollmentState) []any {
	return []any{
		(*idColumn)(&e.ID), (*textColumn)(&e.Testee), (*intColumn)(&e.Round), (*dateColumn)(&e.Start), (*textColumn)(&e.Zone),
		(*boolColumn)(&e.Reconsented), (*textColumn)(&e.Status), (*intColumn)(&e.Planned),
		(*instantColumn)(&e.PausedAt), (*intColumn)(&e.ShiftedDays), (*instantColumn)(&e.EndedAt),
		(*textColumn)(&e.Termination.Reason), (*textColumn)(&e.Termination.Note), (*sinceColumn)(&e.ClosableFrom),
		(*textColumn)(&e.Org), (*idColumn)(&e.Plan), (*instantColumn)(&e.CreatedAt),
	}
}

// by the primary key
const findEnrollment = `SELECT` + enrollmentColumns + `
FROM assessplan_enrollments
WHERE id = $1 AND (org_id = $2) IS TRUE`

func (t *transaction) FindEnrollment(ctx context.Context, org assessplan.OrgID, id assessplan.EnrollmentID, lock assessplan.LockMode) (assessplan.EnrollmentState, error) {
	found, err := collect(ctx, t, "find an enrollment", enrollmentRow, findEnrollment+t.locking(lock), key(id), string(org))
	return only(found, err, "enrollment "+id.String())
}

// by assessplan_enrollments_testee
const findRounds = `SELECT` + enrollmentColumns + `
FROM assessplan_enrollments
WHERE org_id = $1 AND testee_id = $2
  AND ($3::uuid IS NULL OR plan_id = $3)
ORDER BY plan_id, round`

func (t *transaction) FindRounds(ctx context.Context, org assessplan.OrgID, plan assessplan.PlanID, testee assessplan.TesteeID) ([]assessplan.EnrollmentState, error) {
	return collect(ctx, t, "find the rounds of a testee", enrollmentRow, findRounds+t.locking(assessplan.LockExclusive),
		string(org), string(testee), optionalID(plan))
}

// By assessplan_enrollments_closable. The tasks are looked at from the last one down, which is the one that is open longest,
// so that a round that has not ended costs one task, not all.
const findEndedEnrollments = `SELECT` + enrollmentColumns + `
FROM assessplan_enrollments AS e
WHERE status IN ('active', 'paused')
  AND closable_from <= $4
  AND (closable_from, id) > ($5, $6)` + inScope + `
  AND` + ended + `
ORDER BY closable_from, id
LIMIT $7`

// by assessplan_tasks_round
const ended = `
  (SELECT 1
   FROM assessplan_tasks AS t
   WHERE t.enrollment_id = e.id AND t.status IN ('pending', 'opened')
   ORDER BY t.seq DESC
   LIMIT 1) IS NULL`

// Which of some rounds have ended, seen by a statement of its own.
const stillEnded = `SELECT` + enrollmentColumns + `
FROM unnest($1::uuid[]) WITH ORDINALITY AS claimed (claimed_id, place)
JOIN assessplan_enrollments AS e ON e.id = claimed_id
WHERE` + ended + `
ORDER BY place`

// FindEndedEnrollments claims, then looks at the tasks again: what the first statement saw of them may be older than its
// locks, and who plans a task of a round again has locked the round.
func (t *transaction) FindEndedEnrollments(ctx context.Context, q assessplan.EndedQuery) ([]assessplan.EnrollmentState, error) {
	const doing = "find ended enrollments"
	before := q.Before
	if before.IsZero() {
		before = endOfTime
	}
	found, err := collect(ctx, t, doing, enrollmentRow, findEndedEnrollments+t.claim(), append(scope(q.Scope),
		before, q.After.ClosableFrom, key(q.After.ID), q.Limit)...)
	if err != nil || len(found) == 0 || t.readOnly {
		return found, err
	}
	claimed := make([][]any, len(found))
	for i := range found {
		claimed[i] = []any{(*idColumn)(&found[i].ID)}
	}
	return collect(ctx, t, doing, enrollmentRow, stillEnded, columns(claimed)...)
}

// endOfTime is after every instant that can be stored.
var endOfTime = time.Date(10000, time.January, 1, 0, 0, 0, 0, time.UTC)

// By the primary key, which is in the order of the answer. Rounds of other orgs are passed over.
const listEnrollmentsOfOrg = `SELECT` + enrollmentColumns + `
FROM assessplan_enrollments
WHERE org_id = $1` + listedEnrollments + `
ORDER BY id
LIMIT $6`

// By assessplan_enrollments_plan; see listTasksOfPlan.
const listEnrollmentsOfPlan = `SELECT` + enrollmentColumns + `
FROM assessplan_enrollments
WHERE plan_id BETWEEN $2 AND $2 AND org_id = $1` + listedEnrollments + `
ORDER BY plan_id, id
LIMIT $6`

// Sorted, since few: one testee's. By assessplan_enrollments_testee; see listTasksOfTestee.
const listEnrollmentsOfTestee = `SELECT` + enrollmentColumns + `
FROM (SELECT *
      FROM assessplan_enrollments
      WHERE org_id = $1 AND testee_id = $3
      OFFSET 0) AS of_testee
WHERE true` + listedEnrollments + `
ORDER BY id
LIMIT $6`

const listedEnrollments = `
  AND ($2::uuid IS NULL OR plan_id = $2) IS TRUE
  AND ($3::text IS NULL OR testee_id = $3) IS TRUE
  AND ($4::text[] IS NULL OR status = ANY ($4))
  AND id > $5`

func (t *transaction) ListEnrollments(ctx context.Context, q assessplan.EnrollmentQuery) ([]assessplan.EnrollmentState, error) {
	query := listEnrollmentsOfOrg
	switch {
	case q.Testee != "":
		query = listEnrollmentsOfTestee
	case !q.Plan.IsZero():
		query = listEnrollmentsOfPlan
	}
	return collect(ctx, t, "list enrollments", enrollmentRow, query, string(q.Org), optionalID(q.Plan), optional(q.Testee),
		anyOf(q.Status), key(q.After), q.Limit)
}
