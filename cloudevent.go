package assessplan

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

const cloudEventPrefix = "assessplan."

// eventWriter turns facts into events.
type eventWriter struct {
	source    []byte // as it stands in JSON
	entryURLs bool   // whether task.opened and task.entry_reissued carry the entry's URL
}

func newEventWriter(source string, entryURLs bool) eventWriter {
	return eventWriter{source: appendText(nil, source), entryURLs: entryURLs}
}

// eventBatch holds the events of one transaction. The zero value is empty and ready.
type eventBatch struct {
	events []Event
	data   []byte // of all of them, one after the other; a store may keep it
	times  timeTexts

	traceParent string // of the transaction; empty for none
}

// reset empties the batch for a number of events. Their Data gets memory of its own, in one piece.
func (b *eventBatch) reset(events int) {
	const usual = 900 // bytes of an event
	b.events = slices.Grow(b.events[:0], events)
	b.data = make([]byte, 0, events*usual)
}

// write makes the events of one store of an aggregate.
func (w eventWriter) write(batch *eventBatch, org OrgID, subject uuid.UUID, version int64, now time.Time, recorded []Fact) []Event {
	first := len(batch.events)
	for i, fact := range recorded {
		if w.entryURLs {
			revealEntry(fact)
		}
		event := Event{ID: eventID(subject, version, i), Type: fact.EventType(), Org: org, Subject: subject, Version: version, Time: storedTime(now)}
		start := len(batch.data)
		batch.data = w.encode(batch, &event, fact)
		event.Data = batch.data[start:len(batch.data):len(batch.data)]
		batch.events = append(batch.events, event)
	}
	return batch.events[first:len(batch.events):len(batch.events)]
}

func revealEntry(fact Fact) {
	switch fact := fact.(type) {
	case *TaskOpened:
		fact.EntryURL = EntryURL(fact.entry.secret.url)
	case *TaskEntryReissued:
		fact.EntryURL = EntryURL(fact.entry.secret.url)
	}
}

// eventID is a UUIDv8 over what makes the event this event: no randomness, so that a repeated delivery is known.
func eventID(subject uuid.UUID, version int64, place int) EventID {
	var in [32]byte
	copy(in[:16], subject[:])
	binary.BigEndian.PutUint64(in[16:], uint64(version))
	binary.BigEndian.PutUint64(in[24:], uint64(place))
	sum := sha256.Sum256(in[:])
	id := EventID(sum[:16])
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id
}

// encode appends CloudEvents 1.0 in its JSON format, with the partitioning and distributed tracing extensions, to the data of
// the batch.
func (w eventWriter) encode(batch *eventBatch, e *Event, fact Fact) []byte {
	var subject [36]byte
	encodeUUID(subject[:], e.Subject)
	o := object{times: &batch.times, b: append(batch.data, `{"specversion":"1.0","datacontenttype":"application/json","source":`...)}
	o.b = append(o.b, w.source...)
	o.raw(`,"type":`, cloudEventPrefix, string(e.Type))
	o.uuid(`,"id":`, uuid.UUID(e.ID))
	o.raw(`,"subject":`, "", string(subject[:]))
	o.raw(`,"partitionkey":`, "", string(subject[:]))
	o.time(`,"time":`, e.Time)
	o.text(`,"orgid":`, string(e.Org))
	o.int(`,"aggregateversion":`, e.Version)
	if batch.traceParent != "" {
		o.b = append(append(append(o.b, traceParentKey...), batch.traceParent...), '"')
	}
	o.key(`,"data":`)
	fact.appendJSON(&o)
	o.close()
	return o.b
}

