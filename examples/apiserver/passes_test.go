package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/assessplan/assessplan/grpcapi/assessplanv1"
	"github.com/assessplan/assessplan/sqlstore/sqltest"
)

// watched is a database on Postgres that keeps count of every event that was ever stored, whoever relays it.
type watched struct {
	t    *testing.T
	url  string
	conn *pgx.Conn
}

func watch(t *testing.T) *watched {
	t.Helper()
	w := &watched{t: t, url: sqltest.Postgres(t)}
	var err error
	w.conn, err = pgx.Connect(t.Context(), w.url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.conn.Close(context.WithoutCancel(t.Context()))) })
	return w
}

// keepEvents copies what is written to the outbox from now on, and delays it.
func (w *watched) keepEvents(delay time.Duration) {
	w.t.Helper()
	_, err := w.conn.Exec(w.t.Context(), fmt.Sprintf(`
CREATE TABLE kept (event_id uuid, subject uuid, type text);
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO kept VALUES (NEW.event_id, NEW.subject, NEW.type);
	PERFORM pg_sleep(%f);
	RETURN NEW;
END $$;
CREATE TRIGGER keep BEFORE INSERT ON assessplan_outbox FOR EACH ROW EXECUTE FUNCTION keep()`, delay.Seconds()))
	require.NoError(w.t, err)
}

func (w *watched) count(query string) (n int) {
	w.t.Helper()
	require.NoError(w.t, w.conn.QueryRow(w.t.Context(), query).Scan(&n))
	return n
}

const opened = `SELECT count(*) FROM assessplan_tasks WHERE status = 'opened'`

// openedOnce: so many tasks were opened, each once, with a token and an event of its own.
func (w *watched) openedOnce(tasks int) {
	w.t.Helper()
	require.Equal(w.t, tasks, w.count(opened))
	require.Equal(w.t, tasks, w.count(`SELECT count(DISTINCT token_hash) FROM assessplan_tasks`))
	require.Equal(w.t, tasks, w.count(`SELECT count(*) FROM assessplan_tasks WHERE entry_serial = 1 AND version = 2`))
	for _, what := range []string{"*", "DISTINCT event_id", "DISTINCT subject"} {
		require.Equal(w.t, tasks, w.count(`SELECT count(`+what+`) FROM kept WHERE type LIKE '%task.opened'`), what)
	}
}

func TestManyCallersOfManyServersOpenEachTaskOnce(t *testing.T) {
	const callers, processes, due = 100, 4, 10_000
	database, tokens := watch(t), tokensFile(t)
	servers := make([]*server, processes)
	for i := range servers {
		args := []string{"--store", database.url, "--tokens", tokens}
		if i == 0 {
			args = append(args, "--seed-due", strconv.Itoa(due))
		}
		servers[i] = start(t, args...)
	}
	database.keepEvents(0)

	begin := time.Now()
	answers := make([]object, callers)
	var calls sync.WaitGroup
	for i := range answers {
		calls.Go(func() {
			status, answer, err := servers[i%processes].ask(token, "POST", "/api/v1/plans/tasks/schedule", nil)
			if err == nil && status == http.StatusOK {
				answers[i] = answer
			}
		})
	}
	calls.Wait()
	t.Logf("%d calls of %d servers opened %d tasks in %v", callers, processes, due, time.Since(begin).Round(time.Millisecond))

	total, shared := 0, 0
	for _, answer := range answers {
		require.NotNil(t, answer, "both of two calls at once answer 200")
		require.Zero(t, answer["failed_count"])
		if n := int(answer["opened_count"].(float64)); n > 0 {
			total, shared = total+n, shared+1
		}
	}
	require.Equal(t, due, total, "what the answers say adds up")
	require.Greater(t, shared, 1, "several calls had a share")
	database.openedOnce(due)
	require.Eventually(t, func() bool { return database.count(`SELECT count(*) FROM assessplan_outbox`) == 0 }, 30*time.Second, 20*time.Millisecond)
	published := map[string]int{}
	for _, s := range servers {
		s.stop()
		for id, times := range s.events("task.opened") {
			published[id] += times
		}
	}
	require.Len(t, published, due)
}

func TestAnInterruptInTheMiddleOfAPassLosesNothing(t *testing.T) {
	for name, pass := range map[string]func(t *testing.T, s *server) (opened int, err error){
		"REST over HTTP/1.1": passOverREST, "gRPC over h2c": passOverGRPC,
	} {
		t.Run(name, func(t *testing.T) {
			const due = 1000
			database, tokens := watch(t), tokensFile(t)
			first := start(t, "--store", database.url, "--tokens", tokens, "--seed-due", strconv.Itoa(due))
			database.keepEvents(time.Millisecond)
			type outcome struct {
				opened int
				err    error
			}
			answered := make(chan outcome, 1)
			go func() {
				opened, err := pass(t, first)
				answered <- outcome{opened, err}
			}()
			require.Eventually(t, func() bool { return database.count(opened) > 0 }, time.Minute, time.Millisecond)
			require.Less(t, database.count(opened), due, "the pass is under way")
			first.stop()
			got := <-answered
			require.NoError(t, got.err, "a request that was under way is answered")
			require.Equal(t, due, got.opened)
			database.openedOnce(due)

			published, left := first.events("task.opened"), database.count(`SELECT count(*) FROM assessplan_outbox WHERE type LIKE '%task.opened'`)
			require.Len(t, published, due-left, "what was published is settled, the rest waits")
			second := start(t, "--store", database.url, "--tokens", tokens)
			require.Eventually(t, func() bool { return database.count(`SELECT count(*) FROM assessplan_outbox`) == 0 }, 30*time.Second, 20*time.Millisecond)
			second.stop()
			for id := range second.events("task.opened") {
				require.NotContains(t, published, id)
				published[id]++
			}
			require.Len(t, published, due)
		})
	}
}

func passOverREST(_ *testing.T, s *server) (opened int, err error) {
	status, answer, err := s.ask(token, "POST", "/api/v1/plans/tasks/schedule", nil)
	if err != nil || status != http.StatusOK {
		return 0, fmt.Errorf("status %d: %w", status, err)
	}
	return int(answer["opened_count"].(float64)), nil
}

func passOverGRPC(t *testing.T, s *server) (opened int, err error) {
	conn, err := grpc.NewClient(s.address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	done := &assessplanv1.SchedulePendingTasksResponse{}
	err = call(t, conn, token, "TaskService/SchedulePendingTasks", &assessplanv1.SchedulePendingTasksRequest{}, done)
	return int(done.GetOpenedCount()), err
}
