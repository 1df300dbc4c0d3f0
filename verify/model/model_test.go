package model_test

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
)

// model is what the library promises, in the plainest form there is: lists of records, and for each command the rules that
// it would break. It knows nothing of stores, versions, pages or cursors, and calls none of the library's rules.
type model struct {
	now          time.Time
	acceptsLate  bool // Config.AcceptAfterWithdrawal
	plans        []*plan
	rounds       []*round
	tasks        []*task
	erased       map[uuid.UUID][]event // by the pseudonym: what was told of an erasure
	deliveredFor func(subject uuid.UUID) int
}

// event is what a change owes to whoever listens.
type event struct {
	kind   assessplan.EventType
	was    assessplan.TaskStatus // of a task that ended or was rescheduled
	reason assessplan.EndReason  // of a task that ended, of a round that was terminated
}

type plan struct {
	id                assessplan.PlanID
	spec              assessplan.PlanSpec
	zone              *time.Location
	status            assessplan.PlanStatus
	pausedAt, endedAt time.Time
	finish            assessplan.FinishMode
	owed              []event
}

type round struct {
	id                assessplan.EnrollmentID
	plan              *plan
	testee            assessplan.TesteeID
	number            int
	start             assessplan.CivilDate
	zone              *time.Location
	reconsented       bool
	status            assessplan.EnrollmentStatus
	pausedAt, endedAt time.Time
	shifted           int // days of the pause by which the plan has moved the tasks already
	reason            assessplan.EndReason
	planned           int
	latest            time.Time // that a task of it was ever planned for
	owed              []event
}

type task struct {
	id    assessplan.TaskID
	round *round
	seq   int

	date                                assessplan.CivilDate
	time                                assessplan.TimeOfDay
	plannedAt                           time.Time
	openUntil, fillUntil, dueAt         time.Time
	replanned, imported                 bool // its instants are to be learned from the store; its date and time as well
	revision                            int
	status                              assessplan.TaskStatus
	nextAttemptAt                       time.Time
	attempts                            int
	lastError                           assessplan.FailureCode
	openAt, expireAt, endedAt, handedIn time.Time
	serial                              int
	reason                              assessplan.EndReason
	assessment                          assessplan.AssessmentID
	late                                bool
	token                               string   // of the newest entry; empty if nobody has it
	dead                                []string // tokens of the entries before
	owed                                []event
}

func (p *plan) ended() bool {
	return p.status == assessplan.PlanStatusFinished || p.status == assessplan.PlanStatusCanceled
}

func (r *round) running() bool {
	return r.status == assessplan.EnrollmentStatusActive || r.status == assessplan.EnrollmentStatusPaused
}

func (t *task) live() bool { return t.status == assessplan.Pending || t.status == assessplan.Opened }

// held: the status is the truth, and held on a task is nothing but its projection.
func (t *task) held() bool {
	return t.status == assessplan.Pending &&
		(t.round.plan.status != assessplan.PlanStatusActive || t.round.status != assessplan.EnrollmentStatusActive)
}

// verdict is what the model says of a command. One that breaks rules must be refused by one of them, whichever the library
// looks at first; one that breaks none must succeed, and do what apply does to the model.
type verdict struct {
	breaks  []error
	apply   func()
	nothing bool // its outcome stands already: it changes nothing and tells nobody
}

func changes(breaks []error, apply func()) verdict { return verdict{breaks: breaks, apply: apply} }

func refuse(err error) verdict { return verdict{breaks: []error{err}} }

func nothing() verdict { return verdict{apply: func() {}, nothing: true} }

// broken collects the rules that a command breaks.
type broken []error

func (b *broken) when(breaks bool, err error) {
	if breaks {
		*b = append(*b, err)
	}
}

func (m *model) tasksOf(r *round) []*task {
	return slices.DeleteFunc(slices.Clone(m.tasks), func(t *task) bool { return t.round != r })
}

func (m *model) tasksOfPlan(p *plan) []*task {
	return slices.DeleteFunc(slices.Clone(m.tasks), func(t *task) bool { return t.round.plan != p })
}

// roundsOf returns a testee's rounds in a plan by their numbers.
func (m *model) roundsOf(p *plan, testee assessplan.TesteeID) []*round {
	return slices.DeleteFunc(slices.Clone(m.rounds), func(r *round) bool { return r.plan != p || r.testee != testee })
}

func (m *model) runningRound(p *plan, testee assessplan.TesteeID) *round {
	for _, r := range m.roundsOf(p, testee) {
		if r.running() {
			return r
		}
	}
	return nil
}

func (m *model) hasLive(r *round) bool {
	return slices.ContainsFunc(m.tasksOf(r), (*task).live)
}

// midnights counts the days of a pause as a zone's calendar has them; a clock that went back counts none.
func midnights(from, to time.Time, zone *time.Location) int {
	day := func(at time.Time) time.Time {
		year, month, day := at.In(zone).Date()
		return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	}
	return max(0, int(day(to).Sub(day(from)).Hours()/24))
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// earliest takes zero for never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
