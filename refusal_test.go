package assessplan_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

// naming is what a publisher says that refused events.
func naming(events ...assessplan.Event) *assessplan.PublishError {
	failed := map[assessplan.EventID]error{}
	for _, event := range events {
		failed[event.ID] = errors.New("refused")
	}
	return &assessplan.PublishError{Failed: failed}
}

// TestOnlyAPublishErrorThatDoesNotNameAllConfirmsTheOthers has publishers that say "none was taken" in many ways.
func TestOnlyAPublishErrorThatDoesNotNameAllConfirmsTheOthers(t *testing.T) {
	for name, say := range map[string]func(events []assessplan.Event) error{
		"the relay's own error": func([]assessplan.Event) error {
			return &assessplan.PublisherError{Code: "x", Cause: errors.New("down")}
		},
		"the relay's own error without a code": func([]assessplan.Event) error { return &assessplan.PublisherError{} },
		"no relay's error in an interface":     func([]assessplan.Event) error { return (*assessplan.PublisherError)(nil) },
		"no publish error in an interface":     func([]assessplan.Event) error { return (*assessplan.PublishError)(nil) },
		"one that names all":                   func(events []assessplan.Event) error { return naming(events...) },
		"one that is joined with another": func(events []assessplan.Event) error {
			return errors.Join(naming(events[0]), errors.New("the other broker is down"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, _, seen := relaying(t, func(s *setup) {
				s.config.Relay.MaxFailures = 1
				s.config.Publisher = publishing(func(_ context.Context, events []assessplan.Event) error { return say(events) })
			})
			f.rounds(f.plan(daily(1)), 3)
			for range 5 {
				report, err := f.relay.RelayEvents(f.ctx)
				require.ErrorIs(t, err, assessplan.ErrUnavailable)
				require.Zero(t, report.Published)
				f.clock.Add(time.Hour)
			}
			require.Equal(t, 4, f.outbox().Pending)
			require.Empty(t, plantest.Observed[*assessplan.EventParked](seen))
		})
	}
}

func TestWrappedPublishErrorConfirmsTheOthers(t *testing.T) {
	f, _, _ := relaying(t, func(s *setup) {
		s.config.Publisher = publishing(func(_ context.Context, events []assessplan.Event) error {
			return fmt.Errorf("to the broker: %w", naming(events[0]))
		})
	})
	f.rounds(f.plan(daily(1)), 3)
	report := f.relayed()
	require.Equal(t, 3, report.Published)
	require.Equal(t, 1, report.Refused)
}

// TestPublishErrorThatNamesNoneConfirmsAll is what a publisher returns that collects failures and never looks how many.
func TestPublishErrorThatNamesNoneConfirmsAll(t *testing.T) {
	for name, say := range map[string]error{"none": naming(), "none of these": naming(assessplan.Event{ID: assessplan.EventID{1}})} {
		f, _, _ := relaying(t, func(s *setup) {
			s.config.Publisher = publishing(func(context.Context, []assessplan.Event) error { return say })
		})
		f.plan(daily(1))
		require.Equal(t, 1, f.relayed().Published, name)
	}
}

// TestSlowBrokerParksNothing has a publisher that names what it did not come to in time.
func TestSlowBrokerParksNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := &plantest.Publisher{}
		f, _, seen := relaying(t, func(s *setup) {
			s.config.Relay.MaxFailures = 1
			s.config.Publisher = publishing(func(ctx context.Context, events []assessplan.Event) error {
				for i, event := range events {
					select {
					case <-time.After(4 * time.Second):
						if err := up.Publish(context.WithoutCancel(ctx), event); err != nil {
							return err
						}
					case <-ctx.Done():
						return naming(events[i:]...)
					}
				}
				return nil
			})
		})
		f.rounds(f.plan(daily(1)), 9)
		f.relayed()
		require.Empty(t, plantest.Observed[*assessplan.EventParked](seen))
		require.Len(t, up.Events(), 10)
		requireOrder(t, up.Events())
	})
}

