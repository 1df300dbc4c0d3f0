// Package verdict collects what stands against the changes of one save.
package verdict

import "github.com/assessplan/assessplan"

// Verdict collects what stands against the changes of one call, so that one call names all that moved. The zero value has
// nothing against them.
type Verdict struct {
	Moved   assessplan.VersionError // whose stored version is another, or that are gone
	refused error                   // the first refusal of another kind
}

// Refuse notes a refusal of another kind; the first one counts.
func (v *Verdict) Refuse(err error) {
	if v.refused == nil {
		v.refused = err
	}
}

// Err is the error of the call, or nil. What moved comes first, since the other refusals may rest on what the caller read too early.
func (v *Verdict) Err() error {
	if len(v.Moved.PlanIDs)+len(v.Moved.EnrollmentIDs)+len(v.Moved.TaskIDs) > 0 {
		return &v.Moved
	}
	return v.refused
}
