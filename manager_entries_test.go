package assessplan_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

func TestEntryLeadsToItsTask(t *testing.T) {
	f := newFixture(t)
	opened := f.openedTask()
	token, _ := opened.Entry.Reveal()

	f.clock.Set(opened.Task.ExpireAt.Add(-time.Microsecond))
	for range 2 { // looking consumes nothing
		resolved, err := f.ResolveEntry(f.ctx, opened.Task.ID, token)
		require.NoError(t, err)
		require.Equal(t, opened.Task, resolved)
	}
	f.clock.Set(opened.Task.ExpireAt)
	_, err := f.ResolveEntry(f.ctx, opened.Task.ID, token)
	require.ErrorIs(t, err, assessplan.ErrEntryExpired)
	f.expire()
	_, err = f.ResolveEntry(f.ctx, opened.Task.ID, token)
	require.ErrorIs(t, err, assessplan.ErrEntryExpired)
}

func TestEntryThatIsNotValidIsAlwaysTheSameError(t *testing.T) {
	f := newFixture(t)
	f.rounds(f.plan(daily(2)), 4)
	f.at("2026-03-02 09:00:00")
	opened := f.open().Tasks
	require.Len(t, opened, 4)
	token := func(i int) string { token, _ := opened[i].Entry.Reveal(); return token }
	reissued, canceled, completed, good := opened[0].Task.ID, opened[1].Task.ID, opened[2].Task.ID, opened[3].Task.ID
	_, err := f.ReissueEntry(f.ctx, clinic, reissued)
	require.NoError(t, err)
	_, err = f.CancelTask(f.ctx, clinic, canceled, "")
	require.NoError(t, err)
	_, err = f.CompleteTask(f.ctx, clinic, completed, assessplan.Submission{AssessmentID: "s1"})
	require.NoError(t, err)
	pending := f.tasks(assessplan.TaskQuery{Org: clinic, Status: []assessplan.TaskStatus{assessplan.Pending}})[0].ID
	hash := opened[3].Task.TokenHash

	for name, entry := range map[string]struct {
		id    assessplan.TaskID
		token string
	}{
		"no task":           {assessplan.TaskIDFromUint64(999), token(3)},
		"zero task":         {assessplan.TaskID{}, token(3)},
		"no token":          {good, ""},
		"a wrong token":     {good, secret},
		"a longer token":    {good, token(3) + "x"},
		"a shorter token":   {good, token(3)[1:]},
		"the token's hash":  {good, string(hash[:])},
		"of another task":   {good, token(2)},
		"reissued":          {reissued, token(0)},
		"canceled":          {canceled, token(1)},
		"completed":         {completed, token(2)},
		"pending, no token": {pending, ""},
		"pending":           {pending, token(3)},
	} {
		_, err := f.ResolveEntry(f.ctx, entry.id, entry.token)
		require.Equal(t, assessplan.ErrEntryInvalid, err, name)
		if name == "canceled" || name == "completed" {
			continue // the right token: what may still be recorded is up to the rules of completing
		}
		_, err = f.CompleteWithEntry(f.ctx, entry.id, entry.token, assessplan.Submission{AssessmentID: "s9"})
		require.Equal(t, assessplan.ErrEntryInvalid, err, name)
	}
	require.Equal(t, assessplan.Opened, f.task(good).Status)
}

