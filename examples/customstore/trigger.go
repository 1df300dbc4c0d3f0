package main

import (
	"context"
	"time"
)

// tick is what the host's cron calls every minute, on as many replicas as it likes: each task is opened once.
func (h *host) tick(ctx context.Context) (opened, expired int, err error) {
	expiring, err := h.service.Scheduler.ExpireOverdueTasks(ctx, time.Time{})
	if err != nil {
		return 0, 0, err
	}
	opening, err := h.service.Scheduler.SchedulePendingTasks(ctx, time.Time{})
	if err != nil {
		return 0, expiring.Expired, err
	}
	return opening.Opened, expiring.Expired, nil
}
