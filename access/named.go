package access

import (
	"context"

	"github.com/assessplan/assessplan"
)

// Named returns [assessplan.ErrNotFound] for a plan or a round that an org does not have; one that is zero is not asked for. A list
// and a pass that are narrowed to it would find nothing, so that a mistyped plan looks for ever like one in which nothing is due.
func Named(ctx context.Context, m *assessplan.Manager, org assessplan.OrgID, plan assessplan.PlanID, round assessplan.EnrollmentID) error {
	if !plan.IsZero() {
		if _, err := m.GetPlan(ctx, org, plan); err != nil {
			return err
		}
	}
	if !round.IsZero() {
		if _, err := m.GetEnrollment(ctx, org, round); err != nil {
			return err
		}
	}
	return nil
}
