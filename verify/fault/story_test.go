package fault_test

import (
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
)

// The plans of the story: weekly for three weeks, daily for three days, and a trial that is called off on its second day.
const (
	weekly = assessplan.ExternalRef("weekly")
	daily  = assessplan.ExternalRef("daily")
	trial  = assessplan.ExternalRef("trial")
)

func planSpec(ref assessplan.ExternalRef) assessplan.PlanSpec {
	return plantest.PlanSpec(func(s *assessplan.PlanSpec) {
		s.ExternalRef = ref
		s.DueWindow = assessplan.CalendarDays(1)
		nine := assessplan.ClockTime(9, 0)
		switch ref {
		case weekly:
			s.Schedule = assessplan.EveryWeeks(1, 3, nine)
		case daily:
			s.Schedule, s.FillWindow = assessplan.EveryDays(1, 3, nine), assessplan.CalendarDays(5)
		case trial:
			s.Schedule, s.FillWindow = assessplan.EveryDays(1, 4, nine), assessplan.CalendarDays(5)
		}
	})
}

// role names a round of the story.
type role string

const (
	diligent  role = "diligent"  // fills in everything, and has another round afterwards
	again     role = "again"     // that round, which the end of the plan cuts short
	silent    role = "silent"    // fills in nothing, but for one sheet that arrives after its entry was over
	resting   role = "resting"   // pauses the round for two days
	forgotten role = "forgotten" // is erased in the second week
	shifted   role = "shifted"   // in the daily plan, which pauses for two days
	leaving   role = "leaving"   // the same, and withdraws
	trusting  role = "trusting"  // in the trial; one task is opened by hand
	tardy     role = "tardy"     // in the trial; a sheet arrives after it was called off
	latecomer role = "latecomer" // in the trial, whose first day was past already
)

// part is what the story makes of a round: the events of the round and of each task, as regular expressions over their
// types, and how the tasks end.
type part struct {
	plan   assessplan.ExternalRef
	start  int // the day in March
	round  string
	tasks  []string
	status []assessplan.TaskStatus
}

const (
	completed = assessplan.Completed
	expired   = assessplan.Expired
	canceled  = assessplan.Canceled
)

// parts is the table that the audit believes. The last entry of the forgotten one is reissued just before the erasure, which
// deletes the event of that if it was not relayed by then.
var parts = map[role]part{
	diligent: {weekly, 2, "created closed", []string{"opened completed", "opened( entry_reissued)+ completed", "opened completed"},
		[]assessplan.TaskStatus{completed, completed, completed}},
	again: {weekly, 17, "created closed", []string{"opened expired", "canceled", "canceled"},
		[]assessplan.TaskStatus{expired, canceled, canceled}},
	silent: {weekly, 2, "created closed", []string{"opened expired", "opened expired completed", "rescheduled opened expired"},
		[]assessplan.TaskStatus{expired, completed, expired}},
	resting: {weekly, 2, "created paused resumed closed", []string{"opened completed", "rescheduled opened expired", "rescheduled opened completed"},
		[]assessplan.TaskStatus{completed, expired, completed}},
	forgotten: {weekly, 2, "created terminated", []string{"opened completed", "opened( entry_reissued)* canceled", "canceled"},
		[]assessplan.TaskStatus{completed, canceled, canceled}},
	shifted: {daily, 2, "created closed", []string{"opened completed", "rescheduled opened completed", "rescheduled canceled"},
		[]assessplan.TaskStatus{completed, completed, canceled}},
	leaving: {daily, 2, "created terminated", []string{"opened canceled", "rescheduled opened canceled", "rescheduled canceled"},
		[]assessplan.TaskStatus{canceled, canceled, canceled}},
	trusting: {trial, 2, "created closed", []string{"opened completed", "opened canceled", "canceled", "canceled"},
		[]assessplan.TaskStatus{completed, canceled, canceled, canceled}},
	tardy: {trial, 2, "created closed", []string{"opened canceled completed", "opened canceled", "canceled", "canceled"},
		[]assessplan.TaskStatus{completed, canceled, canceled, canceled}},
	latecomer: {trial, 1, "created closed", []string{"expired", "opened canceled", "opened canceled", "canceled"},
		[]assessplan.TaskStatus{expired, canceled, canceled, canceled}},
}

