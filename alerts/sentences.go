package alerts

import (
	"context"
	"errors"
	"time"

	"github.com/assessplan/assessplan"
)

// wellAgain says what is over.
var wellAgain = map[Kind]string{
	ScheduleFailing: "Passes that open tasks work again.",
	ExpireFailing:   "Passes that end tasks work again.",
	RelayFailing:    "The relay works again.",
	NoSchedulePass:  "Passes that open tasks come to their end again.",
	NoExpirePass:    "Passes that end tasks come to their end again.",
	NoRelay:         "The relay is heard of again.",
	FailureRatio:    "Tasks can be opened again.",
	OldestDue:       "No task is due for too long any more.",
	OldestEvent:     "No event waits for too long any more.",
	EventParked:     "The event was retried or discarded.",
	EventsParked:    "No event is parked any more that has no alert of its own.",
}

// cause is why a run failed, in words of this module only: what else an error says may quote what it was about, and an alert
// goes to pagers and chats. The service's own log has it under the same run.
type cause struct {
	what string // the rest of a sentence after "because"
	next string // what to look at
}

// causes is ordered: the first that matches decides.
var causes = []struct {
	err   error
	cause cause
}{
	{assessplan.ErrGeneratorStuck, cause{"calls of the entry generator hang",
		"Look at what the generator waits for; calls that ignore their context hold memory until they return."}},
	{assessplan.ErrCorrupt, cause{"stored records are damaged", "Look at the failures in the report of the run, which name them."}},
	{context.DeadlineExceeded, cause{"a call took too long", "Look at the database, and at the locks that others hold."}},
	{assessplan.ErrUnavailable, cause{"the store is unavailable", "Look at the database and the way to it."}},
	{assessplan.ErrConflict, cause{"transactions collide with others again and again",
		"Look for what else writes to the same records."}},
}

func explain(err error) cause {
	var publisher *assessplan.PublisherError
	if errors.As(err, &publisher) {
		return cause{publisher.Error(), "Look at the broker and the way to it; events wait in the outbox, and none is lost."}
	}
	for _, row := range causes {
		if errors.Is(err, row.err) {
			return row.cause
		}
	}
	return cause{"of an error of kind " + string(assessplan.KindOf(err)), "The service's log has it in the record of the run."}
}

// lasted writes a duration as people read it.
func lasted(d time.Duration) string {
	if d >= time.Second {
		d = d.Round(time.Second)
	}
	return d.String()
}
