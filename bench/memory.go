package main

import (
	"context"
	"runtime"
	"time"

	"github.com/assessplan/assessplan/memstore"
)

// passesInMemory runs every pass on one core, in memstore and, for what the library alone costs, in a store that keeps
// nothing.
func passesInMemory(ctx context.Context, s settings, out *table) error {
	for i := range passes {
		if err := passes[i].inMemoryBeside(ctx, s, out, passes[i].name); err != nil {
			return err
		}
	}
	return nil
}

// inMemoryBeside does the work in memstore, and beside it what it is compared with.
func (w *work) inMemoryBeside(ctx context.Context, s settings, out *table, what string) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var took, beside []time.Duration
	for range s.rounds {
		whole, err := w.inMemoryOnce(ctx, s.tasks)
		if err != nil {
			return err
		}
		baseline, err := w.beside(ctx, s.tasks)
		if err != nil {
			return err
		}
		took, beside = append(took, whole.took), append(beside, baseline.took)
	}
	n := s.tasks / w.tasks
	out.add(line{what: what, reached: rate(n, median(took), w.unit), beside: w.besideName(),
		baseline: rate(n, median(beside), w.unit), ratio: ratio(median(beside), median(took)), figure: w.inMemory})
	return nil
}

func (w *work) inMemoryOnce(ctx context.Context, tasks int) (cost, error) {
	b, err := newBed(memstore.New(), w.config)
	if err != nil {
		return cost{}, err
	}
	if err := w.stage(ctx, b, tasks); err != nil {
		return cost{}, err
	}
	return w.do(ctx, "memstore", tasks, w.library(b))
}

func (w *work) besideName() string {
	if w.bare != nil {
		return "the bare port"
	}
	return "a store that keeps nothing"
}

// beside measures what the work is compared with in memory: the port without the library, or the library without a store.
func (w *work) beside(ctx context.Context, tasks int) (cost, error) {
	if w.bare == nil {
		b, err := w.syntheticBed(ctx, tasks)
		if err != nil {
			return cost{}, err
		}
		return w.do(ctx, "a store that keeps nothing", tasks, w.library(b))
	}
	b, err := newBed(memstore.New(), w.config)
	if err != nil {
		return cost{}, err
	}
	if err := w.stage(ctx, b, tasks); err != nil {
		return cost{}, err
	}
	return w.do(ctx, "the bare port", tasks, func(ctx context.Context) (int, error) { return w.bare(ctx, b) })
}
