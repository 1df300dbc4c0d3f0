package httpapi

import (
	"context"
	"net/http"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	"github.com/assessplan/assessplan/httpapi/internal/param"
)

type testeeInput struct {
	param.Org
	param.Testee
}

type testeeTasksInput struct {
	param.Org
	param.Testee
	param.Page
	param.Tasks
}

type erasedAnswer struct {
	Rounds int `json:"rounds" doc:"How many rounds the testee had; they are ended, and hold a pseudonym now"`
}

func (a *api) addTestees() {
	add(a, route{
		method: http.MethodDelete, path: "/testees/{testee_id}", id: "erase-testee", tag: "testees",
		summary: "Erase a person: rounds end, and a random pseudonym takes the place of the ID everywhere", needs: access.Manage,
	}, inOwnOrg(a.eraseTestee))
	add(a, route{
		method: http.MethodGet, path: "/testees/{testee_id}/tasks", id: "list-testee-tasks", tag: "testees",
		summary: "List what a person owes: the tasks that are pending or opened, or those with the status asked for", needs: access.Read,
	}, inOwnOrg(a.listTesteeTasks))
}

func (a *api) eraseTestee(ctx context.Context, org assessplan.OrgID, in *testeeInput) (erasedAnswer, error) {
	erased, err := a.service.Manager.EraseTestee(ctx, org, assessplan.TesteeID(in.TesteeID))
	return erasedAnswer{Rounds: erased.Rounds}, err
}

func (a *api) listTesteeTasks(ctx context.Context, org assessplan.OrgID, in *testeeTasksInput) (taskPage, error) {
	if len(in.Status) == 0 {
		in.Status = []string{string(assessplan.Pending), string(assessplan.Opened)}
	}
	return a.tasks(ctx, assessplan.TaskQuery{Org: org, Testee: assessplan.TesteeID(in.TesteeID)}, in.Tasks, in.Page)
}
