package pgstore

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/assessplan/assessplan"
)

// The types of columns. A pointer to a field of a state, converted to one of them, such as (*textColumn)(&state.Org), is both
// where a column is read into and what is written into it, alone or as an element of an array: the columns of a record are
// listed once, and neither way copies or allocates. A value that the library could not have stored is read as one that it
// refuses: the row is then reported as corrupt, and only that row.
type (
	idColumn       [16]byte
	hashColumn     assessplan.TokenHash
	textColumn     string
	intColumn      int
	versionColumn  int64
	boolColumn     bool
	instantColumn  time.Time // the zero time is NULL
	sinceColumn    time.Time // the zero time is itself, the first instant of the year 1
	dateColumn     assessplan.CivilDate
	windowColumn   assessplan.Window
	scheduleColumn assessplan.Schedule
)

// ScanUUID reads NULL as the zero ID.
func (c *idColumn) ScanUUID(v pgtype.UUID) error {
	*c = v.Bytes
	return nil
}

// UUIDValue writes the zero ID as NULL.
func (c *idColumn) UUIDValue() (pgtype.UUID, error) {
	return pgtype.UUID{Bytes: *c, Valid: *c != idColumn{}}, nil
}

// ScanBytes reads anything but 32 bytes as no hash.
func (c *hashColumn) ScanBytes(v []byte) error {
	*c = hashColumn{}
	if len(v) == len(c) {
		copy(c[:], v)
	}
	return nil
}

// BytesValue writes no hash as NULL.
func (c *hashColumn) BytesValue() ([]byte, error) {
	if *c == (hashColumn{}) {
		return nil, nil
	}
	return c[:], nil
}

// ScanBytes reads NULL as the empty text. Most texts are those of the row before, and are not made again.
func (c *textColumn) ScanBytes(v []byte) error {
	if string(*c) != string(v) {
		*c = textColumn(v)
	}
	return nil
}

// TextValue writes the empty text as NULL.
func (c *textColumn) TextValue() (pgtype.Text, error) {
	return pgtype.Text{String: string(*c), Valid: *c != ""}, nil
}

// ScanInt64 reads NULL as 0.
func (c *intColumn) ScanInt64(v pgtype.Int8) error {
	*c = intColumn(v.Int64)
	return nil
}

// Int64Value refuses what no column of numbers can hold.
func (c *intColumn) Int64Value() (pgtype.Int8, error) {
	if n := int64(*c); n < math.MinInt32 || n > math.MaxInt32 {
		return pgtype.Int8{}, valueError(fmt.Sprintf("a number is %d; want one from %d to %d", n, math.MinInt32, math.MaxInt32))
	}
	return pgtype.Int8{Int64: int64(*c), Valid: true}, nil
}

// ScanInt64 reads NULL as 0.
func (c *versionColumn) ScanInt64(v pgtype.Int8) error {
	*c = versionColumn(v.Int64)
	return nil
}

// Int64Value writes the number.
func (c *versionColumn) Int64Value() (pgtype.Int8, error) {
	return pgtype.Int8{Int64: int64(*c), Valid: true}, nil
}

// ScanBool reads NULL as false.
func (c *boolColumn) ScanBool(v pgtype.Bool) error {
	*c = boolColumn(v.Bool)
	return nil
}

// BoolValue writes the truth.
func (c *boolColumn) BoolValue() (pgtype.Bool, error) {
	return pgtype.Bool{Bool: bool(*c), Valid: true}, nil
}

// ScanTimestamptz reads NULL as the zero time, and infinity as an instant that no state can have.
func (c *instantColumn) ScanTimestamptz(v pgtype.Timestamptz) error {
	switch {
	case !v.Valid:
		*c = instantColumn{}
	case v.InfinityModifier != pgtype.Finite:
		*c = instantColumn(endOfTime)
	default:
		*c = instantColumn(v.Time.UTC())
	}
	return nil
}

// TimestamptzValue writes the zero time as NULL.
func (c *instantColumn) TimestamptzValue() (pgtype.Timestamptz, error) {
	if time.Time(*c).IsZero() {
		return pgtype.Timestamptz{}, nil
	}
	return (*sinceColumn)(c).TimestamptzValue()
}

// ScanTimestamptz reads NULL as the zero time, and infinity as an instant that no state can have.
func (c *sinceColumn) ScanTimestamptz(v pgtype.Timestamptz) error {
	return (*instantColumn)(c).ScanTimestamptz(v)
}

