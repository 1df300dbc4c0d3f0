-- The tables of assessplan in MySQL and MariaDB.
--
--   ids         BINARY(16), compared byte by byte like everywhere in the library
--   texts       VARBINARY, the bytes of the UTF-8: the collations of a server take Clinic-A for clinic-a, or "clinic-a " for
--               clinic-a; CONVERT(testee_id USING utf8mb4) reads one
--   instants    DATETIME(6) in UTC, whatever the time zone of the session; NULL is none
--   dates       DATE; times of day INT, seconds since midnight
--   windows     VARBINARY, 3d or 72h0m0s; NULL is none
--
-- The constraints say what the library's RestorePlan, RestoreEnrollment and RestoreTask would refuse, so that a hand that
-- edits a row is told at once. They let pass what only the library can judge: whether a schedule is valid, a zone exists, a
-- text is UTF-8. Their names begin like the tables', since MySQL has one name space for those of a database.
--
-- These databases have no indexes of a part of a table. A column that is generated from others, and NULL outside of the
-- part, makes one: the last columns of a table. They are stored, which costs 8 bytes where they are not NULL, because an
-- index on a virtual column has the server compute it again whenever it purges.
--
-- A statement that makes a table commits by itself: IF NOT EXISTS lets a migration that was interrupted be run again.

-- +goose Up

