package memstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/assessplan/assessplan"
)

// planTable keeps the plans as they are: there are few.
type planTable struct {
	rows  rows[assessplan.PlanState]
	byID  map[assessplan.PlanID]uint32
	byRef map[planRef]uint32
	all   index // by ID
	work  index // those whose Work is not done, by ID
}

// planRef is what no two plans share.
type planRef struct {
	org assessplan.OrgID
	ref assessplan.ExternalRef
}

func newPlanTable() *planTable {
	return &planTable{byID: map[assessplan.PlanID]uint32{}, byRef: map[planRef]uint32{}}
}

// FindPlan implements [assessplan.PlanRepository].
func (t *tx) FindPlan(ctx context.Context, org assessplan.OrgID, id assessplan.PlanID, _ assessplan.LockMode) (assessplan.PlanState, error) {
	if err := t.reading(ctx); err != nil {
		return assessplan.PlanState{}, err
	}
	if n, known := t.plans.byID[id]; known && t.plans.rows.at(n).Org == org {
		return clonePlan(t.plans.rows.at(n)), nil
	}
	return assessplan.PlanState{}, fmt.Errorf("plan %s: %w", id, assessplan.ErrNotFound)
}

// FindPlanByRef implements [assessplan.PlanRepository].
func (t *tx) FindPlanByRef(ctx context.Context, org assessplan.OrgID, ref assessplan.ExternalRef) (assessplan.PlanState, error) {
	if err := t.reading(ctx); err != nil {
		return assessplan.PlanState{}, err
	}
	if n, known := t.plans.byRef[planRef{org, ref}]; known {
		return clonePlan(t.plans.rows.at(n)), nil
	}
	return assessplan.PlanState{}, fmt.Errorf("plan with external ref %q: %w", ref, assessplan.ErrNotFound)
}

// FindPlansWithWork implements [assessplan.PlanRepository].
func (t *tx) FindPlansWithWork(ctx context.Context, q assessplan.PlanWorkQuery) ([]assessplan.PlanState, error) {
	return t.pagePlans(ctx, &t.plans.work, q.After, q.Limit, func(plan *assessplan.PlanState) bool {
		return (q.Scope.Org == "" || q.Scope.Org == plan.Org) && (q.Scope.Plan.IsZero() || q.Scope.Plan == plan.ID)
	})
}

// ListPlans implements [assessplan.PlanRepository].
func (t *tx) ListPlans(ctx context.Context, q assessplan.PlanQuery) ([]assessplan.PlanState, error) {
	return t.pagePlans(ctx, &t.plans.all, q.After, q.Limit, func(plan *assessplan.PlanState) bool {
		return q.Org == plan.Org && (len(q.Status) == 0 || slices.Contains(q.Status, plan.Status))
	})
}

func (t *tx) pagePlans(ctx context.Context, list *index, after assessplan.PlanID, limit int, wanted func(*assessplan.PlanState) bool) ([]assessplan.PlanState, error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	var states []assessplan.PlanState
	tick := ticker{ctx: ctx}
	for n := range list.group(0, after) {
		if len(states) >= limit {
			break
		}
		if err := tick.err(); err != nil {
			return nil, err
		}
		if plan := t.plans.rows.at(n); wanted(plan) {
			states = append(states, clonePlan(plan))
		}
	}
	return states, nil
}

// SavePlan implements [assessplan.PlanRepository].
func (t *tx) SavePlan(ctx context.Context, change assessplan.PlanChange) error {
	return t.write(ctx, func() error {
		state := clonePlan(&change.State)
		state.Version = change.Was + 1
		if err := t.plans.put(&state, change.Was); err != nil {
			return err
		}
		return t.outbox.append(change.Events)
	})
}

// put inserts a plan, or replaces the one of version was.
func (p *planTable) put(state *assessplan.PlanState, was int64) error {
	n, known := p.byID[state.ID]
	switch {
	case was == 0 && known:
		return fmt.Errorf("%w: a plan %s exists already", assessplan.ErrConflict, state.ID)
	case was != 0 && (!known || p.rows.at(n).Version != was):
		return &assessplan.VersionError{PlanIDs: []assessplan.PlanID{state.ID}}
	}
	if holder, taken := p.byRef[planRef{state.Org, state.ExternalRef}]; taken && (!known || holder != n) {
		return fmt.Errorf("%w: plan %s of this org has the external ref %q already", assessplan.ErrConflict,
			p.rows.at(holder).ID, state.ExternalRef)
	}
	if !known {
		n = p.rows.add(state)
		p.enter(n)
		return nil
	}
	p.rows.save(n)
	p.set(n, state)
	return nil
}

// set replaces a row. It is the one way to change a row, and, with what the journal kept, the way to change it back.
func (p *planTable) set(n uint32, next *assessplan.PlanState) {
	p.leave(n)
	*p.rows.at(n) = *next
	p.enter(n)
}

func (p *planTable) enter(n uint32) {
	plan := p.rows.at(n)
	p.byID[plan.ID] = n
	p.all.insert(keyOf(0, plan.ID), n)
	if plan.Work.Kind != assessplan.WorkNone {
		p.work.insert(keyOf(0, plan.ID), n)
	}
	if plan.ExternalRef != "" {
		p.byRef[planRef{plan.Org, plan.ExternalRef}] = n
	}
}

func (p *planTable) leave(n uint32) {
	plan := p.rows.at(n)
	delete(p.byID, plan.ID)
	delete(p.byRef, planRef{plan.Org, plan.ExternalRef})
	p.all.remove(keyOf(0, plan.ID))
	p.work.remove(keyOf(0, plan.ID))
}

func (p *planTable) rollback() { p.rows.rollback(p.leave, p.set) }

// clonePlan copies a plan, so that no slice of it is shared.
func clonePlan(plan *assessplan.PlanState) assessplan.PlanState {
	clone := *plan
	clone.Schedule.Weeks = slices.Clone(plan.Schedule.Weeks)
	clone.Schedule.Dates = slices.Clone(plan.Schedule.Dates)
	clone.Schedule.Slots = slices.Clone(plan.Schedule.Slots)
	clone.Schedule.Times = slices.Clone(plan.Schedule.Times)
	return clone
}
