package assessplan

import (
	"context"
	"errors"
	"time"
)

// publish calls the publisher and returns which events it did not take, with a code for each, or that it took none. Only a
// PublishError that does not name every event confirms the others. An event that is named because the time ran out has
// [FailurePublishTimeout], one that is named with [ErrUnavailable] has failureNotAsked: neither was refused.
func (r *Relay) publish(ctx context.Context, batch []OutboxEvent) (left map[EventID]FailureCode, failed *PublisherError) {
	events := make([]Event, len(batch))
	for i := range batch {
		events[i] = batch[i].Event
	}
	ctx, end := r.core.trace(ctx, Work{Kind: TracedPublish, Limit: len(events), TraceParents: r.core.traceParents(events)})
	if left, failed = r.offer(ctx, events); failed != nil {
		end(Done{Failed: len(events), Err: failed})
	} else {
		end(Done{Changed: len(events) - len(left), Failed: len(left)})
	}
	return left, failed
}

// offer does what publish says; the Tracer sees it as one piece of work.
func (r *Relay) offer(ctx context.Context, events []Event) (left map[EventID]FailureCode, failed *PublisherError) {
	failed, err := r.call(ctx, events)
	if err == nil || failed != nil {
		return nil, failed
	}
	code := FailurePublish
	if ctx.Err() != nil {
		code = FailurePublishTimeout
	}
	if left, ok := namedBy(err, events, code); ok && len(left) < len(events) {
		return left, nil
	}
	return nil, &PublisherError{Code: code, Cause: err}
}

// failureNotAsked is of an event that a publisher names without having had an answer about it. It is never stored.
const failureNotAsked FailureCode = "not_asked"

// namedBy returns those of events that a PublishError names, if it is one. One that is joined with other errors says nothing
// of the events that the others are about, nor does one whose errors panic when they are asked what they are.
func namedBy(err error, events []Event, code FailureCode) (named map[EventID]FailureCode, ok bool) {
	defer func() {
		if recover() != nil {
			named, ok = nil, false
		}
	}()
	for ; err != nil; err = errors.Unwrap(err) {
		partly, ok := err.(*PublishError) //nolint:errorlint // errors.As would look into joined errors
		if !ok || partly == nil {
			continue
		}
		codes := map[EventID]FailureCode{}
		for i := range events {
			why, is := partly.Failed[events[i].ID]
			switch {
			case is && errors.Is(why, ErrUnavailable):
				codes[events[i].ID] = failureNotAsked
			case is:
				codes[events[i].ID] = code
			}
		}
		return codes, true
	}
	return nil, false
}

// call shields the relay from the publisher: a panic costs the call, and a call that outlives its context is given up. The
// first answer is the relay's own, whatever the publisher says.
func (r *Relay) call(ctx context.Context, events []Event) (*PublisherError, error) {
	failed := &PublisherError{Code: FailurePublishPanic} // unless the call returns
	var answer error
	returned := make(chan struct{})
	go func() {
		defer func() {
			_ = recover()
			close(returned)
		}()
		answer = r.publisher.Publish(ctx, events...)
		failed = nil
	}()
	select {
	case <-returned:
		return failed, answer
	case <-ctx.Done():
	}
	patience := time.NewTimer(r.config.patience())
	defer patience.Stop()
	select {
	case <-returned:
		return failed, answer
	case <-patience.C:
	}
	r.hanging.Add(1)
	go func() {
		<-returned
		r.hanging.Add(-1)
	}()
	return &PublisherError{Code: FailureHanging}, nil
}

// outlasting is a context that ends a grace after ctx does, and after the limit at the latest.
func outlasting(ctx context.Context, grace, limit time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	unhook := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() {
		unhook()
		cancel()
	}
}
