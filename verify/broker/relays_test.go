package broker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/verify/internal/database"
)

// inFlight is how many events a relay has on their way at once: the default of watermillpub's Concurrency.
const inFlight = 16

// cutAtRandom has two services on one Postgres whose relays share a broker. Every now and then all connections to it are cut,
// before or after it has answered, or it stays away for a while. It returns what is wrong in the end.
func cutAtRandom(t *testing.T, k kind, cuts int, mutant string) (faults []string) {
	t.Helper()
	to := k.open(t)
	wire, through := newWire(t, to.address())
	c := newClinic(t, k, to, postgresStore(t), mutant, to.stubborn(t, through), to.stubborn(t, through))
	defer c.relaying()()
	for range cuts {
		until := c.taken.Load() + 1 + c.rng.Int64N(40)
		c.treatUntil(40, "the broker takes events", func() bool { return c.taken.Load() >= until })
		switch c.rng.IntN(3) {
		case 0:
			wire.cut()
			continue
		case 1:
			wire.cutAtAnswer()
			continue
		}
		wire.set(false)
		for range c.rng.IntN(5) {
			c.treat()
		}
		wire.set(true)
	}
	allowed := 0 // JetStream drops them
	if k.name == rabbitMQ.name {
		allowed = cuts * len(c.services) * inFlight
	}
	return c.audit(to, allowed)
}

func postgresStore(t *testing.T) assessplan.Store {
	t.Helper()
	return database.Postgres.New(t).Open(t)
}

// TestTwoRelaysAtABrokerThatIsCutAtRandom loses nothing, keeps the order per task, and repeats no more than what was on its way.
func TestTwoRelaysAtABrokerThatIsCutAtRandom(t *testing.T) {
	onEach(t, func(t *testing.T, k kind) {
		cuts := 12
		if *longFlag {
			cuts *= 10
		}
		require.Empty(t, cutAtRandom(t, k, cuts, ""))
	})
}

// TestWithoutAGuardCutsAreNoticed shows that the test can fail.
func TestWithoutAGuardCutsAreNoticed(t *testing.T) {
	for mutant, row := range map[string]struct {
		kind  kind
		fault string
	}{
		hasty:        {jetStream, faultLost},
		settledFirst: {jetStream, faultLost},
		swallowing:   {jetStream, faultLost},
		hurried:      {jetStream, faultOvertaken},
		unleased:     {rabbitMQ, faultRepeated},
		unnamed:      {jetStream, faultRepeated},
	} {
		t.Run(mutant, func(t *testing.T) {
			for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
				for _, fault := range cutAtRandom(t, row.kind, 6, mutant) {
					if fault == row.fault {
						return
					}
				}
			}
			require.Fail(t, "nothing was noticed", row.fault)
		})
	}
}
