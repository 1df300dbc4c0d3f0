package alerts

import (
	"time"

	"github.com/assessplan/assessplan"
)

// facts is what the watch was told, as far as it matters to a rule.
type facts struct {
	config   *Config
	schedule passes
	expire   passes
	tries    tries
	due      lags
	relay    relay
	parked   parked
}

func newFacts(config *Config, now time.Time) facts {
	return facts{config: config,
		schedule: passes{endedAt: now, streaks: streaks{}},
		expire:   passes{endedAt: now, streaks: streaks{}},
		tries:    tries{least: config.MinTasks, ratio: config.FailureRatio},
		due:      lags{},
		relay:    relay{streaks: streaks{}},
		parked:   parked{most: config.Parked, calm: config.Calm},
	}
}

// note takes note of an observation. That time has passed is one, too: o is nil then.
func (f *facts) note(now time.Time, o assessplan.Observation) {
	switch o := o.(type) {
	case *assessplan.ScheduleFinished:
		f.noteSchedule(now, o)
	case *assessplan.ExpireFinished:
		r := o.Report
		f.expire.note(now, f.config.ByOrg, pass{scope: r.Scope, run: r.Run.String(), err: o.Err, cut: o.Err == nil && r.More})
	case *assessplan.RelayFinished:
		f.relay.note(now, o)
		if r := o.Report; r.Counted {
			f.parked.counted(now, r.StartedAt.Add(r.Duration), r.Outbox.Parked)
		}
	case *assessplan.EventParked:
		f.parked.park(now, o.Event)
	case *assessplan.EventRecovered:
		f.parked.recover(now, o.Event.ID)
	}
	f.tries.expire(now)
	f.parked.forget(now)
}

func (f *facts) noteSchedule(now time.Time, o *assessplan.ScheduleFinished) {
	r := o.Report
	f.tries.add(now, r.Failed, r.Opened+r.Missed+r.Failed, r.Run.String())
	known := !r.OldestDueAt.IsZero() || !r.More // otherwise nobody has looked what is left
	f.schedule.note(now, f.config.ByOrg, pass{scope: r.Scope, run: r.Run.String(), err: o.Err, cut: o.Err == nil && !known})
	if known && len(r.Scope.Testees) == 0 {
		f.due.note(part(r.Scope), age(now, r.OldestDueAt), f.config.OldestDue, r.Run.String())
	}
}

// age is zero of what is not there.
func age(now, at time.Time) time.Duration {
	if at.IsZero() {
		return 0
	}
	return now.Sub(at)
}

// place is what a pass was over: everything, an org or a plan.
type place struct {
	org  assessplan.OrgID
	plan assessplan.PlanID
}

func part(scope assessplan.Scope) place { return place{org: scope.Org, plan: scope.Plan} }

func (p place) covers(other place) bool {
	return p.org == "" || p.org == other.org && (p.plan.IsZero() || p.plan == other.plan)
}

// passes is what is known of passes of one kind.
type passes struct {
	streaks  streaks
	endedAt  time.Time // when one that counts last came to its end; at first when the watch was made
	cut      int       // how many did not since, because their context ended
	narrowed int       // how many have ended since then that do not count
}

// pass is one that has ended.
type pass struct {
	scope assessplan.Scope
	run   string
	err   error
	cut   bool // its context ended before it was through
}

func (p *passes) note(now time.Time, byOrg bool, one pass) {
	counts := one.scope.IsZero() || byOrg && one.scope.Plan.IsZero()
	switch {
	case one.cut && counts:
		p.cut++
	case counts:
		p.endedAt, p.cut, p.narrowed = now, 0, 0
	default:
		p.narrowed++
	}
	if !one.cut && len(one.scope.Testees) == 0 {
		p.streaks.note(now, part(one.scope), one.run, one.err)
	}
}

// streaks are the places where the last run failed.
type streaks map[place]streak

// streak is runs that failed, one after another.
type streak struct {
	since time.Time
	runs  int
	run   string // the last
	cause cause
}

// note takes note of a run. One that does well ends every streak within its place.
func (s streaks) note(now time.Time, where place, run string, err error) {
	if err == nil {
		for other := range s {
			if where.covers(other) {
				delete(s, other)
			}
		}
		return
	}
	one := s[where]
	if one.runs == 0 {
		one.since = now
	}
	one.runs++
	one.run, one.cause = run, explain(err)
	s[where] = one
}

// longest returns the streak that began first, and where.
func (s streaks) longest() (longest streak, where place) {
	for other, one := range s {
		sooner := one.since.Compare(longest.since)
		if longest.runs == 0 || sooner < 0 || sooner == 0 && other.org < where.org {
			longest, where = one, other
		}
	}
	return longest, where
}

// lags are the places where something has been due for too long.
type lags map[place]lag

type lag struct {
	age time.Duration // when the run looked: it may have been opened by another process since
	run string
}

// note takes note of how old the oldest is in a place, which decides about every place within.
func (l lags) note(where place, age, most time.Duration, run string) {
	for other := range l {
		if where.covers(other) {
			delete(l, other)
		}
	}
	if reached(age, most) {
		l[where] = lag{age: age, run: run}
	}
}

func (l lags) longest() (longest lag, where place) {
	for other, one := range l {
		if one.age > longest.age || one.age == longest.age && other.org < where.org {
			longest, where = one, other
		}
	}
	return longest, where
}

func reached(d, threshold time.Duration) bool { return threshold != off && d >= threshold }
