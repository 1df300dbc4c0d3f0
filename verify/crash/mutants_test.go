package crash_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
)

// The guards that can be taken away.
const (
	splitCommit   = "a change and its events commit one after the other"
	settledFirst  = "events are settled when they are claimed"
	lastWins      = "versions are not compared"
	waitingClaims = "claims wait for who holds a task"
	renamedEvents = "an event is named by the relay that claims it"
	runsAgain     = "what broke off is run again"
	hopeful       = "what broke off is taken for done"
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
	case waitingClaims:
		return &waitingStore{Store: store}
	case runsAgain:
		return &repeatingStore{Store: store}
	case hopeful:
		return &hopefulStore{Store: store}
	case renamedEvents:
		return &renamingStore{store, map[assessplan.EventID]assessplan.EventID{}}
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
		return fn(ctx, settling{r})
	})
}

type settling struct{ assessplan.Repositories }

func (r settling) ClaimEvents(ctx context.Context, q assessplan.ClaimQuery) ([]assessplan.OutboxEvent, error) {
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

// waitingStore locks what is due one by one, and waits for whoever holds it.
type waitingStore struct{ assessplan.Store }

func (s *waitingStore) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	return s.Store.Update(ctx, func(inner context.Context, r assessplan.Repositories) error {
		return fn(inner, &waiting{Repositories: r, view: func(look func(ctx context.Context, r assessplan.Repositories) error) error {
			return s.View(ctx, look)
		}})
	})
}

type waiting struct {
	assessplan.Repositories
	view func(look func(ctx context.Context, r assessplan.Repositories) error) error
}

func (r *waiting) FindPendingTasks(ctx context.Context, q assessplan.DueQuery) (due []assessplan.TaskState, err error) {
	err = r.view(func(ctx context.Context, r assessplan.Repositories) error {
		due, err = r.FindPendingTasks(ctx, q)
		return err
	})
	for i := 0; i < len(due) && err == nil; i++ {
		due[i], err = r.FindTask(ctx, due[i].Org, due[i].ID)
	}
	return slices.DeleteFunc(due, func(t assessplan.TaskState) bool { return t.Status != assessplan.Pending }), err
}

// renamingStore gives events other IDs whenever they are claimed.
type renamingStore struct {
	assessplan.Store
	named map[assessplan.EventID]assessplan.EventID // what they are called in the database
}

func (s *renamingStore) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	return s.Store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		return fn(ctx, &renaming{r, s})
	})
}

type renaming struct {
	assessplan.Repositories
	store *renamingStore
}

func (r *renaming) ClaimEvents(ctx context.Context, q assessplan.ClaimQuery) ([]assessplan.OutboxEvent, error) {
	events, err := r.Repositories.ClaimEvents(ctx, q)
	for i := range events {
		name := assessplan.EventID(uuid.New())
		r.store.named[name], events[i].ID = events[i].ID, name
	}
	return events, err
}

func (r *renaming) SettleEvents(ctx context.Context, settlements []assessplan.Settlement) (int, error) {
	settlements = slices.Clone(settlements)
	for i := range settlements {
		settlements[i].ID = r.store.named[settlements[i].ID]
	}
	return r.Repositories.SettleEvents(ctx, settlements)
}

// repeatingStore runs a transaction again of which nobody knows whether it was stored.
type repeatingStore struct{ assessplan.Store }

func (s *repeatingStore) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	err := s.Store.Update(ctx, fn)
	if errors.Is(err, assessplan.ErrUnavailable) {
		return s.Store.Update(ctx, fn)
	}
	return err
}

// hopefulStore says that such a transaction was stored.
type hopefulStore struct{ assessplan.Store }

func (s *hopefulStore) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	err := s.Store.Update(ctx, fn)
	if errors.Is(err, assessplan.ErrUnavailable) {
		return nil
	}
	return err
}
