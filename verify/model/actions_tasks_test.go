package model_test

import (
	"time"

	"pgregory.net/rapid"

	"github.com/assessplan/assessplan"
)

// onTask gives a command on a task.
func (w *world) onTask(t *rapid.T, what string, m *task, v verdict, run func(manager *assessplan.Manager, org assessplan.OrgID) error) (done bool) {
	org, v := w.as(t, m.round.plan.spec.Org, v)
	from := string(m.status)
	return w.judge(t, what, " "+m.id.String(), from, v, run(w.service(t).Manager, org))
}

func (w *world) openTask(t *rapid.T) {
	m := w.anyTask(t)
	var opened assessplan.OpenedTask
	done := w.onTask(t, "open", m, w.model.openTask(m, w.entries.fails(m.seq)), func(manager *assessplan.Manager, org assessplan.OrgID) (err error) {
		opened, err = manager.OpenTask(w.ctx, org, m.id)
		return err
	})
	if done {
		w.entered(t, m, opened)
	}
}

func (w *world) reissueEntry(t *rapid.T) {
	m := w.anyInvited(t)
	var opened assessplan.OpenedTask
	done := w.onTask(t, "reissue", m, w.model.reissue(m, w.entries.fails(m.seq)), func(manager *assessplan.Manager, org assessplan.OrgID) (err error) {
		opened, err = manager.ReissueEntry(w.ctx, org, m.id)
		return err
	})
	if done {
		w.entered(t, m, opened)
	}
}

// entered learns the token of a new entry, and looks at all that the task ever had.
func (w *world) entered(t *rapid.T, m *task, opened assessplan.OpenedTask) {
	must(t, opened.Task.ID == m.id, "an entry was given for task %s; want task %s", opened.Task.ID, m.id)
	token, _ := opened.Entry.Reveal()
	m.token = token
	w.checkTokens(t, m)
}

func (w *world) expireTask(t *rapid.T) {
	m := w.anyTask(t)
	w.onTask(t, "expire", m, w.model.expireTask(m), func(manager *assessplan.Manager, org assessplan.OrgID) error {
		_, err := manager.ExpireTask(w.ctx, org, m.id)
		return err
	})
}

func (w *world) cancelTask(t *rapid.T) {
	m := w.anyTask(t)
	w.onTask(t, "cancel", m, w.model.cancelTask(m), func(manager *assessplan.Manager, org assessplan.OrgID) error {
		_, err := manager.CancelTask(w.ctx, org, m.id, "")
		return err
	})
}

func (w *world) rescheduleTask(t *rapid.T) {
	m := w.anyTask(t)
	date := plusDays(dateIn(w.clock.at, m.round.zone), between(t, "days", -3, 4))
	at := assessplan.ClockTime(between(t, "hour", 5, 22), 0)
	if chance(t, "as it is", 8) && m.time >= clocksStay {
		date, at = m.date, m.time
	}
	w.onTask(t, "reschedule", m, w.model.reschedule(m, date, at), func(manager *assessplan.Manager, org assessplan.OrgID) error {
		_, err := manager.RescheduleTask(w.ctx, org, m.id, date, at)
		return err
	})
}

// handedIn picks a time of submission, mostly just before, at or just after what decides about it.
func (w *world) handedIn(t *rapid.T, m *task) time.Time {
	const tick = time.Microsecond
	now := w.clock.at
	at := []time.Time{now, now.Add(skew), now.Add(skew + tick), now.Add(-lateLimit), now.Add(-lateLimit - tick)}
	if !m.openAt.IsZero() {
		at = append(at, m.openAt.Add(-skew-tick), m.openAt.Add(-skew), m.openAt, m.expireAt.Add(-tick), m.expireAt, m.expireAt.Add(tick))
	}
	for _, edge := range []time.Time{m.endedAt, m.dueAt, m.round.plan.endedAt} {
		if !edge.IsZero() {
			at = append(at, edge.Add(-tick), edge, edge.Add(tick))
		}
	}
	switch {
	case chance(t, "now", 3):
		return now
	case m.openAt.Before(now.Add(-lateLimit)) && m.fillableUntil().After(now.Add(-lateLimit)) && chance(t, "at the limit", 2):
		return now.Add(-lateLimit)
	case !m.openAt.IsZero() && chance(t, "in time", 2):
		return latest(m.openAt, earliest(now, m.fillableUntil().Add(-tick)))
	}
	return anyOf(t, "handed in", at)
}

func (w *world) anyAssessment(t *rapid.T, m *task) assessplan.AssessmentID {
	if m.assessment != "" && chance(t, "the same", 2) {
		return m.assessment
	}
	return anyOf(t, "assessment", assessments)
}

func (w *world) completeTask(t *rapid.T) {
	m := w.anyInvited(t)
	s := assessplan.Submission{AssessmentID: w.anyAssessment(t, m), SubmittedAt: w.handedIn(t, m)}
	w.onTask(t, "complete", m, w.model.complete(m, s.AssessmentID, s.SubmittedAt), func(manager *assessplan.Manager, org assessplan.OrgID) error {
		_, err := manager.CompleteTask(w.ctx, org, m.id, s)
		return err
	})
}

// anyToken is mostly the newest.
func (w *world) anyToken(t *rapid.T, m *task) string {
	if chance(t, "another token", 5) {
		return anyOf(t, "token", append([]string{"", "a-token-that-nobody-ever-made"}, m.dead...))
	}
	return m.token
}

func (w *world) completeWithEntry(t *rapid.T) {
	m := w.anyInvited(t)
	token := w.anyToken(t, m)
	s := assessplan.Submission{AssessmentID: w.anyAssessment(t, m), SubmittedAt: w.handedIn(t, m)}
	v := w.model.completeWithEntry(m, token, s.AssessmentID, s.SubmittedAt)
	if s.SubmittedAt.Equal(w.clock.at) {
		s.SubmittedAt = never // which means the same
	}
	from := string(m.status)
	_, err := w.service(t).Manager.CompleteWithEntry(w.ctx, m.id, token, s)
	w.judge(t, "complete with entry", " "+m.id.String(), from, v, err)
}

func (w *world) lookAtEntry(t *rapid.T) {
	m := w.anyInvited(t)
	w.resolve(t, m, w.anyToken(t, m))
}
