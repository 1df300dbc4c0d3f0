package main

import (
	"context"
	"fmt"
)

// allocations counts what each kind of work allocates for one record in memstore, and beside it what the library does over a
// store that keeps nothing, or the port without the library.
func allocations(ctx context.Context, s settings, out *table) error {
	works := append(passes[:len(passes):len(passes)], enrolling, *relaying(100))
	for i := range works {
		w := &works[i]
		whole, err := w.inMemoryOnce(ctx, s.tasks)
		if err != nil {
			return err
		}
		beside, err := w.beside(ctx, s.tasks)
		if err != nil {
			return err
		}
		n, own := s.tasks/w.tasks, float64(beside.bytes)/float64(whole.bytes)
		if w.bare != nil {
			own = 1 - own
		}
		out.add(line{what: w.name + ", per " + w.unit[:len(w.unit)-1], reached: whole.each(n), beside: w.besideName(), baseline: beside.each(n),
			ratio: fmt.Sprintf("%.2f", own)})
	}
	return nil
}

// each is what one of n records costs in memory.
func (c cost) each(n int) string {
	return fmt.Sprintf("%s B, %.1f objects", thousands(float64(c.bytes)/float64(n)), float64(c.objects)/float64(n))
}
