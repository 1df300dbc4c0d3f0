package crash_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// cutting is a service behind a proxy that cuts its COMMITs, and what its callers were told.
type cutting struct {
	*run
	proxy    *proxy
	service  *assessplan.Service
	direct   *assessplan.Service // which the proxy does not touch
	after    assessplan.TaskID   // of the tasks that commands were given for
	enrolled int
	promises map[assessplan.TaskID]promise
	found    faults
}

// promise is what a caller was told of a task.
type promise struct {
	status   assessplan.TaskStatus
	entry    string // of the entry that it was given; empty where an answer was lost that could have been about another
	reissues int    // that it asked for
}

// What else can be wrong.
const (
	faultAnswer = "a transaction that broke off was not reported as such, or another was"
	faultUndone = "a caller was told what is not so"
	faultMore   = "something was done more often than it was asked for"
)

func newCutting(t *testing.T, database, mutant string, cuts int, seed int64) *cutting {
	t.Helper()
	r := newRun(t, shape{database: database, tasks: max(5*cuts/roundTasks, 4) * roundTasks, pageSize: 20, batchSize: 20, seed: seed, lease: leastLease,
		mutant: mutant})
	c := &cutting{run: r, promises: map[assessplan.TaskID]promise{}, found: faults{}}
	proxy, through := databases[database].behind(t, r.job.Location)
	c.proxy = proxy
	c.direct = c.serveFrom(r.job.Location, func(store assessplan.Store) assessplan.Store { return store })
	c.service = c.serveFrom(through, func(store assessplan.Store) assessplan.Store { return &cutStore{mutated(mutant, store), c} })
	return c
}

// serveFrom opens a database for as long as the test runs, and makes a service over what is made of its store.
func (c *cutting) serveFrom(location string, over func(store assessplan.Store) assessplan.Store) *assessplan.Service {
	c.t.Helper()
	store, err := databases[c.database].open(c.t.Context(), location)
	require.NoError(c.t, err)
	c.t.Cleanup(func() { require.NoError(c.t, store.Close()) })
	publisher, err := openLedger(c.job.Ledger, 0)
	require.NoError(c.t, err)
	c.t.Cleanup(func() { require.NoError(c.t, publisher.file.Close()) })
	service, err := newService(over(store), &c.job, publisher, nil)
	require.NoError(c.t, err)
	return service
}

// cutStore compares what Update returns with what the proxy did.
type cutStore struct {
	assessplan.Store
	*cutting
}

func (s *cutStore) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	before := s.proxy.count()
	err := s.Store.Update(ctx, fn)
	wasCut, toldSo := s.proxy.count() > before, errors.Is(err, assessplan.ErrUnavailable)
	if wasCut != toldSo || errors.Is(err, assessplan.ErrConflict) {
		s.found.add(faultAnswer, "cut: %t, told: %v", wasCut, err)
	}
	return err
}

// work does one thing after another until so many COMMITs were cut.
func (c *cutting) work(cuts int, things ...func()) {
	c.t.Helper()
	for deadline := time.Now().Add(15 * time.Minute); c.proxy.count() < cuts; {
		require.True(c.t, time.Now().Before(deadline), "%d of %d COMMITs were cut", c.proxy.count(), cuts)
		c.proxy.set(cut{at: 1 + c.rng.IntN(2), stored: c.rng.IntN(3) > 0, abruptly: c.rng.IntN(2) == 0})
		things[c.rng.IntN(len(things))]()
	}
	c.proxy.set(cut{})
}

// told takes note of an error, and reports whether there was none.
func (c *cutting) told(doing string, err error) bool {
	if err != nil && !errors.Is(err, assessplan.ErrUnavailable) {
		c.found.add(faultAnswer, "%s: %v", doing, err)
	}
	return err == nil
}

func (c *cutting) open() {
	report, err := c.service.Scheduler.SchedulePendingTasks(c.t.Context(), time.Time{})
	c.told("open", err)
	for i := range report.Tasks {
		c.promises[report.Tasks[i].Task.ID] = promise{status: assessplan.Opened, entry: entryHash(report.Tasks[i])}
	}
}

func entryHash(opened assessplan.OpenedTask) string {
	token, _ := opened.Entry.Reveal()
	return hashText(assessplan.HashToken(token))
}

func (c *cutting) expire() {
	_, err := c.service.Scheduler.ExpireOverdueTasks(c.t.Context(), time.Time{})
	c.told("expire", err)
}

// relay first lets the leases end of what was claimed by a transaction that broke off.
func (c *cutting) relay() {
	c.setClock(c.now.Add(c.lease + time.Second))
	_, err := c.service.Relay.RelayEvents(c.t.Context())
	c.told("relay", err)
}

// next is an opened task that no command was given for, also one whose opening was not reported.
func (c *cutting) next() (task assessplan.TaskState, found bool) {
	c.t.Helper()
	page, err := c.direct.Manager.ListTasks(c.t.Context(), assessplan.TaskQuery{Org: clinic, Plan: c.job.Plan,
		Status: []assessplan.TaskStatus{assessplan.Opened}, After: c.after, Limit: 1})
	require.NoError(c.t, err)
	if len(page.Tasks) == 0 {
		return assessplan.TaskState{}, false
	}
	c.after = page.Tasks[0].ID
	return page.Tasks[0], true
}

