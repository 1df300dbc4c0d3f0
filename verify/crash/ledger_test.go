package crash_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
)

// delivery is a line of the ledger. It has no payload: a link that works must not lie in a file.
type delivery struct {
	id      assessplan.EventID
	kind    assessplan.EventType
	subject uuid.UUID
	version int64
	digest  string // of the payload
	entry   string // of the token, where the payload has one
}

// A line begins with the newline that ends what a writer left who was killed in the middle of a line, and its last word says
// that it is whole.
const lineFormat = "\n%s %s %s %d %s %s ."

// ledger is a publisher that appends what it is given to a file that processes share. A killed process takes nothing back that it
// wrote, so that there is no need for a sync.
type ledger struct {
	file    *os.File
	latency time.Duration // the most that each way to a broker takes
}

var _ assessplan.EventPublisher = (*ledger)(nil)

func openLedger(path string, latency time.Duration) (*ledger, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	return &ledger{file: file, latency: latency}, err
}

// Publish takes a while before and after, as a broker does: who is killed then has published nothing, or does not know it.
func (l *ledger) Publish(ctx context.Context, events ...assessplan.Event) error {
	lines, err := ledgerLines(events)
	if err != nil {
		return err
	}
	if !waits(ctx, rand.N(l.latency+1)) {
		return ctx.Err()
	}
	if _, err := l.file.Write(lines); err != nil {
		return err
	}
	waits(ctx, rand.N(l.latency+1))
	return nil
}

// waits reports whether ctx lasted so long.
func waits(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func ledgerLines(events []assessplan.Event) ([]byte, error) {
	var lines []byte
	for i := range events {
		d, err := newDelivery(&events[i])
		if err != nil {
			return nil, err
		}
		lines = fmt.Appendf(lines, lineFormat, d.id, d.kind, d.subject, d.version, d.digest, d.entry)
	}
	return lines, nil
}

func newDelivery(e *assessplan.Event) (delivery, error) {
	_, fact, err := assessplan.DecodeEvent(e.Data)
	if err != nil {
		return delivery{}, err
	}
	entry := "-"
	switch fact := fact.(type) {
	case *assessplan.TaskOpened:
		entry, err = entryOf(fact.EntryURL)
	case *assessplan.TaskEntryReissued:
		entry, err = entryOf(fact.EntryURL)
	}
	sum := sha256.Sum256(e.Data)
	return delivery{id: e.ID, kind: e.Type, subject: e.Subject, version: e.Version, digest: hex.EncodeToString(sum[:8]), entry: entry}, err
}

func entryOf(link assessplan.EntryURL) (string, error) {
	parsed, err := url.Parse(link.Reveal())
	if err != nil {
		return "", fmt.Errorf("an entry URL cannot be parsed")
	}
	return hashText(assessplan.HashToken(parsed.Query().Get("token"))), nil
}

func hashText(hash assessplan.TokenHash) string { return hex.EncodeToString(hash[:]) }

// ledgerReader reads a ledger while it grows.
type ledgerReader struct {
	path       string
	offset     int64
	begun      []byte // a line whose end has not come
	torn       int    // lines whose end never came
	deliveries []delivery
}

// read takes up what was written since, and reports whether anything was.
func (r *ledgerReader) read() (bool, error) {
	file, err := os.Open(r.path)
	if err != nil {
		return false, err
	}
	defer func() { _ = file.Close() }() // it was only read
	fresh, err := io.ReadAll(io.NewSectionReader(file, r.offset, 1<<40))
	if err != nil || len(fresh) == 0 {
		return false, err
	}
	r.offset += int64(len(fresh))
	lines := bytes.Split(append(r.begun, fresh...), []byte("\n"))
	r.begun = nil
	for i, line := range lines {
		whole := bytes.HasSuffix(line, []byte(" ."))
		switch {
		case whole:
			d, err := parseDelivery(string(line))
			if err != nil {
				return true, err
			}
			r.deliveries = append(r.deliveries, d)
		case i == len(lines)-1:
			r.begun = bytes.Clone(line)
		case len(line) > 0:
			r.torn++
		}
	}
	return true, nil
}

func parseDelivery(line string) (d delivery, err error) {
	words := strings.Fields(line)
	if len(words) != 7 {
		return delivery{}, fmt.Errorf("a line of the ledger has %d words", len(words))
	}
	d.kind, d.digest, d.entry = assessplan.EventType(words[1]), words[4], words[5]
	if d.id, err = assessplan.ParseEventID(words[0]); err != nil {
		return delivery{}, err
	}
	if d.subject, err = uuid.Parse(words[2]); err != nil {
		return delivery{}, err
	}
	d.version, err = strconv.ParseInt(words[3], 10, 64)
	return d, err
}