// TimestamptzValue refuses what no instant of a state can be.
func (c *sinceColumn) TimestamptzValue() (pgtype.Timestamptz, error) {
	at := time.Time(*c)
	if year := at.UTC().Year(); year < 1 || year > 9999 {
		return pgtype.Timestamptz{}, valueError(fmt.Sprintf("an instant is of the year %d; want one of the years 1 to 9999", year))
	}
	return pgtype.Timestamptz{Time: at, Valid: true}, nil
}

// ScanDate reads NULL and infinity as the zero date.
func (c *dateColumn) ScanDate(v pgtype.Date) error {
	*c = dateColumn{}
	if v.Valid && v.InfinityModifier == pgtype.Finite {
		year, month, day := v.Time.Date()
		*c = dateColumn{Year: year, Month: int(month), Day: day}
	}
	return nil
}

// DateValue refuses what no calendar has.
func (c *dateColumn) DateValue() (pgtype.Date, error) {
	at := time.Date(c.Year, time.Month(c.Month), c.Day, 0, 0, 0, 0, time.UTC)
	if year, month, day := at.Date(); c.Year < 1 || c.Year > 9999 || year != c.Year || int(month) != c.Month || day != c.Day {
		return pgtype.Date{}, valueError(fmt.Sprintf("a date is %v; want one that the calendar has, of the years 1 to 9999", assessplan.CivilDate(*c)))
	}
	return pgtype.Date{Time: at, Valid: true}, nil
}

// ScanBytes reads what Window.String wrote. Anything else is a window that no plan can have.
func (c *windowColumn) ScanBytes(v []byte) error {
	*c = windowColumn{}
	if len(v) == 0 {
		return nil
	}
	read, err := assessplan.ParseWindow(string(v))
	if err != nil {
		read = assessplan.Window{Days: -1}
	}
	*c = windowColumn(read)
	return nil
}

// TextValue writes no window as NULL.
func (c *windowColumn) TextValue() (pgtype.Text, error) {
	text := assessplan.Window(*c).String()
	return pgtype.Text{String: text, Valid: text != ""}, nil
}

// ScanBytes reads a schedule's JSON. Where that is damaged the schedule is as far as it could be read, or zero: no plan can
// have either, so that the library refuses the plan and not this method the page that it stands on.
func (c *scheduleColumn) ScanBytes(v []byte) error {
	read := assessplan.Schedule{}
	_ = json.Unmarshal(v, &read)
	*c = scheduleColumn(read)
	return nil
}

// TextValue writes the schedule's JSON.
func (c *scheduleColumn) TextValue() (pgtype.Text, error) {
	text, err := json.Marshal(assessplan.Schedule(*c))
	return pgtype.Text{String: string(text), Valid: true}, err
}

// key is an ID, the zero ID too.
func key[ID ~[16]byte](id ID) any { return pgtype.UUID{Bytes: id, Valid: true} }

// optional is a text of which none is NULL, which the queries read as any.
func optional[S ~string](s S) any {
	text := textColumn(s)
	return &text
}

// optionalID is the same for an ID.
func optionalID[ID ~[16]byte](id ID) any {
	column := idColumn(id)
	return &column
}

// optionalInstant is the same for an instant.
func optionalInstant(at time.Time) any { return (*instantColumn)(&at) }

// anyOf is a list of which none is NULL, which the queries read as any.
func anyOf[S ~string](values []S) any {
	if len(values) == 0 {
		return []string(nil)
	}
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = string(value)
	}
	return texts
}

// array is one column of many records, as an argument of unnest; there is at least one record.
type array[R any] struct {
	of    []R
	field func(R) any // as the type of the column
}

// Dimensions says how many records there are.
func (a array[R]) Dimensions() []pgtype.ArrayDimension {
	return []pgtype.ArrayDimension{{Length: int32(len(a.of)), LowerBound: 1}} //nolint:gosec // a save has thousands of records
}

// Index is the field of a record.
func (a array[R]) Index(i int) any { return a.field(a.of[i]) }

// IndexType is a field of the type that Index returns.
func (a array[R]) IndexType() any { return a.field(a.of[0]) }

// columns turns the fields of records, of which there is at least one, into the arguments of unnest.
func columns(rows [][]any) []any {
	arguments := make([]any, len(rows[0]))
	for i := range arguments {
		arguments[i] = array[[]any]{rows, func(row []any) any { return row[i] }}
	}
	return arguments
}
