package assessplan

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
)

// run is one pass: what it was asked for, and what it remembers until it ends.
type run struct {
	core     *core
	id       uuid.UUID
	started  time.Time
	before   time.Time
	scope    Scope
	isolated map[TaskID]bool // tasks that failed in a way that another try in this run would not change
	retries  int
	pages    int
	skipped  int
	failed   int
	failures []TaskFailure
}

// maxIsolated bounds what a run remembers. A store with more damaged tasks than that is itself damaged.
const maxIsolated = 10_000

// finish tells a run that broke from one that was told to stop.
func (r *run) finish(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (r *run) fail(ctx context.Context, page WorkTraced, failure TaskFailure) {
	r.failed++
	if len(r.failures) < r.core.config.ReportLimit {
		r.failures = append(r.failures, failure)
	}
	r.core.observe(ctx, &TaskFailed{Failure: failure, Page: page})
}

// page is a set of claimed tasks and what is to become of them, in one transaction. Nothing of it counts before the commit.
type page struct {
	now      time.Time
	tasks    []*AssessmentTask // restored, in order
	changed  []*AssessmentTask // to be stored
	failures []TaskFailure     // tasks that stay in the report as failed
	isolated []TaskID          // those among them that are not to be claimed again
	found    int               // how many rows the claim returned
	last     DueCursor         // where the next page begins; zero after the last row
	saving   error             // why the store refused the page
	skipped  bool              // of a page of one task: somebody else changed it since it was claimed
}

// sweep walks through the tasks that a query finds and lets judge decide on each page.
type sweep struct {
	*run
	kind   WorkTraced // of the pages
	find   func(ctx context.Context, r Repositories, q DueQuery) ([]TaskState, error)
	at     func(TaskState) time.Time // the instant by which find orders
	judge  func(ctx context.Context, p *page) error
	commit func(ctx context.Context, p *page) // counts what was stored
	limit  func() int                         // of the next page; 0 ends the sweep

	// The tasks of the present page and what is stored of them, in memory that every page uses again.
	block   []AssessmentTask
	changes []TaskChange
	batch   eventBatch
}

// walk works page by page until a walk from the very start ends nothing but in failures. The cursor keeps pages flat while
// an old snapshot makes the database walk over what is done already; the last walk picks up what appeared behind the cursor.
func (s *sweep) walk(ctx context.Context) error {
	for {
		changed, err := s.walkOnce(ctx)
		if err != nil || !changed || s.limit() == 0 {
			return err
		}
	}
}

func (s *sweep) walkOnce(ctx context.Context) (changed bool, err error) {
	for cursor := (DueCursor{}); ; {
		limit := s.limit()
		if limit == 0 {
			return changed, nil
		}
		p, err := s.page(ctx, cursor, limit)
		if err != nil {
			return changed, err
		}
		if ctx.Err() != nil {
			return changed, ctx.Err()
		}
		changed = changed || slices.ContainsFunc(p.changed, (*AssessmentTask).left)
		if p.found < limit && p.last == (DueCursor{}) {
			return changed, nil
		}
		cursor = p.last
	}
}

// page works on one page, as the Tracer sees it.
func (s *sweep) page(ctx context.Context, after DueCursor, limit int) (*page, error) {
	return tracedPage(ctx, s.core, Work{Kind: s.kind, Limit: limit}, func(ctx context.Context) (*page, error) {
		return s.work(ctx, after, limit)
	})
}

// work claims, judges and stores one page; if the store refuses it, each of its tasks for itself.
func (s *sweep) work(ctx context.Context, after DueCursor, limit int) (*page, error) {
	var p *page
	runs := 0
	err := s.core.store.Update(ctx, func(ctx context.Context, r Repositories) error {
		runs++
		p = &page{now: s.core.now()}
		states, err := s.find(ctx, r, DueQuery{Before: s.before, Now: p.now, After: after, Limit: limit, Scope: s.scope})
		if err != nil {
			return err
		}
		s.block = slices.Grow(s.block[:0], len(states))[:len(states)]
		s.restore(p, states, s.block)
		if len(states) == limit {
			p.last = DueCursor{At: s.at(states[limit-1]), ID: states[limit-1].ID}
		}
		return s.decide(ctx, r, p)
	})
	s.retries += max(0, runs-1)
	if err != nil && (p == nil || p.saving == nil || ctx.Err() != nil || errors.Is(err, ErrUnavailable)) {
		return nil, err
	}
	if err != nil {
		if p, err = s.singly(ctx, p); err != nil {
			return nil, err
		}
	}
	s.settle(ctx, p)
	if len(s.isolated) > maxIsolated {
		return nil, errorf(ErrCorrupt, "more than %d tasks cannot be judged or stored", maxIsolated)
	}
	return p, nil
}

// restore takes up what was claimed, into a block; what is corrupt costs itself only.
func (s *sweep) restore(p *page, states []TaskState, block []AssessmentTask) {
	p.found = len(states)
	p.tasks = make([]*AssessmentTask, 0, len(states))
	for i := range states { // by place: a state is half a kilobyte
		state := &states[i]
		if s.isolated[state.ID] {
			continue
		}
		if state.validate() != nil {
			p.isolate(*state, FailureCorrupt)
			continue
		}
		block[i].state, block[i].facts = *state, nil
		p.tasks = append(p.tasks, &block[i])
	}
}

// left reports whether the task is no longer what the sweep looks for: what failed may still be, if the clock went back.
func (t *AssessmentTask) left() bool { return t.state.Status != Pending }

// counts leaves out what was put off: it still is pending.
func (p *page) counts() (changed, failed int) {
	for _, task := range p.changed {
		if task.left() {
			changed++
		}
	}
	return changed, len(p.failures)
}

func (p *page) fail(state TaskState, code FailureCode) {
	p.failures = append(p.failures, TaskFailure{Org: state.Org, TaskID: state.ID, Code: code})
}

func (p *page) isolate(state TaskState, code FailureCode) {
	p.fail(state, code)
	p.isolated = append(p.isolated, state.ID)
}

// decide judges a page and stores what changed.
func (s *sweep) decide(ctx context.Context, r Repositories, p *page) error {
	if err := s.judge(ctx, p); err != nil || len(p.changed) == 0 {
		return err
	}
	s.batch.reset(len(p.changed))
	s.batch.traceParent = s.core.traceParent(ctx)
	s.changes = s.core.taskChanges(s.changes[:0], &s.batch, p.changed, p.now)
	p.saving = r.SaveTasks(ctx, s.changes)
	return p.saving
}

// singly stores the tasks of a refused page one by one, so that the one that is to blame does not keep the others.
func (s *sweep) singly(ctx context.Context, refused *page) (*page, error) {
	whole := &page{now: refused.now, found: refused.found, last: refused.last, isolated: refused.isolated}
	for _, failure := range refused.failures {
		if slices.Contains(refused.isolated, failure.TaskID) {
			whole.failures = append(whole.failures, failure)
		}
	}
	var lastErr error
	for _, task := range refused.changed {
		one, err := s.single(ctx, task)
		switch {
		case err == nil: // also if ctx ended meanwhile: it is stored
			if one.skipped {
				s.skipped++
			}
			whole.changed = append(whole.changed, one.changed...)
			whole.failures = append(whole.failures, one.failures...)
			whole.isolated = append(whole.isolated, one.isolated...)
		case ctx.Err() != nil || errors.Is(err, ErrUnavailable):
			s.settle(ctx, whole)
			return nil, err
		default:
			whole.isolate(task.state, FailureStore)
			lastErr = err
		}
	}
	if len(whole.changed) == 0 && len(refused.changed) > 1 && lastErr != nil {
		return nil, lastErr // not one task was accepted: it is the store that is at fault
	}
	return whole, nil
}

// single judges and stores one task, if it is still as it was claimed.
func (s *sweep) single(ctx context.Context, claimed *AssessmentTask) (*page, error) {
	var p *page
	err := s.core.store.Update(ctx, func(ctx context.Context, r Repositories) error {
		p = &page{now: s.core.now()}
		state, err := r.FindTask(ctx, claimed.state.Org, claimed.state.ID)
		if err != nil {
			return err
		}
		if state.Version != claimed.state.Version {
			p.skipped = true
			return nil
		}
		s.restore(p, []TaskState{state}, make([]AssessmentTask, 1))
		return s.decide(ctx, r, p)
	})
	return p, err
}

// settle counts a page that is stored.
func (s *sweep) settle(ctx context.Context, p *page) {
	s.pages++
	for _, id := range p.isolated {
		s.isolated[id] = true
	}
	for _, failure := range p.failures {
		s.fail(ctx, s.kind, failure)
	}
	s.commit(ctx, p)
}
