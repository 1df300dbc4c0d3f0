package cronworker_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/cronworker"
	"github.com/assessplan/assessplan/plantest"
)

func TestAWorkerBeginsWithWhatBecameDueWhileNoneRan(t *testing.T) {
	inWorld(t, noon.Add(time.Second), func(t *testing.T, w *world) {
		w.due(3)
		w.start(cronworker.Config{})
		require.Equal(t, []string{"12:00:01 (3)"}, w.openings(time.UTC))
		require.Equal(t, []string{"12:00:01"}, w.expiries(time.UTC))
		require.NoError(t, w.end())
	})
}

func TestAWorkerMayBeToldToWaitForItsFirstTime(t *testing.T) {
	inWorld(t, noon.Add(time.Second), func(t *testing.T, w *world) {
		w.due(3)
		w.start(cronworker.Config{NoCatchUp: true})
		w.clock.Add(59 * time.Minute)
		require.Empty(t, w.openings(time.UTC))
		w.clock.Add(time.Minute)
		require.Equal(t, []string{"13:00 (3)"}, w.openings(time.UTC))
		require.NoError(t, w.end())
	})
}

func TestARunGoesOnWhileThereIsMore(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		w.serve(assessplan.Config{MaxTasks: 2})
		w.due(7)
		w.start(cronworker.Config{Expire: cronworker.Off})
		require.Equal(t, []string{"12:00 (2)", "12:00 (2)", "12:00 (2)", "12:00 (1)"}, w.openings(time.UTC))
		require.Equal(t, 1, w.worker.Status().Schedule.Runs)
		require.NoError(t, w.end())
	})
}

// noSooner makes retries come exactly after their delay.
func noSooner(time.Duration) time.Duration { return 0 }

func TestARunThatCannotGetAtWhatIsLeftIsTriedAgainAfterAPause(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		w.start(cronworker.Config{Schedule: "0 * * * *", Expire: cronworker.Off, NoRelay: true, NoCatchUp: true, Random: noSooner})
		w.clock.Add(59 * time.Minute)
		w.store.Fail(plantest.OldestDue, 1, nil) // the pass says More: nobody knows what is left
		w.store.Fail(plantest.OldestDue, 2, nil)
		w.clock.Add(2 * time.Minute)
		require.Equal(t, []string{"13:00", "13:00:05", "13:00:15"}, w.openings(time.UTC))
		status := w.worker.Status().Schedule
		require.Equal(t, 3, status.Runs)
		require.Equal(t, 2, status.Failures)
		require.Empty(t, status.LastError)
		require.Contains(t, w.log.String(), `"code":"stalled"`)
		require.NoError(t, w.end())
	})
}

func TestARunThatBreaksIsTriedAgainEverMoreRarelyUntilItsNextTime(t *testing.T) {
	inWorld(t, noon.Add(time.Second), func(t *testing.T, w *world) {
		w.due(1)
		w.store.Down(nil)
		w.start(cronworker.Config{Schedule: "*/10 * * * *", Expire: cronworker.Off, NoRelay: true, MaxRetryDelay: 2 * time.Minute, Random: noSooner})
		w.clock.Add(13*time.Minute - time.Second)
		require.Equal(t, []string{"12:00:01", "12:00:06", "12:00:16", "12:00:36", "12:01:16", "12:02:36", "12:04:36", "12:06:36", "12:08:36",
			"12:10", "12:12"}, w.openings(time.UTC))
		status := w.worker.Status().Schedule
		require.Equal(t, 11, status.Failures)
		require.Equal(t, "unavailable", status.LastError)
		require.Zero(t, status.LastSuccess)
		require.Contains(t, w.log.String(), `"level":"WARN","msg":"run","job":"schedule","passes":1,"more":false,"duration":0,"code":"unavailable","kind":"unavailable","error":"store is unavailable"`)

		w.store.Up()
		w.clock.Add(time.Minute)
		runs := w.openings(time.UTC)
		require.Equal(t, "12:14 (1)", runs[len(runs)-1])
		status = w.worker.Status().Schedule
		require.Empty(t, status.LastError)
		require.Equal(t, noon.Add(14*time.Minute), status.LastSuccess)
		require.NoError(t, w.end())
	})
}

// TestARetryGivesWayToTheNextTimeAndItsJitter has a retry 22 minutes after a failure, and runs 18 minutes after their time.
func TestARetryGivesWayToTheNextTimeAndItsJitter(t *testing.T) {
	for name, test := range map[string]struct {
		failed time.Duration // after noon
		want   []string
	}{
		"the retry comes before the next time": {35 * time.Minute, []string{"12:35", "12:57", "13:18"}},
		"it would come after it":               {50 * time.Minute, []string{"12:50", "13:18"}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, noon.Add(test.failed), func(t *testing.T, w *world) {
				w.store.Down(nil)
				w.start(cronworker.Config{Expire: cronworker.Off, NoRelay: true, RetryDelay: 40 * time.Minute, Jitter: 20 * time.Minute,
					Random: func(n time.Duration) time.Duration { return n * 9 / 10 }})
				w.store.Up()
				w.clock.Add(50 * time.Minute)
				require.Equal(t, test.want, w.openings(time.UTC))
				require.NoError(t, w.end())
			})
		})
	}
}

