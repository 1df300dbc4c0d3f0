package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

var noon = time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)

var errRefused = errors.New("refused by the test")

const clinic assessplan.OrgID = "clinic"

func update(t testing.TB, store *memstore.Store, fn func(ctx context.Context, r assessplan.Repositories) error) {
	t.Helper()
	require.NoError(t, store.Update(context.Background(), fn))
}

func view(t testing.TB, store *memstore.Store, fn func(ctx context.Context, r assessplan.Repositories) error) {
	t.Helper()
	require.NoError(t, store.View(context.Background(), fn))
}

// saveTasks inserts tasks.
func saveTasks(t testing.TB, store *memstore.Store, states ...assessplan.TaskState) {
	t.Helper()
	changes := make([]assessplan.TaskChange, len(states))
	for i := range states {
		changes[i].State = states[i]
	}
	update(t, store, func(ctx context.Context, r assessplan.Repositories) error { return r.SaveTasks(ctx, changes) })
}

// findTask returns a task as it is stored.
func findTask(t testing.TB, store *memstore.Store, id assessplan.TaskID) (task assessplan.TaskState) {
	t.Helper()
	view(t, store, func(ctx context.Context, r assessplan.Repositories) (err error) {
		task, err = r.FindTaskInAnyOrg(ctx, id)
		return err
	})
	return task
}

func aTask(n int) assessplan.TaskState {
	return assessplan.TaskState{
		ID: assessplan.TaskIDFromUint64(uint64(n)), Org: clinic, Plan: assessplan.PlanIDFromUint64(1),
		Enrollment: assessplan.EnrollmentIDFromUint64(1), Testee: "testee-1", Scale: "PHQ-8", Seq: n,
		Date: assessplan.DateOf(noon, time.UTC), Time: assessplan.ClockTime(12, 0), Zone: "UTC", PlannedAt: noon,
		NextAttemptAt: noon, Revision: 1, Status: assessplan.Pending, CreatedAt: noon.Add(-time.Hour),
	}
}

func anEnrollment(n int) assessplan.EnrollmentState {
	return assessplan.EnrollmentState{
		ID: assessplan.EnrollmentIDFromUint64(uint64(n)), Org: clinic, Plan: assessplan.PlanIDFromUint64(1),
		Testee: assessplan.TesteeID(fmt.Sprintf("testee-%d", n)), Round: 1, Start: assessplan.DateOf(noon, time.UTC), Zone: "UTC",
		Status: assessplan.EnrollmentStatusActive, Planned: 1, ClosableFrom: noon, CreatedAt: noon.Add(-time.Hour),
	}
}

func aPlan(n int) assessplan.PlanState {
	return assessplan.PlanState{
		ID: assessplan.PlanIDFromUint64(uint64(n)),
		PlanSpec: assessplan.PlanSpec{
			Org: clinic, ExternalRef: assessplan.ExternalRef(fmt.Sprintf("study-%d", n)), Scale: "PHQ-8", Zone: "Europe/Berlin",
			Schedule: assessplan.AtWeeks([]int{2, 4, 8}, assessplan.ClockTime(9, 0)),
			Windows:  assessplan.Windows{OpenWindow: assessplan.CalendarDays(3)},
		},
		Status: assessplan.PlanStatusActive, CreatedAt: noon.Add(-time.Hour),
	}
}

func anEvent(n int, subject uuid.UUID) assessplan.Event {
	id := assessplan.EventID(assessplan.TaskIDFromUint64(uint64(n)))
	return assessplan.Event{
		ID: id, Type: assessplan.TypeTaskOpened, Org: clinic, Subject: subject, Version: int64(n),
		Time: noon.Add(time.Duration(n) * time.Second), Data: []byte(fmt.Sprintf(`{"n":%d}`, n)),
	}
}

// pick returns one of the values.
func pick[V any](rnd *rand.Rand, values ...V) V { return values[rnd.IntN(len(values))] }

// everything is what the ports say about a store.
type everything struct {
	Plans, Work           []assessplan.PlanState
	Rounds, Ended         []assessplan.EnrollmentState
	Tasks, ByGroup        []assessplan.TaskState
	Pending, Over, Missed []assessplan.TaskState
	OldestDue             time.Time
	Parked, Claimable     []assessplan.OutboxEvent
	Stats                 assessplan.OutboxStats
	Refused               []string // answers to what no two records may share
}

const unlimited = 1 << 20

