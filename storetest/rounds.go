package storetest

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/assessplan/assessplan"
)

var roundArea = area{"Rounds", []check{
	{name: "RoundTrip", rule: "a round comes back exactly as it was given, every field", body: roundsRoundTrip},
	{name: "Find", rule: "FindEnrollment returns the round with any lock, and ErrNotFound for an unknown one",
		body: findsRoundsByID},
	{name: "OfATestee", rule: "FindRounds returns the rounds of a testee in one plan or in all, ordered by plan and Round",
		body: findsRounds},
	{name: "List", rule: "ListEnrollments pages through the rounds of an org by ID, and filters by plan, testee and status",
		body: listsRounds},
	{name: "Versions", rule: "SaveEnrollments stores all or none, and its VersionError names exactly the rounds that moved",
		body: roundVersions},
	{name: "OneOfEachNumberAndStart", rule: "within a plan a testee has one round of each Round and of each Start",
		body: roundNumbersAreUnique},
	{name: "OneRunning", rule: "within a plan a testee has at most one round that is active or paused", body: oneRunningRound},
	{name: "SaveNone", rule: "saving no rounds succeeds", body: savesNoRounds},
	{name: "ConcurrentEnrolments", rule: "concurrent enrolments of a testee end in one round", body: concurrentEnrolments},
}}

// everyRound is rounds, each of a testee of its own, that together set every field, of every status.
func everyRound(plan assessplan.PlanState) []assessplan.EnrollmentState {
	var all []assessplan.EnrollmentState
	add := func(change roundChange) {
		n := uint32(len(all) + 1)
		all = append(all, change(newRound(plan, n, assessplan.TesteeID(strings.Repeat("t", int(n))))))
	}
	add(func(e assessplan.EnrollmentState) assessplan.EnrollmentState { return e })
	add(func(e assessplan.EnrollmentState) assessplan.EnrollmentState {
		e.Round, e.Start, e.Reconsented, e.Planned = 12, assessplan.CivilDate{Year: 1, Month: 1, Day: 1}, true, 1000
		e.Zone = "America/Argentina/ComodRivadavia"
		e = paused(e)
		e.ShiftedDays = 365
		return e
	})
	add(func(e assessplan.EnrollmentState) assessplan.EnrollmentState {
		e.Start, e.Planned, e.ClosableFrom = assessplan.CivilDate{Year: 9999, Month: 12, Day: 31}, 0, time.Time{}
		return closed(e)
	})
	add(terminated)
	add(func(e assessplan.EnrollmentState) assessplan.EnrollmentState {
		e = terminated(e)
		e.Termination.Note = strings.Repeat("é", assessplan.MaxNote/2)
		return e
	})
	add(func(e assessplan.EnrollmentState) assessplan.EnrollmentState {
		e = terminated(e)
		e.Termination = assessplan.Termination{Reason: assessplan.WithdrawnConsent}
		return e
	})
	return all
}

func roundsRoundTrip(k *kit) {
	plan := k.addPlan(newPlan(clinic, 1))
	for _, round := range everyRound(plan) {
		round = k.addRound(round)
		sameState(k, "round "+round.ID.String(), k.round(clinic, round.ID), round)
	}
	round := k.round(clinic, enrollmentID(1))
	for _, next := range everyRound(plan)[1:] { // the first round goes through what a round may become
		round.Status, round.PausedAt, round.ShiftedDays, round.EndedAt = next.Status, next.PausedAt, next.ShiftedDays, next.EndedAt
		round.Termination, round.ClosableFrom = next.Termination, next.ClosableFrom
		round = k.putRound(round)
		sameState(k, "round that became "+string(round.Status), k.round(clinic, round.ID), round)
	}
}

func findsRoundsByID(k *kit) {
	_, round := k.world()
	for _, lock := range []assessplan.LockMode{assessplan.LockNone, assessplan.LockShared, assessplan.LockExclusive} {
		find := func(ctx context.Context, r assessplan.Repositories) error {
			found, err := r.FindEnrollment(ctx, clinic, round.ID, lock)
			if err != nil {
				return err
			}
			sameState(k, "round that was found", found, round)
			_, err = r.FindEnrollment(ctx, clinic, enrollmentID(2), lock)
			k.gives("FindEnrollment of an unknown round", err, assessplan.ErrNotFound)
			return nil
		}
		k.both("find a round", find)
	}
}

// laterRound is another round of the testee of a round, with the Round n and a start n weeks later.
func laterRound(round assessplan.EnrollmentState, id uint32, n int) assessplan.EnrollmentState {
	round.ID, round.Round, round.Version = enrollmentID(id), n, 0
	round.Start = round.Start.AddDays(7 * n)
	return round
}

