package fault_test

import (
	"context"
	"fmt"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

func (h *host) createPlans() {
	for _, ref := range []assessplan.ExternalRef{weekly, daily, trial} {
		h.do("create plan "+string(ref), func(ctx context.Context, m *assessplan.Manager) error {
			plan, err := m.CreatePlan(ctx, planSpec(ref))
			if err == nil {
				h.plans[ref] = plan.ID
			}
			return err
		})
	}
}

func testee(r role) assessplan.TesteeID {
	if r == again {
		r = diligent
	}
	return assessplan.TesteeID("testee of " + string(r))
}

func (h *host) enroll(roles ...role) {
	for _, r := range roles {
		spec := plantest.EnrollSpec(h.plans[parts[r].plan], func(s *assessplan.EnrollSpec) {
			s.Testee, s.NewRound = testee(r), r == again
			s.Start = assessplan.CivilDate{Year: 2026, Month: 3, Day: parts[r].start}
		})
		h.do("enroll "+string(r), func(ctx context.Context, m *assessplan.Manager) error {
			enrolled, err := m.Enroll(ctx, spec)
			if err == nil {
				h.rounds[r] = enrolled.Enrollment.ID
			}
			return err
		})
	}
}

func assessment(r role, seq int) assessplan.AssessmentID {
	return assessplan.AssessmentID(fmt.Sprintf("sheet %d of %s", seq, r))
}

// onTask makes a command on a task.
func (h *host) onTask(name string, r role, seq int, command func(ctx context.Context, m *assessplan.Manager, id assessplan.TaskID) error) bool {
	task, ok := h.task(r, seq)
	return ok && h.do(fmt.Sprintf("%s %s %d", name, r, seq), func(ctx context.Context, m *assessplan.Manager) error {
		return command(ctx, m, task.ID)
	})
}

// complete hands a sheet in through the entry.
func (h *host) complete(r role, seq int) {
	h.onTask("complete", r, seq, func(ctx context.Context, m *assessplan.Manager, id assessplan.TaskID) error {
		task, _ := h.task(r, seq)
		_, err := m.CompleteWithEntry(ctx, id, h.token(task), assessplan.Submission{AssessmentID: assessment(r, seq)})
		return h.completed(err, r, seq, id)
	})
}

// sheetArrives records a sheet that was handed in before.
func (h *host) sheetArrives(r role, seq int, handedIn step) {
	h.onTask("record", r, seq, func(ctx context.Context, m *assessplan.Manager, id assessplan.TaskID) error {
		_, err := m.CompleteTask(ctx, plantest.Org, id, assessplan.Submission{AssessmentID: assessment(r, seq), SubmittedAt: handedIn.at()})
		return h.completed(err, r, seq, id)
	})
}

func (h *host) completed(err error, r role, seq int, id assessplan.TaskID) error {
	if err == nil {
		h.ledger.completed[assessment(r, seq)] = id
	}
	return err
}

// open opens a task by hand. That cannot be repeated once it is done, so the host looks.
func (h *host) open(r role, seq int) {
	h.onTask("open", r, seq, func(ctx context.Context, m *assessplan.Manager, id assessplan.TaskID) error {
		opened, err := m.OpenTask(ctx, plantest.Org, id)
		if err == nil {
			h.reported(opened)
			return nil
		}
		if task, failed := m.GetTask(ctx, plantest.Org, id); failed == nil && task.Status == assessplan.Opened {
			return nil
		}
		return err
	})
}

func (h *host) reissue(r role, seq int) {
	h.onTask("reissue", r, seq, func(ctx context.Context, m *assessplan.Manager, id assessplan.TaskID) error {
		h.ledger.reissues[id]++
		_, err := m.ReissueEntry(ctx, plantest.Org, id)
		return err
	})
}

func (h *host) expire(r role, seq int) {
	h.onTask("expire", r, seq, func(ctx context.Context, m *assessplan.Manager, id assessplan.TaskID) error {
		_, err := m.ExpireTask(ctx, plantest.Org, id)
		return err
	})
}

func (h *host) cancel(r role, seq int) {
	h.onTask("cancel", r, seq, func(ctx context.Context, m *assessplan.Manager, id assessplan.TaskID) error {
		_, err := m.CancelTask(ctx, plantest.Org, id, "")
		return err
	})
}

func (h *host) reschedule(r role, seq, day int) {
	h.onTask("reschedule", r, seq, func(ctx context.Context, m *assessplan.Manager, id assessplan.TaskID) error {
		date := assessplan.CivilDate{Year: 2026, Month: 3, Day: day}
		_, err := m.RescheduleTask(ctx, plantest.Org, id, date, assessplan.ClockTime(9, 0))
		return err
	})
}

func (h *host) pausePlan(ref assessplan.ExternalRef) {
	h.do("pause plan "+string(ref), func(ctx context.Context, m *assessplan.Manager) error {
		_, err := m.PausePlan(ctx, plantest.Org, h.plans[ref])
		return err
	})
}

func (h *host) resumePlan(ref assessplan.ExternalRef) {
	h.do("resume plan "+string(ref), func(ctx context.Context, m *assessplan.Manager) error {
		_, err := m.ResumePlan(ctx, plantest.Org, h.plans[ref], assessplan.ShiftDates)
		return err
	})
}

func (h *host) cancelPlan(ref assessplan.ExternalRef) {
	h.do("cancel plan "+string(ref), func(ctx context.Context, m *assessplan.Manager) error {
		_, err := m.CancelPlan(ctx, plantest.Org, h.plans[ref])
		return err
	})
}

func (h *host) finishPlan(ref assessplan.ExternalRef) {
	h.do("finish plan "+string(ref), func(ctx context.Context, m *assessplan.Manager) error {
		_, err := m.FinishPlan(ctx, plantest.Org, h.plans[ref], assessplan.LetOpenedRunOut)
		return err
	})
}

func (h *host) pauseRound(r role) {
	h.do("pause "+string(r), func(ctx context.Context, m *assessplan.Manager) error {
		_, err := m.PauseEnrollment(ctx, plantest.Org, h.rounds[r])
		return err
	})
}

func (h *host) resumeRound(r role) {
	h.do("resume "+string(r), func(ctx context.Context, m *assessplan.Manager) error {
		_, err := m.ResumeEnrollment(ctx, plantest.Org, h.rounds[r], assessplan.ShiftDates)
		return err
	})
}

func (h *host) terminate(r role) {
	h.do("terminate "+string(r), func(ctx context.Context, m *assessplan.Manager) error {
		_, err := m.TerminateEnrollment(ctx, plantest.Org, h.rounds[r], assessplan.Termination{Reason: assessplan.Withdrawn})
		return err
	})
}

func (h *host) erase(r role) {
	h.do("erase "+string(r), func(ctx context.Context, m *assessplan.Manager) error {
		_, err := m.EraseTestee(ctx, plantest.Org, testee(r))
		return err
	})
	h.ledger.erased = len(h.broker.events())
}
