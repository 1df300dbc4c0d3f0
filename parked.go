package assessplan

import "context"

// ParkedPage is a page of parked events.
type ParkedPage struct {
	Events []OutboxEvent
	Next   int64 // ParkedQuery.After of the next page; zero if there is none
}

// ListParkedEvents returns a page of the events that were parked, of all orgs, in the order in which they were stored. It is
// for operators; the Data of an event may hold an entry URL.
func (r *Relay) ListParkedEvents(ctx context.Context, q ParkedQuery) (ParkedPage, error) {
	limit := oneMore(&q.Limit)
	var events []OutboxEvent
	err := r.store.View(ctx, func(ctx context.Context, repositories Repositories) (err error) {
		events, err = repositories.ListParkedEvents(ctx, q)
		return err
	})
	events, last := cutPage(events, limit)
	return ParkedPage{Events: events, Next: last.Position}, err
}

// OutboxStats counts what is not settled.
func (r *Relay) OutboxStats(ctx context.Context) (stats OutboxStats, err error) {
	err = r.store.View(ctx, func(ctx context.Context, repositories Repositories) (err error) {
		stats, err = repositories.OutboxStats(ctx, r.core.now())
		return err
	})
	return stats, err
}

// Retry takes up parked events again: they are ready at once, and as often refused as a new one before they are parked again.
// It takes up all that are named or none: [ErrNotFound] names one that is not parked, or no longer.
func (r *Relay) Retry(ctx context.Context, ids ...EventID) (err error) {
	defer r.core.command(ctx, "retry_events").ended(&err)
	return r.settleParked(ctx, ids, Retry)
}

// Discard gives up parked events: nobody will be told of them, and the later ones of their subjects are published. It gives
// up all that are named or none, as Retry.
func (r *Relay) Discard(ctx context.Context, ids ...EventID) (err error) {
	defer r.core.command(ctx, "discard_events").ended(&err)
	return r.settleParked(ctx, ids, Delete)
}

func (r *Relay) settleParked(ctx context.Context, ids []EventID, outcome Outcome) error {
	if len(ids) == 0 {
		return Invalid("ids", "are missing; name the parked events")
	}
	var found []OutboxEvent
	err := r.store.Update(ctx, func(ctx context.Context, repositories Repositories) (err error) {
		if found, err = findParked(ctx, repositories, ids); err != nil {
			return err
		}
		settlements := make([]Settlement, len(found))
		for i := range found {
			settlements[i] = Settlement{ID: found[i].ID, Attempts: found[i].Attempts, Outcome: outcome}
		}
		settled, err := repositories.SettleEvents(ctx, settlements)
		if err == nil && settled < len(found) {
			err = errorf(ErrConflict, "%d of the events were settled by somebody else meanwhile; list them again", len(found)-settled)
		}
		return err
	})
	if err != nil {
		return err
	}
	r.Nudge()
	for i := range found {
		r.core.observe(ctx, &EventRecovered{Event: found[i], Discarded: outcome == Delete})
	}
	return nil
}

// findParked walks through what is parked until it has met all.
func findParked(ctx context.Context, r Repositories, ids []EventID) (found []OutboxEvent, err error) {
	missing := make(map[EventID]bool, len(ids))
	for _, id := range ids {
		missing[id] = true
	}
	for q := (ParkedQuery{Limit: MaxListLimit}); len(missing) > 0; {
		page, err := r.ListParkedEvents(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, event := range page {
			if missing[event.ID] {
				found = append(found, event)
				delete(missing, event.ID)
			}
			q.After = event.Position
		}
		if len(page) == 0 {
			break
		}
	}
	for id := range missing {
		return nil, errorf(ErrNotFound, "event %s is not parked", id)
	}
	return found, nil
}
