package mysqlstore

import (
	"context"

	"github.com/assessplan/assessplan"
)

const enrollmentColumns = `
	id, org_id, plan_id, testee_id, round, cast(start AS CHAR), zone, reconsented, status, planned,
	` + at + `paused_at), shifted_days, ` + at + `ended_at), end_reason, end_note, ` + at + `closable_from), ` + at + `created_at), version`

func enrollmentRow(e *assessplan.EnrollmentState) []any {
	return []any{
		(*idColumn)(&e.ID), (*textColumn)(&e.Org), (*idColumn)(&e.Plan), (*textColumn)(&e.Testee), (*intColumn)(&e.Round),
		(*dateColumn)(&e.Start), (*textColumn)(&e.Zone), (*boolColumn)(&e.Reconsented), (*textColumn)(&e.Status), (*intColumn)(&e.Planned),
		(*instantColumn)(&e.PausedAt), (*intColumn)(&e.ShiftedDays), (*instantColumn)(&e.EndedAt), (*textColumn)(&e.Termination.Reason), (*textColumn)(&e.Termination.Note),
		(*instantColumn)(&e.ClosableFrom), (*instantColumn)(&e.CreatedAt), (*versionColumn)(&e.Version),
	}
}

// by the primary key
const (
	findEnrollment = `SELECT` + enrollmentColumns + `
FROM assessplan_enrollments
WHERE id = ? AND org_id = ?`
	shareEnrollment = findEnrollment + shared
	lockEnrollment  = findEnrollment + exclusive
)

func (t *transaction) FindEnrollment(ctx context.Context, org assessplan.OrgID, id assessplan.EnrollmentID, lock assessplan.LockMode) (assessplan.EnrollmentState, error) {
	query := t.mode(lock, findEnrollment, shareEnrollment, lockEnrollment)
	found, err := collect(ctx, t, "find an enrollment", enrollmentRow, query, id[:], []byte(org))
	return only(found, err, "enrollment "+id.String())
}

const (
	findRounds = `SELECT` + enrollmentColumns + `
FROM assessplan_enrollments FORCE INDEX (assessplan_enrollments_testee)
WHERE org_id = ? AND testee_id = ?
  AND (? IS NULL OR plan_id = ?)
ORDER BY plan_id, round`
	lockRounds = findRounds + exclusive
)

func (t *transaction) FindRounds(ctx context.Context, org assessplan.OrgID, plan assessplan.PlanID, testee assessplan.TesteeID) ([]assessplan.EnrollmentState, error) {
	return collect(ctx, t, "find the rounds of a testee", enrollmentRow, t.locked(findRounds, lockRounds), []byte(org), []byte(testee), key(plan), key(plan))
}

// The tasks are looked at from the last one down, which is the one that is open longest, so that a round that has not ended
// costs one task, not all.
const (
	findEndedEnrollments = `SELECT` + enrollmentColumns + `
FROM assessplan_enrollments AS e FORCE INDEX (assessplan_enrollments_closable)
WHERE closable_at <= ?
  AND (closable_at = ? AND id > ? OR closable_at > ?)` + inScope + `
  AND (SELECT 1
       FROM assessplan_tasks AS t FORCE INDEX (assessplan_tasks_round)
       WHERE t.enrollment_id = e.id AND t.status IN ('pending', 'opened')
       ORDER BY t.seq DESC
       LIMIT 1) IS NULL
ORDER BY closable_at, id
LIMIT ?`
	claimEndedEnrollments = findEndedEnrollments + claiming
)

// Which of some rounds have a task that has not ended.
const (
	runningRounds = `SELECT DISTINCT t.enrollment_id
FROM JSON_TABLE(?, '$[*]' COLUMNS (id VARCHAR(32) CHARACTER SET latin1 PATH '$[0]')) AS j
STRAIGHT_JOIN assessplan_tasks AS t FORCE INDEX (assessplan_tasks_round) ON t.enrollment_id = unhex(j.id)
WHERE t.status IN ('pending', 'opened')`
	shareRunningRounds = runningRounds + shared // for transactions of hosts, which prepare it themselves
)

