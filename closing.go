package assessplan

import "context"

// closing closes rounds of which every task has ended, page by page. A round that is corrupt, or that the store refuses,
// costs itself only.
type closing struct {
	*run
	closed int
}

func (c *closing) walk(ctx context.Context) error {
	after := EndedCursor{}
	for limit := c.core.config.PageSize; ; {
		p, err := c.page(ctx, after, limit)
		switch {
		case err == nil:
			c.pages++
			c.closed += len(p.changes)
			limit = min(2*limit, c.core.config.PageSize)
		case !p.refused || !blamesTheRow(ctx, err):
			return err
		case limit > 1:
			limit = 1 // the next pages find the round that the store refuses
			continue
		default:
			p.fail(p.last.ID, FailureStore)
		}
		for _, failure := range p.failures {
			c.fail(ctx, TracedClosePage, failure)
		}
		if p.found == 0 || err == nil && p.found < p.limit {
			return ctx.Err()
		}
		after = p.last
	}
}

// closingPage is a page of rounds, in one transaction.
type closingPage struct {
	limit    int
	found    int
	org      OrgID // of the last round
	last     EndedCursor
	changes  []EnrollmentChange
	failures []TaskFailure
	refused  bool // the store did not take the rounds
}

func (p *closingPage) fail(id EnrollmentID, code FailureCode) {
	p.failures = append(p.failures, TaskFailure{Org: p.org, EnrollmentID: id, Code: code})
}

// page works on one page, as the Tracer sees it.
func (c *closing) page(ctx context.Context, after EndedCursor, limit int) (*closingPage, error) {
	return tracedPage(ctx, c.core, Work{Kind: TracedClosePage, Limit: limit}, func(ctx context.Context) (*closingPage, error) {
		return c.work(ctx, after, limit)
	})
}

func (p *closingPage) counts() (changed, failed int) { return len(p.changes), len(p.failures) }

func (c *closing) work(ctx context.Context, after EndedCursor, limit int) (*closingPage, error) {
	p := &closingPage{}
	err := c.core.store.Update(ctx, func(ctx context.Context, r Repositories) error {
		*p = closingPage{limit: limit}
		now := c.core.now()
		states, err := r.FindEndedEnrollments(ctx, EndedQuery{Before: now, After: after, Limit: limit, Scope: c.scope})
		if err != nil {
			return err
		}
		p.found = len(states)
		for _, state := range states {
			p.org, p.last = state.Org, EndedCursor{ClosableFrom: state.ClosableFrom, ID: state.ID}
			round, err := RestoreEnrollment(state)
			if err != nil {
				p.fail(state.ID, FailureCorrupt)
				continue
			}
			round.close(now)
			p.changes = append(p.changes, c.core.enrollmentChange(ctx, round, now))
		}
		if len(p.changes) == 0 {
			return nil
		}
		err = r.SaveEnrollments(ctx, p.changes)
		p.refused = err != nil
		return err
	})
	return p, err
}
