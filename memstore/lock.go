package memstore

import (
	"context"
	"fmt"
	"sync"
)

// rwLock is a read-write lock whose waiting ends with a ctx. A writer that waits keeps new readers out, so that neither
// side starves. Make one with newRWLock.
type rwLock struct {
	entry chan struct{} // holds a token; who has it may begin, and a writer keeps it until it is done
	idle  chan struct{} // holds a token while nobody reads or writes

	mu      sync.Mutex
	readers int
}

func newRWLock() *rwLock {
	l := &rwLock{entry: make(chan struct{}, 1), idle: make(chan struct{}, 1)}
	l.entry <- struct{}{}
	l.idle <- struct{}{}
	return l
}

func (l *rwLock) lock(ctx context.Context) error {
	if err := take(ctx, l.entry); err != nil {
		return err
	}
	if err := take(ctx, l.idle); err != nil {
		l.entry <- struct{}{}
		return err
	}
	return nil
}

func (l *rwLock) unlock() {
	l.idle <- struct{}{}
	l.entry <- struct{}{}
}

func (l *rwLock) rLock(ctx context.Context) error {
	if err := take(ctx, l.entry); err != nil {
		return err
	}
	l.mu.Lock()
	if l.readers == 0 {
		<-l.idle // never waits: writers take it only with the entry token, which is here
	}
	l.readers++
	l.mu.Unlock()
	l.entry <- struct{}{}
	return nil
}

func (l *rwLock) rUnlock() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.readers--
	if l.readers == 0 {
		l.idle <- struct{}{}
	}
}

// take waits for a token. An ended ctx never gets one, even if one is there.
func take(ctx context.Context, token <-chan struct{}) error {
	if ctx.Err() == nil {
		select {
		case <-token:
			return nil
		case <-ctx.Done():
		}
	}
	return fmt.Errorf("memstore: waiting for a transaction to begin: %w", ctx.Err())
}
