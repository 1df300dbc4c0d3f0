package memstore

// rows keeps records of one kind by number, in chunks, so that a row never moves and growing copies nothing. It keeps the
// journal of the running transaction: the rows as they were before it.
type rows[R any] struct {
	chunks []*[rowsPerChunk]R
	count  uint32
	stable uint32 // how many rows there were before the running transaction
	before []savedRow[R]
}

type savedRow[R any] struct {
	number uint32
	row    R
}

const (
	rowsPerChunk = 256
	// keptJournal is the longest journal whose memory is kept for the next transaction: the largest page of a pass.
	keptJournal = 5000
)

func (r *rows[R]) at(n uint32) *R { return &r.chunks[n/rowsPerChunk][n%rowsPerChunk] }

// add appends a row and returns its number.
func (r *rows[R]) add(row *R) uint32 {
	n := r.count
	if n/rowsPerChunk == uint32(len(r.chunks)) {
		r.chunks = append(r.chunks, new([rowsPerChunk]R))
	}
	r.count++
	*r.at(n) = *row
	return n
}

// save notes a row in the journal; it comes before every change.
func (r *rows[R]) save(n uint32) {
	if n < r.stable { // a row that this transaction added is dropped as a whole
		r.before = append(r.before, savedRow[R]{number: n, row: *r.at(n)})
	}
}

func (r *rows[R]) commit() {
	r.stable = r.count
	r.before = emptied(r.before)
}

// rollback takes back what the transaction added and changed: drop takes a row out of the indexes, restore puts a row as it
// was. New rows go first, because an old one may have given up to a new one what no two rows share; then the latest change.
func (r *rows[R]) rollback(drop func(n uint32), restore func(n uint32, before *R)) {
	var zero R
	for r.count > r.stable {
		r.count--
		drop(r.count)
		*r.at(r.count) = zero
	}
	for i := len(r.before) - 1; i >= 0; i-- {
		restore(r.before[i].number, &r.before[i].row)
	}
	r.before = emptied(r.before)
}

// emptied returns a journal without entries, and with its memory if that is not much.
func emptied[E any](journal []E) []E {
	if cap(journal) > keptJournal {
		return nil
	}
	clear(journal) // an entry may hold words about a person
	return journal[:0]
}
