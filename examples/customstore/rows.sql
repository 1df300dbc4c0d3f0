-- What the host's own scheduler left: a weekly plan, at 09:00 in Shanghai, and three testees in the middle of it.

INSERT INTO assessment_plan (id, org_id, scale_code, schedule_type, trigger_interval, total_times, status, created_at) VALUES
    (7, 'clinic-a', 'PHQ-9', 'by_week', 1, 4, 'active', '2026-02-20 02:00:00');

INSERT INTO assessment_task (id, plan_id, org_id, testee_id, scale_code, seq, planned_at, open_at, expire_at, completed_at,
                             status, assessment_id, entry_token, created_at, updated_at) VALUES
    (101, 7, 'clinic-a', 'T-1001', 'PHQ-9', 1, '2026-03-02 01:00:00', '2026-03-02 01:00:04', '2026-03-09 01:00:04',
     '2026-03-02 11:30:00', 'completed', 'A-5001', 'c0ffee00-5d1c-4b35-8f0e-6f1c8a4f2a10', '2026-02-20 02:05:00', '2026-03-02 11:30:00'),
    (102, 7, 'clinic-a', 'T-1001', 'PHQ-9', 2, '2026-03-09 01:00:00', '2026-03-09 01:00:03', '2026-03-16 01:00:03',
     NULL, 'expired', NULL, 'c0ffee00-91d0-4f7c-9a41-0d8f0f0c7a55', '2026-02-20 02:05:00', '2026-03-16 01:01:00'),
    (103, 7, 'clinic-a', 'T-1001', 'PHQ-9', 3, '2026-03-16 01:00:00', NULL, NULL, NULL, 'pending', NULL, NULL, '2026-02-20 02:05:00', '2026-02-20 02:05:00'),
    (104, 7, 'clinic-a', 'T-1001', 'PHQ-9', 4, '2026-03-23 01:00:00', NULL, NULL, NULL, 'pending', NULL, NULL, '2026-02-20 02:05:00', '2026-02-20 02:05:00'),
    (105, 7, 'clinic-a', 'T-1002', 'PHQ-9', 1, '2026-03-10 01:00:00', '2026-03-10 01:00:05', '2026-03-17 01:00:05',
     NULL, 'opened', NULL, 'c0ffee00-3b7e-4c55-b6e9-2f9a53c1d8e7', '2026-03-08 02:05:00', '2026-03-10 01:00:05'),
    (106, 7, 'clinic-a', 'T-1002', 'PHQ-9', 2, '2026-03-17 01:00:00', NULL, NULL, NULL, 'pending', NULL, NULL, '2026-03-08 02:05:00', '2026-03-08 02:05:00'),
    (107, 7, 'clinic-a', 'T-1003', 'PHQ-9', 1, '2026-03-12 01:00:00', NULL, NULL,
     '2026-03-12 08:00:00', 'completed', 'A-5002', NULL, '2026-03-11 02:05:00', '2026-03-12 08:00:00'),
    (108, 7, 'clinic-a', 'T-1003', 'PHQ-9', 2, '2026-03-19 01:00:00', NULL, NULL, NULL, 'pending', NULL, NULL, '2026-03-11 02:05:00', '2026-03-11 02:05:00');

CREATE TABLE answer_sheet (
    id      BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    task_id BIGINT UNSIGNED NOT NULL, -- the key of assessment_task
    answers VARCHAR(64)     NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB AUTO_INCREMENT = 5003 DEFAULT CHARSET = utf8mb4;
