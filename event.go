package assessplan

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/google/uuid"
)

// EventType names a kind of fact.
type EventType string

// The types of event. In CloudEvents they stand with the prefix "assessplan.".
const (
	TypeTaskOpened           EventType = "task.opened"
	TypeTaskCompleted        EventType = "task.completed"
	TypeTaskExpired          EventType = "task.expired"
	TypeTaskCanceled         EventType = "task.canceled"
	TypeTaskRescheduled      EventType = "task.rescheduled"
	TypeTaskEntryReissued    EventType = "task.entry_reissued"
	TypePlanCreated          EventType = "plan.created"
	TypePlanPaused           EventType = "plan.paused"
	TypePlanResumed          EventType = "plan.resumed"
	TypePlanFinished         EventType = "plan.finished"
	TypePlanCanceled         EventType = "plan.canceled"
	TypeEnrollmentCreated    EventType = "enrollment.created"
	TypeEnrollmentPaused     EventType = "enrollment.paused"
	TypeEnrollmentResumed    EventType = "enrollment.resumed"
	TypeEnrollmentClosed     EventType = "enrollment.closed"
	TypeEnrollmentReopened   EventType = "enrollment.reopened"
	TypeEnrollmentTerminated EventType = "enrollment.terminated"
	TypeTesteeErased         EventType = "testee.erased"
)

// Event is a fact as it is stored and published: written in the transaction that makes it true, delivered at least once,
// in order per Subject. It does not print its Data, which may hold an entry URL; its JSON form is the Data, since that is
// what is published, so log events as they are and never their JSON.
type Event struct {
	ID      EventID
	Type    EventType
	Org     OrgID
	Subject uuid.UUID // the task, plan or enrollment that it is about; for testee.erased the pseudonym's UUID
	Version int64     // of the subject, once stored; one that completes what a plan's end has just canceled shares that one's
	Time    time.Time // when it was stored
	Data    []byte    // the event as CloudEvents 1.0 JSON; do not change it
}

// Format prints the event without its Data.
func (e Event) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "%s %s of %s version %d", e.Type, e.ID, e.Subject, e.Version)
}

// LogValue is the event without its Data.
func (e Event) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", e.ID.String()), slog.String("type", string(e.Type)),
		slog.String("subject", e.Subject.String()), slog.Int64("version", e.Version))
}

// MarshalJSON writes the event's CloudEvents form.
func (e Event) MarshalJSON() ([]byte, error) { return e.Data, nil }

// EntryURL is an entry's URL in a decoded event. It prints as "[redacted]", but not in JSON, nor where it is hidden in a
// field that fmt cannot ask.
type EntryURL string

// Reveal gives out the URL. Hand it to the testee and to nobody else, and to no log.
func (u EntryURL) Reveal() string { return string(u) }

// Format prints "[redacted]" for every verb; nothing for no URL.
func (u EntryURL) Format(f fmt.State, _ rune) {
	if u != "" {
		_, _ = io.WriteString(f, redacted)
	}
}

// LogValue is "[redacted]".
func (u EntryURL) LogValue() slog.Value { return slog.StringValue(redacted) }
