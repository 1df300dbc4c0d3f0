package assessplan

import (
	"time"
)

// EnrollmentStatus is where a round stands.
type EnrollmentStatus string

// The statuses of an enrollment: active <-> paused, both -> closed (all its tasks ended) or terminated (final).
const (
	EnrollmentStatusActive     EnrollmentStatus = "active"
	EnrollmentStatusPaused     EnrollmentStatus = "paused"
	EnrollmentStatusClosed     EnrollmentStatus = "closed"
	EnrollmentStatusTerminated EnrollmentStatus = "terminated"
)

// Running reports whether the round is neither closed nor terminated. A testee has at most one such round in a plan.
func (s EnrollmentStatus) Running() bool {
	return s == EnrollmentStatusActive || s == EnrollmentStatusPaused
}

// PastPolicy says what becomes of occurrences on civil dates before today, when a round begins.
type PastPolicy string

// The policies. An occurrence of today is never past, whatever its time.
const (
	MarkMissed PastPolicy = "mark_missed" // the default: their tasks are made, and are expired from the start
	Skip       PastPolicy = "skip"        // their tasks are not made; the others keep their numbers
	Open       PastPolicy = "open"        // their tasks are pending like any other, so that the next pass opens them
)

// EnrollSpec is what a round is made from. Read its JSON with a json.Decoder that has DisallowUnknownFields.
type EnrollSpec struct {
	Org         OrgID      `json:"org_id"`
	Plan        PlanID     `json:"plan_id"`
	Testee      TesteeID   `json:"testee_id"`
	Start       CivilDate  `json:"start"`
	Zone        string     `json:"zone,omitempty"`        // IANA name; empty is the plan's
	Past        PastPolicy `json:"past,omitempty"`        // empty is MarkMissed
	NewRound    bool       `json:"new_round,omitempty"`   // after an ended round, begin another
	Reconsented bool       `json:"reconsented,omitempty"` // after withdrawn consent, the testee agreed again
}

// Validate names every fault of the spec in one [ValidationError].
func (s EnrollSpec) Validate() error {
	f := faults{}
	checkReference(&f, "org_id", s.Org)
	if s.Plan.IsZero() {
		f.Add("plan_id", "is missing")
	}
	checkReference(&f, "testee_id", s.Testee)
	s.Start.check(&f, "start")
	if s.Zone != "" {
		_, err := loadZone(s.Zone)
		f.within("", err)
	}
	switch s.Past {
	case "", MarkMissed, Skip, Open:
	default:
		f.Add("past", "is %s; want mark_missed, skip or open", quote(string(s.Past)))
	}
	return f.Err()
}

// Termination says why a round ends before its tasks do.
type Termination struct {
	Reason EndReason `json:"reason"`         // Withdrawn, WithdrawnConsent, Lost, Died or Other
	Note   string    `json:"note,omitempty"` // Other: 1 to 500 bytes; otherwise up to 500
}

// MaxNote is the longest note of a termination, in bytes.
const MaxNote = 500

// Validate names every fault of the termination in one [ValidationError].
func (t Termination) Validate() error {
	f := faults{}
	t.checkReason(&f)
	if t.Reason == ByErasure {
		f.Add("reason", "is erased; use EraseTestee")
	}
	if t.Reason == Other && t.Note == "" {
		f.Add("note", "is empty; say what the other reason is")
	}
	return f.Err()
}

func (t Termination) checkReason(f *faults) {
	switch t.Reason {
	case Withdrawn, WithdrawnConsent, Lost, Died, Other, ByErasure:
	default:
		f.Add("reason", "is %s; want withdrawn, withdrawn_consent, lost, died or other", quote(string(t.Reason)))
	}
	checkText(f, "note", t.Note, MaxNote)
}

