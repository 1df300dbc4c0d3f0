package main

import (
	"bytes"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/examples/customstore/hoststore"
	"github.com/assessplan/assessplan/plantest"
	"github.com/assessplan/assessplan/sqlstore/sqltest"
)

var update = flag.Bool("update", false, "write the golden file anew")

func TestTheExamplePrintsWhatItAlwaysPrints(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, tell(t.Context(), database(t), &out))

	const golden = "testdata/customstore.golden"
	if *update {
		require.NoError(t, os.WriteFile(golden, out.Bytes(), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), out.String(), "if this is meant: go test ./customstore -update")
}

func TestTheExampleLeavesNoDatabaseBehind(t *testing.T) {
	dsn := sqltest.MySQL(t)
	db, err := connect(dsn, "")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, disconnect(db)) })
	var out bytes.Buffer
	require.NoError(t, onDatabaseOfItsOwn(t.Context(), dsn, &out))
	var tables int
	require.NoError(t, db.Raw("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()").Scan(&tables).Error)
	require.Zero(t, tables, "it works on a database of its own")
	require.Contains(t, out.String(), "2 rounds, 6 tasks")
}

func TestARowThatIsRepairedIsImportedNextTime(t *testing.T) {
	h := newTestHost(t)
	first, err := h.importAll(t.Context())
	require.NoError(t, err)
	require.Len(t, first.refused, 1)

	require.NoError(t, h.db.Exec("UPDATE assessment_task SET open_at = '2026-03-12 01:00:02', expire_at = '2026-03-19 01:00:02' WHERE id = 107").Error)
	second, err := h.importAll(t.Context())
	require.NoError(t, err)
	require.Empty(t, second.refused)
	require.Equal(t, 1, second.rounds)
	task, err := h.service.Manager.GetTask(t.Context(), "clinic-a", assessplan.TaskIDFromUint64(107))
	require.NoError(t, err)
	require.Equal(t, assessplan.Completed, task.Status)
	require.Equal(t, assessplan.AssessmentID("A-5002"), task.AssessmentID)
}

// What was imported is what the host had: the same rows, keys and times.
func TestAnImportKeepsWhatTheHostsColumnsSay(t *testing.T) {
	h := newTestHost(t)
	read := func() (tasks []AssessmentTask) {
		require.NoError(t, h.db.Order("id").Find(&tasks).Error)
		for i := range tasks {
			tasks[i].UID, tasks[i].UpdatedAt = [16]byte{}, time.Time{}
		}
		return tasks
	}
	before := read()
	_, err := h.importAll(t.Context())
	require.NoError(t, err)
	after := read()
	for i, task := range after {
		task.EntryToken = before[i].EntryToken
		require.Equal(t, before[i], task)
	}
}

func TestATaskIsFoundByItsKeyAndByItsID(t *testing.T) {
	h := newTestHost(t)
	_, err := h.importAll(t.Context())
	require.NoError(t, err)
	for _, given := range []string{"103", assessplan.TaskIDFromUint64(103).String()} {
		id, err := h.taskID(t.Context(), given)
		require.NoError(t, err)
		require.Equal(t, assessplan.TaskIDFromUint64(103), id)
	}
	for _, unknown := range []string{"107", "999"} {
		_, err := h.taskID(t.Context(), unknown)
		require.ErrorIs(t, err, assessplan.ErrNotFound, "not imported, or not there")
	}
	_, err = h.taskID(t.Context(), "seven")
	require.ErrorIs(t, err, assessplan.ErrInvalid)
}

func newTestHost(t *testing.T) *host {
	t.Helper()
	db := database(t)
	for _, script := range []string{hoststore.LegacySQL, rows, hoststore.MigrationSQL} {
		require.NoError(t, hoststore.Execute(t.Context(), db, script))
	}
	now := clock.NewMock()
	now.Set(time.Date(2026, time.March, 16, 1, 5, 0, 0, time.UTC))
	h, err := newHost(t.Context(), db, now, &plantest.Publisher{})
	require.NoError(t, err)
	return h
}

func database(t *testing.T) *gorm.DB {
	t.Helper()
	db, err := connect(sqltest.MySQL(t), "")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, disconnect(db)) })
	return db
}