// planEvents are those of the plans.
var planEvents = map[assessplan.ExternalRef]string{
	weekly: "created finished", daily: "created paused resumed finished", trial: "created canceled",
}

// entriesNeeded is how many entries the story needs: 22 tasks are opened, and two entries reissued.
const (
	tasksOpened   = 22
	entriesNeeded = tasksOpened + 2
)

// step is a thing that the host does on a day in March, at an hour and a minute (UTC).
type step struct {
	day, hour, minute int
	do                func(h *host)
}

func (s step) at() time.Time {
	return time.Date(2026, time.March, s.day, s.hour, s.minute, 0, 0, time.UTC)
}

// story is what happens. Tasks are due at 08:00, and nothing depends on hours that the host may lose by repeating.
var story = []step{
	{2, 7, 0, func(h *host) {
		h.createPlans()
		h.enroll(silent, diligent, resting, forgotten, shifted, leaving, tardy, trusting, latecomer)
	}},
	{2, 8, 30, (*host).work},
	{2, 10, 0, func(h *host) { h.complete(diligent, 1); h.complete(resting, 1); h.complete(forgotten, 1) }},
	{2, 10, 30, func(h *host) { h.complete(shifted, 1); h.complete(trusting, 1) }},
	{2, 12, 0, func(h *host) { h.pausePlan(daily); h.work() }},
	{3, 8, 10, func(h *host) { h.open(trusting, 2) }},
	{3, 8, 30, (*host).work},
	{3, 10, 0, func(h *host) { h.cancelPlan(trial) }},
	{3, 13, 0, func(h *host) { h.sheetArrives(tardy, 1, step{day: 3, hour: 9}); h.work() }},
	{3, 14, 0, func(h *host) { h.pauseRound(resting) }},
	{4, 12, 0, func(h *host) { h.resumePlan(daily) }},
	{5, 12, 0, func(h *host) { h.resumeRound(resting); h.reschedule(silent, 3, 12) }},
	{5, 13, 0, (*host).work},
	{5, 16, 0, func(h *host) { h.complete(shifted, 2); h.terminate(leaving); h.cancel(shifted, 3) }},
	{9, 8, 30, (*host).work},
	{9, 12, 0, func(h *host) { h.reissue(diligent, 2); h.complete(diligent, 2) }},
	{10, 10, 0, func(h *host) { h.work(); h.reissue(forgotten, 2); h.erase(forgotten) }},
	{11, 8, 30, (*host).work},
	{11, 12, 0, func(h *host) { h.expire(resting, 2) }},
	{12, 9, 0, (*host).work},
	{12, 14, 0, func(h *host) { h.sheetArrives(silent, 2, step{day: 10, hour: 10}) }},
	{16, 8, 30, (*host).work},
	{16, 12, 0, func(h *host) { h.complete(diligent, 3) }},
	{17, 7, 0, func(h *host) { h.enroll(again) }},
	{17, 8, 30, (*host).work},
	{18, 8, 30, (*host).work},
	{18, 12, 0, func(h *host) { h.finishPlan(weekly); h.finishPlan(daily) }},
	{19, 12, 0, func(h *host) { h.complete(resting, 3) }},
	{22, 12, 0, (*host).work},
}

// tell tells the story. Before each step it calls meanwhile, if there is one.
func (h *host) tell(meanwhile func(step int)) {
	stop := h.run()
	defer stop()
	for n, step := range story {
		h.clock.waitUntil(step.at())
		if meanwhile != nil {
			meanwhile(n)
			h.clock.waitUntil(step.at())
		}
		step.do(h)
	}
	h.work()
}
