package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Rounds are filled in by SQL, many at once, but with what the library would store: the first ones are of a plan of March,
// whose tasks are due, the others of a plan that begins in June. IDs ascend, as those of version 7 do.
const (
	pgFillPlan = `INSERT INTO assessplan_plans
	(id, org_id, scale_code, schedule, zone, status, work_days, created_at, version)
VALUES ($1, 'clinic-a', 'PHQ-8', $2, 'Europe/Berlin', 'active', 0, $3, 1)`

	pgFillRounds = `INSERT INTO assessplan_enrollments
	(id, org_id, plan_id, testee_id, round, start, zone, reconsented, status, planned, shifted_days, closable_from, created_at, version)
SELECT pg_temp.bench_id(1, n), 'clinic-a', $3, 'testee-' || lpad(n::text, 7, '0'), 1, $4::date + n::int % $5::int, 'Europe/Berlin', false, 'active',
	10, 0, '0001-01-01 00:00:00+00', $6, 1
FROM generate_series($1::bigint, $2::bigint) AS n`

	pgFillTasks = `INSERT INTO assessplan_tasks
	(id, org_id, plan_id, enrollment_id, testee_id, scale_code, seq, planned_date, planned_time, zone, planned_at, revision,
	 status, held, next_attempt_at, attempts, entry_serial, late, created_at, version)
SELECT pg_temp.bench_id(2, 10 * n + seq), 'clinic-a', $3, pg_temp.bench_id(1, n), 'testee-' || lpad(n::text, 7, '0'), 'PHQ-8', seq,
	day, 68400, 'Europe/Berlin', at, 1, 'pending', false, at, 0, 0, false, $6, 1
FROM generate_series($1::bigint, $2::bigint) AS n,
	generate_series(1, 10) AS seq,
	LATERAL (SELECT $4::date + n::int % $5::int + seq - 1) AS d (day),
	LATERAL (SELECT (day + time '19:00') AT TIME ZONE 'Europe/Berlin') AS i (at)
ORDER BY n, seq`

	// The time of an ID is the kind and the number, the rest is at random, but always the same.
	pgFillID = `CREATE OR REPLACE FUNCTION pg_temp.bench_id(kind int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
	SELECT (lpad(to_hex(1600000000000 + kind * 100000000000 + n), 12, '0') || '7' || left(md5(n::text), 3) || '8' || right(md5(n::text), 15))::uuid
$$`
)

// The plans that are filled in.
var filledPlans = []struct {
	id     string
	cohort cohort
	spread int // over how many days the rounds begin
}{
	{"01970000-0000-7000-8000-000000000001", ofMarch, 5},
	{"01970000-0000-7000-8000-000000000002", ofJune, 60},
}

// fillRounds is how many rounds a statement fills in.
const fillRounds = 10_000

// fill has the tables hold so many tasks that are due, and so many that are pending. What is due stays as it is once there.
func (s *postgres) fill(ctx context.Context, due, pending int) error {
	err := s.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		if _, err := c.Exec(ctx, pgFillID); err != nil {
			return err
		}
		if s.filled == 0 {
			if err := s.fillPlans(ctx, c); err != nil {
				return err
			}
			if err := s.fillRounds(ctx, c, 0, due/perRound); err != nil {
				return err
			}
		}
		return s.fillRounds(ctx, c, 1, pending/perRound)
	})
	if err != nil {
		return err
	}
	_, err = s.pool.Exec(ctx, `VACUUM (FREEZE, ANALYZE)`)
	return err
}

func (s *postgres) fillPlans(ctx context.Context, c *pgxpool.Conn) error {
	for _, plan := range filledPlans {
		schedule, err := json.Marshal(plan.cohort.schedule)
		if err != nil {
			return err
		}
		if _, err := c.Exec(ctx, pgFillPlan, plan.id, schedule, enrolled); err != nil {
			return fmt.Errorf("fill plans: %w", err)
		}
	}
	return nil
}

// fillRounds fills in rounds of a plan until there are so many of all plans.
func (s *postgres) fillRounds(ctx context.Context, c *pgxpool.Conn, plan, until int) error {
	p := filledPlans[plan]
	for s.filled < until {
		first, last := s.filled+1, min(s.filled+fillRounds, until)
		for _, query := range []string{pgFillRounds, pgFillTasks} {
			if _, err := c.Exec(ctx, query, first, last, p.id, p.cohort.start.String(), p.spread, enrolled); err != nil {
				return fmt.Errorf("fill rounds: %w", err)
			}
		}
		s.filled = last
	}
	return nil
}