// look asks every port everything, so that a wrong index shows.
func look(t testing.TB, store *memstore.Store, orgs []assessplan.OrgID, at time.Time) (all everything) {
	t.Helper()
	view(t, store, func(ctx context.Context, r assessplan.Repositories) error {
		due := assessplan.DueQuery{Before: at, Limit: unlimited}
		late := assessplan.DueQuery{Before: at, Limit: unlimited, Cause: assessplan.WindowMissed}
		return errors.Join(
			ask(&all.Work)(r.FindPlansWithWork(ctx, assessplan.PlanWorkQuery{Limit: unlimited})),
			ask(&all.Ended)(r.FindEndedEnrollments(ctx, assessplan.EndedQuery{Before: at, Limit: unlimited})),
			ask(&all.Pending)(r.FindPendingTasks(ctx, due)),
			ask(&all.Over)(r.FindOverdueTasks(ctx, due)),
			ask(&all.Missed)(r.FindOverdueTasks(ctx, late)),
			ask(&all.Parked)(r.ListParkedEvents(ctx, assessplan.ParkedQuery{Limit: unlimited})),
			first(&all.OldestDue)(r.OldestDue(ctx, due)),
			first(&all.Stats)(r.OutboxStats(ctx, at)),
			lookIntoOrgs(ctx, r, orgs, &all),
		)
	})
	err := store.Update(context.Background(), func(ctx context.Context, r assessplan.Repositories) error {
		err := ask(&all.Claimable)(r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: at, Lease: time.Minute, Limit: unlimited}))
		return errors.Join(err, errRefused)
	})
	require.ErrorIs(t, err, errRefused)
	all.Refused = clash(t, store, all)
	return all
}

// clash tries to insert what a store must refuse beside the records that it has.
func clash(t testing.TB, store *memstore.Store, all everything) (refused []string) {
	t.Helper()
	try := func(what string, want error, write func(ctx context.Context, r assessplan.Repositories) error) {
		err := store.Update(context.Background(), func(ctx context.Context, r assessplan.Repositories) error {
			return errors.Join(write(ctx, r), errRefused)
		})
		require.ErrorIs(t, err, errRefused)
		refused = append(refused, fmt.Sprintf("%s: %t", what, errors.Is(err, want)))
	}
	for _, task := range all.Tasks {
		task.ID[15]++
		if assessment := task.AssessmentID; assessment != "" {
			task.Seq = unlimited
			try("assessment "+string(assessment), assessplan.ErrAssessmentTaken, func(ctx context.Context, r assessplan.Repositories) error {
				return r.SaveTasks(ctx, []assessplan.TaskChange{{State: task}})
			})
		}
	}
	for _, plan := range all.Plans {
		plan.ID[15]++
		try("plan "+string(plan.ExternalRef), assessplan.ErrConflict, func(ctx context.Context, r assessplan.Repositories) error {
			return r.SavePlan(ctx, assessplan.PlanChange{State: plan})
		})
	}
	return refused
}

func lookIntoOrgs(ctx context.Context, r assessplan.Repositories, orgs []assessplan.OrgID, all *everything) (err error) {
	for _, org := range orgs {
		err = errors.Join(err,
			ask(&all.Plans)(r.ListPlans(ctx, assessplan.PlanQuery{Org: org, Limit: unlimited})),
			ask(&all.Rounds)(r.ListEnrollments(ctx, assessplan.EnrollmentQuery{Org: org, Limit: unlimited})),
			ask(&all.Tasks)(r.ListTasks(ctx, assessplan.TaskQuery{Org: org, Limit: unlimited})))
	}
	for _, round := range all.Rounds {
		err = errors.Join(err,
			ask(&all.Rounds)(r.FindRounds(ctx, round.Org, round.Plan, round.Testee)),
			ask(&all.ByGroup)(r.ListTasks(ctx, assessplan.TaskQuery{Org: round.Org, Enrollment: round.ID, Limit: unlimited})),
			ask(&all.ByGroup)(r.ListTasks(ctx, assessplan.TaskQuery{Org: round.Org, Testee: round.Testee, Limit: unlimited})),
			ask(&all.ByGroup)(r.ListTasks(ctx, assessplan.TaskQuery{Org: round.Org, Plan: round.Plan, Limit: 10, After: assessplan.TaskID{15: 9}})))
	}
	return err
}

// ask collects the answers of one method.
func ask[V any](into *[]V) func(found []V, err error) error {
	return func(found []V, err error) error {
		*into = append(*into, found...)
		return err
	}
}

func first[V any](into *V) func(found V, err error) error {
	return func(found V, err error) error {
		*into = found
		return err
	}
}

// requireSame compares answer by answer, because a difference of whole stores fills many screens.
func requireSame(t testing.TB, want, got everything, when string) {
	t.Helper()
	wants, gots := reflect.ValueOf(want), reflect.ValueOf(got)
	for i := range wants.NumField() {
		name, want, got := wants.Type().Field(i).Name, wants.Field(i), gots.Field(i)
		if want.Kind() != reflect.Slice {
			require.Equal(t, want.Interface(), got.Interface(), "%s: %s", when, name)
			continue
		}
		for n := range min(want.Len(), got.Len()) {
			require.Equal(t, want.Index(n).Interface(), got.Index(n).Interface(), "%s: %s[%d]", when, name, n)
		}
		require.Equal(t, want.Len(), got.Len(), "%s: length of %s", when, name)
	}
}