func (c *cutting) complete() {
	c.end("complete", assessplan.Completed, func(id assessplan.TaskID) error {
		_, err := c.service.Manager.CompleteTask(c.t.Context(), clinic, id, assessplan.Submission{AssessmentID: assessplan.AssessmentID("sheet-" + id.String())})
		return err
	})
}

func (c *cutting) cancel() {
	c.end("cancel", assessplan.Canceled, func(id assessplan.TaskID) error {
		_, err := c.service.Manager.CancelTask(c.t.Context(), clinic, id, "holiday")
		return err
	})
}

// end gives a command until it is done.
func (c *cutting) end(doing string, status assessplan.TaskStatus, command func(id assessplan.TaskID) error) {
	if task, found := c.next(); found {
		for !c.told(doing, command(task.ID)) {
		}
		known := c.promises[task.ID]
		known.status = status
		c.promises[task.ID] = known
	}
}

// reissue asks once: to ask again would be to ask for another entry.
func (c *cutting) reissue() {
	if task, found := c.next(); found {
		opened, err := c.service.Manager.ReissueEntry(c.t.Context(), clinic, task.ID)
		known := promise{status: assessplan.Opened, reissues: 1}
		if c.told("reissue", err) {
			known.entry = entryHash(opened)
		}
		c.promises[task.ID] = known
	}
}

func (c *cutting) enroll() {
	c.enrolled++
	spec := assessplan.EnrollSpec{Org: clinic, Plan: c.job.Extra, Testee: assessplan.TesteeID(fmt.Sprintf("extra-%d", c.enrolled)), Start: extraStart}
	for {
		if _, err := c.service.Manager.Enroll(c.t.Context(), spec); c.told("enroll", err) {
			return
		}
	}
}

// untilOver opens what is left, without the proxy, and waits until every entry is over.
func (c *cutting) untilOver() {
	c.t.Helper()
	_, err := opens(c.t.Context(), c.direct)
	require.NoError(c.t, err)
	c.setClock(later(c.now, overAt))
}

// finish expires and relays what is left, without the proxy, and returns all that is wrong.
func (c *cutting) finish() faults {
	c.t.Helper()
	_, err := expires(c.t.Context(), c.direct)
	require.NoError(c.t, err)
	b := c.close()
	for fault, places := range b.audit() {
		c.found[fault] = append(c.found[fault], places...)
	}
	c.auditPromises(b)
	return c.found
}

func (c *cutting) auditPromises(b *books) {
	for i := range b.tasks {
		task := &b.tasks[i]
		known := c.promises[task.ID]
		if known.status.Ended() && task.Status != known.status {
			c.found.add(faultUndone, "task %s is %s, not %s", task.ID, task.Status, known.status)
		}
		if known.entry != "" && known.entry != hashText(task.TokenHash) {
			c.found.add(faultUndone, "task %s has another entry", task.ID)
		}
		if task.EntrySerial > 1+known.reissues {
			c.found.add(faultMore, "task %s has entry %d", task.ID, task.EntrySerial)
		}
	}
	if rounds := len(b.rounds) - c.tasks/roundTasks; rounds != c.enrolled {
		c.found.add(faultUndone, "%d rounds were enrolled, not %d", rounds, c.enrolled)
	}
}

// TestACommitWithoutAnAnswerIsNeitherLostNorRepeated cuts connections between COMMIT and its answer. The caller hears that
// nobody knows what became of it, and who asks again meets what was stored.
func TestACommitWithoutAnAnswerIsNeitherLostNorRepeated(t *testing.T) {
	onEach(t, servers, func(t *testing.T, database string) {
		cuts := 60
		if *longFlag {
			cuts = 2000
		}
		c := newCutting(t, database, "", cuts, newSeed(t))
		c.setClock(dueAt)
		c.work(cuts*3/4, c.open, c.relay, c.reissue, c.complete, c.cancel, c.enroll)
		c.untilOver()
		c.work(cuts, c.expire, c.relay)
		require.Empty(t, c.finish())
	})
}

// TestWithoutAGuardACommitWithoutAnAnswerIsMisjudged shows that the test can fail.
func TestWithoutAGuardACommitWithoutAnAnswerIsMisjudged(t *testing.T) {
	onEach(t, servers, func(t *testing.T, database string) {
		for mutant, fault := range map[string]string{runsAgain: faultMore, hopeful: faultUndone} {
			t.Run(mutant, func(t *testing.T) {
				const cuts = 60
				c := newCutting(t, database, mutant, cuts, newSeed(t))
				c.setClock(dueAt)
				c.work(cuts, c.open, c.reissue, c.complete)
				c.untilOver()
				found := c.finish()
				t.Logf("%v", found)
				require.Contains(t, found, fault)
			})
		}
	})
}
