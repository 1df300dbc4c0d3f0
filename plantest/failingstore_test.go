package plantest_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
	"github.com/assessplan/assessplan/storetest"
)

var errDisk = errors.New("disk on fire")

func TestFailingStoreForwardsEverythingUntilItIsToldOtherwise(t *testing.T) {
	storetest.Run(t, func(*testing.T) assessplan.Store { return plantest.NewFailingStore(memstore.New()) }, storetest.Features{OneWriter: true})
}

// TestFailingStoreFailsEveryCallOfThePort goes through the port itself, so that a method that joins it is not forgotten.
func TestFailingStoreFailsEveryCallOfThePort(t *testing.T) {
	port := reflect.TypeFor[assessplan.Repositories]()
	for i := range port.NumMethod() {
		method := port.Method(i)
		t.Run(method.Name, func(t *testing.T) {
			store := plantest.NewFailingStore(memstore.New())
			store.Fail(plantest.Call(method.Name), 1, errDisk)
			var got any
			_ = store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
				arguments := []reflect.Value{reflect.ValueOf(ctx)}
				for in := 1; in < method.Type.NumIn(); in++ {
					arguments = append(arguments, reflect.Zero(method.Type.In(in)))
				}
				results := reflect.ValueOf(r).MethodByName(method.Name).Call(arguments)
				got = results[len(results)-1].Interface()
				return nil
			})
			require.Equal(t, errDisk, got)
			require.Equal(t, 1, store.Calls(plantest.Call(method.Name)))
		})
	}
}

func TestFailingStoreCountsFromTheOrder(t *testing.T) {
	store := plantest.NewFailingStore(memstore.New())
	view := func() error {
		return store.View(t.Context(), func(context.Context, assessplan.Repositories) error { return nil })
	}
	require.NoError(t, view())
	store.Fail(plantest.View, 2, errDisk)
	require.NoError(t, view())
	require.ErrorIs(t, view(), errDisk)
	require.NoError(t, view(), "it fails once")
	store.Fail(plantest.View, 1, nil)
	require.ErrorIs(t, view(), assessplan.ErrUnavailable)
	require.Equal(t, 5, store.Calls(plantest.View))
	require.Panics(t, func() { store.Fail(plantest.View, 0, nil) })
}

func TestFailingStoreRollsBackAfterAWriteThatFailed(t *testing.T) {
	store := plantest.NewFailingStore(memstore.New())
	manager := newService(t, store, &plantest.Generator{}, assessplan.Config{}).Manager
	plan := enroll(t, manager)
	store.Fail(plantest.SaveTasks, 1, errDisk)
	err := store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
		paused := plan
		paused.Status, paused.PausedAt = assessplan.PlanStatusPaused, plantest.Morning()
		if err := r.SavePlan(ctx, assessplan.PlanChange{State: paused, Was: plan.Version}); err != nil {
			return err
		}
		_ = r.SaveTasks(ctx, nil)
		return nil // whatever it returns
	})
	require.ErrorIs(t, err, errDisk)
	stands, err := manager.GetPlan(t.Context(), plan.Org, plan.ID)
	require.NoError(t, err)
	require.Equal(t, plan, stands)
}

func TestFailingStoreRunsAgainAfterAConflict(t *testing.T) {
	for _, test := range []struct {
		name      string
		conflicts int
		runs      int
		want      error
	}{
		{"once", 1, 2, nil},
		{"four times, which is borne", 4, 5, nil},
		{"five times, which is not", 5, 5, assessplan.ErrConflict},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := plantest.NewFailingStore(memstore.New())
			manager := newService(t, store, &plantest.Generator{}, assessplan.Config{}).Manager
			for n := range test.conflicts {
				store.Fail(plantest.SavePlan, n+1, &assessplan.VersionError{})
			}
			_, err := manager.CreatePlan(t.Context(), plantest.PlanSpec())
			require.ErrorIs(t, err, test.want)
			require.Equal(t, 1, store.Calls(plantest.Update))
			require.Equal(t, test.runs, store.Calls(plantest.SavePlan))
		})
	}
}

func TestFailingStoreHangsUntilTheContextEnds(t *testing.T) {
	for _, call := range []plantest.Call{plantest.Update, plantest.SavePlan} {
		t.Run(string(call), func(t *testing.T) {
			store := plantest.NewFailingStore(memstore.New())
			manager := newService(t, store, &plantest.Generator{}, assessplan.Config{}).Manager
			store.Hang(call, 1)
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			_, err := manager.CreatePlan(ctx, plantest.PlanSpec())
			require.ErrorIs(t, err, context.DeadlineExceeded)
			plans, err := manager.ListPlans(t.Context(), assessplan.PlanQuery{Org: plantest.Org})
			require.NoError(t, err)
			require.Empty(t, plans.Plans)
		})
	}
}

func TestFailingStoreLosesTheAnswerOfAnUpdateThatCommitted(t *testing.T) {
	store := plantest.NewFailingStore(memstore.New())
	manager := newService(t, store, &plantest.Generator{}, assessplan.Config{}).Manager
	store.LoseAnswer(1, errDisk)
	spec := plantest.PlanSpec(func(s *assessplan.PlanSpec) { s.ExternalRef = "study-7" })
	_, err := manager.CreatePlan(t.Context(), spec)
	require.ErrorIs(t, err, errDisk)
	stands, err := manager.GetPlanByRef(t.Context(), spec.Org, spec.ExternalRef)
	require.NoError(t, err)
	again, err := manager.CreatePlan(t.Context(), spec)
	require.NoError(t, err)
	require.Equal(t, stands, again)
}

func TestFailingStoreKeepsTheErrorOfAnUpdateThatFailedByItself(t *testing.T) {
	store := plantest.NewFailingStore(memstore.New())
	store.LoseAnswer(1, nil)
	err := store.Update(t.Context(), func(context.Context, assessplan.Repositories) error { return errDisk })
	require.Equal(t, errDisk, err)
}

func TestFailingStoreIsDownUntilItIsUp(t *testing.T) {
	now, store := plantest.NewClock(), plantest.NewFailingStore(memstore.New())
	service := newService(t, store, &plantest.Generator{}, assessplan.Config{Clock: now})
	enroll(t, service.Manager, "anna")
	now.Add(time.Hour)
	store.Down(nil)
	for range 2 {
		report, err := service.Scheduler.SchedulePendingTasks(t.Context(), time.Time{})
		require.ErrorIs(t, err, assessplan.ErrUnavailable)
		require.Zero(t, report.Opened)
	}
	store.Up()
	report, err := service.Scheduler.SchedulePendingTasks(t.Context(), time.Time{})
	require.NoError(t, err)
	require.Equal(t, 1, report.Opened)
}
