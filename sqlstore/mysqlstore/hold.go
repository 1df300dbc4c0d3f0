package mysqlstore

import (
	"context"

	"github.com/assessplan/assessplan"
)

const holdTasksOfPlan = `UPDATE assessplan_tasks FORCE INDEX (assessplan_tasks_plan)
SET held = 1, version = version + 1
WHERE plan_id = ? AND org_id = ? AND status = 'pending' AND held = 0`

// The rounds are looked up by the primary key, one for each task.
const releaseTasksOfPlan = `UPDATE assessplan_tasks FORCE INDEX (assessplan_tasks_plan)
SET held = 0, version = version + 1
WHERE plan_id = ? AND org_id = ? AND status = 'pending' AND held = 1
  AND EXISTS (SELECT 1
              FROM assessplan_enrollments AS e
              WHERE e.id = assessplan_tasks.enrollment_id AND e.status = 'active')`

const holdTasksOfEnrollment = `UPDATE assessplan_tasks FORCE INDEX (assessplan_tasks_round)
SET held = ?, version = version + 1
WHERE enrollment_id = ? AND plan_id = ? AND org_id = ? AND status = 'pending' AND held <> ?`

func (t *transaction) HoldTasks(ctx context.Context, q assessplan.HoldQuery) (int, error) {
	query, values := holdTasksOfPlan, []any{q.Plan[:], []byte(q.Org)}
	switch {
	case !q.Enrollment.IsZero():
		query, values = holdTasksOfEnrollment, []any{q.Held, q.Enrollment[:], q.Plan[:], []byte(q.Org), q.Held}
	case !q.Held:
		query = releaseTasksOfPlan
	}
	changed := 0
	err := t.write(func() (err error) {
		clear(t.tasks) // some of which have another version now
		changed, err = t.exec(ctx, "hold tasks", query, values...)
		return err
	})
	return changed, err
}
