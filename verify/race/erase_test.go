package race_test

import (
	"context"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

var eraseRaces = []race{
	{
		name: "an erasure meets a pass", run: eraseAgainstPass,
		seen:    []string{"erased", "some were opened", "none was opened"},
		noticed: []flaws{{claimsShared: true, versionsIgnored: true}, {erasureForgets: true}},
	},
	{
		name: "an erasure meets an enrollment", run: eraseAgainstEnroll,
		seen:    []string{"erased", "begun before", "begun anew"},
		noticed: []flaws{{roundsUnlocked: true, versionsIgnored: true}},
	},
	{
		name: "an erasure meets an enrollment in another plan", run: eraseAgainstOtherPlan,
		seen:    []string{"erased", "to be erased again"},
		noticed: []flaws{{erasureForgets: true}},
	},
	{
		name: "an erasure meets a submission", run: eraseAgainstComplete,
		seen:    []string{"erased", "completed", "refused"},
		noticed: []flaws{{plansUnlocked: true, roundsUnlocked: true, tasksUnlocked: true, versionsIgnored: true}},
	},
	{
		name: "an erasure meets a relay", run: eraseAgainstRelay,
		seen:    []string{"erased", "leased or parked"},
		noticed: []flaws{{erasureForgets: true}},
	},
}

// erase erases somebody, and reports whether that was done; ErrConflict says that it must be asked again.
func (a *arena) erase(s *assessplan.Service, who assessplan.TesteeID) bool {
	erased, err := s.Manager.EraseTestee(a.ctx, plantest.Org, who)
	switch {
	case !a.only("erasing", err, assessplan.ErrConflict):
		a.saw("to be erased again")
		return false
	case erased.Rounds > 0:
		a.saw("erased")
	}
	return true
}

// forget ends a meeting: nothing of somebody is left in the store, nor will be found in the books.
func (a *arena) forget(who assessplan.TesteeID) {
	want(a.referee, "rounds of somebody who was erased", len(a.rounds(assessplan.EnrollmentQuery{Testee: who})), 0)
	want(a.referee, "tasks of somebody who was erased", len(a.tasks(assessplan.TaskQuery{Testee: who})), 0)
	a.forgotten = append(a.forgotten, who)
}

func eraseAgainstPass(a *arena) {
	plan := a.newPlan(13)
	for _, how := range a.ways(a.size.chances / 2) {
		who := a.due(plan).Testee
		var report *assessplan.ScheduleReport
		a.meet(how,
			func(s *assessplan.Service) { want(a.referee, "erased at once", a.erase(s, who), true) },
			func(s *assessplan.Service) { report = a.passOpens(s) })
		if report.Opened > 0 {
			a.saw("some were opened")
		} else {
			a.saw("none was opened")
		}
		a.forget(who)
	}
}

// eraseAgainstEnroll: the round before has ended and is closed by the one that begins. A round that begins after the
// erasure is of somebody whom nobody knows any more.
func eraseAgainstEnroll(a *arena) {
	plan := a.newPlan(2)
	for _, how := range a.ways(a.size.chances) {
		spec := a.endedRound(plan)
		spec.NewRound, spec.Start = true, spec.Start.AddDays(1)
		a.meet(how,
			func(s *assessplan.Service) { want(a.referee, "erased at once", a.erase(s, spec.Testee), true) },
			func(s *assessplan.Service) {
				_, err := s.Manager.Enroll(a.ctx, spec)
				a.only("enrolling", err)
			})
		anew := a.rounds(assessplan.EnrollmentQuery{Testee: spec.Testee})
		if len(anew) == 0 {
			a.saw("begun before")
		}
		for _, round := range anew {
			a.saw("begun anew")
			want(a.referee, "the one round of the testee: "+round.ID.String(), len(anew) == 1 && round.Round == 1 && round.Start == spec.Start, true)
		}
		want(a.referee, "tasks of the testee", len(a.tasks(assessplan.TaskQuery{Testee: spec.Testee})), 2*len(anew))
		want(a.referee, "erased again", a.erase(a.look, spec.Testee), true)
		a.forget(spec.Testee)
	}
}

func eraseAgainstOtherPlan(a *arena) {
	one, other := a.newPlan(2), a.newPlan(2)
	for _, how := range a.ways(a.size.chances) {
		spec := a.spec(one)
		_, err := a.look.Manager.Enroll(a.ctx, spec)
		a.must(err)
		elsewhere := spec
		elsewhere.Plan = other.ID
		a.meet(how,
			func(s *assessplan.Service) { a.erase(s, spec.Testee) },
			func(s *assessplan.Service) {
				_, err := s.Manager.Enroll(a.ctx, elsewhere)
				a.only("enrolling", err)
			})
		want(a.referee, "erased again", a.erase(a.look, spec.Testee), true)
		a.forget(spec.Testee)
	}
}

func eraseAgainstComplete(a *arena) {
	plan := a.newPlan(1)
	for _, how := range a.ways(a.size.chances) {
		opened := a.opened(plan)[0]
		token, _ := opened.Entry.Reveal()
		sheet := submission(opened.Task.ID, "sheet", a.clock.Now()) // before the erasure, which yet is final
		a.clock.Add(time.Second)
		a.meet(how,
			func(s *assessplan.Service) { want(a.referee, "erased at once", a.erase(s, opened.Task.Testee), true) },
			func(s *assessplan.Service) {
				_, err := s.Manager.CompleteWithEntry(a.ctx, opened.Task.ID, token, sheet)
				final := assessplan.Completed
				if a.only("a submission", err, assessplan.ErrInvalidTransition, assessplan.ErrEntryInvalid) {
					a.saw("completed")
				} else {
					final = assessplan.Canceled
					a.saw("refused")
				}
				want(a.referee, "status of task "+opened.Task.ID.String(), a.task(opened.Task.ID).Status, final)
			})
		a.forget(opened.Task.Testee)
	}
}

// eraseAgainstRelay: the broker is down, so that the relay leases events and parks every other one.
func eraseAgainstRelay(a *arena) {
	plan := a.newPlan(3)
	for _, how := range a.ways(a.size.chances) {
		who := a.opened(plan)[0].Task.Testee
		a.meet(how,
			func(s *assessplan.Service) { want(a.referee, "erased at once", a.erase(s, who), true) },
			func(*assessplan.Service) { a.relayInVain(a.right.store) })
		a.forget(who)
		a.unpark()
		a.clock.Add(2 * time.Minute) // the leases run out
	}
}

func (a *arena) relayInVain(store assessplan.Store) {
	for range 4 {
		a.only("claiming events", store.Update(a.ctx, func(ctx context.Context, r assessplan.Repositories) error {
			claimed, err := r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: a.clock.Now(), Lease: time.Minute, Limit: 2})
			if err != nil || len(claimed) == 0 {
				return err
			}
			a.saw("leased or parked")
			_, err = r.SettleEvents(ctx, []assessplan.Settlement{{ID: claimed[0].ID, Attempts: claimed[0].Attempts,
				Outcome: assessplan.Park, Code: assessplan.FailurePublish}})
			return err
		}))
	}
}

// unpark takes up parked events again.
func (a *arena) unpark() {
	a.must(a.handle(2).Update(a.ctx, func(ctx context.Context, r assessplan.Repositories) error {
		parked, err := r.ListParkedEvents(ctx, assessplan.ParkedQuery{Limit: 1000})
		if err != nil {
			return err
		}
		var again []assessplan.Settlement
		for _, event := range parked {
			again = append(again, assessplan.Settlement{ID: event.ID, Attempts: event.Attempts,
				Outcome: assessplan.Retry, At: a.clock.Now(), Code: assessplan.FailurePublish})
		}
		_, err = r.SettleEvents(ctx, again)
		return err
	}))
}
