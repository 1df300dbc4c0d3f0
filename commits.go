package assessplan

import (
	"context"
	"slices"
)

// tellingStore tells of every commit: the relay, that there may be events, and the Observer, which tasks were stored.
type tellingStore struct {
	Store
	core  *core
	relay *Relay
}

func (s *tellingStore) Update(ctx context.Context, fn func(ctx context.Context, r Repositories) error) error {
	var saved []TaskChange
	err := s.Store.Update(ctx, func(ctx context.Context, r Repositories) error {
		if s.core.config.Observer != nil {
			saved = nil // of a run before, which was rolled back
			r = &notedRepositories{Repositories: r, saved: &saved}
		}
		return fn(ctx, r)
	})
	if err != nil {
		return err
	}
	s.relay.Nudge()
	if len(saved) > 0 {
		s.core.observe(ctx, &TasksStored{Changes: saved})
	}
	return nil
}

// notedRepositories notes which tasks a transaction saves. It copies nothing unless there are several saves: what the core
// gives to one, it does not use again before the transaction is over.
type notedRepositories struct {
	Repositories
	saved *[]TaskChange
}

func (r *notedRepositories) SaveTasks(ctx context.Context, changes []TaskChange) error {
	err := r.Repositories.SaveTasks(ctx, changes)
	switch {
	case err != nil:
	case len(*r.saved) == 0:
		*r.saved = slices.Clip(changes)
	default:
		*r.saved = append(*r.saved, changes...)
	}
	return err
}
