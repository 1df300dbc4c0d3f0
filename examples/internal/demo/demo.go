// Package demo makes something to do for a command that is tried out.
package demo

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/assessplan/assessplan"
)

// Org is the org that has what was made.
const Org = assessplan.OrgID("demo")

// ToLog publishes events to the log, by type and ID: what they say is for a broker.
func ToLog(log *slog.Logger) assessplan.EventPublisher {
	return assessplan.EventPublisherFunc(func(_ context.Context, events ...assessplan.Event) error {
		for _, event := range events {
			log.Info("event", "type", event.Type, "id", event.ID)
		}
		return nil
	})
}

const perRound = 10 // tasks

// MaxDue is the most that Seed makes.
const MaxDue = 1_000_000

// Seed makes a plan in which so many tasks are due: a testee owes one for each of the last ten days. 0 makes nothing.
func Seed(ctx context.Context, manager *assessplan.Manager, due int, now time.Time, log *slog.Logger) error {
	if due == 0 {
		return nil
	}
	plan, err := manager.CreatePlan(ctx, assessplan.PlanSpec{
		Org: Org, Scale: "PHQ-8", Zone: "UTC", Schedule: assessplan.EveryDays(1, perRound, assessplan.ClockTime(0, 0)),
	})
	if err != nil {
		return err
	}
	today := assessplan.DateOf(now, time.UTC)
	var rounds []assessplan.EnrollSpec
	for left := due; left > 0; left -= perRound {
		rounds = append(rounds, assessplan.EnrollSpec{
			Org: Org, Plan: plan.ID, Testee: assessplan.TesteeID(fmt.Sprintf("demo-%06d", len(rounds)+1)),
			Start: today.AddDays(1 - min(left, perRound)), Past: assessplan.Open,
		})
	}
	results, err := manager.EnrollMany(ctx, rounds)
	if err != nil {
		return err
	}
	for _, result := range results {
		if result.Err != nil {
			return result.Err
		}
	}
	log.Info("seeded", "org", Org, "plan", plan.ID, "due", due)
	return nil
}
