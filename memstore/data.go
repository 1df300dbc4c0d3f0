package memstore

import (
	"strings"

	"github.com/assessplan/assessplan"
)

// data is everything that a store keeps. Reading it takes the store's lock shared, changing it exclusively.
type data struct {
	names       *names
	plans       *planTable
	enrollments *enrollmentTable
	tasks       *taskTable
	outbox      *outboxTable
	erased      []uint32 // testees whose names may be left over when the running transaction commits
}

func newData() *data {
	names := newNames()
	enrollments := &enrollmentTable{names: names}
	return &data{
		names:       names,
		plans:       newPlanTable(),
		enrollments: enrollments,
		tasks:       newTaskTable(names, enrollments),
		outbox:      newOutboxTable(names),
	}
}

// commit ends the running transaction; what it changed stands already.
func (d *data) commit() {
	d.forgetErased()
	d.plans.rows.commit()
	d.enrollments.commit()
	d.tasks.rows.commit()
	d.outbox.commit()
	d.names.commit()
}

// rollback ends the running transaction and takes back what it changed.
func (d *data) rollback() {
	d.erased = nil
	d.plans.rollback()
	d.tasks.rollback() // before the rounds, whose open tasks it counts
	d.enrollments.rollback()
	d.outbox.rollback()
	d.names.rollback()
}

func (d *data) forgetErased() {
	for _, testee := range d.erased {
		if !d.tasks.byTestee.has(testee) && !d.enrollments.byTestee.has(testee) {
			d.names.testees.forget(testee)
		}
	}
	d.erased = nil
}

// orgName is a name that is unique in its org only; org is a number of names.orgs.
type orgName struct {
	org  uint32
	text string
}

// names are the numbers by which rows refer to words and to each other. That a plan or a round has a number does not say
// that it is stored: a task may name it.
type names struct {
	words       interner[string] // statuses, reasons, codes, zones, scales, event types: few
	orgs        interner[assessplan.OrgID]
	plans       interner[assessplan.PlanID]
	rounds      interner[assessplan.EnrollmentID]
	testees     interner[orgName]
	assessments interner[orgName]
}

// The words that the tables know by number, in the order in which newNames gives them.
const (
	wordPending = 1 + iota
	wordOpened
	wordActive
	wordPaused
)

func newNames() *names {
	return &names{
		words: newInterner(string(assessplan.Pending), string(assessplan.Opened),
			string(assessplan.EnrollmentStatusActive), string(assessplan.EnrollmentStatusPaused)),
		orgs:        newInterner[assessplan.OrgID](),
		plans:       newInterner[assessplan.PlanID](),
		rounds:      newInterner[assessplan.EnrollmentID](),
		testees:     newInterner[orgName](),
		assessments: newInterner[orgName](),
	}
}

func (n *names) commit() {
	n.words.commit()
	n.orgs.commit()
	n.plans.commit()
	n.rounds.commit()
	n.testees.commit()
	n.assessments.commit()
}

func (n *names) rollback() {
	n.words.rollback()
	n.orgs.rollback()
	n.plans.rollback()
	n.rounds.rollback()
	n.testees.rollback()
	n.assessments.rollback()
}

// word returns the number of a word for a row whose word was old: most often it is still the same.
func (n *names) word(old uint32, word string) uint32 {
	if n.words.name(old) == word {
		return old
	}
	if number, known := n.words.find(word); known {
		return number
	}
	return n.words.number(strings.Clone(word))
}

func (n *names) org(org assessplan.OrgID) uint32 {
	if number, known := n.orgs.find(org); known {
		return number
	}
	return n.orgs.number(assessplan.OrgID(strings.Clone(string(org))))
}

// inOrg returns the number of a name that is unique in an org, for a row whose name was old. An empty name is number 0.
func inOrg(in *interner[orgName], old, org uint32, text string) uint32 {
	name := orgName{org, text}
	if text == "" {
		return 0
	}
	if in.name(old) == name {
		return old
	}
	if number, known := in.find(name); known {
		return number
	}
	return in.number(orgName{org, strings.Clone(text)}) // the text may be a piece of a whole request
}
