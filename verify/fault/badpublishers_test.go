package fault_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/assessplan/assessplan"
)

var errBroker = errors.New("no connection to the broker")

// sightings count how often a publisher was given an event.
type sightings struct {
	mu   sync.Mutex
	seen map[assessplan.EventID]int
}

func newSightings() *sightings { return &sightings{seen: map[assessplan.EventID]int{}} }

// first returns those of events that are given for the first time.
func (s *sightings) first(events []assessplan.Event) (first map[assessplan.EventID]error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first = map[assessplan.EventID]error{}
	for _, event := range events {
		if s.seen[event.ID]++; s.seen[event.ID] == 1 {
			first[event.ID] = errBroker
		}
	}
	return first
}

// atFirst misbehaves with every call that has an event for the first time, and takes what it was given before.
func atFirst(misbehave behaviour) behaviour {
	seen := newSightings()
	return func(ctx context.Context, events []assessplan.Event, take func(...assessplan.Event)) error {
		if len(seen.first(events)) > 0 {
			return misbehave(ctx, events, take)
		}
		take(events...)
		return nil
	}
}

// badPublishers are the ways in which a publisher fails. Each gets every event at last. most is the most calls that the
// relay may make for one event, on the average.
var badPublishers = map[string]struct {
	behave func() behaviour
	most   int
}{
	"is down for every new event": {func() behaviour {
		return atFirst(func(context.Context, []assessplan.Event, func(...assessplan.Event)) error { return errBroker })
	}, 2},
	"refuses every new event": {func() behaviour {
		seen := newSightings()
		return func(_ context.Context, events []assessplan.Event, take func(...assessplan.Event)) error {
			refused := seen.first(events)
			for _, event := range events {
				if refused[event.ID] == nil {
					take(event)
				}
			}
			return &assessplan.PublishError{Failed: refused} // also if it is empty
		}
	}, 2},
	"refuses events that it was not given": {func() behaviour {
		return func(_ context.Context, events []assessplan.Event, take func(...assessplan.Event)) error {
			take(events...)
			return &assessplan.PublishError{Failed: map[assessplan.EventID]error{{1}: errBroker}}
		}
	}, 1},
	"delivers twice": {func() behaviour {
		return func(_ context.Context, events []assessplan.Event, take func(...assessplan.Event)) error {
			take(events...)
			take(events...)
			return nil
		}
	}, 1},
	"delivers and says that it failed": {func() behaviour {
		return atFirst(func(_ context.Context, events []assessplan.Event, take func(...assessplan.Event)) error {
			take(events...)
			return errBroker
		})
	}, 2},
	"delivers a half and fails": {func() behaviour {
		return atFirst(func(_ context.Context, events []assessplan.Event, take func(...assessplan.Event)) error {
			take(events[:len(events)/2]...)
			return errBroker
		})
	}, 2},
	"delivers and refuses": {func() behaviour {
		seen := newSightings()
		return func(_ context.Context, events []assessplan.Event, take func(...assessplan.Event)) error {
			take(events...)
			if refused := seen.first(events); len(refused) > 0 {
				return &assessplan.PublishError{Failed: refused}
			}
			return nil
		}
	}, 2},
	"panics": {func() behaviour {
		return atFirst(func(context.Context, []assessplan.Event, func(...assessplan.Event)) error { panic("out of memory") })
	}, 2},
	"delivers and ends its goroutine": {func() behaviour {
		return atFirst(func(_ context.Context, events []assessplan.Event, take func(...assessplan.Event)) error {
			take(events...)
			runtime.Goexit()
			return nil
		})
	}, 2},
	"is slow": {func() behaviour {
		return func(_ context.Context, events []assessplan.Event, take func(...assessplan.Event)) error {
			time.Sleep(9 * time.Second)
			take(events...)
			return nil
		}
	}, 2},
	"does not answer in time": {func() behaviour {
		return atFirst(func(ctx context.Context, events []assessplan.Event, take func(...assessplan.Event)) error {
			take(events[0])
			<-ctx.Done()
			return ctx.Err()
		})
	}, 2},
	"hangs and delivers at last": {func() behaviour {
		calls := 0
		return func(_ context.Context, events []assessplan.Event, take func(...assessplan.Event)) error {
			if calls++; calls == 3 || calls == 12 {
				time.Sleep(20 * time.Minute)
			}
			take(events...)
			return nil
		}
	}, 2},
}
