package assessplan

import (
	"crypto/sha256"
	"fmt"
	"time"
)

// TaskStatus is where a task stands.
type TaskStatus string

// The statuses of a task.
const (
	Pending   TaskStatus = "pending"   // not opened yet
	Opened    TaskStatus = "opened"    // can be filled in through its entry
	Completed TaskStatus = "completed" // filled in
	Expired   TaskStatus = "expired"   // missed, or not filled in in time
	Canceled  TaskStatus = "canceled"  // no longer owed
)

// Ended reports whether the task is neither pending nor opened.
func (s TaskStatus) Ended() bool { return s == Completed || s == Expired || s == Canceled }

// EndReason says why a task expired or was canceled, or why a round was terminated. It is a code of at most 64 bytes of
// a-z, 0-9, '_', '.' and '-'.
type EndReason string

// The reasons. A host may cancel a task with a code of its own.
const (
	MissedWindow     EndReason = "missed_window"      // expired: not opened in its window
	PastAtEnrollment EndReason = "past_at_enrollment" // expired: already past when the round began
	EntryTimeout     EndReason = "entry_timeout"      // expired: opened, not filled in in time
	Manual           EndReason = "manual"             // expired: opened, and ended by hand

	Requested        EndReason = "requested"     // canceled by hand
	WithPlanFinished EndReason = "plan_finished" // canceled with its plan
	WithPlanCanceled EndReason = "plan_canceled" // canceled with its plan

	Withdrawn        EndReason = "withdrawn"         // the testee stops; what was given may be kept
	WithdrawnConsent EndReason = "withdrawn_consent" // the testee withdrew consent (GDPR article 7(3))
	Lost             EndReason = "lost"              // lost to follow-up
	Died             EndReason = "died"
	Other            EndReason = "other"
	ByErasure        EndReason = "erased" // of a round whose testee was erased; only EraseTestee gives it
)

// FailureCode says why an attempt failed, to open a task or to publish an event: a word, never a foreign message.
type FailureCode string

// The codes.
const (
	FailureGenerator FailureCode = "generator_error"   // the generator returned an error
	FailureTimeout   FailureCode = "generator_timeout" // the generator did not answer in time
	FailurePanic     FailureCode = "generator_panic"   // the generator panicked
	FailureEntry     FailureCode = "entry_invalid"     // the generator returned rubbish
	FailureStore     FailureCode = "store_refused"     // the store refused this one task
	FailureCorrupt   FailureCode = "corrupt"           // the stored task is corrupt
	FailureDomain    FailureCode = "not_openable"      // the task's state forbids it

	FailurePublish        FailureCode = "publish_failed"  // of an event: the publisher did not take it
	FailurePublishTimeout FailureCode = "publish_timeout" // the publisher did not answer in time
	FailurePublishPanic   FailureCode = "publish_panic"   // the publisher panicked
	FailureHanging        FailureCode = "publisher_hangs" // the publisher ignores that its context ended
)

// meanings are of the codes that passes report.
var meanings = map[FailureCode]string{
	FailureGenerator: "no entry could be made; it is tried again later",
	FailureTimeout:   "making an entry took too long; it is tried again later",
	FailurePanic:     "making an entry panicked; it is tried again later",
	FailureEntry:     "the entry that was made is not valid; it is tried again later",
	FailureStore:     "the store refused it; it is tried again later",
	FailureCorrupt:   "the stored record is damaged, and somebody must look at it",
	FailureDomain:    "its state forbids it",
}

// Meaning says in a sentence what a code of a pass means to whoever triggered it. Another code is its own meaning.
func (c FailureCode) Meaning() string {
	if meaning, ok := meanings[c]; ok {
		return meaning
	}
	return string(c)
}

// TokenHash is the SHA-256 of an entry's token; zero for none. A token has at least 122 random bits, so that a plain hash
// is enough: there is nothing to guess (OWASP, forgot-password cheat sheet).
type TokenHash [sha256.Size]byte

// HashToken returns what a store keeps of a token.
func HashToken(token string) TokenHash { return sha256.Sum256([]byte(token)) }

// IsZero reports whether there is no token.
func (h TokenHash) IsZero() bool { return h == TokenHash{} }

