package memstore_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

const page = 500

// BenchmarkDueScan compares the scan of one page among 10 thousand and among a million tasks that are not due, in turns. The
// ratio may be 2 at most.
func BenchmarkDueScan(b *testing.B) {
	few, many := pendingTasks(b, page, 10_000), pendingTasks(b, page, 1_000_000)
	var among [2]time.Duration
	for b.Loop() {
		for i, store := range []*memstore.Store{few, many} {
			start := time.Now()
			err := store.View(b.Context(), func(ctx context.Context, r assessplan.Repositories) error {
				due, err := r.FindPendingTasks(ctx, assessplan.DueQuery{Before: noon, Limit: page})
				require.Len(b, due, page)
				return err
			})
			among[i] += time.Since(start)
			require.NoError(b, err)
		}
	}
	b.ReportMetric(float64(among[0].Nanoseconds())/float64(b.N), "ns/scan-among-10k")
	b.ReportMetric(float64(among[1].Nanoseconds())/float64(b.N), "ns/scan-among-1M")
	b.ReportMetric(float64(among[1])/float64(among[0]), "ratio")
}

// BenchmarkOpenPage claims pages of tasks that are due, opens them and saves them with an event each: what a pass asks of
// the store, without the tokens and the JSON. One operation is one task.
func BenchmarkOpenPage(b *testing.B) {
	for _, notDue := range []int{0, 1_000_000} {
		b.Run(fmt.Sprintf("among_%d_not_due", notDue), func(b *testing.B) {
			store := pendingTasks(b, b.N, notDue)
			payload := bytes.Repeat([]byte("x"), 850)
			b.ReportAllocs()
			b.ResetTimer()
			for opened := 0; opened < b.N; {
				n, err := openPage(b.Context(), store, payload)
				require.NoError(b, err)
				require.NotZero(b, n)
				opened += n
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
		})
	}
}

func openPage(ctx context.Context, store *memstore.Store, payload []byte) (opened int, err error) {
	err = store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		due, err := r.FindPendingTasks(ctx, assessplan.DueQuery{Before: noon, Limit: page})
		if err != nil {
			return err
		}
		changes := make([]assessplan.TaskChange, len(due))
		events := make([]assessplan.Event, len(due))
		for i := range due {
			change := &changes[i]
			change.State, change.Was = due[i], due[i].Version
			change.State.Status, change.State.NextAttemptAt = assessplan.Opened, time.Time{}
			change.State.OpenAt, change.State.ExpireAt = noon, noon.AddDate(0, 0, 7)
			change.State.EntrySerial, change.State.TokenHash = 1, assessplan.TokenHash{1}
			events[i] = assessplan.Event{
				ID: assessplan.EventID(change.State.ID), Type: assessplan.TypeTaskOpened, Org: change.State.Org,
				Subject: uuid.UUID(change.State.ID), Version: 2, Time: noon, Data: payload,
			}
			change.Events = events[i : i+1]
		}
		opened = len(due)
		return r.SaveTasks(ctx, changes)
	})
	return opened, err
}

// pendingTasks returns a store with tasks before noon and tasks long after it, in rounds of 20.
func pendingTasks(b testing.TB, due, notDue int) *memstore.Store {
	b.Helper()
	store := memstore.New()
	for first := 0; first < due+notDue; first += page {
		require.NoError(b, store.Update(b.Context(), func(ctx context.Context, r assessplan.Repositories) error {
			var changes []assessplan.TaskChange
			for i := first; i < min(first+page, due+notDue); i++ {
				at := noon.Add(-time.Duration(due-i) * time.Millisecond)
				if i >= due {
					at = noon.Add(time.Hour).Add(time.Duration(i%1000) * time.Hour)
				}
				changes = append(changes, assessplan.TaskChange{State: benchTask(i, at)})
			}
			return r.SaveTasks(ctx, changes)
		}))
	}
	return store
}

func benchTask(i int, at time.Time) assessplan.TaskState {
	return assessplan.TaskState{
		ID: benchID(i), Org: "clinic", Plan: assessplan.PlanID{1}, Enrollment: assessplan.EnrollmentIDFromUint64(uint64(i / 20)),
		Testee: assessplan.TesteeID(fmt.Sprintf("testee-%d", i/20)), Scale: "PHQ-8", Seq: i%20 + 1,
		Date: assessplan.DateOf(at, time.UTC), Zone: "UTC", PlannedAt: at, NextAttemptAt: at, OpenUntil: at.AddDate(0, 0, 3),
		FillUntil: at.AddDate(0, 0, 10), Revision: 1, Status: assessplan.Pending, CreatedAt: noon.AddDate(0, -1, 0),
	}
}

// benchID is a UUIDv7 whose tail is as good as random.
func benchID(i int) (id assessplan.TaskID) {
	binary.BigEndian.PutUint64(id[:8], uint64(1_700_000_000_000+i)<<16|0x7000)
	binary.BigEndian.PutUint64(id[8:], uint64(i)*0x9e3779b97f4a7c15)
	return id
}
