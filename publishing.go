package assessplan

import (
	"context"
	"errors"
	"time"
)

// publishOne publishes one event and returns why it was not taken; no code says that it was.
func (r *Relay) publishOne(ctx context.Context, event *OutboxEvent) (FailureCode, *PublisherError) {
	refused, err := r.publish(ctx, []OutboxEvent{*event})
	if err != nil {
		return err.Code, err
	}
	return refused[event.ID], nil
}

// publish calls the publisher and returns which events it refused, or that it took none. Who names every event has met none
// that is at fault; nor has who names the only one, if nothing was taken since the last breakdown.
func (r *Relay) publish(ctx context.Context, batch []OutboxEvent) (map[EventID]FailureCode, *PublisherError) {
	events := make([]Event, len(batch))
	for i := range batch {
		events[i] = batch[i].Event
	}
	err := r.call(ctx, events)
	var whole *PublisherError
	var partly *PublishError
	switch {
	case err == nil:
		return nil, nil
	case errors.As(err, &whole):
		return nil, whole
	case errors.As(err, &partly) && partly != nil:
		if refused := partly.among(events); len(refused) < len(events) || len(events) == 1 && r.breakdowns.Load() == 0 {
			return refused, nil
		}
	case ctx.Err() != nil:
		return nil, &PublisherError{Code: FailurePublishTimeout, Cause: err}
	}
	return nil, &PublisherError{Code: FailurePublish, Cause: err}
}

// among returns those of events that the error names.
func (e *PublishError) among(events []Event) map[EventID]FailureCode {
	refused := map[EventID]FailureCode{}
	for i := range events {
		if _, named := e.Failed[events[i].ID]; named {
			refused[events[i].ID] = FailurePublish
		}
	}
	return refused
}

// call shields the relay from the publisher: a panic is an error, and a call that outlives its context by half of
// PublishTimeout is given up.
func (r *Relay) call(ctx context.Context, events []Event) error {
	var answer error = &PublisherError{Code: FailurePublishPanic} // unless the call returns
	returned := make(chan struct{})
	go func() {
		defer func() {
			_ = recover()
			close(returned)
		}()
		answer = r.publisher.Publish(ctx, events...)
	}()
	select {
	case <-returned:
		return answer
	case <-ctx.Done():
	}
	patience := time.NewTimer(r.config.PublishTimeout / 2)
	defer patience.Stop()
	select {
	case <-returned:
		return answer
	case <-patience.C:
	}
	r.hanging.Add(1)
	go func() {
		<-returned
		r.hanging.Add(-1)
	}()
	return &PublisherError{Code: FailureHanging}
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
