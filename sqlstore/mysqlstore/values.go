package mysqlstore

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/assessplan/assessplan"
)

// row is what goes into the columns of one row, in the order of its statement: texts and ids as []byte, instants and dates
// as string, numbers as int64, NULL as nil. It says what does not fit the table before the server is asked, which would
// name neither the row nor, in some settings, the column.
type row struct {
	table  string
	key    fmt.Stringer
	values []any
	fault  error // the first
}

// The bounds of the constraints in the tables, in bytes.
const (
	mostReference = 128
	mostZone      = 64
	mostCode      = 64
	mostNote      = 500
	mostWindow    = 64
	mostStatus    = 16
	mostType      = 255
)

func (r *row) add(value any) { r.values = append(r.values, value) }

func (r *row) refuse(column, format string, args ...any) {
	if r.fault == nil {
		r.fault = fmt.Errorf("mysqlstore: %w: table %s, key %s: %s %s", assessplan.ErrInvalid, r.table, r.key, column, fmt.Sprintf(format, args...))
	}
}

func (r *row) number(n int64) { r.add(n) }

func (r *row) flag(set bool) {
	if set {
		r.add(int64(1))
		return
	}
	r.add(int64(0))
}

// text adds a text; empty is empty.
func (r *row) text(column, text string, most int) {
	if len(text) > most {
		r.refuse(column, "has %d bytes; want at most %d", len(text), most)
	}
	r.add([]byte(text))
}

// optional adds a text; empty is NULL.
func (r *row) optional(column, text string, most int) {
	if text == "" {
		r.add(nil)
		return
	}
	r.text(column, text, most)
}

// instant adds a time; zero is the first instant of the year 1.
func (r *row) instant(column string, t time.Time) {
	if t.Year() < 1 || t.Year() > 9999 {
		r.refuse(column, "is in the year %d; want 1 to 9999", t.Year())
	}
	r.add(stamp(t))
}

// moment adds a time; zero is NULL.
func (r *row) moment(column string, t time.Time) {
	if t.IsZero() {
		r.add(nil)
		return
	}
	r.instant(column, t)
}

// date adds a civil date.
func (r *row) date(column string, d assessplan.CivilDate) {
	if d.Year < 1 || d.Year > 9999 {
		r.refuse(column, "is in the year %d; want 1 to 9999", d.Year)
	}
	r.add(d.String())
}

// stamp writes an instant as the tables hold it, so that neither the driver nor the session has a time zone to bring in.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000000") }

// lastStamp is the last instant that can be stored.
const lastStamp = "9999-12-31 23:59:59.999999"

func key[ID ~[16]byte](id ID) any {
	if id == (ID{}) {
		return nil
	}
	return id[:]
}

func text[S ~string](s S) any {
	if s == "" {
		return nil
	}
	return []byte(s)
}

func moment(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return stamp(t)
}

// list makes the second argument of find_in_set, of texts in hexadecimal: NULL for none, which the queries read as any.
func list[S ~string](texts []S) any {
	if len(texts) == 0 {
		return nil
	}
	var b strings.Builder
	for i, text := range texts {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%X", string(text))
	}
	return b.String()
}

// appendRow appends values as an element of the argument of JSON_TABLE: an array, in which what a row holds as []byte is in
// hexadecimal, so that no character set has a say and nothing needs to be escaped.
func appendRow(b []byte, values []any) []byte {
	if len(b) == 0 {
		b = append(b, '[')
	} else {
		b[len(b)-1] = ',' // where the end of the array was
	}
	for i, value := range values {
		b = append(b, "[,"[min(i, 1)])
		switch v := value.(type) {
		case nil:
			b = append(b, "null"...)
		case int64:
			b = strconv.AppendInt(b, v, 10)
		case string:
			b = append(append(append(b, '"'), v...), '"')
		case []byte:
			b = append(hex.AppendEncode(append(b, '"'), v), '"')
		}
	}
	return append(b, "]]"...)
}
