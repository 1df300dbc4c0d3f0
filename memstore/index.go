package memstore

import (
	"encoding/binary"
	"iter"
	"math"
	"slices"
)

// key is a place in an index: by an instant or the number of a group first, then by an ID.
type key struct {
	at     int64
	hi, lo uint64
}

func keyOf(at int64, id [16]byte) key {
	return key{at: at, hi: binary.BigEndian.Uint64(id[:8]), lo: binary.BigEndian.Uint64(id[8:])}
}

func (k key) before(other key) bool {
	if k.at != other.at {
		return k.at < other.at
	}
	if k.hi != other.hi {
		return k.hi < other.hi
	}
	return k.lo < other.lo
}

// lowest is before every key that is used.
var lowest = key{at: math.MinInt64}

// entry says which row stands at a key.
type entry struct {
	key
	row uint32
}

// index is a sorted list of entries, in chunks that hold no pointers. Finding costs a binary search, adding and removing
// the same and half a chunk to move; at either end of a chunk nothing moves, which is where passes remove and where new
// IDs come in. The zero value is empty.
type index struct {
	chunks []*chunk // none is empty
	size   int
}

const chunkSize = 512

// chunk holds entries[from:to]; room is left at both ends.
type chunk struct {
	from, to int
	entries  [chunkSize]entry
}

func (c *chunk) used() []entry { return c.entries[c.from:c.to] }

// seek returns the chunk and the place in it of the first entry that is not before k. The place may be the end of the
// chunk, never that of an empty index.
func (x *index) seek(k key) (c, p int) {
	low, high := 1, len(x.chunks) // the chunk is the last one whose first entry is not after k, or the first one
	for low < high {
		middle := int(uint(low+high) / 2)
		if first := x.chunks[middle]; k.before(first.entries[first.from].key) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	c = low - 1
	used := x.chunks[c].used()
	low, high = 0, len(used)
	for low < high {
		middle := int(uint(low+high) / 2)
		if used[middle].before(k) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return c, low
}

// seekNew is seek for a key that most often comes after all others.
func (x *index) seekNew(k key) (c, p int) {
	c = len(x.chunks) - 1
	if used := x.chunks[c].used(); len(used) > 0 && used[len(used)-1].before(k) {
		return c, len(used)
	}
	return x.seek(k)
}

// insert adds a row at a key where none stands.
func (x *index) insert(k key, row uint32) {
	x.size++
	if len(x.chunks) == 0 {
		x.chunks = append(x.chunks, &chunk{})
	}
	c, p := x.seekNew(k)
	if len(x.chunks[c].used()) == chunkSize {
		c, p = x.split(c, p)
	}
	x.chunks[c].insert(p, entry{key: k, row: row})
}

// split makes room at place p of a full chunk and returns where that place is now. It cuts at p where it can: keys come in
// rising order within their group, and a chunk that was cut in the middle would stay half empty.
func (x *index) split(c, p int) (int, int) {
	left, right := x.chunks[c], &chunk{}
	cut := max(p, chunkSize/2)
	right.to = copy(right.entries[:], left.entries[cut:])
	left.to = cut
	x.chunks = append(x.chunks, nil)
	copy(x.chunks[c+2:], x.chunks[c+1:])
	x.chunks[c+1] = right
	if p == chunkSize {
		return c + 1, 0
	}
	return c, p
}

func (c *chunk) insert(p int, e entry) {
	if c.to < chunkSize && (c.from == 0 || 2*p >= len(c.used())) {
		copy(c.entries[c.from+p+1:c.to+1], c.entries[c.from+p:c.to])
		c.to++
	} else {
		copy(c.entries[c.from-1:], c.entries[c.from:c.from+p])
		c.from--
	}
	c.entries[c.from+p] = e
}

func (c *chunk) remove(p int) {
	if 2*p >= len(c.used()) {
		copy(c.entries[c.from+p:], c.entries[c.from+p+1:c.to])
		c.to--
	} else {
		copy(c.entries[c.from+1:], c.entries[c.from:c.from+p])
		c.from++
	}
}

// remove takes out the row that stands at a key.
func (x *index) remove(k key) {
	if len(x.chunks) == 0 {
		return
	}
	c, p := x.seek(k)
	if used := x.chunks[c].used(); p == len(used) || used[p].key != k {
		return
	}
	x.size--
	x.chunks[c].remove(p)
	x.shrink(c)
}

// shrink drops a chunk that is empty, and joins two that have become small.
func (x *index) shrink(c int) {
	this := x.chunks[c]
	switch {
	case len(this.used()) == 0:
		x.dropChunk(c)
	case c+1 < len(x.chunks) && len(this.used())+len(x.chunks[c+1].used()) <= chunkSize/2:
		this.to = copy(this.entries[:], this.used())
		this.from = 0
		this.to += copy(this.entries[this.to:], x.chunks[c+1].used())
		x.dropChunk(c + 1)
	}
}

func (x *index) dropChunk(c int) {
	if c == 0 { // where passes remove: nothing moves
		x.chunks[0] = nil
		x.chunks = x.chunks[1:]
		return
	}
	copy(x.chunks[c:], x.chunks[c+1:])
	x.chunks[len(x.chunks)-1] = nil
	x.chunks = x.chunks[:len(x.chunks)-1]
}

// move is remove and insert where at has changed; an absent at is no place.
func (x *index) move(id [16]byte, row uint32, from, to int64) {
	if from == to {
		return
	}
	if from != absent {
		x.remove(keyOf(from, id))
	}
	if to != absent {
		x.insert(keyOf(to, id), row)
	}
}

// absent is the at of a row that does not stand in an index.
const absent = -1

// after yields the entries after k, in order. The index must not change meanwhile.
func (x *index) after(k key) iter.Seq[entry] {
	return func(yield func(entry) bool) {
		if len(x.chunks) == 0 {
			return
		}
		c, p := x.seek(k)
		for ; c < len(x.chunks); c, p = c+1, 0 {
			for _, e := range x.chunks[c].used()[p:] {
				if e.key != k && !yield(e) {
					return
				}
			}
		}
	}
}

// group yields the rows of one group in the order of their IDs, strictly after an ID.
func (x *index) group(number uint32, after [16]byte) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for e := range x.after(keyOf(int64(number), after)) {
			if e.at != int64(number) || !yield(e.row) {
				return
			}
		}
	}
}

// has reports whether a group has a row.
func (x *index) has(number uint32) bool {
	for range x.group(number, [16]byte{}) {
		return true
	}
	return false
}

// collect returns the rows of a group, for a loop that changes the index.
func (x *index) collect(number uint32) []uint32 { return slices.Collect(x.group(number, [16]byte{})) }
