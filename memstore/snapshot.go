package memstore

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/assessplan/assessplan"
)

// Save writes everything in the store, as it is between two Updates, to a file. The file appears whole or not at all: it is
// written beside its place, synced, and renamed, so that a crash leaves the one that was there before. Updates, and Views
// that come after a waiting Update, wait until it is written: some seconds for a million tasks. Save must not be called
// inside a transaction of the store: it would wait for it forever.
//
// The file is for its owner's eyes only (mode 0600). Of tokens the tables have hashes only. But it holds the host's names of
// testees, and events that were not settled may carry entry URLs, and with them tokens (see Config.EntryInEvents).
func (s *Store) Save(path string) error {
	err := writeSnapshot(path, func(body io.Writer) error {
		if err := s.lock.rLock(context.Background()); err != nil {
			return err
		}
		defer s.lock.rUnlock()
		return s.data.encode(gob.NewEncoder(body))
	})
	if err != nil {
		return fmt.Errorf("memstore: saving a snapshot to %s: %w", path, err)
	}
	return nil
}

// Open returns a store with what [Store.Save] wrote to a file; an empty store if there is no such file. A file that is
// damaged or cut short, that is something else, or that a newer version of this package wrote, is an error. The store does
// not write to the file on its own.
func Open(path string) (*Store, error) {
	s := New()
	err := readSnapshot(path, func(body io.Reader) error { return s.data.decode(gob.NewDecoder(body)) })
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("memstore: opening the snapshot %s: %w", path, err)
	}
	return s, nil
}

// record is one piece of a snapshot: one of its fields is set. The last one is End.
type record struct {
	Plan       *assessplan.PlanState
	Enrollment *assessplan.EnrollmentState
	Task       *assessplan.TaskState
	Event      *assessplan.OutboxEvent
	End        *recordEnd
}

// recordEnd is what a snapshot holds besides records.
type recordEnd struct{ Position int64 } // of the youngest event that ever was

func (d *data) encode(to *gob.Encoder) error {
	write := func(err error, next record) error {
		if err != nil {
			return err
		}
		return to.Encode(&next)
	}
	var err error
	for n := range d.plans.rows.count {
		err = write(err, record{Plan: d.plans.rows.at(n)})
	}
	for n := range d.enrollments.rows.count {
		state := d.enrollments.state(n)
		err = write(err, record{Enrollment: &state})
	}
	var task assessplan.TaskState
	for n := range d.tasks.rows.count {
		d.tasks.unpack(d.tasks.rows.at(n), &task)
		err = write(err, record{Task: &task})
	}
	for e := range d.outbox.subjects.after(lowest) {
		event := d.outbox.state(e.row)
		err = write(err, record{Event: &event})
	}
	return write(err, record{End: &recordEnd{Position: d.outbox.position}})
}

func (d *data) decode(from *gob.Decoder) error {
	for {
		var next record
		if err := from.Decode(&next); err != nil {
			return err
		}
		if next.End != nil {
			d.outbox.position = max(d.outbox.position, next.End.Position)
			d.commit()
			return nil
		}
		if err := d.take(&next); err != nil {
			return err
		}
	}
}

// take adds what a record holds, at the version that it has.
func (d *data) take(r *record) error {
	switch {
	case r.Plan != nil:
		return d.plans.put(r.Plan, 0)
	case r.Enrollment != nil:
		return d.enrollments.insert(r.Enrollment, r.Enrollment.Version)
	case r.Task != nil:
		return d.tasks.insert(r.Task, r.Task.Version)
	case r.Event != nil:
		return d.outbox.insert(r.Event)
	}
	return errors.New("a record holds nothing that this version knows")
}
