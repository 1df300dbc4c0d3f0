package model_test

import (
	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
)

// enroll answers which round stands already, if the testee has one from that start.
func (m *model) enroll(p *plan, spec assessplan.EnrollSpec) (stands *round, v verdict) {
	rounds := m.roundsOf(p, spec.Testee)
	for _, r := range rounds {
		if r.start == spec.Start {
			return r, nothing()
		}
	}
	running := m.runningRound(p, spec.Testee)
	made, tasks := m.newRound(p, spec)
	var b broken
	b.when(running != nil && m.hasLive(running), assessplan.ErrEnrollmentConflict)
	b.when(len(rounds) > 0 && !spec.NewRound, assessplan.ErrEnrollmentConflict)
	b.when(withdrawn(rounds) && !spec.Reconsented, assessplan.ErrEnrollmentConflict)
	b.when(p.status != assessplan.PlanStatusActive, assessplan.ErrPlanNotActive)
	b.when(len(tasks) == 0, assessplan.ErrInvalid)
	return nil, changes(b, func() {
		if running != nil {
			m.closeRound(running)
		}
		made.owed = []event{{kind: assessplan.TypeEnrollmentCreated}}
		m.rounds, m.tasks = append(m.rounds, made), append(m.tasks, tasks...)
	})
}

// withdrawn: consent that was withdrawn stays so until the testee agrees again.
func withdrawn(rounds []*round) bool {
	is := false
	for _, r := range rounds {
		if r.reconsented {
			is = false
		}
		if r.reason == assessplan.WithdrawnConsent {
			is = true
		}
	}
	return is
}

func (m *model) newRound(p *plan, spec assessplan.EnrollSpec) (*round, []*task) {
	r := &round{plan: p, testee: spec.Testee, start: spec.Start, zone: p.zone, reconsented: spec.Reconsented,
		status: assessplan.EnrollmentStatusActive, number: 1}
	if spec.Zone != "" {
		r.zone = zone(spec.Zone)
	}
	for _, other := range m.roundsOf(p, spec.Testee) {
		r.number = max(r.number, other.number+1)
	}
	today := dateIn(m.now, r.zone)
	var tasks []*task
	for i, o := range occurrences(p.spec.Schedule, spec.Start) {
		past := before(o.date, today)
		if past && spec.Past == assessplan.Skip {
			continue
		}
		t := &task{round: r, seq: i + 1, date: o.date, time: o.time, revision: 1, status: assessplan.Pending, replanned: true}
		if past && spec.Past != assessplan.Open {
			m.end(t, assessplan.Expired, assessplan.PastAtEnrollment)
		}
		tasks = append(tasks, t)
	}
	r.planned = len(tasks)
	return r, tasks
}

func (m *model) closeRound(r *round) {
	r.status, r.pausedAt, r.shifted, r.endedAt = assessplan.EnrollmentStatusClosed, never, 0, m.now
	r.owed = append(r.owed, event{kind: assessplan.TypeEnrollmentClosed})
}

func (m *model) pauseRound(r *round) verdict {
	switch {
	case r.status == assessplan.EnrollmentStatusPaused:
		return nothing()
	case !r.running():
		return refuse(assessplan.ErrConflict)
	}
	return changes(nil, func() {
		r.status, r.pausedAt = assessplan.EnrollmentStatusPaused, m.now
		r.owed = append(r.owed, event{kind: assessplan.TypeEnrollmentPaused})
	})
}

func (m *model) resumeRound(r *round, mode assessplan.ResumeMode) verdict {
	if r.status == assessplan.EnrollmentStatusActive {
		return nothing()
	}
	shifts := mode == assessplan.ShiftDates
	var b broken
	b.when(!r.running(), assessplan.ErrConflict)
	b.when(shifts && r.plan.spec.Schedule.Type == assessplan.FixedDate, assessplan.ErrInvalid)
	b.when(shifts && r.plan.status == assessplan.PlanStatusPaused, assessplan.ErrConflict)
	return changes(b, func() {
		days := midnights(r.pausedAt, m.now, r.zone) - r.shifted
		r.status, r.pausedAt, r.shifted = assessplan.EnrollmentStatusActive, never, 0
		r.owed = append(r.owed, event{kind: assessplan.TypeEnrollmentResumed})
		if shifts && days > 0 {
			m.shift(m.tasksOf(r), days)
		}
	})
}

func (m *model) terminate(r *round, reason assessplan.EndReason) verdict {
	withdraws := reason == assessplan.WithdrawnConsent && r.reason != assessplan.WithdrawnConsent && r.reason != assessplan.ByErasure
	if r.status == assessplan.EnrollmentStatusTerminated && !withdraws {
		return nothing()
	}
	return changes(nil, func() { m.endRound(r, reason) })
}

func (m *model) endRound(r *round, reason assessplan.EndReason) {
	r.status, r.pausedAt, r.shifted, r.endedAt, r.reason = assessplan.EnrollmentStatusTerminated, never, 0, m.now, reason
	r.owed = append(r.owed, event{kind: assessplan.TypeEnrollmentTerminated, reason: reason})
	m.cancelAll(m.tasksOf(r), reason, false)
}

// erase forgets a person. What was not delivered of them never will be.
func (m *model) erase(org assessplan.OrgID, testee, pseudonym assessplan.TesteeID) (rounds int) {
	for _, r := range m.rounds {
		if r.plan.spec.Org != org || r.testee != testee {
			continue
		}
		rounds++
		r.testee = pseudonym
		r.owed = r.owed[:m.deliveredFor(uuid.UUID(r.id))]
		for _, t := range m.tasksOf(r) {
			t.owed = t.owed[:m.deliveredFor(uuid.UUID(t.id))]
		}
		if r.status != assessplan.EnrollmentStatusTerminated {
			m.endRound(r, assessplan.ByErasure)
		}
		r.reason = assessplan.ByErasure
	}
	return rounds
}
