package assessplan

// Scope narrows a pass. Make one with [InOrg], [InPlan] or [ForTestees]; where a port takes a Scope, zero is all orgs.
type Scope struct {
	Org     OrgID
	Plan    PlanID     // zero is every plan of the org
	Testees []TesteeID // none is every testee

	ofPlan bool // made for one plan, which must then be given
}

// MaxScopeTestees is the most testees that a Scope may name.
const MaxScopeTestees = 1000

// InOrg is everything of one org.
func InOrg(org OrgID) Scope { return Scope{Org: org} }

// InPlan is everything of one plan.
func InPlan(org OrgID, plan PlanID) Scope { return Scope{Org: org, Plan: plan, ofPlan: true} }

// ForTestees is what some testees owe in one plan.
func ForTestees(org OrgID, plan PlanID, testees ...TesteeID) Scope {
	if len(testees) == 0 {
		testees = []TesteeID{""} // no testee is nobody, not everybody; Validate says so
	}
	return Scope{Org: org, Plan: plan, Testees: testees, ofPlan: true}
}

// IsZero reports whether the scope says nothing.
func (s Scope) IsZero() bool { return s.Org == "" && s.Plan.IsZero() && len(s.Testees) == 0 }

// Validate names every fault of a scope. A zero Scope is one: to mean all orgs, a caller gives no Scope at all.
func (s Scope) Validate() error {
	f := faults{}
	checkReference(&f, "scope.org_id", s.Org)
	if (s.ofPlan || len(s.Testees) > 0) && s.Plan.IsZero() {
		f.Add("scope.plan_id", "is zero; use InOrg for a whole org")
	}
	if len(s.Testees) > MaxScopeTestees {
		f.Add("scope.testee_ids", "has %d testees; the most is %d", len(s.Testees), MaxScopeTestees)
	}
	for _, testee := range s.Testees {
		checkReference(&f, "scope.testee_ids", testee)
	}
	return f.Err()
}
