package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// table prints what was measured line by line, as it comes.
type table struct {
	out      io.Writer
	markdown bool
	measure  string
	notes    []string
}

// line is what was measured, what was measured beside it, and the figure that the first or the ratio should reach.
type line struct{ what, reached, beside, baseline, ratio, figure string }

func (t *table) title(text string) {
	_, _ = fmt.Fprintln(t.out, text)
	if t.markdown {
		_, _ = fmt.Fprint(t.out, "\n| measure | what | reached | baseline | | ratio | figure |\n| --- | --- | ---: | ---: | --- | ---: | --- |\n")
	}
}

// begin begins the lines of a measure.
func (t *table) begin(measure string) {
	t.measure = measure
	if !t.markdown {
		_, _ = fmt.Fprintf(t.out, "\n%s\n", measure)
	}
}

// note says something about the measure, beside the table.
func (t *table) note(text string) {
	if t.markdown {
		t.notes = append(t.notes, t.measure+": "+text)
		return
	}
	_, _ = fmt.Fprintln(t.out, "  "+text)
}

// end prints what was noted, where that is after the table.
func (t *table) end() {
	for _, note := range t.notes {
		_, _ = fmt.Fprintf(t.out, "\n%s\n", note)
	}
}

func (t *table) add(l line) {
	if t.markdown {
		_, _ = fmt.Fprintf(t.out, "| %s | %s |\n", t.measure, strings.Join([]string{l.what, l.reached, l.baseline, l.beside, l.ratio, l.figure}, " | "))
		return
	}
	_, _ = fmt.Fprintln(t.out, strings.TrimRight(fmt.Sprintf("  %-42s %22s %22s  %-26s %12s  %s", l.what, l.reached, l.baseline, l.beside, l.ratio, l.figure), " "))
}

func rate(n int, took time.Duration, unit string) string {
	return thousands(float64(n)/took.Seconds()) + " " + unit + "/s"
}

// thousands writes a number to four digits, with commas.
func thousands(x float64) string {
	unit := 1
	for n := int(x); n >= 10_000; n /= 10 {
		unit *= 10
	}
	digits := fmt.Sprint((int(x) + unit/2) / unit * unit)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// ratio is how much of a baseline's speed is reached.
func ratio(baseline, took time.Duration) string {
	return fmt.Sprintf("%.2f", float64(baseline)/float64(took))
}

// times is how often as long as a baseline something took.
func times(took, baseline time.Duration) string {
	return fmt.Sprintf("%.1f times", float64(took)/float64(baseline))
}

func median(values []time.Duration) time.Duration { return quantile(values, 50) }

// quantile returns the smallest value that so many per cent of the values do not exceed.
func quantile(values []time.Duration, percent int) time.Duration {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)*percent/100, len(sorted)-1)]
}
