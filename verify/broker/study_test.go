package broker_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
)

// org is an org that headers bear badly.
const org assessplan.OrgID = "诊所 \"A\" 50%\r\nce-type: forged\x01"

var allTypes = []assessplan.EventType{
	assessplan.TypePlanCreated, assessplan.TypeEnrollmentCreated, assessplan.TypeEnrollmentClosed, assessplan.TypeTaskOpened, assessplan.TypeTaskCompleted,
	assessplan.TypeTaskEntryReissued, assessplan.TypeTaskCanceled, assessplan.TypeTaskExpired,
}

// host is a service on a store in memory, at a clock that is moved by hand.
type host struct {
	*assessplan.Service
	t     testing.TB
	clock *clock.Mock
	seen  *plantest.Recorder
}

func newHost(t testing.TB, publisher assessplan.EventPublisher, adjust ...func(*assessplan.Config)) *host {
	t.Helper()
	return newHostOn(t, memstore.New(), publisher, adjust...)
}

func newHostOn(t testing.TB, store assessplan.Store, publisher assessplan.EventPublisher, adjust ...func(*assessplan.Config)) *host {
	t.Helper()
	entries, err := assessplan.NewURLEntryGenerator("https://assess.example.org/fill", nil)
	require.NoError(t, err)
	return newHostWith(t, store, entries, publisher, adjust...)
}

func newHostWith(t testing.TB, store assessplan.Store, entries assessplan.EntryGenerator, publisher assessplan.EventPublisher, adjust ...func(*assessplan.Config)) *host {
	t.Helper()
	h := &host{t: t, clock: plantest.NewClock(), seen: &plantest.Recorder{}}
	config := &assessplan.Config{Clock: h.clock, Publisher: publisher, Observer: h.seen}
	config.Relay.PublishTimeout = patience
	for _, a := range adjust {
		a(config)
	}
	var err error
	h.Service, err = assessplan.New(store, entries, config)
	require.NoError(t, err)
	return h
}

func (h *host) must(_ any, err error) {
	h.t.Helper()
	require.NoError(h.t, err)
}

// plan makes a plan of three tasks, a day apart.
func (h *host) plan() assessplan.PlanState {
	h.t.Helper()
	plan, err := h.Manager.CreatePlan(h.t.Context(), plantest.PlanSpec(func(s *assessplan.PlanSpec) {
		s.Org, s.Schedule = org, assessplan.EveryDays(1, 3, assessplan.ClockTime(9, 0))
		s.Windows = assessplan.Windows{}
	}))
	require.NoError(h.t, err)
	return plan
}

func (h *host) enroll(plan assessplan.PlanState, testee string) {
	h.t.Helper()
	h.must(h.Manager.Enroll(h.t.Context(), plantest.EnrollSpec(plan.ID, func(s *assessplan.EnrollSpec) {
		s.Org, s.Testee = org, assessplan.TesteeID(testee)
	})))
}

// studyOf tells of so many testees, each of whom has three tasks that are opened, reissued, and completed or canceled: 1 event of
// the plan, and 10 of each testee.
func (h *host) studyOf(testees int) {
	h.t.Helper()
	ctx, m := h.t.Context(), h.Manager
	plan := h.plan()
	for n := range testees {
		h.enroll(plan, "testee-"+strconv.Itoa(n))
	}
	h.clock.Add(3 * 24 * time.Hour)
	h.must(h.Scheduler.SchedulePendingTasks(ctx, time.Time{}))
	page, err := m.ListTasks(ctx, assessplan.TaskQuery{Org: org, Limit: 3 * testees})
	require.NoError(h.t, err)
	for n, task := range page.Tasks {
		h.must(m.ReissueEntry(ctx, org, task.ID))
		if n%2 == 0 {
			h.must(m.CancelTask(ctx, org, task.ID, ""))
			continue
		}
		h.must(m.CompleteTask(ctx, org, task.ID, assessplan.Submission{AssessmentID: assessplan.AssessmentID("a" + strconv.Itoa(n))}))
	}
}

// relayed relays until the outbox is empty, whatever the broker says meanwhile.
func (h *host) relayed() {
	h.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		_, _ = h.Relay.RelayEvents(h.t.Context())
		stats, err := h.Relay.OutboxStats(h.t.Context())
		require.NoError(h.t, err)
		if stats.Pending == 0 {
			return
		}
		require.True(h.t, time.Now().Before(deadline), "%d events are left", stats.Pending)
		h.clock.Add(time.Minute)
	}
}

// study returns the events of a study of two testees.
func study(t testing.TB) []assessplan.Event {
	t.Helper()
	kept := &plantest.Publisher{}
	h := newHost(t, kept)
	h.studyOf(2)
	h.relayed()
	require.Len(t, kept.Events(), 21)
	return kept.Events()
}

// requireOrder checks that each event came once, and those of each subject by their versions.
func requireOrder(t testing.TB, events []assessplan.Event) {
	t.Helper()
	seen, versions := map[assessplan.EventID]bool{}, map[uuid.UUID]int64{}
	for _, event := range events {
		require.False(t, seen[event.ID], "%s came twice", event)
		require.GreaterOrEqual(t, event.Version, versions[event.Subject], "%s came after a later one", event)
		seen[event.ID], versions[event.Subject] = true, event.Version
	}
}
