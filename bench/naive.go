package main

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// naiveTasks is how many tasks are opened row by row; with all of them a lap would take minutes.
const naiveTasks = 2000

// naiveEvent is an event as it is first written, with the same content.
type naiveEvent struct {
	SpecVersion     string    `json:"specversion"`
	DataContentType string    `json:"datacontenttype"`
	Source          string    `json:"source"`
	Type            string    `json:"type"`
	ID              uuid.UUID `json:"id"`
	Subject         uuid.UUID `json:"subject"`
	PartitionKey    uuid.UUID `json:"partitionkey"`
	Time            time.Time `json:"time"`
	Org             string    `json:"orgid"`
	Version         int64     `json:"aggregateversion"`
	Data            naiveTask `json:"data"`
}

type naiveTask struct {
	ID          uuid.UUID `json:"task_id"`
	Plan        uuid.UUID `json:"plan_id"`
	Enrollment  uuid.UUID `json:"enrollment_id"`
	Org         string    `json:"org_id"`
	Testee      string    `json:"testee_id"`
	Scale       string    `json:"scale_code"`
	Seq         int       `json:"seq"`
	Revision    int       `json:"revision"`
	PlannedAt   time.Time `json:"planned_at"`
	OpenAt      time.Time `json:"open_at"`
	ExpireAt    time.Time `json:"expire_at"`
	EntrySerial int       `json:"entry_serial"`
	EntryURL    string    `json:"entry_url"`
}

// newNaiveEvent opens a task that was read and returns its event. Version and serial are those of the opened task.
func newNaiveEvent(t naiveTask, version int64, token string, now time.Time) (id uuid.UUID, data []byte, err error) {
	t.OpenAt, t.ExpireAt = now, now.AddDate(0, 0, 7)
	t.PlannedAt = t.PlannedAt.UTC()
	t.EntryURL = entryURL + token + "&task_id=" + t.ID.String()
	id = uuid.New()
	data, err = json.Marshal(naiveEvent{SpecVersion: "1.0", DataContentType: "application/json", Source: "/assessplan",
		Type: "assessplan.task.opened", ID: id, Subject: t.ID, PartitionKey: t.ID, Time: now, Org: t.Org, Version: version, Data: t})
	return id, data, err
}
