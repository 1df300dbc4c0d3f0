package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/assessplan/assessplan"
)

// createPlans makes the study's plans, or finds those that stand: creating a plan again with the same external ref and the
// same spec changes nothing.
func createPlans(ctx context.Context, manager *assessplan.Manager, study study) ([]assessplan.PlanState, error) {
	var stored []assessplan.PlanState
	for _, plan := range study.Plans {
		state, err := manager.CreatePlan(ctx, plan.spec(study.Org))
		if err != nil {
			return nil, fmt.Errorf("plan %s: %w", plan.ExternalRef, err)
		}
		stored = append(stored, state)
	}
	return stored, nil
}

// imported says what importing the testees found and made.
type imported struct {
	New      int   // rounds
	Existing int   // rounds that were there already
	Planned  []int // tasks of these rounds, by plan
}

// enrollBatch is how many testees are enrolled in one call.
const enrollBatch = 100

// importTestees enrolls every testee in every plan. A round that exists is left as it is.
func importTestees(ctx context.Context, manager *assessplan.Manager, study study, stored []assessplan.PlanState, testees []testee) (imported, error) {
	sum := imported{Planned: make([]int, len(study.Plans))}
	for i, plan := range study.Plans {
		for batch := range slices.Chunk(testees, enrollBatch) {
			specs := make([]assessplan.EnrollSpec, len(batch))
			for j, person := range batch {
				specs[j] = person.enrollIn(study.Org, stored[i].ID, plan.StartAfterDays)
			}
			results, err := manager.EnrollMany(ctx, specs)
			if err != nil {
				return sum, fmt.Errorf("plan %s: %w", plan.ExternalRef, err)
			}
			for j, result := range results {
				if result.Err != nil {
					return sum, fmt.Errorf("plan %s: the testee on line %d: %w", plan.ExternalRef, batch[j].line, result.Err)
				}
				sum.add(i, result.Enrolled)
			}
		}
	}
	return sum, nil
}

func (s *imported) add(plan int, enrolled assessplan.Enrolled) {
	s.Planned[plan] += enrolled.Enrollment.Planned
	if enrolled.Existing {
		s.Existing++
	} else {
		s.New++
	}
}
