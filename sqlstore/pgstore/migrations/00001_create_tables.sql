-- The tables of assessplan in PostgreSQL. The names are qualified by nothing: they are made in the first schema of the
-- search_path.
--
-- Instants are timestamptz, of the years 1 to 9999; the zero time is NULL. Civil dates are dates, times of day seconds since
-- midnight. IDs are uuids. References are texts in the collation "C", compared byte by byte, and have 1 to 128 bytes.
-- Windows are texts such as 2h30m or P3D. A column that a state leaves empty is NULL, unless 0 says so.
--
-- The field rules of every state are constraints here: the library restores what it reads and refuses a row that no history
-- of commands leads to, and the constraints say what the library's RestorePlan, RestoreEnrollment and RestoreTask would
-- refuse, so that a hand that edits a row is told at once. They let pass what only the library can judge: whether a
-- schedule is valid and a zone exists.

-- +goose Up

CREATE TABLE assessplan_plans (
    id            uuid        NOT NULL PRIMARY KEY,
    org_id        text        NOT NULL COLLATE "C",
    external_ref  text        COLLATE "C",
    scale_code    text        NOT NULL COLLATE "C",
    schedule      json        NOT NULL,
    zone          text        NOT NULL COLLATE "C",
    open_window   text        COLLATE "C",
    fill_window   text        COLLATE "C",
    due_window    text        COLLATE "C",
    status        text        NOT NULL COLLATE "C",
    paused_at     timestamptz,
    ended_at      timestamptz,
    finish        text        COLLATE "C",
    work_kind     text        COLLATE "C",
    work_days     integer     NOT NULL,
    work_after    uuid,
    created_at    timestamptz,
    version       bigint      NOT NULL,

    CONSTRAINT plan_id         CHECK (id <> '00000000-0000-0000-0000-000000000000'),
    CONSTRAINT plan_org        CHECK (octet_length(org_id) BETWEEN 1 AND 128),
    CONSTRAINT plan_ref        CHECK (octet_length(external_ref) BETWEEN 1 AND 128),
    CONSTRAINT plan_scale      CHECK (octet_length(scale_code) BETWEEN 1 AND 128),
    CONSTRAINT plan_zone       CHECK (octet_length(zone) BETWEEN 1 AND 64),
    CONSTRAINT plan_status     CHECK (status IN ('active', 'paused', 'finished', 'canceled')),
    CONSTRAINT plan_paused_at  CHECK ((paused_at IS NOT NULL) = (status = 'paused')),
    CONSTRAINT plan_ended_at   CHECK ((ended_at IS NOT NULL) = (status IN ('finished', 'canceled'))),
    CONSTRAINT plan_finish     CHECK ((finish IS NOT NULL) = (status = 'finished')
                                      AND coalesce(finish, 'cancel_opened') IN ('cancel_opened', 'let_opened_run_out')),
    CONSTRAINT plan_work       CHECK (CASE work_kind
                                          WHEN 'shift' THEN status = 'active' AND work_days >= 1
                                          WHEN 'cancel_all' THEN status IN ('finished', 'canceled')
                                          WHEN 'cancel_pending' THEN status IN ('finished', 'canceled')
                                          WHEN 'close_rounds' THEN status IN ('finished', 'canceled')
                                          ELSE work_kind IS NULL END),
    CONSTRAINT plan_version    CHECK (version >= 1),
    CONSTRAINT plan_instants   CHECK (least(paused_at, ended_at, created_at) >= '0001-01-01 00:00:00+00'
                                      AND greatest(paused_at, ended_at, created_at) < '10000-01-01 00:00:00+00')
);

-- The name that the host gave a plan: FindPlanByRef.
CREATE UNIQUE INDEX assessplan_plans_ref ON assessplan_plans (org_id, external_ref) WHERE external_ref IS NOT NULL;
-- Pages of an org's plans: ListPlans.
CREATE INDEX assessplan_plans_list ON assessplan_plans (org_id, id);
-- Plans with work left: FindPlansWithWork.
CREATE INDEX assessplan_plans_work ON assessplan_plans (id) WHERE work_kind IS NOT NULL;

