package memstore_test

import (
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// BenchmarkSchedulePendingTasks runs a whole pass over the store: entries, tokens, events and all. One operation is one
// task.
func BenchmarkSchedulePendingTasks(b *testing.B) {
	now := clock.NewMock()
	now.Set(noon)
	entries, err := assessplan.NewURLEntryGenerator("https://example.org/fill", nil)
	require.NoError(b, err)
	store := pendingTasks(b, b.N, 0)
	service, err := assessplan.New(store, entries, &assessplan.Config{Clock: now})
	require.NoError(b, err)
	b.ReportAllocs()
	b.ResetTimer()
	report, err := service.Scheduler.SchedulePendingTasks(b.Context(), time.Time{})
	require.NoError(b, err)
	require.Equal(b, b.N, report.Opened)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
}
