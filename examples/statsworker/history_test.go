package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
	"github.com/assessplan/assessplan/watermillpub"
)

// history is a service to which things happen at random, and the messages that it published.
type history struct {
	*assessplan.Service
	t     *testing.T
	ctx   context.Context
	dice  *rand.Rand
	clock *simulatedClock
	store *plantest.FailingStore

	mu       sync.Mutex
	messages []*message.Message
}

const testee = assessplan.TesteeID("a testee whose name nobody may read")

func newHistory(t *testing.T, seed uint64) *history {
	t.Helper()
	h := &history{t: t, ctx: t.Context(), dice: rand.New(rand.NewPCG(seed, 0)), clock: &simulatedClock{},
		store: plantest.NewFailingStore(memstore.New())}
	h.clock.set(plantest.Morning())
	publisher, err := watermillpub.New(h, &watermillpub.Config{Mode: watermillpub.Mode(seed % 2)})
	require.NoError(t, err)
	h.Service, err = assessplan.New(h.store, &plantest.Generator{}, &assessplan.Config{
		Clock: h.clock, Publisher: publisher, NewID: newIDs(seed), PageSize: 3,
	})
	require.NoError(t, err)
	return h
}

// Publish implements message.Publisher.
func (h *history) Publish(_ string, messages ...*message.Message) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range messages {
		h.messages = append(h.messages, m.Copy())
	}
	return nil
}

// Close implements message.Publisher.
func (h *history) Close() error { return nil }

// must takes the outcome of a command that succeeds.
func (h *history) must(_ any, err error) {
	h.t.Helper()
	require.NoError(h.t, err)
}

// may takes the outcome of a command that the rules may forbid.
func (h *history) may(_ any, err error) {
	h.t.Helper()
	for _, allowed := range []error{nil, assessplan.ErrInvalid, assessplan.ErrInvalidTransition, assessplan.ErrConflict,
		assessplan.ErrTaskCompleted, assessplan.ErrEnrollmentConflict, assessplan.ErrPlanNotActive, assessplan.ErrUnavailable} {
		if errors.Is(err, allowed) {
			return
		}
	}
	require.NoError(h.t, err)
}

func (h *history) plan() assessplan.PlanState {
	h.t.Helper()
	plan, err := h.Manager.CreatePlan(h.ctx, assessplan.PlanSpec{
		Org: org, Scale: "PHQ-8", Zone: "Europe/Berlin", Schedule: assessplan.EveryDays(3, 6, assessplan.ClockTime(9, 0)),
		Windows: assessplan.Windows{OpenWindow: assessplan.CalendarDays(2), DueWindow: assessplan.CalendarDays(1), FillWindow: assessplan.CalendarDays(4)},
	})
	require.NoError(h.t, err)
	return plan
}

func (h *history) enroll(plan assessplan.PlanID, who assessplan.TesteeID) (assessplan.Enrolled, error) {
	return h.Manager.Enroll(h.ctx, assessplan.EnrollSpec{
		Org: org, Plan: plan, Testee: who, NewRound: true, Reconsented: true,
		Start: assessplan.DateOf(h.clock.Now(), time.UTC).AddDays(h.dice.IntN(9) - 4),
	})
}

func (h *history) relay() {
	h.t.Helper()
	h.must(h.Relay.RelayEvents(h.ctx))
}

func (h *history) pass() {
	h.t.Helper()
	h.may(h.Scheduler.ExpireOverdueTasks(h.ctx, time.Time{}))
	h.may(h.Scheduler.SchedulePendingTasks(h.ctx, time.Time{}))
}

func (h *history) tasks(status ...assessplan.TaskStatus) []assessplan.TaskState {
	h.t.Helper()
	page, err := h.Manager.ListTasks(h.ctx, assessplan.TaskQuery{Org: org, Status: status, Limit: assessplan.MaxPageSize})
	require.NoError(h.t, err)
	return page.Tasks
}

func (h *history) complete(task assessplan.TaskState, at time.Time) (assessplan.TaskState, error) {
	return h.Manager.CompleteTask(h.ctx, org, task.ID, assessplan.Submission{
		AssessmentID: assessplan.AssessmentID(task.ID.String()), SubmittedAt: at,
	})
}

