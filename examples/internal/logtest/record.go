// Package logtest is for tests that read the log of what they start.
package logtest

import (
	"bytes"
	"sync"
)

// Record is a log that is written while it is read. The zero value is empty and ready.
type Record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements [io.Writer].
func (r *Record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

// String is what was written so far.
func (r *Record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}
