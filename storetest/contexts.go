package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/assessplan/assessplan"
)

var contextArea = area{"Contexts", []check{
	{name: "EndedBefore", rule: "View and Update honour a ctx that ended before they began", body: endedBefore},
	{name: "EndsInside", rule: "if ctx ends before Update returns, nothing is stored", body: endsInside},
	{name: "EveryMethod", rule: "every method of the repositories honours the ctx that it is given", body: everyMethodHonoursCtx},
	{name: "WhileWaitingToBegin", rule: "waiting for a transaction to begin, or for what it locks, honours the ctx",
		body: endsWhileWaiting},
}}

func endedBefore(k *kit) {
	w := k.littleWorld()
	before := k.look(w)
	ctx, cancel := context.WithCancel(k.ctx)
	cancel()
	err := k.store.View(ctx, func(context.Context, assessplan.Repositories) error { return nil })
	k.gives("View with a ctx that was canceled", err, context.Canceled)
	err = k.store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		_ = writes[0].call(k.ctx, r, w) // with a ctx that lives: the ended one must not need a method to be seen
		return nil
	})
	k.gives("Update with a ctx that was canceled", err, context.Canceled)
	k.untouched("an Update with a ctx that was canceled", w, before)
}

func endsInside(k *kit) {
	w := k.littleWorld()
	before := k.look(w)
	for _, write := range writes {
		ctx, cancel := context.WithCancel(k.ctx)
		err := k.store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
			defer cancel()
			return write.call(ctx, r, w)
		})
		k.gives("Update whose ctx was canceled after "+write.name, err, context.Canceled)
		k.untouched(write.name+" and the end of the ctx", w, before)
	}
	k.leaseRolledBack()
}

func everyMethodHonoursCtx(k *kit) {
	w := k.littleWorld()
	for _, method := range slices.Concat(reads, writes) {
		var got error
		_ = k.store.Update(k.ctx, func(ctx context.Context, r assessplan.Repositories) error {
			ended, cancel := context.WithCancel(ctx)
			cancel()
			got = method.call(ended, r, w)
			return errRollback
		})
		k.gives(method.name+" with a ctx that was canceled", got, context.Canceled)
	}
}

// endsWhileWaiting lets one Update hold a task, and another wait for it, or for its own beginning, until its ctx ends.
func endsWhileWaiting(k *kit) {
	w := k.littleWorld()
	find := func(ctx context.Context, r assessplan.Repositories) error {
		_, err := r.FindTask(ctx, clinic, w.task.ID)
		return err
	}
	var waiter <-chan error
	var err error
	ended := false
	k.holding(find, nil, func() {
		ctx, cancel := context.WithTimeout(k.ctx, 50*time.Millisecond)
		defer cancel()
		waiter = background(func() error { return k.store.Update(ctx, find) })
		err, ended = k.within(waiter)
	})
	if !ended {
		k.stopf("Update whose ctx ended while another Update held the task: still waited after %v, and then returned error %s",
			k.pace.patience, quoted(<-waiter))
	}
	k.gives("Update whose ctx ended while another Update held the task", err, context.DeadlineExceeded)
	k.update("find the task after that", find)
}
