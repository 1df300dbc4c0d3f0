package cronworker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/cronworker"
	"github.com/assessplan/assessplan/plantest"
)

// hours are the whole hours from one to another.
func hours(from, to int) (list []string) {
	for h := from; h <= to; h++ {
		list = append(list, time.Date(0, 1, 1, h, 0, 0, 0, time.UTC).Format("15:04"))
	}
	return list
}

// with has other entries at some places.
func with(list []string, others map[string]string) []string {
	for i := range list {
		if other, ok := others[list[i]]; ok {
			list[i] = other
		}
	}
	return list
}

// TestADayInShanghai has every pass of 24 hours: a run of each job at start, one in every hour, one in the night.
func TestADayInShanghai(t *testing.T) {
	zone := location(t, "Asia/Shanghai")
	inWorld(t, time.Date(2026, time.March, 1, 23, 40, 0, 0, zone), func(t *testing.T, w *world) {
		w.daily("evening", zone.String(), assessplan.CivilDate{Year: 2026, Month: 3, Day: 1}, 3, assessplan.ClockTime(20, 0))
		w.daily("morning", zone.String(), assessplan.CivilDate{Year: 2026, Month: 3, Day: 2}, 3, assessplan.ClockTime(8, 30))
		w.start(cronworker.Config{Zone: zone})
		w.clock.Add(24 * time.Hour)
		require.Equal(t, append([]string{"23:40 (1)"}, with(hours(0, 23), map[string]string{"09:00": "09:00 (1)", "20:00": "20:00 (1)"})...), w.openings(zone))
		require.Equal(t, []string{"23:40", "03:00 (1)"}, w.expiries(zone))
		require.Len(t, w.publisher.Events(assessplan.TypeTaskOpened), 3)
		require.Len(t, w.publisher.Events(assessplan.TypeTaskExpired), 1)
		status := w.worker.Status()
		require.Equal(t, 25, status.Schedule.Runs)
		require.Zero(t, status.Schedule.Overruns+status.Schedule.Failures)
		require.Equal(t, time.Date(2026, time.March, 3, 0, 0, 0, 0, zone).UTC(), status.Schedule.Next)
		require.NoError(t, w.end())
	})
}

// TestTheDaysOnWhichTheClocksOfBerlinChange has 23 and 25 hours, and one expiry in each.
func TestTheDaysOnWhichTheClocksOfBerlinChange(t *testing.T) {
	zone := location(t, "Europe/Berlin")
	for name, test := range map[string]struct {
		start    time.Time
		hours    int
		openings []string
		expiry   string
	}{
		"an hour is lost": {time.Date(2026, time.March, 28, 23, 30, 0, 0, zone), 23,
			append(hours(0, 1), with(hours(3, 23), map[string]string{"03:00": "03:00 (1)"})...), "03:30"},
		"an hour comes twice": {time.Date(2026, time.October, 24, 23, 30, 0, 0, zone), 25,
			append(with(hours(0, 2), map[string]string{"02:00": "02:00 (1)"}), hours(2, 23)...), "02:30"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, test.start, func(t *testing.T, w *world) {
				tomorrow := assessplan.DateOf(test.start.Add(time.Hour), zone)
				w.daily("night", zone.String(), tomorrow, 1, assessplan.ClockTime(2, 0))
				w.start(cronworker.Config{Zone: zone, Expire: "30 2 * * *", NoCatchUp: true})
				w.clock.Add(time.Duration(test.hours) * time.Hour)
				require.Equal(t, test.openings, w.openings(zone))
				require.Len(t, test.openings, test.hours)
				require.Equal(t, []string{test.expiry}, w.expiries(zone))
				expire := plantest.Observed[*assessplan.ExpireFinished](w.recorder)[0].Report.StartedAt
				require.Equal(t, assessplan.Resolve(tomorrow, assessplan.ClockTime(2, 30), zone), expire)
				require.NoError(t, w.end())
			})
		})
	}
}
