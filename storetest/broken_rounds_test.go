package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/google/uuid"
)

var planMutants = []mutant{
	{"lower-cases an external ref", []string{"Plans/ExternalRefs", "Isolation/References"}, with(func(r assessplan.Repositories) assessplan.Repositories { return lowerRef{r} })},
	{"looks for plans with work in all orgs", []string{"Plans/Work"}, with(func(r assessplan.Repositories) assessplan.Repositories { return workOfAll{r} })},
	{"forgets how far a plan's work has come", []string{"Plans/RoundTrip"}, savingPlans(func(ctx context.Context, r assessplan.Repositories, change assessplan.PlanChange) error {
		change.State.Work.After = uuid.UUID{}
		return r.SavePlan(ctx, change)
	})},
	{"inserts a plan or does nothing", []string{"Retries/RunsAgainAfterConflict", "Plans/UniqueIDs", "Plans/ExternalRefs"}, savingPlans(func(ctx context.Context, r assessplan.Repositories, change assessplan.PlanChange) error {
		_, err := r.FindPlan(ctx, change.State.Org, change.State.ID, assessplan.LockNone)
		_, taken := r.FindPlanByRef(ctx, change.State.Org, change.State.ExternalRef)
		if change.Was == 0 && (err == nil || taken == nil) {
			return nil
		}
		return r.SavePlan(ctx, change)
	})},
	{"finds an unknown plan as an empty one", []string{"Plans/Find", "Isolation/Finds"}, with(func(r assessplan.Repositories) assessplan.Repositories { return emptyPlan{r} })},
	{"shares the schedule with its callers", []string{"Plans/ByValue"}, sharingSchedules},
	{"lists plans of one status only", []string{"Plans/List"}, with(func(r assessplan.Repositories) assessplan.Repositories { return oneStatus{r} })},
}

// plansOtherwise is Repositories with another SavePlan.
type plansOtherwise struct {
	assessplan.Repositories
	save func(ctx context.Context, r assessplan.Repositories, change assessplan.PlanChange) error
}

func (r plansOtherwise) SavePlan(ctx context.Context, change assessplan.PlanChange) error {
	return r.save(ctx, r.Repositories, change)
}

func savingPlans(save func(ctx context.Context, r assessplan.Repositories, change assessplan.PlanChange) error) func() assessplan.Store {
	return with(func(r assessplan.Repositories) assessplan.Repositories { return plansOtherwise{r, save} })
}

type emptyPlan struct{ assessplan.Repositories }

func (r emptyPlan) FindPlan(ctx context.Context, org assessplan.OrgID, id assessplan.PlanID, lock assessplan.LockMode) (assessplan.PlanState, error) {
	found, err := r.Repositories.FindPlan(ctx, org, id, lock)
	if errors.Is(err, assessplan.ErrNotFound) {
		return assessplan.PlanState{}, nil
	}
	return found, err
}

type lowerRef struct{ assessplan.Repositories }

func (r lowerRef) FindPlanByRef(ctx context.Context, org assessplan.OrgID, ref assessplan.ExternalRef) (assessplan.PlanState, error) {
	return r.Repositories.FindPlanByRef(ctx, org, assessplan.ExternalRef(strings.ToLower(string(ref))))
}

type workOfAll struct{ assessplan.Repositories }

func (r workOfAll) FindPlansWithWork(ctx context.Context, q assessplan.PlanWorkQuery) ([]assessplan.PlanState, error) {
	q.Scope = assessplan.Scope{}
	return r.Repositories.FindPlansWithWork(ctx, q)
}

type oneStatus struct{ assessplan.Repositories }

func (r oneStatus) ListPlans(ctx context.Context, q assessplan.PlanQuery) ([]assessplan.PlanState, error) {
	q.Status = q.Status[:min(len(q.Status), 1)]
	return r.Repositories.ListPlans(ctx, q)
}

// sharingSchedules keeps the schedules that it was given, and gives out what it keeps.
func sharingSchedules() assessplan.Store {
	kept := &sync.Map{}
	return altered{memstore.New(), func(r assessplan.Repositories) assessplan.Repositories { return sharedSchedules{r, kept} }}
}

