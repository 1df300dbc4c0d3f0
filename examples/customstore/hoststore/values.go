package hoststore

import (
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/assessplan/assessplan"
)

// The types of columns that GORM does not know by itself. What the library could not have stored is read as a value that it
// refuses, so that one damaged row is one failure and not that of its page.
type (
	uid      [16]byte             // BINARY(16); zero is NULL
	hash     assessplan.TokenHash // BINARY(32); zero is NULL
	optional string               // VARBINARY; empty is NULL, so that a unique key takes many
	moment   time.Time            // DATETIME(6) in UTC
	instant  time.Time            // the same; zero is NULL
	date     assessplan.CivilDate // DATE
)

// Value implements [driver.Valuer].
func (u uid) Value() (driver.Value, error) { return bytesOrNull(u[:], u == uid{}), nil }

// Scan implements [database/sql.Scanner].
func (u *uid) Scan(value any) error { *u = uid{}; return scanBytes(u[:], value) }

// Value implements [driver.Valuer].
func (h hash) Value() (driver.Value, error) { return bytesOrNull(h[:], h == hash{}), nil }

// Scan implements [database/sql.Scanner].
func (h *hash) Scan(value any) error { *h = hash{}; return scanBytes(h[:], value) }

func bytesOrNull(b []byte, null bool) driver.Value {
	if null {
		return nil
	}
	return b
}

func scanBytes(into []byte, value any) error {
	if b, ok := value.([]byte); ok && len(b) == len(into) {
		copy(into, b)
	}
	return nil
}

// Value implements [driver.Valuer].
func (o optional) Value() (driver.Value, error) {
	if o == "" {
		return nil, nil
	}
	return string(o), nil
}

// Value writes the text itself: the driver writes the zero time as 0000-00-00, and any other in the zone of the DSN.
func (m moment) Value() (driver.Value, error) {
	return time.Time(m).UTC().Format("2006-01-02 15:04:05.000000"), nil
}

// Scan implements [database/sql.Scanner].
func (m *moment) Scan(value any) error { return (*instant)(m).Scan(value) }

// Value implements [driver.Valuer].
func (i instant) Value() (driver.Value, error) {
	if time.Time(i).IsZero() {
		return nil, nil
	}
	return moment(i).Value()
}

// Scan implements [database/sql.Scanner].
func (i *instant) Scan(value any) error {
	t, ok := value.(time.Time)
	if !ok && value != nil {
		return fmt.Errorf("a time is read as a %T; want parseTime=true in the DSN", value)
	}
	*i = instant{}
	if !t.IsZero() {
		*i = instant(t.UTC())
	}
	return nil
}

// Value implements [driver.Valuer].
func (d date) Value() (driver.Value, error) { return assessplan.CivilDate(d).String(), nil }

// Scan implements [database/sql.Scanner].
func (d *date) Scan(value any) error {
	*d = date{}
	if t, ok := value.(time.Time); ok {
		*d = date(assessplan.DateOf(t, t.Location()))
	}
	return nil
}
