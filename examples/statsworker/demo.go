package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan/watermillpub"
)

// demonstrate lets a study happen, counts it from its events, twice, and from the store.
func demonstrate(ctx context.Context, s settings, stdout io.Writer, log *slog.Logger) (err error) {
	if s.nats == "" {
		b := newInProcess()
		defer func() { err = errors.Join(err, b.close()) }()
		return demonstrateOver(ctx, b, s, stdout, log)
	}
	stream, err := connect(s.nats, "statsworker-"+uuid.NewString(), anything, slog.New(slog.DiscardHandler))
	if err != nil {
		return fmt.Errorf("--nats: %w", err)
	}
	defer stream.close()
	if err := stream.create(ctx); err != nil {
		return fmt.Errorf("--nats: %w", err)
	}
	if !s.keep {
		defer func() { err = errors.Join(err, stream.remove(context.WithoutCancel(ctx))) }()
	}
	if err := demonstrateOver(ctx, stream, s, stdout, log); err != nil || !s.keep {
		return err
	}
	_, err = fmt.Fprintf(stdout, "\nThe stream is left. Consume it, until interrupted:\n"+
		"go run ./examples/statsworker --consume --nats URL --stream %s --db stats.db\n", stream.name)
	return err
}

func demonstrateOver(ctx context.Context, b broker, s settings, stdout io.Writer, log *slog.Logger) error {
	to, topic, err := b.publisher()
	if err != nil {
		return err
	}
	publisher, err := watermillpub.New(to, &watermillpub.Config{Topic: topic, Explain: error.Error})
	if err != nil {
		return err
	}
	study, err := newStudy(publisher, s.seed)
	if err != nil {
		return err
	}
	if err := study.run(ctx, s.testees); err != nil {
		return err
	}
	p := &printer{to: stdout}
	p.say("%d testees in %d plans, %d days of mock time: %d events were published.\n", s.testees, len(study.plans), days, study.events)

	first, deliveries, err := s.tally(ctx, b, study.events, s.seed, log)
	if err != nil {
		return err
	}
	p.say("A worker had them in %s.\n%s\n", deliveries, first)
	rebuilt, deliveries, err := s.tally(ctx, b, study.events, s.seed+1, log)
	if err != nil {
		return err
	}
	p.compare(fmt.Sprintf("Rebuilt from the first event, in %s", deliveries), first, rebuilt)
	truth, err := count(ctx, study.Manager, org, s.zone)
	if err != nil {
		return err
	}
	p.compare("Counted from the tasks in the store, without events", first, truth)
	return errors.Join(p.err...)
}

// tally has a worker fill an empty database from the beginning of a broker, over a subscription that loses and repeats.
func (s settings) tally(ctx context.Context, b broker, events int, seed uint64, log *slog.Logger) (t table, d deliveries, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l, err := openLedger(ctx, inMemory, s.zone)
	if err != nil {
		return t, d, err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	from, topic, err := b.subscriber(ctx, l.worker())
	if err != nil {
		return t, d, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	u := &unreliable{Subscriber: from, seed: seed, distinct: events}
	messages, err := u.Subscribe(ctx, topic)
	if err != nil {
		return t, d, err
	}
	w := &worker{ledger: l, log: log}
	if err := w.run(ctx, messages); err != nil {
		return t, d, err
	}
	if err := ctx.Err(); err != nil {
		return t, d, err
	}
	t, _, err = l.read(ctx)
	return t, u.done, err
}

func (d deliveries) String() string {
	return fmt.Sprintf("%d deliveries: %d came twice at once, %d again much later, %d again because they were lost on the way, "+
		"%d because their acknowledgement was", d.all, d.twice, d.again, d.unread, d.unacknowledged)
}

// printer remembers what went wrong.
type printer struct {
	to  io.Writer
	err []error
}

func (p *printer) say(format string, args ...any) {
	_, err := fmt.Fprintf(p.to, format, args...)
	p.err = append(p.err, err)
}

// compare says whether two tables say the same, which is what this is about.
func (p *printer) compare(what string, want, got table) {
	if want.equal(got) {
		p.say("%s: the same.\n", what)
		return
	}
	p.say("%s: NOT the same.\n%s\n", what, got)
	p.err = append(p.err, errors.New("the statistics are not right"))
}
