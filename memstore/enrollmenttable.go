package memstore

import (
	"fmt"

	"github.com/assessplan/assessplan"
)

// enrollmentRow is a round; its note is the only pointer. Names are numbers of the field of names that is said beside them.
type enrollmentRow struct {
	id      assessplan.EnrollmentID
	version int64
	note    string

	pausedAt, endedAt, closableFrom, createdAt instant

	groups        // without the round: it is the round
	number uint32 // rounds
	zone   uint32 // words, like all below
	status uint32
	reason uint32

	round, planned, shiftedDays int32
	start                       packedDate
	reconsented                 bool
}

func (r *enrollmentRow) running() bool { return r.status == wordActive || r.status == wordPaused }

// enrollmentTable keeps the rounds, and the indexes that find them.
type enrollmentTable struct {
	names *names
	rows  rows[enrollmentRow]
	lists
	links []roundLink // by the number of the round

	closable index // running rounds without an open task, by (closableFrom, ID)
}

// roundLink is what is known of a round, stored or not.
type roundLink struct {
	row  uint32 // its row and 1, or 0
	open int32  // how many of its tasks are pending or opened
}

func (t *enrollmentTable) link(number uint32) *roundLink {
	for uint32(len(t.links)) <= number {
		t.links = append(t.links, roundLink{})
	}
	return &t.links[number]
}

func (t *enrollmentTable) find(id assessplan.EnrollmentID) (n uint32, known bool) {
	number, known := t.names.rounds.find(id)
	if !known || number >= uint32(len(t.links)) || t.links[number].row == 0 {
		return 0, false
	}
	return t.links[number].row - 1, true
}

// active reports whether the round with a number is stored and active.
func (t *enrollmentTable) active(number uint32) bool {
	row := t.links[number].row
	return row != 0 && t.rows.at(row-1).status == wordActive
}

// pack makes a row of a state; old is the row that it replaces, or a zero one.
func (t *enrollmentTable) pack(s *assessplan.EnrollmentState, old *enrollmentRow) (enrollmentRow, error) {
	if !fitsInt32(s.Round, s.Planned) || packDate(s.Start).date() != s.Start {
		return enrollmentRow{}, fmt.Errorf("%w: enrollment %s has a date or a number that a row of 32 bits cannot hold",
			assessplan.ErrInvalid, s.ID)
	}
	n := t.names
	r := enrollmentRow{
		id: s.ID, note: s.Termination.Note,
		pausedAt: instantOf(s.PausedAt), endedAt: instantOf(s.EndedAt),
		closableFrom: instantOf(s.ClosableFrom), createdAt: instantOf(s.CreatedAt),
		groups: groups{org: n.org(s.Org), plan: n.plans.number(s.Plan)}, number: n.rounds.number(s.ID),
		zone: n.word(old.zone, s.Zone), status: n.word(old.status, string(s.Status)),
		reason: n.word(old.reason, string(s.Termination.Reason)),
		round:  int32(s.Round), planned: int32(s.Planned), shiftedDays: int32(s.ShiftedDays), start: packDate(s.Start), reconsented: s.Reconsented,
	}
	r.testee = inOrg(&n.testees, old.testee, r.org, string(s.Testee))
	return r, nil
}

func (t *enrollmentTable) state(n uint32) assessplan.EnrollmentState {
	r, names := t.rows.at(n), t.names
	return assessplan.EnrollmentState{
		ID: r.id, Org: names.orgs.name(r.org), Plan: names.plans.name(r.plan),
		Testee: assessplan.TesteeID(names.testees.name(r.testee).text),
		Round:  int(r.round), Start: r.start.date(), Zone: names.words.name(r.zone), Reconsented: r.reconsented, ShiftedDays: int(r.shiftedDays),
		Status: assessplan.EnrollmentStatus(names.words.name(r.status)), Planned: int(r.planned),
		PausedAt: r.pausedAt.time(), EndedAt: r.endedAt.time(),
		Termination:  assessplan.Termination{Reason: assessplan.EndReason(names.words.name(r.reason)), Note: r.note},
		ClosableFrom: r.closableFrom.time(), CreatedAt: r.createdAt.time(), Version: r.version,
	}
}