CREATE TABLE assessplan_enrollments (
    id            uuid        NOT NULL PRIMARY KEY,
    org_id        text        NOT NULL COLLATE "C",
    plan_id       uuid        NOT NULL REFERENCES assessplan_plans (id),
    testee_id     text        NOT NULL COLLATE "C",
    round         integer     NOT NULL,
    start         date        NOT NULL,
    zone          text        NOT NULL COLLATE "C",
    reconsented   boolean     NOT NULL,
    status        text        NOT NULL COLLATE "C",
    planned       integer     NOT NULL,
    paused_at     timestamptz,
    shifted_days  integer     NOT NULL,
    ended_at      timestamptz,
    end_reason    text        COLLATE "C",
    end_note      text        COLLATE "C",
    closable_from timestamptz NOT NULL, -- no instant is the first of the year 1, so that it sorts first
    created_at    timestamptz,
    version       bigint      NOT NULL,

    CONSTRAINT enrollment_id         CHECK (id <> '00000000-0000-0000-0000-000000000000'),
    CONSTRAINT enrollment_org        CHECK (octet_length(org_id) BETWEEN 1 AND 128),
    CONSTRAINT enrollment_testee     CHECK (octet_length(testee_id) BETWEEN 1 AND 128),
    CONSTRAINT enrollment_round      CHECK (round >= 1),
    CONSTRAINT enrollment_start      CHECK (start BETWEEN '0001-01-01' AND '9999-12-31'),
    CONSTRAINT enrollment_zone       CHECK (octet_length(zone) BETWEEN 1 AND 64),
    CONSTRAINT enrollment_status     CHECK (status IN ('active', 'paused', 'closed', 'terminated')),
    CONSTRAINT enrollment_planned    CHECK (planned BETWEEN 0 AND 1000),
    CONSTRAINT enrollment_paused_at  CHECK ((paused_at IS NOT NULL) = (status = 'paused')),
    CONSTRAINT enrollment_shifted    CHECK (shifted_days = 0 OR shifted_days > 0 AND status = 'paused'),
    CONSTRAINT enrollment_ended_at   CHECK ((ended_at IS NOT NULL) = (status IN ('closed', 'terminated'))),
    CONSTRAINT enrollment_end_reason CHECK ((end_reason IS NOT NULL) = (status = 'terminated') AND
                                            coalesce(end_reason, 'other') IN
                                            ('withdrawn', 'withdrawn_consent', 'lost', 'died', 'other', 'erased')),
    CONSTRAINT enrollment_end_note   CHECK (end_note IS NULL OR status = 'terminated' AND octet_length(end_note) BETWEEN 1 AND 500),
    CONSTRAINT enrollment_version    CHECK (version >= 1),
    CONSTRAINT enrollment_instants   CHECK (least(paused_at, ended_at, closable_from, created_at) >= '0001-01-01 00:00:00+00'
                                            AND greatest(paused_at, ended_at, closable_from, created_at) < '10000-01-01 00:00:00+00')
);

-- What a testee may have once in a plan. The third also finds what a new running round would collide with.
CREATE UNIQUE INDEX assessplan_enrollments_round ON assessplan_enrollments (plan_id, testee_id, round);
CREATE UNIQUE INDEX assessplan_enrollments_start ON assessplan_enrollments (plan_id, testee_id, start);
CREATE UNIQUE INDEX assessplan_enrollments_running ON assessplan_enrollments (plan_id, testee_id)
    WHERE status IN ('active', 'paused');
-- Rounds that may be closed, in their order: FindEndedEnrollments.
CREATE INDEX assessplan_enrollments_closable ON assessplan_enrollments (closable_from, id)
    WHERE status IN ('active', 'paused');
-- Rounds of a testee, in their order: FindRounds, EraseTestee, lists of one testee.
CREATE INDEX assessplan_enrollments_testee ON assessplan_enrollments (org_id, testee_id, plan_id, round);
-- Pages of a plan's rounds: ListEnrollments; rounds whose tasks are released with the plan: HoldTasks.
CREATE INDEX assessplan_enrollments_plan ON assessplan_enrollments (plan_id, id);

