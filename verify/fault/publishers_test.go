package fault_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

func TestPublisherMisbehaves(t *testing.T) {
	for name, bad := range badPublishers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, setup{store: memstore.New()})
				h.broker.become(bad.behave())
				h.tell(nil)
				require.Empty(t, h.audit(allowance{deliveries: 100, repeats: 12}))
				require.LessOrEqual(t, h.broker.called(), bad.most*len(newSightings().first(h.broker.events())))
			})
		})
	}
}

// TestPublisherIsDownForAnHour takes it away before each step of the story, while a relay runs in the background.
func TestPublisherIsDownForAnHour(t *testing.T) {
	for n := range story {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, setup{store: memstore.New(), relaying: true})
				tried := 0
				h.tell(func(step int) {
					if step != n {
						return
					}
					before := h.broker.called()
					h.broker.become(func(context.Context, []assessplan.Event, func(...assessplan.Event)) error { return errBroker })
					time.AfterFunc(time.Hour, func() {
						h.broker.become(nil)
						tried = h.broker.called() - before
					})
				})
				require.Empty(t, h.audit(allowance{repeats: 30}))
				require.LessOrEqual(t, tried, 3*(3600/15+10), "after the pauses have grown, it is tried every 15 seconds at most")
			})
		})
	}
}

// TestPublisherIsDownForAnHourWithABacklog counts how often it is tried, and how soon it gets everything when it is back.
func TestPublisherIsDownForAnHourWithABacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const testees = 100
		h := newHost(t, setup{store: memstore.New(), relaying: true, config: func(c *assessplan.Config) { c.Relay.PollInterval = 0 }})
		h.broker.become(func(context.Context, []assessplan.Event, func(...assessplan.Event)) error { return errBroker })
		stop := h.run()
		manyTesteesOfOnePlan(h, testees)
		time.Sleep(time.Hour)
		tried := h.broker.called()
		require.LessOrEqual(t, tried, (1+16)*(3600/15+10), "after the pauses have grown, every 15 seconds at most, and sixteen events then")
		require.GreaterOrEqual(t, tried, 3600/30, "every 30 seconds at least")
		h.broker.become(nil)
		time.Sleep(11 * time.Minute)
		stop()
		require.Empty(t, h.problems)
		require.Len(t, h.broker.events(), 1+testees)
		requireOnceEach(t, h, assessplan.TypeEnrollmentCreated, testees)
	})
}

// TestPublisherRefusesOneEvent refuses each event of the story until it is parked. The events of other subjects go on, those
// of its own wait, and all are delivered when an operator takes it up again.
func TestPublisherRefusesOneEvent(t *testing.T) {
	const most = 1
	for place := 0; place < 90; place += 7 {
		t.Run(fmt.Sprint(place), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var poison assessplan.Event
				var seen []assessplan.EventID
				refusals, healed := 0, false
				behave := func(_ context.Context, events []assessplan.Event, take func(...assessplan.Event)) error {
					failed := map[assessplan.EventID]error{}
					for _, event := range events {
						seen = append(seen, event.ID)
						if len(seen) > place && len(events) > 1 && poison.ID.IsZero() {
							poison = event // in company, so that it is its own fault
						}
						if event.ID == poison.ID && !healed {
							refusals++
							failed[event.ID] = errBroker
							continue
						}
						take(event)
					}
					if len(failed) > 0 {
						return &assessplan.PublishError{Failed: failed}
					}
					return nil
				}
				recovered := 0
				h := newHost(t, setup{store: memstore.New(),
					config: func(c *assessplan.Config) { c.Relay.MaxFailures = most },
					operator: func(h *host, s *assessplan.Service) {
						parked, err := s.Relay.ListParkedEvents(t.Context(), assessplan.ParkedQuery{})
						require.NoError(t, err)
						if len(parked.Events) == 0 {
							return
						}
						require.Len(t, parked.Events, 1)
						require.Equal(t, poison.ID, parked.Events[0].ID)
						require.GreaterOrEqual(t, refusals, most, "what was refused while nothing else was taken does not count")
						require.Less(t, refusals, 40)
						healed = true
						recovered++
						require.NoError(t, s.Relay.Retry(t.Context(), poison.ID))
					}})
				h.broker.become(behave)
				h.tell(nil)
				require.Empty(t, h.audit(allowance{repeats: 12}))
				require.Equal(t, 1, recovered)
			})
		})
	}
}

type depthKey struct{}

// TestPublisherCallsBackIntoTheService lets a worker behind the publisher query, repeat a command, run passes and relay.
func TestPublisherCallsBackIntoTheService(t *testing.T) {
	for _, background := range []bool{false, true} {
		t.Run(fmt.Sprintf("in the background %v", background), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, setup{store: memstore.New(), relaying: background})
				h.broker.become(func(ctx context.Context, events []assessplan.Event, take func(...assessplan.Event)) error {
					take(events...)
					depth, _ := ctx.Value(depthKey{}).(int)
					if depth == 2 {
						return nil
					}
					ctx = context.WithValue(ctx, depthKey{}, depth+1)
					return callBack(ctx, h.services[0], events)
				})
				h.tell(nil)
				require.Empty(t, h.audit(allowance{repeats: 20}))
			})
		})
	}
}

func callBack(ctx context.Context, s *assessplan.Service, events []assessplan.Event) error {
	for _, event := range events {
		if event.Type == assessplan.TypeTaskCanceled {
			if _, err := s.Manager.CancelTask(ctx, event.Org, assessplan.TaskID(event.Subject), ""); refuses(err) && assessplan.KindOf(err) != assessplan.KindConflict {
				return err
			}
		}
		if _, err := s.Manager.ListTasks(ctx, assessplan.TaskQuery{Org: event.Org}); err != nil {
			return err
		}
	}
	if _, err := s.Scheduler.ExpireOverdueTasks(ctx, time.Time{}); err != nil {
		return err
	}
	if _, err := s.Scheduler.SchedulePendingTasks(ctx, time.Time{}); err != nil {
		return err
	}
	_, err := s.Relay.RelayEvents(ctx)
	return err
}
