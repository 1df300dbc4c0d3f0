package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/metrics"
	"time"
)

// heapOfPass looks at the heap while passes of different size run over a store that keeps nothing.
func heapOfPass(ctx context.Context, s settings, out *table) error {
	opening := &passes[0]
	for _, tasks := range []int{s.tasks / 10, s.tasks, s.tasks * 10} {
		b, err := opening.syntheticBed(ctx, tasks)
		if err != nil {
			return err
		}
		peak, err := peakHeap(func() error {
			_, err := opening.do(ctx, "heap", tasks, opening.library(b))
			return err
		})
		if err != nil {
			return err
		}
		out.add(line{what: fmt.Sprintf("a pass over %s due tasks", thousands(float64(tasks))),
			reached: fmt.Sprintf("%.1f MiB", float64(peak)/(1<<20)), beside: "over idle", figure: "flat, under 64 MiB"})
	}
	return nil
}

// peakHeap returns by how much the heap grew at most while something ran, garbage included.
func peakHeap(measured func() error) (uint64, error) {
	runtime.GC()
	idle := heap()
	done := make(chan error)
	go func() { done <- measured() }()
	peak := idle
	for ticker := time.NewTicker(time.Millisecond); ; {
		select {
		case err := <-done:
			ticker.Stop()
			return peak - idle, err
		case <-ticker.C:
			peak = max(peak, heap())
		}
	}
}

func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
