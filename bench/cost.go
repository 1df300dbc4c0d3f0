package main

import (
	"context"
	"runtime"
	"runtime/pprof"
	"time"
)

// cost is what something took, and what it allocated.
type cost struct {
	took           time.Duration
	bytes, objects uint64
}

// costOf runs what is to be measured after the garbage of what came before is gone. Its samples in a CPU profile have the
// label.
func costOf(ctx context.Context, label string, measured func(ctx context.Context) error) (c cost, err error) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	pprof.Do(ctx, pprof.Labels("measured", label), func(ctx context.Context) {
		start := time.Now()
		err = measured(ctx)
		c.took = time.Since(start)
	})
	runtime.ReadMemStats(&after)
	c.bytes, c.objects = after.TotalAlloc-before.TotalAlloc, after.Mallocs-before.Mallocs
	return c, err
}
