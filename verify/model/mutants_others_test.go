package model_test

import (
	"context"
	"slices"

	"github.com/assessplan/assessplan"
)

var otherMutants = []mutant{
	{name: "lets-two-rounds-run", alter: func(r repositories) repositories { return crowded{r} }},
	{name: "lists-tasks-of-another-org", alter: func(r repositories) repositories { return mixed{r} }},
	{name: "releases-paused-rounds-with-their-plan", alter: func(r repositories) repositories { return releasing{r} }},
	{name: "does-not-hold", alter: func(r repositories) repositories { return loose{r} }},
	{name: "leaves-opened-tasks-to-an-ended-plan", alter: func(r repositories) repositories { return sparing{r} }},
	{name: "closes-rounds-with-open-tasks", alter: func(r repositories) repositories { return hasty{r} }},
	{name: "forgets-who-withdrew-consent", alter: func(r repositories) repositories { return forgetful{r} }},
}

// crowded says of a running round that it is closed, and ends it behind everybody's back when the next one begins.
type crowded struct{ repositories }

func (c crowded) FindRounds(ctx context.Context, org assessplan.OrgID, plan assessplan.PlanID, testee assessplan.TesteeID) ([]assessplan.EnrollmentState, error) {
	rounds, err := c.repositories.FindRounds(ctx, org, plan, testee)
	for i := range rounds {
		if rounds[i].Status.Running() {
			rounds[i] = asClosed(rounds[i])
		}
	}
	return rounds, err
}

func asClosed(round assessplan.EnrollmentState) assessplan.EnrollmentState {
	round.Status, round.EndedAt = assessplan.EnrollmentStatusClosed, round.CreatedAt
	round.PausedAt, round.ShiftedDays = never, 0
	return round
}

func (c crowded) SaveEnrollments(ctx context.Context, changes []assessplan.EnrollmentChange) error {
	for _, change := range changes {
		if change.Was > 0 || !change.State.Status.Running() {
			continue
		}
		rounds, err := c.repositories.FindRounds(ctx, change.State.Org, change.State.Plan, change.State.Testee)
		if err != nil {
			return err
		}
		for _, round := range rounds {
			if round.Status.Running() {
				ended := []assessplan.EnrollmentChange{{State: asClosed(round), Was: round.Version}}
				if err := c.repositories.SaveEnrollments(ctx, ended); err != nil {
					return err
				}
			}
		}
	}
	return c.repositories.SaveEnrollments(ctx, changes)
}

// mixed lists the first task of the other org as well.
type mixed struct{ repositories }

func (m mixed) ListTasks(ctx context.Context, q assessplan.TaskQuery) ([]taskState, error) {
	tasks, err := m.repositories.ListTasks(ctx, q)
	if err != nil || q.Enrollment.IsZero() {
		return tasks, err
	}
	q.Org = otherOrg(q.Org)
	more, err := m.repositories.ListTasks(ctx, q)
	return append(tasks, more...), err
}

// releasing releases every task of a plan, whatever its round says.
type releasing struct{ repositories }

func (r releasing) HoldTasks(ctx context.Context, q assessplan.HoldQuery) (int, error) {
	if q.Held || !q.Enrollment.IsZero() {
		return r.repositories.HoldTasks(ctx, q)
	}
	rounds, err := r.ListEnrollments(ctx, assessplan.EnrollmentQuery{Org: q.Org, Plan: q.Plan, Limit: 1000})
	if err != nil {
		return 0, err
	}
	for _, round := range rounds {
		q.Enrollment = round.ID
		if _, err := r.repositories.HoldTasks(ctx, q); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// loose holds nothing.
type loose struct{ repositories }

func (loose) HoldTasks(context.Context, assessplan.HoldQuery) (int, error) { return 0, nil }

// sparing does not list opened tasks of a plan.
type sparing struct{ repositories }

func (s sparing) ListTasks(ctx context.Context, q assessplan.TaskQuery) ([]taskState, error) {
	tasks, err := s.repositories.ListTasks(ctx, q)
	if !q.Plan.IsZero() && q.Enrollment.IsZero() && len(q.Status) > 0 {
		tasks = slices.DeleteFunc(tasks, func(s taskState) bool { return s.Status == assessplan.Opened })
	}
	return tasks, err
}

// hasty finds rounds ended of which a task is still opened.
type hasty struct{ repositories }

func (h hasty) FindEndedEnrollments(ctx context.Context, q assessplan.EndedQuery) ([]assessplan.EnrollmentState, error) {
	ended, err := h.repositories.FindEndedEnrollments(ctx, q)
	if err != nil || len(ended) > 0 || q.After != (assessplan.EndedCursor{}) {
		return ended, err
	}
	for _, org := range orgs {
		rounds, err := h.ListEnrollments(ctx, assessplan.EnrollmentQuery{Org: org, Limit: 10,
			Status: []assessplan.EnrollmentStatus{assessplan.EnrollmentStatusActive}})
		if err != nil || len(rounds) > 0 {
			return rounds[:min(1, len(rounds))], err
		}
	}
	return nil, nil
}

// forgetful stores that consent was withdrawn as if the testee had only stopped.
type forgetful struct{ repositories }

func (f forgetful) SaveEnrollments(ctx context.Context, changes []assessplan.EnrollmentChange) error {
	changes = slices.Clone(changes)
	for i := range changes {
		if why := &changes[i].State.Termination; why.Reason == assessplan.WithdrawnConsent {
			why.Reason = assessplan.Withdrawn
		}
	}
	return f.repositories.SaveEnrollments(ctx, changes)
}
