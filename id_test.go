package assessplan_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

// keys are integer keys of a host in their order, with every border inside the bits of a UUID.
var keys = []uint64{0, 1, 2, 255, 256, 1<<31 - 1, 1 << 31, 1<<48 - 1, 1<<61 - 1, 1 << 61, 1<<62 - 1, 1 << 62, 1<<63 - 1, 1 << 63, 3 << 62, math.MaxUint64 - 1, math.MaxUint64}

func TestIntegerKeysComeBack(t *testing.T) {
	for _, key := range keys {
		plan, enrollment, task := assessplan.PlanIDFromUint64(key), assessplan.EnrollmentIDFromUint64(key), assessplan.TaskIDFromUint64(key)
		for _, back := range []func() (uint64, bool){plan.Uint64, enrollment.Uint64, task.Uint64} {
			got, ok := back()
			require.True(t, ok)
			require.Equal(t, key, got)
		}
		require.False(t, task.IsZero(), "the key 0 is a key")
		made := uuid.UUID(task)
		require.Equal(t, uuid.Version(8), made.Version())
		require.Equal(t, uuid.RFC4122, made.Variant())
	}
}

func TestIDsOfIntegerKeysAreInTheOrderOfTheKeys(t *testing.T) {
	for i := 1; i < len(keys); i++ {
		require.Negative(t, assessplan.TaskIDFromUint64(keys[i-1]).Compare(assessplan.TaskIDFromUint64(keys[i])))
		require.Positive(t, assessplan.PlanIDFromUint64(keys[i]).Compare(assessplan.PlanIDFromUint64(keys[i-1])))
		require.Zero(t, assessplan.EnrollmentIDFromUint64(keys[i]).Compare(assessplan.EnrollmentIDFromUint64(keys[i])))
		require.Less(t, assessplan.TaskIDFromUint64(keys[i-1]).String(), assessplan.TaskIDFromUint64(keys[i]).String())
	}
}

func TestOtherIDsAreNoIntegerKeys(t *testing.T) {
	of := func(change func(id *assessplan.TaskID)) assessplan.TaskID {
		id := assessplan.TaskIDFromUint64(42)
		change(&id)
		return id
	}
	for name, id := range map[string]assessplan.TaskID{
		"none":                    {},
		"a random UUID":           assessplan.TaskID(uuid.New()),
		"the maximum UUID":        assessplan.TaskID(uuid.Max),
		"another label":           of(func(id *assessplan.TaskID) { id[0]++ }),
		"another version":         of(func(id *assessplan.TaskID) { id[6] = 0x70 }),
		"bits beside the version": of(func(id *assessplan.TaskID) { id[6] ^= 1 }),
		"another variant":         of(func(id *assessplan.TaskID) { id[8] |= 0x40 }),
		"bits beside the key":     of(func(id *assessplan.TaskID) { id[7] |= 0x04 }),
	} {
		t.Run(name, func(t *testing.T) {
			key, ok := id.Uint64()
			require.False(t, ok)
			require.Zero(t, key)
		})
	}
}

func TestKeysOfDifferentTablesMakeDifferentIDs(t *testing.T) {
	for _, key := range keys {
		plan, enrollment, task := assessplan.PlanIDFromUint64(key), assessplan.EnrollmentIDFromUint64(key), assessplan.TaskIDFromUint64(key)
		require.NotEqual(t, uuid.UUID(plan), uuid.UUID(enrollment))
		require.NotEqual(t, uuid.UUID(enrollment), uuid.UUID(task))
		require.NotEqual(t, uuid.UUID(task), uuid.UUID(plan))
		_, ok := assessplan.TaskID(plan).Uint64()
		require.False(t, ok, "the key of a plan is no key of a task")
	}
}

// idKind is what the types of ID have in common.
type idKind struct {
	parse func(s string) (id any, err error)
	field string
}

var idKinds = map[string]idKind{
	"plan":       {func(s string) (any, error) { return assessplan.ParsePlanID(s) }, "plan_id"},
	"enrollment": {func(s string) (any, error) { return assessplan.ParseEnrollmentID(s) }, "enrollment_id"},
	"task":       {func(s string) (any, error) { return assessplan.ParseTaskID(s) }, "task_id"},
	"event":      {func(s string) (any, error) { return assessplan.ParseEventID(s) }, "event_id"},
}

