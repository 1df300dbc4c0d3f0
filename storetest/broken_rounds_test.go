package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/assessplan/assessplan"
)

var roundMutants = []mutant{
	{"trims the org of a testee's rounds", []string{"Isolation/Lists"},
		with(func(r assessplan.Repositories) assessplan.Repositories { return trimmedOrg{r} })},
	{"sorts rounds by ID", []string{"Rounds/OfATestee"},
		with(func(r assessplan.Repositories) assessplan.Repositories { return roundsByID{r} })},
	{"finds rounds of one plan only", []string{"Rounds/OfATestee"},
		with(func(r assessplan.Repositories) assessplan.Repositories { return onePlan{r} })},
	{"leaves out paused rounds that ended", []string{"EndedRounds/Conditions"},
		with(func(r assessplan.Repositories) assessplan.Repositories { return activeEnded{r} })},
	{"looks at ended rounds whatever their time", []string{"EndedRounds/Order"},
		with(func(r assessplan.Repositories) assessplan.Repositories { return endedAnytime{r} })},
	{"loses the note of a termination", []string{"Rounds/RoundTrip"},
		with(func(r assessplan.Repositories) assessplan.Repositories { return noteless{r} })},
	{"finds an unknown round as an empty one", []string{"Rounds/Find", "Isolation/Finds"},
		with(func(r assessplan.Repositories) assessplan.Repositories { return emptyRound{r} })},
	{"lists rounds of any status", []string{"Rounds/List"},
		with(func(r assessplan.Repositories) assessplan.Repositories { return anyStatus{r} })},
	{"ignores the testees of a scope of ended rounds", []string{"EndedRounds/Scope", "Isolation/References"},
		with(func(r assessplan.Repositories) assessplan.Repositories { return endedOfAnybody{r} })},
	{"refuses to save no rounds", []string{"Rounds/SaveNone", "EndedRounds/OneWinner"},
		savingRounds(func(ctx context.Context, r assessplan.Repositories, changes []assessplan.EnrollmentChange) error {
			if len(changes) == 0 {
				return errors.New("nothing to save")
			}
			return r.SaveEnrollments(ctx, changes)
		})},
	{"inserts a round or does nothing", []string{"Retries/RunsAgainAfterConflict", "Rounds/OneOfEachNumberAndStart", "Rounds/OneRunning"},
		savingRounds(func(ctx context.Context, r assessplan.Repositories, changes []assessplan.EnrollmentChange) error {
			return r.SaveEnrollments(ctx, slices.DeleteFunc(changes, func(change assessplan.EnrollmentChange) bool {
				return change.Was == 0 && len(clashing(ctx, r, change.State)) > 0
			}))
		})},
	{"closes a second round instead of refusing it", []string{"Rounds/OneOfEachNumberAndStart", "Rounds/OneRunning", "Rounds/ConcurrentEnrolments"},
		savingRounds(func(ctx context.Context, r assessplan.Repositories, changes []assessplan.EnrollmentChange) error {
			for i, change := range changes {
				if clashes := clashing(ctx, r, change.State); change.Was == 0 && len(clashes) > 0 {
					changes[i].State = closed(laterRound(change.State, uint32(change.State.ID[3]), 1+len(clashes)))
				}
			}
			return r.SaveEnrollments(ctx, changes)
		})},
	{"lists tasks of an org by prefix", []string{"Isolation/Lists"},
		with(func(r assessplan.Repositories) assessplan.Repositories { return prefixOrg{r} })},
	{"compares testees without their case", []string{"Erasure/OthersAreKept", "Isolation/References"},
		with(func(r assessplan.Repositories) assessplan.Repositories { return anyCase{r} })},
}

// roundsOtherwise is Repositories with another SaveEnrollments.
type roundsOtherwise struct {
	assessplan.Repositories
	save func(ctx context.Context, r assessplan.Repositories, changes []assessplan.EnrollmentChange) error
}

func (r roundsOtherwise) SaveEnrollments(ctx context.Context, changes []assessplan.EnrollmentChange) error {
	return r.save(ctx, r.Repositories, slices.Clone(changes))
}

func savingRounds(save func(ctx context.Context, r assessplan.Repositories, changes []assessplan.EnrollmentChange) error) func() assessplan.Store {
	return with(func(r assessplan.Repositories) assessplan.Repositories { return roundsOtherwise{r, save} })
}

// clashing returns the stored rounds that forbid another.
func clashing(ctx context.Context, r assessplan.Repositories, e assessplan.EnrollmentState) []assessplan.EnrollmentState {
	stored, _ := r.FindRounds(ctx, e.Org, e.Plan, e.Testee)
	return slices.DeleteFunc(stored, func(other assessplan.EnrollmentState) bool {
		return other.ID != e.ID && other.Round != e.Round && other.Start != e.Start && (!other.Status.Running() || !e.Status.Running())
	})
}

