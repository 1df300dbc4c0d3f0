package assessplan

import (
	"fmt"
	"time"
)

// beginRound makes a round and its tasks.
func (c *core) beginRound(plan PlanState, spec EnrollSpec, number int, now time.Time) (*Enrollment, []*AssessmentTask, error) {
	occurrences, err := plan.Schedule.Occurrences(spec.Start)
	if err != nil {
		return nil, nil, err
	}
	zoneName := spec.Zone
	if zoneName == "" {
		zoneName = plan.Zone
	}
	zone, err := c.zones.load(zoneName)
	if err != nil {
		return nil, nil, err
	}
	round := &Enrollment{state: EnrollmentState{
		ID: EnrollmentID(c.config.NewID()), Org: spec.Org, Plan: spec.Plan, Testee: spec.Testee, Round: number,
		Start: spec.Start, Zone: zoneName, Reconsented: spec.Reconsented, Status: EnrollmentStatusActive, CreatedAt: now,
	}}
	today := DateOf(now, zone)
	var tasks []*AssessmentTask
	for _, o := range occurrences {
		past := o.Date.Compare(today) < 0
		if past && spec.Past == Skip {
			continue
		}
		to := Planning{Date: o.Date, Time: o.Time, Zone: zone, Windows: plan.Windows}
		task := round.newTask(TaskID(c.config.NewID()), plan, o.Seq, Resolve(o.Date, o.Time, zone), to)
		task.state.CreatedAt = now
		if past && spec.Past != Open {
			task.end(CommandExpire, PastAtEnrollment, now)
		}
		if err := task.state.fault(); err != nil { // the calendar ends: an instant outside the years 1 to 9999
			return nil, nil, fmt.Errorf("occurrence %d on %s: %w", o.Seq, o.Date, err)
		}
		tasks = append(tasks, task)
	}
	if len(tasks) == 0 {
		return nil, nil, Invalid("start", "is %s, so that every occurrence is past, and past ones are to be skipped: nothing is left to do", spec.Start)
	}
	round.state.Planned = len(tasks)
	round.record(&EnrollmentCreated{EnrollmentRef: round.ref(), Start: spec.Start, Zone: zoneName, Planned: len(tasks), CreatedAt: now})
	return round, tasks, nil
}

// newTask makes a pending task of the round.
func (e *Enrollment) newTask(id TaskID, plan PlanState, seq int, instant time.Time, to Planning) *AssessmentTask {
	task := &AssessmentTask{state: TaskState{
		ID: id, Org: e.state.Org, Plan: plan.ID, Enrollment: e.state.ID, Testee: e.state.Testee, Scale: plan.Scale,
		Seq: seq, Zone: e.state.Zone, Revision: 1, Status: Pending,
	}}
	task.planAt(instant, to)
	e.expects(instant)
	return task
}
