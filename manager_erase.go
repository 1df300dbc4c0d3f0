package assessplan

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Erased says what became of a person's records.
type Erased struct {
	Pseudonym TesteeID // what they bear now; empty if there were none
	Rounds    int      // how many rounds there were
}

// EraseTestee removes a person from an org (GDPR article 17): it replaces the testee's ID by a random pseudonym everywhere,
// deletes their events that are not published yet, ends all their rounds under the pseudonym, forgets why those ended that
// had, and records testee.erased without the old ID. What remains is statistics; nothing that the person handed in can be
// recorded any more. Erasing somebody unknown changes nothing. Somebody who is enrolled in another plan meanwhile is
// [ErrConflict]: erase again. Events that were published, and whatever the host keeps under an AssessmentID, are for the host
// to erase.
func (m *Manager) EraseTestee(ctx context.Context, org OrgID, testee TesteeID) (erased Erased, err error) {
	defer m.core.command(ctx, "erase_testee", orgAttr(org)).ended(&err)
	f := faults{}
	checkReference(&f, "testee_id", testee)
	if err := f.Err(); err != nil {
		return Erased{}, err
	}
	plans, err := view(ctx, m.core, org, func(ctx context.Context, r Repositories) ([]PlanID, error) {
		rounds, err := r.FindRounds(ctx, org, PlanID{}, testee)
		return plansOf(rounds), err
	})
	if err != nil || len(plans) == 0 {
		return Erased{}, err
	}
	return update(ctx, m.core, org, func(ctx context.Context, r Repositories, now time.Time) (Erased, error) {
		for _, plan := range plans { // plans before rounds, as every command locks them
			if _, err := r.FindPlan(ctx, org, plan, LockShared); err != nil {
				return Erased{}, err
			}
		}
		rounds, err := r.FindRounds(ctx, org, PlanID{}, testee)
		switch {
		case err != nil || len(rounds) == 0: // somebody else has erased them
			return Erased{}, err
		case !slices.Equal(plans, plansOf(rounds)):
			return Erased{}, errorf(ErrConflict, "the testee was enrolled in another plan meanwhile; erase again")
		}
		return m.erase(ctx, r, org, testee, now)
	})
}

// plansOf returns the plans of rounds, each once, in their order.
func plansOf(rounds []EnrollmentState) []PlanID {
	var plans []PlanID
	for _, round := range rounds {
		plans = append(plans, round.Plan)
	}
	return slices.Compact(plans)
}

// erase gives the person's records their pseudonym, and then ends them, so that what this tells is told without the old ID.
func (m *Manager) erase(ctx context.Context, r Repositories, org OrgID, testee TesteeID, now time.Time) (Erased, error) {
	pseudonym := uuid.New()
	erased := Erased{Pseudonym: TesteeID("erased-" + pseudonym.String())}
	fact := &TesteeErased{OrgID: org, Pseudonym: erased.Pseudonym, ErasedAt: now}
	err := r.EraseTestee(ctx, Erasure{Org: org, Testee: testee, Pseudonym: erased.Pseudonym,
		Events: m.core.events.write(m.core.newBatch(ctx), org, pseudonym, 1, now, []Fact{fact})})
	if err != nil {
		return Erased{}, err
	}
	rounds, err := r.FindRounds(ctx, org, PlanID{}, erased.Pseudonym)
	if err != nil {
		return Erased{}, err
	}
	for _, state := range rounds {
		erased.Rounds++
		_, damaged := RestoreEnrollment(state)
		round := &Enrollment{state: state}
		round.erase(now)
		c := &roundCommand{Manager: m, r: r, round: round, now: now}
		if err := c.cancelTasks(ctx); err != nil {
			return Erased{}, err
		}
		if damaged != nil {
			continue // it bears the pseudonym; a damaged round must not keep a person from being forgotten
		}
		if err := r.SaveEnrollments(ctx, []EnrollmentChange{m.core.enrollmentChange(ctx, round, now)}); err != nil {
			return Erased{}, err
		}
	}
	return erased, nil
}
