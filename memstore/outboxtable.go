package memstore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
)

// eventRow is an event that is not settled; its data are the only pointer. Its place is free if its position is 0.
type eventRow struct {
	data    []byte // as given: copies in blocks of their own would take an eighth off the rate of a pass
	id      assessplan.EventID
	subject uuid.UUID

	position, version int64
	time, availableAt instant

	kind      uint32 // words
	org       uint32 // orgs
	lastError uint32 // words
	attempts  int32
	failures  int32
	parked    bool
	waiting   bool // stands in outboxTable.waiting until a claim finds that its availableAt has come
}

// subjectKey spreads a subject over the first two fields of a key: what matters is that its events stand together.
func subjectKey(subject uuid.UUID, position int64) key {
	return key{
		at: int64(binary.BigEndian.Uint64(subject[:8])), hi: binary.BigEndian.Uint64(subject[8:]), lo: uint64(position),
	}
}

func (r *eventRow) bySubject() key  { return subjectKey(r.subject, r.position) }
func (r *eventRow) byTime() key     { return key{at: int64(r.time), lo: uint64(r.position)} }
func (r *eventRow) byPosition() key { return key{at: r.position} }

// outboxTable keeps the events that are not settled. The first event of a subject is its head: only heads are claimed.
type outboxTable struct {
	names   *names
	rows    rows[eventRow]
	claimed map[assessplan.EventID]uint32 // those that were claimed once, and so can be settled

	subjects index // all, by (subject, position)
	pending  index // those that are not parked, by (time, position)
	parked   index // those that are, by position
	ready    index // heads that are not parked and not waiting, by position
	waiting  index // heads that are not parked and wait, by (availableAt, position)

	position       int64 // of the youngest event
	stablePosition int64 // before the running transaction

	free  []uint32 // places of settled events; the last taken of them are used by the running transaction
	taken int

	freed []uint32 // places that the running transaction frees
}

func newOutboxTable(names *names) *outboxTable {
	return &outboxTable{names: names, claimed: map[assessplan.EventID]uint32{}}
}

// append adds events at the end.
func (o *outboxTable) append(events []assessplan.Event) error {
	for i := range events {
		if err := o.insert(&assessplan.OutboxEvent{Event: events[i], Position: o.position + 1}); err != nil {
			return err
		}
	}
	return nil
}

func (o *outboxTable) insert(e *assessplan.OutboxEvent) error {
	if o.has(e) {
		return fmt.Errorf("%w: event %s is in the outbox already", assessplan.ErrConflict, e.ID)
	}
	row := eventRow{
		data: e.Data, id: e.ID, subject: e.Subject, position: e.Position, version: e.Version, time: instantOf(e.Time),
		availableAt: instantOf(e.AvailableAt), waiting: !e.AvailableAt.IsZero(),
		kind: o.names.word(0, string(e.Type)), org: o.names.org(e.Org),
		lastError: o.names.word(0, string(e.LastError)), attempts: int32(e.Attempts), failures: int32(e.Failures), parked: e.Parked,
	}
	o.position = max(o.position, e.Position)
	o.enter(o.place(&row))
	return nil
}

// has looks for an event among those of its subject, from which IDs are derived. With a backlog of a million, a map of all
// IDs would cost more than the rest that is done for an event: they are as good as random, and each would miss the cache.
func (o *outboxTable) has(e *assessplan.OutboxEvent) bool {
	for n := range o.about(e.Subject) {
		if o.rows.at(n).id == e.ID {
			return true
		}
	}
	return false
}

// place puts a row where a settled one was, or at the end.
func (o *outboxTable) place(row *eventRow) uint32 {
	if o.taken == len(o.free) {
		return o.rows.add(row)
	}
	o.taken++
	n := o.free[len(o.free)-o.taken]
	o.rows.save(n)
	*o.rows.at(n) = *row
	return n
}