func TestIDsAreReadInOneForm(t *testing.T) {
	const text = "01957f3c-1a2b-7c3d-8e4f-0123456789ab"
	for name, kind := range idKinds {
		t.Run(name, func(t *testing.T) {
			id, err := kind.parse(text)
			require.NoError(t, err)
			data, err := json.Marshal(id)
			require.NoError(t, err)
			require.Equal(t, `"`+text+`"`, string(data))
			for _, bad := range []string{
				"", "1", text[:35], text + "0", "{" + text + "}", "urn:uuid:" + text, strings.ReplaceAll(text, "-", ""), "x" + text[1:],
				strings.Replace(text, "-", "_", 1), " " + text[1:], strings.Repeat("é", 18), strings.Repeat("0", 36),
			} {
				id, err := kind.parse(bad)
				require.Equal(t, []string{kind.field}, faultPaths(t, err), bad)
				require.Zero(t, id)
			}
		})
	}
}

func TestIDsSurviveJSON(t *testing.T) {
	type record struct {
		Plan       assessplan.PlanID
		Enrollment assessplan.EnrollmentID
		Task       assessplan.TaskID
		Event      assessplan.EventID
		ByTask     map[assessplan.TaskID]int
	}
	id := uuid.New()
	given := record{assessplan.PlanID(id), assessplan.EnrollmentID(id), assessplan.TaskID(id), assessplan.EventID(id), map[assessplan.TaskID]int{assessplan.TaskID(id): 1}}
	data, err := json.Marshal(given)
	require.NoError(t, err)
	require.Equal(t, 5, strings.Count(string(data), id.String()))
	var read record
	require.NoError(t, json.Unmarshal(data, &read))
	require.Equal(t, given, read)
	for _, field := range []string{"Plan", "Enrollment", "Task", "Event"} {
		require.ErrorIs(t, json.Unmarshal([]byte(`{"`+field+`":"7"}`), &read), assessplan.ErrInvalid)
	}
}

func TestZeroIDNamesNothing(t *testing.T) {
	require.True(t, assessplan.PlanID{}.IsZero())
	require.True(t, assessplan.EnrollmentID{}.IsZero())
	require.True(t, assessplan.TaskID{}.IsZero())
	require.True(t, assessplan.EventID{}.IsZero())
	require.Equal(t, "00000000-0000-0000-0000-000000000000", assessplan.TaskID{}.String())
	require.False(t, assessplan.PlanIDFromUint64(0).IsZero())
}

// TestServiceMakesIDsInTheOrderOfItsClock looks at the default of Config.NewID.
func TestServiceMakesIDsInTheOrderOfItsClock(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.config.NewID = nil })
	first := f.plan(daily(1)).ID
	f.clock.Add(time.Millisecond)
	second := f.plan(daily(1)).ID
	f.clock.Add(time.Microsecond)
	third := f.plan(daily(1)).ID
	require.Negative(t, first.Compare(second))
	require.Negative(t, second.Compare(third))
	made := uuid.UUID(first)
	require.Equal(t, uuid.Version(7), made.Version())
	require.Equal(t, uuid.RFC4122, made.Variant())
	seconds, _ := made.Time().UnixTime()
	require.Equal(t, monday.Unix(), seconds)
}

func TestHostMakesIDsItself(t *testing.T) {
	next := assessplan.PlanIDFromUint64(4711)
	service, err := assessplan.New(memstore.New(), signedEntries(t), &assessplan.Config{NewID: func() uuid.UUID { return uuid.UUID(next) }})
	require.NoError(t, err)
	plan, err := service.Manager.CreatePlan(t.Context(), daily(1))
	require.NoError(t, err)
	key, ok := plan.ID.Uint64()
	require.True(t, ok)
	require.Equal(t, uint64(4711), key)
}

// The tasks of a round are made in one instant, and are listed in the order of their numbers all the same.
func TestDefaultIDsIncreaseWhileTheClockStandsStill(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.config.NewID = nil })
	round := f.round(f.plan(daily(200)), "a")
	for i, task := range f.tasksOf(round) {
		require.Equal(t, i+1, task.Seq)
	}
}