-- Most updates open or end a task and change a few columns: room on its page keeps the new version beside the old one, and
-- most of it out of the log.
CREATE TABLE assessplan_tasks (
    id              uuid        NOT NULL PRIMARY KEY,
    org_id          text        NOT NULL COLLATE "C",
    plan_id         uuid        NOT NULL,
    enrollment_id   uuid        NOT NULL REFERENCES assessplan_enrollments (id),
    testee_id       text        NOT NULL COLLATE "C",
    scale_code      text        NOT NULL COLLATE "C",
    seq             integer     NOT NULL,

    planned_date    date        NOT NULL,
    planned_time    integer     NOT NULL,
    zone            text        NOT NULL COLLATE "C",
    planned_at      timestamptz NOT NULL,
    open_until      timestamptz,
    fill_until      timestamptz,
    due_at          timestamptz,
    revision        integer     NOT NULL,

    status          text        NOT NULL COLLATE "C",
    held            boolean     NOT NULL,
    next_attempt_at timestamptz,
    attempts        integer     NOT NULL,
    last_error      text        COLLATE "C",

    open_at         timestamptz,
    expire_at       timestamptz,
    entry_serial    integer     NOT NULL,
    token_hash      bytea,

    ended_at        timestamptz,
    end_reason      text        COLLATE "C",
    submitted_at    timestamptz,
    assessment_id   text        COLLATE "C",
    late            boolean     NOT NULL,

    created_at      timestamptz,
    version         bigint      NOT NULL,

    CONSTRAINT task_id           CHECK (id <> '00000000-0000-0000-0000-000000000000'),
    CONSTRAINT task_org          CHECK (octet_length(org_id) BETWEEN 1 AND 128),
    CONSTRAINT task_plan         CHECK (plan_id <> '00000000-0000-0000-0000-000000000000'),
    CONSTRAINT task_testee       CHECK (octet_length(testee_id) BETWEEN 1 AND 128),
    CONSTRAINT task_scale        CHECK (octet_length(scale_code) BETWEEN 1 AND 128),
    CONSTRAINT task_seq          CHECK (seq BETWEEN 1 AND 1000),

    CONSTRAINT task_planned_date CHECK (planned_date BETWEEN '0001-01-01' AND '9999-12-31'),
    CONSTRAINT task_planned_time CHECK (planned_time BETWEEN 0 AND 86399),
    CONSTRAINT task_zone         CHECK (octet_length(zone) BETWEEN 1 AND 64),
    CONSTRAINT task_open_until   CHECK (open_until >= planned_at),
    CONSTRAINT task_fill_until   CHECK (fill_until IS NULL OR fill_until >= planned_at AND coalesce(open_until <= fill_until, false)),
    CONSTRAINT task_due_at       CHECK (due_at >= planned_at),
    CONSTRAINT task_revision     CHECK (revision >= 1),

    CONSTRAINT task_status       CHECK (status IN ('pending', 'opened', 'completed', 'expired', 'canceled')),
    CONSTRAINT task_held         CHECK (NOT held OR status = 'pending'),
    CONSTRAINT task_next_attempt CHECK (CASE WHEN status <> 'pending' THEN next_attempt_at IS NULL
                                             WHEN attempts = 0 THEN next_attempt_at IS NOT DISTINCT FROM planned_at
                                             ELSE coalesce(next_attempt_at >= planned_at, false) END),
    CONSTRAINT task_attempts     CHECK (attempts >= 0 AND (attempts > 0) = (last_error IS NOT NULL)),

    CONSTRAINT task_open_at      CHECK (CASE status WHEN 'pending' THEN open_at IS NULL
                                                    WHEN 'opened' THEN open_at IS NOT NULL
                                                    WHEN 'completed' THEN open_at IS NOT NULL
                                                    ELSE true END
                                        AND (open_at IS NULL OR open_at >= planned_at AND entry_serial >= 1 AND attempts = 0)),
    CONSTRAINT task_expire_at    CHECK ((expire_at IS NULL) = (open_at IS NULL) AND coalesce(expire_at > open_at, true)
                                        AND coalesce(expire_at <= fill_until, true)),
    CONSTRAINT task_entry_serial CHECK (entry_serial >= 0),
    CONSTRAINT task_token_hash   CHECK (CASE WHEN token_hash IS NULL THEN status <> 'opened'
                                             ELSE octet_length(token_hash) = 32 AND open_at IS NOT NULL END),

    CONSTRAINT task_ended_at     CHECK ((ended_at IS NOT NULL) = (status IN ('completed', 'expired', 'canceled'))
                                        AND coalesce(ended_at >= open_at, true)),
    CONSTRAINT task_end_reason   CHECK (CASE status
                                            WHEN 'canceled' THEN coalesce(octet_length(end_reason) BETWEEN 1 AND 64, false)
                                            WHEN 'expired' THEN coalesce(end_reason IN ('missed_window', 'past_at_enrollment'), false)
                                                                AND open_at IS NULL
                                                                OR coalesce(end_reason IN ('entry_timeout', 'manual'), false)
                                                                AND open_at IS NOT NULL
                                            ELSE end_reason IS NULL END),
    CONSTRAINT task_submitted_at CHECK (CASE status
                                            WHEN 'completed' THEN coalesce(submitted_at >= open_at - interval '1 minute'
                                                                           AND submitted_at < expire_at, false)
                                            ELSE submitted_at IS NULL END),
    CONSTRAINT task_assessment   CHECK (CASE status
                                            WHEN 'completed' THEN coalesce(octet_length(assessment_id) BETWEEN 1 AND 128, false)
                                            ELSE assessment_id IS NULL END),
    CONSTRAINT task_late         CHECK (late = coalesce(submitted_at > due_at, false)),
    CONSTRAINT task_version      CHECK (version >= 1),
    CONSTRAINT task_instants     CHECK (least(planned_at, next_attempt_at, open_at, ended_at, submitted_at, created_at) >= '0001-01-01 00:00:00+00'
                                        AND greatest(planned_at, open_until, fill_until, due_at, next_attempt_at, expire_at, ended_at, created_at)
                                            < '10000-01-01 00:00:00+00')
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);