func TestCompletingWithAnEntry(t *testing.T) {
	f := newFixture(t)
	opened := f.openedTask()
	id := opened.Task.ID
	token, _ := opened.Entry.Reveal()
	inTime := assessplan.Submission{AssessmentID: "s1", SubmittedAt: opened.Task.ExpireAt.Add(-time.Microsecond)}

	_, err := f.CompleteWithEntry(f.ctx, id, token, assessplan.Submission{})
	require.ErrorIs(t, err, assessplan.ErrInvalid)
	f.clock.Set(opened.Task.ExpireAt)
	f.expire()
	_, err = f.CompleteWithEntry(f.ctx, id, token, assessplan.Submission{AssessmentID: "s1"})
	require.ErrorIs(t, err, assessplan.ErrEntryExpired, "now is too late")
	require.Equal(t, "this link has expired", assessplan.PublicMessage(err))
	completed, err := f.CompleteWithEntry(f.ctx, id, token, inTime)
	require.NoError(t, err, "but it was handed in before")
	require.Equal(t, f.task(id), completed)

	again, err := f.CompleteWithEntry(f.ctx, id, token, inTime)
	require.NoError(t, err)
	require.Equal(t, completed, again)
	_, err = f.CompleteWithEntry(f.ctx, id, token, assessplan.Submission{AssessmentID: "s2"})
	require.ErrorIs(t, err, assessplan.ErrTaskCompleted)
}

func TestReissuedEntry(t *testing.T) {
	f := newFixture(t)
	opened := f.openedTask()
	old, _ := opened.Entry.Reveal()
	f.clock.Add(time.Hour)
	f.events()

	reissued, err := f.ReissueEntry(f.ctx, clinic, opened.Task.ID)

	require.NoError(t, err)
	require.Equal(t, f.task(opened.Task.ID), reissued.Task)
	require.Equal(t, opened.Task.ExpireAt, reissued.Task.ExpireAt)
	require.Equal(t, opened.Task.ExpireAt, reissued.Entry.ExpireAt())
	require.Equal(t, 2, reissued.Task.EntrySerial)
	fresh, _ := reissued.Entry.Reveal()
	require.NotEqual(t, old, fresh)
	_, err = f.ResolveEntry(f.ctx, opened.Task.ID, fresh)
	require.NoError(t, err)
	require.Equal(t, map[assessplan.EventType]int{assessplan.TypeTaskEntryReissued: 1}, types(f.events()))

	f.clock.Set(opened.Task.ExpireAt)
	_, err = f.ReissueEntry(f.ctx, clinic, opened.Task.ID)
	require.ErrorIs(t, err, assessplan.ErrInvalidTransition)
}

func TestEntryLinkIsMadeAgainWhereTheGeneratorCan(t *testing.T) {
	f := newFixture(t)
	opened := f.openedTask()
	require.True(t, f.MakesEntriesAgain())
	link, err := f.EntryLink(f.ctx, clinic, opened.Task.ID)
	require.NoError(t, err)
	require.Equal(t, opened.Entry, link)

	reissued, err := f.ReissueEntry(f.ctx, clinic, opened.Task.ID)
	require.NoError(t, err)
	link, err = f.EntryLink(f.ctx, clinic, opened.Task.ID)
	require.NoError(t, err)
	require.Equal(t, reissued.Entry, link)

	f.clock.Set(opened.Task.ExpireAt)
	_, err = f.EntryLink(f.ctx, clinic, opened.Task.ID)
	require.ErrorIs(t, err, assessplan.ErrInvalidTransition)

	f = newFixture(t, func(s *setup) { s.entries = urlEntries(t) })
	require.False(t, f.MakesEntriesAgain())
	_, err = f.EntryLink(f.ctx, clinic, f.openedTask().Task.ID)
	require.ErrorIs(t, err, assessplan.ErrInvalid)
}

func TestEntryLinkOfAKeyThatIsGone(t *testing.T) {
	f := newFixture(t)
	opened := f.openedTask()
	key := func(id string, fill byte) assessplan.SigningKey {
		return assessplan.SigningKey{ID: id, Secret: bytes.Repeat([]byte{fill}, 32)}
	}
	withKeys := func(keys ...assessplan.SigningKey) *assessplan.Manager {
		entries, err := assessplan.NewSignedEntryGenerator(site, keys, nil)
		require.NoError(t, err)
		service, err := assessplan.New(f.store, entries, &assessplan.Config{Clock: f.clock})
		require.NoError(t, err)
		return service.Manager
	}
	link, err := withKeys(key("k2", 9), key("k1", 7)).EntryLink(f.ctx, clinic, opened.Task.ID)
	require.NoError(t, err, "an old key still derives what it signed")
	require.Equal(t, opened.Entry, link)
	_, err = withKeys(key("k2", 9)).EntryLink(f.ctx, clinic, opened.Task.ID)
	require.ErrorIs(t, err, assessplan.ErrNotFound)
	_, err = withKeys(key("k1", 9)).EntryLink(f.ctx, clinic, opened.Task.ID)
	require.ErrorIs(t, err, assessplan.ErrNotFound)
}

