package assessplan

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// workOff does what a command left to be done in a plan, page by page, until nothing is left or what is left fails, and
// tells of each page that is stored. Each page commits with the place that it came to, so that every task is done once
// however often this is interrupted, and if two do it at once.
func (m *Manager) workOff(ctx context.Context, org OrgID, id PlanID, told func(*workPage)) error {
	refused := map[TaskID]bool{}
	for limit := m.core.config.PageSize; ; {
		page, err := m.workPage(ctx, org, id, limit, refused)
		switch {
		case err == nil:
			told(page)
			if !page.more {
				return nil
			}
			limit = min(2*limit, m.core.config.PageSize)
		case !page.refused || !blamesTheRow(ctx, err) || len(refused) >= maxIsolated:
			return err
		case limit > 1:
			limit = 1 // the next pages find the task that the store refuses
		default:
			refused[page.last] = true
		}
	}
}

// blamesTheRow tells a store's refusal of what a row holds from what would meet any row: the end of ctx, a database out of
// reach, somebody else's change.
func blamesTheRow(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrConflict)
}

// workPage works on one page, as the Tracer sees it.
func (m *Manager) workPage(ctx context.Context, org OrgID, id PlanID, limit int, refused map[TaskID]bool) (*workPage, error) {
	return tracedPage(ctx, m.core, Work{Kind: TracedPlanPage, Limit: limit}, func(ctx context.Context) (*workPage, error) {
		return m.work(ctx, org, id, limit, refused)
	})
}

func (p *workPage) counts() (changed, failed int) { return p.canceled + p.shifted, len(p.failures) }

func (m *Manager) work(ctx context.Context, org OrgID, id PlanID, limit int, refused map[TaskID]bool) (*workPage, error) {
	var page *workPage
	err := m.core.store.Update(ctx, func(ctx context.Context, r Repositories) error {
		page = &workPage{core: m.core, r: r, limit: limit, skip: refused, now: m.core.now(),
			paused: map[EnrollmentID]bool{}}
		var err error
		if page.plan, err = m.lockPlan(ctx, r, org, id); err != nil {
			return err
		}
		return page.run(ctx)
	})
	if page == nil {
		page = &workPage{}
	}
	return page, err
}

// workPage is one page of a plan's work, in one transaction that holds the plan exclusively.
type workPage struct {
	core    *core
	r       Repositories
	plan    *AssessmentPlan
	limit   int
	skip    map[TaskID]bool
	now     time.Time
	last    TaskID
	refused bool // the store did not take the tasks
	more    bool // another page follows

	canceled, shifted int
	failures          []TaskFailure
	paused            map[EnrollmentID]bool // of the rounds whose tasks the page has met
}

func (p *workPage) run(ctx context.Context) error {
	var next uuid.UUID
	var err error
	switch p.plan.state.Work.Kind {
	case WorkNone:
		return nil
	case WorkCloseRounds:
		next, err = p.rounds(ctx)
	default:
		next, err = p.tasks(ctx)
	}
	if err != nil {
		return err
	}
	p.plan.advance(next)
	p.more = p.plan.state.Work.Kind != WorkNone
	if !p.more {
		if err := p.repeat(ctx); err != nil {
			return err
		}
	}
	return p.r.SavePlan(ctx, p.core.planChange(ctx, p.plan, p.now))
}

// repeat leaves the work to the next expiry pass, from its start, if a task of an ended plan could not be canceled.
func (p *workPage) repeat(ctx context.Context) error {
	kind, status := p.plan.state.canceling()
	if kind == WorkNone {
		return nil
	}
	left, err := p.r.ListTasks(ctx, TaskQuery{Org: p.plan.state.Org, Plan: p.plan.state.ID, Status: status, Limit: 1})
	if len(left) > 0 {
		p.plan.state.Work = PlanWork{Kind: kind}
	}
	return err
}