// TestQuietOutboxParksNothingWhileTheBrokerIsDown has a new event every five minutes, each of which is refused alone.
func TestQuietOutboxParksNothingWhileTheBrokerIsDown(t *testing.T) {
	publisher := publishing(refuseAll)
	f, up, seen := relaying(t, func(s *setup) { s.config.Publisher, s.config.Relay.MaxFailures = publisher, 2 })
	for minute := range 60 {
		if minute%5 == 0 {
			f.beside()
		}
		_, err := f.relay.RelayEvents(f.ctx)
		if err != nil {
			require.ErrorIs(t, err, assessplan.ErrUnavailable)
		}
		f.clock.Add(time.Minute)
	}
	publisher.passOn(up)
	f.clock.Add(10 * time.Minute)
	f.relayed()
	require.Len(t, up.Events(), 12)
	require.Empty(t, plantest.Observed[*assessplan.EventParked](seen))
}

// TestManyPoisonedEventsHideNoOther has a publisher whose calls fail as a whole because of events at the head of the outbox.
func TestManyPoisonedEventsHideNoOther(t *testing.T) {
	up := &plantest.Publisher{}
	f, _, seen := relaying(t, func(s *setup) {
		s.config.Publisher = publishing(func(ctx context.Context, events []assessplan.Event) error {
			if slices.ContainsFunc(events, ofClinicsPlan) {
				return errors.New("too large")
			}
			return up.Publish(ctx, events...)
		})
	})
	const poisoned = 100
	for range poisoned {
		f.plan(daily(1))
	}
	for range 6 * 120 { // six hours
		f.beside()
		_, err := f.relay.RelayEvents(f.ctx)
		if err != nil {
			require.ErrorIs(t, err, assessplan.ErrUnavailable)
		}
		f.clock.Add(30 * time.Second)
	}
	require.Greater(t, len(up.Events()), 6*120-50)
	require.Len(t, plantest.Observed[*assessplan.EventParked](seen), poisoned, "others were taken meanwhile")
}

// TestBrokerThatDiesAmidABatchCostsNoEvent takes three events, one by one, and then none.
func TestBrokerThatDiesAmidABatchCostsNoEvent(t *testing.T) {
	left, up := 3, &plantest.Publisher{}
	f, _, seen := relaying(t, func(s *setup) {
		s.config.Relay.MaxFailures = 1
		s.config.Publisher = publishing(func(ctx context.Context, events []assessplan.Event) error {
			if len(events) > 1 || left == 0 {
				return errors.New("no connection")
			}
			left--
			return up.Publish(ctx, events...)
		})
	})
	f.rounds(f.plan(daily(1)), 20)
	report, err := f.relay.RelayEvents(f.ctx)
	require.ErrorIs(t, err, assessplan.ErrUnavailable)
	require.Equal(t, 3, report.Published)
	require.Empty(t, plantest.Observed[*assessplan.EventParked](seen))
	require.Equal(t, 18, f.outbox().Pending)
}

// TestStoppingCostsNoEvent stops a relay while it publishes events one by one.
func TestStoppingCostsNoEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls, up := 0, &plantest.Publisher{}
		f, _, seen := relaying(t, func(s *setup) {
			s.config.Relay.MaxFailures = 1
			s.config.Publisher = publishing(func(ctx context.Context, events []assessplan.Event) error {
				if calls++; len(events) > 1 {
					return errors.New("one by one, please")
				}
				if calls > 3 {
					<-ctx.Done()
					return naming(events...)
				}
				return up.Publish(ctx, events...)
			})
		})
		f.rounds(f.plan(daily(1)), 5)
		f.started()()
		require.Len(t, up.Events(), 2)
		require.Empty(t, plantest.Observed[*assessplan.EventParked](seen))
		require.Len(t, f.events(), 4, "given back")
	})
}

// TestObservationsOfARelayShowNoSecret writes them as a host's JSON log would.
func TestObservationsOfARelayShowNoSecret(t *testing.T) {
	event := assessplan.OutboxEvent{Event: assessplan.Event{Data: []byte(`"` + secret + `"`)}, Attempts: 7}
	failed := &assessplan.PublisherError{Code: assessplan.FailurePublish, Cause: errors.New(secret)}
	for _, o := range []any{event, &event, &assessplan.EventParked{Event: event}, &assessplan.EventRecovered{Event: event},
		&assessplan.RelayFinished{Report: &assessplan.RelayReport{}, Err: failed}, failed} {
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("observed", "value", o)
		require.NotContains(t, log.String(), secret, "%T", o)
		require.NotContains(t, fmt.Sprintf("%v %+v %s", o, o, o), secret, "%T", o)
	}
	text, err := json.Marshal(event)
	require.NoError(t, err)
	require.Contains(t, string(text), `"attempts":7`)
}
