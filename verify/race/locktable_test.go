package race_test

import (
	"context"
	"errors"
	"sync"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
)

// errSerialization is what another run may not meet: a deadlock, or a row that came meanwhile.
var errSerialization = errors.New("serialization failure")

// lockTable says who holds which record, and who waits for it.
type lockTable struct {
	mu      sync.Mutex
	holders map[uuid.UUID]map[*writer]assessplan.LockMode
	waits   map[*writer]ticket
	tickets int
	freed   chan struct{} // closed when somebody lets go
}

// ticket is a place in the queue for a record.
type ticket struct {
	record uuid.UUID
	number int
}

func newLockTable() *lockTable {
	return &lockTable{holders: map[uuid.UUID]map[*writer]assessplan.LockMode{}, waits: map[*writer]ticket{}, freed: make(chan struct{})}
}

// lock waits until the record is free for the mode, ctx ends, or waiting would be for oneself.
func (l *lockTable) lock(ctx context.Context, w *writer, id uuid.UUID, mode assessplan.LockMode) error {
	for mode != assessplan.LockNone {
		taken, dead, freed := l.tryOrWait(w, id, mode)
		switch {
		case taken:
			return nil
		case dead:
			return errSerialization
		}
		select {
		case <-freed:
		case <-ctx.Done():
			l.stopWaiting(w)
			return ctx.Err()
		}
	}
	return nil
}

func (l *lockTable) tryOrWait(w *writer, id uuid.UUID, mode assessplan.LockMode) (taken, dead bool, freed chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, waiting := l.waits[w]; !waiting {
		l.tickets++
		l.waits[w] = ticket{record: id, number: l.tickets}
	}
	taken = l.take(w, id, mode)
	dead = !taken && l.leadsTo(id, w)
	if taken || dead {
		delete(l.waits, w)
	}
	return taken, dead, l.freed
}

func (l *lockTable) tryLock(w *writer, id uuid.UUID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.take(w, id, assessplan.LockExclusive)
}

// take takes a lock that is free, unless somebody came before.
func (l *lockTable) take(w *writer, id uuid.UUID, mode assessplan.LockMode) bool {
	for holder, held := range l.holders[id] {
		if holder != w && (mode == assessplan.LockExclusive || held == assessplan.LockExclusive) {
			return false
		}
	}
	if l.queued(w, id) {
		return false
	}
	if l.holders[id] == nil {
		l.holders[id] = map[*writer]assessplan.LockMode{}
	}
	l.holders[id][w] = max(mode, l.holders[id][w])
	return true
}

// queued reports whether others have waited longer for a record that a writer does not hold yet.
func (l *lockTable) queued(w *writer, id uuid.UUID) bool {
	_, held := l.holders[id][w]
	own, waiting := l.waits[w]
	for other, ticket := range l.waits {
		if !held && other != w && ticket.record == id && (!waiting || ticket.number < own.number) {
			return true
		}
	}
	return false
}

// leadsTo reports whether one of those who hold a record waits, in the end, for a writer.
func (l *lockTable) leadsTo(id uuid.UUID, w *writer) bool {
	for holder := range l.holders[id] {
		next, waiting := l.waits[holder]
		if holder == w || !waiting {
			continue
		}
		if _, mine := l.holders[next.record][w]; mine || l.leadsTo(next.record, w) {
			return true
		}
	}
	return false
}

func (l *lockTable) stopWaiting(w *writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waits, w)
}

func (l *lockTable) release(w *writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, holders := range l.holders {
		if delete(holders, w); len(holders) == 0 {
			delete(l.holders, id)
		}
	}
	close(l.freed)
	l.freed = make(chan struct{})
}
