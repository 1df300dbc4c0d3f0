// Package assessplan schedules the tasks of assessment plans: which scale a testee fills in, and when, in clinical
// follow-up, patient-reported outcomes and student screening. The host keeps its database, broker, HTTP router, trigger and
// clock; this package brings the rules, and asks for those things through small interfaces.
//
// # The words
//
// An [AssessmentPlan] is a rule: one scale, a [Schedule], a zone, [Windows]. An [Enrollment] is one testee's round in a plan,
// from a start date; it turns the rule into tasks. An [AssessmentTask] is the Nth assessment that the testee owes in the
// round. A task that is opened has an [Entry], a token and a URL through which the testee reaches it:
//
//	            +-- expired   (its window to be opened closed)
//	            |
//	pending ----+-- opened ---+-- completed
//	            |             +-- expired   (its entry ran out)
//	            +-------------+-- canceled  (no longer owed)
//
// A submission that was handed in while a task was open completes it also after it was recorded as expired or canceled, and
// rescheduling makes anything but a completed task pending again. The table is in lifecycle.go.
//
// # Using it
//
// [New] wires a [Service] over a [Store], an [EntryGenerator] and a [Config]. Its [Manager] has the commands and queries,
// its [Scheduler] the two passes that a trigger of the host's runs every minute or so:
//
//	entries, err := assessplan.NewURLEntryGenerator("https://assess.example.org/fill", nil)
//	service, err := assessplan.New(memstore.New(), entries, nil)
//
//	plan, err := service.Manager.CreatePlan(ctx, assessplan.PlanSpec{
//		Org: "clinic-a", Scale: "PHQ-8", Zone: "Europe/Berlin",
//		Schedule: assessplan.EveryDays(14, 9, assessplan.ClockTime(9, 30)),
//		Windows:  assessplan.Windows{FillWindow: assessplan.CalendarDays(3)},
//	})
//	_, err = service.Manager.Enroll(ctx, assessplan.EnrollSpec{
//		Org: "clinic-a", Plan: plan.ID, Testee: "T001", Start: assessplan.CivilDate{Year: 2026, Month: 3, Day: 20},
//	})
//
//	expired, err := service.Scheduler.ExpireOverdueTasks(ctx, time.Time{})
//	opened, err := service.Scheduler.SchedulePendingTasks(ctx, time.Time{})
//
// A pass works in pages, each a transaction, and can be run again, twice at once and on several replicas: each task is
// opened once. Its report says what was done and what failed. A task that fails is reported and tried again later, and
// keeps no other from being opened; an error means that the run itself broke.
//
// # The way of a command
//
// Every change goes the same way, from the command to the outbox:
//
//	Manager.CompleteTask(ctx, org, id, submission)      the command: checks its input
//	  Store.Update                                      begins a transaction and hands out its Repositories
//	    TaskRepository.FindTask -> TaskState            a plain record, locked
//	    RestoreTask(state)      -> *AssessmentTask      the aggregate; a state that cannot be is ErrCorrupt
//	    task.Complete(assessment, submittedAt, now)     the rule: changes the state and records a Fact
//	    TaskRepository.SaveTasks(TaskChange{State, Was, Events})
//	                                                    the new state if nobody stored another one since (Was),
//	                                                    and its event in the Outbox: both or neither
//	  commit
//	Outbox.ClaimEvents -> EventPublisher -> Outbox.SettleEvents
//	                                                    later and elsewhere, at least once, in order per task
//
// A pass does the same for a page: FindPendingTasks claims tasks that no other scheduler holds, the EntryGenerator is asked
// for each, AssessmentTask.Open judges, SaveTasks stores all of them with their events. Aggregates have no setters and never
// reach an adapter; adapters fetch and store plain states and decide nothing.
//
// The [Relay] leases events, publishes them outside of any transaction and settles them. [Relay.Run] does so until its context
// ends, woken by each commit of its service; an event that the publisher refuses is tried again, holds back the later ones of
// its subject, and is parked when that happens too often. An operator lists those with [Relay.ListParkedEvents], and ends it
// with [Relay.Retry] or [Relay.Discard].
//
// # Watching it
//
// An [Observer] is told of runs, of what they stored and of what went wrong; a [Tracer] follows passes, pages and calls of the
// publisher, and puts the trace context under which something was stored into its events ([Event.TraceParent]). Package alerts is
// an Observer that tells operators what needs them, module otelplan both on OpenTelemetry.
//
// # Time
//
// Nothing in here reads the machine's clock but through Config.Clock, which [github.com/benbjohnson/clock.Clock] and its
// Mock meet. A schedule counts civil dates and times of day; [Resolve] makes instants of them in the zone of the plan or the
// round, so that 09:30 stays 09:30 when the clocks change. Instants are UTC at microseconds.
//
// # Errors
//
// Errors match a sentinel such as [ErrNotFound] with errors.Is; [TransitionError], [VersionError] and [ValidationError] say
// more. [KindOf] and [PublicMessage] are what a transport needs. No error of this package holds a token, an entry URL or a
// testee's ID.
//
// # Organisations
//
// Every record belongs to one org, and every command and query names it: a record of another org is not found. Exceptions
// are the passes, whose [Scope] may be all orgs, and [Manager.ResolveEntry] and [Manager.CompleteWithEntry], whose token
// decides.
//
// # Where things are
//
//	plan.go, enrollment.go, task.go     the aggregates and their states
//	begin.go                            how a round gets its tasks
//	lifecycle.go                        what may be done to a task, and when
//	schedule*.go, window.go, civil.go   dates, times of day, zones, windows
//	id.go, reference.go, checks.go      IDs, the host's references, what every record keeps to
//	ports.go, scope.go, observer.go,    what a host or an adapter implements
//	tracer.go
//	entry.go, generator.go              entries, and the generators that ship
//	event.go, facts.go, cloudevent.go   events, what they say, and how they are written
//	service.go                          New and Config
//	manager*.go                         the commands and queries
//	scheduler.go, sweep.go              the passes: pages, cursors, isolation
//	opening.go, expiry.go, closing.go   what each pass decides; report.go what it tells
//	entrycalls.go                       what shields a pass from a generator
//	commits.go                          what a commit tells the relay and the Observer
//	relay.go, delivery.go               the relay: its loop; what becomes of a batch of events
//	publishing.go, parked.go            what shields the relay from a publisher; the events that were parked
//	logging.go                          what is logged, and under which keys
//	errors.go                           sentinels, typed errors, kinds
//
// Package memstore is a Store in memory; sqlstore has those on SQLite, PostgreSQL, MySQL and MariaDB. httpapi and grpcapi serve
// the commands, access says who may call them, cronworker runs the passes and the relay by the clock, and watermillpub publishes to
// brokers. storetest is the suite that every Store passes, and plantest helps hosts with their own tests. docs/design.md has the
// decisions with what was turned down, docs/guarantees.md what is promised and what is not.
package assessplan
