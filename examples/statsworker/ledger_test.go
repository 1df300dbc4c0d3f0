package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/watermillpub"
)

var berlin = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return zone
}()

func newLedger(t *testing.T, file string) *ledger {
	t.Helper()
	l, err := openLedger(t.Context(), file, berlin)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.close()) })
	return l
}

// tell has a worker take messages, each acknowledged, and returns what the tables say then.
func tell(t *testing.T, l *ledger, messages ...*message.Message) table {
	t.Helper()
	w := &worker{ledger: l, log: slog.New(slog.DiscardHandler)}
	for _, m := range messages {
		require.NoError(t, w.take(t.Context(), m))
	}
	said, _, err := l.read(t.Context())
	require.NoError(t, err)
	require.Equal(t, sumOfTasks(t, l), said.weeks, "the table is the sum of where the tasks stand")
	return said
}

// sumOfTasks is what the statistics would be if they were counted anew from the tasks.
func sumOfTasks(t *testing.T, l *ledger) map[key]counters {
	t.Helper()
	sum := newTable()
	tx, err := l.db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback()) }()
	err = each(t.Context(), tx, `SELECT task FROM adherence_tasks`, func(scan func(...any) error) error {
		var id string
		if err := scan(&id); err != nil {
			return err
		}
		task, err := findTask(t.Context(), tx, id)
		if task.counters != (counters{}) {
			sum.weeks[task.key] = sum.weeks[task.key].plus(task.counters)
		}
		return err
	})
	require.NoError(t, err)
	return sum.weeks
}

const (
	seeds  = 10
	things = 60
)

func TestWhateverHappensAndHoweverItComesTheNumbersAreThoseOfTheStore(t *testing.T) {
	var all counters
	for seed := range uint64(seeds) {
		h := newHistory(t, seed)
		h.live(things)
		want := h.truth(berlin)
		l, dice := newLedger(t, inMemory), rand.New(rand.NewPCG(seed, 1))
		require.Equal(t, want, tell(t, l, h.messages...), "seed %d: in order", seed)
		require.Equal(t, want, tell(t, l, h.disorder(dice)...), "seed %d: and all of it again", seed)

		before := l.id
		require.NoError(t, l.startOver(t.Context()))
		require.NotEqual(t, before, l.id, "another consumer, which begins at the beginning")
		require.Equal(t, newTable(), tell(t, l))
		require.Equal(t, want, tell(t, l, h.disorder(dice)...), "seed %d: rebuilt, in disorder", seed)
		for _, c := range want.weeks {
			all = all.plus(c)
		}
	}
	for what, n := range map[string]int{"opened": all.opened, "completed": all.completed, "late": all.late, "missed": all.missed,
		"expired": all.expired, "canceled": all.canceled} {
		require.Greater(t, n, seeds, "%s: the histories have a bit of everything", what)
	}
}

func TestWorkersThatForgetOrConfuseEventsAreCaught(t *testing.T) {
	for _, c := range []struct {
		name  string
		newer func(told, known int64) bool
		spoil string
	}{
		{name: "one that takes every event for news", newer: func(int64, int64) bool { return true }},
		{name: "one that takes the second event of a version for old", newer: func(told, known int64) bool { return told/2 > known/2 }},
		{name: "one that takes the first event of a version for news", newer: func(told, known int64) bool { return told/2 >= known/2 }},
		{name: "one that does not remember tasks", spoil: `DELETE FROM adherence_tasks`},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(10 * seeds) {
				h := newHistory(t, seed)
				h.live(things)
				l := newLedger(t, inMemory)
				if c.newer != nil {
					l.newer = c.newer
				}
				w := &worker{ledger: l, log: slog.New(slog.DiscardHandler)}
				for _, m := range h.disorder(rand.New(rand.NewPCG(seed, 1))) {
					_, err := l.db.ExecContext(t.Context(), c.spoil)
					require.NoError(t, err)
					require.NoError(t, w.take(t.Context(), m))
				}
				said, _, err := l.read(t.Context())
				require.NoError(t, err)
				if !said.equal(h.truth(berlin)) {
					return
				}
			}
			t.Error("no history shows the difference: the test above proves nothing")
		})
	}
}

// TestTheCompletionOfOneStoreComesAfterItsCancellation is why the version of a task does not order its events.
func TestTheCompletionOfOneStoreComesAfterItsCancellation(t *testing.T) {
	h := newHistory(t, 1)
	plan := h.plan()
	h.must(h.Manager.Enroll(h.ctx, assessplan.EnrollSpec{Org: org, Plan: plan.ID, Testee: testee, Start: assessplan.DateOf(h.clock.Now(), berlin)}))
	h.clock.set(h.clock.Now().Add(2 * time.Hour))
	h.pass()
	h.clock.set(h.clock.Now().Add(time.Hour))
	h.interrupt(plan.ID)
	h.must(h.complete(h.tasks(assessplan.Opened)[0], h.clock.Now().Add(-time.Minute)))
	h.relay()

	byType := map[assessplan.EventType]assessplan.Event{}
	messages := map[assessplan.EventType]*message.Message{}
	for _, m := range h.messages {
		event, _, err := watermillpub.Decode(m)
		require.NoError(t, err)
		byType[event.Type], messages[event.Type] = event, m
	}
	canceled, completed := messages[assessplan.TypeTaskCanceled], messages[assessplan.TypeTaskCompleted]
	require.Equal(t, byType[assessplan.TypeTaskCanceled].Version, byType[assessplan.TypeTaskCompleted].Version)

	want := h.truth(berlin).weeks
	require.Equal(t, map[key]counters{{org: org, plan: plan.ID.String(), scale: "PHQ-8", week: "2026-W10"}: {planned: 1, opened: 1, completed: 1}}, want)
	for _, order := range [][]*message.Message{{canceled, completed}, {completed, canceled}, {canceled, completed, canceled}, {completed}} {
		require.Equal(t, want, tell(t, newLedger(t, inMemory), order...).weeks)
	}
}

