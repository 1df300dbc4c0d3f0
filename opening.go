package assessplan

import (
	"context"
	"time"
)

// opening is a pass that opens what is due.
type opening struct {
	*run
	report *ScheduleReport
	size   int                   // of the next page; shrinks where the generator is slow
	asked  []askedEntry          // of the transaction that is under way
	kept   map[TaskID]askedEntry // of transactions that did not commit
}

// askedEntry is what the generator answered for one version of a task. It is asked once in a run.
type askedEntry struct {
	task    TaskID
	version int64
	made    madeEntry
}

func (o *opening) work(ctx context.Context) error {
	o.size = o.core.config.PageSize
	sweep := &sweep{run: o.run, kind: TracedOpenPage, judge: o.judge, commit: o.commit, limit: o.limit,
		find: func(ctx context.Context, r Repositories, q DueQuery) ([]TaskState, error) {
			return r.FindPendingTasks(ctx, q)
		},
		at: func(task TaskState) time.Time { return task.NextAttemptAt },
	}
	return sweep.walk(ctx)
}

func (o *opening) limit() int {
	if most := o.core.config.MaxTasks; most > 0 {
		return min(o.size, most-o.report.Opened)
	}
	return o.size
}

// judge opens what can be opened, ends what was missed, and puts off what failed.
func (o *opening) judge(ctx context.Context, p *page) error {
	ready := make([]*AssessmentTask, 0, len(p.tasks))
	for _, task := range p.tasks {
		if task.missed(p.now) {
			if err := task.Expire(MissedWindow, p.now); err != nil {
				return err
			}
			p.changed = append(p.changed, task)
		} else if task.Openable(p.now) != nil {
			p.isolate(task.state, FailureDomain)
		} else {
			ready = append(ready, task)
		}
	}
	made, err := o.entries(ctx, ready, p.now)
	if err != nil {
		return err
	}
	o.pace(p, ready, len(made))
	for i, made := range made {
		if err := o.open(p, ready[i], made); err != nil {
			return err
		}
	}
	return nil
}

// open applies the outcome of a call of the generator.
func (o *opening) open(p *page, task *AssessmentTask, made madeEntry) error {
	p.changed = append(p.changed, task)
	code := made.failure
	if code == "" {
		if task.Open(made.entry, p.now) == nil {
			return nil
		}
		code = FailureEntry
	}
	p.fail(task.state, code)
	return task.Defer(code, later(p.now, o.before).Add(o.core.retryDelay(task.state.Attempts)), p.now)
}

// pace makes pages smaller where the budget ran out, and larger again where it did not.
func (o *opening) pace(p *page, ready []*AssessmentTask, started int) {
	if started == len(ready) {
		o.size = min(2*o.size, o.core.config.PageSize)
		return
	}
	last := ready[started-1].state
	p.last = DueCursor{At: last.NextAttemptAt, ID: last.ID}
	o.size = started
}

// entries returns what the generator answers for the first of tasks, in their order, asking only for what it was not asked
// for before in this run.
func (o *opening) entries(ctx context.Context, tasks []*AssessmentTask, now time.Time) ([]madeEntry, error) {
	o.keep()
	missing := tasks
	if len(o.kept) > 0 {
		missing = nil
		for _, task := range tasks {
			if kept, ok := o.kept[task.state.ID]; !ok || kept.version != task.state.Version {
				missing = append(missing, task)
			}
		}
	}
	fresh, err := o.core.entries.make(ctx, missing, now)
	for i, made := range fresh {
		o.asked = append(o.asked, askedEntry{task: missing[i].state.ID, version: missing[i].state.Version, made: made})
	}
	if err != nil || len(missing) == len(tasks) {
		return fresh, err
	}
	return o.merge(tasks, fresh), nil
}

// merge puts kept and fresh answers into the order of tasks, up to the first that has neither.
func (o *opening) merge(tasks []*AssessmentTask, fresh []madeEntry) []madeEntry {
	var all []madeEntry
	for _, task := range tasks {
		if kept, ok := o.kept[task.state.ID]; ok && kept.version == task.state.Version {
			all = append(all, kept.made)
			continue
		}
		if len(fresh) == 0 {
			break
		}
		all, fresh = append(all, fresh[0]), fresh[1:]
	}
	return all
}

// keep remembers the answers of a transaction that did not commit.
func (o *opening) keep() {
	for _, asked := range o.asked {
		if o.kept == nil {
			o.kept = map[TaskID]askedEntry{}
		}
		o.kept[asked.task] = asked
	}
	o.asked = o.asked[:0]
}

func (o *opening) commit(_ context.Context, p *page) {
	o.asked = o.asked[:0]
	for _, task := range p.changed {
		delete(o.kept, task.state.ID)
		switch task.state.Status {
		case Opened:
			o.report.Opened++
			o.list(task)
		case Expired:
			o.report.Missed++
		}
	}
}

func (o *opening) list(task *AssessmentTask) {
	if len(o.report.Tasks) < o.core.config.ReportLimit {
		o.report.Tasks = append(o.report.Tasks, openedTask(task))
	}
}

// openedTask is a task that was just stored as opened or reissued, with the entry that it got.
func openedTask(task *AssessmentTask) OpenedTask {
	opened := OpenedTask{Task: task.State()}
	opened.Task.Version++
	switch fact := task.facts[len(task.facts)-1].(type) {
	case *TaskOpened:
		opened.Entry = fact.entry
	case *TaskEntryReissued:
		opened.Entry = fact.entry
	}
	opened.Entry.expireAt = opened.Task.ExpireAt
	return opened
}

// close fills in the report what only the end of the run can tell.
func (o *opening) close(ctx context.Context, err error) *ScheduleReport {
	report := o.report
	report.Failed, report.Failures, report.Skipped = o.failed, o.failures, o.skipped
	report.Retries, report.Pages = o.retries, o.pages
	report.More = err != nil || ctx.Err() != nil
	if ctx.Err() == nil {
		o.look(ctx)
	}
	report.Duration = o.core.now().Sub(o.started)
	return report
}

// look asks the store what is left.
func (o *opening) look(ctx context.Context) {
	q := DueQuery{Before: o.before, Now: o.core.now(), Limit: len(o.isolated) + 1, Scope: o.scope}
	err := o.core.store.View(ctx, func(ctx context.Context, r Repositories) error {
		var err error
		if o.report.OldestDueAt, err = r.OldestDue(ctx, q); err != nil || o.limit() > 0 {
			return err
		}
		left, err := r.FindPendingTasks(ctx, q)
		for _, task := range left {
			o.report.More = o.report.More || !o.isolated[task.ID]
		}
		return err
	})
	if err != nil {
		o.report.More = true
	}
}

// retryDelay is after how long a task is tried again that failed so often before.
func (c *core) retryDelay(failures int) time.Duration {
	return doubled(c.config.RetryDelay, failures, c.config.MaxRetryDelay)
}
