package assessplan

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
)

// Tracer follows the work of a service, as distributed tracing does. It is called by several goroutines at once.
type Tracer interface {
	// Begin is called before a piece of work. The work is done in the ctx that it returns, which is derived from the one that
	// it is given; the function that it returns is called once afterwards, but not if the work panicked. Neither is nil.
	Begin(ctx context.Context, work Work) (context.Context, func(Done))
	// TraceParent is the trace context of ctx as W3C Trace Context writes it in the header traceparent; empty if there is none.
	// It becomes part of every event that is stored under ctx, see [Event.TraceParent]. Anything but 55 bytes of the form
	// "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" is left out. ctx may be one of a transaction: a Tracer calls no
	// store.
	TraceParent(ctx context.Context) string
}

// Work is something that a [Tracer] is told of before it is done. New kinds may come.
type Work struct {
	Kind         WorkTraced
	Narrowed     bool     // TracedSchedule, TracedExpire: the pass was given a [Scope]
	Limit        int      // a page: the most records that it takes; TracedPublish: how many events the publisher is given
	TraceParents []string // TracedPublish: those of the events, each once, in their order; read-only
}

// WorkTraced names what a [Work] is.
type WorkTraced string

// The work that is traced. A page is one transaction, or several where the store refuses one.
const (
	TracedSchedule   WorkTraced = "schedule"    // a pass that opens tasks
	TracedExpire     WorkTraced = "expire"      // a pass that expires tasks
	TracedOpenPage   WorkTraced = "open_page"   // a page of tasks that are due
	TracedExpirePage WorkTraced = "expire_page" // a page of tasks that are overdue
	TracedClosePage  WorkTraced = "close_page"  // a page of rounds whose tasks have all ended
	TracedPlanPage   WorkTraced = "plan_page"   // a page of what a command on a plan has to do, in the command or in an expiry pass
	TracedPublish    WorkTraced = "publish"     // a call of the publisher
)

// Done is what a [Tracer] is told of when work is done.
type Done struct {
	Pages   int // of a pass
	Changed int // records that were opened, ended, moved or closed; TracedPublish: events that were taken
	Failed  int // records that could not be; TracedPublish: events that were not taken
	// Err is why the work broke; nil if it only was told to stop. A publisher that is stopped has time to end what it has in its
	// hands: TracedPublish that does not is broken. Write no more of it than [KindOf] says: it may quote others.
	Err error
}

// trace tells the Tracer that work begins, and returns what tells it of the end.
func (c *core) trace(ctx context.Context, work Work) (context.Context, func(Done)) {
	if c.config.Tracer == nil {
		return ctx, untraced
	}
	return c.config.Tracer.Begin(ctx, work)
}

func untraced(Done) {}

// tracedPage does a page of work as the Tracer sees it. What it says of its records counts if the page is stored.
func tracedPage[P interface{ counts() (changed, failed int) }](ctx context.Context, c *core, work Work, do func(ctx context.Context) (P, error)) (P, error) {
	within, end := c.trace(ctx, work)
	page, err := do(within)
	done := Done{}
	if err == nil {
		done.Changed, done.Failed = page.counts()
	}
	if ctx.Err() == nil {
		done.Err = err
	}
	end(done)
	return page, err
}

// newBatch is for the events that are stored under ctx.
func (c *core) newBatch(ctx context.Context) *eventBatch {
	return &eventBatch{traceParent: c.traceParent(ctx)}
}

// traceParent is what events that are stored under ctx say of it; empty if nobody traces.
func (c *core) traceParent(ctx context.Context) string {
	if c.config.Tracer == nil {
		return ""
	}
	if parent := c.config.Tracer.TraceParent(ctx); isTraceParent(parent) {
		return parent
	}
	return ""
}

// traceParents are those of some events, each once; none if nobody traces.
func (c *core) traceParents(events []Event) (parents []string) {
	if c.config.Tracer == nil {
		return nil
	}
	known := map[string]bool{"": true}
	for i := range events {
		if parent := events[i].TraceParent(); !known[parent] {
			known[parent] = true
			parents = append(parents, parent)
		}
	}
	return parents
}

// traceParentKey stands in an event before its value, as this package writes it.
const traceParentKey = `,"traceparent":"`

// TraceParent is the trace context in which the event was stored, as the traceparent of W3C Trace Context: the attribute of
// that name in its Data (CloudEvents, Distributed Tracing extension). It is empty if there is none, or none of version 00 to fe in
// its form of 55 bytes.
func (e Event) TraceParent() string {
	// In front of the data nothing else can look like it: attributes have no members, and within a text quotes are escaped.
	attributes, _, _ := bytes.Cut(e.Data, []byte(`"data"`))
	if _, after, found := bytes.Cut(attributes, []byte(traceParentKey)); found && len(after) > traceParentSize && after[traceParentSize] == '"' {
		return validTraceParent(string(after[:traceParentSize]))
	}
	if !bytes.Contains(e.Data, []byte(`"traceparent"`)) {
		return ""
	}
	var envelope struct { // written by somebody else
		TraceParent string `json:"traceparent"`
	}
	if json.Unmarshal(e.Data, &envelope) != nil {
		return ""
	}
	return validTraceParent(envelope.TraceParent)
}

func validTraceParent(parent string) string {
	if !isTraceParent(parent) {
		return ""
	}
	return parent
}

const traceParentSize = 55

// isTraceParent reports whether a text is "version-trace-parent-flags" in lower case hexadecimal digits, neither ID zero and the
// version not ff (W3C Trace Context, section 3.2).
func isTraceParent(s string) bool {
	if len(s) != traceParentSize || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return false
	}
	version, trace, parent, flags := s[:2], s[3:35], s[36:52], s[53:]
	return isLowerHex(version) && isLowerHex(trace) && isLowerHex(parent) && isLowerHex(flags) &&
		version != "ff" && strings.Trim(trace, "0") != "" && strings.Trim(parent, "0") != ""
}

func isLowerHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
