-- +goose Up

-- How often the publisher refused an event while it took others. It stands behind the payload, and is read of what is claimed.
ALTER TABLE assessplan_outbox ADD COLUMN failures INTEGER NOT NULL DEFAULT 0 CONSTRAINT outbox_failures CHECK (failures >= 0);

-- +goose Down

ALTER TABLE assessplan_outbox DROP COLUMN failures;