// EnrollmentState is a round as it is stored, for code: what goes out over an API is for the host to choose.
type EnrollmentState struct {
	ID          EnrollmentID
	Org         OrgID
	Plan        PlanID
	Testee      TesteeID
	Round       int // from 1, of this testee in this plan
	Start       CivilDate
	Zone        string
	Reconsented bool
	Status      EnrollmentStatus
	Planned     int         // how many tasks were made
	PausedAt    time.Time   // while paused
	ShiftedDays int         // while paused: days of the pause by which the plan has moved the tasks already
	EndedAt     time.Time   // once closed or terminated
	Termination Termination // once terminated
	// ClosableFrom is the latest planned time of the tasks: before it the round is not looked at when ended rounds are closed.
	// It is a hint that saves work; whether the round has ended is asked of its tasks.
	ClosableFrom time.Time
	CreatedAt    time.Time
	Version      int64 // counts stores; 0 is not stored yet
}

// Enrollment is one testee's round in a plan, from a start date. It is not safe for concurrent use and serves one Update.
type Enrollment struct {
	state EnrollmentState
	facts []Fact
}

// RestoreEnrollment takes up a stored round. A state that no history can have produced is [ErrCorrupt].
func RestoreEnrollment(state EnrollmentState) (*Enrollment, error) {
	f := faults{}
	state.check(&f)
	if err := f.Err(); err != nil {
		return nil, corrupt("enrollment", state.ID, err)
	}
	return &Enrollment{state: state}, nil
}

func (e EnrollmentState) check(f *faults) {
	if e.ID.IsZero() || e.Plan.IsZero() {
		f.Add("enrollment_id", "or plan_id is zero")
	}
	checkReference(f, "org_id", e.Org)
	checkReference(f, "testee_id", e.Testee)
	e.Start.check(f, "start")
	checkZoneName(f, e.Zone)
	if e.Round < 1 || e.Planned < 0 || e.Planned > MaxOccurrences {
		f.Add("round", "is %d with %d tasks", e.Round, e.Planned)
	}
	switch e.Status {
	case EnrollmentStatusActive, EnrollmentStatusPaused, EnrollmentStatusClosed, EnrollmentStatusTerminated:
	default:
		f.Add("status", "is %s", quote(string(e.Status)))
	}
	if e.PausedAt.IsZero() == (e.Status == EnrollmentStatusPaused) {
		f.Add("paused_at", "does not fit an enrollment that is %s", e.Status)
	}
	if e.ShiftedDays < 0 || e.ShiftedDays > 0 && e.Status != EnrollmentStatusPaused {
		f.Add("shifted_days", "is %d in an enrollment that is %s", e.ShiftedDays, e.Status)
	}
	if e.EndedAt.IsZero() != e.Status.Running() {
		f.Add("ended_at", "does not fit an enrollment that is %s", e.Status)
	}
	if e.Status == EnrollmentStatusTerminated {
		e.Termination.checkReason(f)
	} else if e.Termination != (Termination{}) {
		f.Add("termination", "does not fit an enrollment that is %s", e.Status)
	}
	checkStored(f, e.Version, e.CreatedAt, e.PausedAt, e.EndedAt, e.ClosableFrom)
}

// State returns a copy of the round's state.
func (e *Enrollment) State() EnrollmentState { return e.state }

// Pause holds the round. Pausing a paused round changes nothing.
func (e *Enrollment) Pause(now time.Time) error {
	if e.state.Status == EnrollmentStatusPaused {
		return nil
	}
	if err := e.running("pause"); err != nil {
		return err
	}
	e.state.Status, e.state.PausedAt = EnrollmentStatusPaused, storedTime(now)
	e.record(&EnrollmentPaused{EnrollmentRef: e.ref(), PausedAt: e.state.PausedAt})
	return nil
}

// Resume ends a pause and says by how many days pending tasks move: those of the pause, without those by which the plan
// has moved them already. Resuming an active round changes nothing. While the plan is paused too, dates cannot be shifted:
// it is not known yet which of its days the plan will shift.
func (e *Enrollment) Resume(mode ResumeMode, plan PlanState, now time.Time) (days int, err error) {
	if mode != KeepDates && mode != ShiftDates {
		return 0, Invalid("mode", "is %s; want keep_dates or shift_dates", quote(string(mode)))
	}
	if e.state.Status == EnrollmentStatusActive {
		return 0, nil
	}
	if err := e.running("resume"); err != nil {
		return 0, err
	}
	if err := mode.suits(plan.Schedule); err != nil {
		return 0, err
	}
	if mode == ShiftDates {
		if plan.Status == PlanStatusPaused {
			return 0, errorf(ErrConflict, "plan %s is paused: resume it before the dates of enrollment %s are shifted, or keep them", plan.ID, e.state.ID)
		}
		zone, err := loadZone(e.state.Zone)
		if err != nil {
			return 0, err
		}
		days = max(0, pausedDays(e.state.PausedAt, now, zone)-e.state.ShiftedDays)
	}
	e.activate()
	e.record(&EnrollmentResumed{EnrollmentRef: e.ref(), ResumedAt: storedTime(now), ShiftedDays: days})
	return days, nil
}

