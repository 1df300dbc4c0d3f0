package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"github.com/assessplan/assessplan"
)

const (
	handDue = `SELECT ` + handTaskColumns + `
FROM assessplan_tasks
WHERE status = 'pending' AND held = 0 AND next_attempt_at <= ?
ORDER BY next_attempt_at, id LIMIT ?`
	handOpen = `UPDATE assessplan_tasks
SET status = 'opened', next_attempt_at = NULL, open_at = ?, expire_at = ?, entry_serial = ?, token_hash = ?, version = ?
WHERE id = ? AND version = ?`
)

func openByHand(ctx context.Context, h *handLoop, _ assessplan.PlanID) (opened int, err error) {
	return h.pages(ctx, func(ctx context.Context) (int, error) {
		due, err := h.tasks(ctx, handDue, h.now.UnixMicro(), h.page)
		for i := 0; err == nil && i < len(due); i++ {
			err = h.openOne(ctx, &due[i])
		}
		return len(due), err
	})
}

func (h *handLoop) openOne(ctx context.Context, t *handTask) error {
	token := uuid.NewString()
	hash := assessplan.HashToken(token)
	expireAt := h.now.AddDate(0, 0, 7)
	if err := h.exec(ctx, handOpen, h.now.UnixMicro(), expireAt.UnixMicro(), t.serial+1, hash[:], t.version+1, t.id, t.version); err != nil {
		return err
	}
	return h.record(ctx, "task.opened", t.org, t.id, t.version+1, fmt.Appendf(t.facts(),
		`,"open_at":"%s","expire_at":"%s","entry_serial":%d,"entry_url":"https://assess.example.org/fill?token=%s&task_id=%s"`,
		text(h.now), text(expireAt), t.serial+1, token, uuid.UUID(t.id)))
}

// What ends tasks is one statement for a page, which tells what it ended.
const (
	handEnd = `UPDATE assessplan_tasks
SET status = ?1, end_reason = ?2, ended_at = ?3, held = 0, next_attempt_at = NULL, version = version + 1
WHERE id IN (`
	handEnded = `)
RETURNING ` + handTaskColumns

	handExpire = handEnd + `
	SELECT id FROM assessplan_tasks
	WHERE status = 'opened' AND expire_at <= ?3
	ORDER BY expire_at, id LIMIT ?4` + handEnded
	handMiss = handEnd + `
	SELECT id FROM assessplan_tasks
	WHERE status = 'pending' AND held = 0 AND open_until <= ?3
	ORDER BY open_until, id LIMIT ?4` + handEnded
	handCancel = handEnd + `
	SELECT id FROM assessplan_tasks
	WHERE plan_id = ?5 AND id > ?6 AND status IN ('pending', 'opened')
	ORDER BY id LIMIT ?4` + handEnded
)

func expireByHand(ctx context.Context, h *handLoop, _ assessplan.PlanID) (expired int, err error) {
	return h.end(ctx, handExpire, "expired", "entry_timeout", nil)
}

func missByHand(ctx context.Context, h *handLoop, _ assessplan.PlanID) (expired int, err error) {
	return h.end(ctx, handMiss, "expired", "missed_window", nil)
}

// end ends tasks page by page, of one plan or all that are overdue.
func (h *handLoop) end(ctx context.Context, query, status, reason string, plan *assessplan.PlanID) (ended int, err error) {
	after := make([]byte, 16)
	return h.pages(ctx, func(ctx context.Context) (int, error) {
		args := []any{status, reason, h.now.UnixMicro(), h.page}
		if plan != nil {
			args = append(args, plan[:], after)
		}
		tasks, err := h.tasks(ctx, query, args...)
		for i := 0; err == nil && i < len(tasks); i++ {
			t, previous := &tasks[i], "pending"
			if t.opened {
				previous = "opened"
			}
			if bytes.Compare(t.id, after) > 0 {
				after = t.id
			}
			err = h.record(ctx, "task."+status, t.org, t.id, t.version, fmt.Appendf(t.facts(),
				`,"%s_at":"%s","reason":"%s","previous_status":"%s"`, status, text(h.now), reason, previous))
		}
		return len(tasks), err
	})
}

const (
	handPlan = `UPDATE assessplan_plans
SET status = ?2, paused_at = ?3, ended_at = ?4, version = version + 1
WHERE id = ?1
RETURNING version`
	handEndRounds = `UPDATE assessplan_enrollments
SET closable_from = ?2, version = version + 1
WHERE plan_id = ?1 AND status IN ('active', 'paused') AND closable_from > ?2`
)

