package broker_test

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan/memstore"
)

// killedBroker has a service work while its broker is killed again and again amid what is published to it, and started again on
// the same files. It returns what is wrong in the end.
func killedBroker(t *testing.T, k kind, kills int, mutant string) (faults []string) {
	t.Helper()
	s, to := k.private(t, mutant)
	_, through := newWire(t, s.url)
	c := newClinic(t, k, to, memstore.New(), mutant, to.stubborn(t, through))
	defer c.relaying()()
	for range kills {
		until := c.taken.Load() + 1 + c.rng.Int64N(100)
		c.treatUntil(100, "the broker takes events", func() bool { return c.taken.Load() >= until })
		s.kill()
		for range 1 + c.rng.IntN(10) {
			c.treat()
		}
		s.start()
		to.reconnect(t)
	}
	allowed := 0 // JetStream drops them
	if k.name == rabbitMQ.name {
		allowed = kills * inFlight
	}
	return c.audit(to, allowed)
}

// TestKilledBrokerLosesNothing kills a NATS server and a RabbitMQ server with SIGKILL.
func TestKilledBrokerLosesNothing(t *testing.T) {
	for name, row := range map[string]struct {
		kind  kind
		kills int
	}{
		"JetStream": {jetStream, 6},
		"RabbitMQ":  {rabbitMQ, 1}, // it takes seconds to start
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if *longFlag {
				row.kills *= 10
			}
			require.Empty(t, killedBroker(t, row.kind, row.kills, ""))
		})
	}
}

// TestWithoutAGuardKillsAreNoticed shows that the test can fail.
func TestWithoutAGuardKillsAreNoticed(t *testing.T) {
	for _, mutant := range []string{hasty, settledFirst, swallowing, inMemory} {
		t.Run(mutant, func(t *testing.T) {
			require.Contains(t, killedBroker(t, jetStream, 2, mutant), faultLost)
		})
	}
}

// privateNATS is a server of the test's own, with a stream on it.
func privateNATS(t *testing.T, mutant string) (*server, place) {
	t.Helper()
	s := newNATS(t)
	return s, newStreamAt(t, s.url, func(c *nats.StreamConfig) {
		if mutant == inMemory {
			c.Storage = nats.MemoryStorage
		}
	})
}

// privateRabbitMQ is a server of the test's own, with an exchange on it. The queue is a classic one: RabbitMQ 3.10 takes minutes
// until a quorum queue of a single node that was killed has a leader again.
func privateRabbitMQ(t *testing.T, _ string) (*server, place) {
	t.Helper()
	s := newRabbitMQ(t)
	return s, newExchangeAt(t, s.url, "classic")
}
