package assessplan

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// Store is the transaction boundary of a storage adapter. It may be called by any number of goroutines at once.
//
// Update runs fn in one transaction that can read and write: if fn returns nil, everything that it wrote is stored, in one
// step and durably as far as the adapter promises; if fn returns an error, if a write inside it failed (whatever fn then
// returns), if ctx ends or fn panics, nothing is. Update runs fn again after a write inside it returned a [VersionError] or
// another [ErrConflict], and after a deadlock or a serialization failure: at most 5 times in all, then the last error is
// returned. fn must therefore have no effect but through r. An adapter on a transaction of the host's (WithTx) neither runs
// fn again nor commits.
//
// View runs fn in one transaction that only reads, of one consistent state where the adapter can; a write in it is
// [ErrReadOnly].
//
// fn gets a ctx of its own. A Store that is called with that ctx, or one derived from it, returns [ErrNestedTransaction].
// Waiting for the transaction to begin, and every method of r, honour the ctx that they are given. r must not be used after
// fn returned, nor by two goroutines at once. Errors of a database that cannot be reached wrap [ErrUnavailable].
type Store interface {
	View(ctx context.Context, fn func(ctx context.Context, r Repositories) error) error
	Update(ctx context.Context, fn func(ctx context.Context, r Repositories) error) error
}

// Repositories is what a transaction may touch. Records go in and come out as plain states, by value: an adapter stores
// and fetches, and never judges them. Times come back as UTC at microseconds, exactly as they were given. References are
// compared byte by byte. Every method that takes an org answers as if records of other orgs did not exist.
//
// The slices that a save is given are the caller's, who uses them again afterwards: an adapter keeps copies. Only the Data
// of an Event may be kept, and is never changed by anybody.
//
// A find that finds nothing returns [ErrNotFound]; a list that finds nothing is empty, without an error.
type Repositories interface {
	PlanRepository
	EnrollmentRepository
	TaskRepository
	Outbox
}

// LockMode says how a record that is read in Update is protected until the transaction ends. In View it has no effect. An
// adapter with one writer at a time may ignore it.
type LockMode int

// The modes.
const (
	LockNone      LockMode = iota // a plain read
	LockShared                    // others may lock it shared; an exclusive lock waits
	LockExclusive                 // every other lock waits
)

// PlanRepository keeps plans.
type PlanRepository interface {
	// FindPlan returns one plan.
	FindPlan(ctx context.Context, org OrgID, id PlanID, lock LockMode) (PlanState, error)
	// FindPlanByRef returns the plan with an external ref.
	FindPlanByRef(ctx context.Context, org OrgID, ref ExternalRef) (PlanState, error)
	// FindPlansWithWork returns plans whose Work is not done, ordered by ID, strictly after q.After. It takes no lock.
	FindPlansWithWork(ctx context.Context, q PlanWorkQuery) ([]PlanState, error)
	// ListPlans returns a page of plans ordered by ID. It takes no lock.
	ListPlans(ctx context.Context, q PlanQuery) ([]PlanState, error)
	// SavePlan inserts a plan or replaces the one of version Was, and adds its events to the outbox, all or none. The stored
	// version is Was + 1, whatever State.Version says. If the stored version is another, it is a [VersionError]; if another
	// plan of the org has the same external ref, or one with the ID exists, [ErrConflict].
	SavePlan(ctx context.Context, change PlanChange) error
}

// PlanChange is a plan to be stored.
type PlanChange struct {
	State  PlanState
	Was    int64 // the version that was read; 0 inserts
	Events []Event
}

// PlanWorkQuery selects plans with unfinished work.
type PlanWorkQuery struct {
	Scope Scope // zero: all orgs; testees are ignored
	After PlanID
	Limit int // at least 1
}

// PlanQuery selects plans of an org.
type PlanQuery struct {
	Org    OrgID
	Status []PlanStatus // any of; none is all
	After  PlanID       // strictly after; zero is from the start
	Limit  int          // at least 1
}

