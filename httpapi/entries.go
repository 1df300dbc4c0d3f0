package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
)

type resolveBody struct {
	TaskID string `json:"task_id" doc:"task_id of the link"`
	Token  string `json:"token" doc:"token of the link"`
}

// entryAnswer is what the page behind a link needs. Whoever has the link sees it: it names the person only for a principal
// that may read.
type entryAnswer struct {
	TaskID    string               `json:"task_id" format:"uuid"`
	PlanID    string               `json:"plan_id" format:"uuid"`
	ScaleCode string               `json:"scale_code"`
	Seq       int                  `json:"seq"`
	Date      assessplan.CivilDate `json:"date" format:"date"`
	Time      assessplan.TimeOfDay `json:"time"`
	Zone      string               `json:"zone"`
	Status    string               `json:"status" enum:"opened"`
	PlannedAt time.Time            `json:"planned_at"`
	DueAt     time.Time            `json:"due_at,omitzero"`
	ExpireAt  time.Time            `json:"expire_at"`
	OrgID     string               `json:"org_id,omitempty" doc:"Only for who has the permission read"`
	TesteeID  string               `json:"testee_id,omitempty" doc:"Only for who has the permission read"`
}

func (a *api) addEntries() {
	add(a, route{
		method: http.MethodPost, path: "/entries/resolve", id: "resolve-entry", tag: "entries",
		summary: "Find the opened task behind a link; looking consumes nothing", body: resolveBody{},
	}, a.resolve)
}

// resolve answers a token that is unknown, wrong, revoked or of another org with one and the same refusal.
func (a *api) resolve(ctx context.Context, in *orgInput) (entryAnswer, error) {
	body, err := read[resolveBody](ctx)
	if err != nil {
		return entryAnswer{}, err
	}
	who := callerOf(ctx)
	task, err := who.ResolveEntry(ctx, a.service.Manager, in.Asked(), body.TaskID, body.Token)
	if err != nil {
		return entryAnswer{}, err
	}
	recordOf(ctx).org = task.Org
	answered := entryAnswer{
		TaskID: task.ID.String(), PlanID: task.Plan.String(), ScaleCode: string(task.Scale), Seq: task.Seq, Date: task.Date,
		Time: task.Time, Zone: task.Zone, Status: string(task.Status), PlannedAt: task.PlannedAt, DueAt: task.DueAt, ExpireAt: task.ExpireAt,
	}
	if who.May(access.Read) {
		answered.OrgID, answered.TesteeID = string(task.Org), string(task.Testee)
	}
	return answered, nil
}
