package assessplan

import (
	"strconv"
	"strings"
	"time"
)

// Window is a length of time from a task's planned time: either elapsed time or calendar days, after which the task's
// zone shows the same wall clock (resolved as [Resolve] does). The zero value is no window.
type Window struct {
	Elapsed time.Duration // 1 second to 3,660 days
	Days    int           // 1 to 3,660
}

// Elapsed is a window of a duration: a day on which clocks change still has 24 hours.
func Elapsed(d time.Duration) Window { return Window{Elapsed: d} }

// CalendarDays is a window of days of the calendar.
func CalendarDays(n int) Window { return Window{Days: n} }

// IsZero reports whether there is no window.
func (w Window) IsZero() bool { return w == Window{} }

// ParseWindow reads "3d" as calendar days and anything else as [time.ParseDuration] does: "15m", "72h".
func ParseWindow(s string) (Window, error) {
	w := Window{}
	if digits, days := strings.CutSuffix(s, "d"); days {
		n, err := strconv.Atoi(digits)
		if err != nil || n < 1 || strconv.Itoa(n) != digits {
			return Window{}, Invalid("window", "is %s; want calendar days such as 3d, or a duration such as 15m or 72h", quote(s))
		}
		w.Days = n
	} else {
		d, err := time.ParseDuration(s)
		if err != nil || d == 0 {
			return Window{}, Invalid("window", "is %s; want calendar days such as 3d, or a duration such as 15m or 72h", quote(s))
		}
		w.Elapsed = d
	}
	f := faults{}
	w.check(&f, "window")
	return w, f.Err()
}

// String returns what [ParseWindow] reads; empty for no window.
func (w Window) String() string {
	switch {
	case w.Days != 0:
		return strconv.Itoa(w.Days) + "d"
	case w.Elapsed != 0:
		return w.Elapsed.String()
	}
	return ""
}

// MarshalText writes what String returns.
func (w Window) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText is the reverse of MarshalText.
func (w *Window) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*w = Window{}
		return nil
	}
	*w, err = ParseWindow(string(b))
	return err
}

func (w Window) check(f *faults, path string) {
	const most = 3660
	switch {
	case w.IsZero():
	case w.Days != 0 && w.Elapsed != 0:
		f.Add(path, "has both a duration and days; give one")
	case w.Days < 0 || w.Days > most:
		f.Add(path, "is %d days; want 1 to %d", w.Days, most)
	case w.Elapsed < 0 || w.Elapsed > most*24*time.Hour:
		f.Add(path, "is %v; want 1s to %d days", w.Elapsed, most)
	case w.Elapsed != 0 && w.Elapsed != w.Elapsed.Truncate(time.Second):
		f.Add(path, "is %v; want whole seconds", w.Elapsed)
	}
}

// from returns the end of the window on a task that is planned for an instant; zero for no window. Days count from what
// the task's clocks were to show, not from where a gap moved it.
func (w Window) from(plannedAt time.Time, to Planning) time.Time {
	switch {
	case w.IsZero():
		return time.Time{}
	case w.Days != 0:
		return Resolve(to.Date.AddDays(w.Days), to.Time, to.Zone)
	}
	return plannedAt.Add(w.Elapsed)
}

// Windows are the limits that a plan sets around the planned time of each of its tasks.
type Windows struct {
	OpenWindow Window `json:"open_window,omitzero"` // not opened by then, a task is missed; none: FillWindow
	FillWindow Window `json:"fill_window,omitzero"` // it can be filled in until then, whatever the entry's own expiry; none: the entry's expiry
	DueWindow  Window `json:"due_window,omitzero"`  // completing it later is accepted and marked late; none: never late
}

func (w Windows) check(f *faults) {
	w.OpenWindow.check(f, "open_window")
	w.FillWindow.check(f, "fill_window")
	w.DueWindow.check(f, "due_window")
}
