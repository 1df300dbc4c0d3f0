package assessplan

import "context"

// Observer is told what operators want to know: what alerts and metrics are made of. It is called where the thing happens,
// by several goroutines at once, and should return soon. New kinds of [Observation] may come: ignore those you do not know.
type Observer interface {
	Observe(ctx context.Context, o Observation)
}

// Observation is one of [*ScheduleFinished], [*ExpireFinished] and [*TaskFailed].
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

func (*ScheduleFinished) observation() {}
func (*ExpireFinished) observation()   {}
func (*TaskFailed) observation()       {}
