package plantest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

var errBroker = errors.New("broker said no")

func event(n byte, kind assessplan.EventType) assessplan.Event {
	return assessplan.Event{ID: assessplan.EventID{15: n}, Type: kind, Data: []byte(`{"secret":"link"}`)}
}

var (
	opened1   = event(1, assessplan.TypeTaskOpened)
	expired2  = event(2, assessplan.TypeTaskExpired)
	opened3   = event(3, assessplan.TypeTaskOpened)
	allEvents = []assessplan.Event{opened1, expired2, opened3}
)

func TestPublisherKeepsWhatItIsGiven(t *testing.T) {
	publisher := &plantest.Publisher{}
	require.NoError(t, publisher.Publish(t.Context(), opened1, expired2))
	require.NoError(t, publisher.Publish(t.Context(), opened3, opened3))
	require.Equal(t, []assessplan.Event{opened1, expired2, opened3, opened3}, publisher.Events())
	require.Equal(t, []assessplan.Event{expired2}, publisher.Events(assessplan.TypeTaskExpired))
	require.Len(t, publisher.Events(assessplan.TypeTaskExpired, assessplan.TypeTaskOpened), 4)
	require.Empty(t, publisher.Events(assessplan.TypePlanPaused))
}

func TestPublisherFailsOnCommand(t *testing.T) {
	type answer struct {
		err    error                        // of the whole call
		failed map[assessplan.EventID]error // of a PublishError
	}
	wholly := func(err error) answer { return answer{err: err} }
	partly := func(events ...assessplan.Event) answer {
		failed := map[assessplan.EventID]error{}
		for _, e := range events {
			failed[e.ID] = errBroker
		}
		return answer{failed: failed}
	}
	good := answer{}
	for _, test := range []struct {
		name    string
		order   func(p *plantest.Publisher)
		answers []answer // to publishing all events, once after the other
	}{
		{"not at all", func(*plantest.Publisher) {}, []answer{good, good}},
		{"a whole call once", func(p *plantest.Publisher) { p.Fail(1, errBroker) }, []answer{wholly(errBroker), good}},
		{"whole calls twice", func(p *plantest.Publisher) { p.Fail(2, errBroker) }, []answer{wholly(errBroker), wholly(errBroker), good}},
		{"as unavailable, if no error is given", func(p *plantest.Publisher) { p.Fail(1, nil) }, []answer{wholly(assessplan.ErrUnavailable), good}},
		{"always", func(p *plantest.Publisher) { p.Fail(plantest.Always, errBroker) }, []answer{wholly(errBroker), wholly(errBroker), wholly(errBroker)}},
		{"one event by its ID", func(p *plantest.Publisher) { p.FailEvents(1, plantest.WithID(expired2.ID), errBroker) }, []answer{partly(expired2), good}},
		{"events of a type, each time one comes", func(p *plantest.Publisher) {
			p.FailEvents(3, plantest.OfType(assessplan.TypeTaskOpened), errBroker)
		}, []answer{partly(opened1, opened3), partly(opened1), good}},
		{"in several ways, the first order first", func(p *plantest.Publisher) {
			p.FailEvents(plantest.Always, plantest.WithID(opened3.ID), errBroker)
			p.Fail(1, errBroker)
		}, []answer{wholly(errBroker), partly(opened3), partly(opened3)}},
		{"until it recovers", func(p *plantest.Publisher) {
			p.Fail(plantest.Always, errBroker)
			p.Recover()
		}, []answer{good}},
	} {
		t.Run(test.name, func(t *testing.T) {
			publisher := &plantest.Publisher{}
			test.order(publisher)
			for _, want := range test.answers {
				before := len(publisher.Events())
				err := publisher.Publish(t.Context(), allEvents...)
				delivered := len(publisher.Events()) - before
				var partial *assessplan.PublishError
				switch {
				case want.err != nil:
					require.ErrorIs(t, err, want.err)
					require.Zero(t, delivered)
				case want.failed != nil:
					require.ErrorAs(t, err, &partial)
					require.Equal(t, want.failed, partial.Failed)
					require.Equal(t, len(allEvents)-len(want.failed), delivered)
				default:
					require.NoError(t, err)
					require.Equal(t, len(allEvents), delivered)
				}
			}
		})
	}
}

func TestPublisherDeliversNothingAfterItsContextEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	publisher := &plantest.Publisher{}
	require.ErrorIs(t, publisher.Publish(ctx, opened1), context.Canceled)
	require.Empty(t, publisher.Events())
}

func TestPublisherOwnsWhatItKeeps(t *testing.T) {
	publisher := &plantest.Publisher{}
	mine := event(1, assessplan.TypeTaskOpened)
	require.NoError(t, publisher.Publish(t.Context(), mine))
	mine.Data[0] = 'X'
	require.Equal(t, byte('{'), publisher.Events()[0].Data[0])
}

func TestPublisherNeverPrintsItsEvents(t *testing.T) {
	publisher := &plantest.Publisher{}
	require.NoError(t, publisher.Publish(t.Context(), allEvents...))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		printed := fmt.Sprintf(verb, publisher)
		require.Equal(t, "publisher of 3 events", printed)
		require.NotContains(t, strings.ToLower(fmt.Sprintf(verb, publisher.Events())), "link")
	}
}

func TestPublisherMayBeUsedByManyAtOnce(t *testing.T) {
	publisher := &plantest.Publisher{}
	publisher.FailEvents(10, plantest.OfType(assessplan.TypeTaskExpired), nil)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				_ = publisher.Publish(t.Context(), allEvents...)
				_ = publisher.Events()
			}
		})
	}
	group.Wait()
	require.Len(t, publisher.Events(), 8*50*3-10)
}
