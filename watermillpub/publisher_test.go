package watermillpub_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/watermillpub"
)

// brokerError is what a broker says, with more than may be shown.
type brokerError struct{ code string }

func (e *brokerError) Error() string { return e.code + ": " + secretHost + " " + string(secretTestee) }

// some returns so many events, each of a task of its own.
func some(t testing.TB, n int) []assessplan.Event {
	t.Helper()
	event := opened(t)
	events := make([]assessplan.Event, n)
	for i := range events {
		events[i] = event
		events[i].ID, events[i].Subject = assessplan.EventID(number(i+1)), number(i+1)
		events[i].Data = withMembers(t, event.Data, map[string]any{"id": events[i].ID, "subject": events[i].Subject})
	}
	return events
}

func number(n int) uuid.UUID { return uuid.UUID{14: byte(n >> 8), 15: byte(n)} }

// refusing answers with err for these events.
func refusing(err error, events ...assessplan.Event) func(string, *message.Message) error {
	return func(_ string, m *message.Message) error {
		if slices.ContainsFunc(events, func(e assessplan.Event) bool { return e.ID.String() == m.UUID }) {
			return err
		}
		return nil
	}
}

func TestWhatBecomesOfACall(t *testing.T) {
	events := some(t, 40)
	unfit := slices.Clone(events)
	unfit[7].Data = []byte(`{"specversion":"1.0"`)
	topicless := func(e assessplan.Event) string {
		if e.ID == events[7].ID {
			return ""
		}
		return "topic"
	}
	panics := func(assessplan.Event) string { panic(secretHost) }
	panicsAtTheEnd := func(e assessplan.Event) string {
		if slices.ContainsFunc(events[37:], func(last assessplan.Event) bool { return e.ID == last.ID }) {
			panic(secretHost)
		}
		return "topic"
	}
	cause := &brokerError{"too large"}
	down := func(string, *message.Message) error { return cause }
	for name, row := range map[string]struct {
		config      watermillpub.Config
		events      []assessplan.Event
		answer      func(string, *message.Message) error
		taken       int
		refused     []assessplan.Event
		unavailable int  // of those that are named
		plain       bool // the error names none
	}{
		"all are taken":                        {events: events, taken: 40},
		"one at a time":                        {events: events, taken: 40, config: watermillpub.Config{Concurrency: 1}},
		"some are refused":                     {events: events, answer: refusing(cause, events[3], events[30]), taken: 38, refused: []assessplan.Event{events[3], events[30]}},
		"one cannot be a message":              {events: unfit, taken: 39, refused: unfit[7:8]},
		"one panics":                           {events: events, answer: panicking(events[7]), taken: 39, refused: events[7:8]},
		"one has no topic":                     {events: events, config: watermillpub.Config{Topic: topicless}, taken: 39, refused: events[7:8]},
		"its topic panics for all":             {events: events, config: watermillpub.Config{Topic: panics}, refused: events},
		"its topic panics for the last ones":   {events: events, config: watermillpub.Config{Topic: panicsAtTheEnd}, taken: 37, refused: events[37:]},
		"nothing else than what is no message": {events: unfit[7:8], refused: unfit[7:8]},
		"the broker is down":                   {events: events, answer: down, plain: true},
		"it is down, and one is no message":    {events: unfit, answer: down, plain: true},
		"three in a row are refused":           {events: events, config: watermillpub.Config{Concurrency: 1}, answer: refusing(cause, events[10:13]...), taken: 37, refused: events[10:13]},
		"four in a row": {events: events, config: watermillpub.Config{Concurrency: 1}, answer: refusing(cause, events[10:]...),
			taken: 10, unavailable: 30},
		"one before": {events: events, config: watermillpub.Config{Concurrency: 1},
			answer: refusing(cause, append(slices.Clone(events[10:]), events[2])...), taken: 9, refused: events[2:3], unavailable: 30},
		"the last ones are not taken": {events: events, answer: refusing(cause, events[37:]...), taken: 37, unavailable: 3},
		"the publisher says itself that it is unavailable": {events: events, taken: 39, unavailable: 1,
			answer: refusing(fmt.Errorf("closed: %w", assessplan.ErrUnavailable), events[7])},
	} {
		t.Run(name, func(t *testing.T) {
			broker := &recorder{answer: row.answer}
			publisher, err := watermillpub.New(broker, &row.config)
			require.NoError(t, err)
			err = publisher.Publish(t.Context(), row.events...)
			require.Len(t, broker.all(), row.taken)
			if row.plain {
				requirePlain(t, err, cause)
				return
			}
			requireNamed(t, err, row.refused, row.unavailable)
		})
	}
}

func panicking(event assessplan.Event) func(string, *message.Message) error {
	return func(_ string, m *message.Message) error {
		if m.UUID == event.ID.String() {
			panic(secretHost)
		}
		return nil
	}
}

// requirePlain checks the error of a call that delivered nothing: it names no event, and shows nothing of its cause.
func requirePlain(t *testing.T, err, cause error) {
	t.Helper()
	var named *assessplan.PublishError
	require.False(t, errors.As(err, &named))
	require.ErrorIs(t, err, assessplan.ErrUnavailable)
	require.ErrorIs(t, err, cause)
	requireSecrecy(t, fmt.Sprintf("%v %+v", err, err))
}