// cancelByHand ends the plan first, so that nobody opens anything in it any more.
func cancelByHand(ctx context.Context, h *handLoop, plan assessplan.PlanID) (canceled int, err error) {
	now := h.now.UnixMicro()
	if err := h.transaction(ctx, func(ctx context.Context) error {
		return h.changePlan(ctx, plan, "canceled", nil, now, "plan.canceled", `"canceled_at":"%s"`)
	}); err != nil {
		return 0, err
	}
	if canceled, err = h.end(ctx, handCancel, "canceled", "plan_canceled", &plan); err != nil {
		return canceled, err
	}
	return canceled, h.transaction(ctx, func(ctx context.Context) error { return h.exec(ctx, handEndRounds, plan[:], now) })
}

func (h *handLoop) changePlan(ctx context.Context, plan assessplan.PlanID, status string, pausedAt, endedAt any, event, facts string) error {
	version := int64(0)
	err := h.each(ctx, func(rows *sql.Rows) error { return rows.Scan(&version) }, handPlan, plan[:], status, pausedAt, endedAt)
	if err != nil {
		return err
	}
	return h.record(ctx, event, string(org), plan[:], version, fmt.Appendf(nil, "%s,"+facts, planFacts(plan), text(h.now)))
}

const (
	handHold = `UPDATE assessplan_tasks
SET held = 1, version = version + 1
WHERE plan_id = ? AND status = 'pending' AND held = 0`
	handRelease = `UPDATE assessplan_tasks
SET held = 0, version = version + 1
WHERE plan_id = ?1 AND status = 'pending' AND held = 1
  AND enrollment_id IN (SELECT id FROM assessplan_enrollments WHERE plan_id = ?1 AND status = 'active')
`
	handCount = `SELECT changes()`
)

func pauseByHand(ctx context.Context, h *handLoop, plan assessplan.PlanID) (held int, err error) {
	err = h.transaction(ctx, func(ctx context.Context) error {
		err := h.changePlan(ctx, plan, "paused", h.now.UnixMicro(), nil, "plan.paused", `"paused_at":"%s"`)
		if err == nil {
			held, err = h.hold(ctx, handHold, plan)
		}
		return err
	})
	return held, err
}

func resumeByHand(ctx context.Context, h *handLoop, plan assessplan.PlanID) (released int, err error) {
	err = h.transaction(ctx, func(ctx context.Context) error {
		err := h.changePlan(ctx, plan, "active", nil, nil, "plan.resumed", `"resumed_at":"%s","shifted_days":0`)
		if err == nil {
			released, err = h.hold(ctx, handRelease, plan)
		}
		return err
	})
	return released, err
}

func (h *handLoop) hold(ctx context.Context, query string, plan assessplan.PlanID) (changed int, err error) {
	if err := h.exec(ctx, query, plan[:]); err != nil {
		return 0, err
	}
	return changed, h.each(ctx, func(rows *sql.Rows) error { return rows.Scan(&changed) }, handCount)
}

const handClose = `UPDATE assessplan_enrollments
SET status = 'closed', ended_at = ?1, version = version + 1
WHERE id IN (
	SELECT id FROM assessplan_enrollments AS e
	WHERE status IN ('active', 'paused') AND closable_from <= ?1
	  AND NOT EXISTS (SELECT 1 FROM assessplan_tasks WHERE enrollment_id = e.id AND status IN ('pending', 'opened'))
	ORDER BY closable_from, id LIMIT ?2)
RETURNING id, org_id, plan_id, testee_id, round, version`

// handRound is what an event needs to know of a round.
type handRound struct {
	id, plan    []byte
	org, testee string
	round       int
	version     int64
}

func closeRoundsByHand(ctx context.Context, h *handLoop, _ assessplan.PlanID) (closed int, err error) {
	return h.pages(ctx, func(ctx context.Context) (int, error) {
		var rounds []handRound
		err := h.each(ctx, func(rows *sql.Rows) error {
			var r handRound
			err := rows.Scan(&r.id, &r.org, &r.plan, &r.testee, &r.round, &r.version)
			rounds = append(rounds, r)
			return err
		}, handClose, h.now.UnixMicro(), h.page)
		for i := 0; err == nil && i < len(rounds); i++ {
			r := &rounds[i]
			err = h.record(ctx, "enrollment.closed", r.org, r.id, r.version, fmt.Appendf(nil,
				`"enrollment_id":"%s","plan_id":"%s","org_id":"%s","testee_id":"%s","round":%d,"closed_at":"%s"`,
				uuid.UUID(r.id), uuid.UUID(r.plan), r.org, r.testee, r.round, text(h.now)))
		}
		return len(rounds), err
	})
}