// interrupt cancels a plan, but is interrupted when no task has been canceled yet.
func (h *history) interrupt(plan assessplan.PlanID) {
	h.t.Helper()
	h.store.Fail(plantest.SaveTasks, 1, assessplan.ErrUnavailable)
	h.may(h.Manager.CancelPlan(h.ctx, org, plan))
}

// live lets so many things happen.
func (h *history) live(things int) {
	h.t.Helper()
	plans := []assessplan.PlanID{h.plan().ID, h.plan().ID, h.plan().ID}
	for _, plan := range plans {
		for i := range 4 {
			h.must(h.enroll(plan, assessplan.TesteeID(fmt.Sprint(testee, i))))
		}
	}
	for range things {
		h.clock.set(h.clock.Now().Add(time.Duration(h.dice.IntN(20*60)) * time.Minute))
		h.pass()
		h.happen(plans[h.dice.IntN(len(plans))])
		if h.dice.IntN(3) > 0 {
			h.relay()
		}
	}
	h.relay()
}

func pick[T any](h *history, from []T) T { return from[h.dice.IntN(len(from))] }

func (h *history) happen(plan assessplan.PlanID) {
	h.t.Helper()
	ctx, m, task := h.ctx, h.Manager, pick(h, h.tasks())
	if live := h.tasks(assessplan.Opened); len(live) > 0 && h.dice.IntN(3) > 0 {
		task = pick(h, live)
	}
	mode := pick(h, []assessplan.ResumeMode{assessplan.KeepDates, assessplan.ShiftDates})
	switch roll := h.dice.IntN(60); {
	case roll < 20:
		h.may(h.complete(task, h.clock.Now()))
	case roll < 28: // a sheet from a while ago
		h.may(h.complete(task, h.clock.Now().Add(-time.Duration(h.dice.IntN(72))*time.Hour)))
	case roll < 32:
		h.may(m.CancelTask(ctx, org, task.ID, assessplan.Requested))
	case roll < 36:
		h.may(m.ExpireTask(ctx, org, task.ID))
	case roll < 42:
		h.may(m.RescheduleTask(ctx, org, task.ID, assessplan.DateOf(h.clock.Now(), time.UTC).AddDays(h.dice.IntN(12)), task.Time))
	case roll < 44:
		h.may(m.ReissueEntry(ctx, org, task.ID))
	case roll < 47:
		h.may(m.PauseEnrollment(ctx, org, task.Enrollment))
	case roll < 50:
		h.may(m.ResumeEnrollment(ctx, org, task.Enrollment, mode))
	case roll < 52:
		h.may(m.PausePlan(ctx, org, plan))
	case roll < 55:
		h.may(m.ResumePlan(ctx, org, plan, mode))
	case roll < 57:
		h.may(h.enroll(task.Plan, task.Testee))
	case roll < 58:
		h.may(m.TerminateEnrollment(ctx, org, task.Enrollment, assessplan.Termination{Reason: assessplan.Lost}))
	case roll < 59: // what is not relayed when somebody is erased is told nobody
		h.relay()
		h.may(m.EraseTestee(ctx, org, task.Testee))
	default: // the plan has ended, but its tasks are not canceled yet: a sheet from before is
		at := h.clock.Now().Add(-time.Minute)
		h.interrupt(plan)
		for _, task := range h.tasks(assessplan.Opened) {
			h.may(h.complete(task, at))
		}
	}
}

// disorder returns every message at least once, some twice or more, in no order.
func (h *history) disorder(dice *rand.Rand) []*message.Message {
	all := slices.Clone(h.messages)
	for range len(h.messages) / 2 {
		all = append(all, h.messages[dice.IntN(len(h.messages))])
	}
	dice.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// truth is what the statistics must say.
func (h *history) truth(zone *time.Location) table {
	h.t.Helper()
	t, err := count(h.ctx, h.Manager, org, zone)
	require.NoError(h.t, err)
	return t
}
