package httpapi

import (
	"context"
	"net/http"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	"github.com/assessplan/assessplan/httpapi/internal/param"
)

type taskInput struct {
	param.Org
	param.ID
}

type completeBody struct {
	AssessmentID assessplan.AssessmentID `json:"assessment_id" doc:"The host's record of what was filled in"`
	SubmittedAt  instant                 `json:"submitted_at,omitzero" doc:"When the testee handed it in; left out, it is now"`
	Token        string                  `json:"token,omitempty" doc:"The token of the entry; if given, it must be the task's present one"`
}

type cancelBody struct {
	Reason assessplan.EndReason `json:"reason,omitempty" doc:"A code of the host's own; left out, it is requested"`
}

// rescheduleBody has pointers, because midnight is a time of day.
type rescheduleBody struct {
	Date *assessplan.CivilDate `json:"date" format:"date" nullable:"false"`
	Time *assessplan.TimeOfDay `json:"time" doc:"09:30" nullable:"false"`
}

func (a *api) addTasks() {
	command := func(name, id, summary string, needs access.Permission, body any, optional bool) route {
		return route{
			method: http.MethodPost, path: "/plans/tasks/{id}/" + name, id: id, tag: "tasks", summary: summary,
			needs: needs, body: body, optionalBody: optional,
		}
	}
	m := a.service.Manager
	add(a, command("open", "open-task", "Open a due task by hand", access.Manage, empty{}, true), onTask(shownOpened, bodyless(m.OpenTask)))
	add(a, command("complete", "complete-task", "Record that a task was filled in", access.Submit, completeBody{}, false), onTask(shownTask, a.completeTask))
	add(a, command("expire", "expire-task", "End an opened task by hand", access.Manage, empty{}, true), onTask(shownTask, bodyless(m.ExpireTask)))
	add(a, command("cancel", "cancel-task", "End a task that is no longer owed", access.Manage, cancelBody{}, true), onTask(shownTask,
		func(ctx context.Context, org assessplan.OrgID, id assessplan.TaskID, body cancelBody) (assessplan.TaskState, error) {
			return m.CancelTask(ctx, org, id, body.Reason)
		}))
	add(a, command("reschedule", "reschedule-task", "Plan a task anew", access.Manage, rescheduleBody{}, false), onTask(shownTask, a.rescheduleTask))
	add(a, command("reissue", "reissue-task", "Give an opened task another entry; the old one is dead at once", access.Manage, empty{}, true),
		onTask(shownOpened, bodyless(m.ReissueEntry)))
	add(a, route{
		method: http.MethodGet, path: "/plans/tasks", id: "list-tasks", tag: "tasks", summary: "List tasks, ordered by ID", needs: access.Read,
	}, inOwnOrg(a.listTasks))
	add(a, route{
		method: http.MethodGet, path: "/plans/tasks/{id}", id: "get-task", tag: "tasks", summary: "Get a task", needs: access.Read,
	}, inOwnOrg(a.getTask))
}

// onTask makes a handler of a command on the task that a path names, with a body.
func onTask[B, S any](show func(context.Context, S) assessmentTask,
	command func(context.Context, assessplan.OrgID, assessplan.TaskID, B) (S, error)) func(context.Context, *taskInput) (assessmentTask, error) {
	return inOwnOrg(func(ctx context.Context, org assessplan.OrgID, in *taskInput) (assessmentTask, error) {
		id, err := assessplan.ParseTaskID(in.ID.ID)
		if err != nil {
			return assessmentTask{}, malformed("id", err)
		}
		body, err := read[B](ctx)
		if err != nil {
			return assessmentTask{}, err
		}
		state, err := command(ctx, org, id, body)
		return show(ctx, state), err
	})
}

func shownTask(_ context.Context, task assessplan.TaskState) assessmentTask { return taskOf(task) }

