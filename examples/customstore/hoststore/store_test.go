package hoststore_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/examples/customstore/hoststore"
)

var planned = time.Date(2026, time.March, 2, 1, 0, 0, 0, time.UTC)

// world stores plan 7 and a round of one testee, and leaves the host's task 101 as it is.
func world(t *testing.T) (*gorm.DB, *hoststore.Store, assessplan.TaskState) {
	t.Helper()
	db := newDatabase(t)
	require.NoError(t, db.Exec(`INSERT INTO assessment_plan (id, org_id, scale_code, schedule_type, status, created_at)
		VALUES (7, 'clinic', 'PHQ-9', 'by_week', 'active', '2026-02-20')`).Error)
	require.NoError(t, db.Exec(`INSERT INTO assessment_task (id, plan_id, org_id, testee_id, scale_code, seq, planned_at, open_at, expire_at, status, created_at)
		VALUES (101, 7, 'clinic', 'T-1', 'PHQ-9', 1, '2026-03-02 01:00', '2026-03-02 01:00', '2026-03-09 01:00', 'opened', '2026-02-20')`).Error)
	store, err := hoststore.New(t.Context(), db)
	require.NoError(t, err)
	plan := assessplan.PlanState{
		ID: assessplan.PlanIDFromUint64(7), Status: assessplan.PlanStatusActive, CreatedAt: planned,
		PlanSpec: assessplan.PlanSpec{Org: "clinic", Scale: "PHQ-9", Zone: "UTC", Schedule: assessplan.EveryWeeks(1, 4)},
	}
	round := assessplan.EnrollmentState{
		ID: assessplan.EnrollmentID{1}, Org: "clinic", Plan: plan.ID, Testee: "T-1", Round: 1, Start: assessplan.DateOf(planned, time.UTC),
		Zone: "UTC", Status: assessplan.EnrollmentStatusActive, Planned: 2, ClosableFrom: planned, CreatedAt: planned,
	}
	require.NoError(t, store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
		return errors.Join(r.SavePlan(ctx, assessplan.PlanChange{State: plan}),
			r.SaveEnrollments(ctx, []assessplan.EnrollmentChange{{State: round}}))
	}))
	return db, store, assessplan.TaskState{
		ID: assessplan.TaskIDFromUint64(101), Org: "clinic", Plan: plan.ID, Enrollment: round.ID, Testee: "T-1", Scale: "PHQ-9", Seq: 1,
		Date: round.Start, Time: assessplan.ClockTime(1, 0), Zone: "UTC", PlannedAt: planned, Revision: 1, Status: assessplan.Opened,
		OpenAt: planned, ExpireAt: planned.AddDate(0, 0, 7), EntrySerial: 1, TokenHash: assessplan.HashToken("t"), CreatedAt: planned,
	}
}

func insert(ctx context.Context, store assessplan.Store, tasks ...assessplan.TaskState) error {
	return store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		changes := make([]assessplan.TaskChange, len(tasks))
		for i, task := range tasks {
			changes[i].State = task
		}
		return r.SaveTasks(ctx, changes)
	})
}

// overdue is what a pass finds at the end of time.
func overdue(t *testing.T, store assessplan.Store) (found []assessplan.TaskState) {
	t.Helper()
	require.NoError(t, store.View(t.Context(), func(ctx context.Context, r assessplan.Repositories) (err error) {
		found, err = r.FindOverdueTasks(ctx, assessplan.DueQuery{Before: planned.AddDate(1, 0, 0), Limit: 10})
		return err
	}))
	return found
}

// hostRow is what the host's own queries see of a task.
type hostRow struct {
	ID, PlanID uint64
	TesteeID   string
	Version    int64
}

func hostRows(t *testing.T, db *gorm.DB) (rows []hostRow) {
	t.Helper()
	require.NoError(t, db.Table("assessment_task").Order("id").Find(&rows).Error)
	return rows
}

func TestARowOfTheHostsIsNotSeenBeforeItIsImported(t *testing.T) {
	_, store, task := world(t)
	require.Empty(t, overdue(t, store), "opened, and long over, but the host's alone")
	require.NoError(t, insert(t.Context(), store, task))
	task.Version = 1
	require.Equal(t, []assessplan.TaskState{task}, overdue(t, store))
}

func TestAnImportedTaskKeepsItsRowAndANewOneGetsTheNext(t *testing.T) {
	db, store, task := world(t)
	second := task
	second.ID, second.Seq = assessplan.TaskID{2}, 2
	require.NoError(t, insert(t.Context(), store, task, second))
	require.Equal(t, []hostRow{{101, 7, "T-1", 1}, {102, 7, "T-1", 1}}, hostRows(t, db))

	require.ErrorIs(t, insert(t.Context(), store, task), assessplan.ErrConflict, "it is imported once")
	free := task
	free.ID, free.Seq = assessplan.TaskIDFromUint64(5000), 3
	require.NoError(t, insert(t.Context(), store, free))
	require.Equal(t, uint64(5000), hostRows(t, db)[2].ID, "a host that makes keys of its own gets the rows that it asked for")
}

