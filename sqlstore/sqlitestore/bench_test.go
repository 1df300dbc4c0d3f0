package sqlitestore_test

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/sqlitestore"
)

const (
	benchPage   = 500
	benchRounds = 4000
	benchPer    = 25 // tasks of a round
)

var (
	benchNow     = start.AddDate(0, 0, benchPer+1)
	benchPayload = []byte(strings.Repeat("x", 700))
)

// BenchmarkOpening opens due tasks in pages of 500, each task with one event of 700 bytes, in two ways that take turns on one
// table: through the store, and by a loop that a hand would write for nothing else, with prepared statements on the same
// tables, reading the same columns, writing only what opening changes, and storing the same payload. It reports the rate of
// the median page of both, which a checkpoint or a busy disk does not move, and the store's as a part of the other.
func BenchmarkOpening(b *testing.B) {
	db, store := newDatabase(b)
	seedDue(b, store)
	hand := newHandLoop(b, db)
	ways := []func(testing.TB, context.Context, int) int{
		func(t testing.TB, ctx context.Context, event int) int { return openPage(t, ctx, store, event) },
		hand.openPage,
	}
	var pages [2][]time.Duration
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	events := 0
	order := rand.New(rand.NewPCG(1, 2)) // by chance: a checkpoint comes every few pages, and must not always meet the same way
	for b.Loop() {
		for _, way := range order.Perm(len(ways)) {
			began := time.Now()
			n := ways[way](b, ctx, events)
			pages[way] = append(pages[way], time.Since(began))
			events += n
		}
		if events+2*benchPage > benchRounds*benchPer {
			b.StopTimer()
			reset(b, db)
			events = 0
			b.StartTimer()
		}
	}
	rate := func(way int) float64 {
		slices.Sort(pages[way])
		return benchPage / pages[way][len(pages[way])/2].Seconds()
	}
	b.ReportMetric(rate(0), "store-tasks/s")
	b.ReportMetric(rate(1), "hand-tasks/s")
	b.ReportMetric(rate(0)/rate(1), "ratio")
}

// seedDue stores rounds of daily tasks, all due at benchNow, spread over the table as days of work spread them.
func seedDue(b *testing.B, store *sqlitestore.Store) {
	b.Helper()
	plan := newPlan(1)
	require.NoError(b, savePlan(b.Context(), store, plan))
	for n := 1; n <= benchRounds; n++ {
		require.NoError(b, store.Update(b.Context(), func(ctx context.Context, r assessplan.Repositories) error {
			round := newRound(plan, n)
			if err := r.SaveEnrollments(ctx, []assessplan.EnrollmentChange{{State: round}}); err != nil {
				return err
			}
			tasks := make([]assessplan.TaskState, benchPer)
			for i := range tasks {
				tasks[i] = newTask(round, 100*n+i, i+1, start.AddDate(0, 0, i).Add(time.Duration(n*7919%720)*time.Minute))
			}
			return r.SaveTasks(ctx, insertions(tasks))
		}))
	}
}

// reset makes every task pending and the outbox empty again.
func reset(b *testing.B, db *sql.DB) {
	b.Helper()
	for _, query := range []string{
		`DELETE FROM assessplan_outbox`,
		`UPDATE assessplan_tasks SET status = 'pending', next_attempt_at = planned_at, open_at = NULL, expire_at = NULL,
			entry_serial = 0, token_hash = NULL, version = 1`,
	} {
		_, err := db.ExecContext(b.Context(), query)
		require.NoError(b, err)
	}
}

// openPage opens a page through the store.
func openPage(t testing.TB, ctx context.Context, store *sqlitestore.Store, event int) (count int) {
	require.NoError(t, store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		due, err := r.FindPendingTasks(ctx, assessplan.DueQuery{Before: benchNow, Now: benchNow, Limit: benchPage})
		if err != nil {
			return err
		}
		changes := make([]assessplan.TaskChange, len(due))
		events := make([]assessplan.Event, len(due))
		for i, task := range due {
			events[i] = benchEvent(event+i, task.ID)
			changes[i] = assessplan.TaskChange{State: benchOpened(task), Was: task.Version, Events: events[i : i+1]}
		}
		count = len(due)
		return r.SaveTasks(ctx, changes)
	}))
	return count
}

func benchOpened(task assessplan.TaskState) assessplan.TaskState {
	task.Status, task.NextAttemptAt, task.OpenAt = assessplan.Opened, time.Time{}, benchNow
	task.ExpireAt, task.EntrySerial, task.TokenHash = benchNow.AddDate(0, 0, 7), task.EntrySerial+1, assessplan.TokenHash{1}
	return task
}

func benchEvent(n int, task assessplan.TaskID) assessplan.Event {
	event := newEvent(n*2654435761%(1<<40), task) // in no order, like the IDs of events
	event.Data = benchPayload
	return event
}

// handLoop is what the store is compared with.
type handLoop struct {
	db                    *sql.DB
	claim, update, insert *sql.Stmt
}

