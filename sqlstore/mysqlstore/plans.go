package mysqlstore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/internal/verdict"
)

// What ends a query that locks what it finds.
const (
	shared    = ` LOCK IN SHARE MODE` // which MariaDB has, unlike FOR SHARE
	exclusive = ` FOR UPDATE`
	claiming  = ` FOR UPDATE SKIP LOCKED`
)

const planColumns = `
	id, org_id, external_ref, scale_code, schedule, zone, open_window, fill_window, due_window,
	status, ` + at + `paused_at), ` + at + `ended_at), finish, work_kind, work_days, work_after, ` + at + `created_at), version`

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
const (
	findPlan = `SELECT` + planColumns + `
FROM assessplan_plans
WHERE id = ? AND org_id = ?`
	sharePlan = findPlan + shared
	lockPlan  = findPlan + exclusive
)

func (t *transaction) FindPlan(ctx context.Context, org assessplan.OrgID, id assessplan.PlanID, lock assessplan.LockMode) (assessplan.PlanState, error) {
	query := t.mode(lock, findPlan, sharePlan, lockPlan)
	found, err := collect(ctx, t, "find a plan", planRow, query, id[:], []byte(org))
	return only(found, err, "plan "+id.String())
}

// mode chooses among the forms of a query.
func (t *transaction) mode(lock assessplan.LockMode, plain, share, exclusive string) string {
	switch {
	case t.readOnly || lock == assessplan.LockNone:
		return plain
	case lock == assessplan.LockShared:
		return share
	}
	return exclusive
}

const findPlanByRef = `SELECT` + planColumns + `
FROM assessplan_plans FORCE INDEX (assessplan_plans_ref)
WHERE org_id = ? AND external_ref = ?`

func (t *transaction) FindPlanByRef(ctx context.Context, org assessplan.OrgID, ref assessplan.ExternalRef) (assessplan.PlanState, error) {
	found, err := collect(ctx, t, "find a plan by its external ref", planRow, findPlanByRef, []byte(org), []byte(ref))
	return only(found, err, "plan of this external ref")
}

const findPlansWithWork = `SELECT` + planColumns + `
FROM assessplan_plans FORCE INDEX (assessplan_plans_work)
WHERE working_id > ?
  AND (? IS NULL OR org_id = ?)
  AND (? IS NULL OR id = ?)
ORDER BY working_id
LIMIT ?`

func (t *transaction) FindPlansWithWork(ctx context.Context, q assessplan.PlanWorkQuery) ([]assessplan.PlanState, error) {
	org, plan := text(q.Scope.Org), key(q.Scope.Plan)
	return collect(ctx, t, "find plans with work", planRow, findPlansWithWork, q.After[:], org, org, plan, plan, q.Limit)
}

const listPlans = `SELECT` + planColumns + `
FROM assessplan_plans FORCE INDEX (assessplan_plans_list)
WHERE org_id = ? AND id > ?
  AND (? IS NULL OR find_in_set(hex(status), ?))
ORDER BY id
LIMIT ?`

func (t *transaction) ListPlans(ctx context.Context, q assessplan.PlanQuery) ([]assessplan.PlanState, error) {
	statuses := list(q.Status)
	return collect(ctx, t, "list plans", planRow, listPlans, []byte(q.Org), q.After[:], statuses, statuses, q.Limit)
}

const insertPlan = `INSERT INTO assessplan_plans (
	external_ref, scale_code, schedule, zone, open_window, fill_window, due_window, status, paused_at, ended_at,
	finish, work_kind, work_days, work_after, created_at, version, id, org_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// by the primary key; what an immutable plan never changes is written too: it is rare, and the port says so
const updatePlan = `UPDATE assessplan_plans FORCE INDEX (PRIMARY)
SET external_ref = ?, scale_code = ?, schedule = ?, zone = ?, open_window = ?, fill_window = ?, due_window = ?,
    status = ?, paused_at = ?, ended_at = ?, finish = ?, work_kind = ?, work_days = ?, work_after = ?,
    created_at = ?, version = ?
WHERE id = ? AND org_id = ? AND version = ?`

func (t *transaction) SavePlan(ctx context.Context, change assessplan.PlanChange) error {
	return t.write(func() error {
		query, values, err := planValues(change)
		if err != nil {
			return err
		}
		stored, index, err := t.execUnique(ctx, "save a plan", query, values...)
		v := verdict.Verdict{}
		switch {
		case err != nil:
			return err
		case index != "":
			v.Refuse(fmt.Errorf("mysqlstore: plan %s: %w: another has the external ref, or this ID", change.State.ID, assessplan.ErrConflict))
		case stored == 0:
			v.Moved.PlanIDs = append(v.Moved.PlanIDs, change.State.ID)
		}
		if err := v.Err(); err != nil {
			return err
		}
		return t.addEvents(ctx, change.Events)
	})
}

func planValues(change assessplan.PlanChange) (query string, values []any, err error) {
	p := &change.State
	schedule, err := json.Marshal(p.Schedule)
	if err != nil {
		return "", nil, fmt.Errorf("mysqlstore: plan %s: schedule: %w", p.ID, err)
	}
	r := row{table: "assessplan_plans", key: p.ID}
	r.optional("external_ref", string(p.ExternalRef), mostReference)
	r.text("scale_code", string(p.Scale), mostReference)
	r.add(string(schedule))
	r.text("zone", p.Zone, mostZone)
	r.optional("open_window", p.OpenWindow.String(), mostWindow)
	r.optional("fill_window", p.FillWindow.String(), mostWindow)
	r.optional("due_window", p.DueWindow.String(), mostWindow)
	r.text("status", string(p.Status), mostStatus)
	r.moment("paused_at", p.PausedAt)
	r.moment("ended_at", p.EndedAt)
	r.optional("finish", string(p.Finish), mostCode)
	r.optional("work_kind", string(p.Work.Kind), mostCode)
	r.number(int64(p.Work.Days))
	r.add(key(p.Work.After))
	r.moment("created_at", p.CreatedAt)
	r.number(change.Was + 1)
	r.add(p.ID[:])
	r.text("org_id", string(p.Org), mostReference)
	if change.Was == 0 {
		return insertPlan, r.values, r.fault
	}
	r.number(change.Was)
	return updatePlan, r.values, r.fault
}
