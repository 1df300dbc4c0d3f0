package crash_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// restarting is a run whose server is killed and started again while the workers live.
func restarting(database string, seed int64) shape {
	return shape{database: database, processes: 2, tasks: 1000, pageSize: 20, batchSize: 20, kills: 3, seed: seed, latency: 10 * time.Millisecond,
		lease: leastLease, within: 5 * time.Minute}
}

// TestAServerThatIsKilledIsWorkedWithAgain kills the server at once amid passes, commands and relays. They are told that it is
// away, and go on when it is back.
func TestAServerThatIsKilledIsWorkedWithAgain(t *testing.T) {
	onEach(t, servers, func(t *testing.T, database string) {
		s := restarting(database, newSeed(t))
		if *longFlag {
			s.tasks, s.kills, s.within = 20_000, 20, 25*time.Minute
		}
		s.server = databases[database].serve(t)
		r := newRun(t, s)
		b := r.toTheEnd()
		outages := 0
		for _, tally := range r.tallies {
			outages += tally.Outages
		}
		t.Logf("%d restarts, %d failed transactions, %d deliveries, %d of them again", r.killed, outages, len(b.deliveries), again(b.deliveries))
		require.Empty(t, b.audit())
		require.Equal(t, s.kills, r.killed)
		require.GreaterOrEqual(t, outages, s.kills, "a restart met nobody")
	})
}

// TestWithoutAGuardAServerThatIsKilledLosesEvents shows that the test can fail.
func TestWithoutAGuardAServerThatIsKilledLosesEvents(t *testing.T) {
	onEach(t, servers, func(t *testing.T, database string) {
		s := restarting(database, newSeed(t))
		s.server, s.mutant = databases[database].serve(t), splitCommit
		s.tasks, s.pageSize, s.kills = 500, 5, 6 // passes are busy all the time
		found := newRun(t, s).toTheEnd().audit()
		t.Logf("%v", found)
		require.Contains(t, found, faultLost)
	})
}
