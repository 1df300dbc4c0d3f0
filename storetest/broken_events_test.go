package storetest

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/google/uuid"
)

// claimsOtherwise is Repositories with another ClaimEvents.
type claimsOtherwise struct {
	assessplan.Repositories
	claim func(ctx context.Context, r assessplan.Repositories, q assessplan.ClaimQuery) ([]assessplan.OutboxEvent, error)
}

func (r claimsOtherwise) ClaimEvents(ctx context.Context, q assessplan.ClaimQuery) ([]assessplan.OutboxEvent, error) {
	return r.claim(ctx, r.Repositories, q)
}

func claiming(claim func(ctx context.Context, r assessplan.Repositories, q assessplan.ClaimQuery) ([]assessplan.OutboxEvent, error)) func() assessplan.Store {
	return with(func(r assessplan.Repositories) assessplan.Repositories { return claimsOtherwise{r, claim} })
}

// settlesOtherwise is Repositories with another SettleEvents.
type settlesOtherwise struct {
	assessplan.Repositories
	settle func(ctx context.Context, r assessplan.Repositories, settlements []assessplan.Settlement) (int, error)
}

func (r settlesOtherwise) SettleEvents(ctx context.Context, settlements []assessplan.Settlement) (int, error) {
	return r.settle(ctx, r.Repositories, slices.Clone(settlements))
}

func settling(settle func(ctx context.Context, r assessplan.Repositories, settlements []assessplan.Settlement) (int, error)) func() assessplan.Store {
	return with(func(r assessplan.Repositories) assessplan.Repositories { return settlesOtherwise{r, settle} })
}

var eventMutants = []mutant{
	{"claims events in the order of their subjects", []string{"Outbox/RoundTrip", "Outbox/Order", "Settlements/ParkedList", "Erasure/Events"},
		claiming(func(ctx context.Context, r assessplan.Repositories, q assessplan.ClaimQuery) ([]assessplan.OutboxEvent, error) {
			found, err := r.ClaimEvents(ctx, q)
			slices.SortFunc(found, func(a, b assessplan.OutboxEvent) int { return bytes.Compare(a.Subject[:], b.Subject[:]) })
			return found, err
		})},
	{"keeps leases a microsecond too long", []string{"Outbox/Lease"},
		claiming(func(ctx context.Context, r assessplan.Repositories, q assessplan.ClaimQuery) ([]assessplan.OutboxEvent, error) {
			q.Lease += time.Microsecond
			found, err := r.ClaimEvents(ctx, q)
			for i := range found {
				found[i].AvailableAt = found[i].AvailableAt.Add(-time.Microsecond)
			}
			return found, err
		})},
	{"writes its own JSON", []string{"Outbox/RoundTrip"},
		claiming(func(ctx context.Context, r assessplan.Repositories, q assessplan.ClaimQuery) ([]assessplan.OutboxEvent, error) {
			found, err := r.ClaimEvents(ctx, q)
			for i := range found {
				var compact bytes.Buffer
				if json.Compact(&compact, found[i].Data) == nil {
					found[i].Data = compact.Bytes()
				}
			}
			return found, err
		})},
	{"numbers every event 1", []string{"Outbox/Positions"},
		claiming(func(ctx context.Context, r assessplan.Repositories, q assessplan.ClaimQuery) ([]assessplan.OutboxEvent, error) {
			found, err := r.ClaimEvents(ctx, q)
			for i := range found {
				found[i].Position = 1
			}
			return found, err
		})},
	{"claims later events of a subject", []string{
		"Outbox/OldestOfASubject", "Outbox/Lease", "Outbox/Stats", "Settlements/Retry",
		"Settlements/Park", "Settlements/TakeUpParked",
	}, anySubject},
	{"settles by whatever lease", []string{"Settlements/StaleAttempts"},
		settling(func(ctx context.Context, r assessplan.Repositories, settlements []assessplan.Settlement) (int, error) {
			sum := 0
			for attempts := range 5 {
				for i := range settlements {
					settlements[i].Attempts = attempts + 1
				}
				count, err := r.SettleEvents(ctx, settlements)
				if err != nil {
					return sum, err
				}
				sum += count
			}
			return sum, nil
		})},
	{"counts settlements that were passed over", []string{"Settlements/Delete", "Settlements/StaleAttempts", "Settlements/Count"},
		settling(func(ctx context.Context, r assessplan.Repositories, settlements []assessplan.Settlement) (int, error) {
			_, err := r.SettleEvents(ctx, settlements)
			return len(settlements), err
		})},
	{"forgets how often an event was refused", []string{"Settlements/Retry", "Settlements/Park"},
		settling(func(ctx context.Context, r assessplan.Repositories, settlements []assessplan.Settlement) (int, error) {
			for i := range settlements {
				settlements[i].Failures = 0
			}
			return r.SettleEvents(ctx, settlements)
		})},
	{"retries at once", []string{"Settlements/Retry", "Settlements/TakeUpParked", "Settlements/AfterTheLease"},
		settling(func(ctx context.Context, r assessplan.Repositories, settlements []assessplan.Settlement) (int, error) {
			for i := range settlements {
				if settlements[i].Outcome == assessplan.Retry {
					settlements[i].At = start
				}
			}
			return r.SettleEvents(ctx, settlements)
		})},
	{"forgets why an attempt failed", []string{"Settlements/Retry", "Settlements/Park"},
		settling(func(ctx context.Context, r assessplan.Repositories, settlements []assessplan.Settlement) (int, error) {
			for i := range settlements {
				settlements[i].Code = ""
			}
			return r.SettleEvents(ctx, settlements)
		})},
	{"lets parked events hold back nothing", []string{"Settlements/Park", "Settlements/TakeUpParked", "Erasure/Events"},
		parksAside},
	{"lists parked events from the start again", []string{"Settlements/ParkedList"},
		with(func(r assessplan.Repositories) assessplan.Repositories { return parkedAgain{r} })},
	{"counts parked events as pending", []string{"Outbox/Stats", "Settlements/StaleAttempts"},
		with(func(r assessplan.Repositories) assessplan.Repositories { return parkedPending{r} })},
	{"forgets the events of rounds", []string{"Outbox/FromEveryWrite"},
		with(func(r assessplan.Repositories) assessplan.Repositories { return silentRounds{r} })},
}