// requireNamed checks that an error names these events as refused, and so many others as unavailable.
func requireNamed(t *testing.T, err error, refused []assessplan.Event, unavailable int) {
	t.Helper()
	if len(refused)+unavailable == 0 {
		require.NoError(t, err)
		return
	}
	var named *assessplan.PublishError
	require.ErrorAs(t, err, &named)
	require.Len(t, named.Failed, len(refused)+unavailable)
	for _, event := range refused {
		require.Error(t, named.Failed[event.ID])
		require.NotErrorIs(t, named.Failed[event.ID], assessplan.ErrUnavailable)
	}
	for id, err := range named.Failed {
		requireSecrecy(t, fmt.Sprintf("%v %+v", err, err))
		if !slices.ContainsFunc(refused, func(e assessplan.Event) bool { return e.ID == id }) {
			require.ErrorIs(t, err, assessplan.ErrUnavailable)
		}
	}
}

func TestDyingBrokerIsNotAskedOnAndOn(t *testing.T) {
	var asked atomic.Int32
	broker := &recorder{answer: func(string, *message.Message) error {
		if asked.Add(1) > 20 {
			return errors.New("connection reset")
		}
		return nil
	}}
	publisher, err := watermillpub.New(broker, &watermillpub.Config{Concurrency: 8})
	require.NoError(t, err)
	requireNamed(t, publisher.Publish(t.Context(), some(t, 500)...), nil, 480)
	require.LessOrEqual(t, int(asked.Load()), 20+8+7, "eight failed in a row, while seven others were on their way")
}

func TestEventsOfOneCallArePublishedAtOnce(t *testing.T) {
	events := some(t, 23)
	synctest.Test(t, func(t *testing.T) {
		broker := &recorder{answer: func(string, *message.Message) error { time.Sleep(time.Second); return nil }}
		publisher, err := watermillpub.New(broker, &watermillpub.Config{Concurrency: 5})
		require.NoError(t, err)
		began := time.Now()
		require.NoError(t, publisher.Publish(t.Context(), events...))
		require.Equal(t, 5*time.Second, time.Since(began), "23 of which 5 go at once")
	})
}

func TestNothingIsBegunAfterTheContextEnded(t *testing.T) {
	events := some(t, 23)
	synctest.Test(t, func(t *testing.T) {
		broker := &recorder{answer: func(_ string, m *message.Message) error {
			time.Sleep(time.Second)
			return m.Context().Err() // as a Publisher does that looks at it
		}}
		publisher, err := watermillpub.New(broker, &watermillpub.Config{Concurrency: 5})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		began := time.Now()
		requireNamed(t, publisher.Publish(ctx, events...), nil, 13)
		require.Equal(t, 3*time.Second, time.Since(began), "what was begun is waited for")
		require.Len(t, broker.all(), 10)

		err = publisher.Publish(ctx, events[:2]...)
		require.ErrorIs(t, err, assessplan.ErrUnavailable)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Len(t, broker.all(), 10)
	})
}

// TestEventThatFailsAsTheContextEndsWasNotRefused has one event hang until the end, while those behind it are taken.
func TestEventThatFailsAsTheContextEndsWasNotRefused(t *testing.T) {
	events := some(t, 5)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var taken atomic.Int32
	broker := &recorder{answer: func(_ string, m *message.Message) error {
		if m.UUID == events[0].ID.String() {
			<-m.Context().Done()
			return m.Context().Err()
		}
		if taken.Add(1) == 4 {
			cancel()
		}
		return nil
	}}
	publisher, err := watermillpub.New(broker, nil)
	require.NoError(t, err)
	requireNamed(t, publisher.Publish(ctx, events...), nil, 1)
}

func TestPublisherThatEndsItsGoroutine(t *testing.T) {
	events := some(t, 12)
	broker := &recorder{answer: func(_ string, m *message.Message) error {
		if m.UUID == events[3].ID.String() {
			runtime.Goexit()
		}
		return nil
	}}
	publisher, err := watermillpub.New(broker, &watermillpub.Config{Concurrency: 2})
	require.NoError(t, err)
	requireNamed(t, publisher.Publish(t.Context(), events...), events[3:4], 0)
}

func TestLogTellsWhatWasRefusedAndNothingOfIt(t *testing.T) {
	events := some(t, 10)
	for name, row := range map[string]struct {
		explain func(error) string
		says    string
	}{
		"by the type of the error":  {nil, "*watermillpub_test.brokerError"},
		"by what the host knows it": {func(error) string { return "nats: maximum payload exceeded" }, "maximum payload"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			broker := &recorder{answer: refusing(fmt.Errorf("sending: %w", &brokerError{"too large"}), events[4])}
			publisher, err := watermillpub.New(broker, &watermillpub.Config{Explain: row.explain,
				Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
			require.NoError(t, err)
			require.Error(t, publisher.Publish(t.Context(), events...))
			require.Equal(t, 1, strings.Count(log.String(), "\n"))
			for _, word := range []string{`"WARN"`, "event refused", `"event":"` + events[4].ID.String() + `"`, `"type":"task.opened"`,
				`"topic":"assessplan.task.opened"`, row.says} {
				require.True(t, strings.Contains(log.String(), word), word)
			}
			requireSecrecy(t, log.String())
		})
	}
}

func TestLogTellsOnceThatTheBrokerIsDown(t *testing.T) {
	var log bytes.Buffer
	var down atomic.Bool
	broker := &recorder{answer: func(string, *message.Message) error {
		if down.Load() {
			return &brokerError{"no connection"}
		}
		return nil
	}}
	publisher, err := watermillpub.New(broker, &watermillpub.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	for _, is := range []bool{false, true, true, true, false, false} {
		down.Store(is)
		_ = publisher.Publish(t.Context(), some(t, 3)...)
	}
	require.Equal(t, 1, strings.Count(log.String(), "level=WARN"))
	require.Equal(t, 1, strings.Count(log.String(), "takes events again"))
	require.Equal(t, 2, strings.Count(log.String(), "\n"))
	requireSecrecy(t, log.String())
}
