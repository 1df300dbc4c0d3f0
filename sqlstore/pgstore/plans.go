package pgstore

import (
	"context"
	"fmt"

	"github.com/assessplan/assessplan"
)

const planColumns = `
	id, org_id, external_ref, scale_code, schedule::text, zone, open_window, fill_window, due_window,
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
WHERE id = $1 AND (org_id = $2) IS TRUE`

func (t *transaction) FindPlan(ctx context.Context, org assessplan.OrgID, id assessplan.PlanID, lock assessplan.LockMode) (assessplan.PlanState, error) {
	found, err := collect(ctx, t, "find a plan", planRow, findPlan+t.locking(lock), key(id), string(org))
	return only(found, err, "plan "+id.String())
}

// by assessplan_plans_ref
const findPlanByRef = `SELECT` + planColumns + `
FROM assessplan_plans
WHERE org_id = $1 AND external_ref = $2`

func (t *transaction) FindPlanByRef(ctx context.Context, org assessplan.OrgID, ref assessplan.ExternalRef) (assessplan.PlanState, error) {
	found, err := collect(ctx, t, "find a plan by its external ref", planRow, findPlanByRef, string(org), string(ref))
	return only(found, err, "plan of this external ref")
}

// by assessplan_plans_work
const findPlansWithWork = `SELECT` + planColumns + `
FROM assessplan_plans
WHERE work_kind IS NOT NULL AND id > $3
  AND ($1::text IS NULL OR org_id = $1)
  AND ($2::uuid IS NULL OR id = $2)
ORDER BY id
LIMIT $4`

func (t *transaction) FindPlansWithWork(ctx context.Context, q assessplan.PlanWorkQuery) ([]assessplan.PlanState, error) {
	return collect(ctx, t, "find plans with work", planRow, findPlansWithWork, optional(q.Scope.Org), optionalID(q.Scope.Plan), key(q.After), q.Limit)
}

// By assessplan_plans_list. Were the org compared by =, the order would be that of the primary key too, and the planner might
// walk the plans of all orgs.
const listPlans = `SELECT` + planColumns + `
FROM assessplan_plans
WHERE org_id BETWEEN $1 AND $1 AND id > $2
  AND ($3::text[] IS NULL OR status = ANY ($3))
ORDER BY org_id, id
LIMIT $4`

func (t *transaction) ListPlans(ctx context.Context, q assessplan.PlanQuery) ([]assessplan.PlanState, error) {
	return collect(ctx, t, "list plans", planRow, listPlans, string(q.Org), key(q.After), anyOf(q.Status), q.Limit)
}

const insertPlan = `INSERT INTO assessplan_plans (
	id, org_id, external_ref, scale_code, schedule, zone, open_window, fill_window, due_window,
	status, paused_at, ended_at, finish, work_kind, work_days, work_after, created_at, version)
VALUES ($1, $2, $3, $4, $5::text::json, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
ON CONFLICT DO NOTHING`

// by the primary key; what an immutable plan never changes is written too: it is rare, and the port says so
const updatePlan = `UPDATE assessplan_plans
SET external_ref = $3, scale_code = $4, schedule = $5::text::json, zone = $6, open_window = $7, fill_window = $8, due_window = $9,
    status = $10, paused_at = $11, ended_at = $12, finish = $13, work_kind = $14, work_days = $15, work_after = $16,
    created_at = $17, version = $18
WHERE id = $1 AND (org_id = $2) IS TRUE AND version = $18 - 1`

// Whether another plan has the external ref, by assessplan_plans_ref; without one, no plan has.
const planRefTaken = `SELECT 1
FROM assessplan_plans
WHERE org_id = $1 AND external_ref = $2 AND id <> $3`

func (t *transaction) SavePlan(ctx context.Context, change assessplan.PlanChange) error {
	return t.write(func() error {
		p := &change.State
		doing := "save plan " + p.ID.String()
		p.Version = change.Was + 1
		query := updatePlan
		if change.Was == 0 {
			query = insertPlan
		}
		taken, err := t.exists(ctx, doing, planRefTaken, string(p.Org), optional(p.ExternalRef), key(p.ID))
		if err != nil {
			return err
		}
		stored := 0
		if !taken {
			if stored, err = t.exec(ctx, doing, query, planRow(p)...); err != nil {
				return err
			}
		}
		switch {
		case stored == 1:
			return t.addEvents(ctx, change.Events)
		case change.Was > 0 && !taken:
			return &assessplan.VersionError{PlanIDs: []assessplan.PlanID{p.ID}}
		}
		return fmt.Errorf("pgstore: plan %s: %w: another has the external ref, or this ID", p.ID, assessplan.ErrConflict)
	})
}
