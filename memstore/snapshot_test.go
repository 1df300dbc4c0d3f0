package memstore_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

// sampleStore has a record of each kind, and events in each state.
func sampleStore(t *testing.T) *memstore.Store {
	t.Helper()
	store := memstore.New()
	round, task, plan := anEnrollment(1), aTask(1), aPlan(1)
	task.TokenHash, task.AssessmentID = assessplan.HashToken("a-token"), "sheet-1"
	var events []assessplan.Event
	for n := range 4 {
		events = append(events, anEvent(n, uuid.UUID{byte(n)}))
	}
	update(t, store, func(ctx context.Context, r assessplan.Repositories) error {
		require.NoError(t, r.SavePlan(ctx, assessplan.PlanChange{State: plan}))
		require.NoError(t, r.SaveEnrollments(ctx, []assessplan.EnrollmentChange{{State: round}}))
		return r.SaveTasks(ctx, []assessplan.TaskChange{{State: task, Events: events}})
	})
	update(t, store, func(ctx context.Context, r assessplan.Repositories) error {
		claimed, err := r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: noon, Lease: time.Minute, Limit: 3})
		require.NoError(t, err)
		_, err = r.SettleEvents(ctx, []assessplan.Settlement{
			{ID: claimed[0].ID, Attempts: 1, Outcome: assessplan.Park, Code: assessplan.FailureTimeout},
			{ID: claimed[1].ID, Attempts: 1, Outcome: assessplan.Delete},
		})
		return err
	})
	return store
}

func TestSnapshotRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plans.snapshot")
	store := sampleStore(t)
	require.NoError(t, store.Save(path))
	reopened, err := memstore.Open(path)
	require.NoError(t, err)
	orgs := []assessplan.OrgID{clinic}
	want := look(t, store, orgs, noon.Add(time.Hour))
	require.Len(t, want.Parked, 1)
	requireSame(t, want, look(t, reopened, orgs, noon.Add(time.Hour)), "reopened")

	// What was saved stays as it was, and what comes later does not take the numbers of what is gone.
	saveTasks(t, reopened, aTask(2))
	again, err := memstore.Open(path)
	require.NoError(t, err)
	requireSame(t, want, look(t, again, orgs, noon.Add(time.Hour)), "opened again")
	require.NoError(t, reopened.Save(path))
	again, err = memstore.Open(path)
	require.NoError(t, err)
	require.Equal(t, aTask(2).ID, findTask(t, again, aTask(2).ID).ID)
}

func TestSnapshotKeepsPositionsOfEventsThatAreGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plans.snapshot")
	store := memstore.New()
	position := func(store *memstore.Store, n int) (position int64) {
		update(t, store, func(ctx context.Context, r assessplan.Repositories) error {
			task := aTask(n)
			require.NoError(t, r.SaveTasks(ctx, []assessplan.TaskChange{{State: task, Events: []assessplan.Event{anEvent(n, uuid.UUID(task.ID))}}}))
			claimed, err := r.ClaimEvents(ctx, assessplan.ClaimQuery{Now: noon, Lease: time.Minute, Limit: 1})
			require.NoError(t, err)
			position = claimed[0].Position
			_, err = r.SettleEvents(ctx, []assessplan.Settlement{{ID: claimed[0].ID, Attempts: 1, Outcome: assessplan.Delete}})
			return err
		})
		return position
	}
	require.Equal(t, int64(1), position(store, 1))
	require.NoError(t, store.Save(path))
	reopened, err := memstore.Open(path)
	require.NoError(t, err)
	require.Equal(t, int64(2), position(reopened, 2))
}

func TestOpenOfNothingIsAnEmptyStore(t *testing.T) {
	store, err := memstore.Open(filepath.Join(t.TempDir(), "not-there"))
	require.NoError(t, err)
	requireSame(t, everything{}, look(t, store, []assessplan.OrgID{clinic}, noon), "opened")
}

func TestOpenRefusesWhatItCannotTrust(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plans.snapshot")
	require.NoError(t, sampleStore(t).Save(path))
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	refused := func(content []byte, why string) {
		t.Helper()
		require.NoError(t, os.WriteFile(path, content, 0o600))
		store, err := memstore.Open(path)
		require.ErrorContains(t, err, why)
		require.ErrorContains(t, err, path)
		require.Nil(t, store)
	}
	const damaged, foreign, newer = "its checksum does not fit", "does not begin as a snapshot does", "a newer one wrote it"
	line := bytes.IndexByte(whole, '\n') + 1
	for at := line; at < len(whole); at += 41 {
		bent := bytes.Clone(whole)
		bent[at] ^= 0x10
		refused(bent, damaged)
		refused(whole[:at], damaged)
	}
	refused(whole[:len(whole)-1], damaged)
	refused(append(bytes.Clone(whole), 0), damaged)
	refused(nil, foreign)
	refused(whole[:line-1], foreign)
	refused([]byte("\n"), foreign)
	refused([]byte("PK\x03\x04 something else entirely"), foreign)
	refused(bytes.Replace(whole, []byte(" 1\n"), []byte(" 0\n"), 1), foreign)
	refused(bytes.Replace(whole, []byte(" 1\n"), []byte(" 2\n"), 1), newer)
	require.NoError(t, os.WriteFile(path, whole, 0o600))
	_, err = memstore.Open(path)
	require.NoError(t, err)
	_, err = memstore.Open(filepath.Dir(path))
	require.ErrorContains(t, err, filepath.Dir(path))
}

func TestSaveIsAtomicAndPrivate(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "plans.snapshot")
	require.NoError(t, memstore.New().Save(path))
	require.NoError(t, sampleStore(t).Save(path)) // over the one that is there
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, files, 1, "no other file is left")
	if runtime.GOOS != "windows" {
		info, err := files[0].Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(content), "a-token")

	taken := filepath.Join(folder, "a-folder")
	require.NoError(t, os.MkdirAll(filepath.Join(taken, "full"), 0o700))
	require.ErrorContains(t, sampleStore(t).Save(taken), taken)
	require.ErrorContains(t, sampleStore(t).Save(filepath.Join(folder, "missing", "plans.snapshot")), "missing")
	files, err = os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, files, 2, "no other file is left")
}
