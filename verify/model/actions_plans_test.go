package model_test

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/assessplan/assessplan"
)

// schedules of every type. One of them meets the hours that clocks skip and repeat.
func schedules(today assessplan.CivilDate) []assessplan.Schedule {
	at := assessplan.ClockTime
	return []assessplan.Schedule{
		assessplan.EveryDays(1, 4, at(9, 0), at(18, 30)),
		assessplan.EveryDays(2, 3, at(2, 30)),
		assessplan.EveryWeeks(1, 3),
		assessplan.EveryMonths(1, 3, at(8, 0)),
		assessplan.AtWeeks([]int{0, 1, 2, 4}, at(12, 0)),
		assessplan.OnDates([]assessplan.CivilDate{plusDays(today, -2), plusDays(today, 1), plusDays(today, 3)}, at(10, 0)),
		assessplan.InCycles(1, assessplan.Weeks, 2, assessplan.Slot{Day: 0, Time: at(9, 0)}, assessplan.Slot{Day: 0, Time: at(15, 0)},
			assessplan.Slot{Day: 2, Time: at(7, 0)}),
	}
}

var planWindows = []assessplan.Windows{
	{},
	{FillWindow: assessplan.CalendarDays(2)},
	{OpenWindow: assessplan.Elapsed(12 * time.Hour), FillWindow: assessplan.CalendarDays(3), DueWindow: assessplan.Elapsed(20 * time.Hour)},
	{OpenWindow: assessplan.CalendarDays(1), DueWindow: assessplan.Elapsed(6 * time.Hour)},
}

func (w *world) createPlan(t *rapid.T) {
	spec := assessplan.PlanSpec{
		Org: anyOf(t, "org", orgs), Scale: "PHQ-8", Zone: anyOf(t, "zone", zones),
		Schedule: anyOf(t, "schedule", schedules(dateIn(w.clock.at, time.UTC))), Windows: anyOf(t, "windows", planWindows),
	}
	if chance(t, "with ref", 3) {
		spec.ExternalRef = "study"
	}
	if chance(t, "again", 5) {
		spec = w.anyPlan(t).spec
	}
	known := len(w.model.plans)
	stands, v := w.model.createPlan(spec)
	state, err := w.service(t).Manager.CreatePlan(w.ctx, spec)
	w.judge(t, "create plan", "", "", v, err)
	if len(w.model.plans) > known {
		w.model.plans[known].id = state.ID
	}
	if stands != nil {
		must(t, state.ID == stands.id, "the ref of plan %s leads to plan %s", stands.id, state.ID)
	}
}

// onPlan gives a command on a plan, and compares the answer with what the plan then is.
func (w *world) onPlan(t *rapid.T, what string, p *plan, v verdict, run func(m *assessplan.Manager, org assessplan.OrgID) (assessplan.PlanState, error)) {
	org, v := w.as(t, p.spec.Org, v)
	from := string(p.status)
	state, err := run(w.service(t).Manager, org)
	w.judge(t, what, " "+p.id.String(), from, v, err)
	must(t, err != nil || state.ID == p.id && state.Status == p.status, "%s answers with plan %s, which is %s", what, state.ID, state.Status)
}

func (w *world) pausePlan(t *rapid.T) {
	p := w.anyPlan(t)
	w.onPlan(t, "pause plan", p, w.model.pausePlan(p), func(m *assessplan.Manager, org assessplan.OrgID) (assessplan.PlanState, error) {
		return m.PausePlan(w.ctx, org, p.id)
	})
}

var resumeModes = []assessplan.ResumeMode{assessplan.KeepDates, assessplan.ShiftDates}

func (w *world) resumePlan(t *rapid.T) {
	p, mode := w.anyPlan(t), anyOf(t, "mode", resumeModes)
	v := w.model.resumePlan(p, mode)
	w.onPlan(t, fmt.Sprintf("resume plan (%s)", mode), p, v, func(m *assessplan.Manager, org assessplan.OrgID) (assessplan.PlanState, error) {
		return m.ResumePlan(w.ctx, org, p.id, mode)
	})
}

func (w *world) finishPlan(t *rapid.T) {
	p, mode := w.anyPlan(t), anyOf(t, "mode", []assessplan.FinishMode{assessplan.CancelOpened, assessplan.LetOpenedRunOut})
	v := w.model.finishPlan(p, mode)
	w.onPlan(t, fmt.Sprintf("finish plan (%s)", mode), p, v, func(m *assessplan.Manager, org assessplan.OrgID) (assessplan.PlanState, error) {
		return m.FinishPlan(w.ctx, org, p.id, mode)
	})
}

func (w *world) cancelPlan(t *rapid.T) {
	p := w.anyPlan(t)
	w.onPlan(t, "cancel plan", p, w.model.cancelPlan(p), func(m *assessplan.Manager, org assessplan.OrgID) (assessplan.PlanState, error) {
		return m.CancelPlan(w.ctx, org, p.id)
	})
}

// usablePlans are those that have not ended.
func (w *world) usablePlans() []*plan {
	return slices.DeleteFunc(slices.Clone(w.model.plans), (*plan).ended)
}

// firstPlans lets a run begin with a plan for each org: without one, nothing else can be done.
func (w *world) firstPlans(t *rapid.T) {
	today := dateIn(w.clock.at, time.UTC)
	for i, org := range orgs {
		spec := assessplan.PlanSpec{Org: org, Scale: "PHQ-8", Zone: zones[i], Schedule: anyOf(t, "schedule", schedules(today)),
			Windows: anyOf(t, "windows", planWindows), ExternalRef: "study"}
		_, v := w.model.createPlan(spec)
		state, err := w.services[0].Manager.CreatePlan(w.ctx, spec)
		w.judge(t, "create plan", "", "", v, err)
		w.model.plans[i].id = state.ID
	}
}
