package assessplan_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// radarFolder may lie beside the repository, and is no part of it: study protocols of RADAR-base/RADAR-aRMT-protocols, and
// what RADAR-base/RADAR-Appserver at commit 817090cd5fbc12e05756c47807fe550568b3dfaa makes of some rules. Where it is not,
// the tests below have nothing to compare with and say so.
const radarFolder = "../shared/data/radar"

// radarFiles are those of a pattern in that folder; none where the folder is not.
func radarFiles(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(radarFolder, pattern))
	require.NoError(t, err)
	if len(files) == 0 {
		t.Logf("no %s in %s: nothing to compare with", pattern, radarFolder)
	}
	return files
}

func readRadar(t *testing.T, file string, into any) {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, into))
}

// radarRule is a rule of a RADAR protocol: a cycle, offsets in it from local midnight, and how long a task stays fillable.
type radarRule struct {
	RepeatProtocol      radarPeriod
	RepeatQuestionnaire struct {
		Unit          string
		UnitsFromZero []int
	}
	CompletionWindow *radarPeriod
}

type radarPeriod struct {
	Unit   string
	Amount int
}

// minutes are the offsets of a rule in its cycle; none where the rule leaves it to something else when a task falls.
func (r radarRule) minutes() []int {
	unit := map[string]int{"min": 1, "hour": 60}[r.RepeatQuestionnaire.Unit]
	var minutes []int
	for _, offset := range r.RepeatQuestionnaire.UnitsFromZero {
		if unit != 0 {
			minutes = append(minutes, offset*unit)
		}
	}
	return minutes
}

// schedule is the rule in this library's terms, for so many cycles. A cycle of centuries is one that does not come again.
func (r radarRule) schedule(cycles int) assessplan.Schedule {
	var slots []assessplan.Slot
	for _, minute := range r.minutes() {
		slots = append(slots, assessplan.Slot{Day: minute / (24 * 60), Time: assessplan.TimeOfDay(minute % (24 * 60) * 60)})
	}
	every := r.RepeatProtocol.Amount
	if r.RepeatProtocol.Unit == "year" {
		return assessplan.InCycles(min(12*every, 3660), assessplan.Months, 1, slots...)
	}
	return assessplan.InCycles(every, assessplan.CycleUnit(r.RepeatProtocol.Unit), cycles, slots...)
}

// window is RADAR's default of 24 hours, elapsed time, or days of the calendar.
func (r radarRule) window() assessplan.Window {
	switch window := r.CompletionWindow; {
	case window == nil:
		return assessplan.Elapsed(24 * time.Hour)
	case window.Unit == "min":
		return assessplan.Elapsed(time.Duration(window.Amount) * time.Minute)
	case window.Unit == "hour":
		return assessplan.Elapsed(time.Duration(window.Amount) * time.Hour)
	default:
		return assessplan.CalendarDays(window.Amount)
	}
}

func (r radarRule) plan(zone string, cycles int) assessplan.PlanSpec {
	return assessplan.PlanSpec{Org: clinic, Scale: "PHQ-8", Zone: zone, Schedule: r.schedule(cycles),
		Windows: assessplan.Windows{FillWindow: r.window()}}
}

// radarCase is what RADAR makes of a rule when it looks at a certain time.
type radarCase struct {
	radarRule
	ID                 string
	Timezone           string
	ReferenceTimestamp *struct{ Timestamp string }
	Enrolment, Now     time.Time
	Expected           struct {
		Tasks []struct{ Opens, Closes time.Time }
	}
}

// later is by how much RADAR opens and closes a task later than this library.
type later struct{ opens, closes time.Duration }

const hour = time.Hour

// radarDiffers are the cases in which RADAR differs, why this library does not do the same (docs/design.md has more), and
// the dates that it is about.
var radarDiffers = map[string]struct {
	why   string
	dates map[string]later
	lost  int // tasks that RADAR does not know of any more when it looks
}{
	"W2-hour-offset-on-spring-DST-day": {why: "8 p.m. is what the clock shows, not 20 hours after midnight",
		dates: map[string]later{"2024-03-31": {hour, hour}}},
	"W3-hour-offset-on-autumn-DST-day": {why: "8 p.m. is what the clock shows, not 20 hours after midnight",
		dates: map[string]later{"2024-10-27": {-hour, -hour}}},
	"W4-monthly-from-31-Jan": {why: "a month is counted from the anchor, so that February takes the 31st from no other month",
		dates: map[string]later{"2024-03-31": {-47 * hour, -47 * hour}, "2024-04-30": {-24 * hour, -24 * hour}, "2024-05-31": {-48 * hour, -48 * hour}}},
	"W6-nonexistent-midnight": {why: "a day without midnight moves nothing but its midnight; a day of the calendar is not 24 hours",
		dates: map[string]later{"2024-09-07": {0, hour}, "2024-09-08": {hour, hour}, "2024-09-09": {hour, hour}, "2024-09-10": {hour, hour}, "2024-09-11": {hour, hour},
			"2024-09-12": {hour, hour}, "2024-09-13": {hour, hour}, "2024-09-14": {hour, hour}, "2024-09-15": {hour, hour}}},
	"W7-offsets-beyond-window-lost": {why: "a round has its tasks from the start, whenever somebody looks", lost: 4},
}