// DecodeEvent reads an event from its CloudEvents JSON, with the fact that it states. An event of a type that this version
// does not know is [ErrInvalid]. The bytes are kept as the event's Data.
func DecodeEvent(data []byte) (Event, Fact, error) {
	var envelope struct {
		SpecVersion string          `json:"specversion"`
		ID          EventID         `json:"id"`
		Type        string          `json:"type"`
		Subject     uuid.UUID       `json:"subject"`
		Time        time.Time       `json:"time"`
		Org         OrgID           `json:"orgid"`
		Version     int64           `json:"aggregateversion"`
		Data        json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(data, &envelope); err != nil {
		return Event{}, nil, Invalid("event", "is not CloudEvents JSON: %v", err)
	}
	kind, ours := strings.CutPrefix(envelope.Type, cloudEventPrefix)
	empty, known := facts[EventType(kind)]
	if envelope.SpecVersion != "1.0" || !ours || !known {
		return Event{}, nil, Invalid("event", "has specversion %s and type %s; want 1.0 and a type of this package",
			quote(envelope.SpecVersion), quote(envelope.Type))
	}
	fact := empty()
	if err := json.Unmarshal(envelope.Data, fact); err != nil {
		return Event{}, nil, Invalid("event.data", "does not fit %s: %v", kind, err)
	}
	return Event{ID: envelope.ID, Type: EventType(kind), Org: envelope.Org, Subject: envelope.Subject,
		Version: envelope.Version, Time: envelope.Time, Data: data}, fact, nil
}

// object appends a JSON object field by field, each under its name with the punctuation: a pass writes one for every task,
// and reflection costs six times as much.
type object struct {
	b     []byte
	times *timeTexts
}

func (o *object) open()  { o.b = append(o.b, '{') }
func (o *object) close() { o.b = append(o.b, '}') }

// key appends a field's name with its punctuation.
func (o *object) key(name string) { o.b = append(o.b, name...) }

func (o *object) text(name, value string) {
	o.key(name)
	o.b = appendText(o.b, value)
}

func appendText(b []byte, value string) []byte {
	for i := range len(value) {
		if !plain[value[i]] {
			quoted, _ := json.Marshal(value) // a string always marshals
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, value...)
	return append(b, '"')
}

// plain says of each byte whether it stands for itself in a JSON string.
var plain = func() (table [256]bool) {
	for c := ' '; c <= '~'; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

// raw appends words of this package, in which nothing needs escaping.
func (o *object) raw(name, prefix, value string) {
	o.key(name)
	o.b = append(o.b, '"')
	o.b = append(o.b, prefix...)
	o.b = append(o.b, value...)
	o.b = append(o.b, '"')
}

func (o *object) uuid(name string, id uuid.UUID) {
	o.key(name)
	var text [38]byte
	text[0], text[37] = '"', '"'
	encodeUUID(text[1:37], id)
	o.b = append(o.b, text[:]...)
}

func (o *object) time(name string, at time.Time) {
	o.key(name)
	o.b = o.times.append(o.b, at)
}

// timeTexts remembers the last few instants that were written: the events of a page have most of theirs in common.
type timeTexts struct {
	last [4]struct {
		at   time.Time
		text [40]byte
		size int
	}
	next int
}

func (t *timeTexts) append(b []byte, at time.Time) []byte {
	for i := range t.last {
		if known := &t.last[i]; known.size > 0 && known.at.Equal(at) {
			return append(b, known.text[:known.size]...)
		}
	}
	slot := &t.last[t.next]
	t.next = (t.next + 1) % len(t.last)
	text := append(slot.text[:0], '"')
	text = append(at.AppendFormat(text, time.RFC3339Nano), '"')
	slot.at, slot.size = at, len(text)
	return append(b, text...)
}

func (o *object) int(name string, n int64) {
	o.key(name)
	o.b = strconv.AppendInt(o.b, n, 10)
}

func (o *object) bool(name string, yes bool) {
	o.key(name)
	o.b = strconv.AppendBool(o.b, yes)
}

func encodeUUID(dst []byte, id uuid.UUID) {
	_ = dst[35]
	hex.Encode(dst, id[:4])
	dst[8] = '-'
	hex.Encode(dst[9:], id[4:6])
	dst[13] = '-'
	hex.Encode(dst[14:], id[6:8])
	dst[18] = '-'
	hex.Encode(dst[19:], id[8:10])
	dst[23] = '-'
	hex.Encode(dst[24:], id[10:])
}

func (r *TaskRef) write(o *object) {
	o.open()
	o.uuid(`"task_id":`, uuid.UUID(r.TaskID))
	o.uuid(`,"plan_id":`, uuid.UUID(r.PlanID))
	o.uuid(`,"enrollment_id":`, uuid.UUID(r.EnrollmentID))
	o.text(`,"org_id":`, string(r.OrgID))
	o.text(`,"testee_id":`, string(r.TesteeID))
	o.text(`,"scale_code":`, string(r.ScaleCode))
	o.int(`,"seq":`, int64(r.Seq))
	o.int(`,"revision":`, int64(r.Revision))
	o.time(`,"planned_at":`, r.PlannedAt)
	if !r.DueAt.IsZero() {
		o.time(`,"due_at":`, r.DueAt)
	}
}

func (f *TaskOpened) appendJSON(o *object) {
	f.TaskRef.write(o)
	o.time(`,"open_at":`, f.OpenAt)
	o.time(`,"expire_at":`, f.ExpireAt)
	o.int(`,"entry_serial":`, int64(f.EntrySerial))
	if f.EntryURL != "" {
		o.text(`,"entry_url":`, string(f.EntryURL))
	}
	o.close()
}

func (f *TaskCompleted) appendJSON(o *object) {
	f.TaskRef.write(o)
	o.text(`,"assessment_id":`, string(f.AssessmentID))
	o.time(`,"submitted_at":`, f.SubmittedAt)
	o.time(`,"completed_at":`, f.CompletedAt)
	o.bool(`,"late":`, f.Late)
	o.raw(`,"previous_status":`, "", string(f.PreviousStatus))
	o.close()
}

func (f *TaskExpired) appendJSON(o *object) {
	f.TaskRef.write(o)
	o.time(`,"expired_at":`, f.ExpiredAt)
	o.text(`,"reason":`, string(f.Reason))
	o.raw(`,"previous_status":`, "", string(f.PreviousStatus))
	o.close()
}

func (f *TaskCanceled) appendJSON(o *object) {
	f.TaskRef.write(o)
	o.time(`,"canceled_at":`, f.CanceledAt)
	o.text(`,"reason":`, string(f.Reason))
	o.raw(`,"previous_status":`, "", string(f.PreviousStatus))
	o.close()
}

func (f *TaskRescheduled) appendJSON(o *object)      { o.marshal(f) }
func (f *TaskEntryReissued) appendJSON(o *object)    { o.marshal(f) }
func (f *PlanCreated) appendJSON(o *object)          { o.marshal(f) }
func (f *PlanPaused) appendJSON(o *object)           { o.marshal(f) }
func (f *PlanResumed) appendJSON(o *object)          { o.marshal(f) }
func (f *PlanFinished) appendJSON(o *object)         { o.marshal(f) }
func (f *PlanCanceled) appendJSON(o *object)         { o.marshal(f) }
func (f *EnrollmentCreated) appendJSON(o *object)    { o.marshal(f) }
func (f *EnrollmentPaused) appendJSON(o *object)     { o.marshal(f) }
func (f *EnrollmentResumed) appendJSON(o *object)    { o.marshal(f) }
func (f *EnrollmentClosed) appendJSON(o *object)     { o.marshal(f) }
func (f *EnrollmentReopened) appendJSON(o *object)   { o.marshal(f) }
func (f *EnrollmentTerminated) appendJSON(o *object) { o.marshal(f) }
func (f *TesteeErased) appendJSON(o *object)         { o.marshal(f) }

// marshal is for facts too rare to be worth writing by hand.
func (o *object) marshal(fact any) {
	data, err := json.Marshal(fact)
	if err != nil {
		panic(fmt.Sprintf("assessplan: %T does not marshal: %v", fact, err)) // a struct of strings, numbers and times
	}
	o.b = append(o.b, data...)
}