type sharedSchedules struct {
	assessplan.Repositories
	kept *sync.Map
}

func (r sharedSchedules) SavePlan(ctx context.Context, change assessplan.PlanChange) error {
	err := r.Repositories.SavePlan(ctx, change)
	if err == nil {
		r.kept.Store(change.State.ID, change.State.Schedule)
	}
	return err
}

func (r sharedSchedules) FindPlan(ctx context.Context, org assessplan.OrgID, id assessplan.PlanID, lock assessplan.LockMode) (assessplan.PlanState, error) {
	found, err := r.Repositories.FindPlan(ctx, org, id, lock)
	if kept, ok := r.kept.Load(id); ok && err == nil {
		found.Schedule = kept.(assessplan.Schedule)
	}
	return found, err
}

var roundMutants = []mutant{
	{"trims the org of a testee's rounds", []string{"Isolation/Lists"}, with(func(r assessplan.Repositories) assessplan.Repositories { return trimmedOrg{r} })},
	{"sorts rounds by ID", []string{"Rounds/OfATestee"}, with(func(r assessplan.Repositories) assessplan.Repositories { return roundsByID{r} })},
	{"finds rounds of one plan only", []string{"Rounds/OfATestee"}, with(func(r assessplan.Repositories) assessplan.Repositories { return onePlan{r} })},
	{"leaves out paused rounds that ended", []string{"EndedRounds/Conditions"}, with(func(r assessplan.Repositories) assessplan.Repositories { return activeEnded{r} })},
	{"looks at ended rounds whatever their time", []string{"EndedRounds/Order"}, with(func(r assessplan.Repositories) assessplan.Repositories { return endedAnytime{r} })},
	{"loses the note of a termination", []string{"Rounds/RoundTrip"}, with(func(r assessplan.Repositories) assessplan.Repositories { return noteless{r} })},
	{"finds an unknown round as an empty one", []string{"Rounds/Find", "Isolation/Finds"}, with(func(r assessplan.Repositories) assessplan.Repositories { return emptyRound{r} })},
	{"lists rounds of any status", []string{"Rounds/List"}, with(func(r assessplan.Repositories) assessplan.Repositories { return anyStatus{r} })},
	{"ignores the testees of a scope of ended rounds", []string{"EndedRounds/Scope", "Isolation/References"}, with(func(r assessplan.Repositories) assessplan.Repositories { return endedOfAnybody{r} })},
	{"refuses to save no rounds", []string{"Rounds/SaveNone", "EndedRounds/OneWinner"}, savingRounds(func(ctx context.Context, r assessplan.Repositories, changes []assessplan.EnrollmentChange) error {
		if len(changes) == 0 {
			return errors.New("nothing to save")
		}
		return r.SaveEnrollments(ctx, changes)
	})},
	{"inserts a round or does nothing", []string{"Retries/RunsAgainAfterConflict", "Rounds/OneOfEachNumberAndStart", "Rounds/OneRunning"}, savingRounds(func(ctx context.Context, r assessplan.Repositories, changes []assessplan.EnrollmentChange) error {
		return r.SaveEnrollments(ctx, slices.DeleteFunc(changes, func(change assessplan.EnrollmentChange) bool {
			return change.Was == 0 && len(clashing(ctx, r, change.State)) > 0
		}))
	})},
	{"closes a second round instead of refusing it", []string{"Rounds/OneOfEachNumberAndStart", "Rounds/OneRunning", "Rounds/ConcurrentEnrolments"}, savingRounds(func(ctx context.Context, r assessplan.Repositories, changes []assessplan.EnrollmentChange) error {
		for i, change := range changes {
			if clashes := clashing(ctx, r, change.State); change.Was == 0 && len(clashes) > 0 {
				changes[i].State = closed(laterRound(change.State, uint32(change.State.ID[3]), 1+len(clashes)))
			}
		}
		return r.SaveEnrollments(ctx, changes)
	})},
	{"lists tasks of an org by prefix", []string{"Isolation/Lists"}, with(func(r assessplan.Repositories) assessplan.Repositories { return prefixOrg{r} })},
	{"compares testees without their case", []string{"Erasure/OthersAreKept", "Isolation/References"}, with(func(r assessplan.Repositories) assessplan.Repositories { return anyCase{r} })},
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
		return other.ID != e.ID && other.Round != e.Round && other.Start != e.Start && !(other.Status.Running() && e.Status.Running())
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

// holdsOtherwise is Repositories with another HoldTasks.
type holdsOtherwise struct {
	assessplan.Repositories
	hold func(ctx context.Context, r assessplan.Repositories, q assessplan.HoldQuery) (int, error)
}

func (r holdsOtherwise) HoldTasks(ctx context.Context, q assessplan.HoldQuery) (int, error) {
	return r.hold(ctx, r.Repositories, q)
}

func holdingOtherwise(hold func(ctx context.Context, r assessplan.Repositories, q assessplan.HoldQuery) (int, error)) func() assessplan.Store {
	return with(func(r assessplan.Repositories) assessplan.Repositories { return holdsOtherwise{r, hold} })
}

var holdMutants = []mutant{
	{"counts no held tasks", []string{
		"Locks/HoldWaits", "Holds/WholePlan", "Holds/OneRound", "Holds/ReleaseOfAPlan",
		"Holds/CountsAndVersions", "Holds/HeldIsNotDue",
	}, holdingOtherwise(func(ctx context.Context, r assessplan.Repositories, q assessplan.HoldQuery) (int, error) {
		_, err := r.HoldTasks(ctx, q)
		return 0, err
	})},
	{"holds the whole plan for one round", []string{"Holds/OneRound"}, holdingOtherwise(func(ctx context.Context, r assessplan.Repositories, q assessplan.HoldQuery) (int, error) {
		q.Enrollment = assessplan.EnrollmentID{}
		return r.HoldTasks(ctx, q)
	})},
	{"releases paused rounds too", []string{"Holds/ReleaseOfAPlan"}, holdingOtherwise(func(ctx context.Context, r assessplan.Repositories, q assessplan.HoldQuery) (int, error) {
		if q.Held || !q.Enrollment.IsZero() {
			return r.HoldTasks(ctx, q)
		}
		all, err := r.ListEnrollments(ctx, assessplan.EnrollmentQuery{Org: q.Org, Plan: q.Plan, Limit: 100})
		sum := 0
		for _, round := range all {
			q.Enrollment = round.ID
			count, err := r.HoldTasks(ctx, q)
			if err != nil {
				return sum, err
			}
			sum += count
		}
		return sum, err
	})},
	{"holds a plan of whatever org", []string{"Isolation/Writes"}, holdingOtherwise(func(ctx context.Context, r assessplan.Repositories, q assessplan.HoldQuery) (int, error) {
		for _, org := range orgs() {
			if _, err := r.FindPlan(ctx, org, q.Plan, assessplan.LockNone); err == nil {
				q.Org = org
			}
		}
		return r.HoldTasks(ctx, q)
	})},
	{"holds without a version", []string{"Holds/CountsAndVersions"}, unversionedHolds},
}

// unversionedHolds shows a task that was held or released at the version that it had before.
func unversionedHolds() assessplan.Store {
	raised := &sync.Map{} // from a task to the version that it got by that
	return altered{memstore.New(), func(r assessplan.Repositories) assessplan.Repositories {
		hide := func(t assessplan.TaskState) assessplan.TaskState {
			if version, ok := raised.Load(t.ID); ok && version == t.Version {
				t.Version--
			}
			return t
		}
		hold := func(ctx context.Context, _ assessplan.Repositories, q assessplan.HoldQuery) (int, error) {
			all := assessplan.TaskQuery{Org: q.Org, Limit: 100}
			before, err := r.ListTasks(ctx, all)
			if err != nil {
				return 0, err
			}
			count, err := r.HoldTasks(ctx, q)
			after, _ := r.ListTasks(ctx, all)
			for i := range after {
				if after[i].Version > before[i].Version {
					raised.Store(after[i].ID, after[i].Version)
				}
			}
			return count, err
		}
		return holdsOtherwise{translated{r, unchanged, hide}, hold}
	}}
}
