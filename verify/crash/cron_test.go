package crash_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/cronworker"
)

// cron works as processes of hosts do, by a timetable: it opens, expires and relays.
func (w *worker) cron(ctx context.Context) {
	trigger, err := cronworker.New(w.service, &cronworker.Config{Schedule: "@every 1s", Expire: "@every 1s", Jitter: time.Second, StopTimeout: 30 * time.Second})
	if err != nil {
		w.fault("cron", err)
		return
	}
	if err := trigger.Run(ctx); err != nil {
		w.fault("cron", err)
	}
	for job, status := range map[cronworker.Job]cronworker.JobStatus{cronworker.Schedule: trigger.Status().Schedule, cronworker.Expire: trigger.Status().Expire} {
		if status.Runs == 0 || status.Failures > 0 {
			w.count(func(t *tally) { t.Unsound += string(job) + " " + status.LastError + ";" })
		}
	}
}

// countPass counts what passes did that the worker did not begin itself.
func (w *worker) countPass(o assessplan.Observation) {
	switch o := o.(type) {
	case *assessplan.ScheduleFinished:
		w.count(func(t *tally) { t.Opened += o.Report.Opened })
		w.judge("open", o.Err)
	case *assessplan.ExpireFinished:
		w.count(func(t *tally) { t.Ended += o.Report.Expired })
		w.judge("expire", o.Err)
	}
}

// cronWorkers is a run of four of them, none of which leads, and of which all but one die, one after the other.
func cronWorkers(t *testing.T, mutant string) shape {
	t.Helper()
	s := killing("postgres", newSeed(t))
	s.cron, s.dwindles, s.kills, s.tasks, s.pageSize, s.latency, s.mutant = true, true, 3, 600, 20, 10*time.Millisecond, mutant
	if *longFlag && mutant == "" {
		s.dwindles, s.kills, s.tasks, s.within = false, 100, 20_000, 25*time.Minute
	}
	return s
}

// TestCronWorkersShareOneDatabase has four processes with a cronworker each. Nobody dies, so that what each did is known: none was
// idle, be it that it opened, expired or relayed, which is left to chance; and no task was opened by two.
func TestCronWorkersShareOneDatabase(t *testing.T) {
	t.Parallel()
	s := sharing("postgres")
	s.cron, s.tasks = true, 500
	r := newRun(t, s)
	b := r.toTheEnd()
	require.Empty(t, b.audit())
	opened := 0
	for _, tally := range r.tallies {
		opened += tally.Opened
		require.Empty(t, tally.Unsound)
		require.Positive(t, tally.Opened+tally.Ended+tally.Published, "a worker did nothing")
	}
	require.Equal(t, s.tasks, opened)
}

// TestTheOtherCronWorkersGoOn kills one after the other, until one is left, which does the rest.
func TestTheOtherCronWorkersGoOn(t *testing.T) {
	t.Parallel()
	s := cronWorkers(t, "")
	r := newRun(t, s)
	b := r.toTheEnd()
	t.Logf("%d kills, %d deliveries, %d of them again, %d torn", r.killed, len(b.deliveries), again(b.deliveries), r.ledger.torn)
	require.Empty(t, b.audit())
	require.Equal(t, s.kills, r.killed)
	if s.dwindles {
		require.Len(t, r.tallies, s.processes-s.kills)
	}
}

// TestWithoutAGuardTheBooksOfCronWorkersDoNotBalance shows that both can fail.
func TestWithoutAGuardTheBooksOfCronWorkersDoNotBalance(t *testing.T) {
	for mutant, fault := range map[string]string{settledFirst: faultLost, lastWins: faultEntry} {
		t.Run(mutant, func(t *testing.T) {
			t.Parallel()
			s, found := cronWorkers(t, mutant), faults{}
			s.tasks = 300
			for last := s.seed + 4; found[fault] == nil && s.seed <= last; s.seed++ {
				found = newRun(t, s).toTheEnd().audit()
			}
			require.Contains(t, found, fault)
		})
	}
}
