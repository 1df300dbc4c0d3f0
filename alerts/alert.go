package alerts

import (
	"log/slog"
	"time"

	"github.com/assessplan/assessplan"
)

// Kind names a condition, and says what an alert's Value and Threshold are.
type Kind string

// The kinds.
const (
	ScheduleFailing Kind = "schedule_failing" // passes that open tasks end with an error; seconds since the first
	ExpireFailing   Kind = "expire_failing"   // the same of passes that end tasks
	RelayFailing    Kind = "relay_failing"    // the publisher takes nothing, or the store does not answer the relay; seconds
	NoSchedulePass  Kind = "no_schedule_pass" // no pass that opens tasks came to its end; seconds since the last that did
	NoExpirePass    Kind = "no_expire_pass"   // the same of passes that end tasks
	NoRelay         Kind = "no_relay"         // a relay that was heard of is no longer; seconds
	FailureRatio    Kind = "failure_ratio"    // tasks cannot be opened; their share, 0 to 1
	OldestDue       Kind = "oldest_due"       // a task has been due for long; seconds
	OldestEvent     Kind = "oldest_event"     // an event has waited for long to be published; seconds
	EventParked     Kind = "event_parked"     // an event was parked; how often it was refused, without a threshold
	EventsParked    Kind = "events_parked"    // events without an alert of their own are parked; how many are in all, without a threshold
)

// State says what is new about a condition.
type State string

// The states.
const (
	Raised    State = "raised"    // it began
	Repeated  State = "repeated"  // it still lasts
	Recovered State = "recovered" // it is over
)

// Alert says that something needs somebody, or no longer does. It holds no token, no entry URL, no testee and no text of a
// foreign error.
type Alert struct {
	Kind      Kind               `json:"kind"`
	State     State              `json:"state"`
	Text      string             `json:"text"`           // English: what is wrong, and what to look at next
	Since     time.Time          `json:"since"`          // when it began, in UTC
	Until     time.Time          `json:"until,omitzero"` // when it ended; zero while it lasts
	Value     float64            `json:"value"`          // see Kind; of what recovered, as it was last
	Threshold float64            `json:"threshold"`      // from which Value on it is an alert
	Org       assessplan.OrgID   `json:"org,omitzero"`   // if it is about one
	Event     assessplan.EventID `json:"event,omitzero"` // of EventParked
	Run       string             `json:"run,omitzero"`   // the run that showed it last, as in the log of the service; empty where none did
}

// Key names the condition: the same for all alerts about it, in every process. It is what pagers call a deduplication key.
func (a Alert) Key() string {
	if a.Event.IsZero() {
		return string(a.Kind)
	}
	return string(a.Kind) + "/" + a.Event.String()
}

func (a Alert) level() slog.Level {
	if a.State == Recovered {
		return slog.LevelInfo
	}
	return slog.LevelWarn
}

func (a Alert) attrs() []slog.Attr {
	attrs := []slog.Attr{slog.String("alert", string(a.Kind)), slog.String("state", string(a.State)), slog.String("text", a.Text),
		slog.Time("since", a.Since)}
	if !a.Until.IsZero() {
		attrs = append(attrs, slog.Time("until", a.Until))
	}
	attrs = append(attrs, slog.Float64("value", a.Value), slog.Float64("threshold", a.Threshold))
	if a.Org != "" {
		attrs = append(attrs, slog.String("org", string(a.Org)))
	}
	if !a.Event.IsZero() {
		attrs = append(attrs, slog.String("event", a.Event.String()))
	}
	if a.Run != "" {
		attrs = append(attrs, slog.String("run", a.Run))
	}
	return attrs
}
