package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// report is what --json writes: one object.
type report struct {
	Study   string `json:"study"`
	Testees int    `json:"testees"`
	From    string `json:"from"`
	Days    int    `json:"days"`
	Store   string `json:"store"`
	counts
	Events     int          `json:"events"`    // in the store's outbox; nothing relays them here
	Failed     int          `json:"failed"`    // failures that passes reported
	Passes     int          `json:"passes"`    // of this run
	Submitted  int          `json:"submitted"` // in this run
	Plans      []planCounts `json:"plans"`
	DurationMS int64        `json:"duration_ms"` // of this run, by the machine's clock
}

func (out *outcome) store() string {
	if out.options.sqlite == "" {
		return "memory"
	}
	return "sqlite:" + out.options.sqlite
}

func (out *outcome) writeJSON(w io.Writer, took time.Duration) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(report{
		Study: out.input.study.Name, Testees: len(out.input.testees), From: out.input.from.String(), Days: out.options.days,
		Store: out.store(), counts: out.total, Events: out.events, Failed: out.walk.Failed, Passes: out.walk.Passes,
		Submitted: out.walk.Submitted, Plans: out.plans, DurationMS: took.Milliseconds(),
	})
}

// writeText writes the report that people read. Only its last line differs from run to run.
func (out *outcome) writeText(w io.Writer, took time.Duration) error {
	p := &printer{w: w}
	out.printStory(p)
	p.err = firstError(p.err, out.writeTable(w))
	p.printf("late ones are among the completed, missed ones among the expired\n\n")
	out.printTimeline(p)
	out.printRecount(p)
	p.printf("\nTook %v.\n", took.Round(time.Millisecond))
	return p.err
}

func (out *outcome) printStory(p *printer) {
	p.printf("%s\n", out.input.study.Name)
	p.printf("%d testees in %d plans: %d rounds begun, %d were there already\n",
		len(out.input.testees), len(out.plans), out.first.New, out.first.Existing)
	p.printf("%d days from %s: %d passes, %d answers, %d failures\n",
		out.options.days, out.input.from, out.walk.Passes, out.walk.Submitted, out.walk.Failed)
	for _, line := range out.walk.Log {
		p.printf("  %s\n", line)
	}
	p.printf("%s imported again: %d rounds were there already, %d are new\n", out.input.testeesFile, out.again.Existing, out.again.New)
	p.printf("%d events wait in the outbox for a relay\n\n", out.events)
}

func (out *outcome) writeTable(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	p := &printer{w: table}
	p.printf("plan\tplanned\tpending\topened\tcompleted\tlate\tmissed\texpired\tcanceled\tadherence\t\n")
	for _, plan := range append(out.plans[:len(out.plans):len(out.plans)], planCounts{Ref: "all", counts: out.total}) {
		p.printf("%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t\n", plan.Ref, plan.Planned, plan.Pending, plan.Opened, plan.Completed,
			plan.Late, plan.Missed, plan.Expired, plan.Canceled, plan.adherence())
	}
	return firstError(p.err, table.Flush())
}

// printRecount says how to count the tasks without this program.
func (out *outcome) printRecount(p *printer) {
	if out.options.sqlite != "" {
		p.printf("\nCount them yourself, or run again with more --days to go on:\n  sqlite3 %s \"%s\"\n", out.options.sqlite, recountSQL)
	}
}

// printer keeps the first error of many writes.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	_, err := fmt.Fprintf(p.w, format, args...)
	p.err = firstError(p.err, err)
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
