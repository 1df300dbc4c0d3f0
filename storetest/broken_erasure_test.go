package storetest

import (
	"context"

	"github.com/assessplan/assessplan"
)

// erases is Repositories with another EraseTestee.
type erases struct {
	assessplan.Repositories
	erase func(ctx context.Context, r assessplan.Repositories, e assessplan.Erasure) error
}

func (r erases) EraseTestee(ctx context.Context, e assessplan.Erasure) error {
	return r.erase(ctx, r.Repositories, e)
}

func erasing(erase func(ctx context.Context, r assessplan.Repositories, e assessplan.Erasure) error) func() assessplan.Store {
	return with(func(r assessplan.Repositories) assessplan.Repositories { return erases{r, erase} })
}

var erasureMutants = []mutant{
	{"erases tasks and forgets rounds and events", []string{"Erasure/OldIDIsGone", "Erasure/Versions", "Erasure/Events", "Erasure/EventsOfOthers"},
		erasing(func(ctx context.Context, r assessplan.Repositories, e assessplan.Erasure) error {
			all, err := r.ListTasks(ctx, assessplan.TaskQuery{Org: e.Org, Testee: e.Testee, Limit: 100})
			if err != nil {
				return err
			}
			changes := taskChanges(all)
			for i := range changes {
				changes[i].State.Testee = e.Pseudonym
			}
			e.Testee = "unknown"
			if err := r.EraseTestee(ctx, e); err != nil {
				return err
			}
			return r.SaveTasks(ctx, changes)
		})},
	{"leaves the events of an erased testee", []string{"Erasure/Versions", "Erasure/Events", "Erasure/OthersAreKept", "Erasure/Twice"},
		erasing(func(ctx context.Context, r assessplan.Repositories, e assessplan.Erasure) error {
			all, err := r.ListTasks(ctx, assessplan.TaskQuery{Org: e.Org, Testee: e.Testee, Limit: 100})
			if err != nil {
				return err
			}
			if err := r.EraseTestee(ctx, e); err != nil {
				return err
			}
			for _, task := range all {
				late := assessplan.TaskChange{State: task, Was: task.Version + 1}
				late.State.Testee = e.Pseudonym
				late.Events = []assessplan.Event{eventOf(task)}
				if err := r.SaveTasks(ctx, []assessplan.TaskChange{late}); err != nil {
					return err
				}
			}
			return nil
		})},
	{"erases in every org", []string{"Erasure/OthersAreKept"},
		erasing(func(ctx context.Context, r assessplan.Repositories, e assessplan.Erasure) error {
			if err := r.EraseTestee(ctx, e); err != nil {
				return err
			}
			e.Org, e.Events = "elsewhere", nil
			return r.EraseTestee(ctx, e)
		})},
	{"finds nobody to erase", []string{"Outbox/FromEveryWrite", "Erasure/UnknownTestee", "Erasure/Twice"},
		erasing(func(ctx context.Context, r assessplan.Repositories, e assessplan.Erasure) error {
			found, err := r.FindRounds(ctx, e.Org, assessplan.PlanID{}, e.Testee)
			if err == nil && len(found) == 0 {
				err = assessplan.ErrNotFound
			}
			if err != nil {
				return err
			}
			return r.EraseTestee(ctx, e)
		})},
	{"adds no event of an erasure", []string{
		"Outbox/FromEveryWrite", "Erasure/Events", "Erasure/OthersAreKept", "Erasure/UnknownTestee",
		"Erasure/Twice",
	}, erasing(func(ctx context.Context, r assessplan.Repositories, e assessplan.Erasure) error {
		e.Events = nil
		return r.EraseTestee(ctx, e)
	})},
}
