package storetest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

var planMutants = []mutant{
	{"lower-cases an external ref", []string{"Plans/ExternalRefs", "Isolation/References"}, with(func(r assessplan.Repositories) assessplan.Repositories { return lowerRef{r} })},
	{"looks for plans with work in all orgs", []string{"Plans/Work"}, with(func(r assessplan.Repositories) assessplan.Repositories { return workOfAll{r} })},
	{"shares the schedule with its callers", []string{"Plans/ByValue"}, sharingSchedules},
	{"lists plans of one status only", []string{"Plans/List"}, with(func(r assessplan.Repositories) assessplan.Repositories { return oneStatus{r} })},
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
	{"lists tasks of an org by prefix", []string{"Isolation/Lists"}, with(func(r assessplan.Repositories) assessplan.Repositories { return prefixOrg{r} })},
	{"compares testees without their case", []string{"Erasure/OthersAreKept", "Isolation/References"}, with(func(r assessplan.Repositories) assessplan.Repositories { return anyCase{r} })},
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

// holding is Repositories with another HoldTasks.
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
