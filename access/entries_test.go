package access_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
)

// opened is a service with an opened task, and the token of its entry.
func opened(t *testing.T, store assessplan.Store, entries assessplan.EntryGenerator) (*assessplan.Manager, assessplan.TaskState, string) {
	t.Helper()
	clock := plantest.NewClock()
	service, err := assessplan.New(store, entries, &assessplan.Config{Clock: clock})
	require.NoError(t, err)
	plan, err := service.Manager.CreatePlan(t.Context(), plantest.PlanSpec())
	require.NoError(t, err)
	_, err = service.Manager.Enroll(t.Context(), plantest.EnrollSpec(plan.ID))
	require.NoError(t, err)
	clock.Set(plantest.Morning().Add(90 * time.Minute))
	report, err := service.Scheduler.SchedulePendingTasks(t.Context(), time.Time{})
	require.NoError(t, err)
	require.Len(t, report.Tasks, 1)
	token, _ := report.Tasks[0].Entry.Reveal()
	return service.Manager, report.Tasks[0].Task, token
}

func signed(t *testing.T) assessplan.EntryGenerator {
	t.Helper()
	keys := []assessplan.SigningKey{{ID: "k1", Secret: []byte(strings.Repeat("s", 32))}}
	generator, err := assessplan.NewSignedEntryGenerator("https://assess.example.org/fill", keys, nil)
	require.NoError(t, err)
	return generator
}

func TestAnEntryIsOfTheOrgThatIsExpected(t *testing.T) {
	m, task, token := opened(t, memstore.New(), signed(t))
	own, foreign := access.Principal{Org: plantest.Org}, access.Principal{Org: "elsewhere"}
	all, nobody := access.Principal{AllOrgs: true}, access.Principal{}
	for name, test := range map[string]struct {
		who   access.Principal
		asked assessplan.OrgID
		found bool
	}{
		"nobody":                               {nobody, "", true},
		"nobody that asks for the org":         {nobody, plantest.Org, true},
		"nobody that asks for another":         {nobody, "elsewhere", false},
		"nobody that asks for no org":          {nobody, "\x00", false},
		"its org":                              {own, "", true},
		"its org that says so":                 {own, plantest.Org, true},
		"its org that asks for another":        {own, "elsewhere", false},
		"another org":                          {foreign, "", false},
		"another org that asks for its org":    {foreign, plantest.Org, false},
		"who is good for all":                  {all, "", true},
		"who is good for all, of its org":      {all, plantest.Org, true},
		"who is good for all, of another":      {all, "elsewhere", false},
		"who is good for all, of no org":       {all, "\x00", false},
		"who is good for all, of an over-long": {all, assessplan.OrgID(strings.Repeat("o", 129)), false},
	} {
		t.Run(name, func(t *testing.T) {
			state, err := test.who.ResolveEntry(t.Context(), m, test.asked, task.ID.String(), token)
			if !test.found {
				require.ErrorIs(t, err, assessplan.ErrEntryInvalid)
				require.Equal(t, "this link is not valid", access.PublicMessage(err))
				require.Zero(t, state)
				return
			}
			require.NoError(t, err)
			require.Equal(t, task.ID, state.ID)
		})
	}
	for _, malformed := range []string{"", "task", "\x00", strings.Repeat("x", 10_000)} {
		_, err := all.ResolveEntry(t.Context(), m, "", malformed, token)
		require.ErrorIs(t, err, assessplan.ErrEntryInvalid)
	}
}

func TestALinkIsShownToWhoMaySeeItWhereItCanBeMadeAgain(t *testing.T) {
	store := plantest.NewFailingStore(memstore.New())
	m, task, token := opened(t, store, signed(t))
	sees := access.Principal{Org: plantest.Org, Permissions: []access.Permission{access.Entries}}
	link, err := sees.EntryURL(t.Context(), m, task)
	require.NoError(t, err)
	parsed, err := url.Parse(link)
	require.NoError(t, err)
	require.True(t, token == parsed.Query().Get("token"), "the link has another token")

	reads := access.Principal{Org: plantest.Org, Permissions: []access.Permission{access.Read, access.Manage}}
	link, err = reads.EntryURL(t.Context(), m, task)
	require.NoError(t, err)
	require.Empty(t, link)

	store.Fail(plantest.View, 1, assessplan.ErrInvalid) // whatever that is: the next call is asked as before
	link, err = sees.EntryURL(t.Context(), m, task)
	require.NoError(t, err)
	require.Empty(t, link)
	link, err = sees.EntryURL(t.Context(), m, task)
	require.NoError(t, err)
	require.NotEmpty(t, link)

	store.Fail(plantest.View, 1, assessplan.ErrUnavailable)
	_, err = sees.EntryURL(t.Context(), m, task)
	require.ErrorIs(t, err, assessplan.ErrUnavailable)

	random, err := assessplan.NewURLEntryGenerator("https://assess.example.org/fill", nil)
	require.NoError(t, err)
	m, task, _ = opened(t, memstore.New(), random)
	link, err = sees.EntryURL(t.Context(), m, task)
	require.NoError(t, err)
	require.Empty(t, link)
}

func TestATokenCompletesTheTaskOfItsOrg(t *testing.T) {
	m, task, token := opened(t, memstore.New(), signed(t))
	sheet := assessplan.Submission{AssessmentID: "sheet-1"}
	_, err := access.CompleteTask(t.Context(), m, "elsewhere", task.ID, token, sheet)
	require.ErrorIs(t, err, assessplan.ErrNotFound)
	_, err = access.CompleteTask(t.Context(), m, plantest.Org, task.ID, "not-the-token-of-the-task", sheet)
	require.ErrorIs(t, err, assessplan.ErrEntryInvalid)
	done, err := access.CompleteTask(t.Context(), m, plantest.Org, task.ID, token, sheet)
	require.NoError(t, err)
	require.Equal(t, assessplan.Completed, done.Status)
	again, err := access.CompleteTask(t.Context(), m, plantest.Org, task.ID, "", sheet)
	require.NoError(t, err)
	require.Equal(t, done, again)
}
