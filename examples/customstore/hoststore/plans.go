package hoststore

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/assessplan/assessplan"
)

// plans is a query on the plans that the library keeps.
func (t *transaction) plans(ctx context.Context) *gorm.DB {
	return t.from(ctx, "assessment_plan").Where("version > 0")
}

func (t *transaction) FindPlan(ctx context.Context, org assessplan.OrgID, id assessplan.PlanID, lock assessplan.LockMode) (assessplan.PlanState, error) {
	return one[planRow](ctx, t, t.lockMode(t.plans(ctx).Where("uid = ? AND org_id = ?", uid(id), org), lock), "plan "+id.String())
}

func (t *transaction) FindPlanByRef(ctx context.Context, org assessplan.OrgID, ref assessplan.ExternalRef) (assessplan.PlanState, error) {
	return one[planRow](ctx, t, t.plans(ctx).Where("org_id = ? AND external_ref = ?", org, ref), "plan of this external ref")
}

func (t *transaction) FindPlansWithWork(ctx context.Context, q assessplan.PlanWorkQuery) ([]assessplan.PlanState, error) {
	scope := assessplan.Scope{Org: q.Scope.Org, Plan: q.Scope.Plan}
	return all[planRow](ctx, t, inScope(t.plans(ctx), scope, "uid").Where("work_kind <> '' AND uid > ?", q.After[:]).Order("uid").Limit(q.Limit))
}

func (t *transaction) ListPlans(ctx context.Context, q assessplan.PlanQuery) ([]assessplan.PlanState, error) {
	query := t.plans(ctx).Where("org_id = ? AND uid > ?", q.Org, q.After[:])
	if len(q.Status) > 0 {
		query = query.Where("status IN ?", q.Status)
	}
	return all[planRow](ctx, t, query.Order("uid").Limit(q.Limit))
}

func (t *transaction) SavePlan(ctx context.Context, change assessplan.PlanChange) error {
	return t.write(func() error {
		plan := change.State.ID
		row, err := newPlanRow(&change)
		if err != nil {
			return fmt.Errorf("hoststore: plan %s: schedule: %w", plan, err)
		}
		end, err := t.store(ctx, row, change.Was, row.UID, row.ID)
		switch {
		case err != nil:
			return err
		case end.met != "":
			return fmt.Errorf("hoststore: plan %s: %w: another has the external ref, or this ID", plan, assessplan.ErrConflict)
		case !end.stored:
			return &assessplan.VersionError{PlanIDs: []assessplan.PlanID{plan}}
		}
		return t.addEvents(ctx, change.Events)
	})
}
