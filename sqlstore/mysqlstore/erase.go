package mysqlstore

import (
	"context"

	"github.com/assessplan/assessplan"
)

const roundsOfTestee = `SELECT id
FROM assessplan_enrollments FORCE INDEX (assessplan_enrollments_testee)
WHERE org_id = ? AND testee_id = ?` + exclusive

const theseRounds = `JSON_TABLE(?, '$[*]' COLUMNS (id VARCHAR(32) CHARACTER SET latin1 PATH '$[0]')) AS j`

const eraseTasks = `UPDATE ` + theseRounds + `
STRAIGHT_JOIN assessplan_tasks AS t FORCE INDEX (assessplan_tasks_round) ON t.enrollment_id = unhex(j.id)
SET t.testee_id = ?, t.version = t.version + 1`

const eraseTaskEvents = `DELETE o
FROM ` + theseRounds + `
STRAIGHT_JOIN assessplan_tasks AS t FORCE INDEX (assessplan_tasks_round) ON t.enrollment_id = unhex(j.id)
STRAIGHT_JOIN assessplan_outbox AS o FORCE INDEX (assessplan_outbox_subject) ON o.subject = t.id`

const eraseEvents = `DELETE o
FROM ` + theseRounds + `
STRAIGHT_JOIN assessplan_outbox AS o FORCE INDEX (assessplan_outbox_subject) ON o.subject = unhex(j.id)`

const eraseEnrollments = `UPDATE ` + theseRounds + `
STRAIGHT_JOIN assessplan_enrollments AS e ON e.id = unhex(j.id)
SET e.testee_id = ?, e.version = e.version + 1`

// EraseTestee locks the rounds first, as every command does that adds to them.
func (t *transaction) EraseTestee(ctx context.Context, e assessplan.Erasure) error {
	return t.write(func() error {
		const doing = "erase a testee"
		clear(t.tasks) // some of which have another version now
		rounds, err := collect(ctx, t, doing, enrollmentIDRow, roundsOfTestee, []byte(e.Org), []byte(e.Testee))
		if err != nil {
			return err
		}
		if len(rounds) > 0 {
			if err := t.eraseRounds(ctx, doing, rounds, e.Pseudonym); err != nil {
				return err
			}
		}
		return t.addEvents(ctx, e.Events)
	})
}

func (t *transaction) eraseRounds(ctx context.Context, doing string, rounds []assessplan.EnrollmentID, pseudonym assessplan.TesteeID) error {
	ids := make([][]any, len(rounds))
	for i := range rounds {
		ids[i] = []any{rounds[i][:]}
	}
	these := argument(ids)
	for _, step := range []struct {
		query string
		args  []any
	}{
		{eraseTasks, []any{these, []byte(pseudonym)}},
		{eraseTaskEvents, []any{these}},
		{eraseEvents, []any{these}},
		{eraseEnrollments, []any{these, []byte(pseudonym)}},
	} {
		if _, err := t.exec(ctx, doing, step.query, step.args...); err != nil {
			return err
		}
	}
	return nil
}
