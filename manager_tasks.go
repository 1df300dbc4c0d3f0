package assessplan

import (
	"context"
	"time"
)

// Submission is what is known of a filled-in scale.
type Submission struct {
	AssessmentID AssessmentID `json:"assessment_id"` // the host's record of it
	SubmittedAt  time.Time    `json:"submitted_at"`  // when the testee handed it in; zero is now
}

// CompleteTask records that the testee filled in the task. When it was submitted decides, as [AssessmentTask.Complete]
// says. Repeating it with the same assessment changes nothing; another is [ErrTaskCompleted], and an assessment that
// completes another task of the org is [ErrAssessmentTaken].
func (m *Manager) CompleteTask(ctx context.Context, org OrgID, id TaskID, submission Submission) (task TaskState, err error) {
	defer m.core.command(ctx, "complete_task", orgAttr(org), taskAttr(id)).ended(&err)
	before, err := m.GetTask(ctx, org, id)
	if err != nil {
		return TaskState{}, err
	}
	return update(ctx, m.core, org, func(ctx context.Context, r Repositories, now time.Time) (TaskState, error) {
		find := func() (TaskState, error) { return r.FindTask(ctx, org, id) }
		return m.complete(ctx, r, before, find, submission, now)
	})
}

// complete takes the task up again under the locks of its plan and its round, as every command locks them, so that neither
// ends, nor consent is withdrawn, between the look at it and the commit.
func (m *Manager) complete(ctx context.Context, r Repositories, before TaskState, find func() (TaskState, error),
	submission Submission, now time.Time) (TaskState, error) {
	plan, err := r.FindPlan(ctx, before.Org, before.Plan, LockShared)
	if err != nil {
		return TaskState{}, err
	}
	round, err := r.FindEnrollment(ctx, before.Org, before.Enrollment, LockShared)
	if err != nil {
		return TaskState{}, err
	}
	if _, err := RestoreEnrollment(round); err != nil {
		return TaskState{}, err // whether there is consent cannot be told
	}
	state, err := find()
	if err != nil {
		return TaskState{}, err
	}
	task, err := RestoreTask(state)
	if err != nil {
		return TaskState{}, err
	}
	setDefault(&submission.SubmittedAt, now)
	if state.Status != Completed {
		if err := m.acceptable(plan, round, task, submission); err != nil {
			return TaskState{}, err
		}
	}
	if err := task.Complete(submission.AssessmentID, submission.SubmittedAt, now); err != nil {
		return TaskState{}, err
	}
	return m.saveTask(ctx, r, task, now)
}

// acceptable is what the plan and the round say of a submission. The time of submission is compared with the plan's own
// end, and not with how far the work on that has come.
func (m *Manager) acceptable(plan PlanState, round EnrollmentState, task *AssessmentTask, submission Submission) error {
	reason := round.Termination.Reason
	switch cutOff := plan.cutOff(); {
	case reason == ByErasure:
		return task.refuse(CommandComplete, "the testee was erased")
	case reason == WithdrawnConsent && !m.core.config.AcceptAfterWithdrawal:
		return task.refuse(CommandComplete, "the testee has withdrawn consent")
	case !cutOff.IsZero() && !submission.SubmittedAt.Before(cutOff):
		return task.refuse(CommandComplete, "submitted at %s; its plan ended at %s",
			submission.SubmittedAt.UTC().Format(time.RFC3339), cutOff.Format(time.RFC3339))
	}
	return task.endWith(plan)
}

// endWith applies the end of the plan to an opened task that the work on it has not come to yet.
func (t *AssessmentTask) endWith(plan PlanState) error {
	if cutOff := plan.cutOff(); t.state.Status == Opened && !cutOff.IsZero() {
		return t.Cancel(plan.endReason(), cutOff)
	}
	return nil
}

// ExpireTask ends an opened task by hand.
func (m *Manager) ExpireTask(ctx context.Context, org OrgID, id TaskID) (TaskState, error) {
	return m.commandTask(ctx, "expire_task", org, id, func(task *AssessmentTask, now time.Time) error { return task.Expire(Manual, now) })
}

// CancelTask ends a task that is no longer owed. An empty reason is [Requested].
func (m *Manager) CancelTask(ctx context.Context, org OrgID, id TaskID, reason EndReason) (TaskState, error) {
	return m.commandTask(ctx, "cancel_task", org, id, func(task *AssessmentTask, now time.Time) error { return task.Cancel(reason, now) })
}

