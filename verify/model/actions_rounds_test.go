package model_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/assessplan/assessplan"
)

// planToEnroll is mostly one that has not ended.
func (w *world) planToEnroll(t *rapid.T) *plan {
	if usable := w.usablePlans(); len(usable) > 0 && !chance(t, "any plan", 8) {
		return anyOf(t, "plan", usable)
	}
	return w.anyPlan(t)
}

func (w *world) anyEnrollSpec(t *rapid.T, p *plan) assessplan.EnrollSpec {
	testee := anyOf(t, "testee", testees)
	spec := assessplan.EnrollSpec{
		Org: p.spec.Org, Plan: p.id, Testee: testee,
		Start:    plusDays(dateIn(w.clock.at, p.zone), between(t, "start", -3, 2)),
		Zone:     anyOf(t, "zone", append([]string{"", ""}, zones...)),
		Past:     anyOf(t, "past", []assessplan.PastPolicy{"", assessplan.MarkMissed, assessplan.Skip, assessplan.Open}),
		NewRound: !chance(t, "no new round", 4), Reconsented: chance(t, "reconsented", 3),
	}
	if known := w.model.roundsOf(p, testee); len(known) > 0 && chance(t, "again", 4) {
		spec.Start = anyOf(t, "round", known).start
	}
	return spec
}

func (w *world) enroll(t *rapid.T) {
	p := w.planToEnroll(t)
	spec := w.anyEnrollSpec(t, p)
	stands, v := w.model.enroll(p, spec)
	spec.Org, v = w.as(t, p.spec.Org, v)
	if spec.Org != p.spec.Org {
		stands = nil
	}
	enrolled, err := w.service(t).Manager.Enroll(w.ctx, spec)
	w.enrolled(t, "enroll", w.standing(p, spec.Testee), stands, v, enrolled, err)
}

// standing is in which status the testee's last round is.
func (w *world) standing(p *plan, testee assessplan.TesteeID) string {
	rounds := w.model.roundsOf(p, testee)
	if len(rounds) == 0 {
		return "plan " + string(p.status) + ", no round"
	}
	return "plan " + string(p.status) + ", last round " + string(rounds[len(rounds)-1].status)
}

// enrolled judges an enrollment, and learns the IDs of what began.
func (w *world) enrolled(t *rapid.T, what, from string, stands *round, v verdict, answer assessplan.Enrolled, err error) {
	known := len(w.model.rounds)
	w.judge(t, what, "", from, v, err)
	if stands != nil {
		must(t, answer.Existing && answer.Enrollment.ID == stands.id, "round %s stands, and the answer is round %s, existing %v",
			stands.id, answer.Enrollment.ID, answer.Existing)
	}
	if len(w.model.rounds) == known {
		return
	}
	must(t, !answer.Existing, "round %s is new, and is said to stand", answer.Enrollment.ID)
	r := w.model.rounds[known]
	r.id = answer.Enrollment.ID
	page, err := w.services[0].Manager.ListTasks(w.ctx, assessplan.TaskQuery{Org: answer.Enrollment.Org, Enrollment: r.id})
	must(t, err == nil, "list tasks: %v", err)
	for _, m := range w.model.tasksOf(r) {
		place := slices.IndexFunc(page.Tasks, func(s assessplan.TaskState) bool { return s.Seq == m.seq })
		must(t, place >= 0, "round %s has no task of number %d", r.id, m.seq)
		m.id = page.Tasks[place].ID
	}
}

// enrollMany enrolls a list in which testees may stand twice: each is answered for itself.
func (w *world) enrollMany(t *rapid.T) {
	p := w.planToEnroll(t)
	var specs []assessplan.EnrollSpec
	for range between(t, "how many", 1, 4) {
		specs = append(specs, w.anyEnrollSpec(t, p))
	}
	results, err := w.service(t).Manager.EnrollMany(w.ctx, specs)
	must(t, err == nil && len(results) == len(specs), "enroll many: %d answers for %d: %v", len(results), len(specs), err)
	for i, result := range results {
		from := w.standing(p, specs[i].Testee)
		stands, v := w.model.enroll(p, specs[i])
		w.enrolled(t, "enroll many", from, stands, v, result.Enrolled, result.Err)
	}
}

func (w *world) onRound(t *rapid.T, what string, r *round, v verdict, run func(m *assessplan.Manager, org assessplan.OrgID) (assessplan.EnrollmentState, error)) {
	org, v := w.as(t, r.plan.spec.Org, v)
	from := string(r.status)
	state, err := run(w.service(t).Manager, org)
	w.judge(t, what, " "+r.id.String(), from, v, err)
	must(t, err != nil || state.ID == r.id && state.Status == r.status, "%s answers with round %s, which is %s", what, state.ID, state.Status)
}

func (w *world) pauseRound(t *rapid.T) {
	r := w.anyRound(t)
	w.onRound(t, "pause round", r, w.model.pauseRound(r), func(m *assessplan.Manager, org assessplan.OrgID) (assessplan.EnrollmentState, error) {
		return m.PauseEnrollment(w.ctx, org, r.id)
	})
}

// roundToResume is mostly one with something to resume.
func (w *world) roundToResume(t *rapid.T) *round {
	paused := slices.DeleteFunc(slices.Clone(w.model.rounds), func(r *round) bool {
		return r.status != assessplan.EnrollmentStatusPaused || !w.model.hasLive(r)
	})
	if len(paused) == 0 || chance(t, "any round", 3) {
		return w.anyRound(t)
	}
	return anyOf(t, "round", paused)
}

func (w *world) resumeRound(t *rapid.T) {
	r, mode := w.roundToResume(t), anyOf(t, "mode", resumeModes)
	v := w.model.resumeRound(r, mode)
	w.onRound(t, fmt.Sprintf("resume round (%s)", mode), r, v, func(m *assessplan.Manager, org assessplan.OrgID) (assessplan.EnrollmentState, error) {
		return m.ResumeEnrollment(w.ctx, org, r.id, mode)
	})
}

var reasons = []assessplan.EndReason{assessplan.WithdrawnConsent, assessplan.WithdrawnConsent, assessplan.Withdrawn, assessplan.Lost, assessplan.Died, assessplan.Other}

func (w *world) terminateRound(t *rapid.T) {
	r, reason := w.anyRound(t), anyOf(t, "reason", reasons)
	v := w.model.terminate(r, reason)
	w.onRound(t, fmt.Sprintf("terminate round (%s)", reason), r, v, func(m *assessplan.Manager, org assessplan.OrgID) (assessplan.EnrollmentState, error) {
		return m.TerminateEnrollment(w.ctx, org, r.id, assessplan.Termination{Reason: reason, Note: "as agreed"})
	})
}

func (w *world) eraseTestee(t *rapid.T) {
	org, testee := anyOf(t, "org", orgs), anyOf(t, "testee", testees)
	erased, err := w.service(t).Manager.EraseTestee(w.ctx, org, testee)
	must(t, err == nil, "erase a testee of org %q: %v", org, err)
	rounds := w.model.erase(org, testee, erased.Pseudonym)
	must(t, erased.Rounds == rounds, "%d rounds were erased; want %d", erased.Rounds, rounds)
	w.note(t, "erase a testee of org %q: %d rounds", org, rounds)
	w.coverage.note("erase", fmt.Sprintf("%v", rounds > 0), "done")
	if rounds == 0 {
		return
	}
	subject, err := uuid.Parse(strings.TrimPrefix(string(erased.Pseudonym), "erased-"))
	must(t, err == nil, "the pseudonym has no UUID")
	w.model.erased[subject] = []event{{kind: assessplan.TypeTesteeErased}}
}
