package assessplan

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The sentinels that errors of this package and of its adapters match with errors.Is.
var (
	ErrNotFound           = errors.New("not found")
	ErrInvalid            = errors.New("invalid")
	ErrInvalidTransition  = errors.New("invalid transition")
	ErrConflict           = errors.New("conflict")
	ErrTaskCompleted      = errors.New("task is already completed by another assessment")
	ErrAssessmentTaken    = errors.New("assessment already completes another task")
	ErrEnrollmentConflict = errors.New("enrollment conflict")
	ErrPlanNotActive      = errors.New("plan is not active")
	ErrEntryInvalid       = errors.New("entry is not valid")
	ErrEntryExpired       = errors.New("entry has expired")
	ErrBeforeInFuture     = errors.New("before lies in the future")
	ErrNestedTransaction  = errors.New("store is called inside its own transaction")
	ErrReadOnly           = errors.New("write in a read-only transaction")
	ErrGeneratorStuck     = errors.New("entry generator is stuck")
	// ErrUnavailable is what an adapter wraps when its database cannot be reached or gave up after its retries: the same
	// call may succeed later.
	ErrUnavailable = errors.New("store is unavailable")
	// ErrCorrupt is a stored record that no history of commands can have produced.
	ErrCorrupt = errors.New("stored record is corrupt")
)

// Kind is the coarse class of an error, for a transport's status table.
type Kind string

// The kinds of error.
const (
	KindInvalid     Kind = "invalid"     // the caller's input is wrong; the same call cannot succeed
	KindNotFound    Kind = "not_found"   // no such record in the org
	KindConflict    Kind = "conflict"    // the record's state forbids it
	KindUnavailable Kind = "unavailable" // try again later
	KindInternal    Kind = "internal"    // a defect, or an error of a foreign kind
)

// codeInternal is the code of every error that is not the caller's to know.
const codeInternal = "internal"

// kinds is ordered: the first row that matches decides.
var kinds = []struct {
	err    error
	kind   Kind
	code   string
	public string // empty: the error's own message is fit for the caller
}{
	{ErrCorrupt, KindInternal, codeInternal, "a stored record is damaged"},
	{ErrEntryInvalid, KindNotFound, "entry_invalid", "this link is not valid"},
	{ErrEntryExpired, KindConflict, "entry_expired", "this link has expired"},
	{ErrBeforeInFuture, KindInvalid, "before_in_future", ""},
	{ErrInvalid, KindInvalid, "invalid", ""},
	{ErrNotFound, KindNotFound, "not_found", ""},
	{ErrInvalidTransition, KindConflict, "invalid_transition", ""},
	{ErrTaskCompleted, KindConflict, "task_completed", ""},
	{ErrAssessmentTaken, KindConflict, "assessment_taken", ""},
	{ErrEnrollmentConflict, KindConflict, "enrollment_conflict", ""},
	{ErrPlanNotActive, KindConflict, "plan_not_active", ""},
	{ErrConflict, KindConflict, "conflict", ""},
	{ErrUnavailable, KindUnavailable, "unavailable", "the service is unavailable; try again later"},
	{ErrGeneratorStuck, KindUnavailable, "unavailable", "the service is unavailable; try again later"},
	{context.DeadlineExceeded, KindUnavailable, "timeout", "the time for this call ran out"},
	{context.Canceled, KindUnavailable, "canceled", "the call was canceled"},
}

// KindOf classes an error. A nil error has no kind: the result is empty. An error that this package does not know is
// [KindInternal].
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	for _, row := range kinds {
		if errors.Is(err, row.err) {
			return row.kind
		}
	}
	return KindInternal
}

// CodeOf returns the stable word for what is wrong, finer than the kind, for clients to tell errors apart by: invalid, not_found,
// conflict, unavailable and internal, and beside them entry_invalid, entry_expired, before_in_future, invalid_transition,
// task_completed, assessment_taken, enrollment_conflict, plan_not_active, timeout and canceled. A nil error has none: the result
// is empty. An error that this package does not know is internal.
func CodeOf(err error) string {
	if err == nil {
		return ""
	}
	for _, row := range kinds {
		if errors.Is(err, row.err) {
			return row.code
		}
	}
	return codeInternal
}

// PublicMessage returns what a transport may tell its caller: the message of an error that names the caller's own mistake,
// and a general sentence for everything else. A nil error has no message.
func PublicMessage(err error) string {
	if err == nil {
		return ""
	}
	for _, row := range kinds {
		if !errors.Is(err, row.err) {
			continue
		}
		if row.public != "" {
			return row.public
		}
		return publicPart(err)
	}
	return "internal error"
}

// publicPart leaves out what an adapter or a driver wrapped around the library's own error.
func publicPart(err error) string {
	var validation *ValidationError
	var transition *TransitionError
	var domain *domainError
	var version *VersionError
	switch {
	case errors.As(err, &validation):
		return validation.Error()
	case errors.As(err, &transition):
		return transition.Error()
	case errors.As(err, &domain):
		return domain.Error()
	case errors.As(err, &version):
		return "the record was changed by somebody else; try again"
	}
	for _, row := range kinds {
		if errors.Is(err, row.err) {
			return row.err.Error()
		}
	}
	return "internal error"
}

// domainError is a sentence of this package about a sentinel.
type domainError struct {
	sentinel error
	message  string
}

func (e *domainError) Error() string { return e.message }
func (e *domainError) Unwrap() error { return e.sentinel }

