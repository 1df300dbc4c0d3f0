package model_test

import (
	"slices"

	"github.com/assessplan/assessplan"
)

// importRound takes up a round as it stands, and tells nobody.
func (m *model) importRound(p *plan, in assessplan.RoundImport) (stands *round, v verdict) {
	spec := in.EnrollSpec
	for _, r := range m.roundsOf(p, spec.Testee) {
		if r.start == spec.Start {
			return r, nothing()
		}
	}
	live := slices.ContainsFunc(in.Tasks, func(t assessplan.TaskImport) bool { return !t.Status.Ended() })
	running := m.runningRound(p, spec.Testee)
	var b broken
	b.when(live && running != nil && m.hasLive(running), assessplan.ErrEnrollmentConflict)
	b.when(p.ended(), assessplan.ErrPlanNotActive)
	for _, t := range in.Tasks {
		b.when(t.AssessmentID != "" && m.taken(p.spec.Org, t.AssessmentID), assessplan.ErrAssessmentTaken)
	}
	return nil, changes(b, func() {
		r, _ := m.newRound(p, spec)
		r.planned = len(in.Tasks)
		if live && running != nil {
			m.closeRound(running)
		}
		if !live {
			r.status, r.endedAt = assessplan.EnrollmentStatusClosed, m.now
		}
		m.rounds = append(m.rounds, r)
		for _, t := range in.Tasks {
			m.tasks = append(m.tasks, importedTask(r, t))
		}
	})
}

func importedTask(r *round, in assessplan.TaskImport) *task {
	t := &task{round: r, seq: in.Seq, plannedAt: in.PlannedAt, replanned: true, imported: true, revision: 1, status: in.Status,
		openAt: in.OpenAt, expireAt: in.ExpireAt, endedAt: in.EndedAt, handedIn: in.SubmittedAt, assessment: in.AssessmentID,
		reason: in.EndReason, token: in.Token}
	if !t.openAt.IsZero() {
		t.serial = 1
	}
	if t.status == assessplan.Completed && t.handedIn.IsZero() {
		t.handedIn = t.endedAt
	}
	switch {
	case t.reason != "":
	case t.status == assessplan.Canceled:
		t.reason = assessplan.Requested
	case t.status == assessplan.Expired && t.openAt.IsZero():
		t.reason = assessplan.MissedWindow
	case t.status == assessplan.Expired:
		t.reason = assessplan.EntryTimeout
	}
	return t
}
