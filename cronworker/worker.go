package cronworker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/assessplan/assessplan"
)

// ErrAbandoned says that something did not end although it was told to, and was left behind.
var ErrAbandoned = errors.New("abandoned")

// Worker runs the passes of a service by the clock, and its relay. It is safe for concurrent use.
type Worker struct {
	config   Config
	schedule *job
	expire   *job
	relay    *relay // nil: none
	running  atomic.Bool
}

// New makes a worker, which does nothing until [Worker.Run] is called. config may be nil. Every fault of the arguments comes
// back in one [assessplan.ValidationError]; a worker that would do nothing is one of them.
func New(service *assessplan.Service, config *Config) (*Worker, error) {
	w, f := &Worker{config: config.withDefaults()}, assessplan.ValidationError{}
	c := &w.config
	c.check(&f)
	schedule, expire := c.timetable(&f, "Schedule", c.Schedule), c.timetable(&f, "Expire", c.Expire)
	if service == nil || service.Scheduler == nil || service.Relay == nil {
		f.Add("service", "is nil; give one that assessplan.New made")
		return nil, f.Err()
	}
	w.schedule, w.expire = newJob(Schedule, c, schedule, opening(service)), newJob(Expire, c, expire, expiring(service))
	if !c.NoRelay && service.Relay.HasPublisher() {
		w.relay = &relay{config: c, relay: service.Relay, status: RelayStatus{Enabled: true}}
	}
	if c.Schedule == Off && c.Expire == Off && w.relay == nil {
		f.Add("Schedule", "is off, as is Expire, and there is no relay to run: the worker would do nothing")
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	return w, nil
}

func opening(service *assessplan.Service) pass {
	return func(ctx context.Context) (changed int, more bool, err error) {
		report, err := service.Scheduler.SchedulePendingTasks(ctx, time.Time{})
		if err != nil {
			return 0, true, err
		}
		return report.Opened + report.Missed, report.More, nil
	}
}

func expiring(service *assessplan.Service) pass {
	return func(ctx context.Context) (changed int, more bool, err error) {
		report, err := service.Scheduler.ExpireOverdueTasks(ctx, time.Time{})
		if err != nil {
			return 0, true, err
		}
		return report.Expired + report.Missed + report.Canceled + report.Shifted + report.Closed, report.More, nil
	}
}

// Run works until ctx ends, and then until everything has ended that it began: see the package's words on stopping. It returns
// nil, or [ErrAbandoned] where something was left behind, or [assessplan.ErrConflict] where it is running already. What fails
// meanwhile is logged, shown by [Worker.Status], and tried again. After it has returned it may be called again.
func (w *Worker) Run(ctx context.Context) error {
	if !w.running.CompareAndSwap(false, true) {
		return fmt.Errorf("cronworker: Run is under way already: %w", assessplan.ErrConflict)
	}
	defer w.running.Store(false)
	w.logStart()
	var loops []func(ctx context.Context) error
	for _, j := range []*job{w.schedule, w.expire} {
		if j.timetable != nil {
			loops = append(loops, j.loop)
		}
	}
	if w.relay != nil {
		loops = append(loops, w.relay.loop)
	}
	errs := make([]error, len(loops))
	var running sync.WaitGroup
	for i, loop := range loops {
		running.Go(func() { errs[i] = loop(ctx) })
	}
	running.Wait()
	err := errors.Join(errs...)
	w.logStop(err)
	return err
}

// RunNow runs a job now, whatever its timetable says and whether or not Run is under way, and waits until there is no more to
// do. While the job runs already it waits for that run to end, and then makes one of its own, which finds also what became due
// since the other began. A time of the timetable that comes meanwhile is an overrun.
//
// When ctx ends, the run ends with it, and RunNow returns ctx's error unless everything was done. An error of the run is
// returned, and not tried again. An unknown job is [assessplan.ErrInvalid]. Run neither stops nor waits for what RunNow began.
func (w *Worker) RunNow(ctx context.Context, name Job) error {
	var j *job
	switch name {
	case Schedule:
		j = w.schedule
	case Expire:
		j = w.expire
	default:
		return assessplan.Invalid("job", "is %s; want schedule or expire", quote(string(name)))
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case j.slot <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	r := j.run(ctx, ctx.Done())
	if r.err != nil {
		return fmt.Errorf("cronworker: %s: %w", name, r.err)
	}
	if r.cut {
		return ctx.Err()
	}
	return nil
}
