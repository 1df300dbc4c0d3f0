package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progress shows how far the walk has come: a bar that is redrawn where there is a terminal, a line each quarter where there
// is none. A nil progress shows nothing.
type progress struct {
	out        io.Writer
	terminal   bool
	begin, end time.Time
	shown      int // percent; -1 is nothing yet
}

func newProgress(out io.Writer, begin, end time.Time) *progress {
	return &progress{out: out, terminal: isTerminal(out), begin: begin, end: end, shown: -1}
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// reach shows that the simulated clock has come to an instant.
func (p *progress) reach(now time.Time) {
	if p == nil {
		return
	}
	percent := int(100 * now.Sub(p.begin) / p.end.Sub(p.begin))
	if percent == p.shown {
		return
	}
	if p.terminal {
		p.redraw(percent, now)
	} else if percent/25 > max(p.shown, 0)/25 {
		_, _ = fmt.Fprintf(p.out, "%d%%: the simulated clock is at %s\n", percent/25*25, now.Format(time.DateOnly))
	}
	p.shown = percent
}

const barWidth = 40

func (p *progress) redraw(percent int, now time.Time) {
	full := percent * barWidth / 100
	bar := strings.Repeat("#", full) + strings.Repeat("-", barWidth-full)
	_, _ = fmt.Fprintf(p.out, "\r[%s] %3d%%  %s", bar, percent, now.Format(time.DateOnly))
}

// clear takes the bar away.
func (p *progress) clear() {
	if p != nil && p.terminal {
		_, _ = fmt.Fprintf(p.out, "\r%s\r", strings.Repeat(" ", barWidth+len("[] 100%  2006-01-02")))
	}
}