func (e *Enrollment) activate() {
	e.state.Status, e.state.PausedAt, e.state.ShiftedDays = EnrollmentStatusActive, time.Time{}, 0
}

// shiftedWithPlan notes on a paused round by how many days of its pause the plan, paused since an instant, moves its tasks.
func (e *Enrollment) shiftedWithPlan(planPausedAt, now time.Time, zone *time.Location) {
	e.state.ShiftedDays += pausedDays(later(e.state.PausedAt, planPausedAt), now, zone)
}

// Terminate ends the round for good. A closed round can still be terminated, since consent can be withdrawn after the last
// task. Terminating a terminated round changes nothing, unless consent is withdrawn that was not before: that is kept in
// place of the first reason.
func (e *Enrollment) Terminate(why Termination, now time.Time) error {
	if err := why.Validate(); err != nil {
		return err
	}
	given := e.state.Termination.Reason
	withdraws := why.Reason == WithdrawnConsent && given != WithdrawnConsent && given != ByErasure
	if e.state.Status == EnrollmentStatusTerminated && !withdraws {
		return nil
	}
	e.activate()
	e.state.Status, e.state.EndedAt, e.state.Termination = EnrollmentStatusTerminated, storedTime(now), why
	e.record(&EnrollmentTerminated{EnrollmentRef: e.ref(), TerminatedAt: e.state.EndedAt, Reason: why.Reason})
	return nil
}

// close ends a round of which the caller knows that every task ended.
func (e *Enrollment) close(now time.Time) {
	e.activate()
	e.state.Status, e.state.EndedAt = EnrollmentStatusClosed, storedTime(now)
	e.record(&EnrollmentClosed{EnrollmentRef: e.ref(), ClosedAt: e.state.EndedAt})
}

// reopen takes up a closed round again, because one of its tasks was rescheduled.
func (e *Enrollment) reopen(now time.Time) {
	e.state.Status, e.state.EndedAt = EnrollmentStatusActive, time.Time{}
	e.record(&EnrollmentReopened{EnrollmentRef: e.ref(), ReopenedAt: storedTime(now)})
}

// expects notes that a task of the round falls at an instant.
func (e *Enrollment) expects(plannedAt time.Time) {
	if plannedAt.After(e.state.ClosableFrom) {
		e.state.ClosableFrom = plannedAt
	}
}

// erase ends the round, whatever its status, and forgets why it ended before: that is about a person.
func (e *Enrollment) erase(now time.Time) {
	ended := e.state.Status == EnrollmentStatusTerminated
	e.activate()
	e.state.Status, e.state.Termination = EnrollmentStatusTerminated, Termination{Reason: ByErasure}
	if !ended {
		e.state.EndedAt = storedTime(now)
		e.record(&EnrollmentTerminated{EnrollmentRef: e.ref(), TerminatedAt: e.state.EndedAt, Reason: ByErasure})
	}
}

func (e *Enrollment) running(command string) error {
	if !e.state.Status.Running() {
		return errorf(ErrConflict, "enrollment %s is %s: cannot %s it", e.state.ID, e.state.Status, command)
	}
	return nil
}

func (e *Enrollment) record(fact Fact) { e.facts = append(e.facts, fact) }

func (e *Enrollment) ref() EnrollmentRef {
	return EnrollmentRef{
		EnrollmentID: e.state.ID, PlanID: e.state.Plan, OrgID: e.state.Org, TesteeID: e.state.Testee, Round: e.state.Round,
	}
}
