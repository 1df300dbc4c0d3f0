package main

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/sqlitestore"
)

// passesInSQLite runs every pass in a file, flushed at every commit, and beside it the loop written by hand.
func passesInSQLite(ctx context.Context, s settings, out *table) error {
	for i := range passes {
		if err := passes[i].inSQLiteBeside(ctx, s, out, passes[i].name); err != nil {
			return err
		}
	}
	return nil
}

// inSQLiteBeside does the work in one file, through the library and by hand, each with records of its own. Which of the two
// goes first is drawn for every pair: in a fixed order the checkpoints of the write-ahead log always meet the same one.
func (w *work) inSQLiteBeside(ctx context.Context, s settings, out *table, what string) error {
	f, err := newFileBed(ctx, w.config)
	if err != nil {
		return err
	}
	defer f.close()
	tasks, ways := s.tasks/10, w.waysInSQLite(f)
	took := make([][]time.Duration, len(ways))
	for range s.rounds {
		for _, i := range rand.Perm(len(ways)) {
			if err := w.stage(ctx, f.bed, tasks); err != nil {
				return err
			}
			spent, err := w.do(ctx, ways[i].label, tasks, ways[i].run)
			if err != nil {
				return err
			}
			took[i] = append(took[i], spent.took)
		}
	}
	n, library, hand := tasks/w.tasks, median(took[0]), median(took[1])
	out.add(line{what: what, reached: rate(n, library, w.unit), beside: "SQL by hand, same tables", baseline: rate(n, hand, w.unit),
		ratio: ratio(hand, library), figure: w.inSQLite})
	return nil
}

// way is one way of doing a work.
type way struct {
	label string
	run   func(ctx context.Context) (done int, err error)
}

func (w *work) waysInSQLite(f *fileBed) []way {
	return []way{
		{"sqlitestore", w.library(f.bed)},
		{"by hand", func(ctx context.Context) (int, error) {
			f.byHand.now = w.at
			return w.hand(ctx, f.byHand, f.plan)
		}},
	}
}

// fileBed is a bed in a SQLite file of its own, with a loop written by hand on the same file.
type fileBed struct {
	*bed
	dir    string
	db     *sql.DB
	sqlite *sqlitestore.Store
	byHand *handLoop
}

func newFileBed(ctx context.Context, config *assessplan.Config) (f *fileBed, err error) {
	f = &fileBed{}
	defer func() {
		if err != nil {
			f.close()
		}
	}()
	if f.dir, err = os.MkdirTemp("", "assessplan-bench-"); err != nil {
		return f, err
	}
	dsn, err := sqlitestore.DSN(filepath.Join(f.dir, "bench.db"), nil)
	if err != nil {
		return f, err
	}
	if f.db, err = sql.Open("sqlite", dsn); err != nil {
		return f, err
	}
	const connections = 4 // the writer, a reader, the loop by hand, and one to spare
	f.db.SetMaxOpenConns(connections)
	f.db.SetMaxIdleConns(connections)
	if f.sqlite, err = sqlitestore.New(ctx, f.db, &sqlitestore.Config{Migrate: true}); err != nil {
		return f, err
	}
	if f.bed, err = newBed(stamping{f.sqlite}, config); err != nil {
		return f, err
	}
	f.byHand, err = newHandLoop(ctx, f.db)
	return f, err
}

// close removes the file.
func (f *fileBed) close() {
	if f.byHand != nil {
		f.byHand.close()
	}
	if f.sqlite != nil {
		_ = f.sqlite.Close()
	}
	if f.db != nil {
		_ = f.db.Close()
	}
	_ = os.RemoveAll(f.dir)
}
