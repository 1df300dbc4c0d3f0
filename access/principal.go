package access

import (
	"errors"
	"fmt"
	"net/http"
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

var (
	// ErrUnauthenticated says that a request has no credentials, or wrong ones. Which of the two is not said.
	ErrUnauthenticated = errors.New("give valid credentials")
	// ErrForbidden says that a principal lacks a permission.
	ErrForbidden = errors.New("forbidden")
)

// ForbiddenError names the permission that a principal lacks. It matches [ErrForbidden].
type ForbiddenError struct{ Needed Permission }

func (e *ForbiddenError) Error() string { return fmt.Sprintf("this needs the permission %q", e.Needed) }

// Is reports whether target is [ErrForbidden].
func (e *ForbiddenError) Is(target error) bool { return target == ErrForbidden }

// Principal is who makes a request.
type Principal struct {
	Subject     string           // names it in logs; never a secret
	Org         assessplan.OrgID // the org that it belongs to; empty with AllOrgs
	AllOrgs     bool             // it belongs to none and may name any
	Permissions []Permission
}

// Authenticate tells who makes a request. It returns [ErrUnauthenticated], or an error that wraps it, for a request whose
// credentials are missing or wrong; any other error says that it could not find out. It is called by several goroutines at
// once, and must not take credentials from the URL, which ends up in logs.
type Authenticate = func(r *http.Request) (Principal, error)

// Anonymous takes everybody for one principal: for a network in which everybody may do what it may.
func Anonymous(p Principal) Authenticate {
	return func(*http.Request) (Principal, error) { return p, nil }
}

// Validate names every fault of a principal in one [assessplan.ValidationError].
func (p Principal) Validate() error {
	if faults := p.faults(); len(faults) > 0 {
		return &assessplan.ValidationError{Faults: faults}
	}
	return nil
}

func (p Principal) faults() (faults []assessplan.Fault) {
	if p.AllOrgs && p.Org != "" {
		faults = append(faults, assessplan.Fault{Path: "principal.org", Message: "is given with AllOrgs; give one of the two"})
	}
	if err := assessplan.InOrg(p.Org).Validate(); !p.AllOrgs && err != nil {
		faults = append(faults, assessplan.Fault{Path: "principal.org", Message: "is no org; give one, or AllOrgs"})
	}
	for _, permission := range p.Permissions {
		if !slices.Contains(Permissions(), permission) {
			faults = append(faults, assessplan.Fault{
				Path: "principal.permissions", Message: fmt.Sprintf("has %.40q; want some of %q", permission, Permissions()),
			})
		}
	}
	return faults
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
		return "", invalid("org_id", "is missing; these credentials are good for all orgs, so name one")
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
		return nil, invalid("plan_id", "is missing; testees are named within a plan")
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
	named := &assessplan.ValidationError{}
	for _, fault := range faults.Faults {
		named.Faults = append(named.Faults, assessplan.Fault{Path: strings.TrimPrefix(fault.Path, "scope."), Message: fault.Message})
	}
	return named
}

// invalid is a fault of one field.
func invalid(path, message string) error {
	return &assessplan.ValidationError{Faults: []assessplan.Fault{{Path: path, Message: message}}}
}
