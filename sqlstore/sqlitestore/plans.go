package sqlitestore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/assessplan/assessplan"
)

const planColumns = `
	id, org_id, external_ref, scale_code, schedule, zone, open_window, fill_window, due_window,
	status, paused_at, ended_at, finish, work_kind, work_days, work_after, created_at, version`

func planRow(p *assessplan.PlanState) []any {
	return []any{
		(*idColumn)(&p.ID), (*textColumn)(&p.Org), (*textColumn)(&p.ExternalRef), (*textColumn)(&p.Scale),
		(*scheduleColumn)(&p.Schedule), (*textColumn)(&p.Zone),
		(*windowColumn)(&p.OpenWindow), (*windowColumn)(&p.FillWindow), (*windowColumn)(&p.DueWindow),
		(*textColumn)(&p.Status), (*instantColumn)(&p.PausedAt), (*instantColumn)(&p.EndedAt), (*textColumn)(&p.Finish),
		(*textColumn)(&p.Work.Kind), (*intColumn)(&p.Work.Days), (*idColumn)(&p.Work.After),
		(*instantColumn)(&p.CreatedAt), (*versionColumn)(&p.Version),
	}
}

// by the primary key
const findPlan = `SELECT` + planColumns + `
FROM assessplan_plans
WHERE id = ?1 AND org_id = ?2`

func (t *transaction) FindPlan(ctx context.Context, org assessplan.OrgID, id assessplan.PlanID, _ assessplan.LockMode) (assessplan.PlanState, error) {
	found, err := collect(ctx, t, "find a plan", planRow, findPlan, id[:], string(org))
	return only(found, err, "plan "+id.String())
}

const findPlanByRef = `SELECT` + planColumns + `
FROM assessplan_plans INDEXED BY assessplan_plans_ref
WHERE org_id = ?1 AND external_ref = ?2`

func (t *transaction) FindPlanByRef(ctx context.Context, org assessplan.OrgID, ref assessplan.ExternalRef) (assessplan.PlanState, error) {
	found, err := collect(ctx, t, "find a plan by its external ref", planRow, findPlanByRef, string(org), string(ref))
	return only(found, err, "plan of this external ref")
}

const findPlansWithWork = `SELECT` + planColumns + `
FROM assessplan_plans INDEXED BY assessplan_plans_work
WHERE work_kind IS NOT NULL AND id > ?3
  AND (?1 IS NULL OR org_id = ?1)
  AND (?2 IS NULL OR id = ?2)
ORDER BY id
LIMIT ?4`

func (t *transaction) FindPlansWithWork(ctx context.Context, q assessplan.PlanWorkQuery) ([]assessplan.PlanState, error) {
	return collect(ctx, t, "find plans with work", planRow, findPlansWithWork, text(q.Scope.Org), key(q.Scope.Plan), q.After[:], q.Limit)
}

const listPlans = `SELECT` + planColumns + `
FROM assessplan_plans INDEXED BY assessplan_plans_list
WHERE org_id = ?1 AND id > ?2
  AND (?3 IS NULL OR status IN (SELECT value FROM json_each(?3)))
ORDER BY id
LIMIT ?4`

func (t *transaction) ListPlans(ctx context.Context, q assessplan.PlanQuery) ([]assessplan.PlanState, error) {
	return collect(ctx, t, "list plans", planRow, listPlans, string(q.Org), q.After[:], list(q.Status), q.Limit)
}

const insertPlan = `INSERT INTO assessplan_plans (` + planColumns + `)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
ON CONFLICT DO NOTHING`

// by the primary key; what an immutable plan never changes is written too: it is rare, and the port says so
const updatePlan = `UPDATE assessplan_plans
SET external_ref = ?3, scale_code = ?4, schedule = ?5, zone = ?6, open_window = ?7, fill_window = ?8, due_window = ?9,
    status = ?10, paused_at = ?11, ended_at = ?12, finish = ?13, work_kind = ?14, work_days = ?15, work_after = ?16,
    created_at = ?17, version = ?18
WHERE id = ?1 AND org_id = ?2 AND version = ?18 - 1`

// Whether another plan has the external ref; without one, no plan has.
const planRefTaken = `SELECT 1
FROM assessplan_plans INDEXED BY assessplan_plans_ref
WHERE org_id = ?1 AND external_ref = ?2 AND id <> ?3`

func (t *transaction) SavePlan(ctx context.Context, change assessplan.PlanChange) error {
	return t.write(func() error {
		const doing = "save a plan"
		values, err := planValues(change)
		if err != nil {
			return err
		}
		query := updatePlan
		if change.Was == 0 {
			query = insertPlan
		}
		taken, err := t.exists(ctx, doing, planRefTaken, string(change.State.Org), text(change.State.ExternalRef), change.State.ID[:])
		if err != nil {
			return err
		}
		stored := 0
		if !taken {
			if stored, err = t.exec(ctx, doing, query, values...); err != nil {
				return err
			}
		}
		switch {
		case stored == 1:
			return t.addEvents(ctx, change.Events)
		case change.Was > 0 && !taken:
			return &assessplan.VersionError{PlanIDs: []assessplan.PlanID{change.State.ID}}
		}
		return fmt.Errorf("sqlitestore: plan %s: %w: another has the external ref, or this ID", change.State.ID, assessplan.ErrConflict)
	})
}

func planValues(change assessplan.PlanChange) ([]any, error) {
	p := &change.State
	schedule, err := json.Marshal(p.Schedule)
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: plan %s: schedule: %w", p.ID, err)
	}
	return []any{
		p.ID[:], string(p.Org), text(p.ExternalRef), string(p.Scale), string(schedule), p.Zone,
		window(p.OpenWindow), window(p.FillWindow), window(p.DueWindow),
		string(p.Status), instant(p.PausedAt), instant(p.EndedAt), text(p.Finish),
		text(p.Work.Kind), p.Work.Days, key(p.Work.After), instant(p.CreatedAt), change.Was + 1,
	}, nil
}
