package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assessplan/assessplan"
)

// Permission is a kind of thing that a principal may do.
type Permission string

// The permissions. None includes another.
const (
	Read     Permission = "read"     // get and list plans, rounds and tasks; preview a schedule
	Manage   Permission = "manage"   // create, enroll, and command plans, rounds and single tasks; erase a testee
	Schedule Permission = "schedule" // trigger the passes
	Submit   Permission = "submit"   // complete tasks
	Entries  Permission = "entries"  // see entry URLs in answers that it may have anyway
)

// Permissions are all there are.
func Permissions() []Permission { return []Permission{Read, Manage, Schedule, Submit, Entries} }

// Principal is who makes a request.
type Principal struct {
	Subject     string           // names it in logs; never a secret
	Org         assessplan.OrgID // the org that it belongs to; empty with AllOrgs
	AllOrgs     bool             // it belongs to none and may name any
	Permissions []Permission
}

// Validate names every fault of a principal in one [assessplan.ValidationError].
func (p Principal) Validate() error {
	f := p.faults()
	return f.Err()
}

func (p Principal) faults() (f assessplan.ValidationError) {
	if p.AllOrgs && p.Org != "" {
		f.Add("principal.org", "is given with AllOrgs; give one of the two")
	}
	if err := assessplan.InOrg(p.Org).Validate(); !p.AllOrgs && err != nil {
		f.Add("principal.org", "is no org; give one, or AllOrgs")
	}
	for _, permission := range p.Permissions {
		if !slices.Contains(Permissions(), permission) {
			f.Add("principal.permissions", "has %.40q; want some of %q", permission, Permissions())
		}
	}
	return f
}

// May reports whether the principal has a permission.
func (p Principal) May(permission Permission) bool { return slices.Contains(p.Permissions, permission) }

// Check returns a [ForbiddenError] if the principal lacks a permission.
func (p Principal) Check(needed Permission) error {
	if !p.May(needed) {
		return &ForbiddenError{Needed: needed}
	}
	return nil
}

// OrgFor settles the org of a command: the principal's own, which need not be asked for. Another is
// [assessplan.ErrNotFound], as its records are. A principal of all orgs must ask for one.
func (p Principal) OrgFor(asked assessplan.OrgID) (assessplan.OrgID, error) {
	switch {
	case p.AllOrgs && asked == "":
		return "", assessplan.Invalid("org_id", "is missing; these credentials are good for all orgs, so name one")
	case p.AllOrgs:
		return asked, valid(assessplan.InOrg(asked))
	case asked != "" && asked != p.Org:
		return "", fmt.Errorf("org of %s: %w", p.Subject, assessplan.ErrNotFound)
	}
	return p.Org, nil
}

// ScopeFor settles the scope of a pass, to be given to the Scheduler as it is: a principal of all orgs that asks for nothing
// gets all orgs, which is no scope; any other gets its org, or the plan and the testees in it that it asks for.
func (p Principal) ScopeFor(asked assessplan.OrgID, plan assessplan.PlanID, testees []assessplan.TesteeID) ([]assessplan.Scope, error) {
	if p.AllOrgs && asked == "" && plan.IsZero() && len(testees) == 0 {
		return nil, nil
	}
	org, err := p.OrgFor(asked)
	if err != nil {
		return nil, err
	}
	scope := assessplan.InOrg(org)
	switch {
	case len(testees) > 0 && plan.IsZero():
		return nil, assessplan.Invalid("plan_id", "is missing; testees are named within a plan")
	case len(testees) > 0:
		scope = assessplan.ForTestees(org, plan, testees...)
	case !plan.IsZero():
		scope = assessplan.InPlan(org, plan)
	}
	return []assessplan.Scope{scope}, valid(scope)
}

// valid judges a scope, in the names of requests, which have no scope around their fields.
func valid(scope assessplan.Scope) error {
	var faults *assessplan.ValidationError
	if !errors.As(scope.Validate(), &faults) {
		return nil
	}
	named := assessplan.ValidationError{}
	for _, fault := range faults.Faults {
		named.Add(strings.TrimPrefix(fault.Path, "scope."), "%s", fault.Message)
	}
	return named.Err()
}
