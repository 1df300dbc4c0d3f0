package model_test

import (
	"context"
	"slices"
	"time"

	"github.com/assessplan/assessplan"
)

type (
	repositories = assessplan.Repositories
	taskChange   = assessplan.TaskChange
	taskState    = assessplan.TaskState
)

func mutants() []mutant { return slices.Concat(taskMutants, dueMutants, eventMutants, otherMutants) }

// saving alters what is saved of tasks.
type saving struct {
	repositories
	change func(ctx context.Context, r repositories, c *taskChange)
}

func (s saving) SaveTasks(ctx context.Context, changes []taskChange) error {
	changes = slices.Clone(changes)
	for i := range changes {
		s.change(ctx, s.repositories, &changes[i])
	}
	return s.repositories.SaveTasks(ctx, changes)
}

func onSave(change func(ctx context.Context, r repositories, c *taskChange)) func(repositories) repositories {
	return func(r repositories) repositories { return saving{r, change} }
}

// stored is the state that a change replaces.
func stored(ctx context.Context, r repositories, c *taskChange) taskState {
	was, _ := r.FindTaskInAnyOrg(ctx, c.State.ID)
	return was
}

func has(c *taskChange, kind assessplan.EventType) bool {
	return slices.ContainsFunc(c.Events, func(e assessplan.Event) bool { return e.Type == kind })
}

var taskMutants = []mutant{
	{name: "ignores-the-version", alter: onSave(func(ctx context.Context, r repositories, c *taskChange) {
		if c.Was > 0 {
			c.Was = stored(ctx, r, c).Version
		}
	})},
	{name: "releases-what-it-saves", alter: onSave(func(_ context.Context, _ repositories, c *taskChange) { c.State.Held = false })},
	{name: "forgets-failed-attempts", alter: onSave(func(_ context.Context, _ repositories, c *taskChange) {
		if c.State.Attempts > 0 {
			c.State.Attempts, c.State.LastError, c.State.NextAttemptAt = 0, "", c.State.PlannedAt
		}
	})},
	{name: "keeps-the-old-token-when-reissuing", alter: onSave(func(ctx context.Context, r repositories, c *taskChange) {
		if has(c, assessplan.TypeTaskEntryReissued) {
			c.State.TokenHash = stored(ctx, r, c).TokenHash
		}
	})},
	{name: "reschedules-without-another-revision", alter: onSave(func(_ context.Context, _ repositories, c *taskChange) {
		if has(c, assessplan.TypeTaskRescheduled) {
			c.State.Revision--
		}
	})},
	{name: "shows-tasks-of-another-org", alter: func(r repositories) repositories { return orgless{r} }},
	{name: "takes-submissions-too-late", alter: func(r repositories) repositories { return lenient{r} }},
}

// orgless finds a task whoever asks.
type orgless struct{ repositories }

func (o orgless) FindTask(ctx context.Context, _ assessplan.OrgID, id assessplan.TaskID) (taskState, error) {
	return o.FindTaskInAnyOrg(ctx, id)
}

// lenient shows an entry as valid for an hour longer to whoever changes its task.
type lenient struct{ repositories }

func (l lenient) FindTask(ctx context.Context, org assessplan.OrgID, id assessplan.TaskID) (taskState, error) {
	state, err := l.repositories.FindTask(ctx, org, id)
	if state.Status == assessplan.Opened {
		state.ExpireAt = state.ExpireAt.Add(time.Hour)
	}
	return state, err
}

// finding alters what is found due.
type finding struct {
	repositories
	pending func(ctx context.Context, r repositories, q assessplan.DueQuery) ([]taskState, error)
	overdue func(ctx context.Context, r repositories, q assessplan.DueQuery) ([]taskState, error)
}

func (f finding) FindPendingTasks(ctx context.Context, q assessplan.DueQuery) ([]taskState, error) {
	if f.pending == nil {
		return f.repositories.FindPendingTasks(ctx, q)
	}
	return f.pending(ctx, f.repositories, q)
}

func (f finding) FindOverdueTasks(ctx context.Context, q assessplan.DueQuery) ([]taskState, error) {
	if f.overdue == nil {
		return f.repositories.FindOverdueTasks(ctx, q)
	}
	return f.overdue(ctx, f.repositories, q)
}

// others are tasks of a status in an org that a query for what is due should not have found.
func others(ctx context.Context, r repositories, q assessplan.DueQuery, status assessplan.TaskStatus, pick func(taskState) bool) (found []taskState) {
	for _, org := range orgs {
		all, _ := r.ListTasks(ctx, assessplan.TaskQuery{Org: org, Status: []assessplan.TaskStatus{status}, Limit: 1000})
		found = append(found, slices.DeleteFunc(all, func(s taskState) bool {
			return !pick(s) || !q.Scope.IsZero() || q.After != (assessplan.DueCursor{})
		})...)
	}
	return found[:min(len(found), 1)]
}

var dueMutants = []mutant{
	{name: "finds-held-tasks-due", alter: func(r repositories) repositories {
		return finding{repositories: r, pending: func(ctx context.Context, r repositories, q assessplan.DueQuery) ([]taskState, error) {
			held := others(ctx, r, q, assessplan.Pending, func(s taskState) bool { return s.Held && !s.NextAttemptAt.After(q.Before) })
			if len(held) > 0 {
				held[0].Held = false
				return held, nil
			}
			return r.FindPendingTasks(ctx, q)
		}}
	}},
	{name: "finds-tasks-before-they-are-due", alter: func(r repositories) repositories {
		return finding{repositories: r, pending: func(ctx context.Context, r repositories, q assessplan.DueQuery) ([]taskState, error) {
			q.Before = q.Before.Add(time.Hour)
			found, err := r.FindPendingTasks(ctx, q)
			for i := range found {
				if found[i].PlannedAt.After(q.Now) {
					found[i].PlannedAt, found[i].NextAttemptAt = q.Now, q.Now
				}
			}
			return found, err
		}}
	}},
	{name: "opens-after-the-window", alter: func(r repositories) repositories {
		return finding{repositories: r, pending: func(ctx context.Context, r repositories, q assessplan.DueQuery) ([]taskState, error) {
			found, err := r.FindPendingTasks(ctx, q)
			for i := range found {
				found[i].OpenUntil, found[i].FillUntil = time.Time{}, time.Time{}
			}
			return found, err
		}}
	}},
	{name: "finds-valid-entries-over", alter: func(r repositories) repositories {
		return finding{repositories: r, overdue: func(ctx context.Context, r repositories, q assessplan.DueQuery) ([]taskState, error) {
			valid := others(ctx, r, q, assessplan.Opened, func(s taskState) bool { return s.ExpireAt.After(q.Now) && s.OpenAt.Before(q.Now) })
			if q.Cause == assessplan.EntryOver && len(valid) > 0 {
				valid[0].ExpireAt = q.Now
				return valid, nil
			}
			return r.FindOverdueTasks(ctx, q)
		}}
	}},
	{name: "overlooks-what-is-due-at-the-very-instant", alter: func(r repositories) repositories {
		return finding{repositories: r, pending: func(ctx context.Context, r repositories, q assessplan.DueQuery) ([]taskState, error) {
			q.Before = q.Before.Add(-time.Microsecond)
			return r.FindPendingTasks(ctx, q)
		}}
	}},
	{name: "has-a-scheduler-with-a-wrong-clock", skew: 90 * time.Minute},
}
