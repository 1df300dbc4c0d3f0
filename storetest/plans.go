package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/assessplan/assessplan"
)

var planArea = area{"Plans", []check{
	{name: "RoundTrip", rule: "a plan comes back exactly as it was given, every field", body: plansRoundTrip},
	{name: "ByValue", rule: "a plan goes in and comes out by value: changing its schedule afterwards changes nothing in the store",
		body: plansByValue},
	{name: "Find", rule: "FindPlan returns the plan with any lock, and ErrNotFound for an unknown one", body: findsPlans},
	{name: "Versions", rule: "SavePlan replaces the version that was read, and stores Was + 1 whatever State.Version says",
		body: planVersions},
	{name: "UniqueIDs", rule: "a second plan of the same ID is ErrConflict", body: planIDsAreUnique},
	{name: "ExternalRefs", rule: "an external ref names one plan of the org, and plans without one do not clash",
		body: externalRefs},
	{name: "List", rule: "ListPlans pages through the plans of an org by ID, and filters by status", body: listsPlans},
	{name: "Work", rule: "FindPlansWithWork pages by ID through the plans in its scope whose work is not done", body: plansWithWork},
}}

// everyPlan is plans that together set every field, of every status, schedule and kind of work.
func everyPlan() []assessplan.PlanState {
	var all []assessplan.PlanState
	add := func(change func(p *assessplan.PlanState)) {
		plan := newPlan(clinic, uint32(len(all)+1))
		change(&plan)
		all = append(all, plan)
	}
	morning, evening := assessplan.ClockTime(0, 0), assessplan.ClockTime(23, 59)+59
	add(func(p *assessplan.PlanState) {})
	add(func(p *assessplan.PlanState) {
		p.ExternalRef, p.Scale, p.Zone = "Ward 7 / Nachsorge “A”", "SNAP-IV", "America/Argentina/ComodRivadavia"
		p.OpenWindow, p.FillWindow = assessplan.Elapsed(3660*24*time.Hour), assessplan.CalendarDays(3660)
		p.DueWindow = assessplan.Elapsed(time.Second)
		p.Schedule = assessplan.EveryDays(3660, 1, morning, evening)
	})
	add(func(p *assessplan.PlanState) {
		p.Windows = assessplan.Windows{}
		p.Schedule = assessplan.EveryMonths(12, 1000)
		p.Status, p.PausedAt = assessplan.PlanStatusPaused, minutes(1)
	})
	add(func(p *assessplan.PlanState) {
		p.Schedule = assessplan.AtWeeks([]int{0, 2, 4, 5200}, morning)
		p.Work = assessplan.PlanWork{Kind: assessplan.WorkShift, Days: 12, After: number(3, 1<<31)}
	})
	add(func(p *assessplan.PlanState) {
		first, last := assessplan.CivilDate{Year: 1, Month: 1, Day: 1}, assessplan.CivilDate{Year: 9999, Month: 12, Day: 31}
		p.Schedule = assessplan.OnDates([]assessplan.CivilDate{first, {Year: 2028, Month: 2, Day: 29}, last})
		p.Status, p.EndedAt, p.Finish = assessplan.PlanStatusFinished, minutes(2), assessplan.LetOpenedRunOut
		p.Work = assessplan.PlanWork{Kind: assessplan.WorkCancelPending, After: number(3, 7)}
	})
	add(func(p *assessplan.PlanState) {
		p.Schedule = assessplan.InCycles(2, assessplan.Weeks, 3, assessplan.Slot{Day: 0, Time: morning}, assessplan.Slot{Day: 13, Time: evening})
		p.Status, p.EndedAt, p.Finish = assessplan.PlanStatusFinished, minutes(3), assessplan.CancelOpened
	})
	add(func(p *assessplan.PlanState) {
		p.Status, p.EndedAt = assessplan.PlanStatusCanceled, minutes(4)
		p.Work = assessplan.PlanWork{Kind: assessplan.WorkCancelAll}
	})
	add(func(p *assessplan.PlanState) {
		p.Status, p.EndedAt = assessplan.PlanStatusCanceled, minutes(5)
		p.Work = assessplan.PlanWork{Kind: assessplan.WorkCloseRounds, After: number(2, 9)}
	})
	return all
}

func plansRoundTrip(k *kit) {
	for _, plan := range everyPlan() {
		plan = k.addPlan(plan)
		sameState(k, "plan "+plan.ID.String(), k.plan(clinic, plan.ID), plan)
	}
	plan := k.plan(clinic, planID(1))
	for _, next := range everyPlan()[2:] { // the first plan goes through what a plan may become
		plan.Status, plan.PausedAt, plan.EndedAt, plan.Finish, plan.Work = next.Status, next.PausedAt, next.EndedAt, next.Finish, next.Work
		k.update("replace a plan", func(ctx context.Context, r assessplan.Repositories) error {
			return r.SavePlan(ctx, assessplan.PlanChange{State: plan, Was: plan.Version})
		})
		plan.Version++
		sameState(k, "plan that became "+string(plan.Status), k.plan(clinic, plan.ID), plan)
	}
}