// EnrollmentRepository keeps rounds.
type EnrollmentRepository interface {
	// FindEnrollment returns one round.
	FindEnrollment(ctx context.Context, org OrgID, id EnrollmentID, lock LockMode) (EnrollmentState, error)
	// FindRounds returns all rounds of a testee, in one plan or (with a zero plan) in all, ordered by plan and Round. In
	// Update it locks them exclusively.
	FindRounds(ctx context.Context, org OrgID, plan PlanID, testee TesteeID) ([]EnrollmentState, error)
	// FindEndedEnrollments returns rounds that are active or paused, whose ClosableFrom is at or before q.Before, and of
	// whose tasks none is pending or opened, ordered by (ClosableFrom, ID), strictly after q.After. In Update it claims them
	// exclusively and leaves out those that another transaction holds. Where the state that a claim reads can be older than its
	// lock, the tasks must be looked at again under the lock: a round with a pending task must never be returned by a claim.
	FindEndedEnrollments(ctx context.Context, q EndedQuery) ([]EnrollmentState, error)
	// ListEnrollments returns a page of rounds ordered by ID. It takes no lock.
	ListEnrollments(ctx context.Context, q EnrollmentQuery) ([]EnrollmentState, error)
	// SaveEnrollments stores rounds with their events, all or none, as SaveTasks does. Within a plan a testee has one round of
	// each Round and of each Start, and at most one that is active or paused: a change against that is [ErrConflict].
	SaveEnrollments(ctx context.Context, changes []EnrollmentChange) error
	// EraseTestee replaces the testee's ID by the pseudonym on every round and task of the org, raises their versions by 1,
	// deletes the unsettled events about them, parked and leased ones included, and adds e.Events to the outbox, all or none.
	// Nothing of the old ID is left in the store. An unknown testee is no error.
	EraseTestee(ctx context.Context, e Erasure) error
}

// EnrollmentChange is a round to be stored.
type EnrollmentChange struct {
	State  EnrollmentState
	Was    int64 // the version that was read; 0 inserts
	Events []Event
}

// EndedQuery selects rounds that may be closed.
type EndedQuery struct {
	Before time.Time // zero: whatever their ClosableFrom
	After  EndedCursor
	Limit  int   // at least 1
	Scope  Scope // zero: all orgs
}

// EndedCursor is a place in the order of FindEndedEnrollments; zero is its start.
type EndedCursor struct {
	ClosableFrom time.Time
	ID           EnrollmentID
}

// EnrollmentQuery selects rounds of an org.
type EnrollmentQuery struct {
	Org    OrgID
	Plan   PlanID             // zero is any
	Testee TesteeID           // empty is any
	Status []EnrollmentStatus // any of; none is all
	After  EnrollmentID       // strictly after; zero is from the start
	Limit  int                // at least 1
}

// Erasure replaces a person by a pseudonym.
type Erasure struct {
	Org       OrgID
	Testee    TesteeID
	Pseudonym TesteeID
	Events    []Event
}

