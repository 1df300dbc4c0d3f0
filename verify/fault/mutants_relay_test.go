package fault_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

// relayBy is a relay of the test's own: it claims, and then settles and publishes in the order that it is given.
func relayBy(settleFirst bool) func(ctx context.Context, h *host) (more bool, err error) {
	return func(ctx context.Context, h *host) (more bool, err error) {
		for {
			var batch []assessplan.OutboxEvent
			err := h.faults.Update(ctx, func(ctx context.Context, r assessplan.Repositories) (err error) {
				batch, err = r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: h.clock.Now(), Lease: 2 * time.Minute, Limit: batchSize})
				return err
			})
			if err != nil || len(batch) == 0 {
				return false, err
			}
			settle := func() error {
				return h.faults.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
					var done []assessplan.Settlement
					for _, event := range batch {
						done = append(done, assessplan.Settlement{ID: event.ID, Attempts: event.Attempts})
					}
					_, err := r.SettleEvents(ctx, done)
					return err
				})
			}
			publish := func() error {
				var events []assessplan.Event
				for _, event := range batch {
					events = append(events, event.Event)
				}
				return h.broker.Publish(ctx, events...)
			}
			first, second := publish, settle
			if settleFirst {
				first, second = settle, publish
			}
			if err := first(); err != nil {
				return true, err
			}
			if err := second(); err != nil {
				return true, err
			}
		}
	}
}

func TestAuditSeesRelayThatSettlesBeforeItPublishes(t *testing.T) {
	for n := 1; n <= 25; n++ {
		for _, settleFirst := range []bool{true, false} {
			t.Run(fmt.Sprintf("call %d fails/settles first %v", n, settleFirst), func(t *testing.T) {
				t.Parallel()
				problems := tellAndAudit(t, setup{relay: relayBy(settleFirst)}, oneFault, func(h *host) {
					h.broker.become(failing(n, 1))
				})
				require.Equal(t, settleFirst, len(problems) > 0, "%v", problems)
			})
		}
	}
}

// failing takes everything but for so many calls, from the nth on.
func failing(nth, times int) behaviour {
	return func(_ context.Context, events []assessplan.Event, take func(...assessplan.Event)) error {
		if nth--; nth < 1 && times > 0 {
			times--
			return errors.New("no connection")
		}
		take(events...)
		return nil
	}
}

// TestAuditMissesNoEvent loses, doubles under another ID and turns around each event of the story.
func TestAuditMissesNoEvent(t *testing.T) {
	t.Parallel()
	var delivered []assessplan.Event
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, setup{store: memstore.New()})
		h.tell(nil)
		require.Empty(t, h.audit(allowance{}))
		delivered = h.broker.events()

		audit := func(events []assessplan.Event) []string {
			h.problems = nil
			h.broker.delivered = events
			return h.audit(oneFault)
		}
		for i, event := range delivered {
			require.NotEmpty(t, audit(slices.Delete(slices.Clone(delivered), i, i+1)), "%v is lost", event)
			for j := i + 1; j < len(delivered); j++ {
				if delivered[j].Subject == event.Subject {
					turned := slices.Clone(delivered)
					turned[i], turned[j] = turned[j], turned[i]
					require.NotEmpty(t, audit(turned), "%v comes after the next", event)
					break
				}
			}
			if i%8 != 0 {
				continue
			}
			require.NotEmpty(t, audit(append(slices.Clone(delivered), renamed(event))), "%v is doubled", event)
			other := event
			other.Data = bytes.Replace(event.Data, []byte(`"time":"2026`), []byte(`"time":"2027`), 1)
			require.NotEmpty(t, audit(append(slices.Clone(delivered), other)), "%v comes again with another payload", event)
			require.Empty(t, audit(append(slices.Clone(delivered[:i+1]), delivered[i:]...)), "%v comes again", event)
		}
	})
}