// commandTask runs a command that needs nothing but the task.
func (m *Manager) commandTask(ctx context.Context, name string, org OrgID, id TaskID,
	command func(task *AssessmentTask, now time.Time) error) (state TaskState, err error) {
	defer m.core.command(ctx, name, orgAttr(org), taskAttr(id)).ended(&err)
	return update(ctx, m.core, org, func(ctx context.Context, r Repositories, now time.Time) (TaskState, error) {
		task, err := findTask(ctx, r, org, id)
		if err != nil {
			return TaskState{}, err
		}
		if err := command(task, now); err != nil {
			return TaskState{}, err
		}
		return m.saveTask(ctx, r, task, now)
	})
}

func findTask(ctx context.Context, r Repositories, org OrgID, id TaskID) (*AssessmentTask, error) {
	state, err := r.FindTask(ctx, org, id)
	if err != nil {
		return nil, err
	}
	return RestoreTask(state)
}

// saveTask stores a task that a command changed, and returns its state as stored.
func (m *Manager) saveTask(ctx context.Context, r Repositories, task *AssessmentTask, now time.Time) (TaskState, error) {
	if len(task.facts) == 0 {
		return task.State(), nil
	}
	err := m.core.saveTasks(ctx, r, []*AssessmentTask{task}, now)
	state := task.State()
	state.Version++
	return state, err
}

// RescheduleTask plans a task anew for a date and a time in its zone: it is pending again, with the plan's windows from
// there, and its entry is dead. The round must be active or paused (the task is then held), or closed and the testee's last
// one, which is then active again. A date whose window would be over already is [ErrInvalid].
func (m *Manager) RescheduleTask(ctx context.Context, org OrgID, id TaskID, date CivilDate, at TimeOfDay) (task TaskState, err error) {
	defer m.core.command(ctx, "reschedule_task", orgAttr(org), taskAttr(id)).ended(&err)
	before, err := m.GetTask(ctx, org, id)
	if err != nil {
		return TaskState{}, err
	}
	return update(ctx, m.core, org, func(ctx context.Context, r Repositories, now time.Time) (TaskState, error) {
		c, err := m.lockRound(ctx, r, org, before.Plan, before.Enrollment, now)
		if err != nil {
			return TaskState{}, err
		}
		task, err := findTask(ctx, r, org, id)
		if err != nil {
			return TaskState{}, err
		}
		if err := c.reschedule(task, date, at); err != nil || len(task.facts) == 0 {
			return task.State(), err
		}
		if err := c.takeUp(ctx, task); err != nil {
			return TaskState{}, err
		}
		return m.saveTask(ctx, r, task, now)
	})
}

func (c *roundCommand) reschedule(task *AssessmentTask, date CivilDate, at TimeOfDay) error {
	if c.plan.Status.Ended() {
		return errorf(ErrPlanNotActive, "plan %s is %s: its tasks cannot be rescheduled", c.plan.ID, c.plan.Status)
	}
	if err := c.usablePlan(); err != nil {
		return err
	}
	zone, err := c.core.zones.load(task.state.Zone)
	if err != nil {
		return err
	}
	held := c.plan.holds() || c.round.state.Status == EnrollmentStatusPaused
	err = task.Reschedule(Planning{Date: date, Time: at, Zone: zone, Windows: c.plan.Windows, Held: held}, c.now)
	if err == nil && len(task.facts) > 0 && !task.state.OpenUntil.IsZero() && !c.now.Before(task.state.OpenUntil) {
		return Invalid("date", "is %s %s, whose window closed at %s; choose a later one", date, at, task.state.OpenUntil.Format(time.RFC3339))
	}
	return err
}

// takeUp makes the round expect the rescheduled task: a closed round that is the testee's last is opened again.
func (c *roundCommand) takeUp(ctx context.Context, task *AssessmentTask) error {
	state := c.round.state
	switch state.Status {
	case EnrollmentStatusTerminated:
		return errorf(ErrConflict, "enrollment %s is terminated: its tasks cannot be rescheduled", state.ID)
	case EnrollmentStatusClosed:
		rounds, err := c.r.FindRounds(ctx, state.Org, state.Plan, state.Testee)
		if err != nil {
			return err
		}
		if last := rounds[len(rounds)-1]; last.ID != state.ID {
			return errorf(ErrConflict, "enrollment %s is closed, and round %d has begun since: its tasks cannot be rescheduled", state.ID, last.Round)
		}
		c.round.reopen(c.now)
	}
	c.round.expects(task.state.PlannedAt)
	if c.round.state == state {
		return nil
	}
	return c.r.SaveEnrollments(ctx, []EnrollmentChange{c.core.enrollmentChange(ctx, c.round, c.now)})
}