-- A round has a number once: SaveTasks; also the tasks of a round.
CREATE UNIQUE INDEX assessplan_tasks_round ON assessplan_tasks (enrollment_id, seq);
-- An assessment completes one task: SaveTasks.
CREATE UNIQUE INDEX assessplan_tasks_assessment ON assessplan_tasks (org_id, assessment_id) WHERE assessment_id IS NOT NULL;
-- Tasks to open, in their order: FindPendingTasks, OldestDue. What is opened, held or ended is not in it.
CREATE INDEX assessplan_tasks_due ON assessplan_tasks (next_attempt_at, id) WHERE status = 'pending' AND NOT held;
-- Tasks that could not be opened, which may be due later than they were planned: OldestDue.
CREATE INDEX assessplan_tasks_deferred ON assessplan_tasks (planned_at) WHERE status = 'pending' AND NOT held AND attempts > 0;
-- Tasks whose window closes, in their order: FindOverdueTasks(WindowMissed).
CREATE INDEX assessplan_tasks_missed ON assessplan_tasks (open_until, id)
    WHERE status = 'pending' AND NOT held AND open_until IS NOT NULL;
-- Tasks whose entry ends, in their order: FindOverdueTasks(EntryOver).
CREATE INDEX assessplan_tasks_expiring ON assessplan_tasks (expire_at, id) WHERE status = 'opened';
-- Pages of a plan's tasks: ListTasks, HoldTasks.
CREATE INDEX assessplan_tasks_plan ON assessplan_tasks (plan_id, id);

-- A row is written, leased and deleted within seconds. No index holds what a lease changes, and a page has room for the
-- leased versions of its rows, so that a lease touches no index.
CREATE TABLE assessplan_outbox (
    position     bigint      NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- grows with the order in which a subject's events were stored
    event_id     uuid        NOT NULL,
    subject      uuid        NOT NULL,
    version      bigint      NOT NULL,
    time         timestamptz NOT NULL,
    available_at timestamptz NOT NULL DEFAULT '0001-01-01 00:00:00+00', -- ready: from when; leased: until when
    attempts     integer     NOT NULL DEFAULT 0,
    failures     integer     NOT NULL DEFAULT 0,
    parked       boolean     NOT NULL DEFAULT false,
    type         text        NOT NULL COLLATE "C",
    org_id       text        NOT NULL COLLATE "C",
    last_error   text        COLLATE "C",
    data         bytea       NOT NULL,

    CONSTRAINT outbox_attempts CHECK (attempts >= 0),
    CONSTRAINT outbox_failures CHECK (failures >= 0)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

-- An event is stored once: SaveTasks and the other saves; SettleEvents.
CREATE UNIQUE INDEX assessplan_outbox_event ON assessplan_outbox (event_id);
-- The events of a subject, in their order: only the oldest may be claimed; EraseTestee.
CREATE INDEX assessplan_outbox_subject ON assessplan_outbox (subject, position);
-- Parked events, in their order: ListParkedEvents, OutboxStats.
CREATE INDEX assessplan_outbox_parked ON assessplan_outbox (position) WHERE parked;

-- +goose Down

DROP TABLE assessplan_outbox;
DROP TABLE assessplan_tasks;
DROP TABLE assessplan_enrollments;
DROP TABLE assessplan_plans;