func TestEntryEndsWithThePlanBeforeItsWorkIsDone(t *testing.T) {
	for name, end := range map[string]func(f *fixture, plan assessplan.PlanID){
		"canceled": func(f *fixture, plan assessplan.PlanID) { _, _ = f.CancelPlan(f.interruptAfter(1), clinic, plan) },
		"finished": func(f *fixture, plan assessplan.PlanID) { _, _ = f.FinishPlan(f.interruptAfter(1), clinic, plan, "") },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			opened := f.openedTask()
			token, _ := opened.Entry.Reveal()
			end(f, opened.Task.Plan)
			f.store.afterUpdate = nil
			require.Equal(t, opened.Task, f.task(opened.Task.ID), "the work has not come to it")
			_, err := f.ResolveEntry(f.ctx, opened.Task.ID, token)
			require.Equal(t, assessplan.ErrEntryInvalid, err)
			_, err = f.ReissueEntry(f.ctx, clinic, opened.Task.ID)
			require.ErrorIs(t, err, assessplan.ErrInvalidTransition)
			_, err = f.EntryLink(f.ctx, clinic, opened.Task.ID)
			require.ErrorIs(t, err, assessplan.ErrInvalidTransition)
		})
	}
}

// misderiving makes other entries the second time.
type misderiving struct{ assessplan.EntryGenerator }

func (misderiving) DeriveEntry(context.Context, *assessplan.AssessmentTask, int) (string, string, error) {
	return secret, site + "?token=" + secret, nil
}

func TestEntryThatIsDerivedDifferentlyIsNotGivenOut(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.entries = misderiving{s.entries} })
	_, err := f.EntryLink(f.ctx, clinic, f.openedTask().Task.ID)
	require.ErrorIs(t, err, assessplan.ErrNotFound)
	require.NotContains(t, err.Error(), secret)
}

func TestEventsCarryTheURLAsChosen(t *testing.T) {
	for name, test := range map[string]struct {
		choice assessplan.EntryInEvents
		signed bool
		urls   bool
	}{
		"by default, of a URL that cannot be made again": {"", false, true},
		"by default, of one that can":                    {"", true, false},
		"auto":                                           {assessplan.EntryAuto, true, false},
		"always":                                         {assessplan.EntryAlways, true, true},
		"never":                                          {assessplan.EntryNever, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(s *setup) {
				s.config.EntryInEvents = test.choice
				if !test.signed {
					s.entries = urlEntries(t)
				}
			})
			task := f.oneTask()
			first := f.open().Tasks[0]
			second, err := f.ReissueEntry(f.ctx, clinic, task.ID)
			require.NoError(t, err)

			var told []string
			for _, event := range f.events() {
				_, fact, err := assessplan.DecodeEvent(event.Data)
				require.NoError(t, err)
				switch fact := fact.(type) {
				case *assessplan.TaskOpened:
					told = append(told, fact.EntryURL.Reveal())
				case *assessplan.TaskEntryReissued:
					told = append(told, fact.EntryURL.Reveal())
				default:
					require.NotContains(t, string(event.Data), "token")
				}
				if !test.urls {
					require.NotContains(t, string(event.Data), site)
				}
			}
			want := []string{"", ""}
			if test.urls {
				_, url1 := first.Entry.Reveal()
				_, url2 := second.Entry.Reveal()
				want = []string{url1, url2}
			}
			require.Equal(t, want, told)
		})
	}
}
