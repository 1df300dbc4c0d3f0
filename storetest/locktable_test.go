package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/assessplan/assessplan"
)

var errDeadlock = errors.New("deadlock")

type lockKey [16]byte

// lockTable says who holds which record.
type lockTable struct {
	mu      sync.Mutex
	holders map[lockKey]map[*writer]assessplan.LockMode
	queue   []*writer     // who waits, in the order of their coming
	changed chan struct{} // closed when a holder lets go
}

func newLockTable() *lockTable {
	return &lockTable{holders: map[lockKey]map[*writer]assessplan.LockMode{}, changed: make(chan struct{})}
}

// lock waits until the record is free for the mode, the ctx ends, or waiting would be a deadlock.
func (l *lockTable) lock(ctx context.Context, t *writer, id [16]byte, mode assessplan.LockMode) error {
	if mode == assessplan.LockNone {
		return nil
	}
	key := lockKey(id)
	for {
		l.mu.Lock()
		taken, dead, changed := l.take(t, key, mode), false, l.changed
		if !taken && t.waiting == nil {
			t.waiting = &key
			l.queue = append(l.queue, t)
			dead = l.leadsTo(key, t)
		}
		if taken || dead {
			l.leaveQueue(t)
		}
		l.mu.Unlock()
		switch {
		case taken:
			return nil
		case dead:
			return errDeadlock
		}
		select {
		case <-changed:
		case <-ctx.Done():
			l.mu.Lock()
			defer l.mu.Unlock()
			l.leaveQueue(t)
			return ctx.Err()
		}
	}
}

func (l *lockTable) leaveQueue(t *writer) {
	t.waiting = nil
	l.queue = slices.DeleteFunc(l.queue, func(queued *writer) bool { return queued == t })
}

func (l *lockTable) tryLock(t *writer, id [16]byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.take(t, lockKey(id), assessplan.LockExclusive)
}

// take takes a lock that is free, unless somebody came before.
func (l *lockTable) take(t *writer, key lockKey, mode assessplan.LockMode) bool {
	for holder, held := range l.holders[key] {
		if holder != t && (mode == assessplan.LockExclusive || held == assessplan.LockExclusive) {
			return false
		}
	}
	for _, queued := range l.queue {
		if queued == t {
			break
		}
		if *queued.waiting == key && !l.holds(key, t) {
			return false
		}
	}
	if l.holders[key] == nil {
		l.holders[key] = map[*writer]assessplan.LockMode{}
	}
	l.holders[key][t] = max(mode, l.holders[key][t])
	return true
}

// leadsTo reports whether whoever holds a record waits, in the end, for a writer.
func (l *lockTable) leadsTo(key lockKey, t *writer) bool {
	for holder := range l.holders[key] {
		if holder != t && holder.waiting != nil && (l.holds(*holder.waiting, t) || l.leadsTo(*holder.waiting, t)) {
			return true
		}
	}
	return false
}

func (l *lockTable) holds(key lockKey, t *writer) bool {
	_, held := l.holders[key][t]
	return held
}

func (l *lockTable) release(t *writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, holders := range l.holders {
		delete(holders, t)
		if len(holders) == 0 {
			delete(l.holders, key)
		}
	}
	close(l.changed)
	l.changed = make(chan struct{})
}
