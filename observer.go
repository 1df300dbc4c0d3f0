package assessplan

import "context"

// Observer is told what operators want to know: what alerts and metrics are made of. It is called where the thing happens,
// by several goroutines at once, and should return soon. New kinds of [Observation] may come: ignore those you do not know.
type Observer interface {
	Observe(ctx context.Context, o Observation)
}

// Observers tells several observers of each observation, in their order; a nil one is passed over.
func Observers(list ...Observer) Observer { return observers(list) }

type observers []Observer

func (l observers) Observe(ctx context.Context, o Observation) {
	for _, observer := range l {
		if !isNil(observer) {
			observer.Observe(ctx, o)
		}
	}
}

// Observation is one of [*ScheduleFinished], [*ExpireFinished], [*TaskFailed], [*RelayFinished], [*EventParked] and
// [*EventRecovered].
type Observation interface{ observation() }

// ScheduleFinished says that a pass that opens tasks ended, well or with an error.
type ScheduleFinished struct {
	Report *ScheduleReport
	Err    error
}

// ExpireFinished says that a pass that expires tasks ended, well or with an error.
type ExpireFinished struct {
	Report *ExpireReport
	Err    error
}

// TaskFailed says that a task could not be opened, ended or moved, a round not be closed, or a plan not be worked on, while
// the pass or the command went on.
type TaskFailed struct{ Failure TaskFailure }

// RelayFinished says that a relay has done a stretch of work, well or with an error; a [Relay.Run] that has nothing to do says
// so every ten seconds.
type RelayFinished struct {
	Report *RelayReport
	Err    error
}

// EventParked says that an event was refused too often. The later ones of its subject wait until [Relay.Retry] or
// [Relay.Discard].
type EventParked struct{ Event OutboxEvent }

// EventRecovered says that a parked event was taken up again, or given up.
type EventRecovered struct {
	Event     OutboxEvent // as it was parked
	Discarded bool
}

func (*ScheduleFinished) observation() {}
func (*ExpireFinished) observation()   {}
func (*TaskFailed) observation()       {}
func (*RelayFinished) observation()    {}
func (*EventParked) observation()      {}
func (*EventRecovered) observation()   {}
