package watermillpub

import "github.com/assessplan/assessplan"

// state is what became of an event.
type state int

const (
	unfit       state = iota // it could not be made a message: the Publisher was not asked
	refused                  // the Publisher did not take it
	unavailable              // the Publisher did not take it, or was not asked, and it is not to blame
	delivered
)

// failure is why an event was not published, unless it was delivered. Its message never shows the cause, but what
// Config.Explain makes of it.
type failure struct {
	place int
	event assessplan.EventID
	topic string
	state state
	why   string
	cause error
}

func (f *failure) Error() string {
	if f.topic == "" {
		return "watermillpub: event " + f.event.String() + ": " + f.why
	}
	return "watermillpub: event " + f.event.String() + " to " + f.topic + ": " + f.why
}

// Unwrap finds the Publisher's own error, and [assessplan.ErrUnavailable] where the event was not refused.
func (f *failure) Unwrap() []error {
	var errs []error
	if f.state == unavailable {
		errs = append(errs, assessplan.ErrUnavailable)
	}
	if f.cause != nil {
		errs = append(errs, f.cause)
	}
	return errs
}

// breakdown says that nothing was published at all. Of its cause it shows what a failure does.
type breakdown struct {
	why   string
	cause error
}

func (b *breakdown) Error() string { return "watermillpub: " + b.why }

// Unwrap finds [assessplan.ErrUnavailable] and what the Publisher, or the context, said.
func (b *breakdown) Unwrap() []error {
	if b.cause == nil {
		return []error{assessplan.ErrUnavailable}
	}
	return []error{assessplan.ErrUnavailable, b.cause}
}
