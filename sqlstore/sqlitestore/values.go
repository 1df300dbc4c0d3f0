package sqlitestore

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/assessplan/assessplan"
)

// What goes into a column: nil is NULL.

func instant(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

func text[S ~string](s S) any {
	if s == "" {
		return nil
	}
	return string(s)
}

func key[ID ~[16]byte](id ID) any {
	if id == (ID{}) {
		return nil
	}
	return id[:]
}

func window(w assessplan.Window) any { return text(w.String()) }

// list makes the argument of json_each: NULL for none, which the queries read as any.
func list[S ~string](values []S) any {
	if len(values) == 0 {
		return nil
	}
	b, _ := json.Marshal(values) // strings always marshal
	return string(b)
}

// What comes out of a column. The types scan into a field of a state through a conversion of its pointer, such as
// (*textColumn)(&state.Org), which costs no copy and, unlike sql.NullString and its kin, no reflection. A value that the
// library could not have stored becomes one that it refuses: the row is then reported as corrupt, and only that row.

type (
	idColumn       [16]byte
	hashColumn     assessplan.TokenHash
	textColumn     string
	intColumn      int
	versionColumn  int64
	boolColumn     bool
	instantColumn  time.Time
	dateColumn     assessplan.CivilDate
	windowColumn   assessplan.Window
	scheduleColumn assessplan.Schedule
)

// Scan takes a key of 16 bytes; any other is the zero ID.
func (c *idColumn) Scan(value any) error {
	*c = idColumn{}
	if b, ok := value.([]byte); ok && len(b) == len(c) {
		copy(c[:], b)
	}
	return nil
}

// Scan takes a hash of 32 bytes; any other is the zero hash.
func (c *hashColumn) Scan(value any) error {
	*c = hashColumn{}
	if b, ok := value.([]byte); ok && len(b) == len(c) {
		copy(c[:], b)
	}
	return nil
}

// Scan takes a text; NULL is empty.
func (c *textColumn) Scan(value any) error {
	s, ok := value.(string)
	*c = textColumn(s)
	return mismatch(value, ok)
}

// Scan takes an integer; NULL is 0.
func (c *intColumn) Scan(value any) error {
	n, ok := value.(int64)
	*c = intColumn(n)
	return mismatch(value, ok)
}

// Scan takes an integer; NULL is 0.
func (c *versionColumn) Scan(value any) error {
	n, ok := value.(int64)
	*c = versionColumn(n)
	return mismatch(value, ok)
}

// Scan takes 0 or 1; NULL is 0.
func (c *boolColumn) Scan(value any) error {
	n, ok := value.(int64)
	*c = n != 0
	return mismatch(value, ok)
}

// Scan takes microseconds; NULL is the zero time.
func (c *instantColumn) Scan(value any) error {
	*c = instantColumn{}
	n, ok := value.(int64)
	if ok {
		*c = instantColumn(time.UnixMicro(n).UTC())
	}
	return mismatch(value, ok)
}

// Scan takes 2026-03-31. What is not written so is no date; whether the calendar has the day is not asked here.
func (c *dateColumn) Scan(value any) error {
	s, ok := value.(string)
	*c = dateColumn{}
	if len(s) == len(time.DateOnly) && s[4] == '-' && s[7] == '-' {
		*c = dateColumn{Year: number(s[:4]), Month: number(s[5:7]), Day: number(s[8:])}
	}
	return mismatch(value, ok)
}

// number reads digits; anything else is -1, a part of no date.
func number(s string) (n int) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return -1
		}
		n = 10*n + int(s[i]-'0')
	}
	return n
}

// Scan takes what Window.String wrote. Anything else is a window that no plan can have.
func (c *windowColumn) Scan(value any) error {
	s, ok := value.(string)
	*c = windowColumn{}
	if s != "" {
		read, err := assessplan.ParseWindow(s)
		if err != nil {
			read = assessplan.Window{Days: -1}
		}
		*c = windowColumn(read)
	}
	return mismatch(value, ok)
}

// Scan takes a schedule's JSON. Where that is damaged the schedule is as far as it could be read, or zero: no plan can
// have either, so that the library refuses the plan and not this method the page that it stands on.
func (c *scheduleColumn) Scan(value any) error {
	s, ok := value.(string)
	read := assessplan.Schedule{}
	_ = json.Unmarshal([]byte(s), &read)
	*c = scheduleColumn(read)
	return mismatch(value, ok)
}

// mismatch refuses a value of a type that a STRICT table cannot hold.
func mismatch(value any, ok bool) error {
	if ok || value == nil {
		return nil
	}
	return fmt.Errorf("a column holds a %T, which its table does not allow", value)
}
