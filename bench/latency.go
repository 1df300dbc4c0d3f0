package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// pageLatency sets the pages of a pass in a large database beside those in a smaller one, turn by turn.
func pageLatency(ctx context.Context, r *race) error {
	sizes := []int{max(r.pending/10, r.due), r.pending}
	if r.most > r.pending {
		sizes = append(sizes, r.most)
	}
	dbs := make([]database, len(sizes))
	for i, size := range sizes {
		if size == r.pending {
			dbs[i] = r.db
			continue
		}
		db, err := r.server.filled(ctx, r.settings, size)
		if err != nil {
			return err
		}
		defer db.close(ctx)
		dbs[i] = db
	}
	pages := make([][]time.Duration, len(sizes))
	for range r.rounds {
		for _, i := range rand.Perm(len(sizes)) {
			if err := dbs[i].reset(ctx); err != nil {
				return err
			}
			l := &lap{workers: 1, page: usualPage, now: morning}
			library := openByLibrary(dbs[i].store())
			if _, err := library.run(ctx, r.server.name, l, r.due); err != nil {
				return err
			}
			pages[i] = append(pages[i], l.pages...)
		}
	}
	r.showLatency(sizes, pages)
	return nil
}

func (r *race) showLatency(sizes []int, pages [][]time.Duration) {
	for i, size := range sizes[1:] {
		for _, percent := range []int{50, 95} {
			few, many := quantile(pages[0], percent), quantile(pages[i+1], percent)
			l := line{what: fmt.Sprintf("page of %d, %s pending: p%d", usualPage, thousands(float64(size)), percent), reached: short(many),
				beside: thousands(float64(sizes[0])) + " pending", baseline: short(few), ratio: times(many, few)}
			if percent == 50 {
				l.figure = "at most 2 times"
			}
			r.out.add(l)
		}
	}
}

// idlePasses is how many passes find nothing, in a round.
const idlePasses = 40

// idlePass sets a pass that finds nothing beside the transaction that finds nothing.
func idlePass(ctx context.Context, r *race) error {
	if err := r.db.reset(ctx); err != nil {
		return err
	}
	contenders := []contender{openByLibrary(r.db.store()), r.db.openByHand()}
	took := make([][]time.Duration, len(contenders))
	for range r.rounds * idlePasses {
		for i, c := range contenders {
			worker, err := c.begin(ctx, &lap{workers: 1, page: usualPage, now: enrolled})
			if err != nil {
				return err
			}
			start := time.Now()
			opened, err := worker(ctx)
			if err == nil && opened > 0 {
				err = fmt.Errorf("opened %d tasks of which none is due", opened)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", c.label, err)
			}
			took[i] = append(took[i], time.Since(start))
		}
	}
	library, hand := median(took[0]), median(took[1])
	r.out.add(line{what: "a pass that finds nothing", reached: short(library), beside: "a claim by hand", baseline: short(hand),
		ratio: times(library, hand), figure: r.server.figures.idle})
	return nil
}
