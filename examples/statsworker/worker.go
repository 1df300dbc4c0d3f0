package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/watermillpub"
)

// worker takes messages into account.
type worker struct {
	ledger *ledger
	log    *slog.Logger
	taken  int // messages that were acknowledged
}

// run works until the messages or ctx end. A message is acknowledged when what it says is on the disk. Where it cannot be
// put there the worker gives the message back and ends: whoever runs it starts it again, and the message comes again.
func (w *worker) run(ctx context.Context, messages <-chan *message.Message) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case m, more := <-messages:
			if !more {
				return nil
			}
			// What was begun is done: a transaction takes some milliseconds.
			if err := w.take(context.WithoutCancel(ctx), m); err != nil {
				m.Nack()
				return fmt.Errorf("message %s: %w", idOf(m), err)
			}
			m.Ack()
			w.taken++
		}
	}
}

// take takes one message into account. One that is no event would come again for ever: it is noted, and that is that.
func (w *worker) take(ctx context.Context, m *message.Message) error {
	event, fact, err := watermillpub.Decode(m)
	if err == nil {
		err = w.ledger.apply(ctx, event, fact)
	}
	if !errors.Is(err, assessplan.ErrInvalid) {
		return err
	}
	w.log.WarnContext(ctx, "a message was refused, and is not counted", "message", idOf(m), "why", err)
	return w.ledger.refuse(ctx, idOf(m), err.Error())
}

// idOf is the UUID of a message: for one of ours the ID of its event. A message without one is named by what is in it.
func idOf(m *message.Message) string {
	if m.UUID != "" {
		return m.UUID
	}
	sum := sha256.Sum256(m.Payload)
	return "sha256-" + hex.EncodeToString(sum[:])
}
