package main

import (
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// openedEvent is what the event of an opened task says. The loops by hand write it to the same bytes as the library: only
// its ID is drawn at random here.
type openedEvent struct {
	id                     uuid.UUID
	task, plan, enrollment uuid.UUID
	org, testee, scale     string
	seq, revision, serial  int64
	version                int64
	plannedAt, dueAt       time.Time // no DueAt is the zero time
	openAt, expireAt       time.Time
	token                  string
}

const entryURL = "https://assess.example.org/fill?token="

func (e *openedEvent) append(b []byte) []byte {
	b = append(b, `{"specversion":"1.0","datacontenttype":"application/json","source":"/assessplan","type":"assessplan.task.opened","id":"`...)
	b = appendUUID(b, e.id)
	b = appendUUID(append(b, `","subject":"`...), e.task)
	b = appendUUID(append(b, `","partitionkey":"`...), e.task)
	b = appendTime(append(b, `","time":"`...), e.openAt)
	b = appendText(append(b, `","orgid":`...), e.org)
	b = strconv.AppendInt(append(b, `,"aggregateversion":`...), e.version, 10)
	b = appendUUID(append(b, `,"data":{"task_id":"`...), e.task)
	b = appendUUID(append(b, `","plan_id":"`...), e.plan)
	b = appendUUID(append(b, `","enrollment_id":"`...), e.enrollment)
	b = appendText(append(b, `","org_id":`...), e.org)
	b = appendText(append(b, `,"testee_id":`...), e.testee)
	b = appendText(append(b, `,"scale_code":`...), e.scale)
	b = strconv.AppendInt(append(b, `,"seq":`...), e.seq, 10)
	b = strconv.AppendInt(append(b, `,"revision":`...), e.revision, 10)
	b = appendTime(append(b, `,"planned_at":"`...), e.plannedAt)
	if !e.dueAt.IsZero() {
		b = appendTime(append(b, `","due_at":"`...), e.dueAt)
	}
	b = appendTime(append(b, `","open_at":"`...), e.openAt)
	b = appendTime(append(b, `","expire_at":"`...), e.expireAt)
	b = strconv.AppendInt(append(b, `","entry_serial":`...), e.serial, 10)
	b = append(b, `,"entry_url":"`+entryURL...)
	b = append(append(b, e.token...), `&task_id=`...)
	return append(appendUUID(b, e.task), `"}}`...)
}

// appendLean appends the smallest event with which a worker can write to the testee.
func appendLean(b []byte, task uuid.UUID, token string) []byte {
	b = append(b, `{"task_id":"`...)
	b = append(appendUUID(b, task), `","token":"`...)
	return append(append(b, token...), `"}`...)
}

func appendUUID(b []byte, id uuid.UUID) []byte {
	b = append(hex.AppendEncode(b, id[:4]), '-')
	b = append(hex.AppendEncode(b, id[4:6]), '-')
	b = append(hex.AppendEncode(b, id[6:8]), '-')
	b = append(hex.AppendEncode(b, id[8:10]), '-')
	return hex.AppendEncode(b, id[10:])
}

func appendTime(b []byte, at time.Time) []byte { return at.UTC().AppendFormat(b, time.RFC3339Nano) }

// appendText appends a JSON string; most need no escaping.
func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(text) // a string always marshals
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}

// calendar tells when an entry ends that is made now: seven calendar days later, by the task's zone.
type calendar struct {
	now   time.Time
	weeks map[string]time.Time // by zone
}

func newCalendar(now time.Time) *calendar { return &calendar{now: now, weeks: map[string]time.Time{}} }

func (c *calendar) weekLater(zone string) (time.Time, error) {
	if known, ok := c.weeks[zone]; ok {
		return known, nil
	}
	place, err := time.LoadLocation(zone)
	if err != nil {
		return time.Time{}, err
	}
	later := c.now.In(place).AddDate(0, 0, 7).UTC()
	c.weeks[zone] = later
	return later, nil
}
