package assessplan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

// What no log may have, besides tokens and URLs: a testee, what was noted about one, what was handed in.
const (
	person assessplan.TesteeID     = "Ada Lovelace"
	other  assessplan.TesteeID     = "Charles Babbage"
	note                           = "moved to Torquay"
	sheet  assessplan.AssessmentID = "sheet of Ada"
)

// logged is a fixture that logs everything, and whose generator and publisher put a secret into what they say.
type logged struct {
	*fixture
	log       *bytes.Buffer
	generator *plantest.Generator
	publisher *plantest.Publisher
}

func newLogged(t *testing.T) *logged {
	t.Helper()
	l := &logged{log: &bytes.Buffer{}, generator: &plantest.Generator{}}
	l.generator.Otherwise(answers(secret, site+"?token="+secret, monday.AddDate(0, 0, 30), nil))
	l.fixture, l.publisher, _ = relaying(t, func(s *setup) {
		s.entries = l.generator
		s.config.Logger = slog.New(slog.NewJSONHandler(l.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		s.config.Relay.MaxFailures = 2
	})
	return l
}

// does carries out a command and says what became of it.
func (l *logged) does(want, err error) {
	l.t.Helper()
	require.ErrorIs(l.t, err, want)
}

// everything carries out every command, and most of them again with what they refuse.
func (l *logged) everything() {
	ctx, bad := l.ctx, assessplan.OrgID(strings.Repeat("x", 200))
	plan := l.plan(daily(3))
	_, err := l.CreatePlan(ctx, assessplan.PlanSpec{Org: clinic, Scale: "PHQ-8", Zone: string(person)})
	l.does(assessplan.ErrInvalid, err)
	mine, theirs := l.round(plan, person), l.round(plan, other)
	_, err = l.Enroll(ctx, assessplan.EnrollSpec{Org: clinic, Plan: plan.ID, Testee: person + "\x00", Start: date("2026-03-02")})
	l.does(assessplan.ErrInvalid, err)
	_, err = l.ImportRound(ctx, assessplan.RoundImport{EnrollSpec: fromToday(plan, "Mary Somerville"), Tasks: []assessplan.TaskImport{
		{Seq: 1, PlannedAt: monday, Status: assessplan.Opened, OpenAt: monday, ExpireAt: monday.AddDate(0, 0, 9), Token: secret},
	}})
	l.does(nil, err)

	l.at("2026-03-02 09:00:00")
	l.generator.OnCall(1, answers("", "", time.Time{}, errors.New("no room for "+secret)))
	opened := l.open().Tasks[0].Task
	l.entries(opened)
	mineLeft, theirsLeft := l.tasksOf(mine)[1:], l.tasksOf(theirs)[1:]
	l.at("2026-03-03 09:00:00")
	l.does(nil, second(l.OpenTask(ctx, clinic, mineLeft[0].ID)))
	l.does(nil, second(l.ExpireTask(ctx, clinic, mineLeft[0].ID)))
	l.does(nil, second(l.RescheduleTask(ctx, clinic, mineLeft[0].ID, date("2026-03-20"), assessplan.ClockTime(9, 0))))
	l.does(nil, second(l.CancelTask(ctx, clinic, theirsLeft[0].ID, "")))
	l.does(assessplan.ErrNotFound, second(l.CancelTask(ctx, foreign, theirsLeft[0].ID, "")))
	l.does(assessplan.ErrInvalidTransition, second(l.CompleteTask(ctx, clinic, theirsLeft[1].ID, assessplan.Submission{AssessmentID: sheet})))

	l.does(nil, second(l.PauseEnrollment(ctx, clinic, mine.ID)))
	l.does(nil, second(l.ResumeEnrollment(ctx, clinic, mine.ID, assessplan.KeepDates)))
	l.does(nil, second(l.TerminateEnrollment(ctx, clinic, mine.ID, assessplan.Termination{Reason: assessplan.Other, Note: note})))
	l.does(nil, second(l.EraseTestee(ctx, clinic, other)))
	l.does(assessplan.ErrInvalid, second(l.EraseTestee(ctx, bad, other)))
	l.does(nil, second(l.PausePlan(ctx, clinic, plan.ID)))
	l.does(nil, second(l.ResumePlan(ctx, clinic, plan.ID, assessplan.KeepDates)))
	l.does(nil, second(l.FinishPlan(ctx, clinic, plan.ID, "")))
	l.does(assessplan.ErrPlanNotActive, second(l.CancelPlan(ctx, clinic, plan.ID)))
	l.expire()
	l.relays()
}

// entries does what a testee does.
func (l *logged) entries(opened assessplan.TaskState) {
	l.generator.OnCall(l.generator.Calls()+1, answers(secret+"-2", site+"?token="+secret+"-2", monday.AddDate(0, 0, 30), nil))
	l.does(nil, second(l.ReissueEntry(l.ctx, clinic, opened.ID)))
	l.does(assessplan.ErrInvalid, second(l.EntryLink(l.ctx, clinic, opened.ID)))
	l.does(nil, second(l.ResolveEntry(l.ctx, opened.ID, secret+"-2")))
	l.does(assessplan.ErrEntryInvalid, second(l.ResolveEntry(l.ctx, opened.ID, secret+"!")))
	l.does(nil, second(l.CompleteWithEntry(l.ctx, opened.ID, secret+"-2", assessplan.Submission{AssessmentID: sheet})))
	l.does(assessplan.ErrEntryInvalid, second(l.CompleteWithEntry(l.ctx, opened.ID, secret+"!", assessplan.Submission{AssessmentID: sheet})))
	l.does(nil, second(l.CompleteTask(l.ctx, clinic, opened.ID, assessplan.Submission{AssessmentID: sheet})))
}

// relays has a publisher that quotes what it was given.
func (l *logged) relays() {
	l.publisher.FailEvents(plantest.Always, func(e assessplan.Event) bool {
		return ofClinicsPlan(e) || e.Type == assessplan.TypeTesteeErased
	}, errors.New("will not send "+secret))
	require.Equal(l.t, 2, l.relayed().Refused)
	l.clock.Add(time.Hour)
	l.beside()
	require.Equal(l.t, 2, l.relayed().Parked)
	l.publisher.Recover()
	page, err := l.relay.ListParkedEvents(l.ctx, assessplan.ParkedQuery{})
	l.does(nil, err)
	require.NoError(l.t, l.relay.Retry(l.ctx, page.Events[0].ID))
	require.NoError(l.t, l.relay.Discard(l.ctx, page.Events[1].ID))
	l.publisher.Fail(3, errors.New("cannot send "+secret))
	_, err = l.relay.RelayEvents(l.ctx)
	l.does(assessplan.ErrUnavailable, err)
}

func second[T any](_ T, err error) error { return err }

func TestLogsHaveNoSecretAndNoTestee(t *testing.T) {
	l := newLogged(t)
	l.everything()
	hidden := []string{secret, site, string(person), "Lovelace", string(other), "Somerville", note, string(sheet), "token", strings.Repeat("x", 200) + "x"}
	for line := range strings.Lines(l.log.String()) {
		for i, text := range hidden {
			require.NotContains(t, line, text, "what must not be logged, number %d", i)
		}
	}
}

func TestAReferenceThatIsTakenIsNotLogged(t *testing.T) {
	l := newLogged(t)
	spec := assessplan.PlanSpec{Org: clinic, ExternalRef: "study of Ada", Scale: "PHQ-8", Zone: "UTC", Schedule: assessplan.EveryDays(1, 1)}
	l.does(nil, second(l.CreatePlan(l.ctx, spec)))
	spec.Scale = "GAD-7"
	l.does(assessplan.ErrConflict, second(l.CreatePlan(l.ctx, spec)))
	require.Contains(t, l.log.String(), "has another spec")
	require.NotContains(t, l.log.String(), "study of Ada")
}

func TestEveryCommandAndRunIsLogged(t *testing.T) {
	l := newLogged(t)
	l.everything()
	commands, messages := map[string]bool{}, map[string]bool{}
	for _, record := range l.records() {
		messages[record["msg"].(string)] = true
		if name, ok := record["command"].(string); ok {
			commands[name] = true
		}
	}
	queries := regexp.MustCompile("^(Get|List|Preview|Using|MakesEntriesAgain$|EnrollMany$|OutboxStats$|Run$|RelayEvents$|Nudge$|HasPublisher$)")
	for _, part := range []any{l.Manager, l.relay} {
		for i := range reflect.TypeOf(part).NumMethod() {
			method := reflect.TypeOf(part).Method(i).Name
			if name := snake(method); !queries.MatchString(method) {
				require.True(t, commands[name] || commands[name+"_events"], "%s is logged as %s", method, name)
			}
		}
	}
	for _, message := range []string{"schedule pass", "expire pass", "relay", "task failed", "event refused", "event parked", "parked event retried", "parked event discarded"} {
		require.True(t, messages[message], message)
	}
}

// snake writes a method's name as logs do.
func snake(method string) string {
	return strings.ToLower(regexp.MustCompile("([a-z])([A-Z])").ReplaceAllString(method, "${1}_$2"))
}

func TestKeysOfLogRecordsAreStable(t *testing.T) {
	l := newLogged(t)
	l.everything()
	known := strings.Fields(`time level msg command run org plan enrollment task event type subject code kind error duration
		tasks existing opened missed failed skipped retries pages more oldest_due_at expired canceled shifted closed
		published refused parked returned batches outbox_pending outbox_parked outbox_oldest_at attempts failures`)
	for _, record := range l.records() {
		for key := range record {
			require.True(t, slices.Contains(known, key), "%s of %s", key, record["msg"])
		}
		if record["msg"] == "command" {
			require.Contains(t, record, "duration", "of %s", record["command"])
		}
	}
}

func TestLevelsOfLogRecords(t *testing.T) {
	l := newLogged(t)
	plan := l.plan(daily(1))
	l.round(plan, person)
	l.open() // nothing is due
	l.at("2026-03-02 09:00:00")
	l.generator.OnCall(1, answers("", "", time.Time{}, errors.New("no")))
	l.open()
	l.at("2026-03-02 09:02:00")
	l.open()
	_, err := l.PausePlan(l.ctx, foreign, plan.ID)
	require.ErrorIs(t, err, assessplan.ErrNotFound)
	l.store.begin = func() error { return assessplan.ErrUnavailable }
	_, err = l.PausePlan(l.ctx, clinic, plan.ID)
	require.ErrorIs(t, err, assessplan.ErrUnavailable)
	_, err = l.scheduler.SchedulePendingTasks(l.ctx, time.Time{})
	require.ErrorIs(t, err, assessplan.ErrUnavailable)
	var levels []string
	for _, record := range l.records() {
		levels = append(levels, record["level"].(string)+" "+record["msg"].(string))
	}
	require.Equal(t, []string{"INFO command", "INFO command", "DEBUG schedule pass", "DEBUG task failed", "WARN schedule pass",
		"INFO schedule pass", "INFO command", "WARN command", "ERROR schedule pass"}, levels)
}

// records returns what was logged.
func (l *logged) records() []map[string]any {
	l.t.Helper()
	var records []map[string]any
	for line := range strings.Lines(l.log.String()) {
		record := map[string]any{}
		require.NoError(l.t, json.Unmarshal([]byte(line), &record))
		records = append(records, record)
	}
	return records
}
