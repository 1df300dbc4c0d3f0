package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	"github.com/assessplan/assessplan/httpapi/internal/param"
)

type passInput struct {
	param.Org
	Before string `query:"before" doc:"What was due by then: RFC 3339 with capital T and Z, or 2006-01-02 15:04:05 in the server's zone; left out, it is now"`
}

type scheduleBody struct {
	param.PassScope
	MaxTasks *int `json:"max_tasks,omitempty" doc:"Open at most so many, at least 1" minimum:"1"`
}

// scheduleAnswer is what a pass that opens tasks did.
type scheduleAnswer struct {
	OpenedCount int              `json:"opened_count"`
	MissedCount int              `json:"missed_count" doc:"Expired because their window closed before this pass came"`
	FailedCount int              `json:"failed_count" doc:"Could not be opened; they are tried again later"`
	More        bool             `json:"more" doc:"Something that is due is left: call again"`
	OldestDueAt time.Time        `json:"oldest_due_at,omitzero" doc:"The earliest planned time that is still due"`
	DurationMS  int64            `json:"duration_ms"`
	Opened      []assessmentTask `json:"opened" doc:"The first of them"`
	Failures    []failure        `json:"failures" doc:"The first of them"`
}

// expireAnswer is what a pass that expires tasks did.
type expireAnswer struct {
	ExpiredCount  int       `json:"expired_count" doc:"Opened tasks whose entry was over"`
	MissedCount   int       `json:"missed_count" doc:"Pending tasks whose window closed"`
	CanceledCount int       `json:"canceled_count" doc:"Tasks of plans that ended"`
	ShiftedCount  int       `json:"shifted_count" doc:"Tasks of plans that were resumed, to their new dates"`
	ClosedCount   int       `json:"closed_count" doc:"Rounds whose tasks had all ended"`
	FailedCount   int       `json:"failed_count"`
	More          bool      `json:"more" doc:"Something may be left: call again"`
	DurationMS    int64     `json:"duration_ms"`
	Failures      []failure `json:"failures" doc:"The first of them"`
}

type failure struct {
	OrgID        string `json:"org_id"`
	TaskID       string `json:"task_id,omitempty" format:"uuid"`
	EnrollmentID string `json:"enrollment_id,omitempty" format:"uuid"`
	PlanID       string `json:"plan_id,omitempty" format:"uuid"`
	Code         string `json:"code"`
	Message      string `json:"message"`
}

func (a *api) addPasses() {
	add(a, route{
		method: http.MethodPost, path: "/plans/tasks/schedule", id: "schedule-tasks", tag: "passes", summary: "Open what is due",
		needs: access.Schedule, body: scheduleBody{}, optionalBody: true,
	}, a.schedule)
	add(a, route{
		method: http.MethodPost, path: "/plans/tasks/expire", id: "expire-tasks", tag: "passes", summary: "Expire what is overdue",
		needs: access.Schedule, body: param.PassScope{}, optionalBody: true,
	}, a.expire)
}

func (a *api) schedule(ctx context.Context, in *passInput) (scheduleAnswer, error) {
	body, err := read[scheduleBody](ctx)
	if err != nil {
		return scheduleAnswer{}, err
	}
	before, scope, err := a.bounds(ctx, in, body.PassScope)
	if err != nil {
		return scheduleAnswer{}, err
	}
	pass, cancel := context.WithTimeout(ctx, a.config.PassTimeout)
	defer cancel()
	scheduler := a.service.Scheduler
	if body.MaxTasks != nil {
		if *body.MaxTasks < 1 {
			return scheduleAnswer{}, assessplan.Invalid("max_tasks", "is less than 1; leave it out for all")
		}
		scheduler = scheduler.AtMost(*body.MaxTasks)
	}
	report, err := scheduler.SchedulePendingTasks(pass, before, scope...)
	if err != nil {
		return scheduleAnswer{}, err
	}
	return scheduleAnswer{
		OpenedCount: report.Opened, MissedCount: report.Missed, FailedCount: report.Failed, More: report.More,
		OldestDueAt: report.OldestDueAt, DurationMS: report.Duration.Milliseconds(),
		Opened:   listOf(report.Tasks, func(opened assessplan.OpenedTask) assessmentTask { return shownOpened(ctx, opened) }),
		Failures: listOf(report.Failures, failureOf),
	}, nil
}

func (a *api) expire(ctx context.Context, in *passInput) (expireAnswer, error) {
	body, err := read[param.PassScope](ctx)
	if err != nil {
		return expireAnswer{}, err
	}
	before, scope, err := a.bounds(ctx, in, body)
	if err != nil {
		return expireAnswer{}, err
	}
	pass, cancel := context.WithTimeout(ctx, a.config.PassTimeout)
	defer cancel()
	report, err := a.service.Scheduler.ExpireOverdueTasks(pass, before, scope...)
	if err != nil {
		return expireAnswer{}, err
	}
	return expireAnswer{
		ExpiredCount: report.Expired, MissedCount: report.Missed, CanceledCount: report.Canceled, ShiftedCount: report.Shifted,
		ClosedCount: report.Closed, FailedCount: report.Failed, More: report.More, DurationMS: report.Duration.Milliseconds(),
		Failures: listOf(report.Failures, failureOf),
	}, nil
}

// bounds are what a pass is narrowed to.
func (a *api) bounds(ctx context.Context, in *passInput, body param.PassScope) (before time.Time, scope []assessplan.Scope, err error) {
	if in.Before != "" {
		if before, err = assessplan.ParseBefore(in.Before, a.config.Zone); err != nil {
			return before, nil, err
		}
	}
	plan := assessplan.PlanID{}
	if body.PlanID != nil {
		if plan = *body.PlanID; plan.IsZero() {
			return before, nil, assessplan.Invalid("plan_id", "is zero, which names none; leave it out or give one")
		}
	}
	scope, err = callerOf(ctx).ScopeFor(in.Asked(), plan, body.TesteeIDs)
	for _, one := range scope {
		recordOf(ctx).org = one.Org
		if err == nil {
			err = access.Named(ctx, a.service.Manager, one.Org, one.Plan, assessplan.EnrollmentID{})
		}
	}
	return before, scope, err
}

func failureOf(f assessplan.TaskFailure) failure {
	told := failure{OrgID: string(f.Org), Code: string(f.Code), Message: f.Code.Meaning()}
	switch {
	case !f.TaskID.IsZero():
		told.TaskID = f.TaskID.String()
	case !f.EnrollmentID.IsZero():
		told.EnrollmentID = f.EnrollmentID.String()
	default:
		told.PlanID = f.PlanID.String()
	}
	return told
}
