// Package alerts tells an operator that a service of package assessplan needs somebody: once when something begins to be
// wrong, again while it lasts, and once when it is over. A [Watch] is an [assessplan.Observer]:
//
//	watch, err := alerts.New(&alerts.Config{Logger: logger, Notify: page})
//	service, err := assessplan.New(store, entries, &assessplan.Config{Observer: watch})
//	go watch.Run(ctx)
//
// page is a function of the host's that sends an [Alert] to whoever is on call; the Logger gets a record of each alert anyway.
//
// # What is watched
//
//	schedule_failing   passes that open tasks break                      Config.Failing
//	expire_failing     passes that end tasks break                       Config.Failing
//	relay_failing      the publisher takes nothing, or the store fails   Config.Failing
//	no_schedule_pass   no pass that opens tasks came to its end          Config.NoPass
//	no_expire_pass     no pass that ends tasks came to its end           Config.NoPass
//	no_relay           a relay that was heard of is no longer            Config.NoRelay
//	failure_ratio      many of the tasks that are due cannot be opened   Config.FailureRatio, Config.MinTasks
//	oldest_due         a task has been due for long                      Config.OldestDue
//	oldest_event       an event has waited for long to be published      Config.OldestEvent
//	event_parked       an event was parked; each has its own alert       Config.Parked
//	events_parked      events are parked that have no alert of their own Config.Parked
//
// A pass may be narrowed by a scope. What it finds wrong stands until a pass over the same or more does well. One that names
// testees is somebody's command: it counts for failure_ratio only, since its caller hears of everything else.
//
// A pass whose context ended before it was through is no error, and says little: it ends no condition, and does not count as
// a pass. So a store that hangs, or passes that never get to the end of a backlog in the time that they are given, end in
// no_schedule_pass.
//
// # Several processes
//
// A watch sees the passes and relays of its own process. Where passes are run by one process of several, such as a cron job or
// an elected leader, set NoPass to -1 in the others. An event that another process retries or discards ends its alert when
// nothing is parked any more, as the next report of a relay says. Keys of alerts are the same in all processes, so that a
// pager takes the alerts of two replicas for one.
//
// # Log records
//
// A record has the message "alert", level Warn for what is raised or repeated and Info for what recovered, and these keys:
//
//	alert       the kind
//	state       raised, repeated or recovered
//	text        what is wrong and what to look at
//	since       when it began
//	until       of what recovered, when it ended
//	value       what was found, and
//	threshold   what was asked for: seconds, a share or a number, see Kind
//	org, event  the org, if it is about one, and the event
//	run         the run that showed it last, which has the same key in the records of assessplan.Config.Logger
//
// "alert not passed on", at Error, says that the queue before Notify was full (key dropped: how many so far); "notify
// panicked", at Error, that Notify did (key panic: the type of what it panicked with). Both have the keys of their alert.
// No alert and no record holds a token, an entry URL, a testee, or an error's text that is not this module's own.
package alerts