func findsRounds(k *kit) {
	plan := k.addPlan(newPlan(clinic, 1))
	third := k.addRound(laterRound(newRound(plan, 1, testee), 1, 3)) // IDs fall as Round grows
	second := k.addRound(closed(laterRound(newRound(plan, 1, testee), 2, 2)))
	first := k.addRound(terminated(newRound(plan, 3, testee)))
	k.addRound(newRound(plan, 4, "testee-2"))
	k.addRound(newRound(k.addPlan(newPlan("elsewhere", 2)), 5, testee))
	other := k.roundOf(clinic, 0x80000000, testee)
	for _, row := range []struct {
		name string
		plan assessplan.PlanID
		who  assessplan.TesteeID
		want []assessplan.EnrollmentID
	}{
		{"in a plan", plan.ID, testee, []assessplan.EnrollmentID{first.ID, second.ID, third.ID}},
		{"in all plans", assessplan.PlanID{}, testee, []assessplan.EnrollmentID{first.ID, second.ID, third.ID, other.ID}},
		{"of a testee without any", plan.ID, "nobody", nil},
	} {
		sameOrder(k, "rounds "+row.name, roundIDs(k.rounds(clinic, row.plan, row.who)), row.want)
	}
	if found := k.rounds(clinic, plan.ID, testee); len(found) > 1 {
		sameState(k, "round in a list", found[1], second)
	}
}

func (k *kit) listRounds(q assessplan.EnrollmentQuery) (found []assessplan.EnrollmentState) {
	k.t.Helper()
	k.view("list rounds", func(ctx context.Context, r assessplan.Repositories) (err error) {
		found, err = r.ListEnrollments(ctx, q)
		return err
	})
	return found
}

func listsRounds(k *kit) {
	plan, other := k.addPlan(newPlan(clinic, 1)), k.addPlan(newPlan(clinic, 2))
	for i, n := range scattered {
		round := newRound(plan, n, assessplan.TesteeID(strings.Repeat("t", i+1)))
		if n%2 == 1 {
			round = paused(round)
		}
		k.addRound(round)
	}
	k.addRound(closed(newRound(other, 9, "t")))
	all := ascending(enrollmentID, append([]uint32{9}, scattered...))
	paged := pages(k, "rounds", 3, func(after assessplan.EnrollmentState) []assessplan.EnrollmentState {
		return k.listRounds(assessplan.EnrollmentQuery{Org: clinic, After: after.ID, Limit: 3})
	})
	sameOrder(k, "rounds by pages", roundIDs(paged), all)
	for _, row := range []struct {
		name string
		q    assessplan.EnrollmentQuery
		want []assessplan.EnrollmentID
	}{
		{"of a plan", assessplan.EnrollmentQuery{Plan: plan.ID}, ascending(enrollmentID, scattered)},
		{"of a testee", assessplan.EnrollmentQuery{Testee: "t"}, ascending(enrollmentID, []uint32{scattered[0], 9})},
		{"of a testee in a plan", assessplan.EnrollmentQuery{Plan: other.ID, Testee: "t"}, ascending(enrollmentID, []uint32{9})},
		{"that are closed", assessplan.EnrollmentQuery{Status: []assessplan.EnrollmentStatus{assessplan.EnrollmentStatusClosed}},
			ascending(enrollmentID, []uint32{9})},
		{"that are paused or closed", assessplan.EnrollmentQuery{Status: []assessplan.EnrollmentStatus{
			assessplan.EnrollmentStatusPaused, assessplan.EnrollmentStatusClosed}}, ascending(enrollmentID, append(odd(scattered), 9))},
		{"of a plan that is unknown", assessplan.EnrollmentQuery{Plan: planID(3)}, nil},
	} {
		row.q.Org, row.q.Limit = clinic, 100
		sameOrder(k, "rounds "+row.name, roundIDs(k.listRounds(row.q)), row.want)
	}
}

// saveRounds stores rounds over the versions that they have and returns the error.
func (k *kit) saveRounds(rounds ...assessplan.EnrollmentState) error {
	return k.store.Update(k.ctx, func(ctx context.Context, r assessplan.Repositories) error {
		changes := make([]assessplan.EnrollmentChange, len(rounds))
		for i, round := range rounds {
			changes[i] = assessplan.EnrollmentChange{State: round, Was: round.Version}
		}
		return r.SaveEnrollments(ctx, changes)
	})
}

