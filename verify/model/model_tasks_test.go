package model_test

import (
	"time"

	"github.com/assessplan/assessplan"
)

const (
	skew      = time.Minute
	lateLimit = 30 * 24 * time.Hour
)

var never time.Time

// end is how a task expires or is canceled.
func (m *model) end(t *task, to assessplan.TaskStatus, reason assessplan.EndReason) {
	kind := assessplan.TypeTaskExpired
	if to == assessplan.Canceled {
		kind = assessplan.TypeTaskCanceled
	}
	t.owed = append(t.owed, event{kind: kind, was: t.status, reason: reason})
	t.status, t.reason, t.endedAt, t.nextAttemptAt = to, reason, latest(m.now, t.openAt), never
}

// plan plans a task anew.
func (m *model) plan(t *task, date assessplan.CivilDate, at assessplan.TimeOfDay) {
	t.owed = append(t.owed, event{kind: assessplan.TypeTaskRescheduled, was: t.status})
	t.date, t.time, t.replanned, t.imported = date, at, true, false
	t.revision++
	t.status, t.reason, t.endedAt = assessplan.Pending, "", never
	t.attempts, t.lastError = 0, ""
	t.openAt, t.expireAt = never, never
	t.kill()
}

// kill makes the newest token one that must not work any more.
func (t *task) kill() {
	if t.token != "" {
		t.dead = append(t.dead, t.token)
	}
	t.token = ""
}

// openable answers which rules opening the task would break. A paused round is not active, so that held says it.
func (m *model) openable(t *task) (b broken) {
	b.when(t.status != assessplan.Pending, assessplan.ErrInvalidTransition)
	if t.status == assessplan.Pending {
		b.when(t.round.plan.status != assessplan.PlanStatusActive, assessplan.ErrPlanNotActive)
		b.when(t.held() || m.now.Before(t.plannedAt) || t.windowClosed(m.now), assessplan.ErrInvalidTransition)
	}
	return b
}

func (t *task) windowClosed(now time.Time) bool {
	return !t.openUntil.IsZero() && !now.Before(t.openUntil)
}

// openTask is opening by hand; fails is how the generator would.
func (m *model) openTask(t *task, fails assessplan.FailureCode) verdict {
	b := m.openable(t)
	b.when(len(b) == 0 && fails != "", assessplan.ErrUnavailable)
	return changes(b, func() { m.open(t) })
}

func (m *model) open(t *task) {
	t.owed = append(t.owed, event{kind: assessplan.TypeTaskOpened})
	t.status, t.openAt, t.expireAt = assessplan.Opened, m.now, earliest(m.now.Add(entryLifetime), t.fillUntil)
	t.serial++
	t.nextAttemptAt, t.attempts, t.lastError = never, 0, ""
}

// reissue keeps the expiry that the task has, whatever that of the new entry.
func (m *model) reissue(t *task, fails assessplan.FailureCode) verdict {
	var b broken
	b.when(t.status != assessplan.Opened || !m.now.Before(t.expireAt), assessplan.ErrInvalidTransition)
	b.when(len(b) == 0 && fails != "", assessplan.ErrUnavailable)
	return changes(b, func() {
		t.owed = append(t.owed, event{kind: assessplan.TypeTaskEntryReissued})
		t.serial++
		t.kill()
	})
}

func (m *model) expireTask(t *task) verdict {
	if t.status == assessplan.Expired {
		return nothing()
	}
	var b broken
	b.when(t.status != assessplan.Opened, assessplan.ErrInvalidTransition)
	return changes(b, func() { m.end(t, assessplan.Expired, assessplan.Manual) })
}

func (m *model) cancelTask(t *task) verdict {
	if t.status == assessplan.Canceled {
		return nothing()
	}
	var b broken
	b.when(!t.live(), assessplan.ErrInvalidTransition)
	return changes(b, func() { m.end(t, assessplan.Canceled, assessplan.Requested) })
}

