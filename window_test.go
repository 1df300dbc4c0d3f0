package assessplan_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

func TestWindowIsReadAndWritten(t *testing.T) {
	for _, test := range []struct {
		text    string
		want    assessplan.Window
		written string
	}{
		{"3d", assessplan.CalendarDays(3), "3d"},
		{"3660d", assessplan.CalendarDays(3660), "3660d"},
		{"1s", assessplan.Elapsed(time.Second), "1s"},
		{"15m", assessplan.Elapsed(15 * time.Minute), "15m0s"},
		{"72h", assessplan.Elapsed(72 * time.Hour), "72h0m0s"},
		{"1.5h", assessplan.Elapsed(90 * time.Minute), "1h30m0s"},
		{"87840h", assessplan.Elapsed(3660 * 24 * time.Hour), "87840h0m0s"},
	} {
		t.Run(test.text, func(t *testing.T) {
			got, err := assessplan.ParseWindow(test.text)
			require.NoError(t, err)
			require.Equal(t, test.want, got)
			require.Equal(t, test.written, got.String())
			again, err := assessplan.ParseWindow(got.String())
			require.NoError(t, err)
			require.Equal(t, got, again)
		})
	}
}

func TestWindowThatIsNoneIsRefused(t *testing.T) {
	for _, bad := range []string{
		"", "0", "0s", "0d", "-1d", "-15m", "3661d", "87841h", "1.5d", "d", "3 d", "3D", "three days", "3d12h", "500ms", "1.5s", "1ns", "15", "P3D", "9999999999999999999d",
	} {
		_, err := assessplan.ParseWindow(bad)
		require.Equal(t, []string{"window"}, faultPaths(t, err), bad)
	}
}

func TestWindowsSurviveJSON(t *testing.T) {
	given := assessplan.Windows{OpenWindow: assessplan.Elapsed(15 * time.Minute), DueWindow: assessplan.CalendarDays(2)}
	data, err := json.Marshal(given)
	require.NoError(t, err)
	require.JSONEq(t, `{"open_window":"15m0s","due_window":"2d"}`, string(data), "a window that is none is left out")
	var read assessplan.Windows
	require.NoError(t, json.Unmarshal(data, &read))
	require.Equal(t, given, read)
	require.NoError(t, json.Unmarshal([]byte(`{"open_window":""}`), &read))
	require.True(t, read.OpenWindow.IsZero())
	require.Error(t, json.Unmarshal([]byte(`{"open_window":"soon"}`), &read))
}

func TestWindowsOfAPlanNameEachFault(t *testing.T) {
	for _, test := range []struct {
		name    string
		windows assessplan.Windows
		want    []string
	}{
		{"both a duration and days", assessplan.Windows{OpenWindow: assessplan.Window{Days: 1, Elapsed: time.Hour}}, []string{"open_window"}},
		{"negative ones", assessplan.Windows{OpenWindow: assessplan.CalendarDays(-1), FillWindow: assessplan.Elapsed(-time.Hour)}, []string{"open_window", "fill_window"}},
		{"longer than ten years", assessplan.Windows{FillWindow: assessplan.CalendarDays(3661), DueWindow: assessplan.Elapsed(3661 * 24 * time.Hour)}, []string{"fill_window", "due_window"}},
		{"finer than a second", assessplan.Windows{DueWindow: assessplan.Elapsed(time.Second + 1)}, []string{"due_window"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			spec := assessplan.PlanSpec{Org: "clinic", Scale: "PHQ-8", Zone: "UTC", Schedule: assessplan.EveryDays(1, 1), Windows: test.windows}
			require.Equal(t, test.want, faultPaths(t, spec.Validate()))
		})
	}
}