// TaskState is a task as it is stored, for code: what goes out over an API is for the host to choose. Times are UTC at
// microseconds; the zero time is none.
type TaskState struct {
	ID         TaskID
	Org        OrgID
	Plan       PlanID
	Enrollment EnrollmentID
	Testee     TesteeID
	Scale      ScaleCode
	Seq        int // the number of the occurrence in the round, from 1

	Date      CivilDate // what was planned, in the words of the schedule
	Time      TimeOfDay
	Zone      string
	PlannedAt time.Time // what that is as an instant
	OpenUntil time.Time // not opened by then, it is missed; zero: never
	FillUntil time.Time // it can be filled in until then, whatever the entry says; zero: what the entry says
	DueAt     time.Time // completed later, it is late; zero: never
	Revision  int       // counts plannings, from 1

	Status        TaskStatus
	Held          bool        // pending: its plan or its round is not active
	NextAttemptAt time.Time   // pending: when the next pass may open it; PlannedAt until an attempt failed
	Attempts      int         // how many attempts to open it failed in a row
	LastError     FailureCode // why the last attempt failed

	OpenAt      time.Time // once opened
	ExpireAt    time.Time // once opened: the end of its entry
	EntrySerial int       // counts entries, over all revisions
	TokenHash   TokenHash `json:"-"` // once opened; zero for an imported task without a token

	EndedAt      time.Time    // when it was recorded as completed, expired or canceled
	EndReason    EndReason    // expired, canceled
	SubmittedAt  time.Time    // completed: when the testee handed it in
	AssessmentID AssessmentID // completed
	Late         bool         // completed: after DueAt

	CreatedAt time.Time
	Version   int64 // counts stores; 0 is not stored yet
}

// AssessmentTask is the Nth assessment that a testee owes in a round. It is not safe for concurrent use and serves one
// Update.
type AssessmentTask struct {
	state TaskState
	facts []Fact

	// A pass opens millions of tasks, each in a struct that it uses again: what Open records needs no memory of its own.
	first  [1]Fact
	opened TaskOpened
}

// RestoreTask takes up a stored task. A combination of fields that no history can have produced is [ErrCorrupt], with a
// [ValidationError] that names every fault.
func RestoreTask(state TaskState) (*AssessmentTask, error) {
	if err := state.validate(); err != nil {
		return nil, err
	}
	return &AssessmentTask{state: state}, nil
}

// State returns a copy of the task's state.
func (t *AssessmentTask) State() TaskState { return t.state }

// Format prints the task's ID and status for every verb: what it records until it is stored holds its entry.
func (t AssessmentTask) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "task %s (%s)", t.state.ID, t.state.Status)
}

func (t *AssessmentTask) record(fact Fact) {
	if t.facts == nil {
		t.facts = t.first[:0]
	}
	t.facts = append(t.facts, fact)
}

func (s *TaskState) validate() error {
	if err := s.fault(); err != nil {
		return corrupt("task", s.ID, err)
	}
	return nil
}

// fault names everything in the state that no history can have produced.
func (s *TaskState) fault() error {
	f := faults{}
	s.checkIdentity(&f)
	s.checkPlanning(&f)
	s.checkStatus(&f)
	checkStored(&f, s.Version, s.PlannedAt, s.OpenUntil, s.FillUntil, s.DueAt, s.NextAttemptAt, s.OpenAt, s.ExpireAt,
		s.EndedAt, s.SubmittedAt, s.CreatedAt)
	return f.Err()
}

func (s *TaskState) checkIdentity(f *faults) {
	if s.ID.IsZero() || s.Plan.IsZero() || s.Enrollment.IsZero() {
		f.Add("task_id", "or plan_id or enrollment_id is zero")
	}
	checkReference(f, "org_id", s.Org)
	checkReference(f, "testee_id", s.Testee)
	checkReference(f, "scale_code", s.Scale)
	if s.Seq < 1 || s.Seq > MaxOccurrences {
		f.Add("seq", "is %d; want 1 to %d", s.Seq, MaxOccurrences)
	}
}

func (s *TaskState) checkPlanning(f *faults) {
	s.Date.check(f, "date")
	s.Time.check(f, "time")
	checkZoneName(f, s.Zone)
	if s.PlannedAt.IsZero() || s.Revision < 1 {
		f.Add("planned_at", "or revision is missing")
	}
	for _, end := range []struct {
		path string
		at   time.Time
	}{{"open_until", s.OpenUntil}, {"fill_until", s.FillUntil}, {"due_at", s.DueAt}} {
		if !end.at.IsZero() && end.at.Before(s.PlannedAt) {
			f.Add(end.path, "is before planned_at")
		}
	}
	if !s.FillUntil.IsZero() && (s.OpenUntil.IsZero() || s.OpenUntil.After(s.FillUntil)) {
		f.Add("open_until", "is after fill_until")
	}
	if s.Attempts < 0 || (s.Attempts == 0) != (s.LastError == "") {
		f.Add("attempts", "is %d with last_error %s", s.Attempts, quote(string(s.LastError)))
	}
	if s.LastError != "" {
		checkCode(f, "last_error", string(s.LastError))
	}
	if s.EntrySerial < 0 {
		f.Add("entry_serial", "is %d", s.EntrySerial)
	}
}

