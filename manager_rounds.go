package assessplan

import (
	"context"
	"errors"
	"time"
)

// Enrolled is the answer to an enrollment.
type Enrolled struct {
	Enrollment EnrollmentState
	Existing   bool // the testee had a round from this start date already; nothing was changed
}

// EnrollResult is the answer to one of many enrollments.
type EnrollResult struct {
	Enrolled
	Err error
}

// Enroll begins a round: it stores the round with all its tasks. If the testee has a round from this start date in the
// plan already, in whatever status, that one is returned, so that importing a list twice changes nothing. Otherwise, while
// a round is running, it is [ErrEnrollmentConflict]; after an ended round it takes NewRound, and after withdrawn consent
// Reconsented as well. A plan that is not active is [ErrPlanNotActive].
func (m *Manager) Enroll(ctx context.Context, spec EnrollSpec) (enrolled Enrolled, err error) {
	log := m.core.command(ctx, "enroll", orgAttr(spec.Org), planAttr(spec.Plan))
	defer func() {
		log.enrolled(enrolled)
		log.ended(&err)
	}()
	if err := spec.Validate(); err != nil {
		return Enrolled{}, err
	}
	return update(ctx, m.core, spec.Org, func(ctx context.Context, r Repositories, now time.Time) (Enrolled, error) {
		plan, err := findPlan(ctx, r, spec.Org, spec.Plan, LockShared)
		if err != nil {
			return Enrolled{}, err
		}
		number, existing, err := m.nextRound(ctx, r, spec, true, now)
		if err != nil || existing != nil {
			return standing(existing), err
		}
		if err := plan.admits(); err != nil {
			return Enrolled{}, err
		}
		round, tasks, err := m.core.beginRound(plan, spec, number, now)
		if err != nil {
			return Enrolled{}, err
		}
		return m.saveRound(ctx, r, round, tasks, now)
	})
}

// EnrollMany enrolls each of many testees, each in a transaction of its own, and answers for each in their order. The error
// is the end of ctx; the answers that are there by then are returned with it.
func (m *Manager) EnrollMany(ctx context.Context, specs []EnrollSpec) ([]EnrollResult, error) {
	results := make([]EnrollResult, 0, len(specs))
	for _, spec := range specs {
		if err := ctx.Err(); err != nil {
			return results, err
		}
		enrolled, err := m.Enroll(ctx, spec)
		results = append(results, EnrollResult{Enrolled: enrolled, Err: err})
	}
	return results, nil
}

// nextRound returns the number of the round that may begin, or the round that stands. Where the new one will be running, no
// other may.
func (m *Manager) nextRound(ctx context.Context, r Repositories, spec EnrollSpec, running bool, now time.Time) (number int, existing *EnrollmentState, err error) {
	rounds, err := r.FindRounds(ctx, spec.Org, spec.Plan, spec.Testee)
	if err != nil {
		return 0, nil, err
	}
	withdrew := false
	for i, round := range rounds {
		number = max(number, round.Round)
		withdrew = withdrew && !round.Reconsented || round.Termination.Reason == WithdrawnConsent
		if round.Start == spec.Start {
			return 0, &rounds[i], nil
		}
	}
	for _, round := range rounds {
		if running && round.Status.Running() {
			if err := m.closeIfEnded(ctx, r, round, now); err != nil {
				return 0, nil, err
			}
		}
	}
	switch {
	case number > 0 && !spec.NewRound:
		return 0, nil, errorf(ErrEnrollmentConflict, "the testee's round %d in plan %s has ended; set new_round to begin another", number, spec.Plan)
	case withdrew && !spec.Reconsented:
		return 0, nil, errorf(ErrEnrollmentConflict, "the testee withdrew consent in plan %s; set reconsented once it is given again", spec.Plan)
	}
	return number + 1, nil, nil
}

// closeIfEnded closes a running round whose tasks have all ended; if one has not, the round stands in the way of another.
func (m *Manager) closeIfEnded(ctx context.Context, r Repositories, state EnrollmentState, now time.Time) error {
	live, err := r.ListTasks(ctx, TaskQuery{Org: state.Org, Enrollment: state.ID, Status: []TaskStatus{Pending, Opened}, Limit: 1})
	if err != nil {
		return err
	}
	if len(live) > 0 {
		return errorf(ErrEnrollmentConflict, "the testee's round %d in plan %s, from %s, is %s; terminate it before another begins",
			state.Round, state.Plan, state.Start, state.Status)
	}
	round, err := RestoreEnrollment(state)
	if err != nil {
		return err
	}
	round.close(now)
	return r.SaveEnrollments(ctx, []EnrollmentChange{m.core.enrollmentChange(ctx, round, now)})
}

func (m *Manager) saveRound(ctx context.Context, r Repositories, round *Enrollment, tasks []*AssessmentTask, now time.Time) (Enrolled, error) {
	if err := r.SaveEnrollments(ctx, []EnrollmentChange{m.core.enrollmentChange(ctx, round, now)}); err != nil {
		return Enrolled{}, err
	}
	if err := m.core.saveTasks(ctx, r, tasks, now); err != nil {
		return Enrolled{}, err
	}
	return Enrolled{Enrollment: stored(round)}, nil
}

// stored is the state of a round that was just saved.
func stored(round *Enrollment) EnrollmentState {
	state := round.State()
	state.Version++
	return state
}

// standing answers with a round that was there already.
func standing(round *EnrollmentState) Enrolled {
	if round == nil {
		return Enrolled{}
	}
	return Enrolled{Enrollment: *round, Existing: true}
}

