package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	wmamqp "github.com/ThreeDotsLabs/watermill-amqp/v3/pkg/amqp"
	wmnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/examples/internal/demo"
	"github.com/assessplan/assessplan/examples/internal/natstest"
	"github.com/assessplan/assessplan/examples/internal/stores"
	"github.com/assessplan/assessplan/sqlstore/sqltest"
	"github.com/assessplan/assessplan/watermillpub"
)

// The brokers that scripts/test finds or starts.
func natsURL() string { return cmp.Or(os.Getenv("ASSESSPLAN_TEST_NATS"), nats.DefaultURL) }
func rabbitURL() string {
	return cmp.Or(os.Getenv("ASSESSPLAN_TEST_RABBITMQ"), "amqp://guest:guest@127.0.0.1:5672/")
}

// due makes so many due tasks in a store.
func due(t *testing.T, store string, tasks int) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	opened, closeStore, err := stores.Open(t.Context(), store, log)
	require.NoError(t, err)
	defer func() { require.NoError(t, closeStore()) }()
	entries, err := assessplan.NewURLEntryGenerator("https://assess.example.org/fill", nil)
	require.NoError(t, err)
	service, err := assessplan.New(opened, entries, nil)
	require.NoError(t, err)
	require.NoError(t, demo.Seed(t.Context(), service.Manager, tasks, time.Now(), log))
}

// TestWorkersShareTheWorkAndOneThatIsToldToEndLosesNothing has two processes work on one database and one stream, tells one of
// them to end in the middle, and finds every task opened once, and every event in the stream once.
func TestWorkersShareTheWorkAndOneThatIsToldToEndLosesNothing(t *testing.T) {
	const tasks = 3000
	db, stream := sqltest.Postgres(t), newStream(t)
	due(t, db, tasks)
	args := []string{"--store", db, "--broker", natsURL(), "--stream", stream.name, "--schedule", "@every 1s", "--expire", "off"}
	first := start(t, args...)
	first.until(func() bool { return stream.count() > 0 })
	first.end()
	interrupted := pending(t, db)
	require.Positive(t, interrupted, "it was told in the middle")
	second, third := start(t, args...), start(t, args...)
	second.until(func() bool { return pending(t, db) < interrupted/2 })
	third.end()
	second.until(func() bool { return pending(t, db) == 0 })
	second.end()

	events := stream.events()
	require.Empty(t, wrong(openedTasks(t, db), events))
	require.Len(t, events, tasks+tasks/10+1, "of the tasks, their rounds and their plan")
}

// TestWhatIsWrongIsFound has less, more and other in a stream than should be.
func TestWhatIsWrongIsFound(t *testing.T) {
	task, other := assessplan.TaskID{1}, assessplan.TaskID{2}
	opened := func(id byte, task assessplan.TaskID) assessplan.Event {
		return assessplan.Event{ID: assessplan.EventID{id}, Type: assessplan.TypeTaskOpened, Subject: uuid.UUID(task)}
	}
	for name, test := range map[string]struct {
		events []assessplan.Event
		says   string
	}{
		"an event is not there":        {[]assessplan.Event{opened(1, task)}, "never"},
		"an event is there twice":      {[]assessplan.Event{opened(1, task), opened(2, other), opened(1, task)}, "twice"},
		"a task is opened twice":       {[]assessplan.Event{opened(1, task), opened(2, other), opened(3, other)}, "2 times"},
		"a task that nobody opened is": {[]assessplan.Event{opened(1, task), opened(2, other), opened(3, assessplan.TaskID{3})}, "not opened"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, strings.Join(wrong([]assessplan.TaskID{task, other}, test.events), "\n"), test.says)
		})
	}
	require.Empty(t, wrong([]assessplan.TaskID{task, other}, []assessplan.Event{opened(1, task), opened(2, other)}))
}

// wrong compares the tasks that are opened with the events in a stream.
func wrong(tasks []assessplan.TaskID, events []assessplan.Event) (faults []string) {
	seen, openings := map[assessplan.EventID]bool{}, map[assessplan.TaskID]int{}
	for _, event := range events {
		if seen[event.ID] {
			faults = append(faults, fmt.Sprintf("event %s is there twice", event.ID))
		}
		seen[event.ID] = true
		if event.Type == assessplan.TypeTaskOpened {
			openings[assessplan.TaskID(event.Subject)]++
		}
	}
	for _, task := range tasks {
		switch n := openings[task]; n {
		case 0:
			faults = append(faults, fmt.Sprintf("task %s is opened, which was never told", task))
		case 1:
		default:
			faults = append(faults, fmt.Sprintf("task %s was opened %d times", task, n))
		}
		delete(openings, task)
	}
	for task := range openings {
		faults = append(faults, fmt.Sprintf("task %s was told and is not opened", task))
	}
	return faults
}

// openedTasks are those of a Postgres database.
func openedTasks(t *testing.T, db string) (tasks []assessplan.TaskID) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), db)
	require.NoError(t, err)
	defer pool.Close()
	rows, err := pool.Query(t.Context(), `SELECT id FROM assessplan_tasks WHERE status = 'opened' AND entry_serial = 1`)
	require.NoError(t, err)
	for rows.Next() {
		var id uuid.UUID
		require.NoError(t, rows.Scan(&id))
		tasks = append(tasks, assessplan.TaskID(id))
	}
	require.NoError(t, rows.Err())
	return tasks
}

// pending is how many tasks and events of a Postgres database are still to be dealt with.
func pending(t *testing.T, db string) (n int) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), db)
	require.NoError(t, err)
	defer pool.Close()
	const query = `SELECT (SELECT COUNT(*) FROM assessplan_tasks WHERE status = 'pending' AND planned_at <= now()) +
	(SELECT COUNT(*) FROM assessplan_outbox)`
	require.NoError(t, pool.QueryRow(t.Context(), query).Scan(&n))
	return n
}

