package assessplan

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"github.com/google/uuid"
)

// PlanID names an [AssessmentPlan]. The zero value names none.
type PlanID uuid.UUID

// EnrollmentID names an [Enrollment]. The zero value names none.
type EnrollmentID uuid.UUID

// TaskID names an [AssessmentTask]. The zero value names none.
type TaskID uuid.UUID

// EventID names an [Event]. It is derived from the aggregate, its version and the place of the event in that version, so
// that the same fact has the same ID however often it is delivered. The zero value names none.
type EventID uuid.UUID

// ParsePlanID reads the text form of a PlanID; anything else is a [ValidationError].
func ParsePlanID(s string) (PlanID, error) { return parseID[PlanID]("plan_id", s) }

// ParseEnrollmentID reads the text form of an EnrollmentID; anything else is a [ValidationError].
func ParseEnrollmentID(s string) (EnrollmentID, error) {
	return parseID[EnrollmentID]("enrollment_id", s)
}

// ParseTaskID reads the text form of a TaskID; anything else is a [ValidationError].
func ParseTaskID(s string) (TaskID, error) { return parseID[TaskID]("task_id", s) }

// ParseEventID reads the text form of an EventID; anything else is a [ValidationError].
func ParseEventID(s string) (EventID, error) { return parseID[EventID]("event_id", s) }

// PlanIDFromUint64 turns a host's integer key into a PlanID (UUIDv8, RFC 9562 section 5.8). The byte order of the IDs is
// the numeric order of the keys. A plan, an enrollment and a task that have the same key have different IDs.
func PlanIDFromUint64(n uint64) PlanID { return PlanID(uuidFromUint64(planKey, n)) }

// EnrollmentIDFromUint64 turns a host's integer key into an EnrollmentID; see [PlanIDFromUint64].
func EnrollmentIDFromUint64(n uint64) EnrollmentID {
	return EnrollmentID(uuidFromUint64(enrollmentKey, n))
}

// TaskIDFromUint64 turns a host's integer key into a TaskID; see [PlanIDFromUint64].
func TaskIDFromUint64(n uint64) TaskID { return TaskID(uuidFromUint64(taskKey, n)) }

// Uint64 returns the integer that the ID was made from; any other ID gives 0 and false.
func (id PlanID) Uint64() (n uint64, ok bool) { return uint64FromUUID(planKey, uuid.UUID(id)) }

// Uint64 returns the integer that the ID was made from; any other ID gives 0 and false.
func (id EnrollmentID) Uint64() (n uint64, ok bool) {
	return uint64FromUUID(enrollmentKey, uuid.UUID(id))
}

// Uint64 returns the integer that the ID was made from; any other ID gives 0 and false.
func (id TaskID) Uint64() (n uint64, ok bool) { return uint64FromUUID(taskKey, uuid.UUID(id)) }

// String returns the usual 36 characters of a UUID.
func (id PlanID) String() string { return uuid.UUID(id).String() }

// String returns the usual 36 characters of a UUID.
func (id EnrollmentID) String() string { return uuid.UUID(id).String() }

// String returns the usual 36 characters of a UUID.
func (id TaskID) String() string { return uuid.UUID(id).String() }

// String returns the usual 36 characters of a UUID.
func (id EventID) String() string { return uuid.UUID(id).String() }

// IsZero reports whether the ID names nothing.
func (id PlanID) IsZero() bool { return id == PlanID{} }

// IsZero reports whether the ID names nothing.
func (id EnrollmentID) IsZero() bool { return id == EnrollmentID{} }

// IsZero reports whether the ID names nothing.
func (id TaskID) IsZero() bool { return id == TaskID{} }

// IsZero reports whether the ID names nothing.
func (id EventID) IsZero() bool { return id == EventID{} }

// Compare orders IDs by their bytes, as every store does.
func (id PlanID) Compare(other PlanID) int { return bytes.Compare(id[:], other[:]) }

// Compare orders IDs by their bytes, as every store does.
func (id EnrollmentID) Compare(other EnrollmentID) int { return bytes.Compare(id[:], other[:]) }

// Compare orders IDs by their bytes, as every store does.
func (id TaskID) Compare(other TaskID) int { return bytes.Compare(id[:], other[:]) }

