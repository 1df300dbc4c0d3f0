package assessplan_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// awkward is text that JSON must escape, or that careless encoders escape wrongly.
const awkward = "\"quoted\" \\ /slash/ <b>&amp;'\t\n\r\b\f\x01\x1f\x7f 诊所 é e\u0301 \u2028\u2029\ufeff 🙂 "

var allTypes = []assessplan.EventType{
	assessplan.TypeTaskOpened, assessplan.TypeTaskCompleted, assessplan.TypeTaskExpired, assessplan.TypeTaskCanceled,
	assessplan.TypeTaskRescheduled, assessplan.TypeTaskEntryReissued,
	assessplan.TypePlanCreated, assessplan.TypePlanPaused, assessplan.TypePlanResumed, assessplan.TypePlanFinished, assessplan.TypePlanCanceled,
	assessplan.TypeEnrollmentCreated, assessplan.TypeEnrollmentPaused, assessplan.TypeEnrollmentResumed, assessplan.TypeEnrollmentClosed,
	assessplan.TypeEnrollmentReopened, assessplan.TypeEnrollmentTerminated,
	assessplan.TypeTesteeErased,
}

// chronicle is a service on which everything happened, in an org of an awkward name.
type chronicle struct {
	*fixture
	org assessplan.OrgID
}

func newChronicle(t *testing.T, org assessplan.OrgID) *chronicle {
	t.Helper()
	return &chronicle{org: org, fixture: newFixture(t, func(s *setup) {
		s.config.EntryInEvents, s.config.EventSource = assessplan.EntryAlways, "https://host.example.org/plans?a=b&c=%22"
	})}
}

func (h *chronicle) plan(days int) assessplan.PlanState {
	h.t.Helper()
	plan, err := h.CreatePlan(h.ctx, assessplan.PlanSpec{
		Org: h.org, ExternalRef: assessplan.ExternalRef(fmt.Sprint(days, awkward)), Scale: awkward, Zone: "Europe/Berlin",
		Schedule: assessplan.EveryDays(1, days, assessplan.ClockTime(10, 0)), Windows: assessplan.Windows{DueWindow: assessplan.Elapsed(time.Hour)},
	})
	require.NoError(h.t, err)
	return plan
}

func (h *chronicle) enroll(plan assessplan.PlanState) []assessplan.TaskState {
	h.t.Helper()
	_, err := h.Enroll(h.ctx, assessplan.EnrollSpec{Org: h.org, Plan: plan.ID, Testee: awkward, Start: date("2026-03-02")})
	require.NoError(h.t, err)
	return h.tasks(assessplan.TaskQuery{Org: h.org, Plan: plan.ID})
}

// tell does everything that is told of, but for an erasure. It returns the events.
func (h *chronicle) tell() []assessplan.Event {
	h.t.Helper()
	plan := h.plan(5)
	tasks := h.enroll(plan)
	round := tasks[0].Enrollment
	h.clock.Set(tasks[3].PlannedAt)
	require.Equal(h.t, 4, h.open().Opened)
	h.must(h.ReissueEntry(h.ctx, h.org, tasks[0].ID))
	h.clock.Add(2 * time.Hour)
	h.must(h.CompleteTask(h.ctx, h.org, tasks[0].ID, assessplan.Submission{AssessmentID: awkward}))
	h.must(h.ExpireTask(h.ctx, h.org, tasks[1].ID))
	h.must(h.CancelTask(h.ctx, h.org, tasks[2].ID, ""))
	h.must(h.CompleteTask(h.ctx, h.org, tasks[2].ID, assessplan.Submission{AssessmentID: "late", SubmittedAt: h.clock.Now().Add(-time.Minute)}))
	h.must(h.RescheduleTask(h.ctx, h.org, tasks[3].ID, date("2026-04-01"), assessplan.ClockTime(2, 30)))

	h.must(h.PauseEnrollment(h.ctx, h.org, round))
	h.clock.Add(24 * time.Hour)
	h.must(h.ResumeEnrollment(h.ctx, h.org, round, assessplan.ShiftDates))
	h.must(h.PausePlan(h.ctx, h.org, plan.ID))
	h.clock.Add(48 * time.Hour)
	h.must(h.ResumePlan(h.ctx, h.org, plan.ID, assessplan.ShiftDates))

	h.must(h.CancelTask(h.ctx, h.org, tasks[3].ID, assessplan.Other))
	h.must(h.CancelTask(h.ctx, h.org, tasks[4].ID, "moved_abroad"))
	h.clock.Set(h.clock.Now().AddDate(0, 2, 0))
	require.Equal(h.t, 1, h.expire().Closed)
	h.must(h.RescheduleTask(h.ctx, h.org, tasks[4].ID, date("2026-12-01"), assessplan.ClockTime(10, 0)))
	h.must(h.TerminateEnrollment(h.ctx, h.org, round, assessplan.Termination{Reason: assessplan.Other, Note: awkward}))
	h.must(h.FinishPlan(h.ctx, h.org, plan.ID, assessplan.LetOpenedRunOut))

	canceled := h.plan(1)
	h.must(h.CancelPlan(h.ctx, h.org, canceled.ID))
	return h.events()
}

