// Package broker proves that events reach real brokers, and consumers behind them, as watermillpub promises: through NATS
// JetStream at ASSESSPLAN_TEST_NATS and RabbitMQ at ASSESSPLAN_TEST_RABBITMQ, which scripts/services finds or starts. Headers
// are read with the brokers' own clients. What docs/brokers.md says of the traps of a broker or of its Publisher is shown
// here where it can be.
//
// Every test has a stream, or an exchange and a queue, of its own, which are deleted when it ends.
//
// # Faults
//
// The books of a test (ledger_test.go) have every event of every transaction that was committed. In the end they are compared with
// what the broker has: nothing may be lost, altered, made up, or first delivered after a later event of its subject, and
// repetitions may be no more than the faults account for. JetStream drops them, so there it is none.
//
//	outage_test.go    a broker that is away for an hour of the tasks' clock, minute by minute beside an hour that is like all others
//	killing_test.go   a nats-server and a RabbitMQ node of the test's own, killed with SIGKILL while services work in real time
//	relays_test.go    two services on one Postgres, whose relays share a broker that is cut at random (wire_test.go)
//	poison_test.go    an event that the broker refuses: parked, retried, discarded
//	slow_test.go      a publisher that takes 50 ms for an event, and one that hangs
//
// Each has mutants (mutants_test.go) that it must notice. -broker.long kills and cuts ten times as often; -broker.seed draws the
// faults anew, although the moments at which they strike differ.
package broker
