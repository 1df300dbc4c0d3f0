package mysqlstore

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/assessplan/assessplan"
)

// at begins the expression that reads an instant: microseconds since 1970, which no setting of the driver (parseTime, loc)
// or the session (time_zone) can shift.
const at = `timestampdiff(MICROSECOND, TIMESTAMP'1970-01-01 00:00:00', `

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
	text, err := readText(value)
	*c = textColumn(text)
	return err
}

// Scan takes an integer; NULL is 0.
func (c *intColumn) Scan(value any) error {
	n, err := readInt(value)
	*c = intColumn(n)
	return err
}

// Scan takes an integer; NULL is 0.
func (c *versionColumn) Scan(value any) error {
	n, err := readInt(value)
	*c = versionColumn(n)
	return err
}

// Scan takes 0 or 1; NULL is 0.
func (c *boolColumn) Scan(value any) error {
	n, err := readInt(value)
	*c = n != 0
	return err
}

// Scan takes microseconds; NULL is the zero time.
func (c *instantColumn) Scan(value any) error {
	*c = instantColumn{}
	n, err := readInt(value)
	if value != nil && err == nil {
		*c = instantColumn(time.UnixMicro(n).UTC())
	}
	return err
}

// Scan takes 2026-03-31. What is not written so is no date; whether the calendar has the day is not asked here.
func (c *dateColumn) Scan(value any) error {
	s, err := readText(value)
	*c = dateColumn{}
	if len(s) == len(time.DateOnly) && s[4] == '-' && s[7] == '-' {
		*c = dateColumn{Year: digits(s[:4]), Month: digits(s[5:7]), Day: digits(s[8:])}
	}
	return err
}

// digits reads a number; anything else is -1, a part of no date.
func digits(s string) (n int) {
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
	s, err := readText(value)
	*c = windowColumn{}
	if s != "" {
		read, err := assessplan.ParseWindow(s)
		if err != nil {
			read = assessplan.Window{Days: -1}
		}
		*c = windowColumn(read)
	}
	return err
}

// Scan takes a schedule's JSON. Where that is damaged the schedule is as far as it could be read, or zero: no plan can
// have either, so that the library refuses the plan and not this method the page that it stands on.
func (c *scheduleColumn) Scan(value any) error {
	s, err := readText(value)
	read := assessplan.Schedule{}
	_ = json.Unmarshal([]byte(s), &read)
	*c = scheduleColumn(read)
	return err
}

func readText(value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "", nil
	case []byte:
		return string(v), nil
	case string:
		return v, nil
	}
	return "", fmt.Errorf("a column holds a %T, where its table has a text", value)
}

// readInt takes the digits too: a transaction of the host's may have the server send them.
func readInt(value any) (int64, error) {
	switch v := value.(type) {
	case nil:
		return 0, nil
	case int64:
		return v, nil
	case []byte:
		if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("a column holds a %T, where its table has a number", value)
}