// TaskRepository keeps tasks.
type TaskRepository interface {
	// FindTask returns one task. In Update it locks the task exclusively, and waits for whoever holds it.
	FindTask(ctx context.Context, org OrgID, id TaskID) (TaskState, error)
	// FindTaskInAnyOrg is FindTask where the org is not known: behind an entry, whose token decides.
	FindTaskInAnyOrg(ctx context.Context, id TaskID) (TaskState, error)
	// FindPendingTasks returns tasks that are pending, not held, and whose NextAttemptAt is at or before q.Before, ordered by
	// (NextAttemptAt, ID), strictly after q.After. In Update it claims them exclusively and leaves out those that another
	// transaction holds, so that schedulers share the work; what it claims it returns as stored now. In View it takes no lock.
	// Its cost must not grow with the number of tasks that are not due.
	FindPendingTasks(ctx context.Context, q DueQuery) ([]TaskState, error)
	// FindOverdueTasks is the same for tasks that should have ended, by q.Cause, ordered by (the instant of the cause, ID).
	FindOverdueTasks(ctx context.Context, q DueQuery) ([]TaskState, error)
	// OldestDue returns the earliest PlannedAt at or before q.Before of the tasks in q.Scope that are pending and not held,
	// even if an attempt failed and the next is not due; the zero time if there is none. It takes no lock.
	OldestDue(ctx context.Context, q DueQuery) (time.Time, error)
	// ListTasks returns a page of tasks ordered by ID. It takes no lock.
	ListTasks(ctx context.Context, q TaskQuery) ([]TaskState, error)
	// SaveTasks inserts tasks (Was 0) or replaces those of version Was, and adds their events to the outbox in the order
	// given, all or none. The stored version is Was + 1, whatever State.Version says. ID, Org, Plan, Enrollment, Scale, Seq,
	// Zone and CreatedAt of a stored task do not change and need not be compared. Those whose stored version is another, or
	// that are gone, are a [VersionError] that names them; a second task with the same Seq in a round, or of an ID that exists,
	// is [ErrConflict]; an AssessmentID that another task of the org has is [ErrAssessmentTaken]. No task stands twice in one
	// call.
	SaveTasks(ctx context.Context, changes []TaskChange) error
	// HoldTasks sets Held on pending tasks as q says, raises the version of those that it changes by 1, and returns how many
	// these are. In Update it waits for whoever holds them.
	HoldTasks(ctx context.Context, q HoldQuery) (int, error)
}

// TaskChange is a task to be stored.
type TaskChange struct {
	State  TaskState
	Was    int64 // the version that was read; 0 inserts
	Events []Event
}

// OverdueCause says why a task should have ended.
type OverdueCause int

// The causes, and the instant that DueQuery.Before and the order are about.
const (
	EntryOver    OverdueCause = iota // opened, and ExpireAt has passed
	WindowMissed                     // pending, not held, and OpenUntil has passed
)

// DueQuery selects tasks whose time has come.
type DueQuery struct {
	Before time.Time    // at or before this instant
	Now    time.Time    // of the page: for adapters that stamp their claims; it selects nothing
	After  DueCursor    // strictly after this place in the order
	Limit  int          // at least 1
	Cause  OverdueCause // of FindOverdueTasks
	Scope  Scope        // zero: all orgs
}

// DueCursor is a place in the order of a due query; zero is its start.
type DueCursor struct {
	At time.Time // NextAttemptAt, or the instant of the cause
	ID TaskID
}

// TaskQuery selects tasks of an org.
type TaskQuery struct {
	Org           OrgID
	Plan          PlanID       // zero is any
	Enrollment    EnrollmentID // zero is any
	Testee        TesteeID     // empty is any
	Status        []TaskStatus // any of; none is all
	PlannedFrom   time.Time    // at or after; zero is unbounded
	PlannedBefore time.Time    // before; zero is unbounded
	After         TaskID       // strictly after; zero is from the start
	Limit         int          // at least 1
}

// HoldQuery says which pending tasks are held or released.
type HoldQuery struct {
	Org        OrgID
	Plan       PlanID
	Enrollment EnrollmentID // zero: of the whole plan
	Held       bool         // false releases; of a whole plan only the tasks of rounds that are active
}

// Outbox keeps the events that are not published yet, in one state each: ready, leased or parked. The oldest event of a
// subject that is not settled holds back the later ones of that subject.
type Outbox interface {
	// ClaimEvents returns up to q.Limit events in the order in which they were stored and leases them until q.Now + q.Lease:
	// those that are ready, or whose lease ran out, and whose AvailableAt is at or before q.Now. It returns an event only if no
	// older event of its subject is unsettled, in this answer or out of it: one for each subject, so that fewer than q.Limit do
	// not mean that nothing is left. It leaves out those that another transaction holds.
	// It raises Attempts by 1.
	ClaimEvents(ctx context.Context, q ClaimQuery) ([]OutboxEvent, error)
	// SettleEvents ends leases, or takes up parked events again. A settlement whose Attempts is not that of the stored event
	// is passed over: somebody else has claimed it since. It returns how many it settled.
	SettleEvents(ctx context.Context, settlements []Settlement) (int, error)
	// ListParkedEvents returns parked events in the order in which they were stored, strictly after q.After.
	ListParkedEvents(ctx context.Context, q ParkedQuery) ([]OutboxEvent, error)
	// OutboxStats counts what is not settled.
	OutboxStats(ctx context.Context, now time.Time) (OutboxStats, error)
}

