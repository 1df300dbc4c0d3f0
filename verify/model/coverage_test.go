package model_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// coverage counts what was reached: a command, the status that it met, and how it ended.
type coverage map[string]int

func (c coverage) note(command, from, outcome string) {
	if c != nil {
		c[reach(command, from, outcome)]++
	}
}

func reach(command, from, outcome string) string {
	return fmt.Sprintf("%s, %s: %s", command, from, outcome)
}

// TestEveryCommandMeetsEveryStatus shows that the check is not empty: what it walks through has every row of the transition
// table, and every refusal, within some hundred runs.
func TestEveryCommandMeetsEveryStatus(t *testing.T) {
	reached := coverage{}
	for seed := 1; seed <= 8 && len(reached.missing()) > 0; seed++ {
		check(t, setting{newStore: newMemstore, coverage: reached}, budget{checks: 100, steps: 80, seed: seed})
	}
	require.Empty(t, reached.missing())
}

func (c coverage) missing() []string {
	return slices.DeleteFunc(wanted(), func(want string) bool { return c[want] > 0 })
}

const done, stands = "done", "nothing"

var (
	notFound      = assessplan.ErrNotFound.Error()
	invalid       = assessplan.ErrInvalid.Error()
	noTransition  = assessplan.ErrInvalidTransition.Error()
	conflict      = assessplan.ErrConflict.Error()
	notActive     = assessplan.ErrPlanNotActive.Error()
	unavailable   = assessplan.ErrUnavailable.Error()
	taken         = assessplan.ErrAssessmentTaken.Error()
	otherComplete = assessplan.ErrTaskCompleted.Error()
	entryInvalid  = assessplan.ErrEntryInvalid.Error()
	entryExpired  = assessplan.ErrEntryExpired.Error()
	enrolled      = assessplan.ErrEnrollmentConflict.Error()
)

// wanted is what a walk must reach: command, statuses, outcomes.
func wanted() (all []string) {
	for _, row := range slices.Concat(taskRows, entryRows, planRows, roundRows, enrollRows, passRows) {
		for _, from := range row.from {
			for _, outcome := range row.outcomes {
				all = append(all, reach(row.command, from, outcome))
			}
		}
	}
	return all
}

type reachRow struct {
	command  string
	from     []string
	outcomes []string
}

func of(list ...string) []string { return list }

const pending, opened, completed, expired, canceled = "pending", "opened", "completed", "expired", "canceled"

var taskRows = []reachRow{
	{"open", of(pending), of(done, noTransition, notActive, unavailable, notFound)},
	{"open", of(opened, completed, expired, canceled), of(noTransition, notFound)},
	{"expire", of(opened), of(done, notFound)},
	{"expire", of(expired), of(stands, notFound)},
	{"expire", of(pending, completed, canceled), of(noTransition, notFound)},
	{"complete", of(opened, expired, canceled), of(done, noTransition, notFound)},
	{"complete", of(opened), of(taken)},
	{"complete", of(pending), of(noTransition, notFound)},
	{"complete", of(completed), of(stands, otherComplete, notFound)},
	{"cancel", of(pending, opened), of(done, notFound)},
	{"cancel", of(canceled), of(stands, notFound)},
	{"cancel", of(completed, expired), of(noTransition, notFound)},
	{"reschedule", of(pending, opened, expired, canceled), of(done, invalid, notFound)},
	{"reschedule", of(expired, canceled), of(conflict, notActive)},
	{"reschedule", of(pending), of(stands)},
	{"reschedule", of(completed), of(noTransition, notFound)},
	{"reissue", of(opened), of(done, noTransition, unavailable, notFound)},
	{"reissue", of(pending, completed, expired, canceled), of(noTransition, notFound)},
}

var entryRows = []reachRow{
	{"complete with entry", of(opened, expired, canceled), of(done, noTransition, entryExpired, entryInvalid)},
	{"complete with entry", of(completed), of(stands, otherComplete, entryInvalid)},
	{"complete with entry", of(pending), of(entryInvalid)},
	{"resolve", of(opened), of("ok", entryExpired, entryInvalid)},
	{"resolve", of(expired), of(entryExpired, entryInvalid)},
	{"resolve", of(pending, completed, canceled), of(entryInvalid)},
}

var planRows = []reachRow{
	{"create plan", of(""), of(done, stands, conflict)},
	{"pause plan", of("active"), of(done, notFound)},
	{"pause plan", of("paused"), of(stands, notFound)},
	{"pause plan", of("finished", "canceled"), of(notActive)},
	{"resume plan (keep_dates)", of("paused"), of(done, notFound)},
	{"resume plan (shift_dates)", of("paused"), of(done, invalid)},
	{"resume plan (keep_dates)", of("active"), of(stands)},
	{"resume plan (shift_dates)", of("active"), of(stands)},
	{"resume plan (keep_dates)", of("finished", "canceled"), of(notActive)},
	{"resume plan (shift_dates)", of("finished", "canceled"), of(notActive)},
	{"finish plan (cancel_opened)", of("active", "paused"), of(done)},
	{"finish plan (let_opened_run_out)", of("active", "paused"), of(done)},
	{"cancel plan", of("active", "paused"), of(done)},
}

var reasonCommands = of("withdrawn", "withdrawn_consent", "lost", "died", "other")

var roundRows = slices.Concat([]reachRow{
	{"pause round", of("active"), of(done, notFound)},
	{"pause round", of("paused"), of(stands)},
	{"pause round", of("closed", "terminated"), of(conflict)},
	{"resume round (keep_dates)", of("paused"), of(done)},
	{"resume round (shift_dates)", of("paused"), of(done, invalid, conflict)},
	{"resume round (keep_dates)", of("active"), of(stands)},
	{"resume round (shift_dates)", of("active"), of(stands)},
	{"resume round (keep_dates)", of("closed", "terminated"), of(conflict)},
	{"resume round (shift_dates)", of("closed", "terminated"), of(conflict)},
	{"terminate round (withdrawn_consent)", of("terminated"), of(done, stands)},
	{"terminate round (lost)", of("terminated"), of(stands)},
	{"erase", of("true", "false"), of(done)},
}, terminations())

func terminations() (rows []reachRow) {
	for _, reason := range reasonCommands {
		rows = append(rows, reachRow{"terminate round (" + reason + ")", of("active", "paused", "closed"), of(done)})
	}
	return rows
}

var enrollRows = []reachRow{
	{"enroll", of("plan active, no round"), of(done, notFound, invalid)},
	{"enroll", of("plan active, last round active", "plan active, last round closed", "plan active, last round terminated"),
		of(done, enrolled, stands)},
	{"enroll", of("plan active, last round paused"), of(enrolled, stands)},
	{"enroll", of("plan paused, no round", "plan finished, no round", "plan canceled, no round"), of(notActive)},
	{"enroll many", of("plan active, last round active"), of(done, enrolled, stands)},
	{"import round", of("plan active, no round", "plan paused, no round", "plan active, last round closed"), of(done)},
	{"import round", of("plan active, last round active"), of(done, enrolled, stands)},
	{"import round", of("plan finished, no round", "plan canceled, no round"), of(notActive)},
}

var passRows = []reachRow{
	{"opened by a pass", of(""), of(done)},
	{"deferred", of(""), of(done)},
	{"missed by the opening pass", of(""), of(done)},
	{"missed by the expiring pass", of(""), of(done)},
	{"expired by a pass", of(""), of(done)},
	{"closed by a pass", of("active", "paused"), of(done)},
	{"open pass", of(""), of(assessplan.ErrBeforeInFuture.Error())},
}