func (t *transaction) FindEndedEnrollments(ctx context.Context, q assessplan.EndedQuery) ([]assessplan.EnrollmentState, error) {
	before, after := lastStamp, stamp(q.After.ClosableFrom)
	if !q.Before.IsZero() {
		before = stamp(q.Before)
	}
	args := append([]any{before, after, q.After.ID[:], after}, append(scope(q.Scope), q.Limit)...)
	found, err := collect(ctx, t, "find ended enrollments", enrollmentRow, t.locked(findEndedEnrollments, claimEndedEnrollments), args...)
	if err != nil || t.readOnly || len(found) == 0 {
		return found, err
	}
	return t.stillEnded(ctx, found)
}

// stillEnded leaves out the rounds of which a task was planned again after the claim began to read: it reads the rounds as
// they are when it locks them, and their tasks as they were before. A statement that begins now sees what whoever held the
// rounds has committed; where the host's transaction may stay with an older state, the tasks must be locked to be seen.
func (t *transaction) stillEnded(ctx context.Context, claimed []assessplan.EnrollmentState) ([]assessplan.EnrollmentState, error) {
	var ids []byte
	for i := range claimed {
		ids = appendRow(ids, []any{claimed[i].ID[:]})
	}
	query := runningRounds
	if t.hosted {
		query = shareRunningRounds
	}
	running, err := collect(ctx, t, "find ended enrollments", enrollmentIDRow, query, string(ids))
	if err != nil {
		return nil, err
	}
	left := map[assessplan.EnrollmentID]bool{}
	for _, id := range running {
		left[id] = true
	}
	ended := claimed[:0]
	for _, round := range claimed {
		if !left[round.ID] {
			ended = append(ended, round)
		}
	}
	return ended, nil
}

func enrollmentIDRow(id *assessplan.EnrollmentID) []any { return []any{(*idColumn)(id)} }

// The index of the primary key, which is in the order of the answer. Rounds of other orgs are passed over.
const listEnrollmentsOfOrg = `SELECT` + enrollmentColumns + `
FROM assessplan_enrollments FORCE INDEX (PRIMARY)
WHERE org_id = ?` + listedEnrollments

const listEnrollmentsOfPlan = `SELECT` + enrollmentColumns + `
FROM assessplan_enrollments FORCE INDEX (assessplan_enrollments_plan)
WHERE plan_id = ? AND org_id = ?` + listedEnrollments

// Sorted, since few: one testee's.
const listEnrollmentsOfTestee = `SELECT` + enrollmentColumns + `
FROM assessplan_enrollments FORCE INDEX (assessplan_enrollments_testee)
WHERE testee_id = ? AND org_id = ?` + listedEnrollments

const listedEnrollments = `
  AND (? IS NULL OR plan_id = ?)
  AND (? IS NULL OR find_in_set(hex(status), ?))
  AND id > ?
ORDER BY id
LIMIT ?`

func (t *transaction) ListEnrollments(ctx context.Context, q assessplan.EnrollmentQuery) ([]assessplan.EnrollmentState, error) {
	query, args := listEnrollmentsOfOrg, []any{[]byte(q.Org)}
	switch {
	case q.Testee != "":
		query, args = listEnrollmentsOfTestee, append([]any{[]byte(q.Testee)}, args...)
	case !q.Plan.IsZero():
		query, args = listEnrollmentsOfPlan, append([]any{q.Plan[:]}, args...)
	}
	plan, statuses := key(q.Plan), list(q.Status)
	return collect(ctx, t, "list enrollments", enrollmentRow, query, append(args, plan, plan, statuses, statuses, q.After[:], q.Limit)...)
}