func TestAfterASuccessTheFirstRetryComesSoonAgain(t *testing.T) {
	inWorld(t, noon.Add(time.Minute), func(t *testing.T, w *world) {
		config := only("0 * * * *")
		config.Random = func(n time.Duration) time.Duration { return n } // which keeps to no bounds
		w.start(config)
		for range 2 {
			w.clock.Add(58 * time.Minute)
			w.store.Fail(plantest.View, 1, nil)
			w.store.Fail(plantest.Update, 1, nil)
			w.clock.Add(2 * time.Minute)
		}
		require.Equal(t, []string{"13:00", "13:00:02", "14:00", "14:00:02"}, w.openings(time.UTC), "half of the delay is the least")
		require.NoError(t, w.end())
	})
}

func TestARunBeginsUpToTheJitterAfterItsTimeAndWellBeforeTheNext(t *testing.T) {
	for name, test := range map[string]struct {
		schedule string
		jitter   time.Duration
		share    float64 // of the most that Random may pick
		want     []string
	}{
		"none":                           {"0 * * * *", 0, 1, []string{"13:00", "14:00"}},
		"the least":                      {"0 * * * *", 10 * time.Minute, 0, []string{"13:00", "14:00"}},
		"some":                           {"0 * * * *", 10 * time.Minute, 0.25, []string{"13:02:30", "14:02:30"}},
		"the most":                       {"0 * * * *", 10 * time.Minute, 1, []string{"13:09:59", "14:09:59"}},
		"longer than between two times":  {"0 * * * *", 24 * time.Hour, 1, []string{"13:29:59", "14:29:59"}},
		"times that lie close and apart": {"0,6 * * * *", 10 * time.Minute, 1, []string{"12:15:59", "13:02:59", "13:15:59", "14:02:59", "14:15:59"}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, noon.Add(5*time.Minute), func(t *testing.T, w *world) {
				config := only(test.schedule)
				config.Jitter = test.jitter
				config.Random = func(n time.Duration) time.Duration { return time.Duration(test.share * float64(n)) }
				w.start(config)
				w.clock.Add(150 * time.Minute)
				require.Equal(t, test.want, w.openings(time.UTC))
				require.NoError(t, w.end())
			})
		})
	}
}

func TestTheFirstRunHasNoJitter(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		w.start(cronworker.Config{Jitter: time.Hour})
		require.Equal(t, []string{"12:00"}, w.openings(time.UTC))
		require.NoError(t, w.end())
	})
}

func TestByDefaultTheJitterIsLeftToChance(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		config := only("0 * * * *")
		config.Jitter = 20 * time.Minute
		w.start(config)
		w.clock.Add(24*time.Hour + 59*time.Minute)
		began := map[time.Duration]bool{}
		for _, o := range plantest.Observed[*assessplan.ScheduleFinished](w.recorder) {
			late := o.Report.StartedAt.Sub(o.Report.StartedAt.Truncate(time.Hour))
			require.Less(t, late, 20*time.Minute)
			began[late] = true
		}
		require.Greater(t, len(began), 20)
		require.Equal(t, 24, w.worker.Status().Schedule.Runs)
		require.NoError(t, w.end())
	})
}

// TestTimesThatComeWhileAJobRunsAreOneRunAfterIt has a run that lasts three hours.
func TestTimesThatComeWhileAJobRunsAreOneRunAfterIt(t *testing.T) {
	inWorld(t, noon.Add(-time.Minute), func(t *testing.T, w *world) {
		w.serve(assessplan.Config{GeneratorTimeout: -1})
		w.clock.Add(time.Minute)
		w.due(1)
		hang, release := plantest.Hang()
		w.entries.OnCall(1, hang)
		w.start(cronworker.Config{Expire: cronworker.Off, NoRelay: true})
		w.clock.Add(3*time.Hour + 10*time.Minute)
		require.Empty(t, w.openings(time.UTC))
		status := w.worker.Status().Schedule
		require.True(t, status.Running)
		require.Equal(t, 3, status.Overruns)
		require.Equal(t, noon.Add(4*time.Hour), status.Next)
		require.Contains(t, w.log.String(), `"level":"WARN","msg":"overrun","job":"schedule","overruns":3,"duration":10800000000000`)

		release()
		synctest.Wait()
		require.Equal(t, []string{"12:00 (1)", "15:10"}, w.openings(time.UTC))
		w.clock.Add(time.Hour)
		require.Equal(t, []string{"12:00 (1)", "15:10", "16:00"}, w.openings(time.UTC))
		status = w.worker.Status().Schedule
		require.Equal(t, []any{false, 3, 3}, []any{status.Running, status.Overruns, status.Runs})
		require.NoError(t, w.end())
	})
}

