package grpcapi

import (
	"context"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	v1 "github.com/assessplan/assessplan/grpcapi/assessplanv1"
)

// entries is the EntryService.
type entries struct{ *server }

// ResolveEntry answers the opened task behind an entry. A token that is unknown, wrong, revoked or of another org is one and the
// same refusal.
func (s *entries) ResolveEntry(ctx context.Context, in *v1.ResolveEntryRequest) (*v1.ResolveEntryResponse, error) {
	c := callOf(ctx)
	state, err := c.principal.ResolveEntry(ctx, s.Manager, assessplan.OrgID(in.OrgId), in.TaskId, in.Token)
	if err != nil {
		return nil, err
	}
	c.org = state.Org
	return &v1.ResolveEntryResponse{Entry: entryOf(state, c.principal.May(access.Read))}, nil
}

func entryOf(state assessplan.TaskState, named bool) *v1.Entry {
	entry := &v1.Entry{
		TaskId:    id(state.ID),
		PlanId:    id(state.Plan),
		ScaleCode: string(state.Scale),
		Seq:       int32(state.Seq),
		Date:      state.Date.String(),
		Time:      state.Time.String(),
		Zone:      state.Zone,
		PlannedAt: timestamp(state.PlannedAt),
		DueAt:     timestamp(state.DueAt),
		ExpireAt:  timestamp(state.ExpireAt),
	}
	if named {
		entry.OrgId, entry.TesteeId = string(state.Org), string(state.Testee)
	}
	return entry
}
