package pgstore_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan/sqlstore/pgstore"
)

// backlog is how many tasks of a plan are due at one and the same instant in a crowded database.
const backlog = 100_000

// crowd fills a database with a plan whose tasks are all due at once, in the order of their IDs but not in that of the table;
// others that are not due; rounds that cannot be closed; and events.
func crowd(t testing.TB, pool *pgxpool.Pool) {
	t.Helper()
	store := storeOn(t, pool)
	require.NoError(t, savePlan(t.Context(), store, newPlan(1)))
	require.NoError(t, savePlan(t.Context(), store, newPlan(2)))
	run(t, pool, `INSERT INTO assessplan_enrollments
		(id, org_id, plan_id, testee_id, round, start, zone, reconsented, status, planned, shifted_days, closable_from, created_at, version)
		SELECT md5('round-' || n)::uuid, 'clinic', $1, 'testee-' || n, 1, '2026-03-02', 'Europe/Berlin', false, 'active', 12, 0, $2, $2, 1
		FROM generate_series(1, $3::integer / 10) AS n`, text(newPlan(1).ID), start, backlog)
	run(t, pool, `INSERT INTO assessplan_tasks
		(id, org_id, plan_id, enrollment_id, testee_id, scale_code, seq, planned_date, planned_time, zone, planned_at, open_until,
		 revision, status, held, next_attempt_at, attempts, entry_serial, late, created_at, version)
		SELECT md5('task-' || n || '-' || seq)::uuid, 'clinic', $1, md5('round-' || n)::uuid, 'testee-' || n, 'PHQ-9', seq, '2026-03-02', 36000,
		       'Europe/Berlin', at, at + interval '3 days', 1, 'pending', false, at, 0, 0, false, $2, 1
		FROM generate_series(1, $3::integer / 10) AS n, generate_series(1, 12) AS seq,
		     LATERAL (SELECT CASE WHEN seq <= 10 THEN $2::timestamptz ELSE $2::timestamptz + interval '1 year' END AS at) AS planned`,
		text(newPlan(1).ID), start, backlog)
	run(t, pool, `INSERT INTO assessplan_outbox (event_id, subject, version, time, type, org_id, data)
		SELECT md5('event-' || n)::uuid, md5('round-' || n)::uuid, 1, $1, 'enrollment.created', 'clinic', '{}'
		FROM generate_series(1, $2::integer / 10) AS n`, start, backlog)
}

// enough is how many pages a claim of 500 tasks may touch that lie anywhere in a table: each has to be fetched, judged and
// locked; and the index on the way.
const enough = 3000

func TestAmidABacklog(t *testing.T) {
	pool := newDatabase(t)
	crowd(t, pool)
	run(t, pool, "ANALYZE")
	t.Run("a claim touches what it claims", func(t *testing.T) { claimTouchesWhatItClaims(t, pool) })
	t.Run("a host's transaction goes through the indexes", func(t *testing.T) { inAHostsTransaction(t, pool) })
}

func claimTouchesWhatItClaims(t *testing.T, pool *pgxpool.Pool) {
	half, third := placeAt(t, pool, backlog/2), placeAt(t, pool, backlog/3)

	t.Run("at the beginning, in the middle and at the end", func(t *testing.T) {
		for _, place := range []string{noID, half, placeAt(t, pool, backlog-1)} {
			require.Less(t, touched(t, pool, claims["findPendingTasks"], claimAfter(place)), enough)
		}
	})
	t.Run("unless the cursor is not searched for", func(t *testing.T) {
		const sought, passedOver = "(next_attempt_at, id) > ($5, $6)", "((next_attempt_at, id) > ($5, $6)) IS TRUE"
		require.Contains(t, claims["findPendingTasks"], sought)
		mutant := regexp.MustCompile(regexp.QuoteMeta(sought)).ReplaceAllLiteralString(claims["findPendingTasks"], passedOver)
		require.Greater(t, touched(t, pool, mutant, claimAfter(half)), 10*enough)
	})
	t.Run("behind what was opened since an old snapshot", func(t *testing.T) {
		forgotten := begin(t, again(t, pool), "BEGIN ISOLATION LEVEL REPEATABLE READ")
		defer func() { require.NoError(t, forgotten.Rollback(t.Context())) }()
		_, err := forgotten.Exec(t.Context(), "SELECT count(*) FROM assessplan_plans")
		require.NoError(t, err)
		run(t, pool, `UPDATE assessplan_tasks
			SET status = 'opened', next_attempt_at = NULL, open_at = $1, expire_at = $1 + interval '7 days', entry_serial = 1,
			    token_hash = sha256(id::text::bytea), version = 2
			WHERE status = 'pending' AND next_attempt_at = $1 AND id <= $2`, start, third)
		run(t, pool, "VACUUM assessplan_tasks") // which cannot remove what the snapshot sees
		require.Less(t, touched(t, pool, claims["findPendingTasks"], claimAfter(third)), enough)
		require.Greater(t, touched(t, pool, claims["findPendingTasks"], claimAfter(noID)), 5*enough, "without a cursor")
	})
}

func claimAfter(place string) []any { return []any{nil, nil, nil, start, start, place, 500} }

// placeAt is the ID of the nth due task.
func placeAt(t testing.TB, pool *pgxpool.Pool, n int) string {
	t.Helper()
	return ask[string](t, pool, `SELECT id::text FROM assessplan_tasks WHERE next_attempt_at <= $1 ORDER BY id OFFSET $2 LIMIT 1`, start, n)
}

var buffers = regexp.MustCompile(`Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?`)

// touched runs a statement and takes it back, and counts the pages that it looked into.
func touched(t testing.TB, pool *pgxpool.Pool, query string, args []any) (pages int) {
	t.Helper()
	tx := begin(t, pool, pgstore.BeginUpdate)
	defer func() { require.NoError(t, tx.Rollback(t.Context())) }()
	explained := explanation(t, tx, "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) "+query, args...)
	counts := buffers.FindStringSubmatch(explained)
	require.NotNil(t, counts, explained)
	for _, count := range counts[1:] {
		n, _ := strconv.Atoi("0" + count)
		pages += n
	}
	return pages
}

// inAHostsTransaction, which has not the settings of the planner, the statements still go to no table without an index. A claim
// may fetch and sort all that is due before it takes its page, and what a relay settles may be looked up by reading the outbox:
// passes and relays belong in transactions of their own.
func inAHostsTransaction(t *testing.T, pool *pgxpool.Pool) {
	ofAllRows := regexp.MustCompile(`Seq Scan on assessplan_(enrollments|tasks|outbox)`)
	look := func(name, query string, args []any) {
		for kind, explain := range planners {
			tx := begin(t, pool, "BEGIN")
			got := explain(t, tx, query, args)
			require.NoError(t, tx.Rollback(t.Context()))
			require.NotRegexp(t, ofAllRows, got, "%s: %s plan", name, kind)
		}
	}
	for name, way := range ways {
		ofAllTasks := name == "holdTasksOfPlan" || name == "releaseTasksOfPlan" // which are those of the one plan
		if !way.scans && !ofAllTasks && !strings.HasPrefix(way.through[0], "assessplan_outbox") {
			look(name, pgstore.Statements[name], way.args)
		}
	}
	for name, query := range claims {
		for scope, args := range scopes {
			look(name+" "+scope, query, append(slices.Clone(args), start, start, noID, 500))
		}
	}
	for name, update := range taskUpdates() {
		query, args := update()
		look("update tasks "+name, query, args)
	}
}