CREATE TABLE IF NOT EXISTS assessplan_plans (
    id            BINARY(16)     NOT NULL PRIMARY KEY,
    org_id        VARBINARY(255) NOT NULL,
    external_ref  VARBINARY(255),
    scale_code    VARBINARY(255) NOT NULL,
    schedule      LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    zone          VARBINARY(255) NOT NULL,
    open_window   VARBINARY(64),
    fill_window   VARBINARY(64),
    due_window    VARBINARY(64),
    status        VARBINARY(16)  NOT NULL,
    paused_at     DATETIME(6),
    ended_at      DATETIME(6),
    finish        VARBINARY(32),
    work_kind     VARBINARY(32),
    work_days     INT            NOT NULL,
    work_after    BINARY(16),
    created_at    DATETIME(6),
    version       BIGINT         NOT NULL,
    working_id    BINARY(16) GENERATED ALWAYS AS (CASE WHEN work_kind IS NOT NULL THEN id END) STORED,

    CONSTRAINT assessplan_plan_id         CHECK (id <> x'00000000000000000000000000000000'),
    CONSTRAINT assessplan_plan_org        CHECK (octet_length(org_id) BETWEEN 1 AND 128),
    CONSTRAINT assessplan_plan_ref        CHECK (octet_length(external_ref) BETWEEN 1 AND 128),
    CONSTRAINT assessplan_plan_scale      CHECK (octet_length(scale_code) BETWEEN 1 AND 128),
    CONSTRAINT assessplan_plan_schedule   CHECK (json_valid(schedule) = 1),
    CONSTRAINT assessplan_plan_zone       CHECK (octet_length(zone) BETWEEN 1 AND 64),
    CONSTRAINT assessplan_plan_status     CHECK (status IN ('active', 'paused', 'finished', 'canceled')),
    CONSTRAINT assessplan_plan_paused_at  CHECK ((paused_at IS NOT NULL) = (status = 'paused')),
    CONSTRAINT assessplan_plan_ended_at   CHECK ((ended_at IS NOT NULL) = (status IN ('finished', 'canceled'))),
    CONSTRAINT assessplan_plan_finish     CHECK ((finish IS NOT NULL) = (status = 'finished')
                                                 AND coalesce(finish, 'cancel_opened') IN ('cancel_opened', 'let_opened_run_out')),
    CONSTRAINT assessplan_plan_work       CHECK (work_kind IS NULL
                                                 OR work_kind = 'shift' AND status = 'active' AND work_days >= 1
                                                 OR work_kind IN ('cancel_all', 'cancel_pending', 'close_rounds')
                                                 AND status IN ('finished', 'canceled')),
    CONSTRAINT assessplan_plan_version    CHECK (version >= 1),

    -- The name that the host gave a plan: FindPlanByRef.
    UNIQUE INDEX assessplan_plans_ref (org_id, external_ref),
    -- Pages of an org's plans: ListPlans.
    INDEX assessplan_plans_list (org_id, id),
    -- Plans with work left: FindPlansWithWork.
    INDEX assessplan_plans_work (working_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS assessplan_enrollments (
    id            BINARY(16)     NOT NULL PRIMARY KEY,
    org_id        VARBINARY(255) NOT NULL,
    plan_id       BINARY(16)     NOT NULL,
    testee_id     VARBINARY(255) NOT NULL,
    round         INT            NOT NULL,
    start         DATE           NOT NULL,
    zone          VARBINARY(255) NOT NULL,
    reconsented   TINYINT        NOT NULL,
    status        VARBINARY(16)  NOT NULL,
    planned       INT            NOT NULL,
    paused_at     DATETIME(6),
    shifted_days  INT            NOT NULL,
    ended_at      DATETIME(6),
    end_reason    VARBINARY(64),
    end_note      VARBINARY(1000),
    closable_from DATETIME(6)    NOT NULL, -- no instant is the first of the year 1, so that it sorts first
    created_at    DATETIME(6),
    version       BIGINT         NOT NULL,
    running       TINYINT     GENERATED ALWAYS AS (CASE WHEN status IN ('active', 'paused') THEN 1 END) STORED,
    closable_at   DATETIME(6) GENERATED ALWAYS AS (CASE WHEN status IN ('active', 'paused') THEN closable_from END) STORED,

    CONSTRAINT assessplan_enrollment_id          CHECK (id <> x'00000000000000000000000000000000'),
    CONSTRAINT assessplan_enrollment_org         CHECK (octet_length(org_id) BETWEEN 1 AND 128),
    CONSTRAINT assessplan_enrollment_testee      CHECK (octet_length(testee_id) BETWEEN 1 AND 128),
    CONSTRAINT assessplan_enrollment_round       CHECK (round >= 1),
    CONSTRAINT assessplan_enrollment_start       CHECK (start >= '0001-01-01' AND month(start) >= 1 AND dayofmonth(start) >= 1),
    CONSTRAINT assessplan_enrollment_zone        CHECK (octet_length(zone) BETWEEN 1 AND 64),
    CONSTRAINT assessplan_enrollment_reconsented CHECK (reconsented IN (0, 1)),
    CONSTRAINT assessplan_enrollment_status      CHECK (status IN ('active', 'paused', 'closed', 'terminated')),
    CONSTRAINT assessplan_enrollment_planned     CHECK (planned BETWEEN 0 AND 1000),
    CONSTRAINT assessplan_enrollment_paused_at   CHECK ((paused_at IS NOT NULL) = (status = 'paused')),
    CONSTRAINT assessplan_enrollment_shifted     CHECK (shifted_days = 0 OR shifted_days > 0 AND status = 'paused'),
    CONSTRAINT assessplan_enrollment_ended_at    CHECK ((ended_at IS NOT NULL) = (status IN ('closed', 'terminated'))),
    CONSTRAINT assessplan_enrollment_end_reason  CHECK ((end_reason IS NOT NULL) = (status = 'terminated') AND
                                                        coalesce(end_reason, 'other') IN
                                                        ('withdrawn', 'withdrawn_consent', 'lost', 'died', 'other', 'erased')),
    CONSTRAINT assessplan_enrollment_end_note    CHECK (end_note IS NULL OR status = 'terminated' AND octet_length(end_note) BETWEEN 1 AND 500),
    CONSTRAINT assessplan_enrollment_version     CHECK (version >= 1),
    CONSTRAINT assessplan_enrollment_plan        FOREIGN KEY (plan_id) REFERENCES assessplan_plans (id),

    -- What a testee may have once in a plan. The last column of the third is NULL for a round that does not run, and a NULL
    -- is like no other.
    UNIQUE INDEX assessplan_enrollments_round (plan_id, testee_id, round),
    UNIQUE INDEX assessplan_enrollments_start (plan_id, testee_id, start),
    UNIQUE INDEX assessplan_enrollments_running (plan_id, testee_id, running),
    -- Rounds that may be closed, in their order: FindEndedEnrollments.
    INDEX assessplan_enrollments_closable (closable_at, id),
    -- Rounds of a testee, in their order: FindRounds, EraseTestee, lists of one testee.
    INDEX assessplan_enrollments_testee (org_id, testee_id, plan_id, round),
    -- Pages of a plan's rounds: ListEnrollments; rounds whose tasks are released with the plan: HoldTasks.
    INDEX assessplan_enrollments_plan (plan_id, id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS assessplan_tasks (
    id              BINARY(16)     NOT NULL PRIMARY KEY,
    org_id          VARBINARY(255) NOT NULL,
    plan_id         BINARY(16)     NOT NULL,
    enrollment_id   BINARY(16)     NOT NULL,
    testee_id       VARBINARY(255) NOT NULL,
    scale_code      VARBINARY(255) NOT NULL,
    seq             INT            NOT NULL,

    planned_date    DATE           NOT NULL,
    planned_time    INT            NOT NULL,
    zone            VARBINARY(255) NOT NULL,
    planned_at      DATETIME(6)    NOT NULL,
    open_until      DATETIME(6),
    fill_until      DATETIME(6),
    due_at          DATETIME(6),
    revision        INT            NOT NULL,

    status          VARBINARY(16)  NOT NULL,
    held            TINYINT        NOT NULL,
    next_attempt_at DATETIME(6),
    attempts        INT            NOT NULL,
    last_error      VARBINARY(64),

    open_at         DATETIME(6),
    expire_at       DATETIME(6),
    entry_serial    INT            NOT NULL,
    token_hash      VARBINARY(32),

    ended_at        DATETIME(6),
    end_reason      VARBINARY(255),
    submitted_at    DATETIME(6),
    assessment_id   VARBINARY(255),
    late            TINYINT        NOT NULL,

    created_at      DATETIME(6),
    version         BIGINT         NOT NULL,

    due_key         DATETIME(6) GENERATED ALWAYS AS (CASE WHEN status = 'pending' AND held = 0 THEN next_attempt_at END) STORED,
    deferred_key    DATETIME(6) GENERATED ALWAYS AS (CASE WHEN status = 'pending' AND held = 0 AND attempts > 0 THEN planned_at END) STORED,
    missed_key      DATETIME(6) GENERATED ALWAYS AS (CASE WHEN status = 'pending' AND held = 0 THEN open_until END) STORED,
    expiring_key    DATETIME(6) GENERATED ALWAYS AS (CASE WHEN status = 'opened' THEN expire_at END) STORED,

    CONSTRAINT assessplan_task_id           CHECK (id <> x'00000000000000000000000000000000'),
    CONSTRAINT assessplan_task_org          CHECK (octet_length(org_id) BETWEEN 1 AND 128),
    CONSTRAINT assessplan_task_plan         CHECK (plan_id <> x'00000000000000000000000000000000'),
    CONSTRAINT assessplan_task_testee       CHECK (octet_length(testee_id) BETWEEN 1 AND 128),
    CONSTRAINT assessplan_task_scale        CHECK (octet_length(scale_code) BETWEEN 1 AND 128),
    CONSTRAINT assessplan_task_seq          CHECK (seq BETWEEN 1 AND 1000),

    CONSTRAINT assessplan_task_planned_date CHECK (planned_date >= '0001-01-01' AND month(planned_date) >= 1 AND dayofmonth(planned_date) >= 1),
    CONSTRAINT assessplan_task_planned_time CHECK (planned_time BETWEEN 0 AND 86399),
    CONSTRAINT assessplan_task_zone         CHECK (octet_length(zone) BETWEEN 1 AND 64),
    CONSTRAINT assessplan_task_open_until   CHECK (open_until >= planned_at),
    CONSTRAINT assessplan_task_fill_until   CHECK (fill_until IS NULL OR fill_until >= planned_at AND coalesce(open_until <= fill_until, 0)),
    CONSTRAINT assessplan_task_due_at       CHECK (due_at >= planned_at),
    CONSTRAINT assessplan_task_revision     CHECK (revision >= 1),

    CONSTRAINT assessplan_task_status       CHECK (status IN ('pending', 'opened', 'completed', 'expired', 'canceled')),
    CONSTRAINT assessplan_task_held         CHECK (held = 0 OR held = 1 AND status = 'pending'),
    CONSTRAINT assessplan_task_next_attempt CHECK (status <> 'pending' AND next_attempt_at IS NULL
                                                   OR status = 'pending' AND attempts = 0 AND next_attempt_at <=> planned_at
                                                   OR status = 'pending' AND attempts <> 0 AND coalesce(next_attempt_at >= planned_at, 0)),
    CONSTRAINT assessplan_task_attempts     CHECK (attempts >= 0 AND (attempts > 0) = (last_error IS NOT NULL)),

    CONSTRAINT assessplan_task_open_at      CHECK ((status <> 'pending' OR open_at IS NULL)
                                                   AND (status NOT IN ('opened', 'completed') OR open_at IS NOT NULL)
                                                   AND (open_at IS NULL OR open_at >= planned_at AND entry_serial >= 1 AND attempts = 0)),
    CONSTRAINT assessplan_task_expire_at    CHECK ((expire_at IS NULL) = (open_at IS NULL) AND coalesce(expire_at > open_at, 1)
                                                   AND coalesce(expire_at <= fill_until, 1)),
    CONSTRAINT assessplan_task_entry_serial CHECK (entry_serial >= 0),
    CONSTRAINT assessplan_task_token_hash   CHECK (token_hash IS NULL AND status <> 'opened'
                                                   OR token_hash IS NOT NULL AND octet_length(token_hash) = 32 AND open_at IS NOT NULL),

    CONSTRAINT assessplan_task_ended_at     CHECK ((ended_at IS NOT NULL) = (status IN ('completed', 'expired', 'canceled'))
                                                   AND coalesce(ended_at >= open_at, 1)),
    CONSTRAINT assessplan_task_end_reason   CHECK (status = 'canceled' AND coalesce(octet_length(end_reason) BETWEEN 1 AND 64, 0)
                                                   OR status = 'expired' AND open_at IS NULL
                                                   AND coalesce(end_reason IN ('missed_window', 'past_at_enrollment'), 0)
                                                   OR status = 'expired' AND open_at IS NOT NULL
                                                   AND coalesce(end_reason IN ('entry_timeout', 'manual'), 0)
                                                   OR status NOT IN ('canceled', 'expired') AND end_reason IS NULL),
    CONSTRAINT assessplan_task_submitted_at CHECK (status <> 'completed' AND submitted_at IS NULL
                                                   OR status = 'completed' AND coalesce(submitted_at < expire_at
                                                      AND timestampdiff(MICROSECOND, open_at, submitted_at) >= -60000000, 0)),
    CONSTRAINT assessplan_task_assessment   CHECK (status <> 'completed' AND assessment_id IS NULL
                                                   OR status = 'completed' AND coalesce(octet_length(assessment_id) BETWEEN 1 AND 128, 0)),
    CONSTRAINT assessplan_task_late         CHECK (late = coalesce(submitted_at > due_at, 0)),
    CONSTRAINT assessplan_task_version      CHECK (version >= 1),
    CONSTRAINT assessplan_task_enrollment   FOREIGN KEY (enrollment_id) REFERENCES assessplan_enrollments (id),

    -- A round has a number once: SaveTasks; also the tasks of a round.
    UNIQUE INDEX assessplan_tasks_round (enrollment_id, seq),
    -- An assessment completes one task: SaveTasks.
    UNIQUE INDEX assessplan_tasks_assessment (org_id, assessment_id),
    -- Tasks to open, in their order: FindPendingTasks, OldestDue. Of what is opened, held or ended, the key is NULL.
    INDEX assessplan_tasks_due (due_key, id),
    -- Tasks that could not be opened, which may be due later than they were planned: OldestDue.
    INDEX assessplan_tasks_deferred (deferred_key),
    -- Tasks whose window closes, in their order: FindOverdueTasks(WindowMissed).
    INDEX assessplan_tasks_missed (missed_key, id),
    -- Tasks whose entry ends, in their order: FindOverdueTasks(EntryOver).
    INDEX assessplan_tasks_expiring (expiring_key, id),
    -- Pages of a plan's tasks: ListTasks, HoldTasks.
    INDEX assessplan_tasks_plan (plan_id, id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS assessplan_outbox (
    position     BIGINT         NOT NULL AUTO_INCREMENT PRIMARY KEY, -- the order in which the events of a subject were stored
    event_id     BINARY(16)     NOT NULL,
    type         VARBINARY(255) NOT NULL,
    org_id       VARBINARY(255) NOT NULL,
    subject      BINARY(16)     NOT NULL,
    version      BIGINT         NOT NULL,
    time         DATETIME(6)    NOT NULL,
    attempts     INT            NOT NULL,
    failures     INT            NOT NULL,
    available_at DATETIME(6)    NOT NULL, -- ready: from when; leased: until when
    parked       TINYINT        NOT NULL,
    last_error   VARBINARY(64),
    data         LONGBLOB       NOT NULL,

    CONSTRAINT assessplan_outbox_attempts CHECK (attempts >= 0),
    CONSTRAINT assessplan_outbox_failures CHECK (failures >= 0),
    CONSTRAINT assessplan_outbox_parked   CHECK (parked IN (0, 1)),

    -- An event is stored once; events are settled by it.
    UNIQUE INDEX assessplan_outbox_event (event_id),
    -- The events of a subject, in their order: only the oldest may be claimed; EraseTestee.
    INDEX assessplan_outbox_subject (subject, position),
    -- Events by whether they are parked, in their order, with all that says whether one is passed over and how old they are:
    -- ClaimEvents, ListParkedEvents, OutboxStats. It is a fraction of the table, whose rows hold the payload.
    INDEX assessplan_outbox_order (parked, position, available_at, subject, time)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down

DROP TABLE IF EXISTS assessplan_outbox;
DROP TABLE IF EXISTS assessplan_tasks;
DROP TABLE IF EXISTS assessplan_enrollments;
DROP TABLE IF EXISTS assessplan_plans;
