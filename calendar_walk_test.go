package assessplan_test

import (
	"archive/zip"
	"cmp"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

const (
	day     = 24 * 3600
	quarter = 900 // no clocks changed by less since 2010
)

// TestEverySchedulesTasksFallRightInEveryZoneForTwentyYears plans rounds of every type of schedule in every zone of the tz
// database, from 2010 to the end of 2029, with times of day that the zone skips or repeats. What is right is not computed:
// the clocks were watched.
func TestEverySchedulesTasksFallRightInEveryZoneForTwentyYears(t *testing.T) {
	service, err := assessplan.New(memstore.New(), signedEntries(t), nil)
	require.NoError(t, err)
	met := map[assessplan.ScheduleType]*sights{}
	for _, name := range zoneNames(t) {
		clocks := watchZone(t, name)
		for _, leg := range clocks.legs() {
			for _, round := range leg.rounds() {
				planned, err := service.Manager.Preview(t.Context(), assessplan.PreviewSpec{Start: round.start, PlanSpec: assessplan.PlanSpec{
					Org: clinic, Scale: "PHQ-8", Zone: name, Schedule: round.schedule,
					Windows: assessplan.Windows{DueWindow: assessplan.CalendarDays(1)}}})
				require.NoError(t, err, name)
				seen := met[round.schedule.Type]
				if seen == nil {
					seen = &sights{}
					met[round.schedule.Type] = seen
				}
				clocks.check(t, round, planned, seen)
			}
		}
	}
	require.Len(t, met, 6, "the types of schedule")
	for kind, seen := range met {
		t.Logf("%s: %+v", kind, *seen)
		require.Greater(t, seen.gaps, 400, kind)
		require.Greater(t, seen.overlaps, 400, kind)
	}
}

// sights counts tasks, and those of them whose time is one that clocks skip or repeat.
type sights struct{ tasks, gaps, overlaps int }

// zoneNames are those that Go is installed with, whatever the machine knows.
func zoneNames(t *testing.T) []string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	require.NoError(t, err)
	database, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	require.NoError(t, err)
	defer func() { require.NoError(t, database.Close()) }()
	var names []string
	for _, file := range database.File {
		if !strings.HasSuffix(file.Name, "/") {
			names = append(names, file.Name)
		}
	}
	require.Greater(t, len(names), 400)
	for _, known := range []string{"America/Santiago", "Australia/Lord_Howe", "Pacific/Apia", "UTC"} {
		require.Contains(t, names, known)
	}
	return names
}

// zoneClocks are the clocks of a zone as they were watched around each of their changes. On other days they run evenly.
type zoneClocks struct {
	watched
	name     string
	location *time.Location
	changes  []change // in the order of the calendar
}

// change is what clocks show in the middle of a gap or an overlap.
type change struct {
	wall int64
	gap  bool
}

func watchZone(t *testing.T, name string) *zoneClocks {
	t.Helper()
	clocks := &zoneClocks{watched: newWatched(), name: name, location: zone(t, name)}
	for noon := monthStart(-1) + day/2; noon < monthStart(months+1); noon += day {
		if shownAt(noon+day, clocks.location)-shownAt(noon, clocks.location) != day {
			clocks.watch(clocks.location, noon-2*day, noon+3*day, quarter)
		}
	}
	for _, wall := range middles(clocks.skipped) {
		clocks.changes = append(clocks.changes, change{wall: wall, gap: true})
	}
	for _, wall := range middles(clocks.repeated) {
		clocks.changes = append(clocks.changes, change{wall: wall})
	}
	slices.SortFunc(clocks.changes, func(a, b change) int { return cmp.Compare(a.wall, b.wall) })
	return clocks
}

// middles returns the middle of each run of quarters of an hour.
func middles(walls map[int64]bool) []int64 {
	var found []int64
	for wall := range walls {
		if walls[wall-quarter] {
			continue
		}
		end := wall
		for walls[end] {
			end += quarter
		}
		found = append(found, wall+(end-wall)/2/quarter*quarter)
	}
	return found
}

// at is when the clocks first show a time, or would have shown it but for a gap.
func (c *zoneClocks) at(wall int64) int64 {
	if instant, near := c.when[wall]; near {
		return instant
	}
	return wall - (shownAt(wall, c.location) - wall) // no change within a day: the offset at about this time is that of this time
}

// check compares a plan with the clocks.
func (c *zoneClocks) check(t *testing.T, round round, planned []assessplan.PlannedTask, seen *sights) {
	t.Helper()
	require.Len(t, planned, len(round.walls))
	for i, task := range planned {
		wall := round.walls[i]
		fail := func(what string) {
			t.Helper()
			t.Fatalf("%s, %s from %s, task %d on %s at %s, planned for %s, due %s: %s", c.name, round.schedule.Type, round.start,
				task.Seq, task.Date, task.Time, task.PlannedAt, task.DueAt, what)
		}
		switch {
		case task.Seq != i+1:
			fail("not numbered from 1")
		case civilSeconds(task) != wall:
			fail("on another date or at another time than the schedule says")
		case i > 0 && wall <= civilSeconds(planned[i-1]):
			fail("not after the one before it on the calendar")
		case task.PlannedAt.Unix() != c.at(wall):
			fail("not when the clocks show it")
		case task.DueAt.Unix() != c.at(wall+day):
			fail("not due when the clocks show the same a day later")
		// A time that is moved forward by a gap may pass one right after the gap, as it does in RFC 5545.
		case i > 0 && task.PlannedAt.Before(planned[i-1].PlannedAt) && !c.skipped[round.walls[i-1]]:
			fail("before the one before it")
		}
		seen.see(c, wall)
	}
}

func (s *sights) see(c *zoneClocks, wall int64) {
	s.tasks++
	if c.skipped[wall] {
		s.gaps++
	}
	if c.repeated[wall] {
		s.overlaps++
	}
}

func civilSeconds(task assessplan.PlannedTask) int64 {
	return time.Date(task.Date.Year, time.Month(task.Date.Month), task.Date.Day, 0, 0, int(task.Time), 0, time.UTC).Unix()
}