func (h *chronicle) must(_ any, err error) {
	h.t.Helper()
	require.NoError(h.t, err)
}

// wholeHistory is what tell returns and the erasure after it.
func wholeHistory(t *testing.T) []assessplan.Event {
	t.Helper()
	h := newChronicle(t, awkward)
	events := h.tell()
	h.must(h.EraseTestee(h.ctx, h.org, awkward))
	return append(events, h.events()...)
}

func TestHistoryTellsOfEverything(t *testing.T) {
	seen := types(wholeHistory(t))
	for _, kind := range allTypes {
		require.Positive(t, seen[kind], kind)
	}
	require.Len(t, seen, len(allTypes))
}

func TestEventsAreReadAsTheyWereWritten(t *testing.T) {
	for _, event := range wholeHistory(t) {
		read, fact, err := assessplan.DecodeEvent(event.Data)
		require.NoError(t, err)
		require.Equal(t, event, read)
		require.Equal(t, event.Type, fact.EventType())

		var envelope struct{ Data json.RawMessage }
		require.NoError(t, json.Unmarshal(event.Data, &envelope))
		marshaled, err := json.Marshal(fact)
		require.NoError(t, err)
		require.JSONEq(t, string(marshaled), string(envelope.Data), "%s is what encoding/json makes of its fact", event.Type)
		again, err := json.Marshal(event)
		require.NoError(t, err)
		require.JSONEq(t, string(event.Data), string(again))
	}
}

// TestEventsAreCloudEvents keeps to version 1.0.2 of the specification, its JSON format and the partitioning extension.
func TestEventsAreCloudEvents(t *testing.T) {
	name := regexp.MustCompile(`^[a-z0-9]{1,20}$`)
	for _, event := range wholeHistory(t) {
		require.True(t, utf8.Valid(event.Data))
		require.False(t, slices.ContainsFunc(event.Data, func(b byte) bool { return b < ' ' }), "no control characters")
		var attributes map[string]any
		require.NoError(t, json.Unmarshal(event.Data, &attributes))
		for key := range attributes {
			require.Regexp(t, name, key)
		}
		data, isObject := attributes["data"].(map[string]any)
		require.True(t, isObject)
		require.NotEmpty(t, data)
		delete(attributes, "data")
		require.Equal(t, map[string]any{
			"specversion":      "1.0",
			"id":               event.ID.String(),
			"source":           "https://host.example.org/plans?a=b&c=%22",
			"type":             "assessplan." + string(event.Type),
			"subject":          event.Subject.String(),
			"time":             event.Time.Format(time.RFC3339Nano),
			"datacontenttype":  "application/json",
			"partitionkey":     event.Subject.String(),
			"orgid":            string(event.Org),
			"aggregateversion": float64(event.Version),
		}, attributes)
		require.Equal(t, time.UTC, event.Time.Location())
		require.Equal(t, assessplan.OrgID(awkward), event.Org)
	}
}

func TestEventsHaveIDsOfTheirOwnThatDoNotChange(t *testing.T) {
	first, second := newChronicle(t, awkward).tell(), newChronicle(t, awkward).tell()
	require.Equal(t, len(first), len(second))
	seen := map[assessplan.EventID]bool{}
	for i, event := range first {
		require.Equal(t, event, second[i], "nothing in it is random")
		require.False(t, seen[event.ID])
		seen[event.ID] = true
		id := uuid.UUID(event.ID)
		require.Equal(t, uuid.Version(8), id.Version())
		require.Equal(t, uuid.RFC4122, id.Variant())
	}
}

func TestEventsOfASubjectCountItsVersions(t *testing.T) {
	last := map[uuid.UUID]int64{}
	for _, event := range wholeHistory(t) {
		require.Greater(t, event.Version, last[event.Subject], "%s", event)
		last[event.Subject] = event.Version
	}
}

