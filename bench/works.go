package main

import (
	"context"
	"fmt"
	"time"

	"github.com/assessplan/assessplan"
)

// work is what the library does to many records at once, and what it is compared with.
type work struct {
	name    string
	unit    string                                  // of what is counted
	tasks   int                                     // of which one is counted
	cohort  cohort                                  // of the tasks that it meets
	meets   records                                 // that a store which keeps nothing makes up for it
	at      time.Time                               // when it is done
	before  func(ctx context.Context, b *bed) error // what is done to them first
	run     func(ctx context.Context, b *bed) (done int, err error)
	config  *assessplan.Config // nil is the defaults
	enrolls bool               // the work itself enrolls

	bare func(ctx context.Context, b *bed) (done int, err error)                              // the port without the library; nil: the library over a store that keeps nothing
	hand func(ctx context.Context, h *handLoop, plan assessplan.PlanID) (done int, err error) // SQL

	inMemory, inSQLite string // the figures that it should reach
}

// passes are the passes, and the commands that change all tasks of a plan.
var passes = []work{
	{name: "open", meets: pendingTasks, unit: "tasks", tasks: 1, cohort: ofMarch, at: morning, run: open, hand: openByHand,
		inMemory: "at least 300,000 tasks/s", inSQLite: "at least 0.7"},
	{name: "expire: the entry is over", meets: openedTasks, unit: "tasks", tasks: 1, cohort: goingOn, at: weekOver, before: openedBefore,
		run: expire, hand: expireByHand},
	{name: "expire: the window was missed", meets: missedTasks, unit: "tasks", tasks: 1, cohort: missed, at: morning, run: expire, hand: missByHand},
	{name: "close rounds", meets: endedRounds, unit: "rounds", tasks: perRound, cohort: ofPast, at: morning, run: expire, hand: closeRoundsByHand},
	{name: "cancel a plan", meets: tasksOfPlan, unit: "tasks", tasks: 1, cohort: ofJune, at: morning, run: cancelPlan, hand: cancelByHand},
	{name: "pause a plan", unit: "tasks", tasks: 1, cohort: ofJune, at: morning, run: pausePlan, bare: hold(true), hand: pauseByHand},
	{name: "resume a plan", unit: "tasks", tasks: 1, cohort: ofJune, at: morning, before: pausedBefore,
		run: resumePlan, bare: hold(false), hand: resumeByHand},
}

// enrolling begins where a plan is, and nobody in it.
var enrolling = work{name: "enroll", unit: "tasks", tasks: 1, cohort: ofJune, at: enrolled, enrolls: true, run: enroll}

func open(ctx context.Context, b *bed) (done int, err error) {
	report, err := b.service.Scheduler.SchedulePendingTasks(ctx, time.Time{})
	if err != nil {
		return 0, err
	}
	return report.Opened, nil
}

// openedBefore opens what is due in the morning.
func openedBefore(ctx context.Context, b *bed) error {
	b.clock.now = morning
	_, err := open(ctx, b)
	return err
}

func enroll(ctx context.Context, b *bed) (done int, err error) {
	return b.tasks, b.enroll(ctx, b.service.Manager, ofJune, 0, b.tasks/perRound)
}

func expire(ctx context.Context, b *bed) (done int, err error) {
	report, err := b.service.Scheduler.ExpireOverdueTasks(ctx, time.Time{})
	if err != nil {
		return 0, err
	}
	return report.Expired + report.Missed + report.Closed, nil
}

func cancelPlan(ctx context.Context, b *bed) (done int, err error) {
	plan, err := b.service.Manager.CancelPlan(ctx, org, b.plan)
	if err != nil || plan.Work.Kind != assessplan.WorkNone {
		return 0, err
	}
	return b.tasks, nil
}

func pausePlan(ctx context.Context, b *bed) (done int, err error) {
	_, err = b.service.Manager.PausePlan(ctx, org, b.plan)
	return b.tasks, err
}

func pausedBefore(ctx context.Context, b *bed) error {
	_, err := pausePlan(ctx, b)
	return err
}

func resumePlan(ctx context.Context, b *bed) (done int, err error) {
	_, err = b.service.Manager.ResumePlan(ctx, org, b.plan, assessplan.KeepDates)
	return b.tasks, err
}

// hold holds or releases the tasks of a plan and does nothing else.
func hold(held bool) func(ctx context.Context, b *bed) (done int, err error) {
	return func(ctx context.Context, b *bed) (done int, err error) {
		err = b.store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
			done, err = r.HoldTasks(ctx, assessplan.HoldQuery{Org: org, Plan: b.plan, Held: held})
			return err
		})
		return done, err
	}
}

// stage brings a bed to where the work begins.
func (w *work) stage(ctx context.Context, b *bed, tasks int) error {
	fill := b.fill
	if w.enrolls {
		fill = b.begin
	}
	err := fill(ctx, w.cohort, tasks)
	if err == nil && w.before != nil {
		err = w.before(ctx, b)
	}
	b.clock.now = w.at
	return err
}

// do measures a way of doing the work, and insists that it did everything.
func (w *work) do(ctx context.Context, label string, tasks int, way func(ctx context.Context) (done int, err error)) (cost, error) {
	done := 0
	spent, err := costOf(ctx, label+": "+w.name, func(ctx context.Context) (err error) {
		done, err = way(ctx)
		return err
	})
	if want := tasks / w.tasks; err == nil && done != want {
		err = fmt.Errorf("%s: did %d of %d %s", label, done, want, w.unit)
	}
	if err != nil {
		return cost{}, fmt.Errorf("%s: %w", w.name, err)
	}
	return spent, nil
}

// library is the library's way of doing the work on a bed.
func (w *work) library(b *bed) func(ctx context.Context) (done int, err error) {
	return func(ctx context.Context) (done int, err error) { return w.run(ctx, b) }
}
