package assessplan

import (
	"context"
	"encoding/json"
)

// Observer is told what operators want to know: what alerts and metrics are made of. It is called where the thing happens,
// by several goroutines at once, and should return soon. A panic in it is not recovered: it ends the pass or the command, of
// which stays what was committed. New kinds of [Observation] may come: ignore those you do not know.
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

// Observation is one of [*ScheduleFinished], [*ExpireFinished], [*TasksStored], [*TaskFailed], [*RelayFinished], [*EventParked]
// and [*EventRecovered].
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

// TasksStored says that a transaction of this service was committed, of a pass or of a command, and which tasks it stored with
// their events. The State of a change has the version that was read; a change without events says nothing to the world, such as
// a task that is planned, imported, or put off. It is valid during the call only: keep copies, but for the Data of events, which
// may hold entry URLs. Not told are transactions of the host's ([Manager.Using]), of which nobody here knows whether they are
// committed; a commit whose answer was lost; tasks that are held or released; and the pseudonym that EraseTestee gives to tasks.
type TasksStored struct{ Changes []TaskChange }

// MarshalJSON writes how many tasks there are, and not their events, which may hold entry URLs.
func (o TasksStored) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]int{"tasks": len(o.Changes)})
}

// TaskFailed says that a task could not be opened, ended or moved, a round not be closed, or a plan not be worked on, while
// the pass or the command went on.
type TaskFailed struct {
	Failure TaskFailure
	Page    WorkTraced // in which kind of page: [TracedOpenPage], [TracedExpirePage], [TracedClosePage] or [TracedPlanPage]
}

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
func (*TasksStored) observation()      {}
func (*TaskFailed) observation()       {}
func (*RelayFinished) observation()    {}
func (*EventParked) observation()      {}
func (*EventRecovered) observation()   {}
