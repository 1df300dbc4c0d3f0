package alerts

import (
	"slices"
	"time"

	"github.com/assessplan/assessplan"
)

// book keeps the conditions that stand, and knows what was told of them.
type book struct {
	repeat, calm time.Duration
	conditions   []*condition // in the order in which they were raised
}

// condition is something that is wrong, or was until a moment ago.
type condition struct {
	alert  Alert     // as it was last found
	toldAt time.Time // when it was raised or last repeated
}

// update compares what is wrong now with what was before, and returns what is to be told.
func (b *book) update(now time.Time, wrong []Alert) (told []Alert) {
	found := map[identity]bool{}
	for _, alert := range wrong {
		found[identify(alert)] = true
		if alert, news := b.stands(now, alert); news {
			told = append(told, alert)
		}
	}
	b.conditions = slices.DeleteFunc(b.conditions, func(c *condition) bool {
		if found[identify(c.alert)] || !c.isOver(now, b.calm) {
			return false
		}
		told = append(told, recovered(c.alert))
		return true
	})
	return told
}

// identity is what Alert.Key writes.
type identity struct {
	kind  Kind
	event assessplan.EventID
}

func identify(a Alert) identity { return identity{kind: a.Kind, event: a.Event} }

// stands begins a condition or goes on with it, and reports whether that is to be told.
func (b *book) stands(now time.Time, alert Alert) (told Alert, news bool) {
	alert.State = Raised
	c := b.find(alert)
	if c == nil {
		if alert.Since.IsZero() {
			alert.Since = now
		}
		b.conditions = append(b.conditions, &condition{alert: alert, toldAt: now})
		return alert, true
	}
	alert.Since = c.alert.Since
	c.alert = alert
	if b.repeat == off || now.Sub(c.toldAt) < b.repeat {
		return Alert{}, false
	}
	alert.State, c.toldAt = Repeated, now
	return alert, true
}

func (b *book) find(alert Alert) *condition {
	for _, c := range b.conditions {
		if identify(c.alert) == identify(alert) {
			return c
		}
	}
	return nil
}

// isOver notes that a condition is gone, and reports whether it has been for long enough.
func (c *condition) isOver(now time.Time, calm time.Duration) bool {
	if c.alert.Until.IsZero() {
		c.alert.Until = now
	}
	return now.Sub(c.alert.Until) >= calm // off is less than nothing
}

func (b *book) standing() []Alert {
	alerts := make([]Alert, len(b.conditions))
	for i, c := range b.conditions {
		alerts[i] = c.alert
	}
	return alerts
}

func recovered(alert Alert) Alert {
	alert.State = Recovered
	alert.Text = wellAgain[alert.Kind] + " It had lasted " + lasted(alert.Until.Sub(alert.Since)) + "."
	return alert
}
