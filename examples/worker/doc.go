// Command worker is the independent worker: it opens what is due, expires what is over and relays the events, by the clock,
// beside whatever serves the API of the same database, such as examples/apiserver. main.go is the wiring. See it work in one
// command, with nothing installed:
//
//	go run ./examples/worker --demo
//
// Or on a database and a broker, as often as wanted on as many machines as wanted, which share the work (docs/scale.md):
//
//	go run ./examples/worker --store postgres://USER:PASSWORD@HOST:PORT/DATABASE --broker nats://127.0.0.1:4222 \
//		--base-url https://assess.example.org/fill --schedule '*/5 * * * *' --jitter 10s --zone Europe/Berlin
//
// ALL RELAYS OF A STORE MUST PUBLISH TO THE SAME PLACE: each event is taken by one of them, and then it is settled. Give all workers
// the same --broker and --stream (or none, to those that shall not publish), and examples/apiserver --no-relay: what its relay got
// to first would be in its log, and not on the broker.
//
// A store is sqlite:FILE, postgres://... or mysql://..., as for examples/apiserver, whose --base-url has to be the same. A broker
// is nats://HOST:PORT (or tls://), in which the stream --stream is made if it is missing, for a single server: on a cluster make it
// before, with Replicas: 3. What has to be granted to its user the worker says where it is refused something. Or it is
// amqp://USER:PASSWORD@HOST:PORT/ (or amqps://), where --stream is a topic exchange; bind queues to it: what none of them wants
// waits in the queue STREAM.unrouted. Topics are STREAM.task.opened and so on. With the broker none events stay in the outbox for
// another worker, with log they go to the log, by type and ID.
//
// Flags and stores are checked, tables brought up to date and the broker asked before anything is begun. What fails later is tried
// again: a database or a broker that is away is waited for, and keeps nothing else from being done.
//
// http://127.0.0.1:9464/metrics is for Prometheus: the metrics of otelplan, for which deploy/ has alert rules and a dashboard.
// /healthz says how the jobs, the relay and the alerts stand, and is 503 when a job did not end well for two of its intervals, or
// when passes or the relay have been failing for a minute. It is 200 again when a broker is back, while single events may still
// wait for their next attempt, up to MaxRetryDelay of assessplan.RelayConfig (ten minutes): the backlog is in the metrics. That is
// for people and monitors. It is no liveness probe: a database or a broker that is away does not come back because workers are
// killed.
//
// The log, JSON on the standard error, has commands, runs and alerts, and neither tokens nor URLs. SIGTERM or an interrupt ends it
// in order, with the code 0: a pass under way may go on for 10 seconds, and the relay settles what it has in its hands. A second
// signal ends it at once, which loses nothing either: the next worker takes over, events after the lease of two minutes. The code is
// 1 after a failure at the start, and 2 where a flag is wrong.
package main
