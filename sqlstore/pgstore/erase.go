package pgstore

import (
	"context"

	"github.com/assessplan/assessplan"
)

// Whoever holds a round or a task may be about to store an event about it: it is waited for before the events are deleted.
// By assessplan_enrollments_testee and assessplan_tasks_round.
const (
	lockRoundsOfTestee = `SELECT 1
FROM assessplan_enrollments
WHERE org_id = $1 AND testee_id = $2` + forUpdate
	lockTasksOfTestee = `SELECT 1
FROM assessplan_tasks
WHERE enrollment_id = ANY (ARRAY(SELECT e.id FROM assessplan_enrollments AS e WHERE e.org_id = $1 AND e.testee_id = $2))` + forUpdate
)

// What the outbox holds about a testee, by assessplan_outbox_subject; their rounds by assessplan_enrollments_testee, their tasks
// by assessplan_tasks_round.
const eraseEvents = `DELETE FROM assessplan_outbox
WHERE subject = ANY (ARRAY(
  SELECT e.id
  FROM assessplan_enrollments AS e
  WHERE e.org_id = $1 AND e.testee_id = $2
  UNION ALL
  SELECT t.id
  FROM assessplan_tasks AS t
  WHERE t.enrollment_id = ANY (ARRAY(SELECT e.id FROM assessplan_enrollments AS e WHERE e.org_id = $1 AND e.testee_id = $2))))`

// by assessplan_enrollments_testee and assessplan_tasks_round
const eraseTasks = `UPDATE assessplan_tasks
SET testee_id = $3, version = version + 1
WHERE enrollment_id = ANY (ARRAY(SELECT e.id FROM assessplan_enrollments AS e WHERE e.org_id = $1 AND e.testee_id = $2))`

// by assessplan_enrollments_testee
const eraseEnrollments = `UPDATE assessplan_enrollments
SET testee_id = $3, version = version + 1
WHERE org_id = $1 AND testee_id = $2`

// EraseTestee goes from the events to the rounds: each step finds its rows through what the next one changes.
func (t *transaction) EraseTestee(ctx context.Context, e assessplan.Erasure) error {
	return t.write(func() error {
		const doing = "erase a testee"
		for _, query := range []string{lockRoundsOfTestee, lockTasksOfTestee, eraseEvents} {
			if _, err := t.exec(ctx, doing, query, string(e.Org), string(e.Testee)); err != nil {
				return err
			}
		}
		for _, query := range []string{eraseTasks, eraseEnrollments} {
			if _, err := t.exec(ctx, doing, query, string(e.Org), string(e.Testee), string(e.Pseudonym)); err != nil {
				return err
			}
		}
		return t.addEvents(ctx, e.Events)
	})
}