// complete: when it was handed in decides, whatever was recorded since.
func (m *model) complete(t *task, assessment assessplan.AssessmentID, at time.Time) verdict {
	if t.status == assessplan.Completed {
		if t.assessment == assessment {
			return nothing()
		}
		return refuse(assessplan.ErrTaskCompleted)
	}
	r := t.round
	var b broken
	b.when(t.openAt.IsZero() || at.Before(t.openAt.Add(-skew)) || !at.Before(t.fillableUntil()), assessplan.ErrInvalidTransition)
	b.when(at.After(m.now.Add(skew)) || m.now.Sub(at) > lateLimit, assessplan.ErrInvalidTransition)
	b.when(r.reason == assessplan.ByErasure, assessplan.ErrInvalidTransition)
	b.when(r.reason == assessplan.WithdrawnConsent && !m.acceptsLate, assessplan.ErrInvalidTransition)
	b.when(m.taken(r.plan.spec.Org, assessment), assessplan.ErrAssessmentTaken)
	return changes(b, func() {
		t.owed = append(t.owed, event{kind: assessplan.TypeTaskCompleted, was: t.status})
		t.status, t.reason, t.endedAt = assessplan.Completed, "", latest(m.now, t.openAt)
		t.handedIn, t.assessment, t.late = at, assessment, !t.dueAt.IsZero() && at.After(t.dueAt)
	})
}

// fillableUntil is the earliest of the entry's end, the task's end and the plan's.
func (t *task) fillableUntil() time.Time {
	end := earliest(t.expireAt, t.endedAt)
	if p := t.round.plan; p.status == assessplan.PlanStatusCanceled || p.finish == assessplan.CancelOpened {
		end = earliest(end, p.endedAt)
	}
	return end
}

func (m *model) taken(org assessplan.OrgID, assessment assessplan.AssessmentID) bool {
	for _, t := range m.tasks {
		if t.round.plan.spec.Org == org && t.assessment == assessment {
			return true
		}
	}
	return false
}

// completeWithEntry is the same for who holds a token.
func (m *model) completeWithEntry(t *task, token string, assessment assessplan.AssessmentID, at time.Time) verdict {
	if token == "" || token != t.token {
		return refuse(assessplan.ErrEntryInvalid)
	}
	v := m.complete(t, assessment, at)
	for i, err := range v.breaks {
		if err == assessplan.ErrInvalidTransition && !at.Before(t.expireAt) { //nolint:errorlint // a sentinel of the model's own making
			v.breaks[i] = assessplan.ErrEntryExpired
		}
	}
	return v
}

// resolve answers what somebody with a token is told; nil says that the token works.
func (m *model) resolve(t *task, token string) error {
	switch {
	case token == "" || token != t.token:
		return assessplan.ErrEntryInvalid
	case t.status == assessplan.Opened && m.now.Before(t.expireAt):
		return nil
	case t.status == assessplan.Opened || t.status == assessplan.Expired:
		return assessplan.ErrEntryExpired
	}
	return assessplan.ErrEntryInvalid
}

// reschedule: closes is when the window of the new date would close.
func (m *model) reschedule(t *task, date assessplan.CivilDate, at assessplan.TimeOfDay) verdict {
	r := t.round
	if t.status == assessplan.Pending && t.date == date && t.time == at && !r.plan.ended() {
		return nothing()
	}
	closes := expectedWindows(r.plan.spec.Windows, date, at, r.zone).openUntil
	var b broken
	b.when(r.plan.ended(), assessplan.ErrPlanNotActive)
	b.when(t.status == assessplan.Completed, assessplan.ErrInvalidTransition)
	b.when(r.status == assessplan.EnrollmentStatusTerminated, assessplan.ErrConflict)
	b.when(r.status == assessplan.EnrollmentStatusClosed && !m.reopenable(r), assessplan.ErrConflict)
	b.when(!closes.IsZero() && !m.now.Before(closes), assessplan.ErrInvalid)
	return changes(b, func() {
		if r.status == assessplan.EnrollmentStatusClosed {
			r.status, r.endedAt = assessplan.EnrollmentStatusActive, never
			r.owed = append(r.owed, event{kind: assessplan.TypeEnrollmentReopened})
		}
		m.plan(t, date, at)
	})
}

// reopenable: only the testee's last round is taken up again, and none beside one that runs.
func (m *model) reopenable(r *round) bool {
	for _, other := range m.roundsOf(r.plan, r.testee) {
		if other.number > r.number || other.running() {
			return false
		}
	}
	return true
}