// tasks does the work on a page of tasks. It takes no lock on them: whoever changes one meanwhile changes its version.
func (p *workPage) tasks(ctx context.Context) (next uuid.UUID, err error) {
	work := p.plan.state.Work
	status := []TaskStatus{Pending}
	if work.Kind != WorkShift {
		_, status = p.plan.state.canceling()
	}
	states, err := p.r.ListTasks(ctx, TaskQuery{Org: p.plan.state.Org, Plan: p.plan.state.ID, Status: status,
		After: TaskID(work.After), Limit: p.limit})
	if err != nil {
		return next, err
	}
	var changed []*AssessmentTask
	for _, state := range states {
		p.last = state.ID
		task, err := p.task(ctx, state)
		if err != nil {
			return next, err
		}
		if task != nil {
			changed = append(changed, task)
		}
	}
	if err := p.core.saveTasks(ctx, p.r, changed, p.now); err != nil {
		p.refused = true
		return next, err
	}
	if len(states) == p.limit {
		next = uuid.UUID(p.last)
	}
	return next, nil
}

// task does the work on one task; nil says that it stays as it is.
func (p *workPage) task(ctx context.Context, state TaskState) (*AssessmentTask, error) {
	if p.skip[state.ID] {
		p.fail(state, FailureStore)
		return nil, nil
	}
	task, err := RestoreTask(state)
	if err != nil {
		p.fail(state, FailureCorrupt)
		return nil, nil
	}
	if p.plan.state.Work.Kind != WorkShift {
		p.canceled++
		return task, task.Cancel(p.plan.state.endReason(), p.plan.state.EndedAt)
	}
	paused, err := p.roundPaused(ctx, state)
	if errors.Is(err, ErrNotFound) {
		p.fail(state, FailureCorrupt)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := p.core.shift(task, p.plan.state, p.plan.state.Work.Days, paused, p.now); err != nil {
		p.fail(state, FailureDomain)
		return nil, nil
	}
	p.shifted++
	return task, nil
}

// roundPaused asks for each round once: the tasks of a round stand close together.
func (p *workPage) roundPaused(ctx context.Context, state TaskState) (bool, error) {
	if paused, known := p.paused[state.Enrollment]; known {
		return paused, nil
	}
	round, err := p.r.FindEnrollment(ctx, state.Org, state.Enrollment, LockNone)
	if err != nil {
		return false, err
	}
	p.paused[state.Enrollment] = round.Status != EnrollmentStatusActive
	return p.paused[state.Enrollment], nil
}

func (p *workPage) fail(state TaskState, code FailureCode) {
	p.failures = append(p.failures, TaskFailure{Org: state.Org, TaskID: state.ID, Code: code})
}

// rounds lets the rounds of an ended plan be closed as soon as their tasks have ended, however far off those were planned.
func (p *workPage) rounds(ctx context.Context) (next uuid.UUID, err error) {
	states, err := p.r.ListEnrollments(ctx, EnrollmentQuery{Org: p.plan.state.Org, Plan: p.plan.state.ID,
		Status: []EnrollmentStatus{EnrollmentStatusActive, EnrollmentStatusPaused},
		After:  EnrollmentID(p.plan.state.Work.After), Limit: p.limit})
	if err != nil {
		return next, err
	}
	var changes []EnrollmentChange
	for _, state := range states {
		next = uuid.UUID(state.ID)
		if state.ClosableFrom.After(p.plan.state.EndedAt) {
			state.ClosableFrom = p.plan.state.EndedAt
			changes = append(changes, EnrollmentChange{State: state, Was: state.Version})
		}
	}
	if len(states) < p.limit {
		next = uuid.UUID{}
	}
	return next, p.r.SaveEnrollments(ctx, changes)
}

// shift moves the date of a pending task by days and resolves it again.
func (c *core) shift(task *AssessmentTask, plan PlanState, days int, held bool, now time.Time) error {
	zone, err := c.zones.load(task.state.Zone)
	if err != nil {
		return err
	}
	return task.Reschedule(Planning{Date: task.state.Date.AddDays(days), Time: task.state.Time, Zone: zone,
		Windows: plan.Windows, Held: held}, now)
}
