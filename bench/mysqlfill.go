package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
)

// The same rounds as in Postgres (pgfill.go). Numbers are made from digits: MySQL has no sequences.
const (
	mysqlFillPlan = `INSERT INTO assessplan_plans
	(id, org_id, scale_code, schedule, zone, status, work_days, created_at, version)
VALUES (?, 'clinic-a', 'PHQ-8', ?, 'Europe/Berlin', 'active', 0, ?, 1)`

	mysqlDigits = `(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4
	UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)`
	mysqlNumbers = `(SELECT ? + thousands.d * 1000 + hundreds.d * 100 + tens.d * 10 + ones.d AS n
	FROM ` + mysqlDigits + ` AS thousands, ` + mysqlDigits + ` AS hundreds, ` + mysqlDigits + ` AS tens, ` + mysqlDigits + ` AS ones) AS numbers`

	mysqlFillRounds = `INSERT INTO assessplan_enrollments
	(id, org_id, plan_id, testee_id, round, start, zone, reconsented, status, planned, shifted_days, closable_from, created_at, version)
SELECT ` + mysqlFillEnrollmentID + `, 'clinic-a', ?, concat('testee-', lpad(n, 7, '0')), 1, ? + INTERVAL n % ? DAY, 'Europe/Berlin', 0, 'active',
	10, 0, '0001-01-01', ?, 1
FROM ` + mysqlNumbers + `
WHERE n <= ?
ORDER BY n`

	mysqlFillTasks = `INSERT INTO assessplan_tasks
	(id, org_id, plan_id, enrollment_id, testee_id, scale_code, seq, planned_date, planned_time, zone, planned_at, revision,
	 status, held, next_attempt_at, attempts, entry_serial, late, created_at, version)
SELECT ` + mysqlFillTaskID + `, 'clinic-a', plan, ` + mysqlFillEnrollmentID + `, concat('testee-', lpad(n, 7, '0')), 'PHQ-8', seq,
	day, 68400, 'Europe/Berlin', at, 1, 'pending', 0, at, 0, 0, 0, created, 1
FROM (SELECT n, seq, plan, day, created, ` + mysqlBerlin + ` AS at
      FROM (SELECT n, seqs.d + 1 AS seq, ? AS plan, CAST(? AS DATE) + INTERVAL n % ? + seqs.d DAY AS day, ? AS created
            FROM ` + mysqlNumbers + `, ` + mysqlDigits + ` AS seqs
            WHERE n <= ?) AS days) AS rounds
ORDER BY n, seq`

	mysqlFillEnrollmentID = `unhex(concat(lpad(lower(hex(1700000000000 + n)), 12, '0'), '7', left(md5(n), 3), '8', right(md5(n), 15)))`
	mysqlFillTaskID       = `unhex(concat(lpad(lower(hex(1800000000000 + 10 * n + seq)), 12, '0'), '7', left(md5(10 * n + seq), 3), '8', right(md5(10 * n + seq), 15)))`
	// 19:00 in Berlin in 2026: summer time begins on 29 March and ends on 25 October.
	mysqlBerlin = `CAST(day AS DATETIME(6)) + INTERVAL IF(day BETWEEN '2026-03-29' AND '2026-10-24', 17, 18) HOUR`
)

// fill: see database. A connection without checks of foreign keys reads less.
func (s *mariadb) fill(ctx context.Context, due, pending int) error {
	if err := s.fillPlans(ctx); err != nil {
		return err
	}
	if err := s.fillRounds(ctx, 0, due/perRound); err != nil {
		return err
	}
	if err := s.fillRounds(ctx, 1, pending/perRound); err != nil {
		return err
	}
	return s.exec(ctx, `ANALYZE TABLE assessplan_tasks, assessplan_enrollments`)
}

func (s *mariadb) fillPlans(ctx context.Context) error {
	for _, plan := range filledPlans {
		schedule, err := json.Marshal(plan.cohort.schedule)
		if err != nil {
			return err
		}
		id := uuid.MustParse(plan.id)
		if _, err := s.db.ExecContext(ctx, mysqlFillPlan, id[:], string(schedule), enrolled); err != nil {
			return fmt.Errorf("fill plans: %w", err)
		}
	}
	return nil
}

func (s *mariadb) fillRounds(ctx context.Context, plan, until int) error {
	p := filledPlans[plan]
	id := uuid.MustParse(p.id)
	for s.filled < until {
		first, last := s.filled+1, min(s.filled+fillRounds, until)
		if err := s.fillSome(ctx, id[:], p.cohort.start.String(), p.spread, first, last); err != nil {
			return fmt.Errorf("fill rounds: %w", err)
		}
		s.filled = last
	}
	return nil
}

func (s *mariadb) fillSome(ctx context.Context, plan []byte, start string, spread, first, last int) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return inTransaction(ctx, conn, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, mysqlFillRounds, plan, start, spread, enrolled, first, last); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, mysqlFillTasks, plan, start, spread, enrolled, first, last)
		return err
	})
}

func inTransaction(ctx context.Context, conn *sql.Conn, statements func(tx *sql.Tx) error) error {
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	if err := statements(tx); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}