func TestAnErasureReachesRowsThatWereNotImported(t *testing.T) {
	db, store, _ := world(t)
	require.NoError(t, store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
		return r.EraseTestee(ctx, assessplan.Erasure{Org: "clinic", Testee: "T-1", Pseudonym: "nobody"})
	}))
	require.Equal(t, []hostRow{{101, 7, "nobody", 0}}, hostRows(t, db))
}

func TestARefusalDoesNotQuoteTheRow(t *testing.T) {
	_, store, task := world(t)
	task.Status, task.AssessmentID, task.SubmittedAt, task.EndedAt = assessplan.Completed, "secret-sheet", planned, planned
	second := task
	second.ID, second.Seq = assessplan.TaskID{2}, 2
	err := insert(t.Context(), store, task, second)
	require.ErrorIs(t, err, assessplan.ErrAssessmentTaken)
	require.NotContains(t, err.Error(), "secret")
	second.AssessmentID = assessplan.AssessmentID(strings.Repeat("x", 129))
	err = insert(t.Context(), store, task, second)
	require.ErrorContains(t, err, "Data too long for column 'assessment_id'")
}

func TestAHostsTransactionDecidesAboutBoth(t *testing.T) {
	db, store, task := world(t)
	require.NoError(t, limit(t, db, 1), "a second connection would be waited for in vain")
	db.DisableNestedTransaction, db.TranslateError = true, true // as a host may have it
	require.NoError(t, db.Exec(`CREATE TABLE visit (id BIGINT PRIMARY KEY)`).Error)
	stop := errors.New("stop")
	for _, c := range []struct {
		name   string
		end    error
		visits int64
		tasks  int
	}{{"rolled back", stop, 0, 0}, {"committed", nil, 1, 1}} {
		t.Run(c.name, func(t *testing.T) {
			err := db.WithContext(t.Context()).Transaction(func(tx *gorm.DB) error {
				require.NoError(t, tx.Exec(`INSERT INTO visit VALUES (1)`).Error)
				within := store.WithTx(tx)
				require.NoError(t, insert(t.Context(), within, task))
				require.Len(t, overdue(t, within), 1, "what the transaction wrote is seen in it")
				third := task
				third.ID, third.Seq = assessplan.TaskID{3}, 3
				require.ErrorIs(t, insert(t.Context(), within, third, task), assessplan.ErrConflict)
				require.Len(t, overdue(t, within), 1, "an Update that failed has left nothing of itself")
				return c.end
			})
			require.ErrorIs(t, err, c.end)
			var visits int64
			require.NoError(t, db.Table("visit").Count(&visits).Error)
			require.Equal(t, c.visits, visits)
			require.Len(t, overdue(t, store), c.tasks)
		})
	}
}

func TestNestingIsRefusedOnAHostsTransactionToo(t *testing.T) {
	db, store, _ := world(t)
	nothing := func(context.Context, assessplan.Repositories) error { return nil }
	require.NoError(t, db.Transaction(func(tx *gorm.DB) error {
		return store.WithTx(tx).Update(t.Context(), func(ctx context.Context, _ assessplan.Repositories) error {
			require.ErrorIs(t, store.View(ctx, nothing), assessplan.ErrNestedTransaction)
			require.ErrorIs(t, store.WithTx(tx).Update(ctx, nothing), assessplan.ErrNestedTransaction)
			return nil
		})
	}))
}

func TestAServerThatIsGoneIsUnavailableAndNotNamed(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	db, err := gorm.Open(mysql.New(mysql.Config{DSN: "root@tcp(" + address + ")/?parseTime=true", SkipInitializeWithVersion: true}),
		&gorm.Config{DisableAutomaticPing: true})
	require.NoError(t, err)
	_, err = hoststore.New(t.Context(), db)
	require.ErrorIs(t, err, assessplan.ErrUnavailable)
	require.NotContains(t, err.Error(), address)

	db, store, task := world(t)
	pool, err := db.DB()
	require.NoError(t, err)
	require.NoError(t, pool.Close())
	require.ErrorIs(t, insert(t.Context(), store, task), assessplan.ErrUnavailable)
}

func TestConnectionsThatShiftTimesAreRefused(t *testing.T) {
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	require.NoError(t, err)
	for name, c := range map[string]struct {
		change func(*mysqldriver.Config)
		says   string
	}{
		"another zone": {func(c *mysqldriver.Config) { c.ParseTime, c.Loc = true, shanghai }, "set loc=UTC"},
		"no times":     {func(c *mysqldriver.Config) { c.ParseTime = false }, "want parseTime=true"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := hoststore.New(t.Context(), connect(t, c.change))
			require.ErrorContains(t, err, c.says)
			require.Equal(t, assessplan.KindInternal, assessplan.KindOf(err), "trying again does not help")
		})
	}
}

func limit(t *testing.T, db *gorm.DB, connections int) error {
	t.Helper()
	pool, err := db.DB()
	if err == nil {
		pool.SetMaxOpenConns(connections)
	}
	return err
}
