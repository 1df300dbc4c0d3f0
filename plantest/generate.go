package plantest

import (
	"context"
	"fmt"
	"time"

	"github.com/assessplan/assessplan"
)

// GenerateEntry asks a generator for the entry of a task, as a service does that opens the task (or, if it is opened,
// reissues its entry) at an instant: with the [assessplan.OpeningTime], the timeout and the checks of the service. It is how
// a generator of the host's own is tested by itself, with a task such as [PendingTask] makes:
//
//	entry, err := plantest.GenerateEntry(ctx, generator, plantest.PendingTask(), plantest.Morning().Add(time.Hour))
//
// The entry ends when the task does: at its FillUntil, if that is earlier, and for an opened task at its ExpireAt. The error
// wraps that of the generator, if it returned one. Otherwise it is [assessplan.ErrCorrupt] for a state that no task can have,
// an [assessplan.TransitionError] if the task cannot be opened at that instant, and [assessplan.ErrUnavailable] if the
// generator panicked, hung, or returned what no testee could use.
func GenerateEntry(ctx context.Context, generator assessplan.EntryGenerator, task assessplan.TaskState, at time.Time) (assessplan.Entry, error) {
	failed := make(chan error, 1)
	listened := assessplan.EntryGeneratorFunc(func(ctx context.Context, task *assessplan.AssessmentTask) (string, string, time.Time, error) {
		token, url, expireAt, err := generator.GenerateEntry(ctx, task)
		failed <- err
		return token, url, expireAt, err
	})
	service, err := assessplan.New(oneTask{task: task}, listened, &assessplan.Config{Clock: standstill(at)})
	if err != nil {
		return assessplan.Entry{}, err
	}
	give := service.Manager.OpenTask
	if task.Status == assessplan.Opened {
		give = service.Manager.ReissueEntry
	}
	opened, err := give(ctx, task.Org, task.ID)
	select {
	case own := <-failed:
		if own != nil {
			return assessplan.Entry{}, fmt.Errorf("generator: %w", own)
		}
	default: // it was not asked, or did not return
	}
	return opened.Entry, err
}

// standstill is a clock that always shows the same time.
type standstill time.Time

func (s standstill) Now() time.Time { return time.Time(s) }

// oneTask is the least of a store that a task is opened on: it has one task, and a plan that is active. What it is not
// made for panics.
type oneTask struct {
	assessplan.Repositories
	task assessplan.TaskState
}

func (s oneTask) View(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	return fn(ctx, s)
}

func (s oneTask) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	return fn(ctx, s)
}

func (s oneTask) FindPlan(_ context.Context, _ assessplan.OrgID, id assessplan.PlanID, _ assessplan.LockMode) (assessplan.PlanState, error) {
	return assessplan.PlanState{ID: id, Status: assessplan.PlanStatusActive}, nil
}

func (s oneTask) FindTask(context.Context, assessplan.OrgID, assessplan.TaskID) (assessplan.TaskState, error) {
	return s.task, nil
}

func (s oneTask) SaveTasks(context.Context, []assessplan.TaskChange) error { return nil }
