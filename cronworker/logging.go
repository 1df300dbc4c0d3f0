package cronworker

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/assessplan/assessplan"
)

// The keys of log records.
const (
	keyJob      = "job"
	keyPasses   = "passes"
	keyMore     = "more"
	keyCode     = "code"
	keyKind     = "kind"
	keyError    = "error"
	keyStack    = "stack"
	keyDuration = "duration"
	keyRetryAt  = "retry_at"
	keyOverruns = "overruns"
)

// log writes a record. A handler that panics costs the record, not the worker.
func (c *Config) log(level slog.Level, message string, attrs ...slog.Attr) {
	defer func() { _ = recover() }()
	c.Logger.LogAttrs(context.Background(), level, message, attrs...)
}

func (w *Worker) logStart() {
	w.config.log(slog.LevelInfo, "worker started", slog.String("schedule", w.config.Schedule), slog.String("expire", w.config.Expire),
		slog.String("zone", w.config.Zone.String()), slog.Bool("relay", w.relay != nil))
}

func (w *Worker) logStop(err error) {
	level := slog.LevelInfo
	if err != nil {
		level = slog.LevelError
	}
	w.config.log(level, "worker stopped", errorAttrs(err)...)
}

func (j *job) logRun(r *result, took time.Duration) {
	attrs := append([]slog.Attr{slog.String(keyJob, string(j.name)), slog.Int(keyPasses, r.passes), slog.Bool(keyMore, r.cut),
		slog.Duration(keyDuration, took)}, errorAttrs(r.err)...)
	j.config.log(level(r.err), "run", attrs...)
}

func (j *job) logRetry(at time.Time) {
	j.config.log(slog.LevelDebug, "run is tried again", slog.String(keyJob, string(j.name)), slog.Time(keyRetryAt, at))
}

func (j *job) logOverrun(took time.Duration) {
	s := j.read()
	j.config.log(slog.LevelWarn, "overrun", slog.String(keyJob, string(j.name)), slog.Int(keyOverruns, s.Overruns), slog.Duration(keyDuration, took))
}

func (r *relay) logEnd(err error) {
	if err != nil {
		r.config.log(level(err), "relay broke", errorAttrs(err)...)
	}
}

// level is worth an operator's attention where something failed.
func level(err error) slog.Level {
	switch {
	case err == nil:
		return slog.LevelDebug
	case errors.Is(err, errStalled), assessplan.KindOf(err) == assessplan.KindUnavailable:
		return slog.LevelWarn
	}
	return slog.LevelError
}

func errorAttrs(err error) []slog.Attr {
	if err == nil {
		return nil
	}
	attrs := []slog.Attr{slog.String(keyCode, codeOf(err)), slog.String(keyKind, string(assessplan.KindOf(err))), slog.String(keyError, err.Error())}
	var p *panicked
	if errors.As(err, &p) {
		attrs = append(attrs, slog.String(keyStack, string(p.stack)))
	}
	return attrs
}
