package model_test

import (
	"context"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
)

var eventMutants = []mutant{
	{name: "loses-the-last-event-of-a-save", alter: func(r repositories) repositories { return losing{r} }},
	{name: "stores-an-event-twice", alter: onSave(func(_ context.Context, _ repositories, c *taskChange) {
		if len(c.Events) > 0 {
			again := c.Events[0]
			again.ID = assessplan.EventID(uuid.NewSHA1(uuid.UUID(again.ID), nil))
			c.Events = append(slices.Clone(c.Events), again)
		}
	})},
	{name: "hands-out-events-in-another-order", store: func(s assessplan.Store) assessplan.Store {
		kept := map[uuid.UUID]assessplan.OutboxEvent{}
		return altered{s, func(r repositories) repositories { return swapping{r, kept} }}
	}},
	{name: "keeps-the-events-of-a-rollback", store: func(s assessplan.Store) assessplan.Store { return unrolled{s} }},
	{name: "leaves-the-events-of-who-is-erased", alter: func(r repositories) repositories { return remembering{r} }},
	{name: "delivers-what-was-settled-again", store: func(s assessplan.Store) assessplan.Store { return &repeating{Store: s} }},
}

// losing loses the last event of a save.
type losing struct{ repositories }

func (l losing) SaveTasks(ctx context.Context, changes []taskChange) error {
	changes = slices.Clone(changes)
	if last := &changes[len(changes)-1]; len(last.Events) > 0 {
		last.Events = last.Events[:len(last.Events)-1]
	}
	return l.repositories.SaveTasks(ctx, changes)
}

// swapping keeps the first event that a task was opened back until a later one of the same task is claimed, or nothing else is.
type swapping struct {
	repositories
	kept map[uuid.UUID]assessplan.OutboxEvent
}

func (s swapping) ClaimEvents(ctx context.Context, q assessplan.ClaimQuery) ([]assessplan.OutboxEvent, error) {
	claimed, err := s.repositories.ClaimEvents(ctx, q)
	var handed []assessplan.OutboxEvent
	for _, e := range claimed {
		if e.Type == assessplan.TypeTaskOpened {
			s.kept[e.Subject] = e
			_, err = s.SettleEvents(ctx, []assessplan.Settlement{{ID: e.ID, Attempts: e.Attempts, Outcome: assessplan.Delete}})
			continue
		}
		handed = append(handed, e)
		if before, is := s.kept[e.Subject]; is {
			handed = append(handed, before)
			delete(s.kept, e.Subject)
		}
	}
	if len(handed) == 0 {
		handed = slices.Collect(maps.Values(s.kept))
		clear(s.kept)
	}
	return handed, err
}

// unrolled stores the events of tasks although their transaction was taken back.
type unrolled struct{ assessplan.Store }

func (s unrolled) Update(ctx context.Context, fn func(context.Context, repositories) error) error {
	var written []assessplan.Event
	err := s.Store.Update(ctx, func(ctx context.Context, r repositories) error {
		written = nil
		return fn(ctx, noting{r, &written})
	})
	if err == nil || len(written) == 0 {
		return err
	}
	_ = s.Store.Update(ctx, func(ctx context.Context, r repositories) error { // erasing nobody is how to store bare events
		return r.EraseTestee(ctx, assessplan.Erasure{Org: written[0].Org, Testee: "nobody", Pseudonym: "nobody-else", Events: written})
	})
	return err
}

// noting notes the events that are written.
type noting struct {
	repositories
	written *[]assessplan.Event
}

func (n noting) SaveEnrollments(ctx context.Context, changes []assessplan.EnrollmentChange) error {
	for _, c := range changes {
		*n.written = append(*n.written, c.Events...)
	}
	return n.repositories.SaveEnrollments(ctx, changes)
}

func (n noting) SaveTasks(ctx context.Context, changes []taskChange) error {
	for _, c := range changes {
		*n.written = append(*n.written, c.Events...)
	}
	return n.repositories.SaveTasks(ctx, changes)
}

// remembering erases a person under a name that nobody has, so that events stay, and then moves what the erasure would have
// moved.
type remembering struct{ repositories }

func (r remembering) EraseTestee(ctx context.Context, e assessplan.Erasure) error {
	rounds, err := r.FindRounds(ctx, e.Org, assessplan.PlanID{}, e.Testee)
	if err != nil {
		return err
	}
	for _, round := range rounds {
		kept := round
		kept.Testee = e.Pseudonym
		tasks, err := r.ListTasks(ctx, assessplan.TaskQuery{Org: e.Org, Enrollment: round.ID, Limit: 1000})
		if err != nil {
			return err
		}
		changes := make([]taskChange, len(tasks))
		for i, task := range tasks {
			changes[i] = taskChange{State: task, Was: task.Version}
			changes[i].State.Testee = e.Pseudonym
		}
		if err := r.SaveEnrollments(ctx, []assessplan.EnrollmentChange{{State: kept, Was: round.Version}}); err != nil {
			return err
		}
		if err := r.SaveTasks(ctx, changes); err != nil {
			return err
		}
	}
	return r.repositories.EraseTestee(ctx, e)
}

// repeating hands out an event again that was settled, once in a while.
type repeating struct {
	assessplan.Store
	claims int
	last   *assessplan.OutboxEvent
}

func (s *repeating) Update(ctx context.Context, fn func(context.Context, repositories) error) error {
	return s.Store.Update(ctx, func(ctx context.Context, r repositories) error { return fn(ctx, again{r, s}) })
}

type again struct {
	repositories
	store *repeating
}

func (a again) ClaimEvents(ctx context.Context, q assessplan.ClaimQuery) ([]assessplan.OutboxEvent, error) {
	claimed, err := a.repositories.ClaimEvents(ctx, q)
	a.store.claims++
	if a.store.claims%5 == 0 && a.store.last != nil && len(claimed) > 0 {
		claimed = append(claimed, *a.store.last)
	}
	if a.store.last == nil && len(claimed) > 0 {
		a.store.last = &claimed[0]
	}
	return claimed, err
}
