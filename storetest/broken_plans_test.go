package storetest

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/google/uuid"
)

var planMutants = []mutant{
	{"lower-cases an external ref", []string{"Plans/ExternalRefs", "Isolation/References"},
		with(func(r assessplan.Repositories) assessplan.Repositories { return lowerRef{r} })},
	{"looks for plans with work in all orgs", []string{"Plans/Work"},
		with(func(r assessplan.Repositories) assessplan.Repositories { return workOfAll{r} })},
	{"forgets how far a plan's work has come", []string{"Plans/RoundTrip"},
		savingPlans(func(ctx context.Context, r assessplan.Repositories, change assessplan.PlanChange) error {
			change.State.Work.After = uuid.UUID{}
			return r.SavePlan(ctx, change)
		})},
	{"inserts a plan or does nothing", []string{"Retries/RunsAgainAfterConflict", "Plans/UniqueIDs", "Plans/ExternalRefs"},
		savingPlans(func(ctx context.Context, r assessplan.Repositories, change assessplan.PlanChange) error {
			_, err := r.FindPlan(ctx, change.State.Org, change.State.ID, assessplan.LockNone)
			_, taken := r.FindPlanByRef(ctx, change.State.Org, change.State.ExternalRef)
			if change.Was == 0 && (err == nil || taken == nil) {
				return nil
			}
			return r.SavePlan(ctx, change)
		})},
	{"finds an unknown plan as an empty one", []string{"Plans/Find", "Isolation/Finds"},
		with(func(r assessplan.Repositories) assessplan.Repositories { return emptyPlan{r} })},
	{"shares the schedule with its callers", []string{"Plans/ByValue"}, sharingSchedules},
	{"lists plans of one status only", []string{"Plans/List"},
		with(func(r assessplan.Repositories) assessplan.Repositories { return oneStatus{r} })},
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
