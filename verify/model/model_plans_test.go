package model_test

import (
	"slices"

	"github.com/assessplan/assessplan"
)

// createPlan answers which plan stands already, if the ref is known.
func (m *model) createPlan(spec assessplan.PlanSpec) (stands *plan, v verdict) {
	for _, p := range m.plans {
		if spec.ExternalRef == "" || p.spec.Org != spec.Org || p.spec.ExternalRef != spec.ExternalRef {
			continue
		}
		if !sameSpec(p.spec, spec) {
			return nil, refuse(assessplan.ErrConflict)
		}
		return p, nothing()
	}
	return nil, changes(nil, func() {
		m.plans = append(m.plans, &plan{spec: spec, zone: zone(spec.Zone), status: assessplan.PlanStatusActive,
			owed: []event{{kind: assessplan.TypePlanCreated}}})
	})
}

func sameSpec(a, b assessplan.PlanSpec) bool {
	return a.Scale == b.Scale && a.Zone == b.Zone && a.Windows == b.Windows && a.Schedule.Type == b.Schedule.Type &&
		a.Schedule.Every == b.Schedule.Every && slices.Equal(a.Schedule.Dates, b.Schedule.Dates)
}

func (m *model) pausePlan(p *plan) verdict {
	switch {
	case p.status == assessplan.PlanStatusPaused:
		return nothing()
	case p.ended():
		return refuse(assessplan.ErrPlanNotActive)
	}
	return changes(nil, func() {
		p.status, p.pausedAt = assessplan.PlanStatusPaused, m.now
		p.owed = append(p.owed, event{kind: assessplan.TypePlanPaused})
	})
}

func (m *model) resumePlan(p *plan, mode assessplan.ResumeMode) verdict {
	if p.status == assessplan.PlanStatusActive {
		return nothing()
	}
	shifts := mode == assessplan.ShiftDates
	var b broken
	b.when(p.ended(), assessplan.ErrPlanNotActive)
	b.when(shifts && p.spec.Schedule.Type == assessplan.FixedDate, assessplan.ErrInvalid)
	return changes(b, func() {
		pausedAt := p.pausedAt
		p.status, p.pausedAt = assessplan.PlanStatusActive, never
		p.owed = append(p.owed, event{kind: assessplan.TypePlanResumed})
		days := midnights(pausedAt, m.now, p.zone)
		if !shifts || days == 0 {
			return
		}
		m.shift(m.tasksOfPlan(p), days)
		for _, r := range m.rounds {
			if r.plan == p && r.status == assessplan.EnrollmentStatusPaused {
				r.shifted += midnights(latest(r.pausedAt, pausedAt), m.now, p.zone)
			}
		}
	})
}

// shift moves the dates of what is pending.
func (m *model) shift(tasks []*task, days int) {
	for _, t := range tasks {
		if t.status == assessplan.Pending {
			m.plan(t, plusDays(t.date, days), t.time)
		}
	}
}

func (m *model) finishPlan(p *plan, mode assessplan.FinishMode) verdict {
	if p.status == assessplan.PlanStatusFinished {
		return nothing()
	}
	v := m.endPlan(p, assessplan.PlanStatusFinished, assessplan.TypePlanFinished)
	end := v.apply
	v.apply = func() {
		p.finish = mode
		end()
		m.cancelAll(m.tasksOfPlan(p), assessplan.WithPlanFinished, mode == assessplan.LetOpenedRunOut)
	}
	return v
}

func (m *model) cancelPlan(p *plan) verdict {
	if p.status == assessplan.PlanStatusCanceled {
		return nothing()
	}
	v := m.endPlan(p, assessplan.PlanStatusCanceled, assessplan.TypePlanCanceled)
	end := v.apply
	v.apply = func() {
		end()
		m.cancelAll(m.tasksOfPlan(p), assessplan.WithPlanCanceled, false)
	}
	return v
}

func (m *model) endPlan(p *plan, status assessplan.PlanStatus, kind assessplan.EventType) verdict {
	var b broken
	b.when(p.ended(), assessplan.ErrPlanNotActive)
	return changes(b, func() {
		p.status, p.pausedAt, p.endedAt = status, never, m.now
		p.owed = append(p.owed, event{kind: kind})
	})
}

func (m *model) cancelAll(tasks []*task, reason assessplan.EndReason, opensRunOut bool) {
	for _, t := range tasks {
		if t.status == assessplan.Pending || t.status == assessplan.Opened && !opensRunOut {
			m.end(t, assessplan.Canceled, reason)
		}
	}
}
