package embedtest_test

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/examples/embedtest"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
)

// TestATesteeIsRemindedEveryTwoWeeks embeds the whole library: a plan, a testee, two weeks, two mails.
func TestATesteeIsRemindedEveryTwoWeeks(t *testing.T) {
	ctx := t.Context()
	now := clock.NewMock()
	now.Set(time.Date(2026, 3, 20, 8, 0, 0, 0, time.UTC))
	entries, err := assessplan.NewURLEntryGenerator("https://fill.example.org/", nil)
	require.NoError(t, err)
	service, err := assessplan.New(memstore.New(), entries, &assessplan.Config{Clock: now})
	require.NoError(t, err)
	mailbox := &mailbox{}
	reminders := embedtest.NewReminders(service.Scheduler, mailbox)

	plan, err := service.Manager.CreatePlan(ctx, assessplan.PlanSpec{
		Org: "clinic-a", Scale: "PHQ-8", Zone: "Europe/Berlin",
		Schedule: assessplan.EveryDays(14, 2, assessplan.ClockTime(9, 30)),
		Windows:  assessplan.Windows{FillWindow: assessplan.CalendarDays(3)},
	})
	require.NoError(t, err)
	_, err = service.Manager.Enroll(ctx, assessplan.EnrollSpec{
		Org: "clinic-a", Plan: plan.ID, Testee: "anna", Start: assessplan.CivilDate{Year: 2026, Month: 3, Day: 20},
	})
	require.NoError(t, err)

	// 09:00 in Berlin: nothing is due yet.
	require.NoError(t, reminders.Run(ctx))
	require.Empty(t, mailbox.sent)

	// 09:30: the task opens and its link is mailed, once, however often the host runs.
	now.Add(30 * time.Minute)
	require.NoError(t, reminders.Run(ctx))
	require.NoError(t, reminders.Run(ctx))
	require.Len(t, mailbox.sent, 1)
	require.Equal(t, assessplan.TesteeID("anna"), mailbox.sent[0].to)

	// The link leads to the task, and completes it.
	link, err := url.Parse(mailbox.sent[0].link)
	require.NoError(t, err)
	id, err := assessplan.ParseTaskID(link.Query().Get("task_id"))
	require.NoError(t, err)
	done, err := service.Manager.CompleteWithEntry(ctx, id, link.Query().Get("token"), assessplan.Submission{AssessmentID: "A1"})
	require.NoError(t, err)
	require.Equal(t, assessplan.Completed, done.Status)

	// Two weeks later the clocks have changed: 09:30 in Berlin is an hour earlier in UTC.
	now.Set(time.Date(2026, 4, 3, 7, 29, 0, 0, time.UTC))
	require.NoError(t, reminders.Run(ctx))
	require.Len(t, mailbox.sent, 1)
	now.Add(time.Minute)
	require.NoError(t, reminders.Run(ctx))
	require.Len(t, mailbox.sent, 2)

	// This one is not filled in, and expires after three days.
	now.Add(3 * 24 * time.Hour)
	require.NoError(t, reminders.Run(ctx))
	page, err := service.Manager.ListTasks(ctx, assessplan.TaskQuery{Org: "clinic-a", Testee: "anna", Limit: 10})
	require.NoError(t, err)
	require.Equal(t, []assessplan.TaskStatus{assessplan.Completed, assessplan.Expired}, statuses(page.Tasks))
}

// TestAGeneratorThatFailsDelaysOneReminder uses plantest, whose fixtures and stand-ins save most of the lines above.
func TestAGeneratorThatFailsDelaysOneReminder(t *testing.T) {
	ctx := t.Context()
	now, entries, mailbox := plantest.NewClock(), &plantest.Generator{}, &mailbox{}
	service, err := assessplan.New(memstore.New(), entries, &assessplan.Config{Clock: now, RetryDelay: time.Minute})
	require.NoError(t, err)
	reminders := embedtest.NewReminders(service.Scheduler, mailbox)
	plan, err := service.Manager.CreatePlan(ctx, plantest.PlanSpec())
	require.NoError(t, err)
	for _, testee := range []assessplan.TesteeID{"anna", "ben"} {
		_, err = service.Manager.Enroll(ctx, plantest.EnrollSpec(plan.ID, func(s *assessplan.EnrollSpec) { s.Testee = testee }))
		require.NoError(t, err)
	}

	entries.OnCall(1, plantest.Panic("out of memory"))
	now.Add(time.Hour)
	require.NoError(t, reminders.Run(ctx))
	require.Len(t, mailbox.sent, 1, "the other testee's reminder is not kept back")

	now.Add(time.Minute)
	require.NoError(t, reminders.Run(ctx))
	require.Len(t, mailbox.sent, 2, "a minute later it is tried again")
	require.NotEqual(t, mailbox.sent[0].to, mailbox.sent[1].to)
}

func statuses(tasks []assessplan.TaskState) []assessplan.TaskStatus {
	bySeq := make([]assessplan.TaskStatus, len(tasks))
	for _, task := range tasks {
		bySeq[task.Seq-1] = task.Status
	}
	return bySeq
}

// mailbox is the test's Mailer.
type mailbox struct{ sent []mail }

type mail struct {
	to   assessplan.TesteeID
	link string
}

func (m *mailbox) Mail(_ context.Context, to assessplan.TesteeID, _ assessplan.ScaleCode, link string) error {
	m.sent = append(m.sent, mail{to: to, link: link})
	return nil
}