// firstTask previews the first task of a plan at a time in Berlin.
func firstTask(t *testing.T, start string, at assessplan.TimeOfDay, windows assessplan.Windows) assessplan.PlannedTask {
	t.Helper()
	service, err := assessplan.New(memstore.New(), signedEntries(t), nil)
	require.NoError(t, err)
	planned, err := service.Manager.Preview(t.Context(), assessplan.PreviewSpec{
		PlanSpec: assessplan.PlanSpec{Org: "clinic", Scale: "PHQ-8", Zone: "Europe/Berlin", Schedule: assessplan.EveryDays(1, 1, at), Windows: windows},
		Start:    date(start),
	})
	require.NoError(t, err)
	return planned[0]
}

func TestWindowIsElapsedTimeOrTheSameWallClock(t *testing.T) {
	nine, half := assessplan.ClockTime(9, 0), assessplan.ClockTime(2, 30)
	for _, test := range []struct {
		name   string
		start  string
		at     assessplan.TimeOfDay
		window assessplan.Window
		want   string
	}{
		{"a day of the calendar", "2026-03-02", nine, assessplan.CalendarDays(1), "2026-03-03T08:00:00Z"},
		{"a day of the calendar that has 23 hours", "2026-03-28", nine, assessplan.CalendarDays(1), "2026-03-29T07:00:00Z"},
		{"24 hours over such a day", "2026-03-28", nine, assessplan.Elapsed(24 * time.Hour), "2026-03-29T08:00:00Z"},
		{"a day of the calendar that has 25 hours", "2026-10-24", nine, assessplan.CalendarDays(1), "2026-10-25T08:00:00Z"},
		{"24 hours over such a day", "2026-10-24", nine, assessplan.Elapsed(24 * time.Hour), "2026-10-25T07:00:00Z"},
		{"days that end in a gap", "2026-03-22", half, assessplan.CalendarDays(7), "2026-03-29T01:30:00Z"},
		{"days that begin in a gap and end at the wall clock of the plan", "2026-03-29", half, assessplan.CalendarDays(1), "2026-03-30T00:30:00Z"},
		{"days that end in an overlap", "2026-10-18", half, assessplan.CalendarDays(7), "2026-10-25T00:30:00Z"},
		{"none", "2026-03-02", nine, assessplan.Window{}, "0001-01-01T00:00:00Z"},
	} {
		t.Run(test.name, func(t *testing.T) {
			due := firstTask(t, test.start, test.at, assessplan.Windows{DueWindow: test.window}).DueAt
			require.Equal(t, test.want, due.Format(time.RFC3339))
		})
	}
}

func TestTaskIsNotOpenedWhenItCouldNotBeFilledIn(t *testing.T) {
	one, three := assessplan.CalendarDays(1), assessplan.CalendarDays(3)
	after := func(days int) time.Time { return time.Date(2026, 3, 2+days, 8, 0, 0, 0, time.UTC) }
	for _, test := range []struct {
		name                        string
		windows                     assessplan.Windows
		openUntil, fillUntil, dueAt time.Time
	}{
		{"no windows", assessplan.Windows{}, time.Time{}, time.Time{}, time.Time{}},
		{"to be opened within a day", assessplan.Windows{OpenWindow: one}, after(1), time.Time{}, time.Time{}},
		{"to be filled in within three days, and so opened within them", assessplan.Windows{FillWindow: three}, after(3), after(3), time.Time{}},
		{"to be opened before the time to fill it in is over", assessplan.Windows{OpenWindow: one, FillWindow: three}, after(1), after(3), time.Time{}},
		{"to be opened after the time to fill it in is over, which is cut", assessplan.Windows{OpenWindow: three, FillWindow: one}, after(1), after(1), time.Time{}},
		{"due after it could be filled in, which does no harm", assessplan.Windows{FillWindow: one, DueWindow: three}, after(1), after(1), after(3)},
	} {
		t.Run(test.name, func(t *testing.T) {
			task := firstTask(t, "2026-03-02", assessplan.ClockTime(9, 0), test.windows)
			require.Equal(t, test.openUntil, task.OpenUntil)
			require.Equal(t, test.fillUntil, task.FillUntil)
			require.Equal(t, test.dueAt, task.DueAt)
		})
	}
}