func TestFactsSayWhatHappenedToATask(t *testing.T) {
	h := newChronicle(t, "clinic")
	plan := h.plan(2)
	tasks := h.enroll(plan)
	h.events()
	h.clock.Set(tasks[0].PlannedAt.Add(time.Minute))
	report := h.open()
	opened := report.Tasks[0].Task
	_, link := report.Tasks[0].Entry.Reveal()
	ref := assessplan.TaskRef{
		TaskID: tasks[0].ID, PlanID: plan.ID, EnrollmentID: tasks[0].Enrollment, OrgID: "clinic", TesteeID: awkward, ScaleCode: awkward,
		Seq: 1, Revision: 1, PlannedAt: tasks[0].PlannedAt, DueAt: tasks[0].PlannedAt.Add(time.Hour),
	}
	require.Equal(t, []*assessplan.TaskOpened{{
		TaskRef: ref, OpenAt: h.clock.Now(), ExpireAt: opened.ExpireAt, EntrySerial: 1, EntryURL: assessplan.EntryURL(link),
	}}, facts[*assessplan.TaskOpened](h.fixture))

	h.clock.Add(time.Minute)
	reissued, err := h.ReissueEntry(h.ctx, h.org, opened.ID)
	require.NoError(t, err)
	_, link = reissued.Entry.Reveal()
	require.Equal(t, []*assessplan.TaskEntryReissued{{
		TaskRef: ref, ReissuedAt: h.clock.Now(), ExpireAt: opened.ExpireAt, EntrySerial: 2, EntryURL: assessplan.EntryURL(link),
	}}, facts[*assessplan.TaskEntryReissued](h.fixture))

	h.clock.Add(2 * time.Hour)
	h.must(h.ExpireTask(h.ctx, h.org, opened.ID))
	require.Equal(t, []*assessplan.TaskExpired{{
		TaskRef: ref, ExpiredAt: h.clock.Now(), Reason: assessplan.Manual, PreviousStatus: assessplan.Opened,
	}}, facts[*assessplan.TaskExpired](h.fixture))

	submitted := h.clock.Now().Add(-time.Second)
	h.clock.Add(time.Hour)
	h.must(h.CompleteTask(h.ctx, h.org, opened.ID, assessplan.Submission{AssessmentID: awkward, SubmittedAt: submitted}))
	require.Equal(t, []*assessplan.TaskCompleted{{
		TaskRef: ref, AssessmentID: awkward, SubmittedAt: submitted, CompletedAt: h.clock.Now(), Late: true, PreviousStatus: assessplan.Expired,
	}}, facts[*assessplan.TaskCompleted](h.fixture))

	h.must(h.CancelTask(h.ctx, h.org, tasks[1].ID, "moved_abroad"))
	other := ref
	other.TaskID, other.Seq, other.PlannedAt, other.DueAt = tasks[1].ID, 2, tasks[1].PlannedAt, tasks[1].DueAt
	require.Equal(t, []*assessplan.TaskCanceled{{
		TaskRef: other, CanceledAt: h.clock.Now(), Reason: "moved_abroad", PreviousStatus: assessplan.Pending,
	}}, facts[*assessplan.TaskCanceled](h.fixture))

	h.must(h.RescheduleTask(h.ctx, h.org, tasks[1].ID, date("2026-03-29"), assessplan.ClockTime(2, 30)))
	moved := other
	moved.Revision, moved.PlannedAt = 2, instant(t, "2026-03-29 01:30:00")
	moved.DueAt = moved.PlannedAt.Add(time.Hour)
	require.Equal(t, []*assessplan.TaskRescheduled{{
		TaskRef: moved, RescheduledAt: h.clock.Now(), PreviousPlannedAt: tasks[1].PlannedAt, PreviousStatus: assessplan.Canceled,
	}}, facts[*assessplan.TaskRescheduled](h.fixture))
}