// stream is one that a test has on NATS, and that the worker makes.
type stream struct {
	t    *testing.T
	name string
	js   nats.JetStreamContext
}

func newStream(t *testing.T) *stream {
	t.Helper()
	conn, err := nats.Connect(natsURL(), nats.Timeout(patience))
	require.NoError(t, err, "no NATS: run the tests by scripts/test, or set ASSESSPLAN_TEST_NATS to the URL of one")
	js, err := conn.JetStream(nats.MaxWait(patience))
	require.NoError(t, err)
	s := &stream{t: t, name: "worker-test-" + uuid.NewString(), js: js}
	t.Cleanup(func() {
		require.NoError(t, js.DeleteStream(s.name))
		conn.Close()
	})
	return s
}

// count is how many messages the stream has, once it is there.
func (s *stream) count() int {
	info, err := s.js.StreamInfo(s.name)
	if err != nil {
		require.ErrorIs(s.t, err, nats.ErrStreamNotFound)
		return 0
	}
	return int(info.State.Msgs)
}

// events decodes everything that the stream has.
func (s *stream) events() (events []assessplan.Event) {
	s.t.Helper()
	all, err := s.js.SubscribeSync(s.name+".>", nats.OrderedConsumer())
	require.NoError(s.t, err)
	for range s.count() {
		raw, err := all.NextMsg(patience)
		require.NoError(s.t, err)
		m, err := (&wmnats.NATSMarshaler{}).Unmarshal(raw)
		require.NoError(s.t, err)
		event, _, err := watermillpub.Decode(m)
		require.NoError(s.t, err)
		require.Equal(s.t, watermillpub.TopicPerType(s.name)(event), raw.Subject)
		events = append(events, event)
	}
	require.NoError(s.t, all.Unsubscribe())
	return events
}

// TestAUserWithWhatIsToBeGrantedMakesTheStreamAndPublishes has a server that refuses all else.
func TestAUserWithWhatIsToBeGrantedMakesTheStreamAndPublishes(t *testing.T) {
	address := natstest.Start(t, natstest.JetStream(t)+`authorization { users: [{ user: u, password: hidden, permissions: {
		publish: ["`+strings.Join(toPublish("events"), `", "`)+`"], subscribe: ["_INBOX.>"] } }] }`)
	db := "sqlite:" + filepath.Join(t.TempDir(), "plans.db")
	due(t, db, 3)
	w := begin(t, "--store", db, "--base-url", "https://assess.example.org/fill", "--broker", "nats://u:hidden@"+address, "--stream", "events")
	w.until(func() bool {
		_, metrics := w.get("/metrics")
		return strings.Contains(metrics, "\nassessplan_event_published_total 5\n")
	})
	w.end()
	require.NotContains(t, w.log.String(), "NATS complains")
	require.NotContains(t, w.log.String(), "hidden")
}

// TestWhatNoQueueOfRabbitMQWantsIsKept has no queue bound to the exchange at all.
func TestWhatNoQueueOfRabbitMQWantsIsKept(t *testing.T) {
	conn, err := amqp.Dial(rabbitURL())
	require.NoError(t, err, "no RabbitMQ: run the tests by scripts/test, or set ASSESSPLAN_TEST_RABBITMQ to the URL of one")
	defer func() { require.NoError(t, conn.Close()) }()
	channel, err := conn.Channel()
	require.NoError(t, err)
	name := "worker-test-" + uuid.NewString()
	defer func() {
		require.NoError(t, channel.ExchangeDelete(name, false, false))
		require.NoError(t, channel.ExchangeDelete(name+".unrouted", false, false))
		_, err := channel.QueueDelete(name+".unrouted", false, false, false)
		require.NoError(t, err)
	}()
	db := "sqlite:" + filepath.Join(t.TempDir(), "plans.db")
	due(t, db, 3)
	w := begin(t, "--store", db, "--base-url", "https://assess.example.org/fill", "--broker", rabbitURL(), "--stream", name)
	w.until(func() bool {
		_, metrics := w.get("/metrics")
		return strings.Contains(metrics, "\nassessplan_event_published_total 5\n")
	})
	w.end()
	opened := 0
	for range 5 {
		delivery, more, err := channel.Get(name+".unrouted", true)
		require.NoError(t, err)
		require.True(t, more)
		require.Equal(t, "application/cloudevents+json", delivery.ContentType)
		delete(delivery.Headers, "x-delivery-count") // of the queue, and no string: see docs/brokers.md
		m, err := wmamqp.DefaultMarshaler{}.Unmarshal(delivery)
		require.NoError(t, err)
		event, _, err := watermillpub.Decode(m)
		require.NoError(t, err)
		if event.Type == assessplan.TypeTaskOpened {
			opened++
		}
	}
	require.Equal(t, 3, opened)
}

// TestAWorkerWithoutABrokerLeavesTheEvents to another.
func TestAWorkerWithoutABrokerLeavesTheEvents(t *testing.T) {
	db := "sqlite:" + filepath.Join(t.TempDir(), "plans.db")
	due(t, db, 3)
	args := []string{"--store", db, "--base-url", "https://assess.example.org/fill"}
	first := begin(t, args...)
	first.until(func() bool {
		_, metrics := first.get("/metrics")
		return strings.Contains(metrics, "\nassessplan_task_opened_total 3\n")
	})
	first.end()
	require.NotContains(t, first.log.String(), `"msg":"event"`)
	second := begin(t, append(args, "--broker", "log", "--schedule", "off", "--expire", "off")...)
	second.until(func() bool { return strings.Count(second.log.String(), `"msg":"event"`) == 5 })
	second.end()
}
