// Package broker proves that events reach real brokers, and consumers behind them, as watermillpub promises: through NATS
// JetStream at ASSESSPLAN_TEST_NATS and RabbitMQ at ASSESSPLAN_TEST_RABBITMQ, which scripts/services finds or starts. Headers
// are read with the brokers' own clients. What docs/brokers.md says of the traps of a broker or of its Publisher is shown
// here where it can be.
//
// Every test has a stream, or an exchange and a queue, of its own, which are deleted when it ends.
package broker