func plansByValue(k *kit) {
	plan := newPlan(clinic, 1)
	plan.Schedule = assessplan.AtWeeks([]int{2, 4, 8}, assessplan.ClockTime(9, 0))
	want := plan
	want.Schedule, want.Version = assessplan.AtWeeks([]int{2, 4, 8}, assessplan.ClockTime(9, 0)), 1
	k.addPlan(plan)
	plan.Schedule.Weeks[0], plan.Schedule.Times[0] = 99, 99
	found := k.plan(clinic, plan.ID)
	sameState(k, "plan after the caller changed what it gave", found, want)
	if len(found.Schedule.Weeks) != 3 || len(found.Schedule.Times) != 1 {
		return
	}
	found.Schedule.Weeks[1], found.Schedule.Times[0] = 77, 77
	sameState(k, "plan after a caller changed what it got", k.plan(clinic, plan.ID), want)
}

func findsPlans(k *kit) {
	plan := k.addPlan(newPlan(clinic, 1))
	for _, lock := range []assessplan.LockMode{assessplan.LockNone, assessplan.LockShared, assessplan.LockExclusive} {
		find := func(ctx context.Context, r assessplan.Repositories) error {
			found, err := r.FindPlan(ctx, clinic, plan.ID, lock)
			if err != nil {
				return err
			}
			sameState(k, "plan that was found", found, plan)
			_, err = r.FindPlan(ctx, clinic, planID(2), lock)
			k.gives("FindPlan of an unknown plan", err, assessplan.ErrNotFound)
			return nil
		}
		k.both("find a plan", find)
	}
}

func planVersions(k *kit) {
	plan := k.addPlan(newPlan(clinic, 1))
	odd := plan
	odd.Version = 77
	k.update("save a plan whose State.Version is not Was", func(ctx context.Context, r assessplan.Repositories) error {
		return r.SavePlan(ctx, assessplan.PlanChange{State: odd, Was: 1})
	})
	equal(k, "stored version", k.plan(clinic, plan.ID).Version, 2)
	for _, was := range []int64{1, 3} {
		k.planMoved(plan, was)
		equal(k, "stored version after a refused save", k.plan(clinic, plan.ID).Version, 2)
	}
	k.planMoved(newPlan(clinic, 2), 1)
}

// planMoved checks that a plan cannot be saved at a version.
func (k *kit) planMoved(plan assessplan.PlanState, was int64) {
	k.t.Helper()
	err := k.store.Update(k.ctx, func(ctx context.Context, r assessplan.Repositories) error {
		return r.SavePlan(ctx, assessplan.PlanChange{State: plan, Was: was})
	})
	var moved *assessplan.VersionError
	if !errors.As(err, &moved) {
		k.failf("SavePlan over version %d: got error %s, want a VersionError", was, quoted(err))
		return
	}
	sameOrder(k, "plans in the VersionError", moved.PlanIDs, []assessplan.PlanID{plan.ID})
	equal(k, "other records in the VersionError", len(moved.TaskIDs)+len(moved.EnrollmentIDs), 0)
}

// savePlan inserts a plan and returns the error.
func (k *kit) savePlan(plan assessplan.PlanState) error {
	return k.store.Update(k.ctx, func(ctx context.Context, r assessplan.Repositories) error {
		return r.SavePlan(ctx, assessplan.PlanChange{State: plan})
	})
}

func planIDsAreUnique(k *kit) {
	plan := k.addPlan(newPlan(clinic, 1))
	k.gives("insert a plan of an ID that exists", k.savePlan(newPlan(clinic, 1)), assessplan.ErrConflict)
	k.gives("insert a plan of an ID that exists in another org", k.savePlan(newPlan("elsewhere", 1)), assessplan.ErrConflict)
	sameState(k, "the plan that stood", k.plan(clinic, plan.ID), plan)
}

func externalRefs(k *kit) {
	withRef := func(org assessplan.OrgID, n uint32, ref assessplan.ExternalRef) assessplan.PlanState {
		plan := newPlan(org, n)
		plan.ExternalRef = ref
		return plan
	}
	k.addPlan(withRef(clinic, 1, "follow-up"))
	k.addPlan(withRef("elsewhere", 2, "follow-up"))
	k.addPlan(withRef(clinic, 3, "Follow-up"))
	k.addPlan(newPlan(clinic, 4))
	k.addPlan(newPlan(clinic, 5))
	k.gives("insert a second plan with an external ref", k.savePlan(withRef(clinic, 6, "follow-up")), assessplan.ErrConflict)
	k.both("find plans by their refs", func(ctx context.Context, r assessplan.Repositories) error {
		for _, row := range []struct {
			org  assessplan.OrgID
			ref  assessplan.ExternalRef
			want uint32
		}{{clinic, "follow-up", 1}, {"elsewhere", "follow-up", 2}, {clinic, "Follow-up", 3}} {
			found, err := r.FindPlanByRef(ctx, row.org, row.ref)
			if err != nil {
				return err
			}
			equal(k, "plan with the ref "+string(row.ref), found.ID, planID(row.want))
		}
		_, err := r.FindPlanByRef(ctx, clinic, "unknown")
		k.gives("FindPlanByRef of an unknown ref", err, assessplan.ErrNotFound)
		return nil
	})
}
