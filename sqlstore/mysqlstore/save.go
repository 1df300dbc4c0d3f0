package mysqlstore

import (
	"context"
	"strings"
)

// mostRows is how many rows one statement writes, which keeps its argument within a MiB or two.
const mostRows = 1000

// insertion is an INSERT of several rows by the number of rows: a few sizes, of which any number is made up, so that the
// texts are constant and prepared once.
type insertion map[int]string

var insertSizes = []int{100, 10, 1} // descending

// insertionOf makes an insertion of the text before VALUES and the placeholders of a row.
func insertionOf(into, row string) insertion {
	texts := insertion{}
	for _, size := range insertSizes {
		texts[size] = into + " VALUES " + row + strings.Repeat(", "+row, size-1)
	}
	return texts
}

func (i insertion) texts() (all []string) {
	for _, size := range insertSizes {
		all = append(all, i[size])
	}
	return all
}

// insert stores rows; index is that in which one of them stands already. bytes is the size of a row's largest value.
func (t *transaction) insert(ctx context.Context, doing string, into insertion, rows [][]any, bytes func(row []any) int) (index string, err error) {
	const mostBytes = 1 << 20 // of one statement, if it has more than one row
	args := make([]any, 0, min(len(rows), insertSizes[0])*len(rows[0]))
	for len(rows) > 0 && index == "" && err == nil {
		size := 1
		for _, size = range insertSizes {
			if size <= len(rows) && (size == 1 || total(rows[:size], bytes) <= mostBytes) {
				break
			}
		}
		args = args[:0]
		for _, row := range rows[:size] {
			args = append(args, row...)
		}
		_, index, err = t.execUnique(ctx, doing, into[size], args...)
		rows = rows[size:]
	}
	return index, err
}

func total(rows [][]any, bytes func(row []any) int) (sum int) {
	if bytes == nil {
		return 0
	}
	for _, row := range rows {
		sum += bytes(row)
	}
	return sum
}

// update stores rows by a statement that takes them as the argument of JSON_TABLE, before its others. It returns how many were stored, and the
// index in which one of them would stand twice.
func (t *transaction) update(ctx context.Context, doing, query string, rows [][]any, others ...any) (stored int, index string, err error) {
	for len(rows) > 0 && index == "" && err == nil {
		some := rows[:min(len(rows), mostRows)]
		changed := 0
		changed, index, err = t.execUnique(ctx, doing, query, append([]any{argument(some)}, others...)...)
		stored += changed
		rows = rows[len(some):]
	}
	return stored, index, err
}

// argument makes the argument of JSON_TABLE.
func argument(rows [][]any) string {
	var b []byte
	for _, row := range rows {
		b = appendRow(b, row)
	}
	return string(b)
}
