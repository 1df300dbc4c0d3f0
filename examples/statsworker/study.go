package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

// study is a clinic in simulated time: two plans, and testees who answer in time, late, not at all, or on a sheet of paper
// that arrives when the task has expired. Everything follows from a seed.
type study struct {
	*assessplan.Service
	clock   *simulatedClock
	dice    *rand.Rand
	plans   []assessplan.PlanState
	answers []answer
	events  int // that were relayed
}

// answer is what a testee is going to hand in.
type answer struct {
	assessplan.TaskState
	submitted, known time.Time // when it is handed in, and when the clinic records that
}

const (
	org  = assessplan.OrgID("clinic-a")
	days = 100
)

var firstDay = time.Date(2026, time.March, 2, 0, 0, 0, 0, time.UTC) // a Monday; Berlin's clocks change on 29 March

func newStudy(publisher assessplan.EventPublisher, seed uint64) (*study, error) {
	entries, err := assessplan.NewURLEntryGenerator("https://fill.example.org/", nil)
	if err != nil {
		return nil, err
	}
	clock := &simulatedClock{}
	clock.set(firstDay)
	service, err := assessplan.New(memstore.New(), entries, &assessplan.Config{
		Clock: clock, NewID: newIDs(seed), Publisher: publisher, EntryInEvents: assessplan.EntryNever,
	})
	if err != nil {
		return nil, err
	}
	return &study{Service: service, clock: clock, dice: rand.New(rand.NewPCG(seed, 0))}, nil
}

// run lets so many testees take part, from the first day to the last.
func (s *study) run(ctx context.Context, testees int) error {
	if err := s.begin(ctx, testees); err != nil {
		return err
	}
	for day := range days {
		if err := s.happen(ctx, day); err != nil {
			return fmt.Errorf("day %d: %w", day, err)
		}
		for range 24 {
			s.clock.set(s.clock.Now().Add(time.Hour))
			if err := errors.Join(s.pass(ctx), s.record(ctx)); err != nil {
				return fmt.Errorf("%s: %w", s.clock.Now(), err)
			}
		}
		report, err := s.Relay.RelayEvents(ctx)
		if err != nil {
			return err
		}
		s.events += report.Published
	}
	return nil
}

// pass expires what is over and opens what is due, as a host's trigger does.
func (s *study) pass(ctx context.Context) error {
	if _, err := s.Scheduler.ExpireOverdueTasks(ctx, time.Time{}); err != nil {
		return err
	}
	report, err := s.Scheduler.SchedulePendingTasks(ctx, time.Time{})
	if err != nil {
		return err
	}
	for _, opened := range report.Tasks {
		s.expect(opened.Task)
	}
	return nil
}

// expect throws the dice for an opened task.
func (s *study) expect(task assessplan.TaskState) {
	inTime, late := task.DueAt.Sub(task.OpenAt), task.ExpireAt.Sub(task.DueAt)
	a := answer{TaskState: task}
	switch roll := s.dice.Float64(); {
	case roll < 0.60: // in time
		a.submitted = task.OpenAt.Add(time.Duration(s.dice.Float64() * float64(inTime)))
	case roll < 0.75: // after the due time, before the end
		a.submitted = task.DueAt.Add(time.Duration((0.01 + 0.98*s.dice.Float64()) * float64(late)))
	default:
		return
	}
	a.known = a.submitted
	if s.dice.Float64() < 0.1 { // on paper: when it becomes known the task has expired
		a.known = task.ExpireAt.Add(time.Duration(1+s.dice.IntN(72)) * time.Hour)
	}
	s.answers = append(s.answers, a)
}

// record records the answers that have become known. What an entry brings that was canceled or planned anew since is late.
func (s *study) record(ctx context.Context) error {
	var waiting []answer
	for _, a := range s.answers {
		if a.known.After(s.clock.Now()) {
			waiting = append(waiting, a)
			continue
		}
		_, err := s.Manager.CompleteTask(ctx, org, a.ID, assessplan.Submission{
			AssessmentID: assessplan.AssessmentID(fmt.Sprint(a.ID, "/", a.Revision)), SubmittedAt: a.submitted,
		})
		if err != nil && !errors.Is(err, assessplan.ErrInvalidTransition) {
			return err
		}
	}
	s.answers = waiting
	return nil
}

// simulatedClock is an assessplan.Clock that moves only when it is told to.
type simulatedClock struct{ micros atomic.Int64 }

// Now implements assessplan.Clock.
func (c *simulatedClock) Now() time.Time   { return time.UnixMicro(c.micros.Load()).UTC() }
func (c *simulatedClock) set(at time.Time) { c.micros.Store(at.UnixMicro()) }

// newIDs makes IDs that are the same in every run, and with them those of the events.
func newIDs(seed uint64) func() uuid.UUID {
	var mu sync.Mutex
	dice := rand.New(rand.NewPCG(seed, 1))
	return func() (id uuid.UUID) {
		mu.Lock()
		defer mu.Unlock()
		for i := range id {
			id[i] = byte(dice.Uint32())
		}
		id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
		return id
	}
}
