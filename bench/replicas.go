package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/assessplan/assessplan"
)

// replicaMeasure has 1, 2 and 4 replicas work on one database and one stream while testees hand in sheets, and then 4 of which
// one is killed in the middle. Every lap ends with every task opened once, and every event in the stream once, or it fails.
func replicaMeasure(ctx context.Context, s settings, out *table) error {
	if err := s.checkDatabases(); err != nil {
		return err
	}
	db, err := newPostgres(ctx, s.postgres)
	if err != nil {
		return err
	}
	defer db.close(ctx)
	if err := db.fill(ctx, s.due, s.pending); err != nil {
		return err
	}
	r := &replicaRace{settings: s, db: db, out: out, sheets: s.due / perRound}
	out.note(fmt.Sprintf("%s to open of %s pending, beside %d sheets a second; %d connections a replica", thousands(float64(s.due-r.sheets)),
		thousands(float64(s.pending)), callsPerSecond, replicaConnections))
	laps := map[int]replicaLap{}
	for _, n := range []int{1, 2, 4} {
		if laps[n], err = r.rounds(ctx, n, false); err != nil {
			return fmt.Errorf("%d replicas: %w", n, err)
		}
		r.show(laps[n], laps[1])
	}
	killed, err := r.rounds(ctx, 4, true)
	if err != nil {
		return fmt.Errorf("4 replicas, one killed: %w", err)
	}
	r.showKilled(killed, laps[4])
	return nil
}

// replicaRace is what the laps share.
type replicaRace struct {
	settings
	db     *postgres
	out    *table
	sheets int // that may be handed in
}

// replicaLap is what was seen in one lap; of several it is the medians, and of connections and sinceKill the most.
type replicaLap struct {
	replicas       int
	opened         time.Duration // until all that was due was opened
	streamed       time.Duration // until all events of that were in the stream
	others         time.Duration // until all were there but one batch, which is what a replica that is killed can have in its hands
	sinceKill      time.Duration // from when one was killed until all were there
	connections    int           // at most
	idle, underWay latencies
}

func (r *replicaRace) rounds(ctx context.Context, replicas int, kill bool) (replicaLap, error) {
	sum := replicaLap{replicas: replicas}
	var opened, streamed, others []time.Duration
	for range r.settings.rounds {
		lap, err := r.lap(ctx, replicas, kill)
		if err != nil {
			return sum, err
		}
		opened, streamed, others = append(opened, lap.opened), append(streamed, lap.streamed), append(others, lap.others)
		sum.sinceKill = max(sum.sinceKill, lap.sinceKill)
		sum.connections = max(sum.connections, lap.connections)
		sum.idle.add(lap.idle)
		sum.underWay.add(lap.underWay)
	}
	sum.opened, sum.streamed, sum.others = median(opened), median(streamed), median(others)
	return sum, nil
}