func TestRadarsCasesFallHereButForWhatIsDeliberate(t *testing.T) {
	for _, file := range radarFiles(t, "expected_schedules.json") {
		var cases []radarCase
		readRadar(t, file, &cases)
		require.Len(t, cases, 16)
		differed, lost := map[string]map[string]later{}, map[string]int{}
		for _, c := range cases {
			t.Run(c.ID+" seen on "+c.Now.Format(time.DateOnly), func(t *testing.T) {
				tasks := c.enroll(t)
				if len(c.Expected.Tasks) == 0 {
					lost[c.ID] = len(stillToCome(tasks, c.Now))
					return
				}
				for date, by := range c.differences(t, tasks) {
					if differed[c.ID] == nil {
						differed[c.ID] = map[string]later{}
					}
					differed[c.ID][date] = by
				}
			})
		}
		for _, c := range cases {
			require.Equal(t, radarDiffers[c.ID].dates, differed[c.ID], "%s: %s", c.ID, radarDiffers[c.ID].why)
			require.Equal(t, radarDiffers[c.ID].lost, lost[c.ID], "%s: %s", c.ID, radarDiffers[c.ID].why)
		}
	}
}

// enroll returns the tasks that somebody has who was enrolled when the case says, at the time at which it looks.
func (c radarCase) enroll(t *testing.T) []assessplan.TaskState {
	t.Helper()
	f := newFixture(t)
	f.clock.Set(c.Enrolment)
	start := assessplan.DateOf(c.Enrolment, zone(t, c.Timezone))
	if c.ReferenceTimestamp != nil {
		start = date(c.ReferenceTimestamp.Timestamp)
	}
	enrolled, err := f.Enroll(f.ctx, assessplan.EnrollSpec{Org: clinic, Plan: f.plan(c.plan(c.Timezone, 20)).ID, Testee: "a", Start: start})
	require.NoError(t, err)
	f.clock.Set(c.Now)
	return f.tasksOf(enrolled.Enrollment)
}

func stillToCome(tasks []assessplan.TaskState, now time.Time) []assessplan.TaskState {
	return slices.DeleteFunc(tasks, func(task assessplan.TaskState) bool {
		return task.Status != assessplan.Pending || !task.PlannedAt.After(now)
	})
}

// differences compares RADAR's tasks one by one with those that begin with the nearest to its first. Of this library's, each
// shows the time of the rule on its clock.
func (c radarCase) differences(t *testing.T, tasks []assessplan.TaskState) map[string]later {
	t.Helper()
	nearest := 0
	for i, task := range tasks {
		if task.PlannedAt.Sub(c.Expected.Tasks[0].Opens).Abs() < tasks[nearest].PlannedAt.Sub(c.Expected.Tasks[0].Opens).Abs() {
			nearest = i
		}
	}
	minutes := c.minutes()
	differ := map[string]later{}
	for i, theirs := range c.Expected.Tasks {
		ours := tasks[nearest+i]
		local := ours.PlannedAt.In(zone(t, c.Timezone))
		require.Equal(t, minutes[(ours.Seq-1)%len(minutes)]%(24*60), local.Hour()*60+local.Minute(), "task %d", ours.Seq)
		by := later{theirs.Opens.Sub(ours.PlannedAt), theirs.Closes.Sub(ours.FillUntil)}
		if by != (later{}) {
			differ[ours.Date.String()] = by
		}
	}
	return differ
}

// TestRadarsStudiesArePlans writes every rule of four studies as a plan. RALPMH-COPD-Lon-s1 has one that never falls by itself.
func TestRadarsStudiesArePlans(t *testing.T) {
	studies := radarFiles(t, "*/protocol.json")
	start, london := date("2024-01-31"), zone(t, "Europe/London")
	planned, never := 0, []string{}
	for _, file := range studies {
		var study struct {
			Protocols []struct {
				Name     string
				Protocol radarRule
			}
		}
		readRadar(t, file, &study)
		for _, protocol := range study.Protocols {
			rule := protocol.Protocol
			minutes := rule.minutes()
			if len(minutes) == 0 {
				never = append(never, protocol.Name)
				continue
			}
			tasks, err := newFixture(t).Preview(t.Context(), assessplan.PreviewSpec{PlanSpec: rule.plan("Europe/London", 2), Start: start})
			require.NoError(t, err, protocol.Name)
			for i, minute := range minutes { // the first cycle; what the clocks show, 60 minutes to an hour and 24 hours to a day
				want := time.Date(2024, 1, 31, 0, minute, 0, 0, time.UTC)
				require.Equal(t, want.Format(time.DateTime), tasks[i].PlannedAt.In(london).Format(time.DateTime), protocol.Name)
			}
			planned++
		}
	}
	if len(studies) > 0 {
		require.Len(t, studies, 4)
		require.Equal(t, 35, planned)
		require.Equal(t, []string{"ers"}, never)
	}
}
