package crash_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sharing is a run in which nobody dies, and in which no lease runs out.
func sharing(database string) shape {
	return shape{database: database, processes: 4, tasks: 1000, pageSize: 20, batchSize: 20, latency: 5 * time.Millisecond,
		lease: 30 * 24 * time.Hour, within: 5 * time.Minute}
}

// amid is how many tasks a run has in which workers die, and how many in the long form. SQLite under the race detector is slow.
var amid = map[string]struct{ tasks, long int }{"sqlite": {2000, 20_000}, "postgres": {4000, 100_000}, "mariadb": {4000, 100_000}}

// killing is a run in which workers die.
func killing(database string, seed int64) shape {
	return shape{database: database, processes: 4, tasks: amid[database].tasks, pageSize: 50, batchSize: 20, kills: 25, seed: seed, latency: 80 * time.Millisecond,
		lease: leastLease, within: 5 * time.Minute}
}

// TestProcessesShareOneDatabase has four processes work on one database at once. Nobody is told that it was locked: a worker
// that is says so, and fails the run.
func TestProcessesShareOneDatabase(t *testing.T) {
	onEach(t, all, func(t *testing.T, database string) {
		s := sharing(database)
		r := newRun(t, s)
		b := r.toTheEnd()
		require.Empty(t, b.audit())
		require.Zero(t, again(b.deliveries), "somebody delivered what was another's to deliver")
		opened := 0
		for _, tally := range r.tallies {
			opened += tally.Opened
			require.Positive(t, tally.Opened+tally.Ended+tally.Published+tally.Commands, "a worker did nothing")
		}
		require.Equal(t, s.tasks, opened, "the reports of all passes say what was opened")
	})
}

// TestEveryTaskAndEventSurvivesKills kills workers amid passes, commands and relays until all is done.
func TestEveryTaskAndEventSurvivesKills(t *testing.T) {
	onEach(t, all, func(t *testing.T, database string) {
		s := killing(database, newSeed(t))
		if *longFlag {
			s.tasks, s.kills, s.within = amid[database].long, 100, 25*time.Minute
		}
		r := newRun(t, s)
		b := r.toTheEnd()
		t.Logf("%d kills, %d deliveries, %d of them again, %d torn", r.killed, len(b.deliveries), again(b.deliveries), r.ledger.torn)
		require.Empty(t, b.audit())
		require.Equal(t, s.kills, r.killed)
		require.Positive(t, again(b.deliveries), "no kill met a relay")
	})
}

// TestWithoutAGuardTheBooksDoNotBalance shows that the runs can fail. A kill that meets the gap is a matter of luck, which a
// short run may not have: three are tried.
func TestWithoutAGuardTheBooksDoNotBalance(t *testing.T) {
	onEach(t, all, func(t *testing.T, database string) {
		seed := newSeed(t)
		for mutant, test := range map[string]struct {
			shape     shape
			tasks     int
			pageSize  int // small for a run in which passes are busy all the time
			batchSize int // small for one in which relays are
			fault     string
		}{
			splitCommit:  {killing(database, seed), 500, 10, 100, faultLost},
			settledFirst: {killing(database, seed), 500, 50, 5, faultLost},
			lastWins:     {sharing(database), 200, 20, 20, faultEntry},
		} {
			t.Run(mutant, func(t *testing.T) {
				t.Parallel()
				s := test.shape
				s.mutant, s.tasks, s.kills = mutant, test.tasks, min(s.kills, 15)
				s.pageSize, s.batchSize = test.pageSize, test.batchSize
				found := faults{}
				for s.seed = seed; found[test.fault] == nil && s.seed < seed+3; s.seed++ {
					found = newRun(t, s).toTheEnd().audit()
					t.Logf("%v", found)
				}
				require.Contains(t, found, test.fault)
			})
		}
	})
}

// TestAWorkerEndsWithItsParent closes a worker's standard input, as the end of its parent does.
func TestAWorkerEndsWithItsParent(t *testing.T) {
	s := sharing("sqlite")
	s.tasks = roundTasks
	r := newRun(t, s)
	p := startProcess(t, &r.job)
	eventually(t, "it begins", time.Minute, func() bool { return p.isReady() || p.hasEnded() })
	require.NoError(t, p.stdin.Close())
	eventually(t, "it ends", time.Minute, p.hasEnded)
	require.NoError(t, p.stop())
}
