package assessplan_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// TestTokensShowNowhere prints whatever a host might log.
func TestTokensShowNowhere(t *testing.T) {
	seen := &observer{}
	f := newFixture(t, func(s *setup) {
		s.config.Observer, s.config.EntryInEvents = seen, assessplan.EntryAlways
		s.entries = answers(secret, site+"?token="+secret, monday.AddDate(0, 0, 7), nil)
	})
	f.rounds(f.plan(daily(1)), 2)
	f.at("2026-03-02 09:00:00")
	report, err := f.scheduler.SchedulePendingTasks(f.ctx, time.Time{}, assessplan.ForTestees(clinic, f.onlyPlan(), "a"))
	require.NoError(t, err)
	require.Equal(t, 1, report.Opened)
	opened := report.Tasks[0]
	byHand, err := f.OpenTask(f.ctx, clinic, f.tasks(assessplan.TaskQuery{Org: clinic, Testee: "b"})[0].ID)
	require.NoError(t, err)
	events := f.events()
	require.Contains(t, string(events[len(events)-1].Data), secret)
	var shown []any
	for _, event := range events {
		_, fact, err := assessplan.DecodeEvent(event.Data)
		require.NoError(t, err)
		shown = append(shown, event, &event, fact)
	}
	entry, err := assessplan.NewEntry(secret+"-2", site+"?token="+secret+"-2", nextWeek)
	require.NoError(t, err)
	task, err := assessplan.RestoreTask(f.task(opened.Task.ID))
	require.NoError(t, err)
	require.NoError(t, task.Reissue(entry, f.clock.Now()))
	shown = append(shown, events, report, *report, opened, &opened, byHand, opened.Entry, &opened.Entry, entry, task, *task,
		assessplan.EntryURL(secret), seen.told, f.task(opened.Task.ID), f.errors(opened.Task.ID))

	for _, value := range shown {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t"} {
			text := fmt.Sprintf(verb, value)
			require.NotContains(t, text, secret, "%s of %T", verb, value)
			require.NotContains(t, text, fmt.Sprintf("%x", secret), "%s of %T", verb, value)
		}
		for _, handler := range []func(*bytes.Buffer) slog.Handler{
			func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			var log bytes.Buffer
			slog.New(handler(&log)).Info("shown", "value", value)
			if _, isEvent := value.([]assessplan.Event); !isEvent && !isFact(value) { // their JSON is what is published
				require.NotContains(t, log.String(), secret, "%T", value)
			}
		}
	}
	for _, value := range []any{report, opened, byHand, entry} {
		text, err := json.Marshal(value)
		require.NoError(t, err)
		require.NotContains(t, string(text), secret)
	}
}

// TestSecretsHiddenInAHostsFieldShowNowhere prints what fmt cannot ask: it calls no method on an unexported field.
func TestSecretsHiddenInAHostsFieldShowNowhere(t *testing.T) {
	entry, err := assessplan.NewEntry(secret, site+"?token="+secret, monday)
	require.NoError(t, err)
	key := assessplan.SigningKey{ID: "k1", Secret: []byte(secret + secret)}
	entries, err := assessplan.NewSignedEntryGenerator(site, []assessplan.SigningKey{key}, nil)
	require.NoError(t, err)
	for name, value := range map[string]any{
		"an entry": struct{ hidden assessplan.Entry }{entry},
		"entries":  struct{ hidden []assessplan.Entry }{[]assessplan.Entry{entry}},
		"a generator": struct {
			hidden *assessplan.SignedEntryGenerator
		}{entries},
		"no field":     entries,
		"an interface": struct{ hidden assessplan.EntryGenerator }{entries},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v"} {
			text := fmt.Sprintf(verb, value)
			require.NotContains(t, text, secret, "%s of %s", verb, name)
			require.NotContains(t, text, "115 51 99 114", "%s of %s: as %%v writes bytes", verb, name)
			require.NotContains(t, text, "0x73, 0x33, 0x63", "%s of %s: as %%#v writes bytes", verb, name)
		}
	}
}

func isFact(value any) bool {
	_, is := value.(assessplan.Fact)
	return is
}

func (f *fixture) onlyPlan() assessplan.PlanID {
	f.t.Helper()
	page, err := f.ListPlans(f.ctx, assessplan.PlanQuery{Org: clinic})
	require.NoError(f.t, err)
	require.Len(f.t, page.Plans, 1)
	return page.Plans[0].ID
}

// errors collects refusals of what is done with a good token, and with input that holds it.
func (f *fixture) errors(id assessplan.TaskID) []string {
	var texts []string
	note := func(_ any, err error) {
		if err != nil {
			texts = append(texts, err.Error(), fmt.Sprintf("%+v", err), assessplan.PublicMessage(err))
		}
	}
	note(f.CompleteWithEntry(f.ctx, id, secret, assessplan.Submission{}))
	note(f.CompleteWithEntry(f.ctx, id, secret, assessplan.Submission{AssessmentID: "s1", SubmittedAt: monday}))
	note(f.CompleteWithEntry(f.ctx, id, "x"+secret, assessplan.Submission{AssessmentID: "s1"}))
	note(f.ResolveEntry(f.ctx, id, secret+"x"))
	note(f.EntryLink(f.ctx, clinic, id))
	note(f.ImportRound(f.ctx, assessplan.RoundImport{
		EnrollSpec: assessplan.EnrollSpec{Org: clinic, Plan: f.onlyPlan(), Testee: "i", Start: date("2026-03-02")},
		Tasks:      []assessplan.TaskImport{{Seq: 1, PlannedAt: monday, Status: assessplan.Pending, Token: secret}},
	}))
	note(assessplan.NewEntry(secret+" ", site+"?token="+secret+"\n", time.Time{}))
	canceled, cancel := context.WithCancel(f.ctx)
	cancel()
	note(f.ResolveEntry(canceled, id, secret))
	require.Len(f.t, texts, 8*3)
	return texts
}

func TestTesteesAreInNoError(t *testing.T) {
	const name assessplan.TesteeID = "Jane Doe 1980-01-01"
	f := newFixture(t)
	plan := f.plan(daily(1))
	round := f.round(plan, name)
	task := f.tasksOf(round)[0]
	spec := fromToday(plan, name)
	spec.Start = date("2026-04-01")
	overlong := fromToday(plan, name+assessplan.TesteeID(bytes.Repeat([]byte("x"), 200)))
	var errs []error
	note := func(_ any, err error) {
		require.Error(t, err)
		errs = append(errs, err)
	}
	note(f.Enroll(f.ctx, spec))
	note(f.Enroll(f.ctx, overlong))
	note(f.Enroll(f.ctx, fromToday(plan, name+"\xff")))
	note(f.EraseTestee(f.ctx, clinic, name+"\x00"))
	note(f.scheduler.SchedulePendingTasks(f.ctx, time.Time{}, assessplan.ForTestees(clinic, plan.ID, name+"\x00")))
	note(f.OpenTask(f.ctx, clinic, task.ID))
	note(f.ExpireTask(f.ctx, clinic, task.ID))
	f.store.task = func(task *assessplan.TaskState) { task.Seq = 0 }
	note(f.CancelTask(f.ctx, clinic, task.ID, ""))
	note(f.RescheduleTask(f.ctx, clinic, task.ID, date("2026-04-01"), 0))
	for _, err := range errs {
		require.NotContains(t, err.Error(), "Jane")
		require.NotContains(t, assessplan.PublicMessage(err), "Jane")
	}
}