// shownOpened is a task that was just opened, with its entry for who may see it.
func shownOpened(ctx context.Context, opened assessplan.OpenedTask) assessmentTask {
	task := taskOf(opened.Task)
	if callerOf(ctx).May(access.Entries) {
		_, task.EntryURL = opened.Entry.Reveal()
	}
	return task
}

func (a *api) completeTask(ctx context.Context, org assessplan.OrgID, id assessplan.TaskID, body completeBody) (assessplan.TaskState, error) {
	submission := assessplan.Submission{AssessmentID: body.AssessmentID, SubmittedAt: body.SubmittedAt.at}
	return access.CompleteTask(ctx, a.service.Manager, org, id, body.Token, submission)
}

func (a *api) rescheduleTask(ctx context.Context, org assessplan.OrgID, id assessplan.TaskID, body rescheduleBody) (assessplan.TaskState, error) {
	switch {
	case body.Date == nil:
		return assessplan.TaskState{}, assessplan.Invalid("date", "is missing; want a date such as 2026-03-31")
	case body.Time == nil:
		return assessplan.TaskState{}, assessplan.Invalid("time", "is missing; want a time of day such as 09:30")
	}
	return a.service.Manager.RescheduleTask(ctx, org, id, *body.Date, *body.Time)
}

// getTask shows the entry where the generator can make it again.
func (a *api) getTask(ctx context.Context, org assessplan.OrgID, in *taskInput) (assessmentTask, error) {
	id, err := assessplan.ParseTaskID(in.ID.ID)
	if err != nil {
		return assessmentTask{}, malformed("id", err)
	}
	state, err := a.service.Manager.GetTask(ctx, org, id)
	if err != nil {
		return assessmentTask{}, err
	}
	task := taskOf(state)
	task.EntryURL, err = callerOf(ctx).EntryURL(ctx, a.service.Manager, state)
	return task, err
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
	Tasks      []assessmentTask `json:"tasks"`
	NextCursor string           `json:"next_cursor,omitempty" doc:"cursor of the next page; left out on the last"`
}

func (a *api) listTasks(ctx context.Context, org assessplan.OrgID, in *listTasksInput) (taskPage, error) {
	query := assessplan.TaskQuery{Org: org, Testee: assessplan.TesteeID(in.TesteeID)}
	if err := parsed("plan_id", in.PlanID, assessplan.ParsePlanID, &query.Plan); err != nil {
		return taskPage{}, err
	}
	if err := parsed("enrollment_id", in.EnrollmentID, assessplan.ParseEnrollmentID, &query.Enrollment); err != nil {
		return taskPage{}, err
	}
	if err := access.Named(ctx, a.service.Manager, org, query.Plan, query.Enrollment); err != nil {
		return taskPage{}, err
	}
	return a.tasks(ctx, query, in.Tasks, in.Page)
}

// tasks lists what a query and a filter select.
func (a *api) tasks(ctx context.Context, query assessplan.TaskQuery, filter param.Tasks, asked param.Page) (taskPage, error) {
	var err error
	query.Status, err = oneOf("status", filter.Status, assessplan.Pending, assessplan.Opened, assessplan.Completed, assessplan.Expired, assessplan.Canceled)
	if err != nil {
		return taskPage{}, err
	}
	if err := parsed("planned_from", filter.PlannedFrom, assessplan.ParseInstant, &query.PlannedFrom); err != nil {
		return taskPage{}, err
	}
	if err := parsed("planned_before", filter.PlannedBefore, assessplan.ParseInstant, &query.PlannedBefore); err != nil {
		return taskPage{}, err
	}
	if err := parsed("cursor", asked.Cursor, assessplan.ParseTaskID, &query.After); err != nil {
		return taskPage{}, err
	}
	if query.Limit, err = limit(asked); err != nil {
		return taskPage{}, err
	}
	found, err := a.service.Manager.ListTasks(ctx, query)
	return taskPage{Tasks: listOf(found.Tasks, taskOf), NextCursor: next(found.Next)}, err
}
