package watermillpub_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/watermillpub"
)

// FuzzDecode gives Decode whatever headers, one a line, and payload: it never panics, and what it reads it reads again, however
// it is sent on.
func FuzzDecode(f *testing.F) {
	for _, org := range oddOrgs[:3] {
		for _, event := range history(f, org) {
			for _, mode := range modes {
				for _, binding := range bindings {
					m := published(f, &watermillpub.Config{Mode: mode, Binding: binding}, event)
					var headers strings.Builder
					for name, value := range m.Metadata {
						headers.WriteString(name + "\x00" + value + "\n")
					}
					f.Add(headers.String(), []byte(m.Payload))
				}
			}
		}
	}
	f.Add("content-type\x00application/cloudevents+json", []byte(`{"specversion":"1.0","data":null}`))
	f.Add("ce-specversion\x001.0\nce-data\x00x", []byte(`{}`))
	f.Fuzz(func(t *testing.T, headers string, payload []byte) {
		m := message.NewMessage("", payload)
		for line := range strings.Lines(headers) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\x00")
			m.Metadata[name] = value
		}
		event, fact, err := watermillpub.Decode(m)
		if err != nil {
			if fact != nil || assessplan.KindOf(err) != assessplan.KindInvalid {
				t.Fatalf("an error of kind %s, with a fact: %v", assessplan.KindOf(err), fact != nil)
			}
			return
		}
		sendOn(t, event, fact)
	})
}

// sendOn publishes an event again and reads it.
func sendOn(t *testing.T, event assessplan.Event, fact assessplan.Fact) {
	t.Helper()
	want, err := json.Marshal(fact)
	if err != nil {
		return // a year beyond 9999
	}
	for _, mode := range modes {
		for _, binding := range bindings {
			broker := &recorder{}
			publisher, err := watermillpub.New(broker, &watermillpub.Config{Mode: mode, Binding: binding})
			if err != nil {
				t.Fatal(err)
			}
			if publisher.Publish(t.Context(), event) != nil {
				return // JSON that is read, and is not what a CloudEvent may be
			}
			again, fact, err := watermillpub.Decode(broker.all()[0].Message)
			if err != nil {
				t.Fatalf("what was read once is not read again: %v", err)
			}
			got, err := json.Marshal(fact)
			if err != nil || string(got) != string(want) {
				t.Fatalf("the fact is another one (%v)", err)
			}
			if again.ID != event.ID || again.Type != event.Type || again.Org != event.Org || again.Subject != event.Subject ||
				again.Version != event.Version || !again.Time.Equal(event.Time) {
				t.Fatalf("the event is another one: %v, and not %v", again, event)
			}
		}
	}
}
