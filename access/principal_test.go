package access_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
)

var (
	staff   = access.Principal{Subject: "staff", Org: "clinic-a", Permissions: []access.Permission{access.Read, access.Schedule}}
	trigger = access.Principal{Subject: "trigger", AllOrgs: true, Permissions: []access.Permission{access.Schedule}}
)

func TestPermissionsIncludeNoOthers(t *testing.T) {
	for _, permission := range access.Permissions() {
		only := access.Principal{Org: "clinic-a", Permissions: []access.Permission{permission}}
		for _, needed := range access.Permissions() {
			err := only.Check(needed)
			require.Equal(t, permission == needed, err == nil)
			if err != nil {
				require.ErrorIs(t, err, access.ErrForbidden)
				require.ErrorContains(t, err, string(needed))
			}
		}
	}
}

func TestTheOrgIsThePrincipals(t *testing.T) {
	for _, test := range []struct {
		who   access.Principal
		asked assessplan.OrgID
		org   assessplan.OrgID
		err   error
	}{
		{staff, "", "clinic-a", nil},
		{staff, "clinic-a", "clinic-a", nil},
		{staff, "clinic-b", "", assessplan.ErrNotFound},
		{trigger, "clinic-b", "clinic-b", nil},
		{trigger, "", "", assessplan.ErrInvalid},
		{trigger, "clinic\x00", "", assessplan.ErrInvalid},
	} {
		org, err := test.who.OrgFor(test.asked)
		require.ErrorIs(t, err, test.err)
		if err == nil {
			require.Equal(t, test.org, org)
		}
	}
}

func TestAPassIsNarrowedToWhatAPrincipalMayReach(t *testing.T) {
	plan := assessplan.PlanIDFromUint64(7)
	scope := func(who access.Principal, asked assessplan.OrgID, plan assessplan.PlanID, testees ...assessplan.TesteeID) []assessplan.Scope {
		found, err := who.ScopeFor(asked, plan, testees)
		require.NoError(t, err)
		return found
	}
	require.Empty(t, scope(trigger, "", assessplan.PlanID{}), "all orgs are no scope")
	require.Equal(t, []assessplan.Scope{assessplan.InOrg("clinic-b")}, scope(trigger, "clinic-b", assessplan.PlanID{}))
	require.Equal(t, []assessplan.Scope{assessplan.InOrg("clinic-a")}, scope(staff, "", assessplan.PlanID{}))
	require.Equal(t, []assessplan.Scope{assessplan.InPlan("clinic-a", plan)}, scope(staff, "", plan))
	require.Equal(t, []assessplan.Scope{assessplan.ForTestees("clinic-a", plan, "T-1")}, scope(staff, "", plan, "T-1"))

	_, err := staff.ScopeFor("clinic-b", assessplan.PlanID{}, nil)
	require.ErrorIs(t, err, assessplan.ErrNotFound)
	_, err = trigger.ScopeFor("", plan, nil)
	require.ErrorIs(t, err, assessplan.ErrInvalid, "a plan is of an org")
	_, err = staff.ScopeFor("", assessplan.PlanID{}, []assessplan.TesteeID{"T-1"})
	require.ErrorIs(t, err, assessplan.ErrInvalid, "testees are those of a plan")
}

func TestFaultsAreNamedAsRequestsDo(t *testing.T) {
	long := strings.Repeat("x", 129)
	_, noOrg := trigger.OrgFor(assessplan.OrgID(long))
	_, noPlan := staff.ScopeFor("", assessplan.PlanID{}, []assessplan.TesteeID{"T-1"})
	_, noTestee := staff.ScopeFor("", assessplan.PlanIDFromUint64(7), []assessplan.TesteeID{assessplan.TesteeID(long)})
	for field, err := range map[string]error{"org_id": noOrg, "plan_id": noPlan, "testee_ids": noTestee} {
		var faults *assessplan.ValidationError
		require.ErrorAs(t, err, &faults)
		require.Len(t, faults.Faults, 1)
		require.Equal(t, field, faults.Faults[0].Path)
		require.NotContains(t, faults.Faults[0].Message, "InOrg", "that is no advice for who sends a request")
	}
}

func TestPrincipalsThatAreWrong(t *testing.T) {
	require.NoError(t, staff.Validate())
	require.NoError(t, trigger.Validate())
	require.ErrorContains(t, access.Principal{}.Validate(), "principal.org")
	require.ErrorContains(t, access.Principal{Org: "a", AllOrgs: true}.Validate(), "principal.org")
	require.ErrorContains(t, access.Principal{Org: "a", Permissions: []access.Permission{"fly"}}.Validate(), "principal.permissions")
}

func TestAnonymousIsEverybody(t *testing.T) {
	who, err := access.Anonymous(staff)(request())
	require.NoError(t, err)
	require.Equal(t, staff, who)
}
