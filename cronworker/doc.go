// Package cronworker runs the passes and the relay of a service inside any process, by the clock: a goroutine beside an API
// server, or a process of its own.
//
//	worker, err := cronworker.New(service, &cronworker.Config{
//		Schedule: "*/5 * * * *", // opens what is due; by default "0 * * * *"
//		Expire:   "0 3 * * *",   // expires what is over; this is the default
//		Zone:     berlin,
//		Logger:   logger,
//	})
//	if err != nil {
//		return err
//	}
//	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
//	defer stop()
//	return worker.Run(ctx)
//
// # Runs
//
// A job has its first run when [Worker.Run] begins, because something may have become due while no worker ran, and then one
// at each time of its [Timetable]. A run makes passes until a report says that there is no more. One that breaks, or that
// cannot get at what is left, is tried again after a pause that doubles, until the next time of its timetable at the latest.
//
// A worker never runs a job twice at once. A time that comes while the job runs is an overrun: it is counted, and when the
// run has ended another begins at once, one for however many times were passed. So also after a machine slept, or its clock was
// set forward: one run, not one for each time that was missed. A clock that is set back by more than a minute makes
// the worker ask its timetables again, so that a time that comes again has a run again. None of this opens a task twice.
//
// A task is opened by the first run after its planned time: the default suits questionnaires of a day, and plans whose windows are
// minutes want "* * * * *". A pass that finds nothing costs about a millisecond.
//
// # Many workers
//
// Any number of workers, in any number of processes, may work on one database with the same timetables, and none leads: passes
// share what is due, page by page, and relays share the outbox. When one is killed, the others do its work. Config.Jitter
// keeps them from beginning in the same moment.
//
// # Stopping
//
// When the context of [Worker.Run] ends, no further run or pass begins. A run under way may go on for Config.StopTimeout, then its
// context ends too: what it has committed stays, the page that it was at is rolled back, and the next run of any worker does it.
// Run returns when all that it started has ended. How soon that is lies with what a pass calls: a generator that ignores its
// context is given up by the pass (assessplan.Config.GeneratorTimeout, unless that is -1), a publisher by the relay, and a
// store must honour its context. What has not ended within twice Config.StopTimeout, such as an Observer that hangs, is left behind,
// and Run returns [ErrAbandoned]. Nothing is lost even so, nor by a process that is killed.
package cronworker