// insert adds a round.
func (t *enrollmentTable) insert(s *assessplan.EnrollmentState, version int64) error {
	if _, known := t.find(s.ID); known {
		return fmt.Errorf("%w: an enrollment %s exists already", assessplan.ErrConflict, s.ID)
	}
	row, err := t.pack(s, &enrollmentRow{})
	if err != nil {
		return err
	}
	row.version = version
	if err := t.checkUnique(&row); err != nil {
		return err
	}
	n := t.rows.add(&row)
	t.link(row.number).row = n + 1
	t.lists.add(row.groups, row.id, n)
	t.closable.move(row.id, n, absent, t.closableAt(&row))
	return nil
}

// update replaces a round that is there.
func (t *enrollmentTable) update(n uint32, s *assessplan.EnrollmentState, version int64) error {
	row, err := t.pack(s, t.rows.at(n))
	if err != nil {
		return err
	}
	row.version = version
	return t.replace(n, &row)
}

// replace replaces a row and notes in the journal what it was.
func (t *enrollmentTable) replace(n uint32, row *enrollmentRow) error {
	if err := t.checkUnique(row); err != nil {
		return err
	}
	t.rows.save(n)
	t.set(n, row)
	return nil
}

// checkUnique looks at the other rounds of the testee in the plan.
func (t *enrollmentTable) checkUnique(row *enrollmentRow) error {
	for n := range t.byTestee.group(row.testee, [16]byte{}) {
		other := t.rows.at(n)
		switch {
		case other.plan != row.plan || other.id == row.id:
		case other.round == row.round:
			return fmt.Errorf("%w: enrollment %s is round %d of this testee already", assessplan.ErrConflict, other.id, row.round)
		case other.start == row.start:
			return fmt.Errorf("%w: enrollment %s of this testee starts on %s already", assessplan.ErrConflict, other.id, row.start.date())
		case other.running() && row.running():
			return fmt.Errorf("%w: enrollment %s of this testee has not ended", assessplan.ErrConflict, other.id)
		}
	}
	return nil
}

// set replaces a row. It is the one way to change a row, and, with what the journal kept, the way to change it back.
func (t *enrollmentTable) set(n uint32, next *enrollmentRow) {
	row := t.rows.at(n)
	t.byTestee.move(row.id, n, int64(row.testee), int64(next.testee))
	t.closable.move(row.id, n, t.closableAt(row), t.closableAt(next))
	*row = *next
}

// countOpen notes that the open tasks of a round became more or fewer.
func (t *enrollmentTable) countOpen(number uint32, change int32) {
	link := t.link(number)
	if link.row == 0 {
		link.open += change
		return
	}
	row := t.rows.at(link.row - 1)
	before := t.closableAt(row)
	link.open += change
	t.closable.move(row.id, link.row-1, before, t.closableAt(row))
}

func (t *enrollmentTable) closableAt(r *enrollmentRow) int64 {
	if !r.running() || t.link(r.number).open > 0 {
		return absent
	}
	return int64(r.closableFrom)
}

func (t *enrollmentTable) commit() { t.rows.commit() }

func (t *enrollmentTable) rollback() {
	t.rows.rollback(t.drop, t.set)
	t.links = t.links[:min(len(t.links), t.names.rounds.stable)]
}

// drop takes a row that the running transaction added out of everything.
func (t *enrollmentTable) drop(n uint32) {
	row := t.rows.at(n)
	t.closable.move(row.id, n, t.closableAt(row), absent)
	t.link(row.number).row = 0
	t.lists.remove(row.groups, row.id)
}
