package alerts

import "time"

// tryWindow is how long tries are counted together.
const tryWindow = time.Hour

// tries counts how often tasks could be opened, until there are enough to judge.
type tries struct {
	least int
	ratio float64

	since         time.Time // when counting began
	failed, total int       // since then
	run           string    // the last that failed some

	verdict *verdict // nil: too few failed when it was last judged
}

type verdict struct {
	failed, total int
	run           string
}

func (t *tries) add(now time.Time, failed, total int, run string) {
	if t.ratio == off || total == 0 {
		return
	}
	t.expire(now)
	if t.total == 0 && t.verdict == nil {
		t.since = now
	}
	if failed > 0 {
		t.run = run
	}
	t.failed, t.total = t.failed+failed, t.total+total
	if t.total >= t.least {
		t.judge(now, t.isBad())
	}
}

// expire begins to count anew when the window is over. What is then too little to raise an alert is enough to end one.
func (t *tries) expire(now time.Time) {
	if now.Sub(t.since) >= tryWindow {
		t.judge(now, t.verdict != nil && t.isBad())
	}
}

func (t *tries) isBad() bool { return t.total > 0 && share(t.failed, t.total) >= t.ratio }

func share(part, whole int) float64 { return float64(part) / float64(whole) }

func (t *tries) judge(now time.Time, bad bool) {
	t.verdict = nil
	if bad {
		t.verdict = &verdict{failed: t.failed, total: t.total, run: t.run}
	}
	t.since, t.failed, t.total = now, 0, 0
}