// MarshalText writes the 36 characters of the UUID.
func (id PlanID) MarshalText() ([]byte, error) { return uuid.UUID(id).MarshalText() }

// MarshalText writes the 36 characters of the UUID.
func (id EnrollmentID) MarshalText() ([]byte, error) { return uuid.UUID(id).MarshalText() }

// MarshalText writes the 36 characters of the UUID.
func (id TaskID) MarshalText() ([]byte, error) { return uuid.UUID(id).MarshalText() }

// MarshalText writes the 36 characters of the UUID.
func (id EventID) MarshalText() ([]byte, error) { return uuid.UUID(id).MarshalText() }

// UnmarshalText is the reverse of MarshalText; see [ParsePlanID].
func (id *PlanID) UnmarshalText(b []byte) (err error) { *id, err = ParsePlanID(string(b)); return err }

// UnmarshalText is the reverse of MarshalText; see [ParseEnrollmentID].
func (id *EnrollmentID) UnmarshalText(b []byte) (err error) {
	*id, err = ParseEnrollmentID(string(b))
	return err
}

// UnmarshalText is the reverse of MarshalText; see [ParseTaskID].
func (id *TaskID) UnmarshalText(b []byte) (err error) { *id, err = ParseTaskID(string(b)); return err }

// UnmarshalText is the reverse of MarshalText; see [ParseEventID].
func (id *EventID) UnmarshalText(b []byte) (err error) {
	*id, err = ParseEventID(string(b))
	return err
}

func parseID[ID ~[16]byte](field, s string) (ID, error) {
	if len(s) != 36 { // uuid.Parse also takes urn:, braces and bare digits: one form is enough
		return ID{}, Invalid(field, "is %s; want the 36 characters of a UUID", quote(s))
	}
	id, err := uuid.Parse(s)
	if err != nil {
		return ID{}, Invalid(field, "is %s; want the 36 characters of a UUID", quote(s))
	}
	return ID(id), nil
}

// The first six bytes of a UUIDv8 made from an integer: the label by which it is known again.
var uint64Label = [6]byte{'a', 's', 's', 'p', 'l', 'n'}

// The table that a key is of stands beside the version. Events are ordered, deleted and told apart by the bytes of what
// they are about, and hosts count each of their tables from 1.
const (
	planKey byte = iota + 1
	enrollmentKey
	taskKey
)

func uuidFromUint64(table byte, n uint64) (id uuid.UUID) {
	copy(id[:6], uint64Label[:])
	id[6], id[7] = 0x80|table, byte(n>>62)
	binary.BigEndian.PutUint64(id[8:], n&(1<<62-1)|1<<63)
	return id
}

func uint64FromUUID(table byte, id uuid.UUID) (uint64, bool) {
	n := uint64(id[7]&3)<<62 | binary.BigEndian.Uint64(id[8:])&(1<<62-1)
	if id != uuidFromUint64(table, n) {
		return 0, false
	}
	return n, true
}

// idMaker makes time-ordered UUIDs (UUIDv7, RFC 9562 section 5.7) from the injected clock; google/uuid's own reads the wall
// clock. Those of one maker strictly increase, also within a tick of the clock and while it stands still or goes back, so
// that the tasks of a round are listed in their order.
type idMaker struct {
	clock Clock
	last  atomic.Int64 // microseconds
}

func (m *idMaker) next() uuid.UUID {
	now := m.clock.Now().UnixMicro()
	for {
		last := m.last.Load()
		micros := max(now, last+1)
		if m.last.CompareAndSwap(last, micros) {
			return uuidV7(micros)
		}
	}
}

// uuidV7 holds microseconds: rand_a is the fraction of the millisecond (section 6.2, method 3).
func uuidV7(micros int64) uuid.UUID {
	var id uuid.UUID
	if _, err := rand.Read(id[8:]); err != nil {
		panic(fmt.Sprintf("assessplan: no randomness: %v", err)) // documented never to happen since Go 1.24
	}
	binary.BigEndian.PutUint64(id[:8], uint64(micros/1000)<<16|uint64(micros%1000)*4096/1000)
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}
