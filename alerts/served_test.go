package alerts_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/alerts"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
)

// served is an operator of a real service with one round.
type served struct {
	*operator
	*assessplan.Service
	memory    *memstore.Store
	store     *plantest.FailingStore
	entries   *plantest.Generator
	publisher *plantest.Publisher
}

func newServed(t *testing.T, config alerts.Config) *served {
	t.Helper()
	s := &served{operator: newOperator(t, config), memory: memstore.New(), entries: &plantest.Generator{}, publisher: &plantest.Publisher{}}
	s.store = plantest.NewFailingStore(s.memory)
	s.Service = s.service(s.store, s.watch)
	plan, err := s.Manager.CreatePlan(s.ctx, plantest.PlanSpec())
	require.NoError(t, err)
	_, err = s.Manager.Enroll(s.ctx, plantest.EnrollSpec(plan.ID))
	require.NoError(t, err)
	return s
}

func (s *served) service(store assessplan.Store, observer assessplan.Observer) *assessplan.Service {
	s.Helper()
	service, err := assessplan.New(store, s.entries, &assessplan.Config{Clock: s.clock, Observer: observer, Publisher: s.publisher,
		Relay: assessplan.RelayConfig{MaxFailures: 1}})
	require.NoError(s, err)
	return service
}

// passes runs both passes; what becomes of them is the watch's to tell.
func (s *served) passes(ctx context.Context) {
	_, _ = s.Scheduler.ExpireOverdueTasks(ctx, time.Time{})
	_, _ = s.Scheduler.SchedulePendingTasks(ctx, time.Time{})
}

func (s *served) relays() { _, _ = s.Relay.RelayEvents(s.ctx) }
