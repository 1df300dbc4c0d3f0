package crash_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/assessplan/assessplan"
)

// The guards that can be taken away.
const (
	splitCommit  = "a change and its events commit one after the other"
	settledFirst = "events are settled when they are claimed"
	lastWins     = "versions are not compared"
)

// mutated is a store without a guard.
func mutated(mutant string, store assessplan.Store) assessplan.Store {
	switch mutant {
	case splitCommit:
		return &splitStore{Store: store}
	case settledFirst:
		return &forgetfulStore{Store: store}
	case lastWins:
		return &overwritingStore{Store: store}
	}
	return store
}

// splitStore stores tasks in one transaction and their events in another.
type splitStore struct{ assessplan.Store }

func (s *splitStore) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	var without *eventless
	err := s.Store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		without = &eventless{Repositories: r}
		return fn(ctx, without)
	})
	if err != nil || len(without.held) == 0 {
		return err
	}
	waits(ctx, 20*time.Millisecond) // the way to a database that is not a file
	return s.Store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		return addEvents(ctx, r, without.held)
	})
}

// eventless keeps back the events of tasks.
type eventless struct {
	assessplan.Repositories
	held []assessplan.TaskChange
}

func (r *eventless) SaveTasks(ctx context.Context, changes []assessplan.TaskChange) error {
	bare := slices.Clone(changes)
	for i := range bare {
		if len(bare[i].Events) > 0 {
			r.held = append(r.held, assessplan.TaskChange{State: bare[i].State, Events: slices.Clone(bare[i].Events)})
			bare[i].Events = nil
		}
	}
	return r.Repositories.SaveTasks(ctx, bare)
}

// addEvents stores events with a change that changes nothing.
func addEvents(ctx context.Context, r assessplan.Repositories, held []assessplan.TaskChange) error {
	changes := make([]assessplan.TaskChange, len(held))
	for i := range held {
		state, err := r.FindTask(ctx, held[i].State.Org, held[i].State.ID)
		if err != nil {
			return err
		}
		changes[i] = assessplan.TaskChange{State: state, Was: state.Version, Events: held[i].Events}
	}
	return r.SaveTasks(ctx, changes)
}

// forgetfulStore deletes events in the transaction that claims them.
type forgetfulStore struct{ assessplan.Store }

func (s *forgetfulStore) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	return s.Store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		return fn(ctx, forgetful{r})
	})
}

type forgetful struct{ assessplan.Repositories }

func (r forgetful) ClaimEvents(ctx context.Context, q assessplan.ClaimQuery) ([]assessplan.OutboxEvent, error) {
	events, err := r.Repositories.ClaimEvents(ctx, q)
	if err != nil {
		return nil, err
	}
	settlements := make([]assessplan.Settlement, len(events))
	for i := range events {
		settlements[i] = assessplan.Settlement{ID: events[i].ID, Attempts: events[i].Attempts, Outcome: assessplan.Delete}
	}
	_, err = r.SettleEvents(ctx, settlements)
	return events, err
}

// overwritingStore reads before its transaction, and stores what was decided over whatever has become of the tasks since.
type overwritingStore struct{ assessplan.Store }

func (s *overwritingStore) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	var early *reading
	err := s.View(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		early = &reading{Repositories: r}
		return fn(ctx, early)
	})
	if errors.Is(err, assessplan.ErrReadOnly) { // it writes more than tasks
		return s.Store.Update(ctx, fn)
	}
	if err != nil || len(early.changes) == 0 {
		return err
	}
	return s.Store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		return overwrite(ctx, r, early.changes)
	})
}

// reading keeps what is to be stored of tasks for later.
type reading struct {
	assessplan.Repositories
	changes []assessplan.TaskChange
}

func (r *reading) SaveTasks(_ context.Context, changes []assessplan.TaskChange) error {
	for _, change := range changes {
		change.Events = slices.Clone(change.Events)
		r.changes = append(r.changes, change)
	}
	return nil
}

// overwrite stores tasks over any version, and an event only if there can be none with its ID.
func overwrite(ctx context.Context, r assessplan.Repositories, changes []assessplan.TaskChange) error {
	for i := range changes {
		change := &changes[i]
		current, err := r.FindTask(ctx, change.State.Org, change.State.ID)
		if err != nil {
			return err
		}
		if current.Version != change.Was {
			change.Was, change.Events = current.Version, nil
		}
	}
	return r.SaveTasks(ctx, changes)
}
