-- The tables as the host has had them for years: integer keys, no rounds, no outbox, texts in the server's default
-- collation, times in UTC at milliseconds, and the entry's token in clear.

CREATE TABLE assessment_plan (
    id               BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    org_id           VARCHAR(64)     NOT NULL,
    scale_code       VARCHAR(64)     NOT NULL,
    schedule_type    VARCHAR(16)     NOT NULL, -- by_day or by_week
    trigger_interval INT             NOT NULL,
    total_times      INT             NOT NULL,
    status           VARCHAR(16)     NOT NULL,
    created_at       DATETIME(3)     NOT NULL,
    updated_at       DATETIME(3)     NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE assessment_task (
    id               BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    plan_id          BIGINT UNSIGNED NOT NULL,
    org_id           VARCHAR(64)     NOT NULL,
    testee_id        VARCHAR(64)     NOT NULL,
    scale_code       VARCHAR(64)     NOT NULL,
    seq              INT             NOT NULL,
    planned_at       DATETIME(3)     NOT NULL,
    open_at          DATETIME(3)     NULL,
    expire_at        DATETIME(3)     NULL,
    completed_at     DATETIME(3)     NULL,
    status           VARCHAR(16)     NOT NULL, -- pending, opened, completed, expired or canceled
    assessment_id    VARCHAR(64)     NULL,
    entry_token      VARCHAR(64)     NULL,
    entry_url        VARCHAR(512)    NULL,
    created_at       DATETIME(3)     NOT NULL,
    updated_at       DATETIME(3)     NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (id),
    KEY idx_plan_testee (plan_id, testee_id),
    KEY idx_status_planned (status, planned_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
