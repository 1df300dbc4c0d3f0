package assessplan

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// CreatePlan stores a new, active plan. With an ExternalRef that the org has already, it returns the plan that stands if
// its spec is the same, and [ErrConflict] if it is another.
func (m *Manager) CreatePlan(ctx context.Context, spec PlanSpec) (created PlanState, err error) {
	log := m.core.command(ctx, "create_plan", orgAttr(spec.Org))
	defer func() {
		log.add(planAttr(created.ID))
		log.ended(&err)
	}()
	if err := spec.Validate(); err != nil {
		return PlanState{}, err
	}
	id := PlanID(m.core.config.NewID())
	return update(ctx, m.core, spec.Org, func(ctx context.Context, r Repositories, now time.Time) (PlanState, error) {
		if spec.ExternalRef != "" {
			stands, err := r.FindPlanByRef(ctx, spec.Org, spec.ExternalRef)
			if err == nil && !stands.PlanSpec.equal(spec) {
				return PlanState{}, errorf(ErrConflict, "this external_ref is that of plan %s, which has another spec; a plan does not change, so give the amended one another ref",
					stands.ID)
			}
			if !errors.Is(err, ErrNotFound) {
				return stands, err
			}
		}
		plan, err := NewPlan(id, spec, now)
		if err != nil {
			return PlanState{}, err
		}
		return m.savePlan(ctx, r, plan, now)
	})
}

// savePlan stores a plan and returns its state as stored.
func (m *Manager) savePlan(ctx context.Context, r Repositories, plan *AssessmentPlan, now time.Time) (PlanState, error) {
	err := r.SavePlan(ctx, m.core.planChange(ctx, plan, now))
	state := plan.State()
	state.Version++
	return state, err
}

// PausePlan holds the plan: nothing more is opened in it. What is opened can still be filled in.
func (m *Manager) PausePlan(ctx context.Context, org OrgID, id PlanID) (PlanState, error) {
	return m.commandPlan(ctx, "pause_plan", org, id, func(plan *AssessmentPlan, now time.Time) error { return plan.Pause(now) })
}

// ResumePlan ends a pause. With ShiftDates the dates of pending tasks are moved page by page; if that is interrupted,
// resuming again or the next expiry pass goes on, and until then the tasks stay held. A task that cannot be moved, because
// its row is damaged or the store refuses it, is [ErrUnavailable] although the plan is resumed: it stays held until it is
// rescheduled or canceled.
func (m *Manager) ResumePlan(ctx context.Context, org OrgID, id PlanID, mode ResumeMode) (PlanState, error) {
	return m.commandPlan(ctx, "resume_plan", org, id, func(plan *AssessmentPlan, now time.Time) error { return plan.Resume(mode, now) })
}

// FinishPlan ends the plan. An empty mode is CancelOpened. Tasks are canceled page by page; if that is interrupted,
// finishing again or the next expiry pass goes on. Tasks that cannot be canceled are [ErrUnavailable] although the plan is
// finished; every expiry pass tries them again.
func (m *Manager) FinishPlan(ctx context.Context, org OrgID, id PlanID, mode FinishMode) (PlanState, error) {
	return m.commandPlan(ctx, "finish_plan", org, id, func(plan *AssessmentPlan, now time.Time) error { return plan.Finish(mode, now) })
}

// CancelPlan ends the plan and cancels all that is pending or opened in it, page by page as FinishPlan does.
func (m *Manager) CancelPlan(ctx context.Context, org OrgID, id PlanID) (PlanState, error) {
	return m.commandPlan(ctx, "cancel_plan", org, id, func(plan *AssessmentPlan, now time.Time) error { return plan.Cancel(now) })
}

// commandPlan commits the plan's new status together with the hold on its tasks, then does the work that this leaves.
func (m *Manager) commandPlan(ctx context.Context, name string, org OrgID, id PlanID,
	command func(plan *AssessmentPlan, now time.Time) error) (state PlanState, err error) {
	defer m.core.command(ctx, name, orgAttr(org), planAttr(id)).ended(&err)
	state, err = update(ctx, m.core, org, func(ctx context.Context, r Repositories, now time.Time) (PlanState, error) {
		plan, err := m.lockPlan(ctx, r, org, id)
		if err != nil {
			return PlanState{}, err
		}
		pausedAt := plan.state.PausedAt
		if err := command(plan, now); err != nil {
			return PlanState{}, err
		}
		if len(plan.facts) == 0 {
			return plan.State(), nil
		}
		state, err := m.savePlan(ctx, r, plan, now)
		if err != nil {
			return state, err
		}
		if state.Work.Kind == WorkShift { // its tasks are held already
			return state, m.notePlanShift(ctx, r, state, pausedAt, now)
		}
		_, err = r.HoldTasks(ctx, HoldQuery{Org: org, Plan: id, Held: state.holds()})
		return state, err
	})
	if err != nil || state.Work.Kind == WorkNone {
		return state, err
	}
	return m.finishCommand(ctx, state)
}

