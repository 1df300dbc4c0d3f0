package main

import (
	"container/heap"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/assessplan/assessplan"
)

// walk takes a study through simulated time. It keeps no diary of its own: what is due next is asked of the store, so that
// a walk that was interrupted, or whose window grew, goes on where the store stands, and one that is done does nothing.
type walk struct {
	service  *assessplan.Service
	store    assessplan.Store
	clock    *simulatedClock
	people   people
	org      assessplan.OrgID
	end      time.Time // not reached
	steps    []step    // by time
	answers  answers
	passAt   time.Time // when the next pass has something to do; zero is never
	lastPass time.Time
	result   walkResult
	progress *progress
}

// walkResult says what happened on the way.
type walkResult struct {
	Passes    int
	Submitted int
	Failed    int      // failures that passes reported
	Log       []string // the steps that were taken
}

// passGrid is how often a host's trigger runs the passes. The walk skips the runs that would find nothing.
const passGrid = time.Minute

// run walks until nothing more happens before the end.
func (w *walk) run(ctx context.Context) error {
	if err := w.takeUpOpened(ctx); err != nil {
		return err
	}
	if err := w.planPass(ctx); err != nil {
		return err
	}
	for ctx.Err() == nil {
		at, act := w.next()
		if act == nil {
			break
		}
		w.clock.advance(at)
		w.progress.reach(w.clock.Now())
		if err := act(ctx); err != nil {
			return fmt.Errorf("at %s: %w", w.clock.Now().Format(time.RFC3339), err)
		}
	}
	if ctx.Err() != nil { // which a pass takes for no error
		return ctx.Err()
	}
	w.clock.advance(w.end)
	return w.expire(ctx) // closes the rounds that ended since the last pass
}

// next says what happens next, and when: at one instant first steps, then passes, then answers.
func (w *walk) next() (at time.Time, act func(context.Context) error) {
	at = w.end
	if len(w.answers) > 0 && w.answers[0].at.Before(at) {
		at, act = w.answers[0].at, w.submit
	}
	if !w.passAt.IsZero() && w.passAt.Before(w.end) && !w.passAt.After(at) {
		at, act = w.passAt, w.pass
	}
	if len(w.steps) > 0 && w.steps[0].at.Before(w.end) && !w.steps[0].at.After(at) {
		at, act = w.steps[0].at, w.step
	}
	return at, act
}

// pass expires what is over and opens what is due, as a host's trigger does, and hands the entries to the testees.
func (w *walk) pass(ctx context.Context) error {
	if err := w.expire(ctx); err != nil {
		return err
	}
	for {
		report, err := w.service.Scheduler.SchedulePendingTasks(ctx, time.Time{}, assessplan.InOrg(w.org))
		if err != nil {
			return err
		}
		w.result.Failed += report.Failed
		for _, opened := range report.Tasks {
			w.expect(opened)
		}
		if !report.More || report.Opened == 0 {
			break
		}
	}
	w.lastPass = w.clock.Now().Truncate(passGrid)
	w.result.Passes++
	return w.planPass(ctx)
}

func (w *walk) expire(ctx context.Context) error {
	report, err := w.service.Scheduler.ExpireOverdueTasks(ctx, time.Time{}, assessplan.InOrg(w.org))
	if err != nil {
		return err
	}
	w.result.Failed += report.Failed
	return nil
}

// planPass finds the next instant at which a pass has something to do.
func (w *walk) planPass(ctx context.Context) error {
	w.passAt = time.Time{}
	query := assessplan.DueQuery{Before: w.end, Now: w.clock.Now(), Limit: 1, Scope: assessplan.InOrg(w.org)}
	return w.store.View(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		pending, err := r.FindPendingTasks(ctx, query)
		if err != nil {
			return err
		}
		for _, task := range pending {
			w.passNoLaterThan(task.NextAttemptAt)
		}
		query.Cause = assessplan.EntryOver
		opened, err := r.FindOverdueTasks(ctx, query)
		if err != nil {
			return err
		}
		for _, task := range opened {
			w.passNoLaterThan(task.ExpireAt)
		}
		return nil
	})
}

// passNoLaterThan plans the pass for the first run of the trigger at or after an instant. No two runs are at the same
// instant: a record that fails in every pass must not stop the clock.
func (w *walk) passNoLaterThan(at time.Time) {
	run := at.Truncate(passGrid)
	if run.Before(at) {
		run = run.Add(passGrid)
	}
	if next := w.lastPass.Add(passGrid); run.Before(next) {
		run = next
	}
	if w.passAt.IsZero() || run.Before(w.passAt) {
		w.passAt = run
	}
}

// takeUpOpened expects answers to the tasks that an earlier run left opened. Their entries were never stored: the signed
// generator makes them again.
func (w *walk) takeUpOpened(ctx context.Context) error {
	query := assessplan.TaskQuery{Org: w.org, Status: []assessplan.TaskStatus{assessplan.Opened}}
	return eachTask(ctx, w.service.Manager, query, func(task assessplan.TaskState) error {
		if !w.clock.Now().Before(task.ExpireAt) {
			return nil // the next pass expires it
		}
		entry, err := w.service.Manager.EntryLink(ctx, w.org, task.ID)
		if err != nil {
			return err
		}
		w.expect(assessplan.OpenedTask{Task: task, Entry: entry})
		return nil
	})
}

// expect notes when the testee will answer, if ever.
func (w *walk) expect(opened assessplan.OpenedTask) {
	at, willing := w.people.answer(opened.Task)
	if !willing {
		return
	}
	token, _ := opened.Entry.Reveal()
	heap.Push(&w.answers, answer{at: at, task: opened.Task.ID, token: token, assessment: w.people.assessment(opened.Task)})
}

// submit completes a task as the page behind the entry does: whoever holds the token may.
func (w *walk) submit(ctx context.Context) error {
	next := heap.Pop(&w.answers).(answer)
	_, err := w.service.Manager.CompleteWithEntry(ctx, next.task, next.token, assessplan.Submission{AssessmentID: next.assessment})
	if err == nil {
		w.result.Submitted++
	}
	return err
}

// answer is what a testee is going to hand in.
type answer struct {
	at         time.Time
	task       assessplan.TaskID
	token      string
	assessment assessplan.AssessmentID
}

// answers is a heap, the earliest first.
type answers []answer

func (a answers) Len() int { return len(a) }
func (a answers) Less(i, j int) bool {
	if !a[i].at.Equal(a[j].at) {
		return a[i].at.Before(a[j].at)
	}
	return a[i].assessment < a[j].assessment
}
func (a answers) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *answers) Push(x any)   { *a = append(*a, x.(answer)) }
func (a *answers) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	*a = (*a)[:last]
	return x
}

// simulatedClock is an assessplan.Clock that moves only when it is told to. (benbjohnson/clock's Mock sleeps a millisecond
// at every step, to let timers run; nothing here has timers.)
type simulatedClock struct{ micros atomic.Int64 }

func newSimulatedClock(at time.Time) *simulatedClock {
	c := &simulatedClock{}
	c.micros.Store(at.UnixMicro())
	return c
}

// Now implements assessplan.Clock.
func (c *simulatedClock) Now() time.Time { return time.UnixMicro(c.micros.Load()).UTC() }

// advance moves the clock to an instant, never back.
func (c *simulatedClock) advance(to time.Time) {
	c.micros.Store(max(c.micros.Load(), to.UnixMicro()))
}
