package hoststore

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/assessplan/assessplan"
)

func (t *transaction) FindTask(ctx context.Context, org assessplan.OrgID, id assessplan.TaskID) (assessplan.TaskState, error) {
	query := t.from(ctx, "assessment_task").Where("uid = ? AND org_id = ?", id[:], org)
	return one[taskRow](ctx, t, t.lock(query, exclusive), "task "+id.String())
}

func (t *transaction) FindTaskInAnyOrg(ctx context.Context, id assessplan.TaskID) (assessplan.TaskState, error) {
	return one[taskRow](ctx, t, t.lock(t.from(ctx, "assessment_task").Where("uid = ?", id[:]), exclusive), "task "+id.String())
}

func (t *transaction) FindPendingTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	return t.findDue(ctx, "task_due", "next_attempt_at", assessplan.Pending, q)
}

func (t *transaction) FindOverdueTasks(ctx context.Context, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	if q.Cause == assessplan.WindowMissed {
		return t.findDue(ctx, "task_missed", "open_until", assessplan.Pending, q)
	}
	return t.findDue(ctx, "task_expiring", "expire_at", assessplan.Opened, q)
}

// findDue walks an index that is in the order of the answer, from the cursor on, and locks what it returns and nothing else:
// a sort would have to lock all that is due.
func (t *transaction) findDue(ctx context.Context, index, at string, status assessplan.TaskStatus, q assessplan.DueQuery) ([]assessplan.TaskState, error) {
	query := t.from(ctx, "assessment_task FORCE INDEX ("+index+")").
		Where("version > 0 AND status = ? AND held = FALSE", status).
		Where(at+" <= ?", moment(q.Before)).
		Where(at+" >= ? AND ("+at+" > ? OR uid > ?)", moment(q.After.At), moment(q.After.At), q.After.ID[:]).
		Order(at + ", uid").Limit(q.Limit)
	return all[taskRow](ctx, t, t.lock(inScope(query, q.Scope, "plan_uid"), claiming))
}

func (t *transaction) OldestDue(ctx context.Context, q assessplan.DueQuery) (time.Time, error) {
	query := t.from(ctx, "assessment_task FORCE INDEX (task_oldest)").
		Where("version > 0 AND status = ? AND held = FALSE AND planned_at <= ?", assessplan.Pending, moment(q.Before)).
		Order("planned_at").Limit(1)
	var oldest []instant
	if err := inScope(query, q.Scope, "plan_uid").Pluck("planned_at", &oldest).Error; err != nil {
		return time.Time{}, t.fail(ctx, err)
	}
	if len(oldest) == 0 {
		return time.Time{}, nil
	}
	return time.Time(oldest[0]), nil
}

func (t *transaction) ListTasks(ctx context.Context, q assessplan.TaskQuery) ([]assessplan.TaskState, error) {
	scope := assessplan.Scope{Org: q.Org, Plan: q.Plan}
	if q.Testee != "" {
		scope.Testees = []assessplan.TesteeID{q.Testee}
	}
	query := inScope(t.from(ctx, "assessment_task"), scope, "plan_uid").Where("uid > ?", q.After[:])
	if !q.Enrollment.IsZero() {
		query = query.Where("enrollment_id = ?", q.Enrollment[:])
	}
	if len(q.Status) > 0 {
		query = query.Where("status IN ?", q.Status)
	}
	if !q.PlannedFrom.IsZero() {
		query = query.Where("planned_at >= ?", moment(q.PlannedFrom))
	}
	if !q.PlannedBefore.IsZero() {
		query = query.Where("planned_at < ?", moment(q.PlannedBefore))
	}
	return all[taskRow](ctx, t, query.Order("uid").Limit(q.Limit))
}

func (t *transaction) SaveTasks(ctx context.Context, changes []assessplan.TaskChange) error {
	return t.write(func() error {
		v := verdict{}
		for i := range changes {
			if err := t.saveTask(ctx, &changes[i], &v); err != nil {
				return err
			}
		}
		return v.end(ctx, t)
	})
}

func (t *transaction) saveTask(ctx context.Context, change *assessplan.TaskChange, v *verdict) (err error) {
	task, row := change.State.ID, newTaskRow(change)
	if change.Was == 0 {
		if row.PlanID, err = t.planKey(ctx, change.State.Plan); err != nil {
			return err
		}
	}
	end, err := t.store(ctx, row, change.Was, row.UID, row.ID)
	switch {
	case err != nil:
		return err
	case end.met == "task_assessment":
		v.refuse(fmt.Errorf("hoststore: task %s: %w", task, assessplan.ErrAssessmentTaken))
	case end.met != "":
		v.refuse(fmt.Errorf("hoststore: task %s: %w: its round has another of its number, or the ID exists", task, assessplan.ErrConflict))
	case !end.stored:
		v.moved.TaskIDs = append(v.moved.TaskIDs, task)
	}
	v.events = append(v.events, change.Events...)
	return nil
}

// planKey is the host's own key of a plan, which its queries go on to use.
func (t *transaction) planKey(ctx context.Context, id assessplan.PlanID) (uint64, error) {
	if key, known := t.planKeys[id]; known {
		return key, nil
	}
	var keys []uint64
	if err := t.from(ctx, "assessment_plan").Where("uid = ?", id[:]).Pluck("id", &keys).Error; err != nil {
		return 0, t.fail(ctx, err)
	}
	if len(keys) == 0 {
		return 0, fmt.Errorf("hoststore: plan %s of a task: %w", id, assessplan.ErrNotFound)
	}
	if t.planKeys == nil {
		t.planKeys = map[assessplan.PlanID]uint64{}
	}
	t.planKeys[id] = keys[0]
	return keys[0], nil
}

func (t *transaction) HoldTasks(ctx context.Context, q assessplan.HoldQuery) (changed int, err error) {
	query := t.from(ctx, "assessment_task").
		Where("plan_uid = ? AND org_id = ? AND status = ? AND held = ?", q.Plan[:], q.Org, assessplan.Pending, !q.Held)
	switch {
	case !q.Enrollment.IsZero():
		query = query.Where("enrollment_id = ?", q.Enrollment[:])
	case !q.Held:
		active := t.from(ctx, "assessment_enrollment").Select("id").
			Where("plan_uid = ? AND status = ?", q.Plan[:], assessplan.EnrollmentStatusActive)
		query = query.Where("enrollment_id IN (?)", active)
	}
	err = t.write(func() error {
		result := query.UpdateColumns(map[string]any{"held": q.Held, "version": gorm.Expr("version + 1")})
		if result.Error != nil {
			return t.fail(ctx, result.Error)
		}
		changed = int(result.RowsAffected)
		return nil
	})
	return changed, err
}
