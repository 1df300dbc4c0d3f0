package memstore_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

const erased assessplan.TesteeID = "erased-person"

// TestErasureLeavesNoTrace searches the memory of the store itself, with its tables of names, its journals and its events.
func TestErasureLeavesNoTrace(t *testing.T) {
	store := memstore.New()
	round, task := anEnrollment(1), aTask(1)
	round.Testee, task.Testee = erased, erased
	told := func(n int, about uuid.UUID) []assessplan.Event {
		event := anEvent(n, about)
		event.Data = []byte(fmt.Sprintf(`{"testee_id":%q}`, erased))
		return []assessplan.Event{event}
	}
	save := func(ctx context.Context, r assessplan.Repositories) error {
		if err := r.SaveEnrollments(ctx, []assessplan.EnrollmentChange{{State: round, Events: told(1, uuid.UUID(round.ID))}}); err != nil {
			return err
		}
		return r.SaveTasks(ctx, []assessplan.TaskChange{{State: task, Events: told(2, uuid.UUID(task.ID))}})
	}
	erase := func(ctx context.Context, r assessplan.Repositories) error {
		return r.EraseTestee(ctx, assessplan.Erasure{Org: clinic, Testee: erased, Pseudonym: "pseudonym", Events: []assessplan.Event{anEvent(3, uuid.UUID{3})}})
	}
	require.ErrorIs(t, store.Update(t.Context(), both(save, refuse)), errRefused)
	require.False(t, remembers(store), "an enrollment that failed")

	update(t, store, save)
	require.True(t, remembers(store), "the search must be able to find")
	require.ErrorIs(t, store.Update(t.Context(), both(erase, refuse)), errRefused)
	require.True(t, remembers(store), "an erasure that failed")

	update(t, store, erase)
	require.False(t, remembers(store))
	require.Equal(t, assessplan.TesteeID("pseudonym"), findTask(t, store, task.ID).Testee)
	require.Equal(t, int64(2), findTask(t, store, task.ID).Version)
	update(t, store, eraseWith(anEvent(4, uuid.UUID{3}))) // of one whom nobody knows
	require.False(t, remembers(store))
}

func TestErasureSparesTheSameNameInAnotherOrg(t *testing.T) {
	store := memstore.New()
	ours, theirs := aTask(1), aTask(2)
	ours.Testee, theirs.Testee = erased, erased
	theirs.Org, theirs.Enrollment = "elsewhere", assessplan.EnrollmentIDFromUint64(2)
	saveTasks(t, store, ours, theirs)
	update(t, store, eraseWith(anEvent(1, uuid.UUID{1})))
	require.Equal(t, assessplan.TesteeID("another-pseudonym"), findTask(t, store, ours.ID).Testee)
	require.Equal(t, erased, findTask(t, store, theirs.ID).Testee)
	require.True(t, remembers(store))
}

func TestTesteeWhoReturnsInTheTransactionOfTheErasureIsKept(t *testing.T) {
	store := memstore.New()
	before, after := aTask(1), aTask(2)
	before.Testee, after.Testee = erased, erased
	saveTasks(t, store, before)
	update(t, store, both(eraseWith(anEvent(1, uuid.UUID{1})), func(ctx context.Context, r assessplan.Repositories) error {
		return r.SaveTasks(ctx, []assessplan.TaskChange{{State: after}})
	}))
	require.Equal(t, erased, findTask(t, store, after.ID).Testee)
}

func eraseWith(event assessplan.Event) func(context.Context, assessplan.Repositories) error {
	return func(ctx context.Context, r assessplan.Repositories) error {
		return r.EraseTestee(ctx, assessplan.Erasure{Org: clinic, Testee: erased, Pseudonym: "another-pseudonym", Events: []assessplan.Event{event}})
	}
}

func refuse(context.Context, assessplan.Repositories) error { return errRefused }

func both(one, two func(context.Context, assessplan.Repositories) error) func(context.Context, assessplan.Repositories) error {
	return func(ctx context.Context, r assessplan.Repositories) error {
		if err := one(ctx, r); err != nil {
			return err
		}
		return two(ctx, r)
	}
}

// remembers searches everything that the store can reach for the name of the erased person.
func remembers(store *memstore.Store) bool {
	return holds(reflect.ValueOf(store), map[uintptr]bool{})
}

func holds(v reflect.Value, seen map[uintptr]bool) bool {
	switch v.Kind() {
	case reflect.String:
		return strings.Contains(v.String(), string(erased))
	case reflect.Pointer:
		if v.IsNil() || seen[v.Pointer()] {
			return false
		}
		seen[v.Pointer()] = true
		return holds(v.Elem(), seen)
	case reflect.Struct:
		for i := range v.NumField() {
			if holds(v.Field(i), seen) {
				return true
			}
		}
	case reflect.Map:
		for each := v.MapRange(); each.Next(); {
			if holds(each.Key(), seen) || holds(each.Value(), seen) {
				return true
			}
		}
	case reflect.Slice:
		return holdsIn(v.Slice(0, v.Cap()), seen) // with what was cut off its end
	case reflect.Array:
		return holdsIn(v, seen)
	}
	return false
}

func holdsIn(list reflect.Value, seen map[uintptr]bool) bool {
	if list.Type().Elem().Kind() == reflect.Uint8 && list.Kind() == reflect.Slice {
		return strings.Contains(string(list.Bytes()), string(erased))
	}
	for i := range list.Len() {
		if holds(list.Index(i), seen) {
			return true
		}
	}
	return false
}
