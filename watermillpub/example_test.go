package watermillpub_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
	"github.com/assessplan/assessplan/watermillpub"
)

// A study whose events go through Watermill. The channel is in memory; a broker's Publisher takes its place.
func Example() {
	ctx := context.Background()
	channel := gochannel.NewGoChannel(gochannel.Config{Persistent: true}, nil)
	publisher, err := watermillpub.New(channel, &watermillpub.Config{
		Mode:  watermillpub.Binary,
		Topic: watermillpub.OneTopic("events"),
	})
	if err != nil {
		log.Fatal(err)
	}
	entries, err := assessplan.NewURLEntryGenerator("https://assess.example.org/fill", nil)
	if err != nil {
		log.Fatal(err)
	}
	now := plantest.NewClock()
	service, err := assessplan.New(memstore.New(), entries, &assessplan.Config{Clock: now, Publisher: publisher})
	if err != nil {
		log.Fatal(err)
	}

	messages, err := channel.Subscribe(ctx, "events")
	if err != nil {
		log.Fatal(err)
	}
	plan, err := service.Manager.CreatePlan(ctx, plantest.PlanSpec())
	if err != nil {
		log.Fatal(err)
	}
	if _, err := service.Manager.Enroll(ctx, plantest.EnrollSpec(plan.ID)); err != nil {
		log.Fatal(err)
	}
	now.Add(2 * time.Hour)
	if _, err := service.Scheduler.SchedulePendingTasks(ctx, time.Time{}); err != nil {
		log.Fatal(err)
	}
	if _, err := service.Relay.RelayEvents(ctx); err != nil {
		log.Fatal(err)
	}

	inbox := watermillpub.NewMemoryInbox(0)
	handle := watermillpub.Handle(inbox, func(_ context.Context, event assessplan.Event, fact assessplan.Fact) error {
		if opened, ok := fact.(*assessplan.TaskOpened); ok {
			fmt.Println(event.Type, opened.ScaleCode, opened.Seq, opened.EntryURL)
			return nil
		}
		fmt.Println(event.Type)
		return nil
	})
	for range 3 { // what a router of Watermill's does, see message.Router
		m := <-messages
		if err := handle(m); err != nil {
			m.Nack()
			continue
		}
		m.Ack()
	}
	_ = channel.Close()
	// Unordered output:
	// plan.created
	// enrollment.created
	// task.opened PHQ-8 1 [redacted]
}
