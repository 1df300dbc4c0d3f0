package main

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/examples/customstore/hoststore"
	"github.com/assessplan/assessplan/memstore"
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

// Tables of the library's own are filled by the same import; here they are in memory.
func TestTheImportFillsAnyStore(t *testing.T) {
	h := newTestHost(t)
	store := memstore.New()
	service, err := assessplan.New(store, &plantest.Generator{}, nil)
	require.NoError(t, err)
	h.store, h.service = store, service
	for range 2 {
		sum, err := h.importAll(t.Context())
		require.NoError(t, err)
		require.Len(t, sum.refused, 1)
		page, err := service.Manager.ListTasks(t.Context(), assessplan.TaskQuery{Org: "clinic-a"})
		require.NoError(t, err)
		require.Len(t, page.Tasks, 6, "also after the second time")
		stats, err := service.Relay.OutboxStats(t.Context())
		require.NoError(t, err)
		require.Zero(t, stats.Pending, "nobody is told")
	}
}

func TestAHandInWorksOnOneConnection(t *testing.T) {
	h := newTestHost(t)
	_, err := h.importAll(t.Context())
	require.NoError(t, err)
	pool, err := h.db.DB()
	require.NoError(t, err)
	pool.SetMaxOpenConns(1)
	_, err = h.handIn(t.Context(), "105", oldToken, "0,1")
	require.NoError(t, err)
}

func TestTheChecksFindWhatStandsAgainstTheMigration(t *testing.T) {
	checks := slices.DeleteFunc(strings.Split(script(t, "checks.sql"), ";\n"), func(s string) bool { return strings.TrimSpace(s) == "" })
	db := database(t)
	require.NoError(t, hoststore.Execute(t.Context(), db, hoststore.LegacySQL))
	require.NoError(t, hoststore.Execute(t.Context(), db, rows))
	found := func() (found []int64) {
		for _, check := range checks {
			var rows []map[string]any
			require.NoError(t, db.Raw(check).Scan(&rows).Error)
			found = append(found, int64(len(rows)))
		}
		return found
	}
	require.Equal(t, []int64{0, 0, 0, 0}, found())
	for _, harm := range []string{
		"INSERT INTO assessment_plan (org_id, scale_code, schedule_type, trigger_interval, total_times, status, created_at) VALUES ('Clinic-A ', 'PHQ-9', 'by_week', 1, 1, 'active', NOW())",
		"UPDATE assessment_task SET testee_id = 't-1001' WHERE id = 102",
		"UPDATE assessment_task SET assessment_id = 'A-5001' WHERE id = 107",
		"UPDATE assessment_task SET seq = 1 WHERE id = 104",
	} {
		require.NoError(t, db.Exec(harm).Error)
	}
	require.Equal(t, []int64{1, 1, 1, 1}, found())
}

func TestStartingOverImportsEverythingAgainAndWhatWasMadeSince(t *testing.T) {
	h := newTestHost(t)
	for _, tasks := range []int{6, 10} {
		sum, err := h.importAll(t.Context())
		require.NoError(t, err)
		require.Equal(t, tasks, sum.tasks)
		_, err = h.service.Manager.Enroll(t.Context(), assessplan.EnrollSpec{
			Org: "clinic-a", Plan: assessplan.PlanIDFromUint64(7), Testee: "T-1004", Start: assessplan.CivilDate{Year: 2026, Month: 3, Day: 16},
		})
		require.NoError(t, err, "the second time it stands already")
		_, _, err = h.tick(t.Context())
		require.NoError(t, err)
		require.NoError(t, hoststore.Execute(t.Context(), h.db, script(t, "startover.sql")))
	}
}

func TestReplicasOpenEachTaskOnceAndLeaveNoEvent(t *testing.T) {
	h := newTestHost(t)
	require.NoError(t, h.db.Exec(`INSERT INTO assessment_task (plan_id, org_id, testee_id, scale_code, seq, planned_at, status, created_at)
		SELECT 7, org_id, CONCAT('P-', a.id, b.id), scale_code, 1, '2026-03-15 01:00', 'pending', created_at
		FROM (SELECT id FROM assessment_task) a, (SELECT id FROM assessment_task) b
		JOIN (SELECT org_id, scale_code, created_at FROM assessment_plan) p`).Error)
	_, err := h.importAll(t.Context())
	require.NoError(t, err)
	const due = 8*8 + 1

	events := &plantest.Publisher{}
	var opened [4]int
	var errs [4]error
	var replicas sync.WaitGroup
	for i := range opened {
		replica := *h
		replica.service, err = assessplan.New(h.store, &plantest.Generator{}, &assessplan.Config{Clock: testClock(), Publisher: events, PageSize: 5})
		require.NoError(t, err)
		replicas.Go(func() {
			opened[i], _, errs[i] = replica.tick(t.Context())
			_, err := replica.service.Relay.RelayEvents(t.Context())
			errs[i] = errors.Join(errs[i], err)
		})
	}
	replicas.Wait()
	require.NoError(t, errors.Join(errs[:]...))
	require.Equal(t, due, opened[0]+opened[1]+opened[2]+opened[3])
	var relayed []assessplan.EventID
	for _, event := range events.Events(assessplan.TypeTaskOpened) {
		relayed = append(relayed, event.ID)
	}
	slices.SortFunc(relayed, func(a, b assessplan.EventID) int { return bytes.Compare(a[:], b[:]) })
	require.Len(t, slices.Compact(relayed), due, "one event of each, and none left")
}

func testClock() *clock.Mock {
	now := clock.NewMock()
	now.Set(time.Date(2026, time.March, 16, 1, 5, 0, 0, time.UTC))
	return now
}

func TestTheStoreDoesWithoutWhatIsDroppedAfterwards(t *testing.T) {
	h := newTestHost(t)
	_, err := h.importAll(t.Context())
	require.NoError(t, err)
	require.NoError(t, hoststore.Execute(t.Context(), h.db, script(t, "afterwards.sql")))
	opened, _, err := h.tick(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, opened)
	_, err = h.service.Manager.CreatePlan(t.Context(), assessplan.PlanSpec{
		Org: "clinic-a", Scale: "GAD-7", Zone: zone, Schedule: assessplan.EveryDays(1, 3),
	})
	require.NoError(t, err)
	_, err = h.handIn(t.Context(), "105", oldToken, "0,1")
	require.NoError(t, err, "the old link goes on to work: its hash was kept")
}

func script(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(b)
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
	h, err := newHost(t.Context(), db, testClock(), &plantest.Publisher{})
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
