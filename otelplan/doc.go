// Package otelplan shows a service to OpenTelemetry: metrics of what happens to tasks and events and of how the passes and the
// relay do, and spans of their work. It uses the API of OpenTelemetry alone; the host brings the SDK, and chooses where
// everything goes:
//
//	telemetry, err := otelplan.New(&otelplan.Config{MeterProvider: meters, TracerProvider: tracers})
//	service, err := assessplan.New(store, entries, &assessplan.Config{Observer: telemetry, Tracer: telemetry})
//
// # Metrics
//
// Names, units and attributes follow OpenTelemetry's semantic conventions; in Prometheus assessplan.task.opening.delay is
// assessplan_task_opening_delay_seconds. No attribute has the ID of a task, a round, a plan or a testee; each has a few known
// values. An org stands in them only with [Config].ByOrg.
//
//	assessplan.task.opened              {task}     counter
//	assessplan.task.opening.delay       s          histogram: from when it was planned to when it was opened
//	assessplan.task.completed           {task}     counter: assessplan.late, assessplan.previous_status
//	assessplan.task.expired             {task}     counter: assessplan.reason, of which missed_window are missed windows
//	assessplan.task.canceled            {task}     counter
//	assessplan.task.rescheduled         {task}     counter
//	assessplan.task.oldest_due.age      s          gauge: of the earliest planned time that a pass left due
//	assessplan.record.failures          {failure}  counter: assessplan.record (task, enrollment or plan), assessplan.page (open_page,
//	                                               expire_page, close_page or plan_page, as the spans below), error.type
//	assessplan.pass.duration            s          histogram: assessplan.pass (schedule or expire), error.type if it broke
//	assessplan.pass.last_success.time   s          gauge: assessplan.pass; Unix time
//	assessplan.relay.last_success.time  s          gauge: Unix time
//	assessplan.relay.failures           {failure}  counter: error.type
//	assessplan.event.published          {event}    counter
//	assessplan.event.refused            {event}    counter: tried again later
//	assessplan.event.parked             {event}    counter: refused once too often
//	assessplan.outbox.pending           {event}    gauge
//	assessplan.outbox.parked            {event}    gauge
//	assessplan.outbox.oldest.age        s          gauge: of the oldest pending event
//	assessplan.outbox.counted.time      s          gauge: Unix time of the three before
//
// What happened to tasks is counted when it is committed, once, whether a pass or a command did it; what a host did in a
// transaction of its own is not counted, and neither are tasks that were imported. Ages are as of the last report: gauges are
// about the store, which several processes may share, so that of several values the latest is right and a sum is not.
// The error.type is a [assessplan.FailureCode] or a kind of [assessplan.KindOf], never a message. Times are by
// assessplan.Config.Clock.
//
// # Spans
//
//	assessplan.schedule, assessplan.expire                  a pass
//	assessplan.open_page, assessplan.expire_page,
//	assessplan.close_page, assessplan.plan_page             a page of it, with what the database driver traces below
//	publish                                                 a call of the publisher
//
// Every event says under which page, or which span of the host's, it was stored ([assessplan.Event.TraceParent]); the span that
// publishes it links there, and a consumer can, too. By the conventions for messaging, publish is a span of kind client that sends:
// the context in which a message was created is that of the event. A span that broke has the status error and an error.type.
//
// # Alerts
//
// deploy/prometheus has alert rules on these metrics, and deploy/grafana a dashboard.
package otelplan