// lap has a number of replicas do everything once.
func (r *replicaRace) lap(ctx context.Context, replicas int, kill bool) (lap replicaLap, err error) {
	c := &callers{client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	defer c.client.CloseIdleConnections()
	if c.sheets, err = r.stage(ctx); err != nil {
		return lap, err
	}
	stream, err := newStreamed(ctx, r.nats)
	if err != nil {
		return lap, err
	}
	defer func() { err = errors.Join(err, stream.close()) }()
	f, err := startFleet(ctx, replicas, replicaOrder{Postgres: r.postgres, Database: r.db.name, NATS: r.nats, Stream: stream.name,
		Began: time.Now(), Hurry: max(r.hurry, 1)})
	if err != nil {
		return lap, err
	}
	defer func() { err = errors.Join(err, f.stop()) }()
	w := &replicaWatch{race: r, stream: stream, fleet: f, kill: kill}
	lap.idle = c.run(ctx, w.called(), r.sheets/10)
	if err := w.run(ctx, c, &lap); err != nil {
		return lap, err
	}
	completed := len(lap.idle.complete) + len(lap.underWay.complete)
	return lap, errors.Join(errors.Join(c.errs...), w.settled(ctx), r.audit(ctx, completed), stream.audit(ctx, r.due-r.sheets, completed))
}

// stage sets everything back, and opens the tasks whose sheets are handed in.
func (r *replicaRace) stage(ctx context.Context) (sheets []sheet, err error) {
	if err := r.db.exec(ctx, `UPDATE assessplan_tasks SET status = 'opened', assessment_id = NULL, submitted_at = NULL, ended_at = NULL, end_reason = NULL
WHERE status = 'completed'`); err != nil {
		return nil, err
	}
	if err := r.db.reset(ctx); err != nil {
		return nil, err
	}
	b, err := newBed(r.db.store(), &assessplan.Config{MaxTasks: r.sheets, ReportLimit: r.sheets})
	if err != nil {
		return nil, err
	}
	b.clock.now = morning
	report, err := b.service.Scheduler.SchedulePendingTasks(ctx, time.Time{})
	if err != nil {
		return nil, err
	}
	for _, opened := range report.Tasks {
		token, _ := opened.Entry.Reveal()
		sheets = append(sheets, sheet{opened.Task.ID, token})
	}
	if len(sheets) != r.sheets {
		return nil, fmt.Errorf("opened %d tasks of %d", len(sheets), r.sheets)
	}
	return sheets, r.db.exec(ctx, pgReset[1:]...)
}

// audit is what the database must have in the end.
func (r *replicaRace) audit(ctx context.Context, completed int) error {
	var opened, done, again int
	const query = `SELECT COUNT(*) FILTER (WHERE status = 'opened'), COUNT(*) FILTER (WHERE status = 'completed'), COUNT(*) FILTER (WHERE entry_serial > 1)
FROM assessplan_tasks`
	if err := r.db.pool.QueryRow(ctx, query).Scan(&opened, &done, &again); err != nil {
		return err
	}
	if opened != r.due-completed || done != completed || again > 0 {
		return fmt.Errorf("%d tasks are opened, %d completed and %d have a second entry; want %d, %d and none", opened, done, again, r.due-completed, completed)
	}
	return nil
}

func (r *replicaRace) show(lap, one replicaLap) {
	n, beside := r.due-r.sheets, "1 replica"
	what := fmt.Sprintf("%d replicas: ", lap.replicas)
	against := func(baseline string) string { return baseline }
	if lap.replicas == 1 {
		what, beside, against = "1 replica: ", "", func(string) string { return "" }
	}
	r.out.add(line{what: what + "tasks opened", reached: rate(n, lap.opened, "tasks"), beside: beside,
		baseline: against(rate(n, one.opened, "tasks")), ratio: against(ratio(one.opened, lap.opened))})
	r.out.add(line{what: what + "events in the stream", reached: rate(n, lap.streamed, "events"), beside: beside,
		baseline: against(rate(n, one.streamed, "events")), ratio: against(ratio(one.streamed, lap.streamed))})
	r.showCalls(what+"resolve, p50 and p99", lap.underWay.resolve, lap.idle.resolve)
	r.showCalls(what+"complete, p50 and p99", lap.underWay.complete, lap.idle.complete)
	r.out.add(line{what: what + "connections of the database, at most", reached: fmt.Sprint(lap.connections)})
}

func (r *replicaRace) showCalls(what string, underWay, idle []time.Duration) {
	if len(underWay) == 0 || len(idle) == 0 {
		return // all was opened before the first call
	}
	both := func(took []time.Duration) string { return short(quantile(took, 50)) + ", " + short(quantile(took, 99)) }
	r.out.add(line{what: what, reached: both(underWay), beside: "before the pass", baseline: both(idle),
		ratio: times(quantile(underWay, 50), quantile(idle, 50))})
}

func (r *replicaRace) showKilled(killed, undisturbed replicaLap) {
	n, beside := r.due-r.sheets, "4 replicas, none killed"
	r.out.add(line{what: "one of 4 killed: tasks opened", reached: rate(n, killed.opened, "tasks"), beside: beside,
		baseline: rate(n, undisturbed.opened, "tasks"), ratio: ratio(undisturbed.opened, killed.opened)})
	r.out.add(line{what: "one of 4 killed: all events but a batch", reached: rate(n-relayBatch, killed.others, "events"), beside: beside,
		baseline: rate(n-relayBatch, undisturbed.others, "events"), ratio: ratio(undisturbed.others, killed.others)})
	r.out.add(line{what: "one of 4 killed: the last event, at most", reached: killed.sinceKill.Round(time.Second / 10).String(),
		beside: "the lease", baseline: relayLease.String()})
}

// What a relay has by default.
const (
	relayBatch = 100
	relayLease = 2 * time.Minute
)