// anySubject stores each event under a subject of its own, so that none holds back another.
func anySubject() assessplan.Store {
	subjects := &sync.Map{}
	return altered{memstore.New(), func(r assessplan.Repositories) assessplan.Repositories {
		return claimsOtherwise{ownSubjects{r, subjects}, func(ctx context.Context, r assessplan.Repositories, q assessplan.ClaimQuery) ([]assessplan.OutboxEvent, error) {
			found, err := r.ClaimEvents(ctx, q)
			for i := range found {
				if subject, ok := subjects.Load(found[i].ID); ok {
					found[i].Subject = subject.(uuid.UUID)
				}
			}
			return found, err
		}}
	}}
}

type ownSubjects struct {
	assessplan.Repositories
	subjects *sync.Map
}

func (r ownSubjects) SavePlan(ctx context.Context, change assessplan.PlanChange) error {
	change.Events = slices.Clone(change.Events)
	for i, event := range change.Events {
		r.subjects.Store(event.ID, event.Subject)
		change.Events[i].Subject = uuid.UUID(event.ID)
	}
	return r.Repositories.SavePlan(ctx, change)
}

// parksAside takes parked events out of the outbox and keeps them beside it.
func parksAside() assessplan.Store {
	aside := &aside{claimed: map[assessplan.EventID]assessplan.OutboxEvent{}}
	return altered{memstore.New(), func(r assessplan.Repositories) assessplan.Repositories { return asideEvents{r, aside} }}
}

type aside struct {
	mu      sync.Mutex
	claimed map[assessplan.EventID]assessplan.OutboxEvent
	parked  []assessplan.OutboxEvent
}

type asideEvents struct {
	assessplan.Repositories
	*aside
}

func (r asideEvents) ClaimEvents(ctx context.Context, q assessplan.ClaimQuery) ([]assessplan.OutboxEvent, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	found, err := r.Repositories.ClaimEvents(ctx, q)
	for _, event := range found {
		r.claimed[event.ID] = event
	}
	return found, err
}

func (r asideEvents) SettleEvents(ctx context.Context, settlements []assessplan.Settlement) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	settlements = slices.Clone(settlements)
	for i, settlement := range settlements {
		event := r.claimed[settlement.ID]
		if settlement.Outcome == assessplan.Park && event.Attempts == settlement.Attempts {
			settlements[i].Outcome = assessplan.Delete
			event.Parked, event.Failures, event.LastError = true, settlement.Failures, settlement.Code
			r.parked = append(r.parked, event)
		}
	}
	return r.Repositories.SettleEvents(ctx, settlements)
}

func (r asideEvents) ListParkedEvents(ctx context.Context, q assessplan.ParkedQuery) (found []assessplan.OutboxEvent, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	slices.SortFunc(r.parked, func(a, b assessplan.OutboxEvent) int { return int(a.Position - b.Position) })
	for _, event := range r.parked {
		if event.Position > q.After && len(found) < q.Limit {
			found = append(found, event)
		}
	}
	return found, ctx.Err()
}

func (r asideEvents) OutboxStats(ctx context.Context, now time.Time) (assessplan.OutboxStats, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	stats, err := r.Repositories.OutboxStats(ctx, now)
	stats.Parked = len(r.parked)
	return stats, err
}

type parkedAgain struct{ assessplan.Repositories }

func (r parkedAgain) ListParkedEvents(ctx context.Context, q assessplan.ParkedQuery) ([]assessplan.OutboxEvent, error) {
	if q.After > 0 {
		q.After--
	}
	return r.Repositories.ListParkedEvents(ctx, q)
}

type parkedPending struct{ assessplan.Repositories }

func (r parkedPending) OutboxStats(ctx context.Context, now time.Time) (assessplan.OutboxStats, error) {
	stats, err := r.Repositories.OutboxStats(ctx, now)
	stats.Pending += stats.Parked
	return stats, err
}

type silentRounds struct{ assessplan.Repositories }

func (r silentRounds) SaveEnrollments(ctx context.Context, changes []assessplan.EnrollmentChange) error {
	changes = slices.Clone(changes)
	for i := range changes {
		changes[i].Events = nil
	}
	return r.Repositories.SaveEnrollments(ctx, changes)
}