// PauseEnrollment holds a round: nothing more is opened in it. What is opened can still be filled in.
func (m *Manager) PauseEnrollment(ctx context.Context, org OrgID, id EnrollmentID) (EnrollmentState, error) {
	return m.commandRound(ctx, "pause_enrollment", org, id, func(ctx context.Context, c *roundCommand) error {
		if err := c.round.Pause(c.now); err != nil || len(c.round.facts) == 0 {
			return err
		}
		return c.hold(ctx, true)
	})
}

// ResumeEnrollment ends a pause. With ShiftDates the dates of the pending tasks move by the days of the pause.
func (m *Manager) ResumeEnrollment(ctx context.Context, org OrgID, id EnrollmentID, mode ResumeMode) (EnrollmentState, error) {
	return m.commandRound(ctx, "resume_enrollment", org, id, func(ctx context.Context, c *roundCommand) error {
		if err := c.usablePlan(); err != nil {
			return err
		}
		days, err := c.round.Resume(mode, c.plan, c.now)
		if err != nil || len(c.round.facts) == 0 {
			return err
		}
		if days == 0 {
			return c.hold(ctx, c.plan.holds())
		}
		return c.eachTask(ctx, []TaskStatus{Pending}, func(task *AssessmentTask) error {
			defer func() { c.round.expects(task.state.PlannedAt) }()
			return m.core.shift(task, c.plan, days, c.plan.holds(), c.now)
		})
	})
}

// TerminateEnrollment ends a round for good and cancels what is pending or opened in it.
func (m *Manager) TerminateEnrollment(ctx context.Context, org OrgID, id EnrollmentID, why Termination) (EnrollmentState, error) {
	return m.commandRound(ctx, "terminate_enrollment", org, id, func(ctx context.Context, c *roundCommand) error {
		if err := c.round.Terminate(why, c.now); err != nil || len(c.round.facts) == 0 {
			return err
		}
		return c.cancelTasks(ctx)
	})
}

// roundCommand is a command on one round, in a transaction that holds the round exclusively and its plan shared.
type roundCommand struct {
	*Manager
	r     Repositories
	plan  PlanState
	round *Enrollment
	now   time.Time
}

// commandRound runs a command on a round and stores the round, if the command changed it.
func (m *Manager) commandRound(ctx context.Context, name string, org OrgID, id EnrollmentID,
	command func(ctx context.Context, c *roundCommand) error) (round EnrollmentState, err error) {
	defer m.core.command(ctx, name, orgAttr(org), enrollmentAttr(id)).ended(&err)
	before, err := m.GetEnrollment(ctx, org, id)
	if err != nil {
		return EnrollmentState{}, err
	}
	return update(ctx, m.core, org, func(ctx context.Context, r Repositories, now time.Time) (EnrollmentState, error) {
		c, err := m.lockRound(ctx, r, org, before.Plan, id, now)
		if err != nil {
			return EnrollmentState{}, err
		}
		if err := command(ctx, c); err != nil {
			return EnrollmentState{}, err
		}
		if len(c.round.facts) == 0 {
			return c.round.State(), nil
		}
		return stored(c.round), r.SaveEnrollments(ctx, []EnrollmentChange{m.core.enrollmentChange(ctx, c.round, now)})
	})
}

// lockRound locks the plan before the round, as every command does.
func (m *Manager) lockRound(ctx context.Context, r Repositories, org OrgID, planID PlanID, id EnrollmentID, now time.Time) (*roundCommand, error) {
	plan, err := r.FindPlan(ctx, org, planID, LockShared)
	if err != nil {
		return nil, err
	}
	state, err := r.FindEnrollment(ctx, org, id, LockExclusive)
	if err != nil {
		return nil, err
	}
	round, err := RestoreEnrollment(state)
	return &roundCommand{Manager: m, r: r, plan: plan, round: round, now: now}, err
}

// usablePlan judges the plan where its schedule and windows are used, and refuses one that is moving its dates.
func (c *roundCommand) usablePlan() error {
	if _, err := RestorePlan(c.plan); err != nil {
		return err
	}
	return c.plan.settled()
}

func (c *roundCommand) hold(ctx context.Context, held bool) error {
	state := c.round.state
	_, err := c.r.HoldTasks(ctx, HoldQuery{Org: state.Org, Plan: state.Plan, Enrollment: state.ID, Held: held})
	return err
}

func (c *roundCommand) cancelTasks(ctx context.Context) error {
	state := c.round.state
	return c.eachTask(ctx, []TaskStatus{Pending, Opened}, func(task *AssessmentTask) error {
		return task.Cancel(state.Termination.Reason, state.EndedAt)
	})
}

// eachTask changes the round's tasks of some statuses: at most MaxOccurrences, so that one transaction bears them. A task
// that is corrupt stays as it is; the passes report it.
func (c *roundCommand) eachTask(ctx context.Context, status []TaskStatus, change func(task *AssessmentTask) error) error {
	states, err := c.r.ListTasks(ctx, TaskQuery{Org: c.round.state.Org, Enrollment: c.round.state.ID, Status: status, Limit: MaxOccurrences})
	if err != nil {
		return err
	}
	var tasks []*AssessmentTask
	for _, state := range states {
		task, err := RestoreTask(state)
		if errors.Is(err, ErrCorrupt) {
			continue
		}
		if err := change(task); err != nil {
			return err
		}
		tasks = append(tasks, task)
	}
	return c.core.saveTasks(ctx, c.r, tasks, c.now)
}
