package fault_test

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
)

// answers holds what is stored against what the host was told.
func (b *books) answers() {
	for sheet, id := range b.ledger.completed {
		if task := b.tasks[id]; task.Status != assessplan.Completed || task.AssessmentID != sheet {
			b.problem("task %s is %s, but its completion was confirmed", id, task.Status)
		}
	}
	entries := map[string]bool{}
	for _, opened := range b.ledger.opened {
		task := opened.Task
		entry := fmt.Sprintf("%s %d", task.ID, task.EntrySerial)
		if entries[entry] {
			b.problem("task %s was reported as opened twice with entry %d", task.ID, task.EntrySerial)
		}
		entries[entry] = true
		if !slices.ContainsFunc(b.told[uuid.UUID(task.ID)], func(one telling) bool {
			fact, ok := one.fact.(*assessplan.TaskOpened)
			return ok && fact.Revision == task.Revision && fact.EntrySerial == task.EntrySerial && one.event.Version == task.Version
		}) {
			b.problem("task %s was reported as opened in revision %d with entry %d, and no event says so", task.ID, task.Revision, task.EntrySerial)
		}
	}
	for id, asked := range b.ledger.reissues {
		if got := b.count(uuid.UUID(id), assessplan.TypeTaskEntryReissued); got > asked {
			b.problem("task %s got %d more entries, but %d were asked for", id, got, asked)
		}
	}
}

func (b *books) count(subject uuid.UUID, kind assessplan.EventType) (n int) {
	for _, one := range b.told[subject] {
		if one.event.Type == kind {
			n++
		}
	}
	return n
}

// erasure looks for what may be left of the one who was erased.
func (b *books) erasure() {
	if b.ledger.erased < 0 {
		return
	}
	name := testee(forgotten)
	var pseudonym assessplan.TesteeID
	for id, round := range b.rounds {
		if id == b.host.rounds[forgotten] {
			pseudonym = round.Testee
		}
		if round.Testee == name {
			b.problem("round %s bears the name of a testee who was erased", id)
		}
	}
	erasures := 0
	for _, told := range b.told {
		if fact, ok := told[0].fact.(*assessplan.TesteeErased); ok && fact.Pseudonym == pseudonym {
			erasures += len(told)
		}
	}
	if erasures != 1 {
		b.problem("%d events tell of the erasure", erasures)
	}
	if b.setup.relaying {
		return // what a relay has in its hands may still arrive
	}
	for _, event := range b.broker.events()[b.ledger.erased:] {
		if bytes.Contains(event.Data, []byte(name)) {
			b.problem("%v was delivered after its testee was erased", event)
		}
	}
}

// table compares plans, rounds and tasks with the story's own table, which is complete.
func (b *books) table() {
	if len(b.plans) != len(planEvents) || len(b.rounds) != len(parts) {
		b.problem("there are %d plans and %d rounds; the story has %d and %d", len(b.plans), len(b.rounds), len(planEvents), len(parts))
	}
	for ref, want := range planEvents {
		b.matches("plan "+string(ref), uuid.UUID(b.host.plans[ref]), want)
	}
	for r, part := range parts {
		b.matches(string(r), uuid.UUID(b.host.rounds[r]), part.round)
		for i, want := range part.tasks {
			task, ok := b.task(r, i+1)
			if !ok {
				continue
			}
			b.matches(fmt.Sprintf("%s %d", r, i+1), uuid.UUID(task.ID), want)
			if task.Status != part.status[i] {
				b.problem("%s %d is %s; the story makes it %s", r, i+1, task.Status, part.status[i])
			}
		}
		if planned := b.rounds[b.host.rounds[r]].Planned; planned != len(part.tasks) {
			b.problem("%s has %d tasks; the story has %d", r, planned, len(part.tasks))
		}
	}
}

func (b *books) matches(what string, subject uuid.UUID, want string) {
	var types []string
	for _, one := range b.told[subject] {
		_, kind, _ := strings.Cut(string(one.event.Type), ".")
		types = append(types, kind)
	}
	if got := strings.Join(types, " "); !regexp.MustCompile("^(" + want + ")$").MatchString(got) {
		b.problem("the events of %s are %q; the story makes them %q", what, got, want)
	}
}

// bounds counts how often others were asked.
func (b *books) bounds(allowed allowance) {
	within := func(what string, n, needed, more int) {
		if n > needed+more {
			b.problem("%s: %d; the story takes %d, and its faults account for %d more", what, n, needed, more)
		}
	}
	if b.setup.entries == nil {
		within("calls of the generator", b.entries.Calls(), entriesNeeded, allowed.entries)
	}
	within("deliveries", len(b.broker.events()), b.events, allowed.deliveries)
	within("calls that the host made again", b.ledger.failures, 0, allowed.repeats)
}
