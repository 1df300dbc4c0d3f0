-- What the library needs beside that. Nothing is dropped, and no row changes its meaning: whoever reads or writes the old
-- columns goes on, also after a way back to the old release. A row with version 0 is the host's alone: the library does not
-- see it before it is imported.
--
-- References are compared byte by byte, so they become VARBINARY, which also counts trailing spaces; a text stays the text
-- it was, in UTF-8. Instants are kept at microseconds, in UTC.

ALTER TABLE assessment_plan
    MODIFY org_id         VARBINARY(128) NOT NULL,
    MODIFY scale_code     VARBINARY(128) NOT NULL,
    MODIFY created_at     DATETIME(6)    NULL,
    ALTER trigger_interval SET DEFAULT 0,
    ALTER total_times      SET DEFAULT 0,
    ADD uid               BINARY(16)     NULL, -- the library's ID; one that was made from an integer is here too
    ADD external_ref      VARBINARY(128) NULL,
    ADD schedule          TEXT           NULL,
    ADD zone              VARBINARY(64)  NOT NULL DEFAULT '',
    ADD open_window       VARCHAR(32)    NOT NULL DEFAULT '',
    ADD fill_window       VARCHAR(32)    NOT NULL DEFAULT '',
    ADD due_window        VARCHAR(32)    NOT NULL DEFAULT '',
    ADD paused_at         DATETIME(6)    NULL,
    ADD ended_at          DATETIME(6)    NULL,
    ADD finish            VARCHAR(32)    NOT NULL DEFAULT '',
    ADD work_kind         VARCHAR(32)    NOT NULL DEFAULT '',
    ADD work_days         INT            NOT NULL DEFAULT 0,
    ADD work_after        BINARY(16)     NULL,
    ADD version           BIGINT         NOT NULL DEFAULT 0,
    ADD KEY plan_list (org_id, uid),                         -- ListPlans
    ADD UNIQUE KEY plan_external_ref (org_id, external_ref), -- FindPlanByRef
    ADD UNIQUE KEY plan_uid (uid);

ALTER TABLE assessment_task
    MODIFY org_id         VARBINARY(128) NOT NULL,
    MODIFY testee_id      VARBINARY(128) NOT NULL,
    MODIFY scale_code     VARBINARY(128) NOT NULL,
    MODIFY assessment_id  VARBINARY(128) NULL,
    MODIFY planned_at     DATETIME(6)    NOT NULL,
    MODIFY open_at        DATETIME(6)    NULL,
    MODIFY expire_at      DATETIME(6)    NULL,
    MODIFY completed_at   DATETIME(6)    NULL,
    MODIFY created_at     DATETIME(6)    NULL,
    ADD uid               BINARY(16)     NULL,
    ADD plan_uid          BINARY(16)     NULL,
    ADD enrollment_id     BINARY(16)     NULL,
    ADD planned_date      DATE           NULL,
    ADD planned_time      INT            NOT NULL DEFAULT 0, -- seconds since midnight
    ADD zone              VARBINARY(64)  NOT NULL DEFAULT '',
    ADD open_until        DATETIME(6)    NULL,
    ADD fill_until        DATETIME(6)    NULL,
    ADD due_at            DATETIME(6)    NULL,
    ADD revision          INT            NOT NULL DEFAULT 0,
    ADD held              BOOLEAN        NOT NULL DEFAULT FALSE,
    ADD next_attempt_at   DATETIME(6)    NULL,
    ADD attempts          INT            NOT NULL DEFAULT 0,
    ADD last_error        VARBINARY(64)  NOT NULL DEFAULT '',
    ADD entry_serial      INT            NOT NULL DEFAULT 0,
    ADD token_hash        BINARY(32)     NULL,
    ADD ended_at          DATETIME(6)    NULL,
    ADD end_reason        VARBINARY(64)  NOT NULL DEFAULT '',
    ADD late              BOOLEAN        NOT NULL DEFAULT FALSE,
    ADD version           BIGINT         NOT NULL DEFAULT 0,
    ADD UNIQUE KEY task_round (enrollment_id, seq),                       -- lists of a round, rounds that ended
    ADD UNIQUE KEY task_assessment (org_id, assessment_id),               -- an assessment completes one task
    ADD KEY task_due (status, held, next_attempt_at, uid),                -- FindPendingTasks
    ADD KEY task_missed (status, held, open_until, uid),                  -- FindOverdueTasks, WindowMissed
    ADD KEY task_expiring (status, held, expire_at, uid),                 -- FindOverdueTasks, EntryOver
    ADD KEY task_oldest (status, held, planned_at),                       -- OldestDue
    ADD KEY task_plan (plan_uid, uid),                                    -- lists of a plan, HoldTasks
    ADD KEY task_testee (org_id, testee_id),                              -- lists of a testee, EraseTestee
    ADD UNIQUE KEY task_uid (uid);

CREATE TABLE assessment_enrollment (
    id            BINARY(16)      NOT NULL,
    org_id        VARBINARY(128)  NOT NULL,
    plan_uid      BINARY(16)      NOT NULL,
    testee_id     VARBINARY(128)  NOT NULL,
    round         INT             NOT NULL,
    start         DATE            NOT NULL,
    zone          VARBINARY(64)   NOT NULL,
    reconsented   BOOLEAN         NOT NULL,
    status        VARBINARY(16)   NOT NULL,
    planned       INT             NOT NULL,
    paused_at     DATETIME(6)     NULL,
    shifted_days  INT             NOT NULL,
    ended_at      DATETIME(6)     NULL,
    end_reason    VARBINARY(64)   NOT NULL,
    end_note      VARBINARY(500)  NOT NULL,
    closable_from DATETIME(6)     NOT NULL, -- no instant is the first of the year 1, so that it sorts first
    created_at    DATETIME(6)     NULL,
    version       BIGINT          NOT NULL,
    running       BOOLEAN AS (CASE WHEN status IN ('active', 'paused') THEN TRUE END) STORED, -- NULL is not unique
    PRIMARY KEY (id),
    UNIQUE KEY enrollment_round (plan_uid, testee_id, round),
    UNIQUE KEY enrollment_start (plan_uid, testee_id, start),
    UNIQUE KEY enrollment_running (plan_uid, testee_id, running),
    KEY enrollment_closable (running, closable_from, id),                 -- FindEndedEnrollments
    KEY enrollment_testee (org_id, testee_id, plan_uid, round)            -- FindRounds, EraseTestee
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE assessment_outbox (
    position     BIGINT          NOT NULL AUTO_INCREMENT,
    event_id     BINARY(16)      NOT NULL,
    type         VARBINARY(128)  NOT NULL,
    org_id       VARBINARY(128)  NOT NULL,
    subject      BINARY(16)      NOT NULL,
    version      BIGINT          NOT NULL,
    time         DATETIME(6)     NOT NULL,
    attempts     INT             NOT NULL,
    failures     INT             NOT NULL,
    available_at DATETIME(6)     NOT NULL,
    parked       BOOLEAN         NOT NULL,
    last_error   VARBINARY(64)   NOT NULL,
    data         LONGBLOB        NOT NULL,
    PRIMARY KEY (position),
    UNIQUE KEY outbox_event (event_id),
    KEY outbox_subject (subject, position), -- only the oldest event of a subject is claimed
    KEY outbox_queue (parked, position)     -- ClaimEvents, ListParkedEvents
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
