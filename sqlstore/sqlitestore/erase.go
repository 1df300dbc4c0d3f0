package sqlitestore

import (
	"context"

	"github.com/assessplan/assessplan"
)

// What the outbox holds about a testee, by assessplan_outbox_subject.
const eraseEvents = `DELETE FROM assessplan_outbox
WHERE subject IN (
  SELECT id
  FROM assessplan_enrollments INDEXED BY assessplan_enrollments_testee
  WHERE org_id = ?1 AND testee_id = ?2
  UNION ALL
  SELECT t.id
  FROM assessplan_enrollments AS e INDEXED BY assessplan_enrollments_testee
  CROSS JOIN assessplan_tasks AS t INDEXED BY assessplan_tasks_round ON t.enrollment_id = e.id
  WHERE e.org_id = ?1 AND e.testee_id = ?2)`

const eraseTasks = `UPDATE assessplan_tasks INDEXED BY assessplan_tasks_round
SET testee_id = ?3, version = version + 1
WHERE enrollment_id IN (
  SELECT id
  FROM assessplan_enrollments INDEXED BY assessplan_enrollments_testee
  WHERE org_id = ?1 AND testee_id = ?2)`

const eraseEnrollments = `UPDATE assessplan_enrollments INDEXED BY assessplan_enrollments_testee
SET testee_id = ?3, version = version + 1
WHERE org_id = ?1 AND testee_id = ?2`

// EraseTestee goes from the events to the rounds: each step finds its rows through what the next one changes.
func (t *transaction) EraseTestee(ctx context.Context, e assessplan.Erasure) error {
	return t.write(func() error {
		const doing = "erase a testee"
		t.erased = true
		if _, err := t.exec(ctx, doing, eraseEvents, string(e.Org), string(e.Testee)); err != nil {
			return err
		}
		for _, query := range []string{eraseTasks, eraseEnrollments} {
			if _, err := t.exec(ctx, doing, query, string(e.Org), string(e.Testee), string(e.Pseudonym)); err != nil {
				return err
			}
		}
		return t.addEvents(ctx, e.Events)
	})
}
