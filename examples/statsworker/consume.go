package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// consume works on a stream until ctx ends.
func consume(ctx context.Context, s settings, _ io.Writer, log *slog.Logger) (err error) {
	stream, err := connect(s.nats, s.stream, toConsume(s.stream), log)
	if err != nil {
		return fmt.Errorf("--nats: %w", err)
	}
	defer stream.close()
	first, err := stream.firstMessage(ctx)
	if err != nil {
		return fmt.Errorf("--stream: %w", err)
	}
	l, err := openLedger(ctx, s.db, s.zone)
	if err != nil {
		return fmt.Errorf("--db: %w", err)
	}
	defer func() { err = errors.Join(err, l.close()) }()
	if s.rebuild {
		before := l.worker()
		if err := l.startOver(ctx); err != nil {
			return fmt.Errorf("--rebuild: %w", err)
		}
		if err := stream.forget(ctx, before); err != nil {
			log.WarnContext(ctx, "the consumer of before is still there", "consumer", before, "why", err)
		}
	}
	return work(ctx, &worker{ledger: l, log: log}, stream, first)
}

func work(ctx context.Context, w *worker, s *stream, first uint64) (err error) {
	from, topic, err := s.subscriber(ctx, w.ledger.worker())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	// Not under ctx: what is given out when that ends would go to a channel that is closed.
	messages, err := from.Subscribe(context.WithoutCancel(ctx), topic)
	if err != nil {
		return err
	}
	log := w.log.With("stream", s.name, "consumer", w.ledger.worker())
	if first > 1 {
		log.WarnContext(ctx, "the stream has lost its beginning: a rebuild cannot count what was there", "first", first)
	}
	log.InfoContext(ctx, "working")
	err = w.run(ctx, messages)
	log.InfoContext(ctx, "stopped", "messages", w.taken)
	return err
}
