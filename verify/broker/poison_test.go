package broker_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
)

// poison is why a broker refuses one event of a task: the one that its entry was made anew, or that it was opened.
type poison struct {
	kind  kind
	make  func(t *testing.T) place
	heal  func(t *testing.T, at place)
	large bool // the URL of one entry is
}

var poisons = map[string]poison{
	"JetStream has no stream for it": {kind: jetStream, make: unwantingReissues(jetStream), heal: func(t *testing.T, at place) {
		t.Helper()
		_, err := at.(*stream).js.UpdateStream(at.(*stream).config)
		require.NoError(t, err)
	}},
	"RabbitMQ refuses its exchange": {kind: rabbitMQ, make: unwantingReissues(rabbitMQ), heal: func(_ *testing.T, at place) {
		at.(*exchange).refused = ""
	}},
	"it is too large for the stream": {kind: jetStream, large: true,
		make: func(t *testing.T) place {
			t.Helper()
			return newStream(t, func(c *nats.StreamConfig) { c.MaxMsgSize = 1900 })
		},
		heal: func(t *testing.T, at place) {
			t.Helper()
			s := at.(*stream)
			s.config.MaxMsgSize = -1
			_, err := s.js.UpdateStream(s.config)
			require.NoError(t, err)
		}},
}

func unwantingReissues(k kind) func(t *testing.T) place {
	return func(t *testing.T) place {
		t.Helper()
		to := k.open(t)
		to.unwanted(t, assessplan.TypeTaskEntryReissued)
		return to
	}
}

// poisoned is a host one of whose events is refused by its broker.
type poisoned struct {
	*host
	to     place
	ledger *ledger
}

// newPoisoned opens the tasks of five testees and completes all of them. Of one of them an event in between is refused. It relays
// until nothing more can be.
func newPoisoned(t *testing.T, by poison, mutant string) *poisoned {
	t.Helper()
	p := &poisoned{to: by.make(t), ledger: &ledger{Store: memstore.New()}}
	asked := 0
	entries := assessplan.EntryGeneratorFunc(func(ctx context.Context, task *assessplan.AssessmentTask) (token, url string, expireAt time.Time, err error) {
		token, url, expireAt, err = plantest.Good(ctx, task)
		if asked++; asked == 1 && by.large {
			url += "&padding=" + strings.Repeat("x", 1800)
		}
		return token, url, expireAt, err
	})
	p.host = newHostWith(t, p.ledger, entries, guarded(mutant, publishing(t, by.kind, p.to)), func(c *assessplan.Config) {
		c.Relay.MaxFailures, c.GeneratorConcurrency = 3, 1
	})
	plan := p.plan()
	for n := range 5 {
		p.enroll(plan, "testee-"+strconv.Itoa(n))
	}
	p.clock.Add(3 * 24 * time.Hour)
	report, err := p.Scheduler.SchedulePendingTasks(t.Context(), time.Time{})
	require.NoError(t, err)
	if !by.large {
		p.must(p.Manager.ReissueEntry(t.Context(), org, report.Tasks[0].Task.ID))
	}
	for _, opened := range report.Tasks {
		p.must(p.Manager.CompleteTask(t.Context(), org, opened.Task.ID, assessplan.Submission{AssessmentID: assessplan.AssessmentID(opened.Task.ID.String())}))
	}
	p.settled(plan)
	return p
}

// settled relays until the outbox is empty, or has a parked event and what waits for it. Beside an event that is tried again
// there are others, as in life: rounds that begin.
func (p *poisoned) settled(plan assessplan.PlanState) {
	p.t.Helper()
	for n := range 20 {
		_, _ = p.Relay.RelayEvents(p.t.Context())
		stats := p.stats()
		if stats.Pending == 0 || stats.Parked > 0 && stats.Pending == 1 {
			return
		}
		p.enroll(plan, "another-"+strconv.Itoa(n))
		p.clock.Add(time.Hour)
	}
	require.Fail(p.t, "the event is not parked", "%+v", p.stats())
}

func (p *poisoned) stats() assessplan.OutboxStats {
	p.t.Helper()
	stats, err := p.Relay.OutboxStats(p.t.Context())
	require.NoError(p.t, err)
	return stats
}

// parked is the event that was parked.
func (p *poisoned) parked() assessplan.OutboxEvent {
	p.t.Helper()
	page, err := p.Relay.ListParkedEvents(p.t.Context(), assessplan.ParkedQuery{})
	require.NoError(p.t, err)
	require.Len(p.t, page.Events, 1)
	return page.Events[0]
}

// TestPoisonIsParkedWhileTheOthersFlow has the later events of its task wait, until the parked one is published or given up.
func TestPoisonIsParkedWhileTheOthersFlow(t *testing.T) {
	for name, by := range poisons {
		for ending, retried := range map[string]bool{"retried": true, "discarded": false} {
			t.Run(name+", "+ending, func(t *testing.T) {
				p := newPoisoned(t, by, "")
				require.Equal(t, 1, p.stats().Pending, "what waits")
				poison := p.parked()
				require.Len(t, plantest.Observed[*assessplan.EventParked](p.seen), 1)
				if retried {
					by.heal(t, p.to)
					require.NoError(t, p.Relay.Retry(t.Context(), poison.ID))
				} else {
					require.NoError(t, p.Relay.Discard(t.Context(), poison.ID))
				}
				p.relayed()
				delivered := decoded(t, p.to.everything(t))
				requireOrder(t, delivered)
				faults, _ := audit(p.ledger.stored(), delivered)
				if retried {
					require.Empty(t, faults)
					return
				}
				require.Equal(t, []string{faultLost}, faults)
				require.Len(t, delivered, len(p.ledger.stored())-1, "that was given up, and nothing else")
			})
		}
	}
}

// TestWithoutAGuardPoisonIsLost shows that the test can fail.
func TestWithoutAGuardPoisonIsLost(t *testing.T) {
	for name, by := range poisons {
		t.Run(name, func(t *testing.T) {
			p := newPoisoned(t, by, swallowing)
			require.Zero(t, p.stats())
			faults, _ := audit(p.ledger.stored(), decoded(t, p.to.everything(t)))
			require.Equal(t, []string{faultLost}, faults)
		})
	}
}