func TestFactsSayWhatHappenedToPlansAndRounds(t *testing.T) {
	h := newChronicle(t, "clinic")
	events := h.tell()
	end, paused := h.clock.Now().UTC(), instant(t, "2026-03-06 11:00:00")
	round := h.onlyRound()
	plan := assessplan.PlanRef{PlanID: round.Plan, OrgID: "clinic", ScaleCode: awkward}
	require.Equal(t, []assessplan.Fact{
		&assessplan.PlanCreated{PlanRef: plan, ExternalRef: "5" + awkward, CreatedAt: monday},
		&assessplan.PlanPaused{PlanRef: plan, PausedAt: paused},
		&assessplan.PlanResumed{PlanRef: plan, ResumedAt: paused.AddDate(0, 0, 2), ShiftedDays: 2},
		&assessplan.PlanFinished{PlanRef: plan, FinishedAt: end, Mode: assessplan.LetOpenedRunOut},
	}, said(t, events, uuid.UUID(round.Plan)))

	canceled, err := h.GetPlanByRef(h.ctx, h.org, "1"+awkward)
	require.NoError(t, err)
	other := assessplan.PlanRef{PlanID: canceled.ID, OrgID: "clinic", ScaleCode: awkward}
	require.Equal(t, []assessplan.Fact{
		&assessplan.PlanCreated{PlanRef: other, ExternalRef: "1" + awkward, CreatedAt: end},
		&assessplan.PlanCanceled{PlanRef: other, CanceledAt: end},
	}, said(t, events, uuid.UUID(canceled.ID)))

	ref := assessplan.EnrollmentRef{EnrollmentID: round.ID, PlanID: round.Plan, OrgID: "clinic", TesteeID: awkward, Round: 1}
	require.Equal(t, []assessplan.Fact{
		&assessplan.EnrollmentCreated{EnrollmentRef: ref, Start: date("2026-03-02"), Zone: "Europe/Berlin", Planned: 5, CreatedAt: monday},
		&assessplan.EnrollmentPaused{EnrollmentRef: ref, PausedAt: paused.AddDate(0, 0, -1)},
		&assessplan.EnrollmentResumed{EnrollmentRef: ref, ResumedAt: paused, ShiftedDays: 1},
		&assessplan.EnrollmentClosed{EnrollmentRef: ref, ClosedAt: end},
		&assessplan.EnrollmentReopened{EnrollmentRef: ref, ReopenedAt: end},
		&assessplan.EnrollmentTerminated{EnrollmentRef: ref, TerminatedAt: end, Reason: assessplan.Other},
	}, said(t, events, uuid.UUID(round.ID)))
}

func (h *chronicle) onlyRound() assessplan.EnrollmentState {
	h.t.Helper()
	page, err := h.ListEnrollments(h.ctx, assessplan.EnrollmentQuery{Org: h.org})
	require.NoError(h.t, err)
	require.Len(h.t, page.Enrollments, 1)
	return page.Enrollments[0]
}

// said returns what the events of one subject say, in their order.
func said(t *testing.T, events []assessplan.Event, subject uuid.UUID) []assessplan.Fact {
	t.Helper()
	var facts []assessplan.Fact
	for _, event := range events {
		if event.Subject == subject {
			_, fact, err := assessplan.DecodeEvent(event.Data)
			require.NoError(t, err)
			facts = append(facts, fact)
		}
	}
	return facts
}

func TestErasureIsToldWithoutWhoItWas(t *testing.T) {
	h := newChronicle(t, "clinic")
	h.enroll(h.plan(2))
	h.events()
	erased, err := h.EraseTestee(h.ctx, h.org, awkward)
	require.NoError(t, err)
	told := false
	for _, event := range h.events() {
		read, fact, err := assessplan.DecodeEvent(event.Data)
		require.NoError(t, err)
		require.NotContains(t, string(read.Data), `"testee_id":"\"quoted`)
		if fact, ok := fact.(*assessplan.TesteeErased); ok {
			told = true
			require.Equal(t, &assessplan.TesteeErased{OrgID: "clinic", Pseudonym: erased.Pseudonym, ErasedAt: h.clock.Now().UTC()}, fact)
			require.Contains(t, string(erased.Pseudonym), event.Subject.String())
		}
	}
	require.True(t, told)
}

func TestEventPrintsWithoutItsData(t *testing.T) {
	event := wholeHistory(t)[0]
	want := fmt.Sprintf("%s %s of %s version %d", event.Type, event.ID, event.Subject, event.Version)
	for _, verb := range verbs {
		require.Equal(t, want, fmt.Sprintf(verb, event))
	}
	require.Equal(t, fmt.Sprintf("[id=%s type=%s subject=%s version=%d]", event.ID, event.Type, event.Subject, event.Version), event.LogValue().String())
}