type emptyRound struct{ assessplan.Repositories }

func (r emptyRound) FindEnrollment(ctx context.Context, org assessplan.OrgID, id assessplan.EnrollmentID, lock assessplan.LockMode) (assessplan.EnrollmentState, error) {
	found, err := r.Repositories.FindEnrollment(ctx, org, id, lock)
	if errors.Is(err, assessplan.ErrNotFound) {
		return assessplan.EnrollmentState{}, nil
	}
	return found, err
}

type anyStatus struct{ assessplan.Repositories }

func (r anyStatus) ListEnrollments(ctx context.Context, q assessplan.EnrollmentQuery) ([]assessplan.EnrollmentState, error) {
	q.Status = nil
	return r.Repositories.ListEnrollments(ctx, q)
}

type endedOfAnybody struct{ assessplan.Repositories }

func (r endedOfAnybody) FindEndedEnrollments(ctx context.Context, q assessplan.EndedQuery) ([]assessplan.EnrollmentState, error) {
	q.Scope.Testees = nil
	return r.Repositories.FindEndedEnrollments(ctx, q)
}

type trimmedOrg struct{ assessplan.Repositories }

func (r trimmedOrg) FindRounds(ctx context.Context, org assessplan.OrgID, plan assessplan.PlanID, who assessplan.TesteeID) ([]assessplan.EnrollmentState, error) {
	return r.Repositories.FindRounds(ctx, assessplan.OrgID(strings.TrimRight(string(org), " ")), plan, who)
}

type roundsByID struct{ assessplan.Repositories }

func (r roundsByID) FindRounds(ctx context.Context, org assessplan.OrgID, plan assessplan.PlanID, who assessplan.TesteeID) ([]assessplan.EnrollmentState, error) {
	found, err := r.Repositories.FindRounds(ctx, org, plan, who)
	slices.SortFunc(found, func(a, b assessplan.EnrollmentState) int { return a.ID.Compare(b.ID) })
	return found, err
}

type onePlan struct{ assessplan.Repositories }

func (r onePlan) FindRounds(ctx context.Context, org assessplan.OrgID, plan assessplan.PlanID, who assessplan.TesteeID) ([]assessplan.EnrollmentState, error) {
	found, err := r.Repositories.FindRounds(ctx, org, plan, who)
	return slices.DeleteFunc(found, func(e assessplan.EnrollmentState) bool { return e.Plan != found[0].Plan }), err
}

type activeEnded struct{ assessplan.Repositories }

func (r activeEnded) FindEndedEnrollments(ctx context.Context, q assessplan.EndedQuery) ([]assessplan.EnrollmentState, error) {
	found, err := r.Repositories.FindEndedEnrollments(ctx, q)
	return slices.DeleteFunc(found, func(e assessplan.EnrollmentState) bool { return e.Status == assessplan.EnrollmentStatusPaused }), err
}

type endedAnytime struct{ assessplan.Repositories }

func (r endedAnytime) FindEndedEnrollments(ctx context.Context, q assessplan.EndedQuery) ([]assessplan.EnrollmentState, error) {
	q.Before = time.Time{}
	return r.Repositories.FindEndedEnrollments(ctx, q)
}

type noteless struct{ assessplan.Repositories }

func (r noteless) SaveEnrollments(ctx context.Context, changes []assessplan.EnrollmentChange) error {
	changes = slices.Clone(changes)
	for i := range changes {
		changes[i].State.Termination.Note = ""
	}
	return r.Repositories.SaveEnrollments(ctx, changes)
}

type prefixOrg struct{ assessplan.Repositories }

func (r prefixOrg) ListTasks(ctx context.Context, q assessplan.TaskQuery) ([]assessplan.TaskState, error) {
	found, err := r.Repositories.ListTasks(ctx, q)
	if q.Org == "Clinic" {
		q.Org = "Clinic-2"
		more, _ := r.Repositories.ListTasks(ctx, q)
		found = append(found, more...)
	}
	return found, err
}

type anyCase struct{ assessplan.Repositories }

func (r anyCase) ListTasks(ctx context.Context, q assessplan.TaskQuery) ([]assessplan.TaskState, error) {
	if q.Testee == "" {
		return r.Repositories.ListTasks(ctx, q)
	}
	who := q.Testee
	q.Testee = ""
	found, err := r.Repositories.ListTasks(ctx, q)
	return slices.DeleteFunc(found, func(t assessplan.TaskState) bool { return !strings.EqualFold(string(t.Testee), string(who)) }), err
}