// shiftedClock is a clock that can be set, while its timers go on as before.
type shiftedClock struct {
	clock.Clock
	shift atomic.Int64
}

func (c *shiftedClock) Now() time.Time { return c.Clock.Now().Add(time.Duration(c.shift.Load())) }

// TestAClockThatIsSet has a job at 13:00, 14:00, and so on, and sets the clock at 14:30. What the clock showed when runs began
// is the status' to say.
func TestAClockThatIsSet(t *testing.T) {
	for name, test := range map[string]struct {
		by      time.Duration
		then    time.Duration // later
		runs    int           // beside the two at 13:00 and 14:00
		started time.Duration // since noon, of the last
		next    time.Duration // since noon
	}{
		"forward by ten hours: one run":            {10 * time.Hour, 2 * time.Minute, 1, 12*time.Hour + 31*time.Minute, 13 * time.Hour},
		"forward by a year: one run":               {365 * 24 * time.Hour, 2 * time.Minute, 1, 365*24*time.Hour + 2*time.Hour + 31*time.Minute, 365*24*time.Hour + 3*time.Hour},
		"forward, but not to a time":               {10 * time.Minute, 2 * time.Minute, 0, 2 * time.Hour, 3 * time.Hour},
		"back by some seconds":                     {-30 * time.Second, 2 * time.Minute, 0, 2 * time.Hour, 3 * time.Hour},
		"back to before a time: it comes again":    {-40 * time.Minute, 2 * time.Minute, 0, 2 * time.Hour, 2 * time.Hour},
		"back to before a time, and on to it":      {-40 * time.Minute, 10 * time.Minute, 1, 2 * time.Hour, 3 * time.Hour},
		"back by a year: it does not wait so long": {-365 * 24 * time.Hour, 31 * time.Minute, 1, -365*24*time.Hour + 3*time.Hour, -365*24*time.Hour + 4*time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, noon.Add(time.Minute), func(t *testing.T, w *world) {
				config := only("0 * * * *")
				shifted := &shiftedClock{Clock: w.clock}
				config.Clock = shifted
				w.start(config)
				w.clock.Add(2*time.Hour + 29*time.Minute)
				shifted.shift.Store(int64(test.by))
				w.clock.Add(test.then)
				status := w.worker.Status().Schedule
				require.Equal(t, 2+test.runs, status.Runs)
				require.Zero(t, status.Overruns)
				require.Equal(t, noon.Add(test.started), status.LastStarted)
				require.Equal(t, noon.Add(test.next), status.Next)
				require.NoError(t, w.end())
			})
		})
	}
}

// TestARunThatWaitsForAJitterOrARetryDoesNotWaitForAClockThatWasSetBack has both wait while the clock is set back by a day.
func TestARunThatWaitsForAJitterOrARetryDoesNotWaitForAClockThatWasSetBack(t *testing.T) {
	inWorld(t, noon.Add(time.Minute), func(t *testing.T, w *world) {
		config := only("0 * * * *")
		config.Jitter = 30 * time.Minute
		config.Random = func(n time.Duration) time.Duration { return n / 2 }
		shifted := &shiftedClock{Clock: w.clock}
		config.Clock = shifted
		w.start(config)
		w.clock.Add(time.Hour)
		require.Zero(t, w.worker.Status().Schedule.Runs)
		shifted.shift.Store(int64(-24 * time.Hour))
		w.clock.Add(time.Minute)
		require.Equal(t, 1, w.worker.Status().Schedule.Runs)
		require.NoError(t, w.end())
	})
}

func TestAnIntervalCountsFromItsOwnTimes(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		w.start(cronworker.Config{Schedule: "@every 25m", Expire: cronworker.Off, NoRelay: true})
		w.clock.Add(80 * time.Minute)
		require.Equal(t, []string{"12:00", "12:25", "12:50", "13:15"}, w.openings(time.UTC))
		require.NoError(t, w.end())
	})
}

// onlyNow is a clock of a host's that has nothing but what a service asks of one.
type onlyNow struct{ ahead time.Duration }

func (c onlyNow) Now() time.Time { return time.Now().Add(c.ahead) }

func TestAClockWithoutTimersIsEnough(t *testing.T) {
	inWorld(t, noon, func(t *testing.T, w *world) {
		began := time.Now()
		w.start(cronworker.Config{Clock: onlyNow{noon.Sub(began)}, Schedule: "*/5 * * * *", Expire: cronworker.Off, NoRelay: true})
		time.Sleep(9*time.Minute + 59*time.Second)
		synctest.Wait()
		require.Equal(t, 1+1, w.worker.Status().Schedule.Runs)
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, 1+2, w.worker.Status().Schedule.Runs)
		require.Equal(t, noon.Add(15*time.Minute), w.worker.Status().Schedule.Next)
		require.NoError(t, w.end())
	})
}