// stateRule says which fields a status has; a field that is not required is forbidden, unless either is allowed.
type stateRule struct{ nextAttempt, entry, ended, reason, submitted presence }

type presence int

const (
	absent presence = iota
	present
	either
)

var stateRules = map[TaskStatus]stateRule{
	Pending:   {nextAttempt: present},
	Opened:    {entry: present},
	Completed: {entry: present, ended: present, submitted: present},
	Expired:   {entry: either, ended: present, reason: present},
	Canceled:  {entry: either, ended: present, reason: present},
}

func (s *TaskState) checkStatus(f *faults) {
	rule, known := stateRules[s.Status]
	if !known {
		f.Add("status", "is %s", quote(string(s.Status)))
		return
	}
	fits := func(path string, want presence, has bool) {
		if want != either && has != (want == present) {
			f.Add(path, "does not fit a task that is %s", s.Status)
		}
	}
	fits("next_attempt_at", rule.nextAttempt, !s.NextAttemptAt.IsZero())
	fits("open_at", rule.entry, !s.OpenAt.IsZero())
	fits("ended_at", rule.ended, !s.EndedAt.IsZero())
	fits("end_reason", rule.reason, s.EndReason != "")
	fits("submitted_at", rule.submitted, !s.SubmittedAt.IsZero())
	fits("assessment_id", rule.submitted, s.AssessmentID != "")
	s.checkPending(f)
	s.checkEntry(f)
	s.checkEnd(f)
}

func (s *TaskState) checkPending(f *faults) {
	if s.Held && s.Status != Pending {
		f.Add("held", "does not fit a task that is %s", s.Status)
	}
	if s.Status == Pending && (s.NextAttemptAt.Before(s.PlannedAt) || s.Attempts == 0 && !s.NextAttemptAt.Equal(s.PlannedAt)) {
		f.Add("next_attempt_at", "does not fit planned_at after %d attempts", s.Attempts)
	}
}

func (s *TaskState) checkEntry(f *faults) {
	opened := !s.OpenAt.IsZero()
	if opened == s.ExpireAt.IsZero() || opened && !s.ExpireAt.After(s.OpenAt) {
		f.Add("expire_at", "does not fit open_at")
	}
	if opened && (s.EntrySerial < 1 || s.Attempts > 0 || s.OpenAt.Before(s.PlannedAt)) {
		f.Add("open_at", "is before planned_at, or without an entry, or beside failed attempts")
	}
	if s.TokenHash.IsZero() && s.Status == Opened || !s.TokenHash.IsZero() && !opened {
		f.Add("token_hash", "does not fit a task that is %s", s.Status)
	}
	if opened && !s.FillUntil.IsZero() && s.ExpireAt.After(s.FillUntil) {
		f.Add("expire_at", "is after fill_until")
	}
}

func (s *TaskState) checkEnd(f *faults) {
	if s.EndReason != "" {
		checkCode(f, "end_reason", string(s.EndReason))
	}
	neverOpened := s.EndReason == MissedWindow || s.EndReason == PastAtEnrollment
	afterOpening := s.EndReason == EntryTimeout || s.EndReason == Manual
	if s.Status == Expired && (neverOpened != s.OpenAt.IsZero() || neverOpened == afterOpening) {
		f.Add("end_reason", "is %s, which does not fit open_at", quote(string(s.EndReason)))
	}
	if !s.EndedAt.IsZero() && s.EndedAt.Before(s.OpenAt) {
		f.Add("ended_at", "is before open_at")
	}
	if s.AssessmentID != "" {
		checkReference(f, "assessment_id", s.AssessmentID)
	}
	if s.Status == Completed {
		if s.SubmittedAt.Before(s.OpenAt.Add(-ClockSkew)) || !s.SubmittedAt.Before(s.ExpireAt) {
			f.Add("submitted_at", "is outside the time in which the task could be filled in")
		}
	}
	if s.Late != (s.Status == Completed && !s.DueAt.IsZero() && s.SubmittedAt.After(s.DueAt)) {
		f.Add("late", "does not fit due_at and submitted_at")
	}
}