func TestTablesHoldNothingOfAPerson(t *testing.T) {
	h := newHistory(t, 3)
	h.live(things)
	file := filepath.Join(t.TempDir(), "stats.db")
	l := newLedger(t, file)
	tell(t, l, h.messages...)
	for _, file := range []string{file, file + "-wal"} {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NotContains(t, string(data), testee)
		require.NotContains(t, string(data), "fill.example")
	}
}

func TestWeeksAreThoseOfTheZone(t *testing.T) {
	monday := time.Date(2026, time.March, 1, 23, 30, 0, 0, time.UTC)
	require.Equal(t, "2026-W09", weekOf(monday, time.UTC))
	require.Equal(t, "2026-W10", weekOf(monday, berlin))
	require.Equal(t, "2026-W53", weekOf(time.Date(2027, time.January, 1, 12, 0, 0, 0, time.UTC), time.UTC))
}

func TestAFileKeepsItsZoneAndItsWorker(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stats.db")
	first := newLedger(t, file)
	_, err := openLedger(t.Context(), file, time.UTC)
	require.ErrorContains(t, err, "its weeks are those of Europe/Berlin, and not of UTC")
	again, err := openLedger(t.Context(), file, nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, again.close()) }()
	require.Equal(t, first.worker(), again.worker())
	require.Equal(t, "Europe/Berlin", again.zone.String())
}

func TestMessagesThatCannotBeCountedAreRefusedOnceAndForAll(t *testing.T) {
	h := newHistory(t, 5)
	h.live(10)
	l := newLedger(t, inMemory)
	want := tell(t, l, h.messages...)
	poison := []*message.Message{
		message.NewMessage("", []byte("no JSON")),
		message.NewMessage("a", []byte(`{"specversion":"1.0","id":"x","type":"org.example.other"}`)),
		message.NewMessage("b", event(t, func(string) string { return `{}` })),
		message.NewMessage("c", event(t, func(task string) string {
			return fmt.Sprintf(`{"task_id":%q,"plan_id":%q,"org_id":"another","scale_code":"PHQ-8","planned_at":"2026-03-02T08:00:00Z"}`, task, task)
		})),
	}
	require.Equal(t, want, tell(t, l, append(poison, poison...)...))
	_, refused, err := l.read(t.Context())
	require.NoError(t, err)
	require.Equal(t, len(poison), refused)
}

// event is a task.opened that says something of its task.
func event(t *testing.T, data func(task string) string) []byte {
	t.Helper()
	task := uuid.NewString()
	return fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":"/x","type":"assessplan.task.opened","subject":%q,"orgid":"clinic-a",`+
		`"time":"2026-03-02T08:00:00Z","aggregateversion":2,"data":%s}`, uuid.NewString(), task, data(task))
}

func TestAWorkerEndsWhereItCannotWriteAndGivesTheMessageBack(t *testing.T) {
	h := newHistory(t, 5)
	h.live(1)
	l, err := openLedger(t.Context(), inMemory, berlin)
	require.NoError(t, err)
	require.NoError(t, l.close())
	messages := make(chan *message.Message, 1)
	messages <- h.messages[0]
	w := &worker{ledger: l, log: slog.New(slog.DiscardHandler)}
	require.ErrorContains(t, w.run(t.Context(), messages), "message "+h.messages[0].UUID+": sql: database is closed")
	<-h.messages[0].Nacked()
	require.Zero(t, w.taken)
}

func TestAnInterruptedWorkerEndsWithoutAnError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, (&worker{}).run(ctx, make(chan *message.Message)))
}

// TestACrashBetweenTheCommitAndTheAcknowledgementChangesNothing loses every acknowledgement, and the process with it.
func TestACrashBetweenTheCommitAndTheAcknowledgementChangesNothing(t *testing.T) {
	h := newHistory(t, 6)
	h.live(10)
	file := filepath.Join(t.TempDir(), "stats.db")
	for i, m := range h.messages {
		l, err := openLedger(t.Context(), file, berlin)
		require.NoError(t, err)
		tell(t, l, h.messages[max(0, i-1):i+1]...) // the one before was not acknowledged
		require.NoError(t, l.close(), m.UUID)
	}
	require.Equal(t, h.truth(berlin), tell(t, newLedger(t, file)))
}