func (o *outboxTable) state(n uint32) assessplan.OutboxEvent {
	r, names := o.rows.at(n), o.names
	return assessplan.OutboxEvent{
		Event: assessplan.Event{
			ID: r.id, Type: assessplan.EventType(names.words.name(r.kind)), Org: names.orgs.name(r.org), Subject: r.subject,
			Version: r.version, Time: r.time.time(), Data: bytes.Clone(r.data),
		},
		Position: r.position, Attempts: int(r.attempts), Failures: int(r.failures), AvailableAt: r.availableAt.time(), Parked: r.parked,
		LastError: assessplan.FailureCode(names.words.name(r.lastError)),
	}
}

// replace replaces a row and notes in the journal what it was.
func (o *outboxTable) replace(n uint32, next eventRow) {
	o.rows.save(n)
	o.set(n, &next)
}

// delete frees the place of an event.
func (o *outboxTable) delete(n uint32) {
	o.freed = append(o.freed, n)
	o.replace(n, eventRow{})
}

// deleteAbout deletes every event of a subject.
func (o *outboxTable) deleteAbout(subject uuid.UUID) {
	for _, n := range slices.Collect(o.about(subject)) {
		o.delete(n)
	}
}

// about yields the events of a subject in order.
func (o *outboxTable) about(subject uuid.UUID) iter.Seq[uint32] {
	from := subjectKey(subject, 0)
	return func(yield func(uint32) bool) {
		for e := range o.subjects.after(from) {
			if e.at != from.at || e.hi != from.hi || !yield(e.row) {
				return
			}
		}
	}
}

// head returns the first event of a subject.
func (o *outboxTable) head(subject uuid.UUID) (n uint32, found bool) {
	for n := range o.about(subject) {
		return n, true
	}
	return 0, false
}

// set replaces a row. It is the one way to change a row, and, with what the journal kept, the way to change it back.
func (o *outboxTable) set(n uint32, next *eventRow) {
	o.leave(n)
	*o.rows.at(n) = *next
	o.enter(n)
}

// enter puts a row into the indexes.
func (o *outboxTable) enter(n uint32) {
	row := o.rows.at(n)
	if row.position == 0 {
		return
	}
	head, follows := o.head(row.subject)
	if row.attempts > 0 {
		o.claimed[row.id] = n
	}
	o.subjects.insert(row.bySubject(), n)
	if row.parked {
		o.parked.insert(row.byPosition(), n)
	} else {
		o.pending.insert(row.byTime(), n)
	}
	switch {
	case !follows:
		o.offer(n)
	case row.position < o.rows.at(head).position: // what is taken back may come before what is there
		o.withdraw(head)
		o.offer(n)
	}
}

// leave takes a row out of the indexes.
func (o *outboxTable) leave(n uint32) {
	row := o.rows.at(n)
	if row.position == 0 {
		return
	}
	head, _ := o.head(row.subject)
	if row.attempts > 0 {
		delete(o.claimed, row.id)
	}
	o.subjects.remove(row.bySubject())
	o.parked.remove(row.byPosition())
	o.pending.remove(row.byTime())
	if head != n {
		return
	}
	o.withdraw(n)
	if next, found := o.head(row.subject); found {
		o.offer(next)
	}
}

// offer lets a head be claimed.
func (o *outboxTable) offer(n uint32) {
	switch row := o.rows.at(n); {
	case row.parked:
	case row.waiting:
		o.waiting.insert(key{at: int64(row.availableAt), lo: uint64(row.position)}, n)
	default:
		o.ready.insert(row.byPosition(), n)
	}
}

// withdraw is the reverse of offer.
func (o *outboxTable) withdraw(n uint32) {
	row := o.rows.at(n)
	o.waiting.remove(key{at: int64(row.availableAt), lo: uint64(row.position)})
	o.ready.remove(row.byPosition())
}

func (o *outboxTable) commit() {
	o.rows.commit()
	o.free = append(o.free[:len(o.free)-o.taken], o.freed...)
	o.stablePosition, o.taken, o.freed = o.position, 0, emptied(o.freed)
}

func (o *outboxTable) rollback() {
	o.rows.rollback(o.leave, o.set)
	o.position, o.taken, o.freed = o.stablePosition, 0, emptied(o.freed)
}