func newHandLoop(b *testing.B, db *sql.DB) *handLoop {
	b.Helper()
	prepare := func(query string) *sql.Stmt {
		statement, err := db.PrepareContext(b.Context(), query)
		require.NoError(b, err)
		return statement
	}
	return &handLoop{
		db: db,
		claim: prepare(`SELECT id, org_id, plan_id, enrollment_id, testee_id, scale_code, seq, planned_date, planned_time, zone, planned_at,
				open_until, fill_until, due_at, revision, status, held, next_attempt_at, attempts, last_error, open_at, expire_at,
				entry_serial, token_hash, ended_at, end_reason, submitted_at, assessment_id, late, created_at, version
			FROM assessplan_tasks WHERE status = 'pending' AND held = 0 AND next_attempt_at <= ? ORDER BY next_attempt_at, id LIMIT ?`),
		update: prepare(`UPDATE assessplan_tasks SET status = 'opened', next_attempt_at = NULL, attempts = 0, last_error = NULL, open_at = ?,
			expire_at = ?, entry_serial = ?, token_hash = ?, version = version + 1 WHERE id = ? AND version = ?`),
		insert: prepare(`INSERT INTO assessplan_outbox (event_id, type, org_id, subject, version, time, data, attempts, available_at, parked)
			VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0)`),
	}
}

// handRow is a task as a hand would read it.
type handRow struct {
	id, plan, enrollment, token                                      []byte
	org, testee, scale, date, zone, status                           string
	seq, at, revision, held, attempts, serial, late                  int
	planned, version                                                 int64
	openUntil, fillUntil, due, next, open, expire, ended, sent, made sql.NullInt64
	lastError, reason, assessment                                    sql.NullString
}

// openPage opens a page. Its statements run under a context that does not end, which is the cheapest for the driver.
func (h *handLoop) openPage(t testing.TB, _ context.Context, event int) int {
	ctx := context.Background()
	tx, err := h.db.BeginTx(ctx, nil)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	due := h.read(t, ctx, tx)
	update, insert := tx.StmtContext(ctx, h.update), tx.StmtContext(ctx, h.insert) //nolint:sqlclosecheck // the transaction's end closes them
	hash := assessplan.TokenHash{1}
	for i := range due {
		row := &due[i]
		_, err := update.ExecContext(ctx, benchNow.UnixMicro(), benchNow.AddDate(0, 0, 7).UnixMicro(), row.serial+1, hash[:], row.id, row.version)
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range due {
		e := benchEvent(event+i, assessplan.TaskID(due[i].id))
		_, err := insert.ExecContext(ctx, e.ID[:], string(e.Type), string(e.Org), e.Subject[:], e.Version, e.Time.UnixMicro(), e.Data)
		if err != nil {
			t.Fatal(err)
		}
	}
	require.NoError(t, tx.Commit())
	return len(due)
}

func (h *handLoop) read(t testing.TB, ctx context.Context, tx *sql.Tx) (due []handRow) {
	rows, err := tx.StmtContext(ctx, h.claim).QueryContext(ctx, benchNow.UnixMicro(), benchPage) //nolint:sqlclosecheck // the transaction's end closes it
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r handRow
		err := rows.Scan(&r.id, &r.org, &r.plan, &r.enrollment, &r.testee, &r.scale, &r.seq, &r.date, &r.at, &r.zone, &r.planned,
			&r.openUntil, &r.fillUntil, &r.due, &r.revision, &r.status, &r.held, &r.next, &r.attempts, &r.lastError, &r.open, &r.expire,
			&r.serial, &r.token, &r.ended, &r.reason, &r.sent, &r.assessment, &r.late, &r.made, &r.version)
		if err != nil {
			t.Fatal(err)
		}
		due = append(due, r)
	}
	require.NoError(t, rows.Err())
	return due
}

// BenchmarkSingleCommand stores one task with one event, as a command on a task does.
func BenchmarkSingleCommand(b *testing.B) {
	for name, synchronous := range map[string]sqlitestore.Synchronous{"flushed": sqlitestore.SyncFull, "not flushed": sqlitestore.SyncNormal} {
		b.Run(name, func(b *testing.B) {
			store, err := sqlitestore.Open(b.Context(), b.TempDir()+"/plans.db", &sqlitestore.Config{Migrate: true, Synchronous: synchronous})
			require.NoError(b, err)
			defer func() { require.NoError(b, store.Close()) }()
			plan := newPlan(1)
			round := newRound(plan, 1)
			task := opened(newTask(round, 1, 1, start))
			save(b, store, plan, round, task)
			for n := 1; b.Loop(); n++ {
				err := store.Update(b.Context(), func(ctx context.Context, r assessplan.Repositories) error {
					found, err := r.FindTask(ctx, clinic, task.ID)
					if err != nil {
						return err
					}
					return r.SaveTasks(ctx, []assessplan.TaskChange{{State: found, Was: found.Version, Events: []assessplan.Event{benchEvent(n, task.ID)}}})
				})
				require.NoError(b, err)
			}
		})
	}
}
