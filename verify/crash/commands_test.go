package crash_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/assessplan/assessplan"
)

const (
	clinic      = assessplan.OrgID("clinic")
	extraRounds = 40 // that the workers make meanwhile
	extraTasks  = 3  // of each; they stay pending
)

// extraStart lies after everything that a run does.
var extraStart = assessplan.CivilDate{Year: 2026, Month: 6, Day: 1}

// commands are what people do meanwhile. Every worker picks the same tasks and does the same to them, so that they race.
type commands struct {
	*worker
	after    assessplan.TaskID
	first    int // of the extra rounds: each worker begins with another
	enrolled int // how many it has asked for
}

func newCommands(w *worker) *commands { return &commands{worker: w, first: rand.N(extraRounds)} }

// next goes through a page of opened tasks, and enrolls somebody until all are.
func (c *commands) next(ctx context.Context) bool {
	page, err := c.service.Manager.ListTasks(ctx, assessplan.TaskQuery{Org: clinic, Plan: c.job.Plan,
		Status: []assessplan.TaskStatus{assessplan.Opened}, After: c.after, Limit: 200})
	if err != nil {
		c.judge(ctx, "list", err)
		return false
	}
	c.after = page.Next
	for i := range page.Tasks {
		if ctx.Err() == nil {
			c.command(ctx, &page.Tasks[i])
		}
	}
	c.enroll(ctx)
	return !page.Next.IsZero() || c.enrolled < extraRounds
}

// command completes one task of 64, cancels one, gives one a new entry, and leaves the others alone.
func (c *commands) command(ctx context.Context, task *assessplan.TaskState) {
	var err error
	doing := ""
	switch task.ID[15] % 64 {
	case 0:
		doing = "complete"
		_, err = c.service.Manager.CompleteTask(ctx, clinic, task.ID, assessplan.Submission{AssessmentID: assessplan.AssessmentID("sheet-" + task.ID.String())})
	case 1:
		doing = "cancel"
		_, err = c.service.Manager.CancelTask(ctx, clinic, task.ID, "holiday")
	case 2:
		if task.EntrySerial > 1 {
			return
		}
		doing = "reissue"
		_, err = c.service.Manager.ReissueEntry(ctx, clinic, task.ID)
	default:
		return
	}
	c.judge(ctx, doing, err)
}

func (c *commands) enroll(ctx context.Context) {
	if c.enrolled == extraRounds {
		return
	}
	testee := assessplan.TesteeID(fmt.Sprintf("extra-%d", (c.first+c.enrolled)%extraRounds))
	c.enrolled++
	_, err := c.service.Manager.Enroll(ctx, assessplan.EnrollSpec{Org: clinic, Plan: c.job.Extra, Testee: testee, Start: extraStart})
	c.judge(ctx, "enroll", err)
}

// judge: somebody else may have been first, and the worker may have been told to stop.
func (c *commands) judge(ctx context.Context, doing string, err error) {
	if err == nil {
		c.count(func(t *tally) { t.Commands++ })
	} else if ctx.Err() == nil && assessplan.KindOf(err) != assessplan.KindConflict {
		c.worker.judge(doing, err)
	}
}
