package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	"github.com/assessplan/assessplan/httpapi/internal/param"
)

type taskInput struct {
	param.Org
	param.ID
}

type taskCommandInput struct {
	param.Org
	param.ID
}

type nothing struct{}

type completeBody struct {
	AssessmentID assessplan.AssessmentID `json:"assessment_id" doc:"The host's record of what was filled in"`
	SubmittedAt  instant                 `json:"submitted_at,omitzero" doc:"When the testee handed it in; left out, it is now"`
	Token        string                  `json:"token,omitempty" doc:"The token of the entry; if given, it must be the task's present one"`
}

type cancelBody struct {
	Reason assessplan.EndReason `json:"reason,omitempty" doc:"A code of the host's own; left out, it is requested"`
}

type rescheduleBody struct {
	Date assessplan.CivilDate `json:"date" format:"date"`
	Time assessplan.TimeOfDay `json:"time" doc:"09:30"`
}

func (a *api) addTasks() {
	command := func(name, id, summary string, needs access.Permission, body any, optional bool) route {
		return route{
			method: http.MethodPost, path: "/plans/tasks/{id}/" + name, id: id, tag: "tasks", summary: summary,
			needs: needs, body: body, optionalBody: optional,
		}
	}
	add(a, command("open", "open-task", "Open a due task by hand", access.Manage, nothing{}, true), inOwnOrg(a.openTask))
	add(a, command("complete", "complete-task", "Record that a task was filled in", access.Submit, completeBody{}, false), inOwnOrg(a.completeTask))
	add(a, command("expire", "expire-task", "End an opened task by hand", access.Manage, nothing{}, true), inOwnOrg(a.expireTask))
	add(a, command("cancel", "cancel-task", "End a task that is no longer owed", access.Manage, cancelBody{}, true), inOwnOrg(a.cancelTask))
	add(a, command("reschedule", "reschedule-task", "Plan a task anew", access.Manage, rescheduleBody{}, false), inOwnOrg(a.rescheduleTask))
	add(a, command("reissue", "reissue-task", "Give an opened task another entry; the old one is dead at once", access.Manage, nothing{}, true), inOwnOrg(a.reissueTask))
	add(a, route{
		method: http.MethodGet, path: "/plans/tasks", id: "list-tasks", tag: "tasks", summary: "List tasks, ordered by ID", needs: access.Read,
	}, inOwnOrg(a.listTasks))
	add(a, route{
		method: http.MethodGet, path: "/plans/tasks/{id}", id: "get-task", tag: "tasks", summary: "Get a task", needs: access.Read,
	}, inOwnOrg(a.getTask))
}

// command reads what all commands on a task have.
func (in *taskCommandInput) command(ctx context.Context, body any) (assessplan.TaskID, error) {
	id, err := assessplan.ParseTaskID(in.ID.ID)
	if err != nil {
		return id, malformed("id", err)
	}
	return id, read(ctx, body)
}

// malformed is the fault of a parameter that the library could not read.
func malformed(name string, err error) error {
	var fault *assessplan.ValidationError
	if errors.As(err, &fault) {
		return invalid(name, fault.Faults[0].Message)
	}
	return invalid(name, assessplan.PublicMessage(err))
}

func (a *api) openTask(ctx context.Context, org assessplan.OrgID, in *taskCommandInput) (taskJSON, error) {
	id, err := in.command(ctx, &nothing{})
	if err != nil {
		return taskJSON{}, err
	}
	opened, err := a.service.Manager.OpenTask(ctx, org, id)
	return openedOf(opened, callerOf(ctx).May(access.Entries)), err
}

func (a *api) reissueTask(ctx context.Context, org assessplan.OrgID, in *taskCommandInput) (taskJSON, error) {
	id, err := in.command(ctx, &nothing{})
	if err != nil {
		return taskJSON{}, err
	}
	opened, err := a.service.Manager.ReissueEntry(ctx, org, id)
	return openedOf(opened, callerOf(ctx).May(access.Entries)), err
}

func (a *api) completeTask(ctx context.Context, org assessplan.OrgID, in *taskCommandInput) (taskJSON, error) {
	body := completeBody{}
	id, err := in.command(ctx, &body)
	if err != nil {
		return taskJSON{}, err
	}
	submission := assessplan.Submission{AssessmentID: body.AssessmentID, SubmittedAt: body.SubmittedAt.at}
	task, err := access.CompleteTask(ctx, a.service.Manager, org, id, body.Token, submission)
	return taskOf(task), err
}

func (a *api) expireTask(ctx context.Context, org assessplan.OrgID, in *taskCommandInput) (taskJSON, error) {
	id, err := in.command(ctx, &nothing{})
	if err != nil {
		return taskJSON{}, err
	}
	task, err := a.service.Manager.ExpireTask(ctx, org, id)
	return taskOf(task), err
}