// finishCommand does the work that a command left. Tasks that could not be changed are an error, although the plan is what
// it was to be: the caller must know, and the Observer is told of each.
func (m *Manager) finishCommand(ctx context.Context, plan PlanState) (PlanState, error) {
	failed, last := 0, TaskFailure{}
	err := m.workOff(ctx, plan.Org, plan.ID, func(page *workPage) {
		for _, last = range page.failures {
			failed++
			m.core.observe(ctx, &TaskFailed{Failure: last, Page: TracedPlanPage})
		}
	})
	if err != nil {
		return plan, err
	}
	plan, err = m.GetPlan(ctx, plan.Org, plan.ID)
	if err == nil && failed > 0 {
		err = errorf(ErrUnavailable, "plan %s is %s, but %d of its tasks could not be changed, the last of them %s: %s",
			plan.ID, plan.Status, failed, last.TaskID, last.Code)
	}
	return plan, err
}

// notePlanShift notes on the paused rounds of a plan that the plan shifts their dates too, so that a day on which both were
// paused moves them once.
func (m *Manager) notePlanShift(ctx context.Context, r Repositories, plan PlanState, pausedAt, now time.Time) error {
	zone, err := m.core.zones.load(plan.Zone) // of the plan, whose days its tasks are moved by
	if err != nil {
		return err
	}
	q := EnrollmentQuery{Org: plan.Org, Plan: plan.ID, Status: []EnrollmentStatus{EnrollmentStatusPaused}, Limit: MaxListLimit}
	for {
		states, err := r.ListEnrollments(ctx, q)
		if err != nil || len(states) == 0 {
			return err
		}
		var changes []EnrollmentChange
		for _, state := range states {
			q.After = state.ID
			round, err := RestoreEnrollment(state)
			if err != nil {
				continue // damaged; its own commands say so
			}
			round.shiftedWithPlan(pausedAt, now, zone)
			changes = append(changes, m.core.enrollmentChange(ctx, round, now))
		}
		if err := r.SaveEnrollments(ctx, changes); err != nil {
			return err
		}
	}
}

func (m *Manager) lockPlan(ctx context.Context, r Repositories, org OrgID, id PlanID) (*AssessmentPlan, error) {
	state, err := r.FindPlan(ctx, org, id, LockExclusive)
	if err != nil {
		return nil, err
	}
	return RestorePlan(state)
}

// PreviewSpec is what a preview is made from.
type PreviewSpec struct {
	PlanSpec
	Start CivilDate `json:"start"`
}

// PlannedTask is a task that a round would have.
type PlannedTask struct {
	Seq       int       `json:"seq"`
	Date      CivilDate `json:"date"`
	Time      TimeOfDay `json:"time"`
	Zone      string    `json:"zone"`
	PlannedAt time.Time `json:"planned_at"`
	OpenUntil time.Time `json:"open_until,omitzero"`
	FillUntil time.Time `json:"fill_until,omitzero"`
	DueAt     time.Time `json:"due_at,omitzero"`
}

// Preview returns the tasks that a round of a plan would have, and stores nothing.
func (m *Manager) Preview(_ context.Context, spec PreviewSpec) ([]PlannedTask, error) {
	if err := spec.PlanSpec.Validate(); err != nil {
		return nil, err
	}
	occurrences, err := spec.Schedule.Occurrences(spec.Start)
	if err != nil {
		return nil, err
	}
	zone, err := m.core.zones.load(spec.Zone)
	if err != nil {
		return nil, err
	}
	tasks := make([]PlannedTask, len(occurrences))
	for i, o := range occurrences {
		planned := AssessmentTask{}
		planned.plan(Planning{Date: o.Date, Time: o.Time, Zone: zone, Windows: spec.Windows})
		s := planned.state
		f := faults{}
		checkStored(&f, 0, s.PlannedAt, s.OpenUntil, s.FillUntil, s.DueAt)
		if err := f.Err(); err != nil {
			return nil, fmt.Errorf("occurrence %d on %s: %w", o.Seq, o.Date, err)
		}
		tasks[i] = PlannedTask{Seq: o.Seq, Date: o.Date, Time: o.Time, Zone: spec.Zone,
			PlannedAt: s.PlannedAt, OpenUntil: s.OpenUntil, FillUntil: s.FillUntil, DueAt: s.DueAt}
	}
	return tasks, nil
}