func TestDecodeEventRefusesWhatIsNoEventOfThisPackage(t *testing.T) {
	good := string(wholeHistory(t)[0].Data)
	edit := func(old, replacement string) string {
		require.Contains(t, good, old)
		return strings.Replace(good, old, replacement, 1)
	}
	for _, test := range []struct{ name, data string }{
		{"nothing", ""},
		{"no JSON", "not JSON"},
		{"half of it", good[:len(good)/2]},
		{"two of them", good + good},
		{"null", "null"},
		{"a list", "[" + good + "]"},
		{"an empty object", "{}"},
		{"another version of CloudEvents", edit(`"specversion":"1.0"`, `"specversion":"0.3"`)},
		{"somebody else's type", edit(`"type":"assessplan.`, `"type":"example.`)},
		{"a type of a later version of this package", edit(`"type":"assessplan.`, `"type":"assessplan.later.`)},
		{"a subject that is no ID", edit(`"subject":"`, `"subject":"x`)},
		{"an ID that is none", edit(`"id":"`, `"id":"x`)},
		{"a time that is none", edit(`"time":"`, `"time":"x`)},
		{"a version that is no number", edit(`"aggregateversion":`, `"aggregateversion":"",`+`"x":`)},
		{"data of another kind", edit(`"data":{`, `"data":[{`)[:len(good)] + `}]}`},
		{"data that does not fit its type", edit(`"created_at":"`, `"created_at":"x`)},
	} {
		t.Run(test.name, func(t *testing.T) {
			event, fact, err := assessplan.DecodeEvent([]byte(test.data))
			require.ErrorIs(t, err, assessplan.ErrInvalid)
			require.Zero(t, event)
			require.Nil(t, fact)
		})
	}
}

func TestDecodeEventDoesNotRepeatAnEntryURL(t *testing.T) {
	h := newChronicle(t, "clinic")
	tasks := h.enroll(h.plan(1))
	h.clock.Set(tasks[0].PlannedAt)
	h.open()
	for _, event := range h.events() {
		if event.Type != assessplan.TypeTaskOpened {
			continue
		}
		data := string(event.Data)
		require.Contains(t, data, site)
		for _, broken := range []string{
			strings.Replace(data, `"seq":1`, `"seq":"one"`, 1), strings.Replace(data, `"open_at":"`, `"open_at":"x`, 1), data[:len(data)-2], data[:len(data)-20],
		} {
			_, _, err := assessplan.DecodeEvent([]byte(broken))
			require.Error(t, err)
			require.NotContains(t, err.Error(), "assess.example.org")
		}
	}
}

// envelope is an event as json.Marshal writes it, without the package's own writer.
func envelope(t *testing.T, event assessplan.Event, fact assessplan.Fact) []byte {
	t.Helper()
	data, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": event.ID, "type": "assessplan." + event.Type, "subject": event.Subject, "time": event.Time,
		"orgid": event.Org, "aggregateversion": event.Version, "data": fact,
	})
	require.NoError(t, err)
	return data
}

// seedEvent is an event of a type, with more fields than it has.
const seedEvent = `{"specversion":"1.0","type":"assessplan.%s","id":"01957f3c-1a2b-8c3d-8e4f-0123456789ab","source":"/x",` +
	`"subject":"01957f3c-1a2b-7c3d-8e4f-0123456789ab","time":"2026-03-02T08:00:00Z","orgid":"clinic","aggregateversion":1,"data":` +
	`{"task_id":"01957f3c-1a2b-7c3d-8e4f-0123456789ab","plan_id":"01957f3c-1a2b-7c3d-8e4f-0123456789ab","org_id":"clinic","testee_id":"a",` +
	`"scale_code":"PHQ-8","seq":1,"round":1,"revision":2,"planned_at":"2026-03-02T08:00:00.000001Z","due_at":"2026-03-02T09:00:00+01:00",` +
	`"entry_url":"https://assess.example.org/fill?token=x","late":true,"previous_status":"expired","reason":"other","start":"2026-03-02",` +
	`"zone":"Europe/Berlin","mode":"cancel_opened","shifted_days":3,"pseudonym":"p","assessment_id":"s1","external_ref":"诊所"}}`

func FuzzDecodeEvent(f *testing.F) {
	for _, kind := range allTypes {
		f.Add(fmt.Appendf(nil, seedEvent, kind))
	}
	for _, data := range []string{
		`{"specversion":"1.0","type":"assessplan.task.opened","data":{"entry_url":"https://x"}}`,
		`{"specversion":"1.0","type":"assessplan.plan.created","data":null}`, `{"specversion":"1.0","type":"assessplan.plan.created"}`,
		`{"specversion":"1.0","type":"task.opened","data":{}}`, `{"specversion":"0.3","type":"assessplan.task.opened","data":{}}`, `{}`, `null`, `[]`,
	} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		event, fact, err := assessplan.DecodeEvent(data)
		if err != nil {
			require.NotEmpty(t, faultPaths(t, err))
			require.Zero(t, event)
			require.Nil(t, fact)
			return
		}
		require.Equal(t, event.Type, fact.EventType())
		require.Contains(t, allTypes, event.Type)
		require.Equal(t, data, event.Data)

		written := envelope(t, event, fact)
		again, same, err := assessplan.DecodeEvent(written)
		require.NoError(t, err)
		require.JSONEq(t, string(written), string(envelope(t, again, same)), "what an event says does not depend on who wrote it")
	})
}
