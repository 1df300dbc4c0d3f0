package memstore

// interner gives names small numbers, so that rows need not point to them. The zero name is number 0. Numbers are not used
// again while the process lives, but for those that a failed transaction gave out.
type interner[K comparable] struct {
	names   []K
	numbers map[K]uint32
	stable  int // how many names there were before the running transaction
}

// newInterner knows the zero name and those given, in this order.
func newInterner[K comparable](known ...K) interner[K] {
	in := interner[K]{names: make([]K, 1, 1+len(known)), numbers: map[K]uint32{}}
	for _, name := range known {
		in.number(name)
	}
	in.commit()
	return in
}

// find returns the number of a name that is known.
func (in *interner[K]) find(name K) (n uint32, known bool) {
	if name == in.names[0] {
		return 0, true
	}
	n, known = in.numbers[name]
	return n, known
}

// number returns the number of a name, a new one if need be.
func (in *interner[K]) number(name K) uint32 {
	n, known := in.find(name)
	if !known {
		n = uint32(len(in.names))
		in.names = append(in.names, name)
		in.numbers[name] = n
	}
	return n
}

func (in *interner[K]) name(n uint32) K { return in.names[n] }

// forget removes a name that no row has any more.
func (in *interner[K]) forget(n uint32) {
	delete(in.numbers, in.names[n])
	in.names[n] = in.names[0]
}

func (in *interner[K]) commit() { in.stable = len(in.names) }

func (in *interner[K]) rollback() {
	for _, name := range in.names[in.stable:] {
		delete(in.numbers, name)
	}
	clear(in.names[in.stable:])
	in.names = in.names[:in.stable]
}
