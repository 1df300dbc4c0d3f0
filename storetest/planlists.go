package storetest

import (
	"context"
	"slices"

	"github.com/assessplan/assessplan"
)

func (k *kit) listPlans(q assessplan.PlanQuery) (found []assessplan.PlanState) {
	k.t.Helper()
	k.view("list plans", func(ctx context.Context, r assessplan.Repositories) (err error) {
		found, err = r.ListPlans(ctx, q)
		return err
	})
	return found
}

func listsPlans(k *kit) {
	for _, n := range scattered {
		plan := newPlan(clinic, n)
		if n%2 == 1 {
			plan.Status, plan.PausedAt = assessplan.PlanStatusPaused, start
		}
		k.addPlan(plan)
	}
	ended := newPlan(clinic, 9)
	ended.Status, ended.EndedAt = assessplan.PlanStatusCanceled, start
	k.addPlan(ended)
	all := ascending(planID, append(slices.Clone(scattered), 9))
	sameOrder(k, "all plans", planIDs(k.listPlans(assessplan.PlanQuery{Org: clinic, Limit: 100})), all)
	paged := pages(k, "plans", 3, func(after assessplan.PlanState) []assessplan.PlanState {
		return k.listPlans(assessplan.PlanQuery{Org: clinic, After: after.ID, Limit: 3})
	})
	sameOrder(k, "plans by pages", planIDs(paged), all)
	for _, row := range []struct {
		name   string
		status []assessplan.PlanStatus
		want   []assessplan.PlanID
	}{
		{"canceled plans", []assessplan.PlanStatus{assessplan.PlanStatusCanceled}, []assessplan.PlanID{planID(9)}},
		{"paused and canceled plans", []assessplan.PlanStatus{assessplan.PlanStatusPaused, assessplan.PlanStatusCanceled},
			ascending(planID, append(odd(scattered), 9))},
		{"finished plans", []assessplan.PlanStatus{assessplan.PlanStatusFinished}, nil},
	} {
		found := k.listPlans(assessplan.PlanQuery{Org: clinic, Status: row.status, Limit: 100})
		sameOrder(k, row.name, planIDs(found), row.want)
	}
}

func (k *kit) plansWithWork(q assessplan.PlanWorkQuery) (found []assessplan.PlanState) {
	k.t.Helper()
	k.view("find plans with work", func(ctx context.Context, r assessplan.Repositories) (err error) {
		found, err = r.FindPlansWithWork(ctx, q)
		return err
	})
	return found
}

func plansWithWork(k *kit) {
	kinds := []assessplan.WorkKind{assessplan.WorkCancelAll, assessplan.WorkCancelPending, assessplan.WorkCloseRounds, assessplan.WorkShift}
	for i, n := range scattered {
		plan := newPlan(clinic, n)
		plan.Work.Kind = kinds[i%len(kinds)]
		if plan.Work.Kind == assessplan.WorkShift {
			plan.Work.Days = 3
		} else {
			plan.Status, plan.EndedAt = assessplan.PlanStatusCanceled, start
		}
		k.addPlan(plan)
	}
	k.addPlan(newPlan(clinic, 8))
	other := newPlan("elsewhere", 9)
	other.Work = assessplan.PlanWork{Kind: assessplan.WorkShift, Days: 1}
	k.addPlan(other)
	ours := ascending(planID, scattered)
	paged := pages(k, "plans with work", 3, func(after assessplan.PlanState) []assessplan.PlanState {
		return k.plansWithWork(assessplan.PlanWorkQuery{After: after.ID, Limit: 3})
	})
	sameOrder(k, "plans with work of all orgs", planIDs(paged), ascending(planID, append(slices.Clone(scattered), 9)))
	for _, row := range []struct {
		name  string
		scope assessplan.Scope
		want  []assessplan.PlanID
	}{
		{"of an org", assessplan.InOrg(clinic), ours},
		{"of a plan", assessplan.InPlan(clinic, ours[1]), ours[1:2]},
		{"of a plan, whatever the testees", assessplan.ForTestees(clinic, ours[1], "anybody"), ours[1:2]},
		{"of a plan of another org", assessplan.InPlan("elsewhere", ours[1]), nil},
	} {
		found := k.plansWithWork(assessplan.PlanWorkQuery{Scope: row.scope, Limit: 100})
		sameOrder(k, "plans with work "+row.name, planIDs(found), row.want)
	}
	done := k.plan(clinic, ours[0])
	done.Work = assessplan.PlanWork{}
	k.update("note that the work is done", func(ctx context.Context, r assessplan.Repositories) error {
		return r.SavePlan(ctx, assessplan.PlanChange{State: done, Was: done.Version})
	})
	found := k.plansWithWork(assessplan.PlanWorkQuery{Scope: assessplan.InOrg(clinic), Limit: 100})
	sameOrder(k, "plans with work after one was done", planIDs(found), ours[1:])
}
