package pgstore

import (
	"context"

	"github.com/assessplan/assessplan"
)

// By assessplan_enrollments_testee. Whoever holds a round may be about to store an event about it: it is waited for before the
// events are deleted.
const lockRoundsOfTestee = `SELECT id
FROM assessplan_enrollments
WHERE org_id = $1 AND testee_id = $2` + forUpdate

// By assessplan_tasks_round; whoever holds a task is waited for as well.
const lockTasksOfRounds = `SELECT 1
FROM assessplan_tasks
WHERE enrollment_id = ANY ($1::uuid[])` + forUpdate

// What the outbox holds about rounds and their tasks, by assessplan_outbox_subject; the tasks by assessplan_tasks_round.
const eraseEvents = `DELETE FROM assessplan_outbox
WHERE subject = ANY ($1::uuid[] || ARRAY(SELECT t.id FROM assessplan_tasks AS t WHERE t.enrollment_id = ANY ($1::uuid[])))`

// by assessplan_tasks_round
const eraseTasks = `UPDATE assessplan_tasks
SET testee_id = $2, version = version + 1
WHERE enrollment_id = ANY ($1::uuid[])`

// by the primary key
const eraseEnrollments = `UPDATE assessplan_enrollments
SET testee_id = $2, version = version + 1
WHERE id = ANY ($1::uuid[])`

// EraseTestee works on the rounds that it has locked and on no others: each statement sees what was committed by then, and a
// round that began meanwhile would keep its events under another name.
func (t *transaction) EraseTestee(ctx context.Context, e assessplan.Erasure) error {
	return t.write(func() error {
		const doing = "erase a testee"
		rounds, err := collect(ctx, t, doing, func(id *idColumn) []any { return []any{id} }, lockRoundsOfTestee, string(e.Org), string(e.Testee))
		if err != nil {
			return err
		}
		ids := make([][]any, len(rounds))
		for i := range rounds {
			ids[i] = []any{&rounds[i]}
		}
		if len(ids) > 0 {
			if err := t.eraseRounds(ctx, doing, columns(ids)[0], string(e.Pseudonym)); err != nil {
				return err
			}
		}
		return t.addEvents(ctx, e.Events)
	})
}

func (t *transaction) eraseRounds(ctx context.Context, doing string, ids any, pseudonym string) error {
	for _, query := range []string{lockTasksOfRounds, eraseEvents} {
		if _, err := t.exec(ctx, doing, query, ids); err != nil {
			return err
		}
	}
	for _, query := range []string{eraseTasks, eraseEnrollments} {
		if _, err := t.exec(ctx, doing, query, ids, pseudonym); err != nil {
			return err
		}
	}
	return nil
}
