package main

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/assessplan/assessplan"
)

// bus is the host's own event bus: handlers in this process, by type of event. It is the publisher that the relay hands
// events to, after their transaction was committed, at least once each and in order per task.
type bus struct {
	handlers map[assessplan.EventType][]handler
	log      *slog.Logger
}

type handler func(ctx context.Context, event assessplan.Event, fact assessplan.Fact) error

func newBus(log *slog.Logger) *bus {
	return &bus{handlers: map[assessplan.EventType][]handler{}, log: log}
}

func (b *bus) on(kind assessplan.EventType, handle handler) {
	b.handlers[kind] = append(b.handlers[kind], handle)
}

// Publish names the events whose handlers failed: they come again, the others do not.
func (b *bus) Publish(ctx context.Context, events ...assessplan.Event) error {
	failed := map[assessplan.EventID]error{}
	for _, event := range events {
		if err := b.handle(ctx, event); err != nil {
			b.log.Error("event not handled", "event", event, "error", err)
			failed[event.ID] = err
		}
	}
	if len(failed) > 0 {
		return &assessplan.PublishError{Failed: failed}
	}
	return nil
}

func (b *bus) handle(ctx context.Context, event assessplan.Event) error {
	_, fact, err := assessplan.DecodeEvent(event.Data)
	if err != nil {
		return err
	}
	for _, handle := range b.handlers[event.Type] {
		if err := handle(ctx, event, fact); err != nil {
			return err
		}
	}
	return nil
}

// mailer sends a mail. An id that comes a second time is the same mail.
type mailer func(id, to, text string) error

// react is what happens in this host when something became true.
func (h *host) react(events *bus) {
	events.on(assessplan.TypeTaskOpened, h.invite)
	events.on(assessplan.TypeTaskCompleted, h.thank)
}

func (h *host) invite(ctx context.Context, event assessplan.Event, fact assessplan.Fact) error {
	opened := fact.(*assessplan.TaskOpened)
	return h.write(ctx, event, opened.TaskRef, "please fill in", "\n"+opened.EntryURL.Reveal())
}

func (h *host) thank(ctx context.Context, event assessplan.Event, fact assessplan.Fact) error {
	return h.write(ctx, event, fact.(*assessplan.TaskCompleted).TaskRef, "thank you for", "")
}

func (h *host) write(ctx context.Context, event assessplan.Event, task assessplan.TaskRef, words, link string) error {
	id, err := strconv.ParseUint(string(task.TesteeID), 10, 64)
	if err != nil {
		return err
	}
	who, err := h.findUser(ctx, task.OrgID, id)
	if err != nil {
		return err
	}
	return h.mail(event.ID.String(), who.Email, fmt.Sprintf("%s, %s %s%s\n", who.Name, words, task.ScaleCode, link))
}
