package assessplan

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Erased says what became of a person's records.
type Erased struct {
	Pseudonym TesteeID // what they bear now; empty if there were none
	Rounds    int      // how many rounds there were
}

// EraseTestee removes a person from an org (GDPR article 17): it ends the rounds that run, replaces the testee's ID by a
// random pseudonym everywhere, removes notes about the person, deletes their events that are not published yet, and records
// testee.erased without the old ID. What remains is statistics. Erasing somebody unknown changes nothing. Events that were
// published, and whatever the host keeps under an AssessmentID, are for the host to erase.
func (m *Manager) EraseTestee(ctx context.Context, org OrgID, testee TesteeID) (Erased, error) {
	f := faults{}
	checkReference(&f, "testee_id", testee)
	if err := f.err(); err != nil {
		return Erased{}, err
	}
	known, err := view(ctx, m.core, org, func(ctx context.Context, r Repositories) ([]EnrollmentState, error) {
		return r.FindRounds(ctx, org, PlanID{}, testee)
	})
	if err != nil || len(known) == 0 {
		return Erased{}, err
	}
	pseudonym := uuid.New()
	erased := Erased{Pseudonym: TesteeID("erased-" + pseudonym.String())}
	return update(ctx, m.core, org, func(ctx context.Context, r Repositories, now time.Time) (Erased, error) {
		for _, round := range known { // plans before rounds, as every command locks them
			if _, err := r.FindPlan(ctx, org, round.Plan, LockShared); err != nil {
				return Erased{}, err
			}
		}
		fact := &TesteeErased{OrgID: org, Pseudonym: erased.Pseudonym, ErasedAt: now}
		err := r.EraseTestee(ctx, Erasure{Org: org, Testee: testee, Pseudonym: erased.Pseudonym,
			Events: m.core.events.write(&eventBatch{}, org, pseudonym, 1, now, []Fact{fact})})
		if err != nil {
			return Erased{}, err
		}
		rounds, err := r.FindRounds(ctx, org, PlanID{}, erased.Pseudonym)
		if err != nil {
			return Erased{}, err
		}
		erased.Rounds = len(rounds)
		for _, state := range rounds {
			if err := m.endErased(ctx, r, state, now); err != nil {
				return Erased{}, err
			}
		}
		return erased, nil
	})
}

// endErased ends a round under its pseudonym, so that what it tells is told without the old ID.
func (m *Manager) endErased(ctx context.Context, r Repositories, state EnrollmentState, now time.Time) error {
	plan, err := r.FindPlan(ctx, state.Org, state.Plan, LockShared)
	if err != nil {
		return err
	}
	round, err := RestoreEnrollment(state)
	if err != nil {
		return err
	}
	c := &roundCommand{Manager: m, r: r, plan: plan, round: round, now: now}
	if state.Status.Running() {
		if err := round.Terminate(Termination{Reason: Other, Note: "erased"}, now); err != nil {
			return err
		}
		if err := c.cancelTasks(ctx); err != nil {
			return err
		}
	}
	round.forget()
	if round.state == state {
		return nil
	}
	return r.SaveEnrollments(ctx, []EnrollmentChange{m.core.enrollmentChange(round, now)})
}
