package alerts

import (
	"fmt"
	"time"
)

// wrong returns what is wrong now, each condition once.
func (f *facts) wrong(now time.Time) []Alert {
	var all []Alert
	for _, found := range [][]Alert{
		f.failing(now, ScheduleFailing, "Passes that open tasks have", f.schedule.streaks),
		f.failing(now, ExpireFailing, "Passes that end tasks have", f.expire.streaks),
		f.failing(now, RelayFailing, "The relay has", f.relay.streaks),
		f.noPass(now, NoSchedulePass, "opens", &f.schedule),
		f.noPass(now, NoExpirePass, "ends", &f.expire),
		f.noRelay(now),
		f.failureRatio(),
		f.oldestDue(),
		f.oldestEvent(),
		f.parkedEvents(),
		f.otherParkedEvents(),
	} {
		all = append(all, found...)
	}
	return all
}

func (f *facts) failing(now time.Time, kind Kind, who string, streaks streaks) []Alert {
	longest, where := streaks.longest()
	took := now.Sub(longest.since)
	if len(streaks) == 0 || !reached(took, f.config.Failing) {
		return nil
	}
	alert := Alert{Kind: kind, Since: longest.since, Value: took.Seconds(), Threshold: f.config.Failing.Seconds(), Run: longest.run}
	scopes := ""
	if len(streaks) == 1 {
		alert.Org = where.org
	} else {
		scopes = fmt.Sprintf(" It is so in %d scopes.", len(streaks))
	}
	alert.Text = fmt.Sprintf("%s failed for %s, %d times in a row, the last because %s. %s%s",
		who, lasted(took), longest.runs, longest.cause.what, longest.cause.next, scopes)
	return []Alert{alert}
}

func (f *facts) noPass(now time.Time, kind Kind, does string, p *passes) []Alert {
	took := now.Sub(p.endedAt)
	if !reached(took, f.config.NoPass) {
		return nil
	}
	text := fmt.Sprintf("No pass that %s tasks has come to its end for %s. Look whether the trigger runs, and whether a pass hangs.",
		does, lasted(took))
	if p.cut > 0 {
		text = fmt.Sprintf("No pass that %s tasks has come to its end for %s; the context of %d ended before. Look whether the store "+
			"answers, and whether a pass has time enough for what is due.", does, lasted(took), p.cut)
	}
	if p.narrowed > 0 {
		text += fmt.Sprintf(" %d that are narrowed by a scope do not count; see Config.ByOrg of package alerts.", p.narrowed)
	}
	return []Alert{{Kind: kind, Since: p.endedAt, Value: took.Seconds(), Threshold: f.config.NoPass.Seconds(), Text: text}}
}

func (f *facts) noRelay(now time.Time) []Alert {
	took := now.Sub(f.relay.heardAt)
	if f.relay.heardAt.IsZero() || !reached(took, f.config.NoRelay) {
		return nil
	}
	return []Alert{{Kind: NoRelay, Since: f.relay.heardAt, Value: took.Seconds(), Threshold: f.config.NoRelay.Seconds(),
		Text: fmt.Sprintf("The relay has not been heard of for %s: nobody publishes events, unless another process does. "+
			"Look whether Relay.Run has returned, or the trigger of RelayEvents does not run.", lasted(took))}}
}

func (f *facts) failureRatio() []Alert {
	v := f.tries.verdict
	if v == nil {
		return nil
	}
	return []Alert{{Kind: FailureRatio, Value: share(v.failed, v.total), Threshold: f.config.FailureRatio, Run: v.run,
		Text: fmt.Sprintf("%d of %d tasks could not be opened. Look at the failures in the report of the run, or in the service's log at "+
			"debug: their codes tell whether the entry generator or the store is at fault.", v.failed, v.total)}}
}

func (f *facts) oldestDue() []Alert {
	if len(f.due) == 0 {
		return nil
	}
	longest, where := f.due.longest()
	alert := Alert{Kind: OldestDue, Value: longest.age.Seconds(), Threshold: f.config.OldestDue.Seconds(), Run: longest.run,
		Text: fmt.Sprintf("A task has been due for %s and is not opened. Look whether it fails, in the report of the run or in the service's "+
			"log at debug, and whether passes run often enough and have time enough for what is due.", lasted(longest.age))}
	if len(f.due) == 1 {
		alert.Org = where.org
	}
	return []Alert{alert}
}

func (f *facts) oldestEvent() []Alert {
	if !reached(f.relay.oldest, f.config.OldestEvent) {
		return nil
	}
	return []Alert{{Kind: OldestEvent, Value: f.relay.oldest.Seconds(), Threshold: f.config.OldestEvent.Seconds(), Run: f.relay.run,
		Text: fmt.Sprintf("An event has waited for %s to be published. Look at what the publisher refuses, at how fast it is, and at parked "+
			"events, which hold back the later ones of their subjects.", lasted(f.relay.oldest))}}
}

func (f *facts) parkedEvents() (found []Alert) {
	for i := range f.parked.events {
		e := &f.parked.events[i]
		if !e.stands() {
			continue
		}
		found = append(found, Alert{Kind: EventParked, Since: e.at, Value: float64(e.Failures), Org: e.Org, Event: e.ID,
			Text: fmt.Sprintf("Event %s (%s) was refused %d times, the last with %s, and is parked; the later ones of its subject wait. "+
				"Find out why the publisher refuses it, then call Relay.Retry, or Relay.Discard to give it up.",
				e.ID, e.Type, e.Failures, e.LastError)})
	}
	return found
}

func (f *facts) otherParkedEvents() []Alert {
	if f.parked.beyond == 0 {
		return nil
	}
	all := f.parked.beyond + f.parked.standing()
	return []Alert{{Kind: EventsParked, Value: float64(all),
		Text: fmt.Sprintf("Events that are parked: %d, of which %d have no alert of their own. Relay.ListParkedEvents names them. Find out "+
			"why the publisher refuses them, then call Relay.Retry, or Relay.Discard to give them up.", all, f.parked.beyond)}}
}