// OutboxEvent is an event that is not settled yet.
type OutboxEvent struct {
	Event
	Position    int64       // grows with the order in which the events of a subject were stored, from 1
	Attempts    int         // how often it was claimed
	Failures    int         // how often it was refused while others were taken, as the last settlement said; 0 before that
	AvailableAt time.Time   // when it can be claimed again; of a leased event the end of its lease
	Parked      bool        // taken out until somebody decides
	LastError   FailureCode // a code of the relay: why the last attempt failed; empty before that
}

// MarshalJSON writes what is known of the event, and not its Data, which may hold an entry URL.
func (e OutboxEvent) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		ID          EventID     `json:"id"`
		Type        EventType   `json:"type"`
		Org         OrgID       `json:"org_id"`
		Subject     uuid.UUID   `json:"subject"`
		Version     int64       `json:"version"`
		Time        time.Time   `json:"time"`
		Position    int64       `json:"position"`
		Attempts    int         `json:"attempts"`
		Failures    int         `json:"failures"`
		AvailableAt time.Time   `json:"available_at,omitzero"`
		Parked      bool        `json:"parked"`
		LastError   FailureCode `json:"last_error,omitempty"`
	}{e.ID, e.Type, e.Org, e.Subject, e.Version, e.Time, e.Position, e.Attempts, e.Failures, e.AvailableAt, e.Parked, e.LastError})
}

// ClaimQuery asks for events to publish.
type ClaimQuery struct {
	Now   time.Time
	Lease time.Duration // greater than 0
	Limit int           // at least 1
}

// Settlement says what became of a claimed or parked event.
type Settlement struct {
	ID       EventID
	Attempts int // as claimed or listed
	Outcome  Outcome
	At       time.Time   // Retry: when it can be claimed again; zero is at once, whatever the clock does
	Code     FailureCode // Retry, Park: why; may be empty
	Failures int         // Retry, Park: the event's Failures from now on
}

// Outcome is what becomes of an event.
type Outcome int

// The outcomes.
const (
	Delete Outcome = iota // it was published, or is given up: its row is deleted
	Retry                 // it is ready again from Settlement.At
	Park                  // it is taken out until somebody decides
)

// ParkedQuery asks for parked events.
type ParkedQuery struct {
	After int64 // strictly after this Position; 0 is from the start
	Limit int   // at least 1
}

// OutboxStats counts what is not settled.
type OutboxStats struct {
	Pending  int       // ready or leased
	Parked   int       // taken out
	OldestAt time.Time // the earliest Time of those that are pending; zero if none is
}

// EventPublisher hands events to a broker. It is called outside of any transaction, by each relay in turn, so by several
// goroutines at once where several relays run; it may call the service back. A [PublishError] that does not
// name them all confirms the others, also where it is wrapped, but not where it is joined with another error; nil confirms
// all; anything else confirms none. An event that it names with an error that is [ErrUnavailable] by errors.Is was not
// refused: the relay gives it back at once, and holds nothing against it; a refusal of any other is counted, until the event
// is parked. What an error says is neither stored nor logged, since it may quote the event: log it in
// Publish, with the event's ID. It may be given an event again that it confirmed before,
// with the same ID: delivery is at least once. No two events of one call are of one subject, so that their order within a
// call does not matter. It honours its ctx, and keeps no event but what it copied of it.
type EventPublisher interface {
	Publish(ctx context.Context, events ...Event) error
}

// EventPublisherFunc is a function that publishes events.
type EventPublisherFunc func(ctx context.Context, events ...Event) error

// Publish calls the function.
func (f EventPublisherFunc) Publish(ctx context.Context, events ...Event) error {
	return f(ctx, events...)
}

// Clock tells the time of the domain: when tasks are due, opened, expired. Timeouts are not its business.
type Clock interface {
	Now() time.Time
}