func roundVersions(k *kit) {
	plan := k.addPlan(newPlan(clinic, 1))
	current := k.addRound(newRound(plan, 1, "testee-1"))
	moved := k.addRound(newRound(plan, 2, "testee-2"))
	ahead := k.addRound(newRound(plan, 3, "testee-3"))
	k.putRound(moved)
	ahead.Version = 2
	gone := newRound(plan, 4, "testee-4")
	gone.Version = 1
	err := k.saveRounds(paused(current), paused(moved), paused(ahead), paused(gone), newRound(plan, 5, "testee-5"))
	var versions *assessplan.VersionError
	if !errors.As(err, &versions) {
		k.stopf("save rounds of which three moved: got error %s, want a VersionError", quoted(err))
	}
	sameOrder(k, "rounds in the VersionError", sortedIDs(versions.EnrollmentIDs), ascending(enrollmentID, []uint32{2, 3, 4}))
	equal(k, "other records in the VersionError", len(versions.TaskIDs)+len(versions.PlanIDs), 0)
	sameState(k, "round beside those that moved", k.round(clinic, current.ID), current)
	all := k.listRounds(assessplan.EnrollmentQuery{Org: clinic, Limit: 10})
	sameOrder(k, "rounds after a refused save", roundIDs(all), ascending(enrollmentID, []uint32{1, 2, 3}))
	odd := paused(current)
	odd.Version = 77
	k.update("save a round whose State.Version is not Was", func(ctx context.Context, r assessplan.Repositories) error {
		return r.SaveEnrollments(ctx, []assessplan.EnrollmentChange{{State: odd, Was: 1}})
	})
	equal(k, "stored version", k.round(clinic, current.ID).Version, 2)
}

func roundNumbersAreUnique(k *kit) {
	plan := k.addPlan(newPlan(clinic, 1))
	first := k.addRound(closed(newRound(plan, 1, testee)))
	sameRound := closed(laterRound(first, 2, 2))
	sameRound.Round = 1
	sameStart := closed(laterRound(first, 2, 2))
	sameStart.Start = first.Start
	sameID := closed(laterRound(first, 1, 2))
	for _, row := range []struct {
		name  string
		round assessplan.EnrollmentState
	}{{"Round", sameRound}, {"Start", sameStart}, {"ID", sameID}} {
		k.gives("insert a second round of the same "+row.name, k.saveRounds(row.round), assessplan.ErrConflict)
	}
	twice := []assessplan.EnrollmentState{closed(laterRound(first, 2, 2)), closed(laterRound(first, 3, 2))}
	k.gives("insert two rounds of the same Round and Start at once", k.saveRounds(twice...), assessplan.ErrConflict)
	sameOrder(k, "rounds after refused saves", roundIDs(k.rounds(clinic, plan.ID, testee)), []assessplan.EnrollmentID{first.ID})
	k.addRound(closed(laterRound(first, 2, 2)))
	k.addRound(closed(newRound(plan, 3, "testee-2")))
	k.roundOf(clinic, 4, testee)
	k.roundOf("elsewhere", 5, testee)
}

func oneRunningRound(k *kit) {
	plan := k.addPlan(newPlan(clinic, 1))
	first := k.addRound(newRound(plan, 1, testee))
	next := laterRound(first, 2, 2)
	k.gives("insert an active round beside an active one", k.saveRounds(next), assessplan.ErrConflict)
	k.gives("insert a paused round beside an active one", k.saveRounds(paused(next)), assessplan.ErrConflict)
	first = k.putRound(paused(first))
	k.gives("insert an active round beside a paused one", k.saveRounds(next), assessplan.ErrConflict)
	first = k.putRound(closed(first))
	k.addRound(next)
	reopened := first
	reopened.Status, reopened.EndedAt = assessplan.EnrollmentStatusActive, time.Time{}
	k.gives("reopen a closed round beside an active one", k.saveRounds(reopened), assessplan.ErrConflict)
	sameState(k, "the closed round", k.round(clinic, first.ID), first)
}

func savesNoRounds(k *kit) {
	w := k.littleWorld()
	before := k.look(w)
	k.ok("save no rounds", k.saveRounds())
	k.untouched("saving no rounds", w, before)
}

func concurrentEnrolments(k *kit) {
	plan := k.addPlan(newPlan(clinic, 1))
	const clerks = 8
	k.concurrently("enrolments of one testee", clerks, func(i int) error {
		err := k.saveRounds(newRound(plan, uint32(i+1), testee))
		if errors.Is(err, assessplan.ErrConflict) {
			return nil
		}
		return err
	})
	equal(k, "rounds of the testee", len(k.rounds(clinic, plan.ID, testee)), 1)
}