func errorf(sentinel error, format string, args ...any) error {
	return &domainError{sentinel: sentinel, message: fmt.Sprintf(format, args...)}
}

// TransitionError says that a task's state does not allow a command. It matches [ErrInvalidTransition].
type TransitionError struct {
	TaskID  TaskID
	From    TaskStatus // the status that the task has
	Command Command    // what was asked for
	Why     string     // what stands against it; empty: the status itself
}

func (e *TransitionError) Error() string {
	if e.Why == "" {
		return fmt.Sprintf("task %s is %s: cannot %s it", e.TaskID, e.From, e.Command)
	}
	return fmt.Sprintf("task %s is %s: cannot %s it: %s", e.TaskID, e.From, e.Command, e.Why)
}

// Is reports whether target is [ErrInvalidTransition].
func (e *TransitionError) Is(target error) bool { return target == ErrInvalidTransition }

// VersionError says that records were stored by somebody else since they were read. It matches [ErrConflict]. A store's
// Update answers it by running its function again.
type VersionError struct {
	TaskIDs       []TaskID
	PlanIDs       []PlanID
	EnrollmentIDs []EnrollmentID
}

func (e *VersionError) Error() string {
	var moved []string
	for _, id := range e.PlanIDs {
		moved = append(moved, "plan "+id.String())
	}
	for _, id := range e.EnrollmentIDs {
		moved = append(moved, "enrollment "+id.String())
	}
	for _, id := range e.TaskIDs {
		moved = append(moved, "task "+id.String())
	}
	const most = 3
	if more := len(moved) - most; more > 0 {
		moved = append(moved[:most], strconv.Itoa(more)+" more")
	}
	return "stored by somebody else since it was read: " + strings.Join(moved, ", ")
}

// Is reports whether target is [ErrConflict].
func (e *VersionError) Is(target error) bool { return target == ErrConflict }

// Fault is one thing that is wrong with an input.
type Fault struct {
	Path    string // the field, in the names of the JSON form: "schedule.slots[2].day"
	Message string // what was wrong and what would be right
}

// ValidationError names the faults of an input, all of them up to a hundred. It matches [ErrInvalid].
type ValidationError struct {
	Faults []Fault // at least one; of very many, the first
}

func (e *ValidationError) Error() string {
	parts := make([]string, len(e.Faults))
	for i, fault := range e.Faults {
		parts[i] = fault.Path + " " + fault.Message
	}
	return "invalid: " + strings.Join(parts, "; ")
}

// Is reports whether target is [ErrInvalid].
func (e *ValidationError) Is(target error) bool { return target == ErrInvalid }

// mostFaults is how many faults of an input are told: a long list that is wrong throughout has one more for each value, and a
// message must not outgrow its cause.
const mostFaults = 100

// Add notes a fault, unless there are a hundred already. The message is formatted as fmt.Sprintf does.
func (e *ValidationError) Add(path, format string, args ...any) {
	if len(e.Faults) < mostFaults {
		e.Faults = append(e.Faults, Fault{Path: path, Message: fmt.Sprintf(format, args...)})
	}
}

// Err returns the faults as an error, nil if there are none: what a function returns that looked for all of them.
func (e *ValidationError) Err() error {
	if len(e.Faults) == 0 {
		return nil
	}
	return &ValidationError{Faults: e.Faults} // not e: most inputs have no faults, and it may stay on the stack
}

// Invalid returns a [ValidationError] with one fault. The message is formatted as fmt.Sprintf does.
func Invalid(path, format string, args ...any) error {
	return &ValidationError{Faults: []Fault{{Path: path, Message: fmt.Sprintf(format, args...)}}}
}

// faults are those of an input that is made of others.
type faults struct{ ValidationError }

// within adds the faults of a nested input under path; any other error becomes one fault.
func (f *faults) within(path string, err error) {
	var nested *ValidationError
	switch {
	case err == nil:
	case errors.As(err, &nested):
		for _, fault := range nested.Faults {
			f.Add(joinPath(path, fault.Path), "%s", fault.Message)
		}
	default:
		f.Add(path, "%v", err)
	}
}

func joinPath(outer, inner string) string {
	if outer == "" || strings.HasPrefix(inner, "[") {
		return outer + inner
	}
	return outer + "." + inner
}

// quote shows a value in a message, cut to a length that a message bears.
func quote(s string) string {
	const most = 40
	if len(s) > most {
		return strconv.Quote(s[:most]) + "..."
	}
	return strconv.Quote(s)
}

// PublishError is what a publisher returns where it did not deliver some events, and all others: it names those. One whose
// error is [ErrUnavailable] by errors.Is was not refused: the broker failed at it, or was not asked. Any other was refused for
// what it is. A broker that takes nothing is any other error.
type PublishError struct {
	Failed map[EventID]error
}

func (e *PublishError) Error() string {
	return fmt.Sprintf("%d events were not published", len(e.Failed))
}

// PublisherError says that a publisher took none of what it was given. It matches [ErrUnavailable], and its message does not
// show the cause.
type PublisherError struct {
	Code  FailureCode
	Cause error `json:"-"` // what the publisher said, which may hold what it was given; nil if it said nothing
}

func (e *PublisherError) Error() string { return "the publisher takes no events: " + string(e.Code) }

// Is reports whether target is [ErrUnavailable].
func (e *PublisherError) Is(target error) bool { return target == ErrUnavailable }