func (a *api) cancelTask(ctx context.Context, org assessplan.OrgID, in *taskCommandInput) (taskJSON, error) {
	body := cancelBody{}
	id, err := in.command(ctx, &body)
	if err != nil {
		return taskJSON{}, err
	}
	task, err := a.service.Manager.CancelTask(ctx, org, id, body.Reason)
	return taskOf(task), err
}

func (a *api) rescheduleTask(ctx context.Context, org assessplan.OrgID, in *taskCommandInput) (taskJSON, error) {
	body := struct {
		Date *assessplan.CivilDate `json:"date"`
		Time *assessplan.TimeOfDay `json:"time"`
	}{}
	id, err := in.command(ctx, &body)
	switch {
	case err != nil:
		return taskJSON{}, err
	case body.Date == nil:
		return taskJSON{}, invalid("date", "is missing; want a date such as 2026-03-31")
	case body.Time == nil:
		return taskJSON{}, invalid("time", "is missing; want a time of day such as 09:30")
	}
	task, err := a.service.Manager.RescheduleTask(ctx, org, id, *body.Date, *body.Time)
	return taskOf(task), err
}

// getTask shows the entry where the generator can make it again.
func (a *api) getTask(ctx context.Context, org assessplan.OrgID, in *taskInput) (taskJSON, error) {
	id, err := assessplan.ParseTaskID(in.ID.ID)
	if err != nil {
		return taskJSON{}, malformed("id", err)
	}
	state, err := a.service.Manager.GetTask(ctx, org, id)
	if err != nil {
		return taskJSON{}, err
	}
	task := taskOf(state)
	task.EntryURL, err = callerOf(ctx).EntryURL(ctx, a.service.Manager, state)
	return task, err
}

// limit returns how many records a page is asked to have.
func limit(p param.Page) (int, error) {
	n, ok := p.MostRecords()
	if !ok {
		return 0, invalid("limit", "is no number from 1 on")
	}
	return n, nil
}

type listTasksInput struct {
	param.Org
	param.Page
	param.Tasks
	PlanID       string `query:"plan_id" format:"uuid"`
	EnrollmentID string `query:"enrollment_id" format:"uuid"`
	TesteeID     string `query:"testee_id"`
}

type taskPage struct {
	Tasks      []taskJSON `json:"tasks"`
	NextCursor string     `json:"next_cursor,omitempty" doc:"cursor of the next page; left out on the last"`
}

func (a *api) listTasks(ctx context.Context, org assessplan.OrgID, in *listTasksInput) (taskPage, error) {
	query := assessplan.TaskQuery{Org: org, Testee: assessplan.TesteeID(in.TesteeID)}
	if err := parsed("plan_id", in.PlanID, assessplan.ParsePlanID, &query.Plan); err != nil {
		return taskPage{}, err
	}
	if err := parsed("enrollment_id", in.EnrollmentID, assessplan.ParseEnrollmentID, &query.Enrollment); err != nil {
		return taskPage{}, err
	}
	return a.tasks(ctx, query, in.Tasks, in.Page)
}

// tasks lists what a query and a filter select.
func (a *api) tasks(ctx context.Context, query assessplan.TaskQuery, filter param.Tasks, asked param.Page) (taskPage, error) {
	for _, status := range filter.Status {
		switch known := assessplan.TaskStatus(status); known {
		case assessplan.Pending, assessplan.Opened, assessplan.Completed, assessplan.Expired, assessplan.Canceled:
			query.Status = append(query.Status, known)
		default:
			return taskPage{}, invalid("status", "is none of pending, opened, completed, expired, canceled")
		}
	}
	instantOf := func(name string) func(string) (time.Time, error) {
		return func(s string) (time.Time, error) { return parseInstant(name, s) }
	}
	if err := parsed("planned_from", filter.PlannedFrom, instantOf("planned_from"), &query.PlannedFrom); err != nil {
		return taskPage{}, err
	}
	if err := parsed("planned_before", filter.PlannedBefore, instantOf("planned_before"), &query.PlannedBefore); err != nil {
		return taskPage{}, err
	}
	if err := parsed("cursor", asked.Cursor, assessplan.ParseTaskID, &query.After); err != nil {
		return taskPage{}, err
	}
	var err error
	if query.Limit, err = limit(asked); err != nil {
		return taskPage{}, err
	}
	found, err := a.service.Manager.ListTasks(ctx, query)
	list := taskPage{Tasks: tasksOf(found.Tasks)}
	if !found.Next.IsZero() {
		list.NextCursor = found.Next.String()
	}
	return list, err
}

// parsed reads a parameter that may be left out.
func parsed[T any](name, given string, parse func(string) (T, error), into *T) error {
	if given == "" {
		return nil
	}
	value, err := parse(given)
	if err != nil {
		return malformed(name, err)
	}
	if z, ok := any(value).(interface{ IsZero() bool }); ok && z.IsZero() {
		return invalid(name, "is zero, which names none; leave it out or give one") // a filter would let everything through
	}
	*into = value
	return nil
}
